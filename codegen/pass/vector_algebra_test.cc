// Every operation on vectors of operands of every kind, before and after value numbering in the
// interpreter.
#include "codegen/pass/vector_algebra.h"

#include <map>
#include <string>
#include <vector>

#include "codegen/generate/random_source.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

// Ways to make an operand.
constexpr int kVectorKinds = 14;
constexpr int kAmountKinds = 5;

constexpr Type kParams[] = {Type::kV128, Type::kV128, Type::kV128, Type::kI32,
                            Type::kI64,  Type::kF32,  Type::kF64};

Value Scalar(Type type, absl::Span<const Value> params) {
  for (size_t i = 3; i < std::size(kParams); ++i) {
    if (kParams[i] == type) return params[i];
  }
  return Value::None();
}

// The vector of that kind; `t` is the shape of the operation that it is for.
Value Vector(int kind, Type t, InstBuilder& b, absl::Span<const Value> p) {
  const Type shape = IsShape(t) ? t : Type::kI8X16;
  const Value scalar = Scalar(LaneScalar(shape), p);
  const ShuffleLanes lanes = {3, 3, 17, 31, 0, 1, 2, 15, 16, 9, 9, 8, 7, 30, 29, 4};
  switch (kind) {
    case 0:
      return p[0];
    case 1:
      return p[1];
    case 2:
      return b.V128const(0, 0);
    case 3:
      return b.V128const(~uint64_t{0}, ~uint64_t{0});
    case 4:
      return b.V128const(0x00FF00FFFF00FF00, 0xFFFFFFFF00000080);
    case 5:
      return b.V128const(0x0706050403020100, 0x000102030405060F);
    case 6:
      return b.V128const(0x8786858403120100, 0xF00102030405060F);
    case 7:
      return b.Vnot(p[0]);
    case 8:
      return b.Vneg(IsInt(LaneType(shape)) ? shape : Type::kI32X4, p[0]);
    case 9:
      return b.Vfneg(IsFloat(LaneType(shape)) ? shape : Type::kF32X4, p[0]);
    case 10:
      return b.Vsplat(shape, scalar);
    case 11:
      return b.Vreplace(shape, p[0], scalar, LaneCount(shape) - 1);
    case 12:
      return b.Vshuffle(p[0], p[1], lanes);
    default:
      return LaneBits(shape) >= 32 ? b.Vscalar(shape, scalar) : b.Vfabs(Type::kF32X4, p[2]);
  }
}

Value Amount(int kind, Type t, InstBuilder& b, absl::Span<const Value> p) {
  const int32_t w = static_cast<int32_t>(LaneBits(t));
  switch (kind) {
    case 0:
      return p[3];
    case 1:
      return b.I32(0);
    case 2:
      return b.I32(w);
    case 3:
      return b.I32(-2 * w);
    default:
      return b.I32(w + 1);
  }
}

std::vector<InstData> Immediates(Opcode opcode, Type type) {
  std::vector<InstData> all;
  const auto add = [&](uint32_t immediate) {
    all.emplace_back(opcode, type, static_cast<uint16_t>(immediate));
  };
  switch (Info(opcode).format) {
    case Format::kIntCompare:
      for (uint32_t i = 0; i < kNumIntCCs; ++i) add(i);
      break;
    case Format::kFloatCompare:
      for (uint32_t i = 0; i < kNumFloatCCs; ++i) add(i);
      break;
    case Format::kLane:
    case Format::kLaneBinary:
      add(0);
      add(LaneCount(type) - 1);
      break;
    case Format::kShuffle: {
      const ShuffleLanes patterns[] = {
          {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
          {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
          {0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31},
          {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
          {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16},
          {5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5},
          {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}};
      for (const ShuffleLanes& lanes : patterns) {
        add(0);
        all.back().set_shuffle_lanes(lanes);
      }
      break;
    }
    default:
      add(0);
      break;
  }
  return all;
}

class VectorAlgebraTest : public ::testing::Test {
 protected:
  VectorAlgebraTest() {
    RandomSource random(5);
    for (std::vector<RawValue>& args : args_) {
      for (Type type : kParams) {
        const uint64_t bits = random.Bits64();
        args.push_back(type == Type::kV128 ? RawValue(bits, random.Bits64())
                                           : RawValue(bits & TypeMask(type)));
      }
    }
  }

  // The operation with operands of kinds that `choice` has the digits of; false if there are no
  // more.
  bool Try(const InstData& operation, int choice) {
    const OpcodeInfo& info = Info(operation.opcode());
    Function func;
    for (Type type : kParams) func.signature.params.push_back(type);
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    const std::vector<Value> params(func.dfg.block_params(entry).begin(),
                                    func.dfg.block_params(entry).end());
    InstData data = operation;
    for (size_t i = 0; i < info.num_args; ++i) {
      const Type t = data.type();
      Value value;
      if (info.args[i] == 'v') {
        value = Vector(choice % kVectorKinds, t, b, params);
        choice /= kVectorKinds;
      } else if (info.args[i] == 'i') {
        value = Amount(choice % kAmountKinds, t, b, params);
        choice /= kAmountKinds;
      } else {
        value = Scalar(LaneScalar(t), params);
      }
      data.set_arg(i, value);
    }
    if (choice > 0) return false;
    const Inst inst = b.Insert(data);
    const Value result = func.dfg.result(inst);
    func.signature.returns.push_back(func.dfg.value_type(result));
    b.Return({result});
    Function after = func;
    PassAnalyses analyses;
    changed_[operation.opcode()] += gvn_.Run(&after, &analyses) ? 1 : 0;
    const absl::Status status = verifier_.Verify(after);
    EXPECT_TRUE(status.ok()) << status;
    for (const std::vector<RawValue>& args : args_) {
      Interpreter interpreter;
      const absl::StatusOr<Outcome> expected = interpreter.Run(func, args);
      const absl::StatusOr<Outcome> actual = interpreter.Run(after, args);
      EXPECT_TRUE(expected.ok() && actual.ok() && *expected == *actual)
          << PrintFunction(func) << PrintFunction(after);
      if (HasFailure()) return false;
    }
    return true;
  }

  GvnPass gvn_;
  Verifier verifier_;
  std::vector<RawValue> args_[3];
  std::map<Opcode, int> changed_;
};

TEST_F(VectorAlgebraTest, KeepsWhatEveryOperationDoes) {
  for (size_t i = 0; i < kNumOpcodes; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const OpcodeInfo& info = Info(opcode);
    if (!IsPure(opcode) || info.num_args == 0) continue;
    for (Type type : kAllTypes) {
      if (!IsVector(type) || !Contains(info.types, type) || opcode == Opcode::kSelect) continue;
      for (const InstData& operation : Immediates(opcode, type)) {
        for (int choice = 0; Try(operation, choice); ++choice) {
        }
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  for (Opcode opcode :
       {Opcode::kVand,      Opcode::kVor,      Opcode::kVxor,           Opcode::kVandNot,
        Opcode::kVnot,      Opcode::kVneg,     Opcode::kVfneg,          Opcode::kVfabs,
        Opcode::kVadd,      Opcode::kVsub,     Opcode::kVmul,           Opcode::kVminS,
        Opcode::kVavgU,     Opcode::kVshl,     Opcode::kVshrS,          Opcode::kVshrU,
        Opcode::kVicmp,     Opcode::kVshuffle, Opcode::kVswizzle,       Opcode::kVbitselect,
        Opcode::kVextractU, Opcode::kVreplace, Opcode::kVswizzleMasked, Opcode::kVblend}) {
    EXPECT_GT(changed_[opcode], 0) << opcode;
  }
}

}  // namespace
}  // namespace gantry::codegen
