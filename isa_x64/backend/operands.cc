// Operands: addresses, loads sunk into their users, immediates.
#include <limits>

#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

// How many additions of constants an address looks through. Bounded, so that a chain of
// additions that are all addresses is not walked over and over.
constexpr int kMaxFoldedConstants = 3;

bool FitsInt32(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max();
}

}  // namespace

X64Lowering::Address X64Lowering::SlotAddress(codegen::StackSlot slot, int32_t offset) {
  Address address;
  address.kind = AddrKind::kSlot;
  address.disp = int64_t{slot_offsets_[slot.index()]} + offset;
  return address;
}

X64Lowering::Address X64Lowering::MatchAddress(Value value, int32_t offset) {
  Address address;
  address.disp = offset;
  // value + constant, both 64 bits wide: the machine adds the displacement modulo 2^64 too.
  auto fold_constants = [&](Value from) {
    for (int i = 0; i < kMaxFoldedConstants; ++i) {
      const IrInst add = ctx_->DefInst(from, Opcode::kIadd);
      if (add.is_none()) break;
      const InstData& data = ctx_->data(add);
      const int constant_at = ctx_->SignedConstant32(data.arg(1)).has_value()   ? 1
                              : ctx_->SignedConstant32(data.arg(0)).has_value() ? 0
                                                                                : -1;
      if (constant_at < 0) break;
      const int64_t sum = address.disp + *ctx_->SignedConstant32(data.arg(constant_at));
      if (!FitsInt32(sum)) break;
      address.disp = sum;
      from = data.arg(1 - constant_at);
    }
    return from;
  };
  value = fold_constants(value);
  if (const IrInst slot = ctx_->DefInst(value, Opcode::kStackAddr); slot.is_some()) {
    const InstData& data = ctx_->data(slot);
    const Address of_slot = SlotAddress(data.stack_slot(), data.offset());
    if (FitsInt32(of_slot.disp + address.disp)) {
      address.kind = AddrKind::kSlot;
      address.disp += of_slot.disp;
      return address;
    }
  }
  const IrInst add = ctx_->DefInst(value, Opcode::kIadd);
  if (add.is_none()) {
    address.base = ctx_->Reg(value);
    return address;
  }
  Value base = fold_constants(ctx_->data(add).arg(0));
  Value index = fold_constants(ctx_->data(add).arg(1));
  // A shift by 1 to 3 of a 64-bit value is a scale; shifts of narrower values never get here,
  // since an extension stands between.
  for (int i = 0; i < 2; ++i) {
    const IrInst shift = ctx_->DefInst(index, Opcode::kIshl);
    if (shift.is_some() && ctx_->data(shift).type() == Type::kI64) {
      const std::optional<uint64_t> amount = ctx_->IntConstant(ctx_->data(shift).arg(1));
      if (amount.has_value() && *amount >= 1 && *amount <= 3) {
        address.scale = static_cast<uint8_t>(*amount);
        index = ctx_->data(shift).arg(0);
        break;
      }
    }
    std::swap(base, index);
  }
  address.kind = AddrKind::kBaseIndex;
  address.base = ctx_->Reg(base);
  address.index = ctx_->Reg(index);
  return address;
}

X64Lowering::Address X64Lowering::AddressOf(const InstData& data) {
  const codegen::Format format = data.format();
  if (format == codegen::Format::kStackLoad || format == codegen::Format::kStackStore) {
    return SlotAddress(data.stack_slot(), data.offset());
  }
  Address result =
      MatchAddress(data.address(), format == codegen::Format::kAtomicCas ? 0 : data.offset());
  result.trap = data.flags().trap();
  return result;
}

void X64Lowering::AddAddress(Builder& builder, const Address& address, bool late) {
  builder.inst.addr = address.kind;
  builder.inst.scale = address.scale;
  builder.inst.disp = static_cast<int32_t>(address.disp);
  if (address.trap.has_value()) {
    builder.inst.flags |= Inst::kHasTrap;
    builder.inst.trap = static_cast<uint8_t>(*address.trap);
  }
  const auto use = [&](VReg reg) { late ? builder.UseLate(reg) : builder.Use(reg); };
  switch (address.kind) {
    case AddrKind::kBase:
      use(address.base);
      break;
    case AddrKind::kBaseIndex:
      use(address.base);
      use(address.index);
      break;
    case AddrKind::kIndex:
      use(address.index);
      break;
    default:
      break;
  }
}

std::optional<X64Lowering::Address> X64Lowering::SinkLoad(Value value, uint8_t bytes,
                                                          bool path_is_single) {
  const IrInst load = ctx_->SinkableLoad(value, path_is_single);
  if (load.is_none()) return std::nullopt;
  const InstData& data = ctx_->data(load);
  // Only loads that read exactly what the operand reads: an extending load has read less, and
  // a wider operand would read past the end of memory (lessons row 14).
  if (data.opcode() != Opcode::kLoad && data.opcode() != Opcode::kStackLoad) return std::nullopt;
  if (codegen::TypeBytes(data.type()) != bytes) return std::nullopt;
  ctx_->Sink(load);
  return AddressOf(data);
}

void X64Lowering::AddRm(Builder& builder, Value value, uint8_t bytes, bool path_is_single) {
  if (const std::optional<Address> address = SinkLoad(value, bytes, path_is_single)) {
    AddAddress(builder, *address);
    return;
  }
  builder.UseAny(bytes <= 4 ? Low32(value) : ctx_->Reg(value));
}

void X64Lowering::AddFloatRm(Builder& builder, Value value, bool path_is_single) {
  const uint8_t bytes = static_cast<uint8_t>(codegen::TypeBytes(ctx_->type(value)));
  if (const IrInst def = ctx_->DefInst(value); def.is_some()) {
    const InstData& data = ctx_->data(def);
    if (data.opcode() == Opcode::kF32const || data.opcode() == Opcode::kF64const) {
      builder.inst.addr = AddrKind::kConstant;
      builder.inst.set_constant(data.const_bits());
      return;
    }
  }
  if (const std::optional<Address> address = SinkLoad(value, bytes, path_is_single)) {
    AddAddress(builder, *address);
    return;
  }
  builder.UseAny(ctx_->Reg(value));
}

X64Lowering::VReg X64Lowering::Low32(Value value) {
  const IrInst reduce = ctx_->DefInst(value, Opcode::kIreduce);
  if (reduce.is_some() && ctx_->type(value) == Type::kI32) {
    return ctx_->Reg(ctx_->data(reduce).arg(0));
  }
  return ctx_->Reg(value);
}

std::optional<int32_t> X64Lowering::Immediate(Value value) const {
  return ctx_->SignedConstant32(value);
}

}  // namespace gantry::x64
