// Memory, and atomic accesses.
#include "base/check.h"
#include "isa_aarch64/asm/immediates.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

using aarch64::Address;
using aarch64::AtomicOp;
using aarch64::MemOp;
using aarch64::Row;
using codegen::MachLabel;
using wasm::Opcode;

// --- Addresses --------------------------------------------------------------------------

Address AArch64Masm::AddressOf(const MemOperand& mem) {
  if (mem.index.is_none()) return Address(GX(mem.base), mem.offset);
  if (mem.offset == 0) return Address(GX(mem.base), GX(mem.index));
  as_.add(aarch64::kScratch, GX(mem.index), mem.offset);
  return Address(GX(mem.base), aarch64::kScratch);
}

aarch64::X AArch64Masm::AddressIn(const MemOperand& mem) {
  if (mem.index.is_none() && mem.offset == 0) return GX(mem.base);
  LoadAddress(Reg::Int(aarch64::kScratch.encoding()), mem);
  return aarch64::kScratch;
}

void AArch64Masm::LoadAddress(Reg to, const MemOperand& from) {
  Begin();
  if (from.index.is_none()) {
    as_.add(GX(to), GX(from.base), from.offset);
    return;
  }
  aarch64::X index = GX(from.index);
  if (from.offset != 0) {
    as_.add(aarch64::kScratch, index, from.offset);
    index = aarch64::kScratch;
  }
  as_.add(GX(to), GX(from.base), index);
}

// The access is the last instruction of what is written.
void AArch64Masm::Access(MemOp op, uint8_t reg, const MemOperand& mem) {
  const Address address = AddressOf(mem);
  if (features_.precise_stores && mem.trap != 0 && aarch64::IsStore(op) &&
      as_.EmitProbe(op, address)) {
    RecordTrap(mem);
  }
  as_.Emit(op, reg, address);
  RecordTrap(mem);
}

// --- Loads and stores -------------------------------------------------------------------

void AArch64Masm::Load(Opcode op, Reg to, const MemOperand& from) {
  Begin();
  const auto extend = [&](Row row, uint32_t lane) {
    Access(MemOp::kLdrD, E(to), from);
    RR(row, E(to), E(to), aarch64::ShiftLeftBits(lane, 0));
  };
  switch (op) {
    case Opcode::kI32Load:
    case Opcode::kI64Load32U:
      return Access(MemOp::kLdrW, E(to), from);
    case Opcode::kI64Load:
      return Access(MemOp::kLdrX, E(to), from);
    case Opcode::kI32Load8S:
      return Access(MemOp::kLdrsbW, E(to), from);
    case Opcode::kI32Load8U:
    case Opcode::kI64Load8U:
      return Access(MemOp::kLdrb, E(to), from);
    case Opcode::kI32Load16S:
      return Access(MemOp::kLdrshW, E(to), from);
    case Opcode::kI32Load16U:
    case Opcode::kI64Load16U:
      return Access(MemOp::kLdrh, E(to), from);
    case Opcode::kI64Load8S:
      return Access(MemOp::kLdrsbX, E(to), from);
    case Opcode::kI64Load16S:
      return Access(MemOp::kLdrshX, E(to), from);
    case Opcode::kI64Load32S:
      return Access(MemOp::kLdrsw, E(to), from);
    case Opcode::kF32Load:
    case Opcode::kV128Load32Zero:
      return Access(MemOp::kLdrS, E(to), from);
    case Opcode::kF64Load:
    case Opcode::kV128Load64Zero:
      return Access(MemOp::kLdrD, E(to), from);
    case Opcode::kV128Load:
      return Access(MemOp::kLdrQ, E(to), from);
    case Opcode::kV128Load8x8S:
      return extend(Row::kVSshll8H, 8);
    case Opcode::kV128Load8x8U:
      return extend(Row::kVUshll8H, 8);
    case Opcode::kV128Load16x4S:
      return extend(Row::kVSshll4S, 16);
    case Opcode::kV128Load16x4U:
      return extend(Row::kVUshll4S, 16);
    case Opcode::kV128Load32x2S:
      return extend(Row::kVSshll2D, 32);
    case Opcode::kV128Load32x2U:
      return extend(Row::kVUshll2D, 32);
    case Opcode::kV128Load8Splat:
      Access(MemOp::kLdrb, kS1, from);
      return RR(Row::kVDupGpr16B, E(to), kS1);
    case Opcode::kV128Load16Splat:
      Access(MemOp::kLdrh, kS1, from);
      return RR(Row::kVDupGpr8H, E(to), kS1);
    case Opcode::kV128Load32Splat:
      Access(MemOp::kLdrS, E(to), from);
      return RR(Row::kVDup4S, E(to), E(to), aarch64::LaneBits(2, 0));
    case Opcode::kV128Load64Splat:
      Access(MemOp::kLdrD, E(to), from);
      return RR(Row::kVDup2D, E(to), E(to), aarch64::LaneBits(3, 0));
    default:
      UNREACHABLE() << op;
  }
}

namespace {

MemOp StoreOf(Opcode op) {
  switch (op) {
    case Opcode::kI32Store:
    case Opcode::kI64Store32:
      return MemOp::kStrW;
    case Opcode::kI64Store:
      return MemOp::kStrX;
    case Opcode::kI32Store8:
    case Opcode::kI64Store8:
      return MemOp::kStrb;
    case Opcode::kI32Store16:
    case Opcode::kI64Store16:
      return MemOp::kStrh;
    case Opcode::kF32Store:
      return MemOp::kStrS;
    case Opcode::kF64Store:
      return MemOp::kStrD;
    case Opcode::kV128Store:
      return MemOp::kStrQ;
    default:
      UNREACHABLE() << op;
  }
}

}  // namespace

void AArch64Masm::Store(Opcode op, const MemOperand& to, Reg from) {
  Begin();
  Access(StoreOf(op), E(from), to);
}

bool AArch64Masm::CanStoreConstant(Opcode op, int32_t value) {
  return value == 0 && op >= Opcode::kI32Store && op <= Opcode::kI64Store32 &&
         op != Opcode::kF32Store && op != Opcode::kF64Store;
}

void AArch64Masm::StoreConstant(Opcode op, const MemOperand& to, int32_t value) {
  DCHECK(value == 0);
  Begin();
  Access(StoreOf(op), kZero, to);
}

void AArch64Masm::CompareField(ValueKind kind, Reg a, Reg base, int32_t offset) {
  Begin();
  as_.Emit(Is32(kind) ? MemOp::kLdrW : MemOp::kLdrX, kS1, Address(GX(base), offset));
  as_.Emit(Sized(Row::kCmpW, kind), {E(a), kS1});
}

void AArch64Masm::CompareFieldConstant(ValueKind kind, Reg base, int32_t offset, int32_t value) {
  Begin();
  as_.Emit(Is32(kind) ? MemOp::kLdrW : MemOp::kLdrX, kS2, Address(GX(base), offset));
  CompareImmediate(IntCond::kEq, kind, Reg::Int(kS2), value);
}

void AArch64Masm::AddField(Reg base, int32_t offset, int32_t value) {
  Begin();
  as_.ldr(aarch64::X(kS1), Address(GX(base), offset));
  as_.add(aarch64::X(kS1), aarch64::X(kS1), value);
  as_.str(aarch64::X(kS1), Address(GX(base), offset));
}

void AArch64Masm::TestBits(ValueKind kind, Reg a, int32_t mask) {
  Begin();
  as_.Emit(Sized(Row::kTstImmW, kind), {E(a)},
           aarch64::LogicalBits(static_cast<uint32_t>(mask), Is32(kind) ? 32 : 64).value());
}

// --- Atomics. Each is in one order of all: loads acquire, stores release, what does both does so
// at once (Arm Architecture Reference Manual, B2.3, "Load-Acquire and Store-Release").

namespace {

uint8_t AtomicBytes(Opcode op) {
  return static_cast<uint8_t>(1 << wasm::GetOperatorInfo(op).align_or_lanes);
}

}  // namespace

void AArch64Masm::AtomicLoad(Opcode op, Reg to, const MemOperand& from) {
  Begin();
  as_.Emit(AtomicOp::kLdar, AtomicBytes(op), E(to), AddressIn(from));
  RecordTrap(from);
}

void AArch64Masm::AtomicStore(Opcode op, const MemOperand& to, Reg value) {
  Begin();
  as_.Emit(AtomicOp::kStlr, AtomicBytes(op), E(value), AddressIn(to));
  RecordTrap(to);
}

void AArch64Masm::AtomicUpdate(Opcode op, Reg to, const MemOperand& memory, Reg value, Reg) {
  DCHECK(to == value);
  Begin();
  const uint8_t bytes = AtomicBytes(op);
  const ValueKind kind = bytes == 8 ? ValueKind::kI64 : ValueKind::kI32;
  const aarch64::X address = AddressIn(memory);
  // What is exchanged for the sum and its kin; the loop's row; none for an exchange.
  AtomicOp fetch = AtomicOp::kSwpal;
  Row row = Row::kCount;
  Row prepare = Row::kCount;
  if (op <= Opcode::kI64AtomicRmw32AddU) {
    fetch = AtomicOp::kLdaddal;
    row = Row::kAddW;
  } else if (op <= Opcode::kI64AtomicRmw32SubU) {
    fetch = AtomicOp::kLdaddal;
    prepare = Row::kNegW;
    row = Row::kSubW;
  } else if (op <= Opcode::kI64AtomicRmw32AndU) {
    // The instruction clears the bits that are set.
    fetch = AtomicOp::kLdclral;
    prepare = Row::kMvnW;
    row = Row::kAndW;
  } else if (op <= Opcode::kI64AtomicRmw32OrU) {
    fetch = AtomicOp::kLdsetal;
    row = Row::kOrrW;
  } else if (op <= Opcode::kI64AtomicRmw32XorU) {
    fetch = AtomicOp::kLdeoral;
    row = Row::kEorW;
  }
  if (features_.lse) {
    uint8_t operand = E(value);
    if (prepare != Row::kCount) {
      RR(Sized(prepare, kind), kS1, operand);
      operand = kS1;
    }
    as_.Emit(fetch, bytes, E(to), address, operand);
    return RecordTrap(memory);
  }
  const uint8_t found = kS1, status = kS2;
  uint8_t written = E(value);
  const MachLabel again = buffer_.NewLabel();
  as_.bind(again);
  as_.Emit(AtomicOp::kLdaxr, bytes, found, address);
  RecordTrap(memory);
  if (row != Row::kCount) {
    written = E(kScratch);
    RRR(Sized(row, kind), written, found, E(value));
  }
  as_.Emit(AtomicOp::kStlxr, bytes, written, address, status);
  RecordTrap(memory);
  as_.cbnz(aarch64::W(status), again);
  as_.mov(GX(to), aarch64::X(found));
}

void AArch64Masm::CompareExchange(Opcode op, const MemOperand& memory, Reg replacement) {
  Begin();
  const uint8_t bytes = AtomicBytes(op);
  const aarch64::X address = AddressIn(memory);
  if (features_.lse) {
    as_.Emit(AtomicOp::kCasal, bytes, E(replacement), address, E(kQuotient));
    return RecordTrap(memory);
  }
  const uint8_t found = kS1, expected = kS2, status = E(kScratch);
  RR(Row::kUbfmX, expected, E(kQuotient), aarch64::BitfieldBits(0, 8u * bytes - 1));
  const MachLabel again = buffer_.NewLabel();
  const MachLabel done = buffer_.NewLabel();
  as_.bind(again);
  as_.Emit(AtomicOp::kLdaxr, bytes, found, address);
  RecordTrap(memory);
  as_.Emit(Row::kCmpX, {found, expected});
  as_.b(aarch64::Condition::kNe, done);
  as_.Emit(AtomicOp::kStlxr, bytes, E(replacement), address, status);
  RecordTrap(memory);
  as_.cbnz(aarch64::W(status), again);
  as_.bind(done);
  as_.mov(GX(kQuotient), aarch64::X(found));
}

void AArch64Masm::Fence() {
  Begin();
  as_.Emit(aarch64::PlainOp::kDmbIsh);
}

}  // namespace gantry::winch
