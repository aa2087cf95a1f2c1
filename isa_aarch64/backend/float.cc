// Lowering of floats.
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

namespace {

uint32_t IsDouble(codegen::Type type) { return type == codegen::Type::kF64 ? 1 : 0; }

}  // namespace

void AArch64Lowering::LowerFloat3(IrInst inst, Row row) {
  const InstData& data = ctx_->data(inst);
  EmitRow(row + IsDouble(data.type()), ctx_->Result(inst), {Reg(data.arg(0)), Reg(data.arg(1))});
}

void AArch64Lowering::LowerFloat2(IrInst inst, Row row) {
  const InstData& data = ctx_->data(inst);
  EmitRow(row + IsDouble(data.type()), ctx_->Result(inst), {ctx_->Reg(data.arg(0))});
}

void AArch64Lowering::LowerCopysign(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint64_t sign = data.type() == Type::kF32 ? 0x8000000080000000 : uint64_t{1} << 63;
  const VReg mask = VectorConstantReg({sign, sign});
  EmitRow(Row::kVBit, ctx_->Result(inst), {ctx_->Reg(data.arg(0)), ctx_->Reg(data.arg(1)), mask});
}

void AArch64Lowering::LowerFromInt(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const uint32_t from_long = ctx_->type(data.arg(0)) == Type::kI64 ? 1 : 0;
  const Row row = is_signed ? Row::kScvtfSW : Row::kUcvtfSW;
  EmitRow(row + (2 * IsDouble(data.type()) + from_long), ctx_->Result(inst),
          {ctx_->Reg(data.arg(0))});
}

// The machine's conversion saturates and makes 0 of a NaN.
void AArch64Lowering::LowerToInt(IrInst inst, bool is_signed, bool saturating) {
  const InstData& data = ctx_->data(inst);
  const Type from = ctx_->type(data.arg(0));
  const uint32_t to_long = data.type() == Type::kI64 ? 1 : 0;
  const VReg value = ctx_->Reg(data.arg(0));
  if (!saturating) {
    Builder check(Op::kCheckToInt, static_cast<uint8_t>(codegen::TypeBytes(from)));
    check.inst.imm64 =
        (to_long != 0 ? ToIntRange::kTo64 : 0) | (is_signed ? 0 : ToIntRange::kUnsigned);
    check.inst.code = static_cast<uint8_t>(data.trap_code());
    check.inst.disp = static_cast<uint8_t>(data.second_trap_code());
    Emit(check.Use(value));
  }
  const Row row = is_signed ? Row::kFcvtzsWS : Row::kFcvtzuWS;
  EmitRow(row + (2 * IsDouble(from) + to_long), ctx_->Result(inst), {value});
}

void AArch64Lowering::LowerBitcast(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type from = ctx_->type(data.arg(0));
  const bool to_int = codegen::IsInt(data.type());
  const VReg result = ctx_->Result(inst);
  if (to_int == codegen::IsInt(from)) return EmitMove(result, ctx_->Reg(data.arg(0)));
  const bool is_long = codegen::TypeBytes(data.type()) == 8;
  if (to_int) {
    return EmitRow(is_long ? Row::kFmovXD : Row::kFmovWS, result, {ctx_->Reg(data.arg(0))});
  }
  EmitRow(is_long ? Row::kFmovDX : Row::kFmovSW, result, {LowBits(data.arg(0), from)});
}

}  // namespace gantry::aarch64
