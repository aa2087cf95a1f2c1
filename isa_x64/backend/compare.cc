// Conditions: comparisons fused with what depends on them.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::FloatCC;
using codegen::IntCC;
using codegen::Opcode;

namespace {

// How many "is that comparison false" a condition looks through.
constexpr int kMaxInversions = 4;

Cond IntCond(IntCC cc) {
  switch (cc) {
    case IntCC::kEq:
      return Cond::kE;
    case IntCC::kNe:
      return Cond::kNe;
    case IntCC::kSlt:
      return Cond::kL;
    case IntCC::kSge:
      return Cond::kGe;
    case IntCC::kSgt:
      return Cond::kG;
    case IntCC::kSle:
      return Cond::kLe;
    case IntCC::kUlt:
      return Cond::kB;
    case IntCC::kUge:
      return Cond::kAe;
    case IntCC::kUgt:
      return Cond::kA;
    case IntCC::kUle:
      return Cond::kBe;
  }
  return Cond::kE;
}

struct FloatCond {
  Cond cc;
  bool swap;
};

// Comparisons, whose result is 0 or 1.
bool IsZeroOrOne(Opcode opcode) {
  return opcode == Opcode::kIcmp || opcode == Opcode::kFcmp || opcode == Opcode::kVanyTrue ||
         opcode == Opcode::kVallTrue;
}

// After ucomis a, b: unordered sets ZF, PF and CF; a < b sets CF; a == b sets ZF.
FloatCond FloatCondition(FloatCC cc) {
  switch (cc) {
    case FloatCC::kOrdered:
      return {Cond::kNp, false};
    case FloatCC::kUnordered:
      return {Cond::kP, false};
    case FloatCC::kEq:
      return {Cond::kFloatEq, false};
    case FloatCC::kNe:
      return {Cond::kFloatNe, false};
    case FloatCC::kLt:
      return {Cond::kA, true};
    case FloatCC::kLe:
      return {Cond::kAe, true};
    case FloatCC::kGt:
      return {Cond::kA, false};
    case FloatCC::kGe:
      return {Cond::kAe, false};
    case FloatCC::kUeq:
      return {Cond::kE, false};
    case FloatCC::kOne:
      return {Cond::kNe, false};
    case FloatCC::kUlt:
      return {Cond::kB, false};
    case FloatCC::kUle:
      return {Cond::kBe, false};
    case FloatCC::kUgt:
      return {Cond::kB, true};
    case FloatCC::kUge:
      return {Cond::kBe, true};
  }
  return {Cond::kE, false};
}

}  // namespace

X64Lowering::Condition X64Lowering::MatchCondition(Value value, bool is_present) {
  Condition result;
  // Merging what has other users leaves it where it is too, loads under it included. The
  // present instruction is in one place whatever its users.
  const auto has_one_user = [&](Value v, int depth) {
    return (is_present && depth == 0) || ctx_->HasOneUse(v);
  };
  bool invert = false;
  for (int i = 0; i < kMaxInversions; ++i) {
    const IrInst def = ctx_->DefInst(value);
    if (def.is_none()) break;
    const InstData& data = ctx_->data(def);
    if (data.opcode() == Opcode::kFcmp) {
      result.single = result.single && has_one_user(value, i);
      const FloatCond cond = FloatCondition(data.float_cc());
      result.kind = CompareKind::kUcomis;
      result.bytes = static_cast<uint8_t>(codegen::TypeBytes(data.type()));
      result.left = data.arg(cond.swap ? 1 : 0);
      result.right = data.arg(cond.swap ? 0 : 1);
      result.cc = invert ? Inverse(cond.cc) : cond.cc;
      return result;
    }
    if (data.opcode() == Opcode::kVanyTrue || data.opcode() == Opcode::kVallTrue) {
      result.single = result.single && has_one_user(value, i);
      result.kind = CompareKind::kPtest;
      result.bytes = 16;
      result.vector = def;
      // Of the bits tested, some are set; all_true tests which lanes are zero.
      result.cc = data.opcode() == Opcode::kVanyTrue ? Cond::kNe : Cond::kE;
      if (invert) result.cc = Inverse(result.cc);
      return result;
    }
    if (data.opcode() != Opcode::kIcmp) break;
    result.single = result.single && has_one_user(value, i);
    IntCC cc = data.int_cc();
    Value left = data.arg(0);
    Value right = data.arg(1);
    if (ctx_->IntConstant(left).has_value() && !ctx_->IntConstant(right).has_value()) {
      std::swap(left, right);
      cc = Swapped(cc);
    }
    const bool zero = ctx_->IntConstant(right) == uint64_t{0};
    const bool equality = cc == IntCC::kEq || cc == IntCC::kNe;
    if (zero && equality && i + 1 < kMaxInversions) {
      // Comparing the 0 or 1 of a comparison with zero.
      const IrInst inner = ctx_->DefInst(left);
      if (inner.is_some() && IsZeroOrOne(ctx_->data(inner).opcode())) {
        invert ^= cc == IntCC::kEq;
        value = left;
        continue;
      }
    }
    result.kind = CompareKind::kCmp;
    result.bytes = static_cast<uint8_t>(codegen::TypeBytes(data.type()));
    result.left = left;
    result.right = right;
    result.cc = IntCond(cc);
    if (zero && (cc == IntCC::kSlt || cc == IntCC::kSge)) {
      result.cc = cc == IntCC::kSlt ? Cond::kS : Cond::kNs;
    }
    if (zero && equality) {
      const IrInst band = ctx_->DefInst(left, Opcode::kBand);
      if (band.is_some()) {
        SetTest(result, left, band);
      }
    }
    if (invert) result.cc = Inverse(result.cc);
    return result;
  }
  result.kind = CompareKind::kCmp;
  result.cc = invert ? Cond::kE : Cond::kNe;
  result.bytes = static_cast<uint8_t>(codegen::TypeBytes(ctx_->type(value)));
  if (const IrInst band = ctx_->DefInst(value, Opcode::kBand); band.is_some()) {
    SetTest(result, value, band);
    return result;
  }
  result.against_zero = true;
  result.left = value;
  return result;
}

void X64Lowering::SetTest(Condition& condition, Value value, IrInst band) {
  condition.single = condition.single && ctx_->HasOneUse(value);
  condition.kind = CompareKind::kTest;
  condition.left = ctx_->data(band).arg(0);
  condition.right = ctx_->data(band).arg(1);
  if (ctx_->IntConstant(condition.left).has_value()) std::swap(condition.left, condition.right);
}

void X64Lowering::AddIntCompare(Builder& builder, const Condition& condition) {
  const auto reg = [&](Value value) {
    return condition.bytes <= 4 ? Low32(value) : ctx_->Reg(value);
  };
  if (condition.against_zero) {
    builder.Imm(0);
    AddRm(builder, condition.left, condition.bytes, condition.single);
    return;
  }
  if (const std::optional<int32_t> imm = Immediate(condition.right)) {
    builder.Imm(*imm);
    AddRm(builder, condition.left, condition.bytes, condition.single);
    return;
  }
  if (const std::optional<Address> address =
          SinkLoad(condition.right, condition.bytes, condition.single)) {
    builder.Use(reg(condition.left));
    AddAddress(builder, *address);
    return;
  }
  if (const std::optional<Address> address =
          SinkLoad(condition.left, condition.bytes, condition.single)) {
    // The memory operand stands second: a test does not mind, a comparison turns around.
    if (condition.kind == CompareKind::kCmp) {
      switch (builder.inst.cc) {
        case Cond::kB:
          builder.inst.cc = Cond::kA;
          break;
        case Cond::kA:
          builder.inst.cc = Cond::kB;
          break;
        case Cond::kAe:
          builder.inst.cc = Cond::kBe;
          break;
        case Cond::kBe:
          builder.inst.cc = Cond::kAe;
          break;
        case Cond::kL:
          builder.inst.cc = Cond::kG;
          break;
        case Cond::kG:
          builder.inst.cc = Cond::kL;
          break;
        case Cond::kGe:
          builder.inst.cc = Cond::kLe;
          break;
        case Cond::kLe:
          builder.inst.cc = Cond::kGe;
          break;
        default:
          break;
      }
    }
    builder.Use(reg(condition.right));
    AddAddress(builder, *address);
    return;
  }
  builder.Use(reg(condition.left)).UseAny(reg(condition.right));
}

void X64Lowering::AddCompare(Builder& builder, const Condition& condition) {
  builder.inst.sub = static_cast<uint8_t>(condition.kind);
  builder.inst.size = condition.bytes;
  builder.inst.cc = condition.cc;
  if (condition.kind == CompareKind::kUcomis) {
    builder.Use(ctx_->Reg(condition.left));
    AddFloatRm(builder, condition.right, condition.single);
    return;
  }
  if (condition.kind == CompareKind::kPtest) {
    AddVectorTest(builder, condition);
    return;
  }
  AddIntCompare(builder, condition);
}

void X64Lowering::LowerIcmpOrFcmp(IrInst inst) {
  Builder builder(Op::kSetcc);
  AddCompare(builder, MatchCondition(ctx_->dfg().result(inst), /*is_present=*/true));
  builder.Def(ctx_->Result(inst));
  Emit(builder);
}

void X64Lowering::LowerSelect(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  // The check that a mask is for stands right in front of it: one comparison serves both.
  IrInst trap = IrInst::None();
  if (data.opcode() == Opcode::kSelectSpectreGuard) trap = ctx_->SinkableTrap(data.arg(0));
  const bool no_others = trap.is_some() && ctx_->NumUses(data.arg(0)) == 2;
  Condition condition = MatchCondition(data.arg(0), /*is_present=*/no_others);
  Value if_true = data.arg(1);
  Value if_false = data.arg(2);
  const bool is_int = codegen::IsInt(data.type());
  // One conditional move can't do "both flags", two can do "one of the flags".
  if (is_int && condition.cc == Cond::kFloatEq) {
    condition.cc = Cond::kFloatNe;
    std::swap(if_true, if_false);
  }
  Builder builder(is_int ? Op::kCmov : Op::kSelectF);
  if (trap.is_some()) {
    ctx_->Sink(trap);
    builder.inst.op = Op::kTrapCmov;
    builder.inst.imm64 = static_cast<uint8_t>(ctx_->data(trap).trap_code());
  }
  AddCompare(builder, condition);
  if (is_int) {
    builder.inst.extra = data.type() == Type::kI64 ? 8 : 4;
    builder.UseAny(ctx_->Reg(if_true));
  } else {
    builder.Use(ctx_->Reg(if_true));
  }
  const uint8_t reused = static_cast<uint8_t>(builder.operands.size());
  builder.Use(ctx_->Reg(if_false)).Reuse(ctx_->Result(inst), reused);
  Emit(builder);
}

void X64Lowering::LowerCondTrap(IrInst inst, bool trap_if) {
  const InstData& data = ctx_->data(inst);
  Condition condition = MatchCondition(data.arg(0));
  if (!trap_if) condition.cc = Inverse(condition.cc);
  Builder builder(Op::kTrapIf);
  AddCompare(builder, condition);
  builder.inst.extra = static_cast<uint8_t>(data.trap_code());
  Emit(builder);
}

}  // namespace gantry::x64
