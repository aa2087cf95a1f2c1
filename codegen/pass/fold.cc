#include "codegen/pass/fold.h"

#include "codegen/interp/semantics.h"

namespace gantry::codegen {
namespace {

using Sem = Semantics<ConcreteDomain>;

// The shapes that Semantics returns; pairs are not folded.
std::optional<BitVector> Single(const BitVector& x) { return x; }
std::optional<BitVector> Single(const Sem::Guarded& x) {
  if (x.first_trap || x.second_trap) return std::nullopt;
  return x.value;
}
std::optional<BitVector> Single(const Sem::Pair&) { return std::nullopt; }

// What a constant of any type is.
std::optional<BitVector> ConstantOf(const DataFlowGraph& dfg, Value value) {
  const Inst def = dfg.defining_inst(value);
  if (def.is_none()) return std::nullopt;
  const InstData& data = dfg.inst(def);
  switch (data.format()) {
    case Format::kIntConst:
    case Format::kF32Const:
    case Format::kF64Const:
      return BitVector(TypeBits(data.type()), data.const_bits());
    case Format::kV128Const:
      return BitVector(128, BitVector::Word{data.v128_high()} << 64 | data.v128_low());
    default:
      return std::nullopt;
  }
}

std::optional<BitVector> Evaluate(const DataFlowGraph& dfg, const InstData& data) {
  BitVector args[3];
  for (size_t i = 0; i < data.args().size(); ++i) {
    const std::optional<BitVector> bits = ConstantOf(dfg, data.arg(i));
    if (!bits.has_value()) return std::nullopt;
    args[i] = *bits;
  }
  const Type type = data.type();
  switch (data.opcode()) {
#define GANTRY_FOLD_Unary(Camel) \
  case Opcode::k##Camel:         \
    return Single(Sem::Camel(type, args[0]));
#define GANTRY_FOLD_Convert(Camel) \
  case Opcode::k##Camel:           \
    return Single(Sem::Camel(type, dfg.value_type(data.arg(0)), args[0]));
#define GANTRY_FOLD_TrappingConvert(Camel) GANTRY_FOLD_Convert(Camel)
#define GANTRY_FOLD_Binary(Camel) \
  case Opcode::k##Camel:          \
    return Single(Sem::Camel(type, args[0], args[1]));
#define GANTRY_FOLD_BinaryPair(Camel) GANTRY_FOLD_Binary(Camel)
#define GANTRY_FOLD_Division(Camel) GANTRY_FOLD_Binary(Camel)
#define GANTRY_FOLD_SignedDivision(Camel) GANTRY_FOLD_Binary(Camel)
#define GANTRY_FOLD_TernaryPair(Camel) \
  case Opcode::k##Camel:               \
    return Single(Sem::Camel(type, args[0], args[1], args[2]));
#define GANTRY_FOLD_Select(Camel) GANTRY_FOLD_TernaryPair(Camel)
#define GANTRY_FOLD_IntCompare(Camel) \
  case Opcode::k##Camel:              \
    return Single(Sem::Camel(type, data.int_cc(), args[0], args[1]));
#define GANTRY_FOLD_FloatCompare(Camel) \
  case Opcode::k##Camel:                \
    return Single(Sem::Camel(type, data.float_cc(), args[0], args[1]));
#define GANTRY_FOLD_Ternary(Camel) GANTRY_FOLD_TernaryPair(Camel)
#define GANTRY_FOLD_Lane(Camel) \
  case Opcode::k##Camel:        \
    return Single(Sem::Camel(type, data.lane(), args[0]));
#define GANTRY_FOLD_LaneBinary(Camel) \
  case Opcode::k##Camel:              \
    return Single(Sem::Camel(type, data.lane(), args[0], args[1]));
#define GANTRY_FOLD_Shuffle(Camel) \
  case Opcode::k##Camel:           \
    return Single(Sem::Camel(type, data.shuffle_lanes(), args[0], args[1]));
    // No others compute.
#define GANTRY_FOLD_V128Const(Camel)
#define GANTRY_FOLD_AtomicLoad(Camel)
#define GANTRY_FOLD_AtomicStore(Camel)
#define GANTRY_FOLD_AtomicRmw(Camel)
#define GANTRY_FOLD_AtomicCas(Camel)
#define GANTRY_FOLD_Nullary(Camel)
#define GANTRY_FOLD_Effect(Camel)
#define GANTRY_FOLD_IntConst(Camel)
#define GANTRY_FOLD_F32Const(Camel)
#define GANTRY_FOLD_F64Const(Camel)
#define GANTRY_FOLD_Load(Camel)
#define GANTRY_FOLD_Store(Camel)
#define GANTRY_FOLD_StackAddr(Camel)
#define GANTRY_FOLD_StackLoad(Camel)
#define GANTRY_FOLD_StackStore(Camel)
#define GANTRY_FOLD_FuncAddr(Camel)
#define GANTRY_FOLD_Call(Camel)
#define GANTRY_FOLD_CallIndirect(Camel)
#define GANTRY_FOLD_ReturnCall(Camel)
#define GANTRY_FOLD_ReturnCallIndirect(Camel)
#define GANTRY_FOLD_TryCall(Camel)
#define GANTRY_FOLD_TryCallIndirect(Camel)
#define GANTRY_FOLD_Jump(Camel)
#define GANTRY_FOLD_Branch(Camel)
#define GANTRY_FOLD_BranchTable(Camel)
#define GANTRY_FOLD_Return(Camel)
#define GANTRY_FOLD_Trap(Camel)
#define GANTRY_FOLD_CondTrap(Camel)
#define GANTRY_FOLD_TierCheck(Camel)
#define GANTRY_FOLD_Charge(Camel)
#define GANTRY_FOLD_Poll(Camel)
#define OP(Camel, name, format, ...) GANTRY_FOLD_##format(Camel)
#include "codegen/ir/opcodes.def"
#undef OP
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<uint64_t> ConstantBits(const DataFlowGraph& dfg, Value value) {
  const ValueDef& def = dfg.value_def(value);
  if (!def.is_result()) return std::nullopt;
  const InstData& data = dfg.inst(def.inst());
  switch (data.format()) {
    case Format::kIntConst:
    case Format::kF32Const:
    case Format::kF64Const:
      return data.const_bits();
    default:
      return std::nullopt;
  }
}

std::optional<FoldedConstant> FoldInst(const DataFlowGraph& dfg, Inst inst) {
  const InstData& data = dfg.inst(inst);
  // The guard stays: it is there for what the processor does, not for its value.
  if (data.args().empty() || dfg.num_results(inst) != 1 ||
      data.opcode() == Opcode::kSelectSpectreGuard) {
    return std::nullopt;
  }
  const std::optional<BitVector> result = Evaluate(dfg, data);
  if (!result.has_value()) return std::nullopt;
  const Type type = dfg.value_type(dfg.result(inst));
  const Type nans = NansMadeBy(data.opcode(), data.type());
  for (uint32_t i = 0; nans != Type::kInvalid && i < LaneCount(nans); ++i) {
    if (Sem::IsNan(LaneType(nans), Sem::Lane(nans, *result, i))) return std::nullopt;
  }
  return FoldedConstant{type, result->low(), result->high()};
}

InstData ConstantInst(const FoldedConstant& constant) {
  if (constant.type == Type::kV128) {
    InstData data(Opcode::kV128const, Type::kV128);
    data.set_v128(constant.bits, constant.high);
    return data;
  }
  const Opcode opcode = constant.type == Type::kF32   ? Opcode::kF32const
                        : constant.type == Type::kF64 ? Opcode::kF64const
                                                      : Opcode::kIconst;
  InstData data(opcode, constant.type);
  data.set_const_bits(constant.bits);
  return data;
}

}  // namespace gantry::codegen
