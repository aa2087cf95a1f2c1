// Every operation on vectors: each shape, condition and lane, with operands in registers, as
// constants, folded from memory, and the same operand twice; shifts by every amount. Compiled code
// against the interpreter, under the settings of VectorVariants.
#include <string>
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

Type ArgType(const InstData& operation, size_t i) {
  switch (Info(operation.opcode()).args[i]) {
    case 'i':
    case 'c':
      return Type::kI32;
    case 'e':
      return LaneScalar(operation.type());
    default:
      return Type::kV128;
  }
}
size_t NumArgs(const InstData& operation) { return Info(operation.opcode()).num_args; }

// Operations that need FMA: without it the backend refuses them.
bool IsFused(Opcode opcode) { return opcode == Opcode::kVfma || opcode == Opcode::kVfnma; }

// All operations that compute with vectors, but shuffles, which have a test of their own.
std::vector<InstData> AllOperations(bool fused) {
  std::vector<InstData> operations;
  for (size_t i = 0; i < kNumOpcodes; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const OpcodeInfo& info = Info(opcode);
    if (!IsPure(opcode) || info.num_args == 0 || info.format == Format::kShuffle) continue;
    if (IsFused(opcode) != fused) continue;
    for (Type type : kAllTypes) {
      if (!IsVector(type) || !Contains(info.types, type)) continue;
      uint32_t immediates = 1;
      if (info.format == Format::kIntCompare) immediates = kNumIntCCs;
      if (info.format == Format::kFloatCompare) immediates = kNumFloatCCs;
      if (info.format == Format::kLane || info.format == Format::kLaneBinary) {
        immediates = LaneCount(type);
      }
      for (uint32_t k = 0; k < immediates; ++k) {
        operations.emplace_back(opcode, type, static_cast<uint16_t>(k));
      }
    }
  }
  return operations;
}

// The shape in which the operands of an operation are edge values.
Type OperandShape(const InstData& operation) {
  const Type type = operation.type();
  switch (operation.opcode()) {
    case Opcode::kVnarrowS:
    case Opcode::kVnarrowU:
      return type == Type::kI8X16 ? Type::kI16X8 : Type::kI32X4;
    case Opcode::kVextendLowS:
    case Opcode::kVextendLowU:
    case Opcode::kVextendHighS:
    case Opcode::kVextendHighU:
    case Opcode::kVextaddPairwiseS:
    case Opcode::kVextaddPairwiseU:
    case Opcode::kVextmulLowS:
    case Opcode::kVextmulLowU:
    case Opcode::kVextmulHighS:
    case Opcode::kVextmulHighU:
    case Opcode::kVdotS:
      return type == Type::kI16X8   ? Type::kI8X16
             : type == Type::kI32X4 ? Type::kI16X8
                                    : Type::kI32X4;
    case Opcode::kVdotUsSat:
    case Opcode::kVdotUsAdd:
      return Type::kI8X16;
    case Opcode::kVfcvtFromSint:
    case Opcode::kVfcvtFromUint:
      return Type::kI32X4;
    case Opcode::kVpromoteLow:
      return Type::kF32X4;
    case Opcode::kVdemote:
      return Type::kF64X2;
    default:
      return IsShape(type) ? type : Type::kI64X2;
  }
}

enum class Source { kParam, kConstant, kLoad, kSameAsFirst };

// A function of the operation whose operands come from `sources`, constants being `constants`.
// Parameters are the address of memory and the operands, used or not. Loads read the last bytes of
// memory.
void Build(Differential& differential, const InstData& operation,
           const std::vector<Source>& sources, const std::vector<RawValue>& constants) {
  const OpcodeInfo& info = Info(operation.opcode());
  std::vector<Type> params = {Type::kI64};
  for (size_t i = 0; i < NumArgs(operation); ++i) params.push_back(ArgType(operation, i));
  Function& func =
      differential.NewFunction(params, {ResultTypeOf(info.results[0], operation.type())});
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const std::vector<Value> values(func.dfg.block_params(entry).begin(),
                                  func.dfg.block_params(entry).end());
  InstData data = operation;
  for (size_t i = 0; i < NumArgs(operation); ++i) {
    const Type type = params[i + 1];
    Value value = values[i + 1];
    switch (sources[i]) {
      case Source::kParam:
        break;
      case Source::kConstant:
        value = MakeConstant(b, type, constants[i]);
        break;
      case Source::kLoad:
        value = b.Load(type, MemFlags::Trapping(TrapCode{1}), values[0],
                       static_cast<int32_t>(Differential::kMemoryBytes - TypeBytes(type)));
        break;
      case Source::kSameAsFirst:
        // Of the same type: vectors.
        value = data.arg(0);
        break;
    }
    data.set_arg(i, value);
  }
  b.Return({func.dfg.result(b.Insert(data))});
}

// Number `i` of the combinations of edge values for all operands, and how many there are.
class Combinations {
 public:
  explicit Combinations(const InstData& operation)
      : operation_(operation), pairs_(EdgePairs(OperandShape(operation))) {}

  size_t size() const { return pairs_.first.size(); }
  std::vector<RawValue> At(size_t i) const {
    std::vector<RawValue> args;
    for (size_t k = 0; k < NumArgs(operation_); ++k) {
      const Type type = ArgType(operation_, k);
      if (type != Type::kV128) {
        const std::vector<uint64_t> edges = EdgeValues(type);
        args.emplace_back(edges[i % edges.size()]);
      } else if (k == 1 || (k == 2 && i % 2 == 0)) {
        args.push_back(pairs_.second[(i + k - 1) % size()]);
      } else {
        args.push_back(pairs_.first[(i + 3 * k) % size()]);
      }
    }
    return args;
  }
  void Try(Differential& differential, size_t step) const {
    for (size_t i = 0; i < size(); i += step) {
      std::vector<RawValue> args = {MemoryAddress()};
      for (const RawValue& arg : At(i)) args.push_back(arg);
      differential.Try(std::move(args));
    }
  }

 private:
  const InstData& operation_;
  VectorPairs pairs_;
};

// With the parameter true, the operations that are fused, on machines that have them.
class VectorOperationsTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (Variants().empty()) GTEST_SKIP() << "the host has no fused multiplication";
  }
  std::vector<InstData> Operations() const { return AllOperations(GetParam()); }
  std::vector<Variant> Variants() const {
    std::vector<Variant> variants;
    for (Variant& variant : TestedBackend().VectorVariants(0)) {
      if (variant.has_fused || !GetParam()) variants.push_back(std::move(variant));
    }
    return variants;
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, VectorOperationsTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Fused" : "Unfused"; });

TEST_P(VectorOperationsTest, AllInRegisters) {
  const std::vector<InstData> operations = Operations();
  EXPECT_GE(operations.size(), GetParam() ? 4u : 300u);
  Differential differential;
  for (const InstData& operation : operations) {
    Build(differential, operation, std::vector<Source>(NumArgs(operation), Source::kParam), {});
    Combinations(operation).Try(differential, 1);
  }
  differential.Run(Variants());
}

// The same operand twice, and three times (lessons.md row 9).
TEST_P(VectorOperationsTest, TheSameOperandTwice) {
  Differential differential;
  for (const InstData& operation : Operations()) {
    if (ArgType(operation, 0) != Type::kV128) continue;
    const size_t count = NumArgs(operation);
    for (size_t mask = 1; mask < size_t{1} << (count - 1); ++mask) {
      std::vector<Source> sources(count, Source::kParam);
      bool any = false;
      for (size_t i = 1; i < count; ++i) {
        if ((mask >> (i - 1) & 1) == 0 || ArgType(operation, i) != Type::kV128) continue;
        sources[i] = Source::kSameAsFirst;
        any = true;
      }
      if (!any) continue;
      Build(differential, operation, sources, {});
      Combinations(operation).Try(differential, 3);
    }
  }
  differential.Run(Variants());
}

// Each operand as a constant in turn, then all vectors.
TEST_P(VectorOperationsTest, ConstantOperands) {
  for (size_t position = 0; position < 4; ++position) {
    Differential differential;
    for (const InstData& operation : Operations()) {
      const size_t count = NumArgs(operation);
      if (position < 3 && position >= count) continue;
      std::vector<Source> sources(count, position == 3 ? Source::kConstant : Source::kParam);
      if (position < 3) sources[position] = Source::kConstant;
      const Combinations combinations(operation);
      for (size_t i = 0; i < combinations.size(); i += 1 + combinations.size() / 5) {
        Build(differential, operation, sources, combinations.At(i));
        combinations.Try(differential, 1 + combinations.size() / 4);
      }
      // Masks that have encodings of their own.
      for (uint64_t bits : {uint64_t{0}, ~uint64_t{0}}) {
        std::vector<RawValue> constants;
        for (size_t i = 0; i < count; ++i) {
          constants.push_back(ArgType(operation, i) == Type::kV128 ? RawValue(bits, bits)
                                                                   : RawValue(0));
        }
        Build(differential, operation, sources, constants);
        combinations.Try(differential, 1 + combinations.size() / 3);
      }
    }
    differential.Run(Variants());
  }
}

// Operands folded from the last bytes of memory: all of a vector, or of a scalar, and no more
// (lessons.md row 14).
TEST_P(VectorOperationsTest, OperandsFromTheEndOfMemory) {
  Differential differential;
  for (const InstData& operation : Operations()) {
    const size_t count = NumArgs(operation);
    for (size_t mask = 1; mask < size_t{1} << count; ++mask) {
      std::vector<Source> sources(count, Source::kParam);
      for (size_t i = 0; i < count; ++i) {
        if ((mask >> i & 1) != 0) sources[i] = Source::kLoad;
      }
      Build(differential, operation, sources, {});
      const Combinations combinations(operation);
      combinations.Try(differential, 1 + combinations.size() / 3);
    }
  }
  differential.Run(Variants());
}

// Every constant amount from 0 to beyond twice the width, and variable ones (lessons.md row 10).
TEST(VectorUsesTest, ShiftsByEveryAmount) {
  Differential differential;
  for (Opcode opcode : {Opcode::kVshl, Opcode::kVshrS, Opcode::kVshrU}) {
    for (Type shape : {Type::kI8X16, Type::kI16X8, Type::kI32X4, Type::kI64X2}) {
      const InstData operation(opcode, shape);
      const VectorPairs pairs = EdgePairs(shape);
      std::vector<uint64_t> amounts;
      for (uint32_t i = 0; i <= 2 * LaneBits(shape) + 1; ++i) amounts.push_back(i);
      for (uint64_t i : {0xFFFFFFFFu, 0x80000000u, 0x100u, 0x1000Fu, 0x80000007u}) {
        amounts.push_back(i);
      }
      for (uint64_t amount : amounts) {
        Build(differential, operation, {Source::kParam, Source::kConstant},
              {RawValue(), RawValue(amount)});
        for (size_t i = 0; i < pairs.first.size(); i += 1 + pairs.first.size() / 9) {
          differential.Try({MemoryAddress(), pairs.second[i], RawValue(0)});
        }
      }
      Build(differential, operation, {Source::kParam, Source::kParam}, {});
      for (uint64_t amount : amounts) {
        for (size_t i = 0; i < pairs.first.size(); i += 1 + pairs.first.size() / 5) {
          differential.Try({MemoryAddress(), pairs.second[i], RawValue(amount)});
        }
      }
      // A constant vector by a variable amount.
      Build(differential, operation, {Source::kConstant, Source::kParam},
            {pairs.second[0], RawValue()});
      for (uint64_t amount : amounts) {
        differential.Try({MemoryAddress(), RawValue(), RawValue(amount)});
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// What is computed of comparisons, selected by them or branched on: masks that are all ones or
// zero in each lane invite shorter code.
TEST(VectorUsesTest, MasksOfComparisons) {
  using Use = Value (*)(InstBuilder&, Type, Value, Value, Value);
  static constexpr Use kUses[] = {
      [](InstBuilder& b, Type, Value m, Value x, Value y) { return b.Vbitselect(m, x, y); },
      [](InstBuilder& b, Type, Value m, Value x, Value y) { return b.Vbitselect(b.Vnot(m), x, y); },
      [](InstBuilder& b, Type t, Value m, Value x, Value y) {
        return t == Type::kI16X8 ? b.Vblend(Type::kI8X16, m, x, y) : b.Vblend(t, m, x, y);
      },
      [](InstBuilder& b, Type, Value m, Value x, Value) { return b.Vand(m, x); },
      [](InstBuilder& b, Type, Value m, Value x, Value) { return b.VandNot(x, m); },
      [](InstBuilder& b, Type, Value m, Value, Value) { return b.Vnot(m); },
      [](InstBuilder& b, Type t, Value m, Value, Value) { return b.Vneg(t, m); },
      [](InstBuilder& b, Type t, Value m, Value x, Value) { return b.Vsub(t, x, m); },
      [](InstBuilder& b, Type t, Value m, Value, Value) {
        return b.Vsplat(Type::kI32X4, b.Vbitmask(t, m));
      },
      [](InstBuilder& b, Type, Value m, Value, Value) {
        return b.Vsplat(Type::kI32X4, b.VanyTrue(m));
      },
      [](InstBuilder& b, Type t, Value m, Value, Value) {
        return b.Vsplat(Type::kI32X4, b.VallTrue(t, m));
      },
      [](InstBuilder& b, Type, Value m, Value x, Value y) { return b.Select(b.VanyTrue(m), x, y); },
      [](InstBuilder& b, Type t, Value m, Value x, Value y) {
        return b.Select(b.VallTrue(t, m), x, y);
      },
      [](InstBuilder& b, Type t, Value m, Value x, Value y) {
        const Value masked = b.Band(b.Vbitmask(t, m), b.I32(5));
        return b.Select(b.Icmp(IntCC::kEq, masked, b.I32(1)), x, y);
      },
  };
  Differential differential;
  for (Type shape : kShapes) {
    const bool is_float = IsFloat(LaneType(shape));
    const Type ints = shape == Type::kF32X4   ? Type::kI32X4
                      : shape == Type::kF64X2 ? Type::kI64X2
                                              : shape;
    const int conditions = is_float ? kNumFloatCCs : kNumIntCCs;
    const VectorPairs pairs = EdgePairs(shape);
    for (int cc = 0; cc < conditions; ++cc) {
      for (const Use use : kUses) {
        Function& func = differential.NewFunction({Type::kV128, Type::kV128}, {Type::kV128});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const Value x = func.dfg.block_params(entry)[0];
        const Value y = func.dfg.block_params(entry)[1];
        const Value mask = is_float ? b.Vfcmp(shape, static_cast<FloatCC>(cc), x, y)
                                    : b.Vicmp(shape, static_cast<IntCC>(cc), x, y);
        b.Return({use(b, ints, mask, x, y)});
        for (size_t i = 0; i < pairs.first.size(); i += 1 + pairs.first.size() / 12) {
          differential.Try({pairs.first[i], pairs.second[i]});
          if (i == 0) differential.Try({pairs.second[i], pairs.second[i]});
        }
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// Truth of vectors as what a branch asks.
TEST(VectorUsesTest, BranchesOnTruth) {
  Differential differential;
  for (int kind = 0; kind < 6; ++kind) {
    for (Type shape : {Type::kI8X16, Type::kI16X8, Type::kI32X4, Type::kI64X2}) {
      Function& func = differential.NewFunction({Type::kV128}, {Type::kI32});
      InstBuilder b(&func);
      const Block entry = b.MakeEntryBlock();
      const Value x = func.dfg.block_params(entry)[0];
      Value truth = kind % 3 == 0   ? b.VanyTrue(x)
                    : kind % 3 == 1 ? b.VallTrue(shape, x)
                                    : b.Vbitmask(shape, x);
      if (kind >= 3) truth = b.Icmp(IntCC::kEq, truth, b.I32(0));
      const Block yes = b.MakeBlock();
      const Block no = b.MakeBlock();
      b.Brif(truth, yes, {}, no, {});
      b.Begin(yes);
      b.Return({b.I32(1)});
      b.Begin(no);
      b.Return({b.I32(2)});
      const uint64_t ones = ~uint64_t{0};
      for (const RawValue& value :
           {RawValue(0), RawValue(1), RawValue(0, 1), RawValue(ones, ones), RawValue(ones),
            RawValue(0x0101010101010101, 0x0101010101010101), RawValue(0, uint64_t{1} << 63),
            RawValue(0x0001000100010001, 0x0001000100010001), RawValue(0x80, 0),
            RawValue(0x0000000100000001, 0x0000000100000001), RawValue(1, 1)}) {
        differential.Try({value});
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

}  // namespace
}  // namespace gantry::codegen
