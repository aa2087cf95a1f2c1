// Lowering of integer arithmetic and bits.
//
// Narrow types (I8, I16) compute in 32 bits and then clear what is above their width, so that
// every integer stays zero-extended in its register.
#include <bit>

#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

using codegen::Opcode;

namespace {

bool IsNarrow(codegen::Type type) {
  return type == codegen::Type::kI8 || type == codegen::Type::kI16;
}
uint32_t IsLong(codegen::Type type) { return type == codegen::Type::kI64 ? 1 : 0; }
uint32_t OperationBits(codegen::Type type) { return type == codegen::Type::kI64 ? 64 : 32; }

uint32_t ShiftLeftField(uint32_t amount, uint32_t bits) {
  return BitfieldBits((bits - amount) % bits, bits - 1 - amount);
}

}  // namespace

void AArch64Lowering::EmitZeroExtend(VReg to, VReg from, uint32_t bits) {
  if (bits == 32) return EmitRow(Row::kMovW, to, {from});
  EmitRow(Row::kUbfmW, to, {from}, BitfieldBits(0, bits - 1));
}

// To all of `type`, I32 or I64.
void AArch64Lowering::EmitSignExtend(VReg to, VReg from, uint32_t bits, Type type) {
  EmitRow(type == Type::kI64 ? Row::kSbfmX : Row::kSbfmW, to, {from}, BitfieldBits(0, bits - 1));
}

AArch64Lowering::VReg AArch64Lowering::NarrowResult(IrInst inst) {
  return IsNarrow(ctx_->data(inst).type()) ? NewInt() : ctx_->Result(inst);
}

void AArch64Lowering::FinishNarrow(IrInst inst, VReg computed) {
  const Type type = ctx_->data(inst).type();
  if (IsNarrow(type)) EmitZeroExtend(ctx_->Result(inst), computed, codegen::TypeBits(type));
}

AArch64Lowering::VReg AArch64Lowering::ConstantReg(uint64_t bits, Type type) {
  const VReg reg = NewInt();
  LowerConstant(*ctx_, reg, type, bits);
  return reg;
}

void AArch64Lowering::EmitAddConstant(VReg to, VReg from, int64_t imm, Type type) {
  const uint32_t is_long = IsLong(type);
  if (const auto bits = AddBits(static_cast<uint64_t>(imm))) {
    return EmitRow(Row::kAddImmW + is_long, to, {from}, *bits);
  }
  if (const auto bits = AddBits(0 - static_cast<uint64_t>(imm))) {
    return EmitRow(Row::kSubImmW + is_long, to, {from}, *bits);
  }
  const uint64_t constant = is_long != 0 ? static_cast<uint64_t>(imm) : static_cast<uint32_t>(imm);
  EmitRow(Row::kAddW + is_long, to,
          {from, ConstantReg(constant, is_long != 0 ? Type::kI64 : Type::kI32)});
}

void AArch64Lowering::LowerIadd(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t is_long = IsLong(type);
  Value a = data.arg(0);
  Value b = data.arg(1);
  if (Constant(a).has_value()) std::swap(a, b);
  const VReg result = NarrowResult(inst);
  if (const IrInst constant = ctx_->DefInst(b, Opcode::kIconst); constant.is_some()) {
    EmitAddConstant(result, LowBits(a, type), ctx_->data(constant).const_signed(), type);
    return FinishNarrow(inst, result);
  }
  for (int i = 0; i < 2; ++i) {
    if (EmitConditionalIncrement(result, a, b, type)) return;
    // a + x * y
    const IrInst mul = ctx_->DefInst(b, Opcode::kImul);
    if (mul.is_some() && ctx_->HasOneUse(b) && ctx_->data(mul).type() == type) {
      if (const auto wide = MatchWideProduct(mul)) {
        return EmitRow(wide->is_signed ? Row::kSmaddl : Row::kUmaddl, result,
                       {Low32(wide->a), Low32(wide->b), Reg(a)});
      }
      const InstData& product = ctx_->data(mul);
      EmitRow(Row::kMaddW + is_long, result,
              {LowBits(product.arg(0), type), LowBits(product.arg(1), type), LowBits(a, type)});
      return FinishNarrow(inst, result);
    }
    if (const auto shifted = MatchShift(b, type, /*rotates=*/false)) {
      EmitRow(Row::kAddW + is_long, result, {LowBits(a, type), shifted->reg}, shifted->bits);
      return;
    }
    // a + the sign-extended x
    const IrInst extend = ctx_->DefInst(b, Opcode::kSextend);
    if (type == Type::kI64 && extend.is_some() && ctx_->HasOneUse(b)) {
      const Value from = ctx_->data(extend).arg(0);
      const ExtendOp op = ctx_->type(from) == Type::kI8    ? ExtendOp::kSxtb
                          : ctx_->type(from) == Type::kI16 ? ExtendOp::kSxth
                                                           : ExtendOp::kSxtw;
      EmitRow(Row::kAddExtX, result, {ctx_->Reg(a), ctx_->Reg(from)}, ExtendBits(op, 0));
      return;
    }
    std::swap(a, b);
  }
  EmitRow(Row::kAddW + is_long, result, {LowBits(a, type), LowBits(b, type)});
  FinishNarrow(inst, result);
}

void AArch64Lowering::LowerIsub(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t is_long = IsLong(type);
  const Value a = data.arg(0);
  const Value b = data.arg(1);
  const VReg result = NarrowResult(inst);
  if (const IrInst constant = ctx_->DefInst(b, Opcode::kIconst); constant.is_some()) {
    const uint64_t imm = static_cast<uint64_t>(ctx_->data(constant).const_signed());
    EmitAddConstant(result, LowBits(a, type), static_cast<int64_t>(0 - imm), type);
    return FinishNarrow(inst, result);
  }
  const IrInst mul = ctx_->DefInst(b, Opcode::kImul);
  if (mul.is_some() && ctx_->HasOneUse(b) && ctx_->data(mul).type() == type) {
    const InstData& product = ctx_->data(mul);
    EmitRow(Row::kMsubW + is_long, result,
            {LowBits(product.arg(0), type), LowBits(product.arg(1), type), LowBits(a, type)});
  } else if (const auto shifted = MatchShift(b, type, /*rotates=*/false)) {
    EmitRow(Row::kSubW + is_long, result, {LowBits(a, type), shifted->reg}, shifted->bits);
  } else {
    EmitRow(Row::kSubW + is_long, result, {LowBits(a, type), LowBits(b, type)});
  }
  FinishNarrow(inst, result);
}

void AArch64Lowering::LowerLogic(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t is_long = IsLong(type);
  const Opcode op = data.opcode();
  Value a = data.arg(0);
  Value b = data.arg(1);
  const bool inverted = op == Opcode::kBandNot;
  if (IsChain(inst)) return EmitCset(ctx_->Result(inst), ChainOf(inst));
  if (op == Opcode::kBor && !IsNarrow(type) && LowerInsertion(inst)) return;
  if (!inverted && Constant(a).has_value()) std::swap(a, b);
  const VReg result = NarrowResult(inst);
  const Row with_imm = op == Opcode::kBor    ? Row::kOrrImmW
                       : op == Opcode::kBxor ? Row::kEorImmW
                                             : Row::kAndImmW;
  if (std::optional<uint64_t> constant = Constant(b)) {
    if (inverted) *constant = ~*constant & codegen::TypeMask(type);
    const bool is_and = with_imm == Row::kAndImmW;
    // Bits shifted down and masked: one extraction.
    const uint64_t run = *constant + 1;
    const IrInst shift = ctx_->DefInst(a, Opcode::kUshr);
    if (is_and && std::has_single_bit(run) && *constant != 0 && shift.is_some() &&
        ctx_->data(shift).type() == type && !IsNarrow(type) && ctx_->HasOneUse(a)) {
      const uint32_t bits = OperationBits(type);
      const uint32_t width = static_cast<uint32_t>(std::countr_zero(run));
      const std::optional<uint64_t> amount = Constant(ctx_->data(shift).arg(1));
      if (amount.has_value()) {
        const uint32_t from = static_cast<uint32_t>(*amount) & (bits - 1);
        const uint32_t top = std::min(from + width - 1, bits - 1);
        EmitRow(is_long ? Row::kUbfmX : Row::kUbfmW, result,
                {LowBits(ctx_->data(shift).arg(0), type)}, BitfieldBits(from, top));
        return;
      }
    }
    if (is_and && type == Type::kI64 && *constant == 0xFFFFFFFF && EmitLow32(result, a)) return;
    // Bits shifted up and masked where they then are: one insertion into zero.
    const IrInst up = ctx_->DefInst(a, Opcode::kIshl);
    if (is_and && *constant != 0 && up.is_some() && ctx_->data(up).type() == type &&
        !IsNarrow(type) && ctx_->HasOneUse(a)) {
      const uint32_t lsb = static_cast<uint32_t>(std::countr_zero(*constant));
      const uint64_t field = *constant >> lsb;
      const std::optional<uint64_t> amount = Constant(ctx_->data(up).arg(1));
      if (std::has_single_bit(field + 1) && amount == uint64_t{lsb}) {
        EmitInsertInZero(result, LowBits(ctx_->data(up).arg(0), type), lsb,
                         static_cast<uint32_t>(std::popcount(field)), type);
        return;
      }
    }
    if (const auto bits = LogicalBits(*constant, OperationBits(type))) {
      EmitRow(with_imm + is_long, result, {LowBits(a, type)}, *bits);
      return FinishNarrow(inst, result);
    }
  }
  Row row = op == Opcode::kBor ? Row::kOrrW : op == Opcode::kBxor ? Row::kEorW : Row::kAndW;
  if (inverted) {
    row = Row::kBicW;
  } else {
    // The form with the second operand inverted.
    for (int i = 0; i < 2; ++i) {
      const IrInst complement = ctx_->DefInst(b, Opcode::kBnot);
      if (complement.is_some() && ctx_->data(complement).type() == type && ctx_->HasOneUse(b)) {
        row = op == Opcode::kBor ? Row::kOrnW : op == Opcode::kBxor ? Row::kEonW : Row::kBicW;
        b = ctx_->data(complement).arg(0);
        break;
      }
      std::swap(a, b);
    }
  }
  const bool commutes = row == Row::kAndW || row == Row::kOrrW || row == Row::kEorW;
  for (int i = 0; i < (commutes ? 2 : 1); ++i) {
    if (const auto shifted = MatchShift(b, type, /*rotates=*/true)) {
      EmitRow(row + is_long, result, {LowBits(a, type), shifted->reg}, shifted->bits);
      return FinishNarrow(inst, result);
    }
    if (commutes) std::swap(a, b);
  }
  EmitRow(row + is_long, result, {LowBits(a, type), LowBits(b, type)});
  FinishNarrow(inst, result);
}

// Every bit of the result is of one side: of `kept`, whose others a constant clears, or of `field`,
// which is zero outside of a run of bits.
bool AArch64Lowering::LowerInsertion(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t bits = OperationBits(type);
  const uint64_t all = codegen::TypeMask(type);
  for (int side = 0; side < 2; ++side) {
    const Value kept = data.arg(side), field = data.arg(1 - side);
    const IrInst band = ctx_->DefInst(kept, Opcode::kBand);
    if (band.is_none() || !ctx_->HasOneUse(kept) || !ctx_->HasOneUse(field)) continue;
    const std::optional<uint64_t> mask = Constant(ctx_->data(band).arg(1));
    if (!mask.has_value() || *mask == 0 || *mask == all) continue;
    const uint64_t run = ~*mask & all;
    const uint32_t lsb = static_cast<uint32_t>(std::countr_zero(run));
    const uint32_t width = static_cast<uint32_t>(std::popcount(run));
    const uint64_t ones = run >> lsb;
    if ((ones & (ones + 1)) != 0) continue;
    const std::optional<Field> found = MatchField(field, type, run, lsb);
    if (!found.has_value()) continue;
    // bfi, and where a field comes from further up to the bottom, bfxil.
    EmitRow(type == Type::kI64 ? Row::kBfmX : Row::kBfmW, ctx_->Result(inst),
            {LowBits(ctx_->data(band).arg(0), type), LowBits(found->value, type)},
            lsb != 0 ? BitfieldBits(bits - lsb, width - 1)
                     : BitfieldBits(found->from, found->from + width - 1));
    return true;
  }
  return false;
}

// `value` as (x >> from << lsb) & run: with from 0 or lsb 0.
std::optional<AArch64Lowering::Field> AArch64Lowering::MatchField(Value value, Type type,
                                                                  uint64_t run, uint32_t lsb) {
  const uint32_t bits = OperationBits(type);
  const uint64_t all = codegen::TypeMask(type);
  const auto shift_of = [&](Value shifted, Opcode op) -> std::optional<Field> {
    const IrInst shift = ctx_->DefInst(shifted, op);
    if (shift.is_none() || ctx_->data(shift).type() != type) return std::nullopt;
    const std::optional<uint64_t> amount = Constant(ctx_->data(shift).arg(1));
    if (!amount.has_value()) return std::nullopt;
    return Field{ctx_->data(shift).arg(0), static_cast<uint32_t>(*amount) & (bits - 1)};
  };
  const auto mask_of = [&](Value masked) -> std::optional<std::pair<Value, uint64_t>> {
    const IrInst band = ctx_->DefInst(masked, Opcode::kBand);
    if (band.is_none()) return std::nullopt;
    const std::optional<uint64_t> mask = Constant(ctx_->data(band).arg(1));
    if (!mask.has_value()) return std::nullopt;
    return std::pair(ctx_->data(band).arg(0), *mask);
  };
  if (const auto up = shift_of(value, Opcode::kIshl); up.has_value() && up->from == lsb) {
    if (run == (all << lsb & all)) return Field{up->value, 0};
    const auto masked = mask_of(up->value);
    if (masked.has_value() && (masked->second << lsb & all) == run) return Field{masked->first, 0};
  }
  if (const auto masked = mask_of(value)) {
    const auto up = shift_of(masked->first, Opcode::kIshl);
    if (up.has_value() && up->from == lsb && (masked->second & all << lsb & all) == run) {
      return Field{up->value, 0};
    }
    if (lsb != 0) return std::nullopt;
    const auto down = shift_of(masked->first, Opcode::kUshr);
    if (down.has_value() && (masked->second & all >> down->from) == run) return down;
    if (masked->second == run) return Field{masked->first, 0};
  }
  if (lsb != 0) return std::nullopt;
  const auto down = shift_of(value, Opcode::kUshr);
  if (down.has_value() && run == all >> down->from) return down;
  return std::nullopt;
}

// The factors of a full product of two I32s.
std::optional<AArch64Lowering::WideProduct> AArch64Lowering::MatchWideProduct(IrInst mul) {
  const InstData& data = ctx_->data(mul);
  if (data.type() != Type::kI64) return std::nullopt;
  for (const Opcode extension : {Opcode::kUextend, Opcode::kSextend}) {
    const IrInst a = ctx_->DefInst(data.arg(0), extension);
    const IrInst b = ctx_->DefInst(data.arg(1), extension);
    if (a.is_none() || b.is_none()) continue;
    const Value x = ctx_->data(a).arg(0), y = ctx_->data(b).arg(0);
    if (ctx_->type(x) != Type::kI32 || ctx_->type(y) != Type::kI32) continue;
    return WideProduct{extension == Opcode::kSextend, x, y};
  }
  return std::nullopt;
}

void AArch64Lowering::LowerImul(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const VReg result = NarrowResult(inst);
  if (const auto wide = MatchWideProduct(inst)) {
    return EmitRow(wide->is_signed ? Row::kSmull : Row::kUmull, result,
                   {Low32(wide->a), Low32(wide->b)});
  }
  const IrInst negation = ctx_->DefInst(data.arg(0), Opcode::kIneg);
  if (negation.is_some() && ctx_->HasOneUse(data.arg(0)) && ctx_->data(negation).type() == type) {
    EmitRow(Row::kMnegW + IsLong(type), result,
            {LowBits(ctx_->data(negation).arg(0), type), LowBits(data.arg(1), type)});
  } else {
    EmitRow(Row::kMulW + IsLong(type), result,
            {LowBits(data.arg(0), type), LowBits(data.arg(1), type)});
  }
  FinishNarrow(inst, result);
}

void AArch64Lowering::LowerMulWide(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const VReg low = ctx_->Result(inst, 0), high = ctx_->Result(inst, 1);
  const VReg a = ctx_->Reg(data.arg(0)), b = ctx_->Reg(data.arg(1));
  if (data.type() == Type::kI64) {
    EmitRow(Row::kMulX, low, {a, b});
    EmitRow(is_signed ? Row::kSmulh : Row::kUmulh, high, {a, b});
    return;
  }
  const VReg product = IntRow(is_signed ? Row::kSmull : Row::kUmull, {a, b});
  EmitZeroExtend(low, product, 32);
  EmitShiftConstant(high, product, Opcode::kUshr, 32, Type::kI64);
}

void AArch64Lowering::LowerMulHigh(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const VReg a = LowBits(data.arg(0), data.type()), b = LowBits(data.arg(1), data.type());
  if (data.type() == Type::kI64) {
    return EmitRow(is_signed ? Row::kSmulh : Row::kUmulh, ctx_->Result(inst), {a, b});
  }
  const VReg product = IntRow(is_signed ? Row::kSmull : Row::kUmull, {a, b});
  EmitShiftConstant(ctx_->Result(inst), product, Opcode::kUshr, 32, Type::kI64);
}

// The machine gives 0 for a division by zero and the least number for its quotient by -1.
void AArch64Lowering::LowerDivision(IrInst inst, bool is_signed, bool remainder) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t is_long = IsLong(type);
  const VReg a = LowBits(data.arg(0), type), b = LowBits(data.arg(1), type);
  const IrInst constant = ctx_->DefInst(data.arg(1), Opcode::kIconst);
  const bool not_zero = constant.is_some() && ctx_->data(constant).const_bits() != 0;
  const bool not_minus_one = constant.is_some() && ctx_->data(constant).const_signed() != -1;
  const uint8_t size = is_long ? 8 : 4;
  if (!not_zero) {
    Builder check(Op::kTrapIfZero, size);
    check.inst.code = static_cast<uint8_t>(data.trap_code());
    Emit(check.Use(b));
  }
  if (is_signed && !remainder && !not_minus_one) {
    Builder check(Op::kTrapIfMinByMinusOne, size);
    check.inst.code = static_cast<uint8_t>(data.second_trap_code());
    Emit(check.Use(a).Use(b));
  }
  const Row row = (is_signed ? Row::kSdivW : Row::kUdivW) + is_long;
  if (!remainder) return EmitRow(row, ctx_->Result(inst), {a, b});
  const VReg quotient = IntRow(row, {a, b});
  EmitRow(Row::kMsubW + is_long, ctx_->Result(inst), {quotient, b, a});
}

void AArch64Lowering::LowerOverflow(IrInst inst, Row row, Cond cc) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kFlagsCset);
  builder.SetRow(row + IsLong(data.type()));
  builder.inst.cc = cc;
  builder.Use(ctx_->Reg(data.arg(0))).Use(ctx_->Reg(data.arg(1)));
  Emit(builder.Def(ctx_->Result(inst, 0)).Def(ctx_->Result(inst, 1)));
}

void AArch64Lowering::LowerCarry(IrInst inst, bool subtract) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kCarry);
  builder.SetRow((subtract ? Row::kSbcsW : Row::kAdcsW) + IsLong(data.type()));
  builder.Use(ctx_->Reg(data.arg(0))).Use(ctx_->Reg(data.arg(1))).Use(ctx_->Reg(data.arg(2)));
  Emit(builder.Def(ctx_->Result(inst, 0)).Def(ctx_->Result(inst, 1)));
}

// `type` is I32 or I64, the amount less than its bits.
void AArch64Lowering::EmitShiftConstant(VReg to, VReg from, Opcode op, uint32_t amount, Type type) {
  const uint32_t bits = OperationBits(type);
  const bool is_long = type == Type::kI64;
  switch (op) {
    case Opcode::kIshl:
      return EmitRow(is_long ? Row::kUbfmX : Row::kUbfmW, to, {from}, ShiftLeftField(amount, bits));
    case Opcode::kSshr:
      return EmitRow(is_long ? Row::kSbfmX : Row::kSbfmW, to, {from},
                     BitfieldBits(amount, bits - 1));
    default:
      return EmitRow(is_long ? Row::kUbfmX : Row::kUbfmW, to, {from},
                     BitfieldBits(amount, bits - 1));
  }
}

void AArch64Lowering::EmitInsertInZero(VReg to, VReg from, uint32_t lsb, uint32_t width,
                                       Type type) {
  const uint32_t bits = OperationBits(type);
  EmitRow(type == Type::kI64 ? Row::kUbfmX : Row::kUbfmW, to, {from},
          BitfieldBits((bits - lsb) % bits, width - 1));
}

bool AArch64Lowering::EmitLow32(VReg to, Value wide) {
  const IrInst def = ctx_->DefInst(wide);
  if (def.is_none() || !ctx_->HasOneUse(wide)) return false;
  const InstData& data = ctx_->data(def);
  const bool subtract = data.opcode() == Opcode::kIsub;
  if (!subtract && data.opcode() != Opcode::kIadd && data.opcode() != Opcode::kImul) return false;
  const Value a = data.arg(0), b = data.arg(1);
  const std::optional<uint64_t> constant = Constant(b);
  if (constant.has_value() && data.opcode() != Opcode::kImul) {
    const int32_t low = static_cast<int32_t>(static_cast<uint32_t>(*constant));
    EmitAddConstant(to, Reg(a), subtract ? -int64_t{low} : int64_t{low}, Type::kI32);
    return true;
  }
  EmitRow(subtract                         ? Row::kSubW
          : data.opcode() == Opcode::kIadd ? Row::kAddW
                                           : Row::kMulW,
          to, {Reg(a), Reg(b)});
  return true;
}

// x & ones << amount
bool AArch64Lowering::LowerMaskedShift(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const std::optional<uint64_t> amount = Constant(data.arg(1));
  const IrInst band = ctx_->DefInst(data.arg(0), Opcode::kBand);
  if (IsNarrow(type) || !amount.has_value() || band.is_none() || !ctx_->HasOneUse(data.arg(0))) {
    return false;
  }
  const std::optional<uint64_t> mask = Constant(ctx_->data(band).arg(1));
  if (!mask.has_value() || *mask == 0 || !std::has_single_bit(*mask + 1)) return false;
  const uint32_t bits = OperationBits(type);
  const uint32_t lsb = static_cast<uint32_t>(*amount) & (bits - 1);
  const uint32_t width = std::min<uint32_t>(std::popcount(*mask), bits - lsb);
  EmitInsertInZero(ctx_->Result(inst), LowBits(ctx_->data(band).arg(0), type), lsb, width, type);
  return true;
}

void AArch64Lowering::LowerShift(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const Opcode op = data.opcode();
  const bool narrow = IsNarrow(type);
  if (op == Opcode::kIshl && LowerMaskedShift(inst)) return;
  const Type operation = type == Type::kI64 ? Type::kI64 : Type::kI32;
  const uint32_t width = codegen::TypeBits(type);
  const VReg result = op == Opcode::kUshr ? ctx_->Result(inst) : NarrowResult(inst);
  VReg value = op == Opcode::kIshl && !narrow ? LowBits(data.arg(0), type)
               : narrow                       ? ctx_->Reg(data.arg(0))
                                              : LowBits(data.arg(0), type);
  if (narrow && op == Opcode::kSshr) {
    const VReg extended = NewInt();
    EmitSignExtend(extended, value, width, Type::kI32);
    value = extended;
  }
  if (const std::optional<uint64_t> amount = Constant(data.arg(1))) {
    EmitShiftConstant(result, value, op, static_cast<uint32_t>(*amount) & (width - 1), operation);
  } else {
    VReg by = LowBits(data.arg(1), type);
    if (narrow) by = IntRow(Row::kAndImmW, {by}, LogicalBits(width - 1, 32).value());
    const Row row = op == Opcode::kIshl   ? Row::kLslvW
                    : op == Opcode::kUshr ? Row::kLsrvW
                                          : Row::kAsrvW;
    EmitRow(row + IsLong(type), result, {value, by});
  }
  if (result != ctx_->Result(inst)) FinishNarrow(inst, result);
}

void AArch64Lowering::LowerRotate(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const bool left = data.opcode() == Opcode::kRotl;
  const uint32_t is_long = IsLong(type);
  const uint32_t bits = OperationBits(type);
  const VReg result = NarrowResult(inst);
  VReg value = IsNarrow(type) ? ctx_->Reg(data.arg(0)) : LowBits(data.arg(0), type);
  // A narrow value over and over in 32 bits turns like itself.
  for (uint32_t width = codegen::TypeBits(type); width < 32; width *= 2) {
    value = IntRow(Row::kOrrW, {value, value}, ShiftBits(ShiftOp::kLsl, width));
  }
  if (const std::optional<uint64_t> amount = Constant(data.arg(1))) {
    const uint32_t right =
        (left ? 0 - static_cast<uint32_t>(*amount) : static_cast<uint32_t>(*amount)) & (bits - 1);
    EmitRow(Row::kExtrW + is_long, result, {value, value}, right << 10);
  } else {
    VReg by = LowBits(data.arg(1), type);
    if (left) by = IntRow(Row::kNegW + is_long, {by});
    EmitRow(Row::kRorvW + is_long, result, {value, by});
  }
  FinishNarrow(inst, result);
}

void AArch64Lowering::LowerBitCount(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint32_t is_long = IsLong(type);
  const VReg result = ctx_->Result(inst);
  VReg value = ctx_->Reg(data.arg(0));
  const uint32_t width = codegen::TypeBits(type);
  switch (data.opcode()) {
    case Opcode::kClz:
      if (!IsNarrow(type)) return EmitRow(Row::kClzW + is_long, result, {value});
      // The zeroes above a narrow value do not count.
      value = IntRow(Row::kClzW, {value});
      return EmitRow(Row::kSubImmW, result, {value}, AddBits(32 - width).value());
    case Opcode::kCtz:
      if (IsNarrow(type)) {
        // A one just above stops the count.
        value = IntRow(Row::kOrrImmW, {value}, LogicalBits(uint64_t{1} << width, 32).value());
      }
      value = IntRow(Row::kRbitW + is_long, {value});
      return EmitRow(Row::kClzW + is_long, result, {value});
    default: {
      VReg vector = VecRow(is_long ? Row::kFmovDX : Row::kFmovSW, {value});
      vector = VecRow(Row::kVCnt8B, {vector});
      vector = VecRow(Row::kVAddv8B, {vector});
      return EmitRow(Row::kFmovWS, result, {vector});
    }
  }
}

void AArch64Lowering::LowerExtend(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const Type to = data.type();
  const Type from = ctx_->type(data.arg(0));
  if (!is_signed) {
    if (to == Type::kI32 && EmitLow32(ctx_->Result(inst), data.arg(0))) return;
    return EmitZeroExtend(ctx_->Result(inst), ctx_->Reg(data.arg(0)), codegen::TypeBits(to));
  }
  const VReg result = NarrowResult(inst);
  EmitSignExtend(result, ctx_->Reg(data.arg(0)), codegen::TypeBits(from),
                 to == Type::kI64 ? Type::kI64 : Type::kI32);
  FinishNarrow(inst, result);
}

}  // namespace gantry::aarch64
