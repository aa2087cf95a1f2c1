// Part of the generator: memories, globals and tables.
#ifndef GANTRY_WINCH_GENERATOR_MEMORY_H_
#define GANTRY_WINCH_GENERATOR_MEMORY_H_

#include "environ/core/const_expr.h"
#include "environ/core/memory_plan.h"
#include "winch/generator.h"

namespace gantry::winch {

using environ::Builtin;
using environ::VMMemoryDefinitionOffsets;
using environ::VMTableDefinitionOffsets;

// --- Addresses --------------------------------------------------------------------------

template <class Masm>
typename Generator<Masm>::Place Generator<Masm>::MemoryPlace(wasm::MemoryIndex memory, Reg temp) {
  EnsureVmctx();
  int32_t pointer;
  if (info_.IsImported(memory)) {
    pointer = static_cast<int32_t>(offsets_.ImportedMemory(memory));
  } else {
    const int32_t offset = static_cast<int32_t>(offsets_.Memory(info_.Defined(memory)));
    // All who see a shared memory see one definition, which lies elsewhere.
    if (!info_.memories[memory].type.shared) return {Masm::kVmctx, offset};
    pointer = offset;
  }
  masm_.LoadField(ValueKind::kI64, temp, Masm::kVmctx, pointer);
  return {temp, 0};
}

template <class Masm>
Reg Generator<Masm>::BaseOf(wasm::MemoryIndex memory) {
  if (memory.raw() == 0) {
    EnsureBase();
    return base_reg_;
  }
  const Reg base = Allocate(RegClass::kInt);
  const Place place = MemoryPlace(memory, base);
  masm_.LoadField(ValueKind::kI64, base, place.base,
                  place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kBase));
  return base;
}

template <class Masm>
MemOperand Generator<Masm>::PrepareAddress(const wasm::MemArg& arg, uint32_t size,
                                           const Operand& index) {
  constexpr uint8_t kTrap = TrapNumber(environ::TrapCode::kMemoryOutOfBounds);
  const environ::MemoryInfo& memory = info_.memories[arg.memory];
  const bool no_check = memory.plan.NeedsNoCheck(arg.offset, size);
  if (index.is_constant() && index.bits <= static_cast<uint64_t>(kMaxOffset) &&
      arg.offset <= static_cast<uint64_t>(kMaxOffset) - index.bits) {
    // A constant index joins the offset where the sum is exact and small.
    const uint64_t offset = index.bits + arg.offset;
    uint64_t min_bytes = 0;
    if (memory.type.limits.min <= ~uint64_t{0} >> memory.type.page_size_log2) {
      min_bytes = memory.type.limits.min << memory.type.page_size_log2;
    }
    const bool is_there = min_bytes >= size && offset <= min_bytes - size;
    if (is_there || no_check) {
      return {BaseOf(arg.memory), Reg(), static_cast<int32_t>(offset),
              is_there ? uint8_t{0} : kTrap};
    }
  }
  if (!no_check) {
    return CheckedAddress(arg, size, index, memory.plan.NeedsOnlyIndex(arg.offset, size));
  }
  const Reg base = BaseOf(arg.memory);
  const Reg reg = Use(index);
  if (arg.offset <= static_cast<uint64_t>(kMaxOffset)) {
    return {base, reg, static_cast<int32_t>(arg.offset), kTrap};
  }
  const Reg sum = Allocate(RegClass::kInt);
  masm_.LoadConstant(ValueKind::kI64, sum, arg.offset);
  masm_.Int(IntOp::kAdd, ValueKind::kI64, sum, sum, reg);
  return {base, sum, 0, kTrap};
}

// The index alone, or the end of the access, is compared with the length; where misspeculation
// goes past that, the address becomes that of the memory's first byte.
template <class Masm>
MemOperand Generator<Masm>::CheckedAddress(const wasm::MemArg& arg, uint32_t size,
                                           const Operand& index_operand, bool index_only) {
  constexpr uint8_t kTrap = TrapNumber(environ::TrapCode::kMemoryOutOfBounds);
  const environ::MemoryPlan& plan = info_.memories[arg.memory].plan;
  Locate();
  const Reg base = BaseOf(arg.memory);
  const Reg index = Use(index_operand);
  if (!index_only && arg.offset > ~uint64_t{0} - size) {
    // No index is low enough.
    masm_.TrapIf(masm_.CompareImmediate(IntCond::kEq, ValueKind::kI64, base, 0), kTrap);
    masm_.TrapIf(masm_.CompareImmediate(IntCond::kNe, ValueKind::kI64, base, 0), kTrap);
    return {base, Reg(), 0, 0};
  }
  const bool mask = tunables_.spectre_masking;
  // Behind the base lies the reservation, and the guard behind that.
  const bool offset_is_own = arg.offset <= plan.guard && size <= plan.guard - arg.offset;
  const bool offset_stays =
      arg.offset <= static_cast<uint64_t>(kMaxOffset) && (offset_is_own || !mask);
  const Reg address = Allocate(RegClass::kInt);
  const Reg definition = Allocate(RegClass::kInt);
  const Place place = MemoryPlace(arg.memory, definition);
  const int32_t length = place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kLength);
  masm_.LoadAddress(address, {base, index, 0, 0});
  if (!offset_stays) {
    masm_.LoadConstant(ValueKind::kI64, Masm::kScratch, arg.offset);
    masm_.Int(IntOp::kAdd, ValueKind::kI64, address, address, Masm::kScratch);
  }
  Condition outside;
  if (index_only) {
    masm_.CompareField(ValueKind::kI64, index, place.base, length);
    outside = Masm::AboveOrEqual();
  } else {
    const uint64_t extent = arg.offset + size;
    const Reg end = Allocate(RegClass::kInt);
    const bool wide = plan.index_type == wasm::IndexType::kI64;
    // A sum that does not fit is beyond all memory.
    if (wide) masm_.LoadConstant(ValueKind::kI64, Masm::kScratch, ~uint64_t{0});
    masm_.LoadConstant(ValueKind::kI64, end, extent);
    const Condition carry = masm_.AddCarry(end, end, index);
    if (wide) masm_.Select(ValueKind::kI64, carry, end, Masm::kScratch, end);
    masm_.CompareField(ValueKind::kI64, end, place.base, length);
    outside = Masm::Above();
  }
  masm_.TrapIf(outside, kTrap);
  if (mask) masm_.SelectGuarded(outside, address, base, address);
  return {address, Reg(), offset_stays ? static_cast<int32_t>(arg.offset) : 0,
          index_only ? kTrap : uint8_t{0}};
}

// --- Loads and stores -------------------------------------------------------------------

namespace generator_internal {

inline uint32_t AccessBytes(wasm::Opcode op) {
  return uint32_t{1} << wasm::GetOperatorInfo(op).align_or_lanes;
}
inline ValueKind ResultKind(wasm::Opcode op) {
  return static_cast<ValueKind>(wasm::GetOperatorInfo(op).results[0]);
}
static_assert(static_cast<int>(ValueKind::kI32) == static_cast<int>(wasm::ValType::Kind::kI32) &&
              static_cast<int>(ValueKind::kI64) == static_cast<int>(wasm::ValType::Kind::kI64) &&
              static_cast<int>(ValueKind::kF32) == static_cast<int>(wasm::ValType::Kind::kF32) &&
              static_cast<int>(ValueKind::kF64) == static_cast<int>(wasm::ValType::Kind::kF64) &&
              static_cast<int>(ValueKind::kV128) == static_cast<int>(wasm::ValType::Kind::kV128));

}  // namespace generator_internal

template <class Masm>
void Generator<Masm>::OnLoad(wasm::Opcode op, const wasm::MemArg& arg) {
  At(op);
  FlushFlags();
  Locate();
  const MemOperand from = PrepareAddress(arg, generator_internal::AccessBytes(op), Pop());
  const ValueKind kind = generator_internal::ResultKind(op);
  const Reg to = ResultReg(kind);
  masm_.Load(op, to, from);
  PushReg(kind, to);
  Release();
}

template <class Masm>
void Generator<Masm>::OnStore(wasm::Opcode op, const wasm::MemArg& arg) {
  At(op);
  FlushFlags();
  Locate();
  const Operand value = Pop();
  const MemOperand to = PrepareAddress(arg, generator_internal::AccessBytes(op), Pop());
  const bool small =
      value.is_constant() &&
      (value.kind == ValueKind::kI32 ||
       static_cast<uint64_t>(int64_t{static_cast<int32_t>(value.bits)}) == value.bits) &&
      Masm::CanStoreConstant(op, static_cast<int32_t>(value.bits));
  if (small) {
    masm_.StoreConstant(op, to, static_cast<int32_t>(value.bits));
  } else {
    masm_.Store(op, to, Use(value));
  }
  Release();
}

template <class Masm>
void Generator<Masm>::OnLoadLane(wasm::Opcode op, const wasm::MemArg& arg, uint8_t lane) {
  At(op);
  FlushFlags();
  Locate();
  const Operand vector = Pop();
  const MemOperand from = PrepareAddress(arg, generator_internal::AccessBytes(op), Pop());
  const Reg to = UseOwned(vector);
  masm_.LoadLane(op, to, from, lane);
  PushReg(ValueKind::kV128, to);
  Release();
}

template <class Masm>
void Generator<Masm>::OnStoreLane(wasm::Opcode op, const wasm::MemArg& arg, uint8_t lane) {
  At(op);
  FlushFlags();
  Locate();
  const Operand vector = Pop();
  const MemOperand to = PrepareAddress(arg, generator_internal::AccessBytes(op), Pop());
  masm_.StoreLane(op, to, Use(vector), lane);
  Release();
}

// --- Atomics ----------------------------------------------------------------------------

// Only low bits count, in which the sum is right even where it overflows.
template <class Masm>
void Generator<Masm>::CheckAligned(const Operand& index, uint64_t offset, uint32_t size) {
  if (size == 1) return;
  const int32_t mask = static_cast<int32_t>(size - 1);
  Reg low = Use(index);
  if ((offset & (size - 1)) != 0) {
    const Reg sum = Allocate(RegClass::kInt);
    masm_.IntImmediate(IntOp::kAdd, ValueKind::kI64, sum, low,
                       static_cast<int32_t>(offset & (size - 1)));
    low = sum;
  }
  masm_.TestBits(ValueKind::kI32, low, mask);
  masm_.TrapIf(Masm::NotEqual(), TrapNumber(environ::TrapCode::kUnalignedAtomic));
}

// For accesses that a built-in makes: where the sum does not fit 64 bits it is out of bounds.
template <class Masm>
typename Generator<Masm>::Operand Generator<Masm>::EffectiveAddress(const Operand& index,
                                                                    uint64_t offset) {
  Operand sum;
  sum.where = Where::kReg;
  sum.kind = ValueKind::kI64;
  const Reg from = Use(index);
  const Reg to = Allocate(RegClass::kInt);
  sum.reg = to.code();
  masm_.LoadConstant(ValueKind::kI64, to, offset);
  const Condition carry = masm_.AddCarry(to, to, from);
  if (index.kind == ValueKind::kI64) {
    masm_.TrapIf(carry, TrapNumber(environ::TrapCode::kMemoryOutOfBounds));
  }
  return sum;
}

template <class Masm>
void Generator<Masm>::OnAtomic(wasm::Opcode op, const wasm::MemArg& arg) {
  At(op);
  using wasm::Opcode;
  FlushFlags();
  Locate();
  const uint32_t size = generator_internal::AccessBytes(op);
  // An operand whose register a check has already found keeps it: it is looked for once.
  const auto checked = [&](Operand index) {
    if (size != 1 && index.where != Where::kReg && index.where != Where::kLocal) {
      const Reg reg = Use(index);
      index.where = Where::kReg;
      index.reg = reg.code();
    }
    CheckAligned(index, arg.offset, size);
    return index;
  };
  if (op == Opcode::kMemoryAtomicNotify) {
    const Operand count = Pop();
    const Operand address = EffectiveAddress(checked(Pop()), arg.offset);
    CallBuiltin(Builtin::kMemoryAtomicNotify, {arg.memory.raw(), address, count});
    PushReg(ValueKind::kI32, BuiltinResult(ValueKind::kI32));
  } else if (op <= Opcode::kMemoryAtomicWait64) {
    const Operand timeout = Pop();
    const Operand expected = Pop();
    const Operand address = EffectiveAddress(checked(Pop()), arg.offset);
    CallBuiltin(op == Opcode::kMemoryAtomicWait32 ? Builtin::kMemoryAtomicWait32
                                                  : Builtin::kMemoryAtomicWait64,
                {arg.memory.raw(), address, expected, timeout});
    PushReg(ValueKind::kI32, BuiltinResult(ValueKind::kI32));
  } else if (op <= Opcode::kI64AtomicLoad32U) {
    const MemOperand from = PrepareAddress(arg, size, checked(Pop()));
    const ValueKind kind = generator_internal::ResultKind(op);
    const Reg to = ResultReg(kind);
    masm_.AtomicLoad(op, to, from);
    PushReg(kind, to);
  } else if (op <= Opcode::kI64AtomicStore32) {
    const Operand value = Pop();
    const MemOperand to = PrepareAddress(arg, size, checked(Pop()));
    masm_.AtomicStore(op, to, UseOwned(value));
  } else if (op <= Opcode::kI64AtomicRmw32XchgU) {
    Operand value = Pop();
    Operand index = Pop();
    const ValueKind kind = value.kind;
    if (Masm::UpdatesInPlace(op)) {
      const MemOperand memory = PrepareAddress(arg, size, checked(index));
      const Reg reg = UseOwned(value);
      masm_.AtomicUpdate(op, reg, memory, reg, Reg());
      PushReg(kind, reg);
    } else {
      MoveAway(value, Masm::kQuotient);
      MoveAway(index, Masm::kQuotient);
      Vacate(Masm::kQuotient);
      const MemOperand memory = PrepareAddress(arg, size, checked(index));
      const Reg operand = Use(value);
      const Reg temp = Allocate(RegClass::kInt);
      masm_.AtomicUpdate(op, Masm::kQuotient, memory, operand, temp);
      PushReg(kind, Masm::kQuotient);
    }
  } else {
    Operand replacement = Pop();
    Operand expected = Pop();
    Operand index = Pop();
    MoveAway(replacement, Masm::kQuotient);
    MoveAway(index, Masm::kQuotient);
    if (expected.where != Where::kReg || expected.reg != Masm::kQuotient.code()) {
      Vacate(Masm::kQuotient);
      PlaceIn(expected, Masm::kQuotient);
    }
    const MemOperand memory = PrepareAddress(arg, size, checked(index));
    masm_.CompareExchange(op, memory, Use(replacement));
    PushReg(replacement.kind, Masm::kQuotient);
  }
  Release();
}

template <class Masm>
void Generator<Masm>::OnAtomicFence() {
  At(wasm::Opcode::kAtomicFence);
  FlushFlags();
  masm_.Fence();
}

// --- Whole memories ---------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::PushIndexResult(wasm::IndexType type, Reg reg) {
  if (type == wasm::IndexType::kI64) {
    PushReg(ValueKind::kI64, reg);
  } else {
    masm_.ZeroExtend32(reg, reg);
    PushReg(ValueKind::kI32, reg);
  }
}

// Aligned loads are in order on every ISA that stores lengths by exchanges.
template <class Masm>
void Generator<Masm>::OnMemorySize(wasm::MemoryIndex memory) {
  At(wasm::Opcode::kMemorySize);
  FlushFlags();
  const environ::MemoryInfo& m = info_.memories[memory];
  const Reg reg = ResultReg(ValueKind::kI64);
  const Place place = MemoryPlace(memory, reg);
  masm_.LoadField(ValueKind::kI64, reg, place.base,
                  place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kLength));
  masm_.ShiftImmediate(ShiftOp::kShrU, ValueKind::kI64, reg, reg, m.type.page_size_log2);
  PushIndexResult(m.type.index_type, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnMemoryGrow(wasm::MemoryIndex memory) {
  At(wasm::Opcode::kMemoryGrow);
  FlushFlags();
  Locate();
  CallBuiltin(Builtin::kMemoryGrow, {memory.raw(), Pop()});
  PushIndexResult(info_.memories[memory].type.index_type, BuiltinResult(ValueKind::kI64));
  Release();
}

template <class Masm>
void Generator<Masm>::OnMemoryInit(wasm::DataIndex data, wasm::MemoryIndex memory) {
  At(wasm::Opcode::kMemoryInit);
  FlushFlags();
  Locate();
  const Operand length = Pop(), source = Pop(), destination = Pop();
  CallBuiltin(Builtin::kMemoryInit, {memory.raw(), data.raw(), destination, source, length});
}

template <class Masm>
void Generator<Masm>::OnDataDrop(wasm::DataIndex data) {
  At(wasm::Opcode::kDataDrop);
  FlushFlags();
  Locate();
  CallBuiltin(Builtin::kDataDrop, {data.raw()});
}

template <class Masm>
void Generator<Masm>::OnMemoryCopy(wasm::MemoryIndex to, wasm::MemoryIndex from) {
  At(wasm::Opcode::kMemoryCopy);
  FlushFlags();
  Locate();
  const Operand length = Pop(), source = Pop(), destination = Pop();
  CallBuiltin(Builtin::kMemoryCopy, {to.raw(), destination, from.raw(), source, length});
}

template <class Masm>
void Generator<Masm>::OnMemoryFill(wasm::MemoryIndex memory) {
  At(wasm::Opcode::kMemoryFill);
  FlushFlags();
  Locate();
  const Operand length = Pop(), value = Pop(), destination = Pop();
  CallBuiltin(Builtin::kMemoryFill, {memory.raw(), destination, value, length});
}

// --- Globals ----------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::OnGlobalGet(wasm::GlobalIndex global, const wasm::GlobalType& type) {
  At(wasm::Opcode::kGlobalGet);
  FlushFlags();
  const ValueKind kind = Kind(type.content);
  if (!type.is_mutable && !info_.IsImported(global)) {
    const environ::ConstExpr& init = info_.global_inits[info_.Defined(global)];
    if (init.ops().size() == 1) {
      const environ::ConstOp& op = init.ops()[0];
      switch (op.kind) {
        case environ::ConstOp::Kind::kI32Const:
        case environ::ConstOp::Kind::kF32Const:
          return PushConstant(kind, static_cast<uint32_t>(op.value[0]));
        case environ::ConstOp::Kind::kI64Const:
        case environ::ConstOp::Kind::kF64Const:
          return PushConstant(kind, op.value[0]);
        default:
          break;
      }
    }
  }
  EnsureVmctx();
  const Reg reg = ResultReg(kind);
  if (info_.IsImported(global)) {
    masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx,
                    static_cast<int32_t>(offsets_.ImportedGlobal(global)));
    masm_.LoadField(kind, reg, Masm::kScratch, 0);
  } else {
    masm_.LoadField(kind, reg, Masm::kVmctx,
                    static_cast<int32_t>(offsets_.Global(info_.Defined(global))));
  }
  PushReg(kind, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnGlobalSet(wasm::GlobalIndex global, const wasm::GlobalType&) {
  At(wasm::Opcode::kGlobalSet);
  FlushFlags();
  const Operand value = Pop();
  EnsureVmctx();
  const Reg reg = Use(value);
  if (info_.IsImported(global)) {
    masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx,
                    static_cast<int32_t>(offsets_.ImportedGlobal(global)));
    masm_.StoreField(value.kind, Masm::kScratch, 0, reg);
  } else {
    masm_.StoreField(value.kind, Masm::kVmctx,
                     static_cast<int32_t>(offsets_.Global(info_.Defined(global))), reg);
  }
  Release();
}

// --- Tables -----------------------------------------------------------------------------

template <class Masm>
typename Generator<Masm>::Place Generator<Masm>::TablePlace(wasm::TableIndex table, Reg temp) {
  EnsureVmctx();
  if (!info_.IsImported(table)) {
    return {Masm::kVmctx, static_cast<int32_t>(offsets_.Table(info_.Defined(table)))};
  }
  masm_.LoadField(ValueKind::kI64, temp, Masm::kVmctx,
                  static_cast<int32_t>(offsets_.ImportedTable(table)));
  return {temp, 0};
}

template <class Masm>
Condition Generator<Masm>::CheckTableIndex(wasm::TableIndex table, const Place& place, Reg index,
                                           environ::TrapCode out_of_bounds) {
  const wasm::TableType& type = info_.tables[table];
  Condition outside = Masm::AboveOrEqual();
  if (type.limits.max == type.limits.min && type.limits.min <= static_cast<uint64_t>(kMaxOffset) &&
      type.limits.min != 0) {
    outside = masm_.CompareImmediate(IntCond::kGeU, ValueKind::kI64, index,
                                     static_cast<int32_t>(type.limits.min));
  } else {
    masm_.CompareField(ValueKind::kI64, index, place.base,
                       place.offset + static_cast<int32_t>(VMTableDefinitionOffsets::kLength));
  }
  masm_.TrapIf(outside, TrapNumber(out_of_bounds));
  return outside;
}

template <class Masm>
void Generator<Masm>::TableElement(wasm::TableIndex table, Reg index,
                                   environ::TrapCode out_of_bounds, Reg to) {
  const uint8_t size_log2 =
      IsFuncTable(table) ? static_cast<uint8_t>(environ::VMFuncTableEntryOffsets::kSizeLog2) : 2;
  const Reg definition = Allocate(RegClass::kInt);
  const Place place = TablePlace(table, definition);
  const bool mask = tunables_.spectre_masking;
  if (mask) masm_.LoadConstant(ValueKind::kI64, Masm::kScratch, 0);
  const Condition outside = CheckTableIndex(table, place, index, out_of_bounds);
  if (mask) {
    masm_.SelectGuarded(outside, to, Masm::kScratch, index);
  } else {
    masm_.Move(ValueKind::kI64, to, index);
  }
  masm_.ShiftImmediate(ShiftOp::kShl, ValueKind::kI64, to, to, size_log2);
  masm_.LoadField(ValueKind::kI64, Masm::kScratch, place.base,
                  place.offset + static_cast<int32_t>(VMTableDefinitionOffsets::kBase));
  masm_.Int(IntOp::kAdd, ValueKind::kI64, to, to, Masm::kScratch);
}

template <class Masm>
void Generator<Masm>::OnTableGet(wasm::TableIndex table, const wasm::TableType&) {
  At(wasm::Opcode::kTableGet);
  FlushFlags();
  Locate();
  if (IsFuncTable(table)) {
    const Operand index = Pop();
    if (counts_fuel_) {
      // A trap in the middle of a line gives fuel back, which only its own code can say.
      const Reg reg = Use(index);
      const Place place = TablePlace(table, Allocate(RegClass::kInt));
      CheckTableIndex(table, place, reg, environ::TrapCode::kTableOutOfBounds);
    }
    CallBuiltin(Builtin::kTableGetFunc, {table.raw(), index});
    PushReg(ValueKind::kFunc, BuiltinResult(ValueKind::kFunc));
    Release();
    return;
  }
  const Reg index = Use(Pop());
  const Reg reg = Allocate(RegClass::kInt);
  TableElement(table, index, environ::TrapCode::kTableOutOfBounds, reg);
  masm_.LoadField(ValueKind::kRef, reg, reg, 0);
  PushReg(ValueKind::kRef, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnTableSet(wasm::TableIndex table, const wasm::TableType&) {
  At(wasm::Opcode::kTableSet);
  FlushFlags();
  Locate();
  const Operand value = Pop();
  const Operand index = Pop();
  CallBuiltin(IsFuncTable(table) ? Builtin::kTableSetFunc : Builtin::kTableSetRef,
              {table.raw(), index, value});
}

template <class Masm>
void Generator<Masm>::OnTableSize(wasm::TableIndex table) {
  At(wasm::Opcode::kTableSize);
  FlushFlags();
  const Reg reg = Allocate(RegClass::kInt);
  const Place place = TablePlace(table, reg);
  masm_.LoadField(ValueKind::kI64, reg, place.base,
                  place.offset + static_cast<int32_t>(VMTableDefinitionOffsets::kLength));
  PushIndexResult(info_.tables[table].index_type, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnTableGrow(wasm::TableIndex table, const wasm::TableType&) {
  At(wasm::Opcode::kTableGrow);
  FlushFlags();
  Locate();
  const Operand delta = Pop();
  const Operand value = Pop();
  CallBuiltin(IsFuncTable(table) ? Builtin::kTableGrowFunc : Builtin::kTableGrowRef,
              {table.raw(), delta, value});
  PushIndexResult(info_.tables[table].index_type, BuiltinResult(ValueKind::kI64));
  Release();
}

template <class Masm>
void Generator<Masm>::OnTableFill(wasm::TableIndex table, const wasm::TableType&) {
  At(wasm::Opcode::kTableFill);
  FlushFlags();
  Locate();
  const Operand length = Pop(), value = Pop(), destination = Pop();
  CallBuiltin(IsFuncTable(table) ? Builtin::kTableFillFunc : Builtin::kTableFillRef,
              {table.raw(), destination, value, length});
}

template <class Masm>
void Generator<Masm>::OnTableCopy(wasm::TableIndex to, wasm::TableIndex from) {
  At(wasm::Opcode::kTableCopy);
  FlushFlags();
  Locate();
  const Operand length = Pop(), source = Pop(), destination = Pop();
  CallBuiltin(Builtin::kTableCopy, {to.raw(), from.raw(), destination, source, length});
}

template <class Masm>
void Generator<Masm>::OnTableInit(wasm::ElemIndex elem, wasm::TableIndex table) {
  At(wasm::Opcode::kTableInit);
  FlushFlags();
  Locate();
  const Operand length = Pop(), source = Pop(), destination = Pop();
  CallBuiltin(Builtin::kTableInit, {table.raw(), elem.raw(), destination, source, length});
}

template <class Masm>
void Generator<Masm>::OnElemDrop(wasm::ElemIndex elem) {
  At(wasm::Opcode::kElemDrop);
  FlushFlags();
  Locate();
  CallBuiltin(Builtin::kElemDrop, {elem.raw()});
}

template <class Masm>
void Generator<Masm>::OnRefFunc(wasm::FuncIndex function) {
  At(wasm::Opcode::kRefFunc);
  FlushFlags();
  if (info_.IsImported(function)) {
    EnsureVmctx();
    const Reg reg = ResultReg(ValueKind::kFunc);
    masm_.LoadField(ValueKind::kFunc, reg, Masm::kVmctx,
                    static_cast<int32_t>(offsets_.ImportedFunction(function) +
                                         environ::VMFunctionImportOffsets::kFuncRef));
    PushReg(ValueKind::kFunc, reg);
    Release();
    return;
  }
  Locate();
  CallBuiltin(Builtin::kRefFunc, {function.raw()});
  PushReg(ValueKind::kFunc, BuiltinResult(ValueKind::kFunc));
  Release();
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_MEMORY_H_
