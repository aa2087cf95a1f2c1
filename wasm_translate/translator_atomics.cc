// Atomic accesses, waiting and notifying. (WebAssembly threads proposal, "Atomic Memory Accesses".)
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::AtomicRmwOp;
using codegen::Type;
using codegen::Value;

namespace {

enum class AtomicKind { kNotify, kWait, kLoad, kStore, kReadModifyWrite, kCompareExchange };

// The operators of a kind stand together in operators.def.
AtomicKind KindOf(Opcode op) {
  if (op == Opcode::kMemoryAtomicNotify) return AtomicKind::kNotify;
  if (op <= Opcode::kMemoryAtomicWait64) return AtomicKind::kWait;
  if (op <= Opcode::kI64AtomicLoad32U) return AtomicKind::kLoad;
  if (op <= Opcode::kI64AtomicStore32) return AtomicKind::kStore;
  if (op <= Opcode::kI64AtomicRmw32XchgU) return AtomicKind::kReadModifyWrite;
  return AtomicKind::kCompareExchange;
}

// Of a read-modify-write.
AtomicRmwOp OperationOf(Opcode op) {
  if (op <= Opcode::kI64AtomicRmw32AddU) return AtomicRmwOp::kAdd;
  if (op <= Opcode::kI64AtomicRmw32SubU) return AtomicRmwOp::kSub;
  if (op <= Opcode::kI64AtomicRmw32AndU) return AtomicRmwOp::kAnd;
  if (op <= Opcode::kI64AtomicRmw32OrU) return AtomicRmwOp::kOr;
  if (op <= Opcode::kI64AtomicRmw32XorU) return AtomicRmwOp::kXor;
  return AtomicRmwOp::kXchg;
}

}  // namespace

// Only low bits count, in which the sum is right even where it overflows.
void TranslatingVisitor::CheckAligned(Value index, uint64_t offset, uint32_t size) {
  if (size == 1) return;
  const Type type = func_->dfg.value_type(index);
  const uint32_t mask = size - 1;
  Value low = index;
  if ((offset & mask) != 0) {
    low = builder_.Iadd(low, builder_.Iconst(type, static_cast<int64_t>(offset & mask)));
  }
  low = builder_.Band(low, builder_.Iconst(type, mask));
  builder_.Trapnz(low, env_->traps().unaligned_atomic);
}

// For accesses that the environment makes: where the sum does not fit 64 bits it is out of bounds.
Value TranslatingVisitor::EffectiveAddress(Value index, uint64_t offset) {
  const bool index_is_32_bits = func_->dfg.value_type(index) == Type::kI32;
  const Value wide = Extended(index);
  if (offset == 0) return wide;
  const Value constant = builder_.I64(static_cast<int64_t>(offset));
  if (index_is_32_bits) return builder_.Iadd(wide, constant);
  const auto [sum, overflow] = builder_.UaddOverflow(wide, constant);
  builder_.Trapnz(overflow, env_->traps().memory_out_of_bounds);
  return sum;
}

void TranslatingVisitor::OnAtomic(Opcode op, const MemArg& arg) {
  At(op);
  const OperatorInfo& info = GetOperatorInfo(op);
  const uint32_t size = uint32_t{1} << info.align_or_lanes;
  const Type access = *codegen::IntTypeOfBits(8 * size);
  const auto narrowed = [&](Value value) {
    return func_->dfg.value_type(value) == access ? value : builder_.Ireduce(access, value);
  };
  const auto push_extended = [&](Type type, Value value) {
    Push(type == access ? value : builder_.Uextend(type, value));
  };
  switch (KindOf(op)) {
    case AtomicKind::kNotify: {
      const Value count = Pop();
      const Value index = Pop();
      CheckAligned(index, arg.offset, size);
      Push(env_->AtomicNotify(builder_, arg.memory, EffectiveAddress(index, arg.offset), count));
      return;
    }
    case AtomicKind::kWait: {
      const auto [index, expected, timeout] = Pop3();
      CheckAligned(index, arg.offset, size);
      const Value address = EffectiveAddress(index, arg.offset);
      Push(env_->AtomicWait(builder_, arg.memory, address, expected, timeout));
      return;
    }
    case AtomicKind::kLoad: {
      const Address address = PrepareAtomic(arg, size, Pop());
      const bool is_i32 = info.results[0] == static_cast<uint8_t>(ValType::Kind::kI32);
      push_extended(is_i32 ? Type::kI32 : Type::kI64,
                    builder_.AtomicLoad(access, address.flags, address.base, address.offset));
      return;
    }
    case AtomicKind::kStore: {
      const Value value = Pop();
      const Address address = PrepareAtomic(arg, size, Pop());
      builder_.AtomicStore(address.flags, narrowed(value), address.base, address.offset);
      return;
    }
    case AtomicKind::kReadModifyWrite: {
      const Value value = Pop();
      const Address address = PrepareAtomic(arg, size, Pop());
      push_extended(func_->dfg.value_type(value),
                    builder_.AtomicRmw(OperationOf(op), address.flags, narrowed(value),
                                       address.base, address.offset));
      return;
    }
    case AtomicKind::kCompareExchange: {
      const auto [index, expected, replacement] = Pop3();
      const Address address = PrepareAtomic(arg, size, index);
      Value base = address.base;
      if (address.offset != 0) base = builder_.Iadd(base, builder_.I64(address.offset));
      push_extended(
          func_->dfg.value_type(replacement),
          builder_.AtomicCas(address.flags, narrowed(expected), narrowed(replacement), base));
      return;
    }
  }
}

// Misalignment is found before what lies out of bounds.
TranslatingVisitor::Address TranslatingVisitor::PrepareAtomic(const MemArg& arg, uint32_t size,
                                                              Value index) {
  CheckAligned(index, arg.offset, size);
  Address address = PrepareAddress(arg, size, index);
  address.flags = address.flags.WithAligned();
  return address;
}

void TranslatingVisitor::OnAtomicFence() {
  At(Opcode::kAtomicFence);
  builder_.Fence();
}

}  // namespace gantry::wasm
