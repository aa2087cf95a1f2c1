// Lowering of loads and stores, plain and atomic.
#include <bit>
#include <limits>

#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

using codegen::AtomicRmwOp;
using codegen::Opcode;

namespace {

// How many additions of constants an address looks through. Bounded, so that a chain of
// additions that are all addresses is not walked over and over.
constexpr int kMaxFoldedConstants = 3;

bool FitsInt32(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max();
}

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

MemOp LoadOf(codegen::Type type) {
  switch (type) {
    case codegen::Type::kI8:
      return MemOp::kLdrb;
    case codegen::Type::kI16:
      return MemOp::kLdrh;
    case codegen::Type::kI32:
      return MemOp::kLdrW;
    case codegen::Type::kF32:
      return MemOp::kLdrS;
    case codegen::Type::kF64:
      return MemOp::kLdrD;
    case codegen::Type::kV128:
      return MemOp::kLdrQ;
    default:
      return MemOp::kLdrX;
  }
}

MemOp StoreOf(codegen::Type type) {
  switch (type) {
    case codegen::Type::kI8:
      return MemOp::kStrb;
    case codegen::Type::kI16:
      return MemOp::kStrh;
    case codegen::Type::kI32:
      return MemOp::kStrW;
    case codegen::Type::kF32:
      return MemOp::kStrS;
    case codegen::Type::kF64:
      return MemOp::kStrD;
    case codegen::Type::kV128:
      return MemOp::kStrQ;
    default:
      return MemOp::kStrX;
  }
}

uint8_t Bytes(codegen::Type type) { return static_cast<uint8_t>(codegen::TypeBytes(type)); }

}  // namespace

AArch64Lowering::Address AArch64Lowering::SlotAddress(codegen::StackSlot slot, int32_t offset) {
  Address address;
  address.kind = AddrKind::kSlot;
  address.disp = int64_t{slot_offsets_[slot.index()]} + offset;
  return address;
}

AArch64Lowering::Address AArch64Lowering::MatchAddress(Value value, int32_t offset,
                                                       uint32_t bytes) {
  Address address;
  address.disp = offset;
  // value + constant, both 64 bits wide: the machine adds the offset modulo 2^64 too.
  for (int i = 0; i < kMaxFoldedConstants; ++i) {
    const IrInst add = ctx_->DefInst(value, Opcode::kIadd);
    if (add.is_none()) break;
    const InstData& data = ctx_->data(add);
    const int constant_at = ctx_->SignedConstant32(data.arg(1)).has_value()   ? 1
                            : ctx_->SignedConstant32(data.arg(0)).has_value() ? 0
                                                                              : -1;
    if (constant_at < 0) break;
    const int64_t sum = address.disp + *ctx_->SignedConstant32(data.arg(constant_at));
    if (!FitsInt32(sum)) break;
    address.disp = sum;
    value = data.arg(1 - constant_at);
  }
  if (const IrInst slot = ctx_->DefInst(value, Opcode::kStackAddr); slot.is_some()) {
    const InstData& data = ctx_->data(slot);
    const Address of_slot = SlotAddress(data.stack_slot(), data.offset());
    if (FitsInt32(of_slot.disp + address.disp)) {
      address.kind = AddrKind::kSlot;
      address.disp += of_slot.disp;
      return address;
    }
  }
  // With an offset the sum is made by itself, once for all accesses that share it.
  const IrInst add = address.disp == 0 ? ctx_->DefInst(value, Opcode::kIadd) : IrInst::None();
  if (add.is_none()) {
    address.base = ctx_->Reg(value);
    return address;
  }
  Value base = ctx_->data(add).arg(0);
  Value index = ctx_->data(add).arg(1);
  address.kind = AddrKind::kIndex;
  // A shift of a 64-bit value by the logarithm of what is accessed is a scale; shifts of narrower
  // values never get here, since an extension stands between.
  for (int i = 0; i < 2; ++i) {
    const IrInst shift = ctx_->DefInst(index, Opcode::kIshl);
    if (shift.is_some() && ctx_->data(shift).type() == Type::kI64 &&
        Constant(ctx_->data(shift).arg(1)) == static_cast<uint64_t>(std::countr_zero(bytes))) {
      address.kind = AddrKind::kIndexScaled;
      index = ctx_->data(shift).arg(0);
      break;
    }
    std::swap(base, index);
  }
  address.base = ctx_->Reg(base);
  address.index = ctx_->Reg(index);
  return address;
}

AArch64Lowering::Address AArch64Lowering::AddressOf(const InstData& data, uint32_t bytes) {
  const codegen::Format format = data.format();
  if (format == codegen::Format::kStackLoad || format == codegen::Format::kStackStore) {
    return SlotAddress(data.stack_slot(), data.offset());
  }
  Address result = MatchAddress(data.address(),
                                format == codegen::Format::kAtomicCas ? 0 : data.offset(), bytes);
  result.trap = data.flags().trap();
  return result;
}

void AArch64Lowering::AddAddress(Builder& builder, const Address& address) {
  builder.inst.addr = address.kind;
  builder.inst.disp = static_cast<int32_t>(address.disp);
  if (address.trap.has_value()) {
    builder.inst.flags |= Inst::kHasTrap;
    builder.inst.code = static_cast<uint8_t>(*address.trap);
  }
  switch (address.kind) {
    case AddrKind::kBase:
      builder.Use(address.base);
      break;
    case AddrKind::kIndex:
    case AddrKind::kIndexScaled:
      builder.Use(address.base).Use(address.index);
      break;
    default:
      break;
  }
}

// The address in one register.
AArch64Lowering::VReg AArch64Lowering::EmitAddress(const Address& address, uint32_t bytes) {
  switch (address.kind) {
    case AddrKind::kBase: {
      if (address.disp == 0) return address.base;
      const VReg to = NewInt();
      EmitAddConstant(to, address.base, address.disp, Type::kI64);
      return to;
    }
    case AddrKind::kIndex:
      return IntRow(Row::kAddX, {address.base, address.index});
    case AddrKind::kIndexScaled:
      return IntRow(Row::kAddX, {address.base, address.index},
                    ShiftBits(ShiftOp::kLsl, static_cast<uint32_t>(std::countr_zero(bytes))));
    default: {
      const VReg to = NewInt();
      Builder lea(Op::kLea);
      AddAddress(lea, address);
      Emit(lea.Def(to));
      return to;
    }
  }
}

void AArch64Lowering::EmitLoad(VReg to, Type type, const Address& address) {
  Builder builder(Op::kLoad, Bytes(type));
  builder.inst.set_mem(LoadOf(type));
  AddAddress(builder, address);
  Emit(builder.Def(to));
}

void AArch64Lowering::EmitStore(VReg from, Type type, const Address& address) {
  Builder builder(Op::kStore, Bytes(type));
  builder.inst.set_mem(StoreOf(type));
  builder.Use(from);
  AddAddress(builder, address);
  Emit(builder);
}

void AArch64Lowering::LowerLoad(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Access access = AccessOf(data);
  const Address address = AddressOf(data, access.bytes);
  const VReg result = ctx_->Result(inst);
  if (!codegen::IsInt(data.type()) || !access.is_signed) {
    // An unsigned narrow load clears all of the register, as wide as the result may be.
    const Type read =
        codegen::IsInt(data.type()) ? *codegen::IntTypeOfBits(access.bytes * 8u) : data.type();
    return EmitLoad(result, read, address);
  }
  const bool is_long = data.type() == Type::kI64;
  Builder builder(Op::kLoad, access.bytes);
  builder.inst.set_mem(access.bytes == 1   ? is_long ? MemOp::kLdrsbX : MemOp::kLdrsbW
                       : access.bytes == 2 ? is_long ? MemOp::kLdrshX : MemOp::kLdrshW
                                           : MemOp::kLdrsw);
  AddAddress(builder, address);
  const VReg extended = data.type() == Type::kI16 ? NewInt() : result;
  Emit(builder.Def(extended));
  if (extended != result) EmitZeroExtend(result, extended, 16);
}

void AArch64Lowering::LowerStore(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Access access = AccessOf(data);
  const Value value = data.arg(0);
  const Address address = AddressOf(data, access.bytes);
  const Type written =
      codegen::IsInt(data.type()) ? *codegen::IntTypeOfBits(access.bytes * 8u) : data.type();
  if (const IrInst def = ctx_->DefInst(value); def.is_some() && !codegen::IsVector(data.type())) {
    const InstData& constant = ctx_->data(def);
    const bool is_constant = constant.opcode() == Opcode::kIconst ||
                             constant.opcode() == Opcode::kF32const ||
                             constant.opcode() == Opcode::kF64const;
    const uint64_t mask =
        access.bytes == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * access.bytes)) - 1;
    if (is_constant && (constant.const_bits() & mask) == 0) {
      Builder builder(Op::kStore, access.bytes);
      builder.inst.set_mem(StoreOf(*codegen::IntTypeOfBits(access.bytes * 8u)));
      builder.inst.flags |= Inst::kZero;
      AddAddress(builder, address);
      Emit(builder);
      return;
    }
  }
  if (codegen::IsVector(data.type())) return EmitStore(VecReg(value), written, address);
  const bool low = codegen::IsInt(data.type()) && access.bytes <= 4;
  EmitStore(low ? Low32(value) : Reg(value), written, address);
}

// --- Atomic accesses. Each is in one order of all: loads acquire, stores release, and what does
// both does so at once. (Arm Architecture Reference Manual, B2.3, "Load-Acquire and
// Store-Release".)

void AArch64Lowering::SetTrap(Builder& builder, const InstData& data) {
  if (!data.flags().trap().has_value()) return;
  builder.inst.flags |= Inst::kHasTrap;
  builder.inst.code = static_cast<uint8_t>(*data.flags().trap());
}

void AArch64Lowering::LowerAtomicLoad(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint8_t bytes = Bytes(data.type());
  const VReg address = EmitAddress(AddressOf(data, bytes), bytes);
  Builder builder(Op::kAtomicLoad, bytes);
  SetTrap(builder, data);
  Emit(builder.Use(address).Def(ctx_->Result(inst)));
}

void AArch64Lowering::LowerAtomicStore(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint8_t bytes = Bytes(data.type());
  const VReg address = EmitAddress(AddressOf(data, bytes), bytes);
  Builder builder(Op::kAtomicStore, bytes);
  SetTrap(builder, data);
  Emit(builder.Use(LowBits(data.arg(0), data.type())).Use(address));
}

void AArch64Lowering::LowerAtomicRmw(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint8_t bytes = Bytes(type);
  const uint32_t is_long = type == Type::kI64 ? 1 : 0;
  const VReg address = EmitAddress(AddressOf(data, bytes), bytes);
  VReg operand = LowBits(data.arg(0), type);
  const AtomicRmwOp op = data.atomic_op();
  if (flags_.has_lse()) {
    Builder builder(Op::kAtomicFetch, bytes);
    switch (op) {
      case AtomicRmwOp::kAdd:
        builder.inst.set_atomic(AtomicOp::kLdaddal);
        break;
      case AtomicRmwOp::kSub:
        operand = IntRow(Row::kNegW + is_long, {operand});
        builder.inst.set_atomic(AtomicOp::kLdaddal);
        break;
      case AtomicRmwOp::kAnd:
        // The instruction clears the bits that are set.
        operand = IntRow(Row::kMvnW + is_long, {operand});
        builder.inst.set_atomic(AtomicOp::kLdclral);
        break;
      case AtomicRmwOp::kOr:
        builder.inst.set_atomic(AtomicOp::kLdsetal);
        break;
      case AtomicRmwOp::kXor:
        builder.inst.set_atomic(AtomicOp::kLdeoral);
        break;
      case AtomicRmwOp::kXchg:
        builder.inst.set_atomic(AtomicOp::kSwpal);
        break;
    }
    SetTrap(builder, data);
    Emit(builder.Use(operand).Use(address).Def(ctx_->Result(inst)));
    return;
  }
  Builder builder(Op::kAtomicLoop, bytes);
  switch (op) {
    case AtomicRmwOp::kAdd:
      builder.SetRow(Row::kAddW + is_long);
      break;
    case AtomicRmwOp::kSub:
      builder.SetRow(Row::kSubW + is_long);
      break;
    case AtomicRmwOp::kAnd:
      builder.SetRow(Row::kAndW + is_long);
      break;
    case AtomicRmwOp::kOr:
      builder.SetRow(Row::kOrrW + is_long);
      break;
    case AtomicRmwOp::kXor:
      builder.SetRow(Row::kEorW + is_long);
      break;
    case AtomicRmwOp::kXchg:
      builder.SetRow(Row::kCount);
      break;
  }
  SetTrap(builder, data);
  Emit(builder.UseLate(operand).UseLate(address).Def(ctx_->Result(inst)));
}

void AArch64Lowering::LowerAtomicCas(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint8_t bytes = Bytes(type);
  const VReg address = EmitAddress(AddressOf(data, bytes), bytes);
  // The comparison sees all of a narrow register.
  const VReg expected = ctx_->Reg(data.arg(0));
  const VReg value = LowBits(data.arg(1), type);
  Builder builder(flags_.has_lse() ? Op::kAtomicSwap : Op::kAtomicCas, bytes);
  SetTrap(builder, data);
  if (flags_.has_lse()) {
    Emit(builder.Use(expected).Use(value).Use(address).Reuse(ctx_->Result(inst)));
  } else {
    Emit(builder.UseLate(expected).UseLate(value).UseLate(address).Def(ctx_->Result(inst)));
  }
}

}  // namespace gantry::aarch64
