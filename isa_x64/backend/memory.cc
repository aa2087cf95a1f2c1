// Lowering of loads and stores.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

struct Access {
  uint8_t bytes;
  bool is_signed;
};

// What a load or store reads or writes, whatever type it extends to or reduces.
Access AccessOf(const codegen::InstData& data) {
  switch (data.opcode()) {
    case Opcode::kUload8:
    case Opcode::kIstore8:
      return {1, false};
    case Opcode::kSload8:
      return {1, true};
    case Opcode::kUload16:
    case Opcode::kIstore16:
      return {2, false};
    case Opcode::kSload16:
      return {2, true};
    case Opcode::kUload32:
    case Opcode::kIstore32:
      return {4, false};
    case Opcode::kSload32:
      return {4, true};
    default:
      return {static_cast<uint8_t>(codegen::TypeBytes(data.type())), false};
  }
}

}  // namespace

void X64Lowering::EmitLoad(VReg to, Type type, const Address& address) {
  const uint8_t bytes = static_cast<uint8_t>(codegen::TypeBytes(type));
  if (codegen::IsInt(type)) {
    Builder builder(Op::kExtend, bytes == 8 ? 8 : 4);
    builder.inst.sub = bytes;
    AddAddress(builder, address);
    Emit(builder.Def(to));
    return;
  }
  Builder builder(Op::kLoadF, bytes);
  AddAddress(builder, address);
  Emit(builder.Def(to));
}

void X64Lowering::EmitStore(VReg from, Type type, const Address& address) {
  const uint8_t bytes = static_cast<uint8_t>(codegen::TypeBytes(type));
  Builder builder(codegen::IsInt(type) ? Op::kStore : Op::kStoreF, bytes);
  builder.Use(from);
  AddAddress(builder, address);
  Emit(builder);
}

void X64Lowering::LowerLoad(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Address address = AddressOf(data);
  const Access access = AccessOf(data);
  const VReg result = ctx_->Result(inst);
  if (!codegen::IsInt(data.type()) || !access.is_signed) {
    // An unsigned narrow load clears all of the register, as wide as the result may be.
    const Type read =
        codegen::IsInt(data.type()) ? *codegen::IntTypeOfBits(access.bytes * 8u) : data.type();
    EmitLoad(result, read, address);
    return;
  }
  const bool to_i16 = data.type() == Type::kI16;
  Builder builder(Op::kExtend, data.type() == Type::kI64 ? 8 : 4);
  builder.inst.sub = access.bytes;
  builder.inst.flags |= Inst::kSigned;
  AddAddress(builder, address);
  const VReg extended = to_i16 ? NewInt() : result;
  Emit(builder.Def(extended));
  if (to_i16) EmitZeroExtend(result, extended, 2);
}

void X64Lowering::LowerStore(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Access access = AccessOf(data);
  const Value value = data.arg(0);
  if (LowerReadModifyWrite(inst, access.bytes)) return;
  if (LowerLaneStore(inst, access.bytes)) return;
  const Address address = AddressOf(data);
  std::optional<int32_t> imm;
  if (const IrInst def = ctx_->DefInst(value); def.is_some()) {
    const InstData& constant = ctx_->data(def);
    if (constant.opcode() == Opcode::kIconst) {
      imm = Immediate(value);
      // Of a wider constant only the low bytes are stored.
      if (access.bytes <= 4) imm = static_cast<int32_t>(constant.const_bits());
    } else if (constant.opcode() == Opcode::kF32const) {
      imm = static_cast<int32_t>(constant.const_bits());
    } else if (constant.opcode() == Opcode::kF64const && constant.const_bits() == 0) {
      imm = 0;
    }
  }
  if (imm.has_value()) {
    Builder builder(Op::kStoreImm, access.bytes);
    AddAddress(builder, address);
    Emit(builder.Imm(*imm));
    return;
  }
  if (!codegen::IsInt(data.type())) {
    EmitStore(ctx_->Reg(value), data.type(), address);
    return;
  }
  EmitStore(access.bytes <= 4 ? Low32(value) : ctx_->Reg(value),
            *codegen::IntTypeOfBits(access.bytes * 8u), address);
}

// *p = *p op x in one instruction: the load reads what the store writes, at the same address,
// and nothing else wants what was loaded or computed. Low bits of these operations depend on
// low bits only, so the load may have extended, either way.
bool X64Lowering::LowerReadModifyWrite(IrInst inst, uint8_t bytes) {
  const InstData& store = ctx_->data(inst);
  if (store.format() != codegen::Format::kStore || !codegen::IsInt(store.type()) ||
      !ctx_->HasOneUse(store.arg(0))) {
    return false;
  }
  const IrInst def = ctx_->DefInst(store.arg(0));
  if (def.is_none()) return false;
  const InstData& operation = ctx_->data(def);
  AluKind op;
  switch (operation.opcode()) {
    case Opcode::kIadd:
      op = AluKind::kAdd;
      break;
    case Opcode::kIsub:
      op = AluKind::kSub;
      break;
    case Opcode::kBand:
      op = AluKind::kAnd;
      break;
    case Opcode::kBor:
      op = AluKind::kOr;
      break;
    case Opcode::kBxor:
      op = AluKind::kXor;
      break;
    default:
      return false;
  }
  for (int loaded_at = 0; loaded_at < (op == AluKind::kSub ? 1 : 2); ++loaded_at) {
    const IrInst load = ctx_->SinkableLoad(operation.arg(loaded_at));
    if (load.is_none()) continue;
    const InstData& from = ctx_->data(load);
    if (from.format() != codegen::Format::kLoad || AccessOf(from).bytes != bytes ||
        from.offset() != store.offset() || !ctx_->IsSame(from.arg(0), store.arg(1)) ||
        from.flags().trap() != store.flags().trap()) {
      continue;
    }
    ctx_->Sink(load);
    const Value other = operation.arg(1 - loaded_at);
    Builder builder(Op::kAluMem, bytes);
    builder.inst.sub = static_cast<uint8_t>(op);
    const IrInst constant = ctx_->DefInst(other, Opcode::kIconst);
    const std::optional<int32_t> imm = constant.is_some() && bytes <= 4
                                           ? static_cast<int32_t>(ctx_->data(constant).const_bits())
                                           : Immediate(other);
    if (imm.has_value()) {
      AddAddress(builder, AddressOf(store));
      Emit(builder.Imm(*imm));
    } else {
      builder.Use(bytes <= 4 ? Low32(other) : ctx_->Reg(other));
      AddAddress(builder, AddressOf(store));
      Emit(builder);
    }
    return true;
  }
  return false;
}

}  // namespace gantry::x64
