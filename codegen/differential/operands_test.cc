// Every opcode of arithmetic, comparison and conversion, at every width, with each operand in a
// register, as a constant and folded from memory; and every shape of address. Compiled code
// against the interpreter, under the settings of differential.h.
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "codegen/differential/differential.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr Type kScalars[] = {Type::kI8, Type::kI16, Type::kI32, Type::kI64, Type::kF32, Type::kF64};

// An opcode with a type and an immediate, and what it takes.
struct Operation {
  Opcode opcode;
  Type type;
  uint16_t immediate = 0;
  std::vector<Type> args;
};

std::vector<Type> AcceptedTypes(char letter, Type type) {
  std::vector<Type> types;
  for (Type candidate : kScalars) {
    if (LetterAccepts(letter, type, candidate)) types.push_back(candidate);
  }
  return types;
}

// All pure and trapping operations of the table on values.
std::vector<Operation> AllOperations() {
  std::vector<Operation> operations;
  for (size_t i = 0; i < kNumOpcodes; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const OpcodeInfo& info = Info(opcode);
    int immediates = 1;
    uint16_t immediate = 0;
    switch (info.format) {
      case Format::kUnary:
      case Format::kConvert:
      case Format::kBinary:
      case Format::kBinaryPair:
      case Format::kTernaryPair:
      case Format::kSelect:
        break;
      case Format::kDivision:
        immediate = 3;
        break;
      case Format::kTrappingConvert:
      case Format::kSignedDivision:
        immediate = InstData::PackTrapCodes(TrapCode{3}, TrapCode{4});
        break;
      case Format::kIntCompare:
        immediates = kNumIntCCs;
        break;
      case Format::kFloatCompare:
        immediates = kNumFloatCCs;
        break;
      default:
        continue;
    }
    for (Type type : kScalars) {
      if (!Contains(info.types, type)) continue;
      // The cross product of what the operands may be.
      std::vector<std::vector<Type>> lists = {{}};
      for (const char* letter = info.args; *letter != 0; ++letter) {
        std::vector<std::vector<Type>> longer;
        for (const std::vector<Type>& list : lists) {
          for (Type candidate : AcceptedTypes(*letter, type)) {
            longer.push_back(list);
            longer.back().push_back(candidate);
          }
        }
        lists = longer;
      }
      for (const std::vector<Type>& list : lists) {
        for (int k = 0; k < immediates; ++k) {
          operations.push_back(
              {opcode, type, static_cast<uint16_t>(immediates > 1 ? k : immediate), list});
        }
      }
    }
  }
  return operations;
}

std::vector<Type> ResultTypes(const Operation& operation) {
  std::vector<Type> types;
  for (const char* letter = Info(operation.opcode).results; *letter != 0; ++letter) {
    types.push_back(ResultTypeOf(*letter, operation.type));
  }
  return types;
}

// Where an operand comes from.
struct Source {
  enum Kind { kParam, kConstant, kLoad } kind = kParam;
  uint64_t constant = 0;
};

// A function of the operation whose operands come from `sources`. Parameters are the address
// of memory and the operands, used or not. A load reads the last bytes of memory.
void Build(Differential& differential, const Operation& operation,
           const std::vector<Source>& sources) {
  std::vector<Type> params = {Type::kI64};
  params.insert(params.end(), operation.args.begin(), operation.args.end());
  Function& func = differential.NewFunction(params, ResultTypes(operation));
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const std::vector<Value> values(func.dfg.block_params(entry).begin(),
                                  func.dfg.block_params(entry).end());
  InstData data(operation.opcode, operation.type, operation.immediate);
  for (size_t i = 0; i < operation.args.size(); ++i) {
    const Type type = operation.args[i];
    Value value = values[i + 1];
    if (sources[i].kind == Source::kConstant) {
      value = MakeConstant(b, type, RawValue(sources[i].constant));
    } else if (sources[i].kind == Source::kLoad) {
      value = b.Load(type, MemFlags::Trapping(TrapCode{1}), values[0],
                     static_cast<int32_t>(Differential::kMemoryBytes - TypeBytes(type)));
    }
    data.set_arg(i, value);
  }
  const Inst inst = b.Insert(data);
  std::vector<Value> results;
  for (Value result : func.dfg.results(inst)) results.push_back(result);
  b.Return(results);
}

// A few combinations of edge values for the operands, the address first.
void TryEdges(Differential& differential, const Operation& operation, size_t step) {
  std::vector<std::vector<uint64_t>> edges;
  size_t most = 1;
  for (Type type : operation.args) {
    edges.push_back(EdgeValues(type));
    most = std::max(most, edges.back().size());
  }
  for (size_t i = 0; i < most; i += step) {
    std::vector<RawValue> args = {MemoryAddress()};
    for (size_t k = 0; k < edges.size(); ++k) {
      args.push_back(RawValue(edges[k][(i * (k + 1) + 3 * k) % edges[k].size()]));
    }
    differential.Try(args);
  }
}

MemFlags Checked() { return MemFlags::Trapping(TrapCode{1}); }

// Immediates of every class and width (lessons rows 5, 10 and 15).
TEST(OperandsTest, EachOperandAsConstant) {
  const std::vector<Operation> operations = AllOperations();
  EXPECT_GT(operations.size(), 250u);
  for (size_t position = 0; position < 3; ++position) {
    Differential differential;
    for (const Operation& operation : operations) {
      if (position >= operation.args.size()) continue;
      for (uint64_t constant : EdgeValues(operation.args[position])) {
        std::vector<Source> sources(operation.args.size());
        sources[position] = {Source::kConstant, constant};
        Build(differential, operation, sources);
        TryEdges(differential, operation, 5);
      }
    }
    differential.Run();
  }
}

// An operand folded from the last bytes of memory: read at its own width and no wider (lessons
// row 14). The second time both operands are loads, of which one at most can be folded.
TEST(OperandsTest, EachOperandFromTheEndOfMemory) {
  Differential differential;
  for (const Operation& operation : AllOperations()) {
    const size_t count = operation.args.size();
    for (size_t mask = 1; mask < size_t{1} << count; ++mask) {
      std::vector<Source> sources(count);
      for (size_t i = 0; i < count; ++i) {
        if ((mask >> i & 1) != 0) sources[i].kind = Source::kLoad;
      }
      Build(differential, operation, sources);
      TryEdges(differential, operation, 4);
    }
  }
  differential.Run();
}

// Every load and store at the last place of memory where it fits, and a byte behind it (lessons
// row 14): what it reads is extended, compared, or kept as it is; what it writes is a parameter or
// a constant.
TEST(OperandsTest, EveryAccessAtTheEndOfMemory) {
  Differential differential;
  const auto bytes_of = [](Opcode opcode, Type type) -> int32_t {
    const std::string name = Info(opcode).name;
    if (name.ends_with("16")) return 2;
    if (name.ends_with("32")) return 4;
    return name.ends_with("8") ? 1 : static_cast<int32_t>(TypeBytes(type));
  };
  for (size_t i = 0; i < kNumOpcodes; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const Format format = Info(opcode).format;
    if (format != Format::kLoad && format != Format::kStore) continue;
    for (Type type : kScalars) {
      if (!Contains(Info(opcode).types, type)) continue;
      const int32_t last =
          static_cast<int32_t>(Differential::kMemoryBytes) - bytes_of(opcode, type);
      for (int32_t offset : {last, last + 1}) {
        for (int use = 0; use < 4; ++use) {
          const bool narrow = IsInt(type) && type != Type::kI64;
          const bool is_load = format == Format::kLoad;
          if (is_load && (use == 2 || use == 3) && !narrow) continue;
          if (!is_load && use > 1) continue;
          std::vector<Type> returns;
          if (is_load) returns = {use == 0 ? type : use == 1 ? Type::kI32 : Type::kI64};
          Function& func = differential.NewFunction({Type::kI64, type}, returns);
          InstBuilder b(&func);
          const Block entry = b.MakeEntryBlock();
          const Value address = func.dfg.block_params(entry)[0];
          const Value x = func.dfg.block_params(entry)[1];
          InstData data(opcode, type);
          if (is_load) {
            data.set_arg(0, address);
          } else {
            data.set_arg(0, use == 0 ? x : MakeConstant(b, type, RawValue(EdgeValues(type)[7])));
            data.set_arg(1, address);
          }
          data.set_flags(MemFlags::Trapping(TrapCode{1}));
          data.set_offset(offset);
          const Inst inst = b.Insert(data);
          if (!is_load) {
            b.Return({});
          } else {
            const Value loaded = func.dfg.result(inst);
            b.Return({use == 0   ? loaded
                      : use == 1 ? IsInt(type) ? b.Icmp(IntCC::kUlt, x, loaded)
                                               : b.Fcmp(FloatCC::kLt, x, loaded)
                      : use == 2 ? b.Uextend(Type::kI64, loaded)
                                 : b.Sextend(Type::kI64, loaded)});
          }
          for (uint64_t value : EdgeValues(type)) {
            differential.Try({MemoryAddress(), RawValue(value)});
          }
        }
      }
    }
  }
  differential.Run();
}

TEST(OperandsTest, AllInRegisters) {
  Differential differential;
  for (const Operation& operation : AllOperations()) {
    Build(differential, operation, std::vector<Source>(operation.args.size()));
    TryEdges(differential, operation, 1);
  }
  differential.Run();
}

// 32-bit computations that wrap, extended and added to a 64-bit base: the wrap must survive in
// the address (lessons row 8), whatever is folded. And 64-bit ones, which may fold.
class AddressTest : public ::testing::TestWithParam<bool> {};

TEST_P(AddressTest, ComputedAddresses) {
  const bool wide = GetParam();
  const Type type = wide ? Type::kI64 : Type::kI32;
  using Compute = Value (*)(InstBuilder&, Type, Value, Value);
  static constexpr Compute kShapes[] = {
      [](InstBuilder& b, Type, Value x, Value y) { return b.Iadd(x, y); },
      [](InstBuilder& b, Type t, Value x, Value) { return b.Iadd(x, b.Iconst(t, 0x30)); },
      [](InstBuilder& b, Type t, Value x, Value) { return b.Iadd(b.Iconst(t, -16), x); },
      [](InstBuilder& b, Type, Value x, Value y) { return b.Isub(x, y); },
      [](InstBuilder& b, Type t, Value x, Value) { return b.Ishl(x, b.Iconst(t, 1)); },
      [](InstBuilder& b, Type t, Value x, Value) { return b.Ishl(x, b.Iconst(t, 3)); },
      [](InstBuilder& b, Type t, Value x, Value y) { return b.Iadd(y, b.Ishl(x, b.Iconst(t, 2))); },
      [](InstBuilder& b, Type t, Value x, Value y) {
        return b.Iadd(b.Iadd(y, b.Ishl(x, b.Iconst(t, 3))), b.Iconst(t, -8));
      },
      [](InstBuilder& b, Type t, Value x, Value) { return b.Imul(x, b.Iconst(t, 9)); },
      [](InstBuilder& b, Type t, Value x, Value y) {
        return b.Iadd(b.Iadd(x, b.Iconst(t, 0x7FFFFFFF)), b.Iadd(y, b.Iconst(t, 0x7FFFFFFF)));
      },
      [](InstBuilder& b, Type t, Value x, Value) {
        return b.Ushr(b.Ishl(x, b.Iconst(t, 3)), b.Iconst(t, 3));
      },
  };
  // Pairs whose results lie in memory at either width, by wrapping or not; what lies outside
  // is masked below.
  const std::vector<uint64_t> edges = EdgeValues(type);
  Differential differential;
  for (const Compute compute : kShapes) {
    for (const int32_t offset : {0, 8, -8, 0x40}) {
      for (const bool masked : {true, false}) {
        Function& func = differential.NewFunction({Type::kI64, type, type}, {Type::kI64});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const std::vector<Value> p(func.dfg.block_params(entry).begin(),
                                   func.dfg.block_params(entry).end());
        Value index = compute(b, type, p[1], p[2]);
        if (!wide) index = b.Uextend(Type::kI64, index);
        if (masked) index = b.Band(index, b.Iconst(Type::kI64, 0x7F));
        // Without the mask only where the index is small, or else no access.
        const Block access = b.MakeBlock();
        const Block skip = b.MakeBlock();
        b.Brif(b.Icmp(IntCC::kUlt, index, b.Iconst(Type::kI64, 0x80)), access, {}, skip, {});
        b.Begin(skip);
        b.Return({index});
        b.Begin(access);
        const Value address = b.Iadd(b.Iadd(p[0], b.Iconst(Type::kI64, 16)), index);
        const MemFlags flags = MemFlags::Trapping(TrapCode{1});
        const Value loaded = b.Load(Type::kI64, flags, address, offset);
        b.Istore8(flags, p[1], address, offset);
        const Value byte = b.Uload8(Type::kI64, flags, address, offset);
        b.Return({b.Bxor(loaded, byte)});
        for (size_t i = 0; i < edges.size(); ++i) {
          for (size_t k = 0; k < edges.size(); k += 1 + i % 3) {
            differential.Try({MemoryAddress(), RawValue(edges[i]), RawValue(edges[k])});
          }
        }
      }
    }
  }
  differential.Run();
}

INSTANTIATE_TEST_SUITE_P(Widths, AddressTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "I64" : "I32"; });

// Indices shifted by every amount, at both widths, and accessed at every width: the amount that a
// scale stands for is the shift's own, whatever is accessed (lessons.md row 15).
TEST(OperandsTest, IndicesShiftedByEveryAmount) {
  using Access = Value (*)(InstBuilder&, Value address);
  static constexpr Access kAccesses[] = {
      [](InstBuilder& b, Value a) { return b.Uload8(Type::kI64, Checked(), a, 0); },
      [](InstBuilder& b, Value a) { return b.Sload8(Type::kI64, Checked(), a, 1); },
      [](InstBuilder& b, Value a) { return b.Uload16(Type::kI64, Checked(), a, 2); },
      [](InstBuilder& b, Value a) { return b.Sload16(Type::kI64, Checked(), a, 0); },
      [](InstBuilder& b, Value a) { return b.Sload32(Type::kI64, Checked(), a, 4); },
      [](InstBuilder& b, Value a) { return b.Load(Type::kI64, Checked(), a, 8); },
      [](InstBuilder& b, Value a) {
        return b.Bitcast(Type::kI64, b.Load(Type::kF64, Checked(), a, 0));
      },
      [](InstBuilder& b, Value a) {
        b.Istore16(Checked(), a, a, 0);
        return b.Load(Type::kI64, Checked(), a, 0);
      },
  };
  Differential differential;
  for (const Type type : {Type::kI32, Type::kI64}) {
    const uint32_t bits = TypeBits(type);
    for (uint32_t amount = 0; amount <= bits + 3; ++amount) {
      for (const Access access : kAccesses) {
        Function& func = differential.NewFunction({Type::kI64, type}, {Type::kI64});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const Value base = func.dfg.block_params(entry)[0];
        Value index = b.Ishl(func.dfg.block_params(entry)[1], b.Iconst(type, amount));
        if (type == Type::kI32) index = b.Uextend(Type::kI64, index);
        b.Return({access(b, b.Iadd(base, index))});
        // Indices whose shifted value is small, by not being large or by losing its high bits.
        const uint32_t shift = amount % bits;
        differential.Try({MemoryAddress(), RawValue(0)});
        for (uint64_t small = 0; small << shift <= 0x20; ++small) {
          differential.Try({MemoryAddress(), RawValue(small)});
          if (shift == 0) continue;
          const uint64_t lost = uint64_t{1} << (bits - shift);
          differential.Try({MemoryAddress(), RawValue(small + lost)});
        }
      }
    }
  }
  differential.Run();
}

// i32 values with their top bit set, kept over a call (spilled or in a callee-saved register),
// passed, returned and as block parameters, then extended for nothing (lessons row 1).
TEST(OperandsTest, NarrowValuesStayExtendedAcrossCalls) {
  Differential differential;
  for (const Type type : {Type::kI8, Type::kI16, Type::kI32}) {
    Function& func = differential.NewFunction({type, type}, {Type::kI64, type});
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    const std::vector<Value> p(func.dfg.block_params(entry).begin(),
                               func.dfg.block_params(entry).end());
    const Block recurse = b.MakeBlock();
    const Block end = b.MakeBlock();
    const Value sum = b.Iadd(p[0], p[1]);
    const Value negated = b.Ineg(p[0]);
    const Value zero = b.Iconst(type, 0);
    b.Brif(b.Icmp(IntCC::kSlt, p[1], zero), end, {zero}, recurse, {});
    b.Begin(recurse);
    Signature signature = func.signature;
    const FuncRef self = func.dfg.ImportFunction(
        {func.DeclareName(0, 0, func.params.name.text), func.dfg.ImportSignature(signature)});
    const Inst call = b.Call(self, {negated, b.Isub(p[1], b.Iconst(type, 40))});
    b.Jump(end, {func.dfg.result(call, 1)});
    b.Begin(end);
    const Value param = func.dfg.AppendBlockParam(end, type);
    const Value wide = b.Iadd(b.Uextend(Type::kI64, sum), b.Uextend(Type::kI64, param));
    b.Return({b.Iadd(wide, b.Uextend(Type::kI64, negated)), b.Bxor(param, sum)});
    for (uint64_t x : EdgeValues(type)) {
      for (uint64_t y : EdgeValues(type)) {
        if ((y & TypeMask(type)) < 0x1000) differential.Try({RawValue(x), RawValue(y)});
      }
    }
  }
  differential.Run();
}

}  // namespace
}  // namespace gantry::codegen
