// Memory, and atomic accesses.
#include "base/check.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

using codegen::MachLabel;
using wasm::Opcode;
using x64::Address;
using x64::AluOp;
using x64::Mem64;
using x64::Width;

namespace {

constexpr Condition Of(x64::Condition condition) { return {static_cast<uint8_t>(condition)}; }

Width WidthOfBytes(int bytes) {
  return bytes == 1 ? Width::k8 : bytes == 2 ? Width::k16 : bytes == 4 ? Width::k32 : Width::k64;
}

}  // namespace

// --- Memory -----------------------------------------------------------------------------

void X64Masm::Load(Opcode op, Reg to, const MemOperand& from) {
  const Address address = Access(from);
  switch (op) {
    case Opcode::kI32Load:
    case Opcode::kI64Load32U:
      return as_.mov(Width::k32, G(to), address);
    case Opcode::kI64Load:
      return as_.mov(Width::k64, G(to), address);
    case Opcode::kI32Load8S:
      return as_.movsx(Width::k32, G(to), Width::k8, address);
    case Opcode::kI32Load8U:
    case Opcode::kI64Load8U:
      return as_.movzx(Width::k32, G(to), Width::k8, address);
    case Opcode::kI32Load16S:
      return as_.movsx(Width::k32, G(to), Width::k16, address);
    case Opcode::kI32Load16U:
    case Opcode::kI64Load16U:
      return as_.movzx(Width::k32, G(to), Width::k16, address);
    case Opcode::kI64Load8S:
      return as_.movsx(Width::k64, G(to), Width::k8, address);
    case Opcode::kI64Load16S:
      return as_.movsx(Width::k64, G(to), Width::k16, address);
    case Opcode::kI64Load32S:
      return as_.movsx(Width::k64, G(to), Width::k32, address);
    case Opcode::kF32Load:
    case Opcode::kV128Load32Zero:
      return Load(ValueKind::kF32, to, address);
    case Opcode::kF64Load:
    case Opcode::kV128Load64Zero:
      return Load(ValueKind::kF64, to, address);
    case Opcode::kV128Load:
      return Load(ValueKind::kV128, to, address);
    case Opcode::kV128Load8x8S:
      return as_.pmovsxbw(X(to), Mem64(address));
    case Opcode::kV128Load8x8U:
      return as_.pmovzxbw(X(to), Mem64(address));
    case Opcode::kV128Load16x4S:
      return as_.pmovsxwd(X(to), Mem64(address));
    case Opcode::kV128Load16x4U:
      return as_.pmovzxwd(X(to), Mem64(address));
    case Opcode::kV128Load32x2S:
      return as_.pmovsxdq(X(to), Mem64(address));
    case Opcode::kV128Load32x2U:
      return as_.pmovzxdq(X(to), Mem64(address));
    case Opcode::kV128Load8Splat:
      as_.movzx(Width::k32, G(kScratch), Width::k8, address);
      return Splat(Opcode::kI8x16Splat, to, kScratch);
    case Opcode::kV128Load16Splat:
      as_.movzx(Width::k32, G(kScratch), Width::k16, address);
      return Splat(Opcode::kI16x8Splat, to, kScratch);
    case Opcode::kV128Load32Splat:
      as_.movss(X(to), x64::Mem32(address));
      as_.shufps(X(to), X(to), 0);
      return;
    case Opcode::kV128Load64Splat:
      as_.movsd(X(to), Mem64(address));
      as_.punpcklqdq(X(to), X(to));
      return;
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::Store(Opcode op, const MemOperand& to, Reg from) {
  const Address address = Access(to);
  switch (op) {
    case Opcode::kI32Store:
    case Opcode::kI64Store32:
      return as_.mov(Width::k32, address, G(from));
    case Opcode::kI64Store:
      return as_.mov(Width::k64, address, G(from));
    case Opcode::kI32Store8:
    case Opcode::kI64Store8:
      return as_.mov(Width::k8, address, G(from));
    case Opcode::kI32Store16:
    case Opcode::kI64Store16:
      return as_.mov(Width::k16, address, G(from));
    case Opcode::kF32Store:
      return Store(ValueKind::kF32, address, from);
    case Opcode::kF64Store:
      return Store(ValueKind::kF64, address, from);
    case Opcode::kV128Store:
      return Store(ValueKind::kV128, address, from);
    default:
      UNREACHABLE() << op;
  }
}

bool X64Masm::CanStoreConstant(Opcode op, int32_t) {
  return op >= Opcode::kI32Store && op <= Opcode::kI64Store32 && op != Opcode::kF32Store &&
         op != Opcode::kF64Store;
}

void X64Masm::StoreConstant(Opcode op, const MemOperand& to, int32_t value) {
  const Address address = Access(to);
  switch (op) {
    case Opcode::kI32Store:
    case Opcode::kI64Store32:
      return as_.mov(Width::k32, address, value);
    case Opcode::kI64Store:
      return as_.mov(Width::k64, address, value);
    case Opcode::kI32Store8:
    case Opcode::kI64Store8:
      return as_.mov(Width::k8, address, static_cast<int8_t>(value));
    case Opcode::kI32Store16:
    case Opcode::kI64Store16:
      return as_.mov(Width::k16, address, static_cast<int16_t>(value));
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::LoadAddress(Reg to, const MemOperand& from) { as_.lea(G64(to), AddressOf(from)); }

void X64Masm::CompareField(ValueKind kind, Reg a, Reg base, int32_t offset) {
  as_.alu(AluOp::kCmp, W(kind), G(a), Address(G64(base), offset));
}
void X64Masm::CompareFieldConstant(ValueKind kind, Reg base, int32_t offset, int32_t value) {
  as_.alu(AluOp::kCmp, W(kind), Address(G64(base), offset), value);
}
void X64Masm::AddField(Reg base, int32_t offset, int32_t value) {
  as_.alu(AluOp::kAdd, Width::k64, Address(G64(base), offset), value);
}
Condition X64Masm::AboveOrEqual() { return Of(x64::Condition::kAboveOrEqual); }
Condition X64Masm::Above() { return Of(x64::Condition::kAbove); }
Condition X64Masm::NotEqual() { return Of(x64::Condition::kNotEqual); }
Condition X64Masm::Equal() { return Of(x64::Condition::kEqual); }
Condition X64Masm::SignedGreaterOrEqual() { return Of(x64::Condition::kGreaterOrEqual); }
void X64Masm::TestBits(ValueKind kind, Reg a, int32_t mask) { as_.test(W(kind), G(a), mask); }

// --- Atomics ----------------------------------------------------------------------------

namespace {

int AtomicBytes(Opcode op) { return 1 << wasm::GetOperatorInfo(op).align_or_lanes; }

}  // namespace

// Aligned loads are atomic, and in order with all but earlier stores; those are exchanges.
void X64Masm::AtomicLoad(Opcode op, Reg to, const MemOperand& from) {
  const Address address = Access(from);
  const int bytes = AtomicBytes(op);
  if (bytes >= 4) {
    as_.mov(WidthOfBytes(bytes), G(to), address);
  } else {
    as_.movzx(Width::k32, G(to), WidthOfBytes(bytes), address);
  }
}

void X64Masm::AtomicStore(Opcode op, const MemOperand& to, Reg value) {
  const Address address = Access(to);
  as_.xchg(WidthOfBytes(AtomicBytes(op)), G(value), address);
}

bool X64Masm::UpdatesInPlace(Opcode op) {
  return op <= Opcode::kI64AtomicRmw32SubU ||
         (op >= Opcode::kI32AtomicRmwXchg && op <= Opcode::kI64AtomicRmw32XchgU);
}

void X64Masm::AtomicUpdate(Opcode op, Reg to, const MemOperand& memory, Reg value, Reg temp) {
  const int bytes = AtomicBytes(op);
  const Width width = WidthOfBytes(bytes);
  const bool is_add = op <= Opcode::kI64AtomicRmw32AddU;
  const bool is_sub = !is_add && op <= Opcode::kI64AtomicRmw32SubU;
  if (UpdatesInPlace(op)) {
    DCHECK(to == value);
    if (is_sub) as_.unary(x64::UnaryOp::kNeg, bytes == 8 ? Width::k64 : Width::k32, G(value));
    const Address address = Access(memory);
    if (is_add || is_sub) {
      as_.lock_exchange(x64::LockExchangeOp::kXadd, width, address, G(value));
    } else {
      as_.xchg(width, G(value), address);
    }
    if (bytes < 4) as_.movzx(Width::k32, G(to), width, G(to));
    // At 32 bits the instruction has cleared the upper half.
    return;
  }
  DCHECK(to == kQuotient);
  const AluOp alu = op <= Opcode::kI64AtomicRmw32AndU  ? AluOp::kAnd
                    : op <= Opcode::kI64AtomicRmw32OrU ? AluOp::kOr
                                                       : AluOp::kXor;
  const Address address = Access(memory);
  if (bytes >= 4) {
    as_.mov(width, G(to), address);
  } else {
    as_.movzx(Width::k32, G(to), width, address);
  }
  const MachLabel again = buffer_.NewLabel();
  as_.bind(again);
  const Width full = bytes == 8 ? Width::k64 : Width::k32;
  as_.mov(full, G(temp), G(to));
  as_.alu(alu, full, G(temp), G(value));
  as_.lock_exchange(x64::LockExchangeOp::kCmpxchg, width, address, G(temp));
  as_.jcc(x64::Condition::kNotEqual, again);
}

// Of 32 bits the instruction leaves the upper half of rax alone where it stores: the expected
// value's, which is zero.
void X64Masm::CompareExchange(Opcode op, const MemOperand& memory, Reg replacement) {
  const int bytes = AtomicBytes(op);
  const Width width = WidthOfBytes(bytes);
  if (bytes < 4) as_.movzx(Width::k32, G(kQuotient), width, G(kQuotient));
  if (bytes == 4) as_.mov(Width::k32, G(kQuotient), G(kQuotient));
  const Address address = Access(memory);
  as_.lock_exchange(x64::LockExchangeOp::kCmpxchg, width, address, G(replacement));
}

// A locked operation orders all accesses around it, and is much faster than mfence.
void X64Masm::Fence() { as_.lock_or_(x64::Mem32(x64::rsp, 0), 0); }

}  // namespace gantry::winch
