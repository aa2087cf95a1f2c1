// Lowering of floats and of conversions between kinds.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

uint8_t Bytes(codegen::Type type) { return static_cast<uint8_t>(codegen::TypeBytes(type)); }

// Masks in both halves of 64 bits for f32, in one for f64; memory operands see them twice.
constexpr uint64_t kSignF32 = 0x8000000080000000;
constexpr uint64_t kSignF64 = 0x8000000000000000;
uint64_t SignMask(codegen::Type type) { return type == codegen::Type::kF32 ? kSignF32 : kSignF64; }

}  // namespace

void X64Lowering::LowerSse(IrInst inst, SseKind op) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kSse, Bytes(data.type()));
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(ctx_->Reg(data.arg(0)));
  AddFloatRm(builder, data.arg(1));
  if (flags_.has_avx()) {
    builder.Def(ctx_->Result(inst));
  } else {
    builder.Reuse(ctx_->Result(inst));
  }
  Emit(builder);
}

void X64Lowering::EmitSse(SseKind op, uint8_t size, VReg result, VReg a, VReg b) {
  Builder builder(Op::kSse, size);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(a).UseAny(b);
  if (flags_.has_avx()) {
    builder.Def(result);
  } else {
    builder.Reuse(result);
  }
  Emit(builder);
}

void X64Lowering::EmitSseConstant(SseKind op, VReg result, VReg a, uint64_t constant) {
  Builder builder(Op::kSse, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.addr = AddrKind::kConstant;
  builder.inst.set_constant(constant);
  builder.Use(a);
  if (flags_.has_avx()) {
    builder.Def(result);
  } else {
    builder.Reuse(result);
  }
  Emit(builder);
}

void X64Lowering::LowerSqrt(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kSqrt, Bytes(data.type()));
  AddFloatRm(builder, data.arg(0));
  Emit(builder.Def(ctx_->Result(inst)));
}

void X64Lowering::LowerRound(IrInst inst, int mode) {
  const InstData& data = ctx_->data(inst);
  if (flags_.has_sse41()) {
    Builder builder(Op::kRound, Bytes(data.type()));
    const std::optional<Address> address = SinkLoad(data.arg(0), Bytes(data.type()), true);
    if (address.has_value()) {
      AddAddress(builder, *address);
    } else {
      builder.UseAny(ctx_->Reg(data.arg(0)));
    }
    Emit(builder.Imm(mode).Def(ctx_->Result(inst)));
    return;
  }
  Builder builder(Op::kRoundSse2, Bytes(data.type()));
  builder.Imm(mode).UseLate(ctx_->Reg(data.arg(0)));
  Emit(builder.Def(ctx_->Result(inst)).Temp(NewVector()));
}

void X64Lowering::LowerFabs(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  EmitSseConstant(SseKind::kAnd, ctx_->Result(inst), ctx_->Reg(data.arg(0)),
                  ~SignMask(data.type()));
}

void X64Lowering::LowerFneg(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  EmitSseConstant(SseKind::kXor, ctx_->Result(inst), ctx_->Reg(data.arg(0)), SignMask(data.type()));
}

// Whole registers are combined, so the operands are never folded loads (lessons row 14).
void X64Lowering::LowerCopysign(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg magnitude = NewVector();
  const VReg sign = NewVector();
  EmitSseConstant(SseKind::kAnd, magnitude, ctx_->Reg(data.arg(0)), ~SignMask(data.type()));
  EmitSseConstant(SseKind::kAnd, sign, ctx_->Reg(data.arg(1)), SignMask(data.type()));
  EmitSse(SseKind::kOr, 16, ctx_->Result(inst), magnitude, sign);
}

void X64Lowering::LowerMinMax(IrInst inst, bool max) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kMinMax, Bytes(data.type()));
  builder.inst.sub = max ? 1 : 0;
  builder.Use(ctx_->Reg(data.arg(0))).UseLate(ctx_->Reg(data.arg(1)));
  Emit(builder.Reuse(ctx_->Result(inst)));
}

void X64Lowering::LowerCvtFloat(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kCvtFloat, Bytes(data.type()));
  AddFloatRm(builder, data.arg(0));
  Emit(builder.Def(ctx_->Result(inst)));
}

void X64Lowering::LowerFromInt(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const bool is_i64 = ctx_->type(data.arg(0)) == Type::kI64;
  if (!is_signed && is_i64) {
    Builder builder(Op::kCvtFromUint64, Bytes(data.type()));
    builder.Use(ctx_->Reg(data.arg(0))).Def(ctx_->Result(inst));
    Emit(builder.Temp(NewInt()));
    return;
  }
  Builder builder(Op::kCvtFromInt, Bytes(data.type()));
  if (is_signed) {
    builder.inst.sub = is_i64 ? 8 : 4;
    AddRm(builder, data.arg(0), builder.inst.sub);
  } else {
    // An unsigned I32 is a nonnegative I64, being zero-extended in its register.
    builder.inst.sub = 8;
    builder.UseAny(ctx_->Reg(data.arg(0)));
  }
  Emit(builder.Def(ctx_->Result(inst)));
}

void X64Lowering::LowerToInt(IrInst inst, bool is_signed, bool saturating) {
  const InstData& data = ctx_->data(inst);
  Builder builder(Op::kCvtToInt, Bytes(ctx_->type(data.arg(0))));
  builder.inst.sub = (data.type() == Type::kI64 ? CvtOp::kTo64 : 0) |
                     (is_signed ? 0 : CvtOp::kUnsigned) | (saturating ? CvtOp::kSaturating : 0);
  if (!saturating) {
    builder.inst.trap = static_cast<uint8_t>(data.trap_code());
    builder.inst.extra = static_cast<uint8_t>(data.second_trap_code());
  }
  Emit(builder.Use(ctx_->Reg(data.arg(0))).Def(ctx_->Result(inst)));
}

void X64Lowering::LowerBitcast(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type from = ctx_->type(data.arg(0));
  const uint8_t bytes = Bytes(data.type());
  const bool to_int = codegen::IsInt(data.type());
  const VReg result = ctx_->Result(inst);
  if (to_int == codegen::IsInt(from)) {
    // The same type.
    Builder builder(Op::kMove, 8);
    builder.UseAny(ctx_->Reg(data.arg(0)));
    builder.operands.push_back(Operand::Def(result, codegen::regalloc::Constraint::kAny));
    Emit(builder, codegen::regalloc::kMove);
    return;
  }
  // Either way a load of the same bytes is a load into the other kind of register.
  if (const std::optional<Address> address = SinkLoad(data.arg(0), bytes, true)) {
    EmitLoad(result, data.type(), *address);
    return;
  }
  Builder builder(to_int ? Op::kMoveToInt : Op::kMoveToFloat, bytes);
  builder.UseAny(bytes == 4 && !to_int ? Low32(data.arg(0)) : ctx_->Reg(data.arg(0)));
  Emit(builder.Def(result));
}

}  // namespace gantry::x64
