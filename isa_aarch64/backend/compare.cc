// Conditions: comparisons fused with what depends on them.
#include <bit>
#include <cstdlib>

#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

using codegen::FloatCC;
using codegen::IntCC;
using codegen::Opcode;

namespace {

// How many "is that comparison false" a condition looks through.
constexpr int kMaxInversions = 4;

Cond IntCond(IntCC cc) {
  switch (cc) {
    case IntCC::kEq:
      return Cond::kEq;
    case IntCC::kNe:
      return Cond::kNe;
    case IntCC::kSlt:
      return Cond::kLt;
    case IntCC::kSge:
      return Cond::kGe;
    case IntCC::kSgt:
      return Cond::kGt;
    case IntCC::kSle:
      return Cond::kLe;
    case IntCC::kUlt:
      return Cond::kLo;
    case IntCC::kUge:
      return Cond::kHs;
    case IntCC::kUgt:
      return Cond::kHi;
    case IntCC::kUle:
      return Cond::kLs;
  }
  return Cond::kEq;
}

// After fcmp: less sets N, equal Z and C, greater C, unordered C and V.
Cond FloatCond(FloatCC cc) {
  switch (cc) {
    case FloatCC::kOrdered:
      return Cond::kVc;
    case FloatCC::kUnordered:
      return Cond::kVs;
    case FloatCC::kEq:
      return Cond::kEq;
    case FloatCC::kNe:
      return Cond::kNe;
    case FloatCC::kLt:
      return Cond::kMi;
    case FloatCC::kLe:
      return Cond::kLs;
    case FloatCC::kGt:
      return Cond::kGt;
    case FloatCC::kGe:
      return Cond::kGe;
    case FloatCC::kUeq:
      return Cond::kUeq;
    case FloatCC::kOne:
      return Cond::kOne;
    case FloatCC::kUlt:
      return Cond::kLt;
    case FloatCC::kUle:
      return Cond::kLe;
    case FloatCC::kUgt:
      return Cond::kHi;
    case FloatCC::kUge:
      return Cond::kPl;
  }
  return Cond::kEq;
}

// Whose result is 0 or 1.
bool IsZeroOrOne(Opcode opcode) {
  return opcode == Opcode::kIcmp || opcode == Opcode::kFcmp || opcode == Opcode::kVanyTrue ||
         opcode == Opcode::kVallTrue;
}

// Flags, N Z C V from bit 3 down, under which a condition holds.
uint32_t FlagsFor(Cond cc) {
  constexpr uint32_t kN = 8, kZ = 4, kC = 2, kV = 1;
  switch (cc) {
    case Cond::kEq:
    case Cond::kLe:
      return kZ;
    case Cond::kHs:
    case Cond::kHi:
      return kC;
    case Cond::kMi:
    case Cond::kLt:
      return kN;
    case Cond::kVs:
      return kV;
    default:
      // The others hold where no flag is set.
      return 0;
  }
}

// As the immediate of a conditional comparison; less than zero by the form that adds.
constexpr bool FitsLink(int64_t value) { return value >= -31 && value <= 31; }

}  // namespace

AArch64Lowering::Compare AArch64Lowering::ComparisonOf(IrInst comparison) {
  const InstData& data = ctx_->data(comparison);
  if (data.opcode() == Opcode::kFcmp) return FloatCompare(data);
  IntCC cc = data.int_cc();
  Value left = data.arg(0), right = data.arg(1);
  if (Constant(left).has_value() && !Constant(right).has_value()) {
    std::swap(left, right);
    cc = Swapped(cc);
  }
  return IntCompare(cc, left, right, data.type());
}

bool AArch64Lowering::IsCondition(Value value) const {
  const IrInst def = ctx_->DefInst(value);
  if (def.is_none()) return false;
  const InstData& data = ctx_->data(def);
  if (data.opcode() == Opcode::kFcmp) return !IsPair(FloatCond(data.float_cc()));
  return data.opcode() == Opcode::kIcmp || IsChain(def);
}

bool AArch64Lowering::CanLink(IrInst comparison) const {
  const Type type = ctx_->data(comparison).type();
  return type == Type::kI32 || type == Type::kI64 || type == Type::kF32 || type == Type::kF64;
}

bool AArch64Lowering::LinksWithImmediate(IrInst comparison) const {
  const InstData& data = ctx_->data(comparison);
  if (!CanLink(comparison) || data.opcode() == Opcode::kFcmp) return CanLink(comparison);
  for (const Value operand : {data.arg(0), data.arg(1)}) {
    const IrInst constant = ctx_->DefInst(operand, Opcode::kIconst);
    if (constant.is_some() && !FitsLink(ctx_->data(constant).const_signed())) return false;
  }
  return true;
}

bool AArch64Lowering::IsChain(IrInst logic) const {
  const InstData& data = ctx_->data(logic);
  if (data.opcode() != Opcode::kBand && data.opcode() != Opcode::kBor) return false;
  bool can_link = false;
  for (const Value operand : {data.arg(0), data.arg(1)}) {
    const IrInst def = ctx_->DefInst(operand);
    if (def.is_none() || !ctx_->HasOneUse(operand)) return false;
    const InstData& comparison = ctx_->data(def);
    if (comparison.opcode() == Opcode::kFcmp) {
      if (IsPair(FloatCond(comparison.float_cc()))) return false;
    } else if (comparison.opcode() != Opcode::kIcmp) {
      return false;
    }
    can_link |= CanLink(def);
  }
  return can_link;
}

// The second comparison is made where the first leaves the result open; else it sets the flags
// under which the result is what the first has decided.
AArch64Lowering::Compare AArch64Lowering::ChainOf(IrInst logic) {
  const InstData& data = ctx_->data(logic);
  const bool is_and = data.opcode() == Opcode::kBand;
  IrInst first = ctx_->DefInst(data.arg(0)), second = ctx_->DefInst(data.arg(1));
  if (!CanLink(second) || (!LinksWithImmediate(second) && LinksWithImmediate(first))) {
    std::swap(first, second);
  }
  Compare result = ToFlags(ComparisonOf(first));
  const Cond first_cc = is_and ? result.cc : Inverse(result.cc);
  const InstData& of = ctx_->data(second);
  Link link;
  Value left = of.arg(0), right = of.arg(1);
  if (of.opcode() == Opcode::kFcmp) {
    link.row = Row::kFccmpS + (of.type() == Type::kF64 ? 1 : 0);
    result.cc = FloatCond(of.float_cc());
    result.link_n = Reg(left);
    result.link_m = Reg(right);
  } else {
    IntCC cc = of.int_cc();
    if (Constant(left).has_value() && !Constant(right).has_value()) {
      std::swap(left, right);
      cc = Swapped(cc);
    }
    result.cc = IntCond(cc);
    result.link_n = LowBits(left, of.type());
    const uint32_t is_long = of.type() == Type::kI64 ? 1 : 0;
    const IrInst constant = ctx_->DefInst(right, Opcode::kIconst);
    const int64_t value = constant.is_some() ? ctx_->data(constant).const_signed() : 0;
    if (constant.is_some() && FitsLink(value)) {
      link.row = (value < 0 ? Row::kCcmnImmW : Row::kCcmpImmW) + is_long;
      link.bits = static_cast<uint32_t>(std::abs(value)) << 16;
    } else {
      link.row = Row::kCcmpW + is_long;
      result.link_m = LowBits(right, of.type());
    }
  }
  link.bits |= ConditionBits(static_cast<Condition>(first_cc));
  link.bits |= FlagsFor(is_and ? Inverse(result.cc) : result.cc);
  result.link = link;
  return result;
}

AArch64Lowering::Compare AArch64Lowering::MatchCondition(Value value) {
  bool invert = false;
  for (int i = 0; i < kMaxInversions; ++i) {
    const IrInst def = ctx_->DefInst(value);
    if (def.is_none()) break;
    const InstData& data = ctx_->data(def);
    Compare result;
    if (data.opcode() == Opcode::kFcmp) {
      result = FloatCompare(data);
    } else if (data.opcode() == Opcode::kVanyTrue || data.opcode() == Opcode::kVallTrue) {
      result = MatchVectorTest(def);
    } else if (data.opcode() == Opcode::kIcmp) {
      IntCC cc = data.int_cc();
      Value left = data.arg(0);
      Value right = data.arg(1);
      if (Constant(left).has_value() && !Constant(right).has_value()) {
        std::swap(left, right);
        cc = Swapped(cc);
      }
      const bool equality = cc == IntCC::kEq || cc == IntCC::kNe;
      if (Constant(right) == uint64_t{0} && equality && i + 1 < kMaxInversions) {
        // Comparing the 0 or 1 of a comparison with zero.
        const IrInst inner = ctx_->DefInst(left);
        if (inner.is_some() && (IsZeroOrOne(ctx_->data(inner).opcode()) ||
                                (ctx_->HasOneUse(left) && IsChain(inner)))) {
          invert ^= cc == IntCC::kEq;
          value = left;
          continue;
        }
      }
      result = IntCompare(cc, left, right, data.type());
    } else if (ctx_->HasOneUse(value) && IsChain(def)) {
      result = ChainOf(def);
    } else {
      break;
    }
    if (invert) result.cc = Inverse(result.cc);
    return result;
  }
  const Cond cc = invert ? Cond::kEq : Cond::kNe;
  if (const IrInst band = ctx_->DefInst(value, Opcode::kBand);
      band.is_some() && ctx_->HasOneUse(value)) {
    return TestOf(band, cc);
  }
  Compare result;
  result.cc = cc;
  result.size = ctx_->type(value) == Type::kI64 ? 8 : 4;
  result.n = result.size == 8 ? ctx_->Reg(value) : Low32(value);
  return result;
}

AArch64Lowering::Compare AArch64Lowering::FloatCompare(const InstData& data) {
  Compare result;
  const uint32_t is_double = data.type() == Type::kF64 ? 1 : 0;
  result.kind = Compare::Kind::kFlags;
  result.cc = FloatCond(data.float_cc());
  result.n = Reg(data.arg(0));
  const IrInst right = ctx_->DefInst(data.arg(1));
  if (right.is_some()) {
    const InstData& constant = ctx_->data(right);
    const bool is_constant =
        constant.opcode() == Opcode::kF32const || constant.opcode() == Opcode::kF64const;
    if (is_constant && constant.const_bits() == 0) {
      result.row = Row::kFcmpZeroS + is_double;
      return result;
    }
  }
  result.row = Row::kFcmpS + is_double;
  result.m = Reg(data.arg(1));
  return result;
}

// Whether `band`'s result is zero (kEq) or not.
AArch64Lowering::Compare AArch64Lowering::TestOf(IrInst band, Cond cc) {
  const InstData& data = ctx_->data(band);
  const Type type = data.type();
  Value a = data.arg(0), b = data.arg(1);
  if (Constant(a).has_value()) std::swap(a, b);
  Compare result;
  result.cc = cc;
  result.size = type == Type::kI64 ? 8 : 4;
  const uint32_t is_long = type == Type::kI64 ? 1 : 0;
  if (const std::optional<uint64_t> mask = Constant(b)) {
    // What a narrow register has above its width is zero, and so is the mask there.
    if (std::has_single_bit(*mask)) {
      result.kind = Compare::Kind::kBit;
      result.bit = static_cast<uint8_t>(std::countr_zero(*mask));
      result.n = LowBits(a, type);
      return result;
    }
    if (const auto bits = LogicalBits(*mask, is_long != 0 ? 64 : 32)) {
      result.kind = Compare::Kind::kFlags;
      result.row = Row::kTstImmW + is_long;
      result.bits = *bits;
      result.n = LowBits(a, type);
      return result;
    }
  }
  result.kind = Compare::Kind::kFlags;
  result.row = Row::kTstW + is_long;
  result.n = LowBits(a, type);
  result.m = LowBits(b, type);
  return result;
}

AArch64Lowering::Compare AArch64Lowering::IntCompare(IntCC cc, Value left, Value right, Type type) {
  const uint32_t is_long = type == Type::kI64 ? 1 : 0;
  const bool is_narrow = type == Type::kI8 || type == Type::kI16;
  const std::optional<uint64_t> constant = Constant(right);
  const bool equality = cc == IntCC::kEq || cc == IntCC::kNe;
  Compare result;
  result.size = is_long != 0 ? 8 : 4;
  result.cc = IntCond(cc);
  if (constant == uint64_t{0}) {
    if (equality) {
      if (const IrInst band = ctx_->DefInst(left, Opcode::kBand);
          band.is_some() && ctx_->HasOneUse(left)) {
        return TestOf(band, result.cc);
      }
      // Narrow registers are clear above their width; of a wider one only the low half counts.
      result.n = is_narrow ? ctx_->Reg(left) : LowBits(left, type);
      return result;
    }
    if (cc == IntCC::kSlt || cc == IntCC::kSge) {
      result.kind = Compare::Kind::kBit;
      result.bit = static_cast<uint8_t>(codegen::TypeBits(type) - 1);
      result.cc = cc == IntCC::kSlt ? Cond::kNe : Cond::kEq;
      result.n = is_narrow ? ctx_->Reg(left) : LowBits(left, type);
      return result;
    }
  }
  result.kind = Compare::Kind::kFlags;
  const auto operand = [&](Value value) {
    if (!is_narrow) return LowBits(value, type);
    const VReg reg = ctx_->Reg(value);
    if (!IsSigned(cc)) return reg;
    const VReg extended = NewInt();
    EmitSignExtend(extended, reg, codegen::TypeBits(type), Type::kI32);
    return extended;
  };
  if (const IrInst def = ctx_->DefInst(right, Opcode::kIconst); def.is_some()) {
    // As the comparison sees it: narrow unsigned ones are clear above.
    const uint64_t value = is_narrow && !IsSigned(cc)
                               ? *constant
                               : static_cast<uint64_t>(ctx_->data(def).const_signed());
    if (const auto bits = AddBits(value)) {
      result.row = Row::kCmpImmW + is_long;
      result.bits = *bits;
      result.n = operand(left);
      return result;
    }
    if (const auto bits = AddBits(0 - value)) {
      result.row = Row::kCmnImmW + is_long;
      result.bits = *bits;
      result.n = operand(left);
      return result;
    }
  }
  result.row = Row::kCmpW + is_long;
  if (const auto shifted = MatchShift(right, type, /*rotates=*/false)) {
    result.n = operand(left);
    result.m = shifted->reg;
    result.bits = shifted->bits;
    return result;
  }
  result.n = operand(left);
  result.m = operand(right);
  return result;
}

AArch64Lowering::Compare AArch64Lowering::ToFlags(const Compare& compare) {
  Compare result = compare;
  const uint32_t is_long = compare.size == 8 ? 1 : 0;
  switch (compare.kind) {
    case Compare::Kind::kFlags:
      break;
    case Compare::Kind::kZero:
      result.row = Row::kCmpImmW + is_long;
      result.bits = AddBits(0).value();
      break;
    case Compare::Kind::kBit:
      result.row = Row::kTstImmW + is_long;
      result.bits = LogicalBits(uint64_t{1} << compare.bit, is_long != 0 ? 64 : 32).value();
      break;
  }
  result.kind = Compare::Kind::kFlags;
  return result;
}

void AArch64Lowering::AddCompare(Builder& builder, const Compare& compare) {
  const Compare flags = ToFlags(compare);
  builder.SetRow(flags.row, flags.bits);
  builder.inst.cc = flags.cc;
  builder.Use(flags.n);
  if (flags.m.is_some()) builder.Use(flags.m);
  if (!flags.link.has_value()) return;
  builder.inst.flags |= Inst::kChain;
  builder.inst.disp = flags.link->Pack();
  builder.Use(flags.link_n);
  if (flags.link_m.is_some()) builder.Use(flags.link_m);
}

void AArch64Lowering::EmitCset(VReg to, const Compare& compare) {
  Builder builder(Op::kCset);
  AddCompare(builder, compare);
  Emit(builder.Def(to));
}

bool AArch64Lowering::EmitConditionalIncrement(VReg to, Value a, Value condition, Type type) {
  if (type != Type::kI32 && type != Type::kI64) return false;
  if (!ctx_->HasOneUse(condition)) return false;
  if (const IrInst extend = ctx_->DefInst(condition, Opcode::kUextend); extend.is_some()) {
    condition = ctx_->data(extend).arg(0);
    if (!ctx_->HasOneUse(condition)) return false;
  }
  if (!IsCondition(condition)) return false;
  Compare compare = MatchCondition(condition);
  // Each of the two registers that are chosen from is a.
  compare.cc = Inverse(compare.cc);
  Builder builder(Op::kCsel);
  builder.inst.imm64 = static_cast<uint64_t>(Row::kCsincW + (type == Type::kI64 ? 1 : 0));
  AddCompare(builder, compare);
  const VReg value = LowBits(a, type);
  Emit(builder.Use(value).Use(value).Def(to));
  return true;
}

void AArch64Lowering::LowerIcmpOrFcmp(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  Compare compare;
  if (data.opcode() == Opcode::kIcmp) {
    compare = MatchCondition(ctx_->dfg().result(inst));
  } else {
    compare = FloatCompare(data);
  }
  if (compare.kind == Compare::Kind::kBit) {
    // The bit itself, or its opposite.
    const bool is_long = compare.size == 8;
    const uint32_t field = BitfieldBits(compare.bit, compare.bit);
    if (compare.cc == Cond::kNe) {
      return EmitRow(is_long ? Row::kUbfmX : Row::kUbfmW, result, {compare.n}, field);
    }
  }
  EmitCset(result, compare);
}

void AArch64Lowering::LowerSelect(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  // The check that a mask is for stands right in front of it: one comparison serves both.
  IrInst trap = IrInst::None();
  const bool guard = data.opcode() == Opcode::kSelectSpectreGuard;
  if (guard) trap = ctx_->SinkableTrap(data.arg(0));
  Compare compare = MatchCondition(data.arg(0));
  Value if_true = data.arg(1);
  Value if_false = data.arg(2);
  if (!codegen::IsInt(data.type())) {
    Builder builder(Op::kFcsel, static_cast<uint8_t>(codegen::TypeBytes(data.type())));
    AddCompare(builder, compare);
    const auto reg = [&](Value value) {
      return codegen::IsVector(data.type()) ? VecReg(value) : ctx_->Reg(value);
    };
    builder.Use(reg(if_true)).Use(reg(if_false));
    Emit(builder.Def(result));
    return;
  }
  const uint32_t is_long = data.type() == Type::kI64 ? 1 : 0;
  Row row = Row::kCselW + is_long;
  if (trap.is_none() && !guard && !IsPair(compare.cc)) {
    const auto modified = [&](Value value) -> std::optional<std::pair<Row, Value>> {
      const IrInst def = ctx_->DefInst(value);
      if (def.is_none() || !ctx_->HasOneUse(value)) return std::nullopt;
      const InstData& of = ctx_->data(def);
      if (of.type() != data.type() || (of.type() != Type::kI32 && of.type() != Type::kI64)) {
        return std::nullopt;
      }
      if (of.opcode() == Opcode::kBnot) return std::pair(Row::kCsinvW, of.arg(0));
      if (of.opcode() == Opcode::kIneg) return std::pair(Row::kCsnegW, of.arg(0));
      if (of.opcode() == Opcode::kIadd && Constant(of.arg(1)) == uint64_t{1}) {
        return std::pair(Row::kCsincW, of.arg(0));
      }
      return std::nullopt;
    };
    if (const auto changed = modified(if_false)) {
      row = changed->first + is_long;
      if_false = changed->second;
    } else if (const auto other = modified(if_true)) {
      row = other->first + is_long;
      compare.cc = Inverse(compare.cc);
      if_true = if_false;
      if_false = other->second;
    }
  }
  Builder builder(trap.is_some() ? Op::kTrapCsel : Op::kCsel);
  if (trap.is_some()) {
    ctx_->Sink(trap);
    builder.inst.code = static_cast<uint8_t>(ctx_->data(trap).trap_code());
  }
  if (guard) builder.inst.flags |= Inst::kBarrier;
  builder.inst.imm64 = static_cast<uint64_t>(row);
  AddCompare(builder, compare);
  // The second of two selections reads one of the two values again.
  const auto use = [&](Value value, uint8_t zero, bool again) {
    if (Constant(value) == uint64_t{0}) {
      builder.inst.flags |= zero;
    } else if (again) {
      builder.UseLate(ctx_->Reg(value));
    } else {
      builder.Use(ctx_->Reg(value));
    }
  };
  use(if_true, Inst::kZero, compare.cc == Cond::kUeq);
  use(if_false, Inst::kZeroElse, compare.cc == Cond::kOne);
  Emit(builder.Def(result));
}

void AArch64Lowering::EmitTrapIf(const Compare& compare, codegen::TrapCode code) {
  const Op op = compare.kind == Compare::Kind::kZero  ? Op::kTrapIfZero
                : compare.kind == Compare::Kind::kBit ? Op::kTrapIfBit
                                                      : Op::kTrapIf;
  Builder builder(op, compare.size);
  builder.inst.code = static_cast<uint8_t>(code);
  if (op == Op::kTrapIf) {
    AddCompare(builder, compare);
  } else {
    builder.inst.cc = compare.cc;
    builder.inst.disp = compare.bit;
    builder.Use(compare.n);
  }
  Emit(builder);
}

void AArch64Lowering::LowerCondTrap(IrInst inst, bool trap_if) {
  const InstData& data = ctx_->data(inst);
  Compare compare = MatchCondition(data.arg(0));
  if (!trap_if) compare.cc = Inverse(compare.cc);
  EmitTrapIf(compare, data.trap_code());
}

}  // namespace gantry::aarch64
