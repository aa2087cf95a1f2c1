// Lowering of integer arithmetic and bits.
//
// Narrow types (I8, I16) compute in 32 bits and then clear what is above their width, so that
// every integer stays zero-extended in its register.
#include <bit>
#include <limits>

#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::IsCommutative;
using codegen::Opcode;
using codegen::regalloc::kCommutative;

namespace {

uint8_t OperationSize(codegen::Type type) { return type == codegen::Type::kI64 ? 8 : 4; }
bool IsNarrow(codegen::Type type) {
  return type == codegen::Type::kI8 || type == codegen::Type::kI16;
}
uint8_t Bytes(codegen::Type type) { return static_cast<uint8_t>(codegen::TypeBytes(type)); }

}  // namespace

void X64Lowering::EmitZeroExtend(VReg to, VReg from, uint8_t bytes) {
  Builder builder(Op::kExtend, bytes == 8 ? 8 : 4);
  builder.inst.sub = bytes;
  builder.UseAny(from).Def(to);
  Emit(builder);
}

X64Lowering::VReg X64Lowering::NarrowResult(IrInst inst) {
  return IsNarrow(ctx_->data(inst).type()) ? NewInt() : ctx_->Result(inst);
}

void X64Lowering::FinishNarrow(IrInst inst, VReg computed) {
  const Type type = ctx_->data(inst).type();
  if (IsNarrow(type)) EmitZeroExtend(ctx_->Result(inst), computed, Bytes(type));
}

void X64Lowering::LowerIadd(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Value a = data.arg(0);
  Value b = data.arg(1);
  if (Immediate(a).has_value()) std::swap(a, b);
  const VReg result = NarrowResult(inst);
  if (const std::optional<int32_t> imm = Immediate(b)) {
    EmitAddImmediate(result, a, *imm, type);
    FinishNarrow(inst, result);
    return;
  }
  for (int i = 0; i < 2 && !IsNarrow(type); ++i) {
    if (const std::optional<Address> address = SinkLoad(b, Bytes(type), true)) {
      Builder builder(Op::kAlu, OperationSize(type));
      builder.inst.sub = static_cast<uint8_t>(AluKind::kAdd);
      builder.Use(LowBits(a, type));
      AddAddress(builder, *address);
      Emit(builder.Reuse(result));
      return;
    }
    std::swap(a, b);
  }
  for (int i = 0; i < 2 && !IsNarrow(type); ++i) {
    // a + (x + c), where the inner sum is not needed by itself.
    const IrInst add = ctx_->DefInst(b, Opcode::kIadd);
    if (add.is_some() && ctx_->HasOneUse(b)) {
      const Value inner = ctx_->data(add).arg(0);
      const std::optional<int32_t> imm = Immediate(ctx_->data(add).arg(1));
      if (imm.has_value() && !Immediate(inner).has_value()) {
        EmitSum(result, a, inner, *imm, type);
        return;
      }
    }
    std::swap(a, b);
  }
  for (int i = 0; i < 2; ++i) {
    // a + (x << 1..3) in one lea. Low bits of a sum depend on low bits only, so this holds at
    // both widths.
    const IrInst shift = ctx_->DefInst(b, Opcode::kIshl);
    const std::optional<uint64_t> amount =
        shift.is_some() ? ctx_->IntConstant(ctx_->data(shift).arg(1)) : std::nullopt;
    if (amount.has_value() && *amount >= 1 && *amount <= 3) {
      Builder builder(Op::kLea, OperationSize(type));
      builder.inst.addr = AddrKind::kBaseIndex;
      builder.inst.scale = static_cast<uint8_t>(*amount);
      builder.Use(LowBits(a, type)).Use(LowBits(ctx_->data(shift).arg(0), type)).Def(result);
      Emit(builder);
      FinishNarrow(inst, result);
      return;
    }
    std::swap(a, b);
  }
  Builder builder(Op::kAdd, OperationSize(type));
  builder.Use(LowBits(a, type)).UseAny(LowBits(b, type)).Def(result);
  Emit(builder, kCommutative);
  FinishNarrow(inst, result);
}

void X64Lowering::EmitAddImmediate(VReg result, Value value, int32_t imm, Type type) {
  // x + y + c in one lea where the inner sum is not needed by itself.
  const IrInst add = ctx_->DefInst(value, Opcode::kIadd);
  if (add.is_some() && ctx_->HasOneUse(value) && !IsNarrow(type)) {
    const InstData& data = ctx_->data(add);
    if (!Immediate(data.arg(0)).has_value() && !Immediate(data.arg(1)).has_value()) {
      EmitSum(result, data.arg(0), data.arg(1), imm, type);
      return;
    }
  }
  Builder builder(Op::kAdd, OperationSize(type));
  Emit(builder.Imm(imm).Use(LowBits(value, type)).Def(result));
}

void X64Lowering::EmitSum(VReg result, Value a, Value b, int32_t imm, Type type) {
  Builder builder(Op::kLea, OperationSize(type));
  builder.inst.addr = AddrKind::kBaseIndex;
  builder.inst.disp = imm;
  for (int i = 0; i < 2; ++i) {
    // Low bits of a sum depend on low bits only, so a shift may be a scale at both widths.
    const IrInst shift = ctx_->DefInst(b, Opcode::kIshl);
    const std::optional<uint64_t> amount =
        shift.is_some() ? ctx_->IntConstant(ctx_->data(shift).arg(1)) : std::nullopt;
    if (amount.has_value() && *amount >= 1 && *amount <= 3 && ctx_->HasOneUse(b)) {
      builder.inst.scale = static_cast<uint8_t>(*amount);
      b = ctx_->data(shift).arg(0);
      break;
    }
    std::swap(a, b);
  }
  Emit(builder.Use(LowBits(a, type)).Use(LowBits(b, type)).Def(result));
}

void X64Lowering::LowerAlu(IrInst inst, AluKind op) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Value a = data.arg(0);
  Value b = data.arg(1);
  const bool commutative = IsCommutative(data.opcode());
  if (commutative && Immediate(a).has_value()) std::swap(a, b);
  const VReg result = NarrowResult(inst);
  const std::optional<int32_t> imm = Immediate(b);
  if (op == AluKind::kSub && imm.has_value() && *imm != std::numeric_limits<int32_t>::min()) {
    EmitAddImmediate(result, a, -*imm, type);
    FinishNarrow(inst, result);
    return;
  }
  if (op == AluKind::kAnd) {
    // Masks that a plain move with zero-extension applies.
    const std::optional<uint64_t> mask = ctx_->IntConstant(b);
    const uint8_t bytes = mask == uint64_t{0xFF}         ? 1
                          : mask == uint64_t{0xFFFF}     ? 2
                          : mask == uint64_t{0xFFFFFFFF} ? 4
                                                         : 0;
    if (bytes != 0) {
      EmitZeroExtend(ctx_->Result(inst), LowBits(a, type), bytes);
      return;
    }
  }
  Builder builder(Op::kAlu, OperationSize(type));
  builder.inst.sub = static_cast<uint8_t>(op);
  if (imm.has_value()) {
    builder.Imm(*imm).Use(LowBits(a, type)).Reuse(result);
    Emit(builder);
    FinishNarrow(inst, result);
    return;
  }
  if (!IsNarrow(type)) {
    std::optional<Address> address = SinkLoad(b, Bytes(type), true);
    if (!address.has_value() && commutative) {
      address = SinkLoad(a, Bytes(type), true);
      if (address.has_value()) std::swap(a, b);
    }
    if (address.has_value()) {
      builder.Use(LowBits(a, type));
      AddAddress(builder, *address);
      Emit(builder.Reuse(result));
      return;
    }
  }
  builder.Use(LowBits(a, type)).UseAny(LowBits(b, type)).Reuse(result);
  Emit(builder, commutative ? kCommutative : codegen::regalloc::kNoFlags);
  FinishNarrow(inst, result);
}

void X64Lowering::LowerImul(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Value a = data.arg(0);
  Value b = data.arg(1);
  if (Immediate(a).has_value()) std::swap(a, b);
  const VReg result = NarrowResult(inst);
  if (const std::optional<int32_t> imm = Immediate(b)) {
    const uint64_t bits = *ctx_->IntConstant(b);
    if (std::has_single_bit(bits)) {
      EmitShiftImmediate(result, LowBits(a, type), ShiftKind::kShl,
                         static_cast<uint8_t>(std::countr_zero(bits)), OperationSize(type));
    } else if (bits == 3 || bits == 5 || bits == 9) {
      const VReg reg = LowBits(a, type);
      Builder builder(Op::kLea, OperationSize(type));
      builder.inst.addr = AddrKind::kBaseIndex;
      builder.inst.scale = static_cast<uint8_t>(std::countr_zero(bits - 1));
      Emit(builder.Use(reg).Use(reg).Def(result));
    } else {
      Builder builder(Op::kImulImm, OperationSize(type));
      AddRmOf(builder.Imm(*imm), a, type);
      Emit(builder.Def(result));
    }
    FinishNarrow(inst, result);
    return;
  }
  Builder builder(Op::kImul, OperationSize(type));
  if (!IsNarrow(type)) {
    std::optional<Address> address = SinkLoad(b, Bytes(type), true);
    if (!address.has_value()) {
      address = SinkLoad(a, Bytes(type), true);
      if (address.has_value()) std::swap(a, b);
    }
    if (address.has_value()) {
      builder.Use(LowBits(a, type));
      AddAddress(builder, *address);
      Emit(builder.Reuse(result));
      return;
    }
  }
  builder.Use(LowBits(a, type)).UseAny(LowBits(b, type)).Reuse(result);
  Emit(builder, kCommutative);
  FinishNarrow(inst, result);
}

void X64Lowering::AddRmOf(Builder& builder, Value value, Type type) {
  if (IsNarrow(type)) {
    builder.UseAny(LowBits(value, type));
  } else {
    AddRm(builder, value, Bytes(type));
  }
}

void X64Lowering::LowerUnary(IrInst inst, UnaryKind op) {
  const InstData& data = ctx_->data(inst);
  const VReg result = NarrowResult(inst);
  Builder builder(Op::kUnary, OperationSize(data.type()));
  builder.inst.sub = static_cast<uint8_t>(op);
  Emit(builder.Use(LowBits(data.arg(0), data.type())).Reuse(result));
  FinishNarrow(inst, result);
}

void X64Lowering::LowerBandNot(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  // x & ~y has no bits that x has not: no extension, though ~y has ones above the type.
  if (flags_.has_bmi1()) {
    Builder builder(Op::kAndn, OperationSize(type));
    builder.Use(ctx_->Reg(data.arg(1)));
    AddRmOf(builder, data.arg(0), type);
    Emit(builder.Def(ctx_->Result(inst)));
    return;
  }
  const VReg inverted = NewInt();
  Builder invert(Op::kUnary, OperationSize(type));
  invert.inst.sub = static_cast<uint8_t>(UnaryKind::kNot);
  Emit(invert.Use(LowBits(data.arg(1), type)).Reuse(inverted));
  Builder builder(Op::kAlu, OperationSize(type));
  builder.inst.sub = static_cast<uint8_t>(AluKind::kAnd);
  builder.Use(inverted).UseAny(LowBits(data.arg(0), type)).Reuse(ctx_->Result(inst));
  Emit(builder, kCommutative);
}

void X64Lowering::EmitShiftImmediate(VReg result, VReg value, ShiftKind op, uint8_t amount,
                                     uint8_t size) {
  if (amount == 0) {
    EmitZeroExtend(result, value, size);
    return;
  }
  if (op == ShiftKind::kShl && amount == 1) {
    Emit(Builder(Op::kAdd, size).Use(value).UseAny(value).Def(result));
    return;
  }
  if ((op == ShiftKind::kRol || op == ShiftKind::kRor) && size >= 4 && flags_.has_bmi2()) {
    const uint8_t bits = size * 8;
    Builder builder(Op::kRorX, size);
    builder.Imm(op == ShiftKind::kRor ? amount : bits - amount);
    Emit(builder.UseAny(value).Def(result));
    return;
  }
  Builder builder(Op::kShiftImm, size);
  builder.inst.sub = static_cast<uint8_t>(op);
  Emit(builder.Imm(amount).Use(value).Reuse(result));
}

void X64Lowering::LowerShift(IrInst inst, ShiftKind op) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t bits = codegen::TypeBits(type);
  const bool rotate = op == ShiftKind::kRol || op == ShiftKind::kRor;
  // Rotates of narrow types have instructions of that width, which leave what is above alone.
  const uint8_t size = rotate ? Bytes(type) : OperationSize(type);
  VReg value = LowBits(data.arg(0), type);
  if (op == ShiftKind::kSar && IsNarrow(type)) {
    const VReg extended = NewInt();
    Builder extend(Op::kExtend, 4);
    extend.inst.sub = Bytes(type);
    extend.inst.flags |= Inst::kSigned;
    Emit(extend.UseAny(value).Def(extended));
    value = extended;
  }
  const bool clear = IsNarrow(type) && !rotate && op != ShiftKind::kShr;
  const VReg result = clear ? NewInt() : ctx_->Result(inst);
  if (const std::optional<uint64_t> amount = ctx_->IntConstant(data.arg(1))) {
    EmitShiftImmediate(result, value, op, static_cast<uint8_t>(*amount & (bits - 1)), size);
  } else {
    VReg count = LowBits(data.arg(1), type);
    if (IsNarrow(type) && !rotate) {
      const VReg masked = NewInt();
      Builder mask(Op::kAlu, 4);
      mask.inst.sub = static_cast<uint8_t>(AluKind::kAnd);
      Emit(mask.Imm(static_cast<int32_t>(bits - 1)).Use(count).Reuse(masked));
      count = masked;
    }
    if (!rotate && flags_.has_bmi2()) {
      Builder builder(Op::kShiftX, size);
      builder.inst.sub = static_cast<uint8_t>(op);
      Emit(builder.Use(count).UseAny(value).Def(result));
    } else {
      Builder builder(Op::kShiftCl, size);
      builder.inst.sub = static_cast<uint8_t>(op);
      Emit(builder.Use(value).UseFixed(count, kRcx).Reuse(result));
    }
  }
  if (clear) EmitZeroExtend(ctx_->Result(inst), result, Bytes(type));
}

void X64Lowering::LowerMulWide(IrInst inst, bool is_signed, bool low, bool high) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Builder builder(Op::kMulWide, OperationSize(type));
  if (is_signed) builder.inst.flags |= Inst::kSigned;
  builder.UseFixed(LowBits(data.arg(0), type), kRax);
  AddRm(builder, data.arg(1), Bytes(type));
  const VReg high_reg = high ? ctx_->Result(inst, low ? 1 : 0) : NewInt();
  const VReg low_reg = low ? ctx_->Result(inst, 0) : NewInt();
  Emit(builder.DefFixed(low_reg, kRax).DefFixed(high_reg, kRdx));
}

void X64Lowering::LowerDivision(IrInst inst, bool is_signed, bool remainder) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Builder builder(Op::kDiv, OperationSize(type));
  const std::optional<uint64_t> divisor = ctx_->IntConstant(data.arg(1));
  if (is_signed) builder.inst.flags |= Inst::kSigned;
  if (remainder) builder.inst.flags |= Inst::kRemainder;
  if (!divisor.has_value() || *divisor == 0) builder.inst.flags |= Inst::kCheckZero;
  if (is_signed && (!divisor.has_value() || *divisor == codegen::TypeMask(type))) {
    builder.inst.flags |= Inst::kCheckOverflow;
  }
  builder.inst.trap = static_cast<uint8_t>(data.trap_code());
  if (is_signed) builder.inst.extra = static_cast<uint8_t>(data.second_trap_code());
  builder.UseFixed(LowBits(data.arg(0), type), kRax).UseLate(LowBits(data.arg(1), type));
  // A trapping division is done for its effect even where no one wants the result.
  const VReg result = ctx_->Result(inst);
  const VReg other = NewInt();
  Emit(builder.DefFixed(remainder ? other : result, kRax)
           .DefFixed(remainder ? result : other, kRdx));
}

void X64Lowering::LowerOverflow(IrInst inst, AluKind op, Cond cc) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Builder builder(Op::kOverflow, OperationSize(type));
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.cc = cc;
  builder.Use(LowBits(data.arg(0), type));
  AddRm(builder, data.arg(1), Bytes(type));
  Emit(builder.Reuse(ctx_->Result(inst, 0)).Def(ctx_->Result(inst, 1)));
}

void X64Lowering::LowerCarry(IrInst inst, AluKind op) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  Builder builder(Op::kCarry, OperationSize(type));
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(LowBits(data.arg(0), type));
  AddRm(builder, data.arg(1), Bytes(type));
  builder.Use(ctx_->Reg(data.arg(2)));
  Emit(builder.Reuse(ctx_->Result(inst, 0)).Def(ctx_->Result(inst, 1)));
}

X64Lowering::VReg X64Lowering::EmitAluImmediate(AluKind op, VReg value, int32_t imm, uint8_t size) {
  const VReg result = NewInt();
  Builder builder(Op::kAlu, size);
  builder.inst.sub = static_cast<uint8_t>(op);
  Emit(builder.Imm(imm).Use(value).Reuse(result));
  return result;
}

X64Lowering::VReg X64Lowering::EmitAlu(AluKind op, VReg a, VReg b, uint8_t size) {
  const VReg result = NewInt();
  Builder builder(Op::kAlu, size);
  builder.inst.sub = static_cast<uint8_t>(op);
  Emit(builder.Use(a).UseAny(b).Reuse(result));
  return result;
}

// Counts bits in pairs, nibbles, bytes, and adds the bytes by a multiplication (Warren,
// Hacker's Delight, 5-1).
void X64Lowering::EmitPopcntByParts(VReg result, VReg value, uint8_t size) {
  const auto mask = [&](VReg reg, uint64_t pattern) {
    const uint64_t bits = size == 8 ? pattern : pattern & 0xFFFFFFFF;
    const VReg constant = NewInt();
    LowerConstant(*ctx_, constant, size == 8 ? Type::kI64 : Type::kI32, bits);
    return EmitAlu(AluKind::kAnd, reg, constant, size);
  };
  const auto shifted = [&](VReg reg, uint8_t amount) {
    const VReg out = NewInt();
    EmitShiftImmediate(out, reg, ShiftKind::kShr, amount, size);
    return out;
  };
  const VReg pairs =
      EmitAlu(AluKind::kSub, value, mask(shifted(value, 1), 0x5555555555555555), size);
  const VReg nibbles = EmitAlu(AluKind::kAdd, mask(pairs, 0x3333333333333333),
                               mask(shifted(pairs, 2), 0x3333333333333333), size);
  const VReg bytes =
      mask(EmitAlu(AluKind::kAdd, nibbles, shifted(nibbles, 4), size), 0x0F0F0F0F0F0F0F0F);
  const VReg ones = NewInt();
  LowerConstant(*ctx_, ones, size == 8 ? Type::kI64 : Type::kI32,
                size == 8 ? 0x0101010101010101 : 0x01010101);
  const VReg sum = NewInt();
  Emit(Builder(Op::kImul, size).Use(bytes).UseAny(ones).Reuse(sum));
  EmitShiftImmediate(result, sum, ShiftKind::kShr, size == 8 ? 56 : 24, size);
}

void X64Lowering::LowerBitCount(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint8_t size = OperationSize(type);
  const uint32_t bits = codegen::TypeBits(type);
  const VReg result = ctx_->Result(inst);
  const auto count = [&](BitsKind op, VReg to, VReg from) {
    Builder builder(Op::kBits, size);
    builder.inst.sub = static_cast<uint8_t>(op);
    Emit(builder.UseAny(from).Def(to));
  };
  const VReg value = type == Type::kI32 ? Low32(data.arg(0)) : ctx_->Reg(data.arg(0));
  switch (data.opcode()) {
    case Opcode::kClz: {
      const VReg counted = IsNarrow(type) ? NewInt() : result;
      count(flags_.has_lzcnt() ? BitsKind::kLzcnt : BitsKind::kClzByBsr, counted, value);
      // The zeros above the type were counted too.
      if (IsNarrow(type)) {
        Emit(Builder(Op::kAdd, 4).Imm(static_cast<int32_t>(bits) - 32).Use(counted).Def(result));
      }
      break;
    }
    case Opcode::kCtz:
      // A bit just above a narrow type stops the count.
      count(flags_.has_bmi1() ? BitsKind::kTzcnt : BitsKind::kCtzByBsf, result,
            IsNarrow(type) ? EmitAluImmediate(AluKind::kOr, value, 1 << bits, 4) : value);
      break;
    default:
      if (flags_.has_popcnt()) {
        count(BitsKind::kPopcnt, result, value);
      } else {
        EmitPopcntByParts(result, value, size);
      }
      break;
  }
}

void X64Lowering::LowerBswap(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  if (data.type() == Type::kI16) {
    EmitShiftImmediate(ctx_->Result(inst), ctx_->Reg(data.arg(0)), ShiftKind::kRol, 8, 2);
    return;
  }
  Builder builder(Op::kBswap, OperationSize(data.type()));
  Emit(builder.Use(LowBits(data.arg(0), data.type())).Reuse(ctx_->Result(inst)));
}

void X64Lowering::LowerExtend(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const Type from = ctx_->type(data.arg(0));
  // Reducing reads the low bytes of the result's width; extending reads the operand's.
  const uint8_t bytes = data.opcode() == Opcode::kIreduce ? Bytes(type) : Bytes(from);
  Builder builder(Op::kExtend, OperationSize(type));
  builder.inst.sub = bytes;
  if (is_signed) builder.inst.flags |= Inst::kSigned;
  if (data.opcode() == Opcode::kIreduce) {
    builder.UseAny(ctx_->Reg(data.arg(0)));
  } else if (const IrInst reduce = ctx_->DefInst(data.arg(0), Opcode::kIreduce); reduce.is_some()) {
    // Only the low bytes are read, whatever stands above them.
    builder.UseAny(ctx_->Reg(ctx_->data(reduce).arg(0)));
  } else {
    AddRm(builder, data.arg(0), bytes);
  }
  const VReg result = is_signed ? NarrowResult(inst) : ctx_->Result(inst);
  Emit(builder.Def(result));
  if (is_signed) FinishNarrow(inst, result);
}

}  // namespace gantry::x64
