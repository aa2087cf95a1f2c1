// Part of the generator: operands, locals and the registers that hold them.
#ifndef GANTRY_WINCH_GENERATOR_REGISTERS_H_
#define GANTRY_WINCH_GENERATOR_REGISTERS_H_

#include <algorithm>

#include "winch/generator.h"

namespace gantry::winch {

template <class Masm>
void Generator<Masm>::Fail(absl::Status status) {
  failed_ = true;
  if (status_.ok()) status_ = std::move(status);
}

template <class Masm>
typename Generator<Masm>::Operand& Generator<Masm>::Push(Where where, ValueKind kind) {
  const int32_t slot = NextSlot(kind);
  if (kind == ValueKind::kRef) ref_operands_.push_back({static_cast<uint32_t>(stack_.size()), 0});
  Operand& operand = stack_.emplace_back();
  operand.where = where;
  operand.kind = kind;
  operand.slot = slot;
  return operand;
}

template <class Masm>
void Generator<Masm>::PushReg(ValueKind kind, Reg reg) {
  owned_.remove(reg);
  free_.remove(reg);
  held_by_operands_.add(reg);
  holder_[reg.code()] = kOperandHolder | static_cast<uint32_t>(stack_.size());
  Push(Where::kReg, kind).reg = reg.code();
}

template <class Masm>
void Generator<Masm>::PushFlags(Condition condition) {
  Push(Where::kFlags, ValueKind::kI32).reg = condition.code;
  has_flags_ = true;
}

template <class Masm>
void Generator<Masm>::PushLocal(uint32_t local) {
  ++locals_[local].aliases;
  Push(Where::kLocal, locals_[local].kind).bits = local;
}

template <class Masm>
void Generator<Masm>::PushBack(const Operand& operand, Reg reg) {
  switch (operand.where) {
    case Where::kLocal:
      PushLocal(operand.local());
      return;
    case Where::kConstant:
      Push(Where::kConstant, operand.kind).bits = operand.bits;
      return;
    default:
      PushReg(operand.kind, reg);
      return;
  }
}

template <class Masm>
typename Generator<Masm>::Operand Generator<Masm>::Pop() {
  DCHECK(!has_flags_);
  const Operand operand = stack_.back();
  stack_.pop_back();
  const uint32_t height = static_cast<uint32_t>(stack_.size());
  if (settled_ > height) settled_ = height;
  if (operand.kind == ValueKind::kRef) PopRef();
  switch (operand.where) {
    case Where::kReg: {
      const Reg reg = Reg::FromCode(operand.reg);
      held_by_operands_.remove(reg);
      owned_.add(reg);
      pinned_.add(reg);
      break;
    }
    case Where::kLocal: {
      Local& local = locals_[operand.local()];
      --local.aliases;
      if (!local.reg.is_none()) pinned_.add(local.reg);
      break;
    }
    default:
      break;
  }
  return operand;
}

template <class Masm>
Reg Generator<Masm>::Use(const Operand& operand) {
  switch (operand.where) {
    case Where::kReg:
      return Reg::FromCode(operand.reg);
    case Where::kLocal: {
      const uint32_t index = operand.local();
      Local& local = locals_[index];
      if (local.reg.is_none()) {
        const Reg reg = AllocateForLocal(local.kind);
        masm_.LoadSlot(local.kind, reg, local.slot);
        HoldLocal(index, reg, /*dirty=*/false);
      }
      pinned_.add(local.reg);
      return local.reg;
    }
    default: {
      const Reg reg = Allocate(ClassOf(operand.kind));
      PlaceIn(operand, reg);
      return reg;
    }
  }
}

template <class Masm>
Reg Generator<Masm>::UseOwned(const Operand& operand, RegSet avoid) {
  if (operand.where == Where::kReg && !avoid.contains(Reg::FromCode(operand.reg))) {
    return Reg::FromCode(operand.reg);
  }
  const Reg reg = Allocate(ClassOf(operand.kind), avoid);
  PlaceIn(operand, reg);
  return reg;
}

template <class Masm>
void Generator<Masm>::PlaceIn(const Operand& operand, Reg reg) {
  switch (operand.where) {
    case Where::kReg:
      masm_.Move(operand.kind, reg, Reg::FromCode(operand.reg));
      return;
    case Where::kLocal: {
      const Local& local = locals_[operand.local()];
      if (local.reg.is_none()) {
        masm_.LoadSlot(operand.kind, reg, local.slot);
      } else {
        masm_.Move(operand.kind, reg, local.reg);
      }
      return;
    }
    case Where::kSlot:
      masm_.LoadSlot(operand.kind, reg, operand.slot);
      return;
    case Where::kConstant:
      masm_.LoadConstant(operand.kind, reg, operand.bits);
      return;
    case Where::kFlags:
      break;
  }
  UNREACHABLE();
}

// --- Registers --------------------------------------------------------------------------

template <class Masm>
Reg Generator<Masm>::Take(Reg reg) {
  free_.remove(reg);
  owned_.add(reg);
  pinned_.add(reg);
  if (Masm::kCalleeSaved.contains(reg)) saved_.add(reg);
  return reg;
}

template <class Masm>
Reg Generator<Masm>::Allocate(RegClass reg_class, RegSet avoid) {
  const RegSet there = (free_ & RegSet::OfClass(reg_class)) - avoid;
  if (const RegSet cheap = there - Masm::kCalleeSaved; !cheap.empty()) return Take(cheap.last());
  if (!there.empty()) return Take(there.first());
  return Evict(reg_class, avoid);
}

// Locals are kept over calls where there are calls to be expected.
template <class Masm>
Reg Generator<Masm>::AllocateForLocal(ValueKind kind, RegSet avoid) {
  if (!IsVector(kind) && kind != ValueKind::kRef && (has_calls_ || loop_depth_ != 0)) {
    const RegSet kept = (free_ & Masm::kCalleeSaved) - avoid;
    if (!kept.empty()) return Take(kept.first());
  }
  return Allocate(ClassOf(kind), avoid);
}

template <class Masm>
void Generator<Masm>::SpillOperand(uint32_t index) {
  Operand& operand = stack_[index];
  const Reg reg = Reg::FromCode(operand.reg);
  UseSlot(operand.slot);
  masm_.StoreSlot(operand.kind, operand.slot, reg);
  operand.where = Where::kSlot;
  ForgetMapOf(index, operand.kind);
  held_by_operands_.remove(reg);
  free_.add(reg);
}

template <class Masm>
void Generator<Masm>::DropLocalReg(Reg reg) {
  locals_[holder_[reg.code()]].reg = Reg();
  held_by_locals_.remove(reg);
  dirty_.remove(reg);
  free_.add(reg);
}

// What is in it goes to its slot.
template <class Masm>
void Generator<Masm>::EvictReg(Reg reg) {
  if (held_by_operands_.contains(reg)) {
    SpillOperand(holder_[reg.code()] & ~kOperandHolder);
    return;
  }
  if (!held_by_locals_.contains(reg)) return;
  if (dirty_.contains(reg)) {
    const Local& local = locals_[holder_[reg.code()]];
    masm_.StoreSlot(local.kind, local.slot, reg);
  }
  DropLocalReg(reg);
}

template <class Masm>
Reg Generator<Masm>::Evict(RegClass reg_class, RegSet avoid) {
  const RegSet choice =
      ((held_by_locals_ | held_by_operands_) & RegSet::OfClass(reg_class)) - pinned_ - avoid;
  CHECK(!choice.empty()) << "an operator that uses all registers";
  const RegSet clean = (choice & held_by_locals_) - dirty_;
  RegSet candidates = clean.empty() ? choice : clean;
  // In turn, so that what was loaded last stays longest.
  const RegSet later(candidates.bits() & (~uint64_t{0} << (evict_cursor_ % Reg::kCount)));
  const Reg reg = later.empty() ? candidates.first() : later.first();
  evict_cursor_ = static_cast<uint8_t>(reg.code() + 1);
  EvictReg(reg);
  return Take(reg);
}

template <class Masm>
void Generator<Masm>::HoldLocal(uint32_t index, Reg reg, bool dirty) {
  Local& local = locals_[index];
  owned_.remove(reg);
  free_.remove(reg);
  local.reg = reg;
  holder_[reg.code()] = index;
  held_by_locals_.add(reg);
  if (dirty) {
    dirty_.add(reg);
  } else {
    dirty_.remove(reg);
  }
}

template <class Masm>
void Generator<Masm>::Vacate(Reg reg) {
  if (owned_.contains(reg)) {
    pinned_.add(reg);
    return;
  }
  if (free_.contains(reg)) {
    Take(reg);
    return;
  }
  const RegClass reg_class = reg.is_vector() ? RegClass::kVector : RegClass::kInt;
  const RegSet others = (free_ & RegSet::OfClass(reg_class)) - Masm::kCalleeSaved;
  if (others.empty()) {
    EvictReg(reg);
  } else if (held_by_locals_.contains(reg)) {
    const uint32_t index = holder_[reg.code()];
    const bool dirty = dirty_.contains(reg);
    const bool was_pinned = pinned_.contains(reg);
    const Reg other = others.last();
    masm_.Move(locals_[index].kind, other, reg);
    DropLocalReg(reg);
    HoldLocal(index, other, dirty);
    if (was_pinned) pinned_.add(other);
  } else {
    const uint32_t index = holder_[reg.code()] & ~kOperandHolder;
    const Reg other = others.last();
    Operand& operand = stack_[index];
    masm_.Move(operand.kind, other, reg);
    held_by_operands_.remove(reg);
    free_.add(reg);
    free_.remove(other);
    held_by_operands_.add(other);
    holder_[other.code()] = kOperandHolder | index;
    operand.reg = other.code();
  }
  Take(reg);
}

template <class Masm>
void Generator<Masm>::MoveAway(Operand& operand, Reg reg, RegSet avoid) {
  if (operand.where != Where::kReg || operand.reg != reg.code()) return;
  avoid.add(reg);
  const Reg other = Allocate(ClassOf(operand.kind), avoid);
  masm_.Move(operand.kind, other, reg);
  operand.reg = other.code();
}

// --- Results ----------------------------------------------------------------------------

template <class Masm>
Reg Generator<Masm>::ResultReg(ValueKind kind, Reg preferred, RegSet avoid, uint32_t lookahead) {
  if (const Reg local = NextSetLocal(kind, avoid, lookahead); !local.is_none()) return local;
  const RegSet own = (owned_ & RegSet::OfClass(ClassOf(kind))) - avoid;
  if (!preferred.is_none() && own.contains(preferred)) return preferred;
  if (!own.empty()) return own.first();
  return Allocate(ClassOf(kind), avoid);
}

// If the next operator sets a local, its register: the result need not be moved, and a variable of
// a loop stays where it is. The local has no register then until it is set.
template <class Masm>
Reg Generator<Masm>::NextSetLocal(ValueKind kind, RegSet avoid, uint32_t lookahead) {
  const absl::Span<const uint8_t> next = state_->upcoming();
  if (next.size() < lookahead + 3) return Reg();
  const uint8_t* at = next.data() + lookahead;
  constexpr uint8_t kSet = static_cast<uint8_t>(wasm::Opcode::kLocalSet);
  constexpr uint8_t kTee = static_cast<uint8_t>(wasm::Opcode::kLocalTee);
  if (at[0] != kSet && at[0] != kTee) return Reg();
  uint32_t index = at[1];
  if (index >= 0x80) {
    if (at[2] >= 0x80) return Reg();
    index = (index & 0x7F) | uint32_t{at[2]} << 7;
  }
  if (index >= locals_.size()) return Reg();
  Local& local = locals_[index];
  if (local.aliases != 0 || ClassOf(local.kind) != ClassOf(kind)) return Reg();
  if (local.reg.is_none()) return AllocateForLocal(local.kind, avoid);
  const Reg reg = local.reg;
  if (avoid.contains(reg)) return Reg();
  DropLocalReg(reg);
  return Take(reg);
}

template <class Masm>
void Generator<Masm>::MaterializeFlags() {
  has_flags_ = false;
  const Operand operand = stack_.back();
  stack_.pop_back();
  const Reg reg = Allocate(RegClass::kInt);
  masm_.SetCondition(reg, {operand.reg});
  PushReg(ValueKind::kI32, reg);
  Release();
}

// --- Locals -----------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::OnLocalGet(wasm::LocalIndex local, wasm::ValType) {
  At(wasm::Opcode::kLocalGet);
  FlushFlags();
  PushLocal(local.raw());
}

template <class Masm>
void Generator<Masm>::SetLocal(uint32_t index, const Operand& value) {
  Local& local = locals_[index];
  if (value.where == Where::kLocal && value.local() == index) return;
  if (local.aliases != 0) MaterializeAliases(index);
  if (value.where == Where::kReg) {
    if (!local.reg.is_none()) DropLocalReg(local.reg);
    HoldLocal(index, Reg::FromCode(value.reg), /*dirty=*/true);
    return;
  }
  const Reg from = value.where == Where::kLocal ? Use(value) : Reg();
  Reg reg = local.reg;
  if (reg.is_none()) reg = AllocateForLocal(local.kind);
  if (from.is_none()) {
    PlaceIn(value, reg);
  } else {
    masm_.Move(local.kind, reg, from);
  }
  HoldLocal(index, reg, /*dirty=*/true);
}

template <class Masm>
void Generator<Masm>::OnLocalSet(wasm::LocalIndex index, wasm::ValType) {
  At(wasm::Opcode::kLocalSet);
  FlushFlags();
  SetLocal(index.raw(), Pop());
  if (ABSL_PREDICT_FALSE(keeps_locals_)) KeepLocal(index.raw());
  Release();
}

template <class Masm>
void Generator<Masm>::OnLocalTee(wasm::LocalIndex index, wasm::ValType) {
  At(wasm::Opcode::kLocalTee);
  FlushFlags();
  const Operand value = Pop();
  SetLocal(index.raw(), value);
  if (ABSL_PREDICT_FALSE(keeps_locals_)) KeepLocal(index.raw());
  if (value.is_constant()) {
    Push(Where::kConstant, value.kind).bits = value.bits;
  } else {
    PushLocal(index.raw());
  }
  Release();
}

// Operands that stand for the local get its value before it changes.
template <class Masm>
void Generator<Masm>::MaterializeAliases(uint32_t index) {
  constexpr uint32_t kFew = 16;
  Local& local = locals_[index];
  uint32_t at = static_cast<uint32_t>(stack_.size());
  const uint32_t bottom = at - settled_ > kFew ? at - kFew : settled_;
  while (at > bottom && local.aliases != 0) {
    ++work_;
    Operand& operand = stack_[--at];
    if (operand.where != Where::kLocal || operand.local() != index) continue;
    --local.aliases;
    Reg reg;
    if (!local.reg.is_none() && local.aliases == 0) {
      // The last one takes the register over.
      reg = local.reg;
      DropLocalReg(reg);
    } else {
      reg = Allocate(ClassOf(local.kind));
      if (local.reg.is_none()) {
        masm_.LoadSlot(local.kind, reg, local.slot);
      } else {
        masm_.Move(local.kind, reg, local.reg);
      }
    }
    // The operand's, not the operator's: the next one may need it more.
    owned_.remove(reg);
    pinned_.remove(reg);
    free_.remove(reg);
    held_by_operands_.add(reg);
    holder_[reg.code()] = kOperandHolder | at;
    operand.where = Where::kReg;
    operand.reg = reg.code();
  }
  // Deeper ones are rare; after this there are none for as long as none is pushed.
  if (local.aliases != 0) Settle();
}

template <class Masm>
void Generator<Masm>::Settle() {
  const uint32_t height = static_cast<uint32_t>(stack_.size());
  ForgetRecorded(settled_);
  for (; settled_ < height; ++settled_) {
    ++work_;
    Operand& operand = stack_[settled_];
    if (operand.where == Where::kReg) {
      SpillOperand(settled_);
    } else if (operand.where == Where::kLocal) {
      Local& local = locals_[operand.local()];
      --local.aliases;
      UseSlot(operand.slot);
      if (local.reg.is_none()) {
        masm_.CopySlot(operand.kind, operand.slot, local.slot);
      } else {
        masm_.StoreSlot(operand.kind, operand.slot, local.reg);
      }
      operand.where = Where::kSlot;
      ForgetMapOf(settled_, operand.kind);
    }
  }
}

// The topmost operands in their slots, constants too.
template <class Masm>
void Generator<Masm>::SpillTop(uint32_t count) {
  Settle();
  ForgetRecorded(static_cast<uint32_t>(stack_.size()) - count);
  work_ += count;
  for (size_t i = stack_.size() - count; i < stack_.size(); ++i) {
    Operand& operand = stack_[i];
    if (!operand.is_constant()) continue;
    UseSlot(operand.slot);
    masm_.StoreSlotConstant(operand.kind, operand.slot, operand.bits);
    operand.where = Where::kSlot;
  }
}

template <class Masm>
void Generator<Masm>::Truncate(uint32_t height) {
  has_flags_ = false;
  while (stack_.size() > height) {
    const Operand& operand = stack_.back();
    if (operand.where == Where::kReg) {
      held_by_operands_.remove(Reg::FromCode(operand.reg));
      free_.add(Reg::FromCode(operand.reg));
    } else if (operand.where == Where::kLocal) {
      --locals_[operand.local()].aliases;
    }
    if (operand.kind == ValueKind::kRef) PopRef();
    stack_.pop_back();
  }
  settled_ = std::min(settled_, height);
}

template <class Masm>
void Generator<Masm>::EnsureVmctx() {
  if (has_vmctx_) return;
  masm_.LoadSlot(ValueKind::kI64, Masm::kVmctx, Masm::kVmctxSlot);
  has_vmctx_ = true;
}

template <class Masm>
void Generator<Masm>::EnsureBase() {
  if (has_base_) return;
  EnsureVmctx();
  LoadBase();
  if (base_reg_ == permanent_base_) saved_.add(base_reg_);
  has_base_ = true;
}

template <class Masm>
void Generator<Masm>::LoadBase() {
  const Place place = MemoryPlace(wasm::MemoryIndex(0), base_reg_);
  masm_.LoadField(ValueKind::kI64, base_reg_, place.base,
                  place.offset + static_cast<int32_t>(environ::VMMemoryDefinitionOffsets::kBase));
}

template <class Masm>
void Generator<Masm>::OnDrop(wasm::ValType) {
  At(wasm::Opcode::kDrop);
  if (has_flags_) {
    has_flags_ = false;
    stack_.pop_back();
    return;
  }
  Pop();
  Release();
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_REGISTERS_H_
