// Part of the generator: blocks, branches, and the state of registers where they meet.
#ifndef GANTRY_WINCH_GENERATOR_CONTROL_H_
#define GANTRY_WINCH_GENERATOR_CONTROL_H_

#include <algorithm>

#include "winch/generator.h"

namespace gantry::winch {

// --- States -----------------------------------------------------------------------------

template <class Masm>
uint32_t Generator<Masm>::NewState() {
  if (free_states_.empty()) {
    states_.emplace_back();
    return static_cast<uint32_t>(states_.size() - 1);
  }
  const uint32_t state = free_states_.back();
  free_states_.pop_back();
  return state;
}

template <class Masm>
void Generator<Masm>::FreeState(uint32_t state) {
  if (state != kNoState) free_states_.push_back(state);
}

template <class Masm>
void Generator<Masm>::CaptureState(RegState& state) const {
  state.locals = held_by_locals_;
  state.dirty = dirty_;
  state.has_vmctx = has_vmctx_;
  state.has_base = has_base_;
  state.result = Reg();
  for (RegSet set = held_by_locals_; !set.empty();) {
    const Reg reg = set.TakeFirst();
    state.held[reg.code()] = holder_[reg.code()];
  }
}

template <class Masm>
void Generator<Masm>::AdoptState(const RegState& state) {
  DCHECK(held_by_operands_.empty()) << "an operand below a label is in a register";
  RegSet same = state.locals & held_by_locals_;
  for (RegSet set = same; !set.empty();) {
    const Reg reg = set.TakeFirst();
    if (state.held[reg.code()] != holder_[reg.code()]) same.remove(reg);
  }
  for (RegSet set = held_by_locals_ - same; !set.empty();) {
    locals_[holder_[set.TakeFirst().code()]].reg = Reg();
  }
  held_by_locals_ = state.locals;
  dirty_ = state.dirty;
  has_vmctx_ = state.has_vmctx;
  has_base_ = state.has_base;
  for (RegSet set = held_by_locals_ - same; !set.empty();) {
    const Reg reg = set.TakeFirst();
    holder_[reg.code()] = state.held[reg.code()];
    locals_[state.held[reg.code()]].reg = reg;
  }
  owned_ = RegSet();
  pinned_ = RegSet();
  free_ = allocatable_ - held_by_locals_;
}

// The present state becomes the label's, by code that leaves the present one as it is. What is not
// fixed yet takes what is easier: earlier ways there allow to give up a clean register, and to
// call one dirty.
template <class Masm>
void Generator<Masm>::Conform(RegState& state, bool is_fixed) {
  // Most are where they are to be.
  RegSet same = state.locals & held_by_locals_;
  for (RegSet set = same; !set.empty();) {
    const Reg reg = set.TakeFirst();
    if (state.held[reg.code()] != holder_[reg.code()]) same.remove(reg);
  }
  const RegSet dirtier = (dirty_ & same) - state.dirty;
  if (is_fixed) {
    for (RegSet set = dirtier; !set.empty();) {
      const Reg reg = set.TakeFirst();
      const Local& local = locals_[holder_[reg.code()]];
      masm_.StoreSlot(local.kind, local.slot, reg);
    }
  } else {
    state.dirty |= dirtier;
    state.has_vmctx &= has_vmctx_;
    state.has_base &= has_base_;
  }
  const RegSet others = state.locals - same;
  RegSet left = dirty_ - same;
  if (others.empty() && left.empty()) return;
  ++mark_;
  for (RegSet set = others; !set.empty();) {
    const Reg reg = set.TakeFirst();
    const uint32_t index = state.held[reg.code()];
    Local& local = locals_[index];
    const bool needs_slot = !state.dirty.contains(reg);
    if (local.reg.is_none()) {
      if (!is_fixed && needs_slot) {
        state.locals.remove(reg);
        continue;
      }
      moves_.FromSlot(local.kind, reg, local.slot);
    } else {
      if (needs_slot && dirty_.contains(local.reg)) {
        if (is_fixed) {
          masm_.StoreSlot(local.kind, local.slot, local.reg);
        } else {
          state.dirty.add(reg);
        }
      }
      moves_.FromReg(local.kind, reg, local.reg);
    }
    local.mark = mark_;
  }
  while (!left.empty()) {
    const Reg reg = left.TakeFirst();
    const Local& local = locals_[holder_[reg.code()]];
    if (local.mark != mark_) masm_.StoreSlot(local.kind, local.slot, reg);
  }
}

template <class Masm>
void Generator<Masm>::MoveValuesToSlots(const Frame& frame, absl::Span<const wasm::ValType> types) {
  const size_t first = stack_.size() - types.size();
  int32_t slot = SlotAtHeight(frame.height);
  if (types.size() > kMaxInlineValues) {
    // They are in their slots: as bytes, to where the label has them.
    const int32_t low = stack_.back().slot;
    const int32_t high = first == 0 ? stack_begin_ : stack_[first - 1].slot;
    masm_.CopySlots(low + (slot - high), low, static_cast<uint32_t>(high - low) / 8);
    return;
  }
  // From the bottom up: no slot is overwritten before it has been read.
  for (size_t i = first; i < stack_.size(); ++i) {
    const Operand& operand = stack_[i];
    slot -= SlotBytes(operand.kind);
    UseSlot(slot);
    switch (operand.where) {
      case Where::kConstant:
        masm_.StoreSlotConstant(operand.kind, slot, operand.bits);
        break;
      case Where::kReg:
        masm_.StoreSlot(operand.kind, slot, Reg::FromCode(operand.reg));
        break;
      case Where::kSlot:
        masm_.CopySlot(operand.kind, slot, operand.slot);
        break;
      case Where::kLocal: {
        const Local& local = locals_[operand.local()];
        if (local.reg.is_none()) {
          masm_.CopySlot(operand.kind, slot, local.slot);
        } else {
          masm_.StoreSlot(operand.kind, slot, local.reg);
        }
        break;
      }
      case Where::kFlags:
        UNREACHABLE();
    }
  }
}

template <class Masm>
void Generator<Masm>::Transfer(Frame& frame, absl::Span<const wasm::ValType> types) {
  DCHECK(!has_flags_);
  const bool in_slots = ValuesInSlots(frame, types.size());
  if (in_slots) MoveValuesToSlots(frame, types);
  const bool has_value = !in_slots && types.size() == 1;
  const bool is_fixed = frame.kind == wasm::FrameKind::kLoop;
  const bool is_new = frame.state == kNoState;
  if (is_new) {
    frame.state = NewState();
    CaptureState(states_[frame.state]);
  }
  RegState& state = states_[frame.state];
  if (has_value && state.result.is_none()) {
    // The value's own register if it has one, else a free one, else one of a local.
    const Operand& value = stack_.back();
    const RegSet of_class = RegSet::OfClass(ClassOf(value.kind));
    if (value.where == Where::kReg) {
      state.result = Reg::FromCode(value.reg);
    } else {
      RegSet choice = (free_ & of_class) - Masm::kCalleeSaved - state.locals;
      if (choice.empty()) choice = (allocatable_ & of_class) - Masm::kCalleeSaved;
      state.result = choice.first();
    }
  }
  if (has_value && state.locals.contains(state.result)) {
    // A local that was to be there stays in its slot.
    const Reg reg = state.result;
    DCHECK(is_new);
    state.locals.remove(reg);
    state.dirty.remove(reg);
  }
  Conform(state, is_fixed);
  if (has_value) AddMove(state.result, stack_.back());
  moves_.Emit(masm_);
  if (is_fixed && state.has_vmctx && !has_vmctx_) {
    masm_.LoadSlot(ValueKind::kI64, Masm::kVmctx, Masm::kVmctxSlot);
  }
  if (is_fixed && state.has_base && !has_base_) {
    const bool had_vmctx = has_vmctx_;
    has_vmctx_ = had_vmctx || state.has_vmctx;
    EnsureBase();
    has_vmctx_ = had_vmctx;
    has_base_ = false;
  }
}

// --- Frames -----------------------------------------------------------------------------

template <class Masm>
typename Generator<Masm>::Frame& Generator<Masm>::PushFrame(const wasm::ControlFrame& frame) {
  Frame& f = frames_.emplace_back();
  f.kind = frame.kind;
  f.height = frame.height;
  f.label = masm_.buffer().NewLabel();
  return f;
}

template <class Masm>
void Generator<Masm>::OnUnreachable() {
  At(wasm::Opcode::kUnreachable);
  FlushFlags();
  Locate();
  masm_.Trap(TrapNumber(environ::TrapCode::kUnreachable));
}

template <class Masm>
void Generator<Masm>::OnBlock(const wasm::ControlFrame& frame) {
  At(wasm::Opcode::kBlock);
  FlushFlags();
  Settle();
  PushFrame(frame);
}

// What the loop's first operators read and write is taken into registers in front of it, while some
// are left, so that it need not be loaded and stored in each round. Bytes are taken for operators
// wherever they look like them: a register too many does no harm.
template <class Masm>
void Generator<Masm>::LoadForLoop() {
  constexpr size_t kWindow = 96;
  constexpr int kSpare = 3;
  constexpr uint8_t kGet = static_cast<uint8_t>(wasm::Opcode::kLocalGet);
  constexpr uint8_t kTee = static_cast<uint8_t>(wasm::Opcode::kLocalTee);
  absl::Span<const uint8_t> next = state_->upcoming();
  if (next.size() > kWindow) next = next.first(kWindow);
  for (size_t at = 0; at + 2 < next.size(); ++at) {
    if (next[at] < kGet || next[at] > kTee) continue;
    const bool sets = next[at] != kGet;
    uint32_t index = next[++at];
    if (index >= 0x80) {
      if (next[at + 1] >= 0x80) continue;
      index = (index & 0x7F) | uint32_t{next[++at]} << 7;
    }
    if (index >= locals_.size() || locals_[index].kind == ValueKind::kRef) continue;
    Local& local = locals_[index];
    if (local.reg.is_none()) {
      if ((free_ & RegSet::OfClass(ClassOf(local.kind))).size() <= kSpare) continue;
      const Reg reg = AllocateForLocal(local.kind);
      masm_.LoadSlot(local.kind, reg, local.slot);
      HoldLocal(index, reg, /*dirty=*/false);
    }
    // It will be: else each round would store it at its end.
    if (sets) dirty_.add(local.reg);
  }
  Release();
}

template <class Masm>
void Generator<Masm>::OnLoop(const wasm::ControlFrame& frame) {
  At(wasm::Opcode::kLoop);
  FlushFlags();
  Settle();
  SpillTop(static_cast<uint32_t>(frame.params().size()));
  // Locals in registers that a call loses go to others while there are some.
  RegSet kept = free_ & Masm::kCalleeSaved;
  for (RegSet set = (held_by_locals_ & RegSet::OfClass(RegClass::kInt)) - Masm::kCalleeSaved;
       !set.empty() && !kept.empty() && has_calls_;) {
    const Reg reg = set.TakeFirst();
    const uint32_t index = holder_[reg.code()];
    if (locals_[index].kind == ValueKind::kRef) continue;
    const bool dirty = dirty_.contains(reg);
    const Reg to = Take(kept.TakeFirst());
    masm_.Move(locals_[index].kind, to, reg);
    DropLocalReg(reg);
    HoldLocal(index, to, dirty);
    Release();
  }
  if (interrupts_loops_) EvictReferences();
  EnsureVmctx();
  if (!base_reg_.is_none()) EnsureBase();
  ++loop_depth_;
  LoadForLoop();
  Frame& f = PushFrame(frame);
  f.state = NewState();
  CaptureState(states_[f.state]);
  masm_.buffer().Bind(f.label);
  CountLoop();
  Locate();
  if (ABSL_PREDICT_FALSE(records_loops_)) RecordLoop(f.label);
  EnterLoop();
}

template <class Masm>
Condition Generator<Masm>::PopCondition() {
  if (has_flags_) {
    has_flags_ = false;
    const Condition condition{stack_.back().reg};
    stack_.pop_back();
    return condition;
  }
  const Operand value = Pop();
  return masm_.CompareImmediate(IntCond::kNe, ValueKind::kI32, Use(value), 0);
}

// Nothing here touches the flags that the condition is in: moves do not.
template <class Masm>
void Generator<Masm>::OnIf(const wasm::ControlFrame& frame) {
  At(wasm::Opcode::kIf);
  const Condition condition = PopCondition();
  Release();
  Settle();
  SpillTop(static_cast<uint32_t>(frame.params().size()));
  Frame& f = PushFrame(frame);
  f.else_label = masm_.buffer().NewLabel();
  f.else_state = NewState();
  CaptureState(states_[f.else_state]);
  masm_.Branch(Masm::Inverse(condition), f.else_label);
}

template <class Masm>
void Generator<Masm>::OnElse(const wasm::ControlFrame& frame, bool fallthrough) {
  Frame& f = frames_.back();
  if (fallthrough) {
    At(wasm::Opcode::kElse);
    FlushFlags();
    PrepareValues(frame.results().size());
    Transfer(f, frame.results());
    masm_.Jump(f.label);
  }
  f.kind = wasm::FrameKind::kElse;
  Truncate(f.height);
  AdoptState(states_[f.else_state]);
  masm_.buffer().Bind(f.else_label);
  for (const wasm::ValType param : frame.params()) Push(Where::kSlot, Kind(param));
  MarkSettled();
}

// Control arrives at the label by branches, and has arrived there by what was written last.
template <class Masm>
void Generator<Masm>::BindLabel(Frame& frame, absl::Span<const wasm::ValType> types) {
  Truncate(frame.height);
  AdoptState(states_[frame.state]);
  masm_.buffer().Bind(frame.label);
  if (ValuesInSlots(frame, types.size())) {
    for (const wasm::ValType type : types) UseSlot(Push(Where::kSlot, Kind(type)).slot);
    MarkSettled();
  } else if (types.size() == 1) {
    PushReg(Kind(types[0]), states_[frame.state].result);
  }
}

// An `if` without else: its condition being false leads here, with the parameters as results.
template <class Masm>
void Generator<Masm>::EndIf(Frame& frame, absl::Span<const wasm::ValType> types, bool fallthrough) {
  codegen::MachBuffer& buffer = masm_.buffer();
  if (types.empty() && frame.state == kNoState) {
    // The state where the condition was is the label's, so that it needs no code of its own.
    frame.state = frame.else_state;
    frame.else_state = kNoState;
    if (fallthrough) Transfer(frame, types);
    buffer.Bind(frame.else_label);
    BindLabel(frame, types);
    return;
  }
  if (fallthrough) {
    PrepareValues(types.size());
    Transfer(frame, types);
    masm_.Jump(frame.label);
  }
  Truncate(frame.height);
  AdoptState(states_[frame.else_state]);
  buffer.Bind(frame.else_label);
  for (const wasm::ValType type : types) Push(Where::kSlot, Kind(type));
  MarkSettled();
  Transfer(frame, types);
  BindLabel(frame, types);
}

template <class Masm>
void Generator<Masm>::OnEnd(const wasm::ControlFrame& control, bool fallthrough) {
  if (fallthrough) {
    FlushFlags();
    At(wasm::Opcode::kEnd);
    // Control may arrive from elsewhere.
    const bool joins = control.kind != wasm::FrameKind::kLoop &&
                       (control.kind != wasm::FrameKind::kBlock || control.branched_to);
    if (counts_fuel_ && joins) CloseLine();
  }
  // What was left when code became dead.
  if (!fallthrough) has_flags_ = false;
  Frame frame = frames_.back();
  const absl::Span<const wasm::ValType> results = control.results();
  if (frame.kind == wasm::FrameKind::kFunction) {
    if (fallthrough) EmitReturn();
    frames_.pop_back();
    return;
  }
  if (frame.kind == wasm::FrameKind::kLoop) {
    // Its label is behind us; what comes out of it is what falls through.
    --loop_depth_;
  } else if (frame.kind == wasm::FrameKind::kIf) {
    EndIf(frame, results, fallthrough);
  } else if (frame.state != kNoState) {
    if (fallthrough) {
      PrepareValues(results.size());
      Transfer(frame, results);
    }
    BindLabel(frame, results);
  }
  FreeState(frame.state);
  FreeState(frame.else_state);
  frames_.pop_back();
  // Dead code follows, whose frames' labels set the state anew.
  if (!control.end_live) Truncate(control.height);
}

// --- Branches ---------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::EmitBranch(uint32_t depth) {
  Frame& frame = FrameAt(depth);
  if (frame.kind == wasm::FrameKind::kFunction) {
    EmitReturn();
    return;
  }
  Transfer(frame, LabelTypes(depth));
  masm_.Jump(frame.label);
}

template <class Masm>
void Generator<Masm>::OnBr(uint32_t depth) {
  At(wasm::Opcode::kBr);
  FlushFlags();
  PrepareValues(LabelTypes(depth).size());
  EmitBranch(depth);
}

template <class Masm>
void Generator<Masm>::BranchIf(Condition condition, uint32_t depth) {
  const codegen::MachLabel skip = masm_.buffer().NewLabel();
  masm_.Branch(Masm::Inverse(condition), skip);
  EmitBranch(depth);
  masm_.buffer().Bind(skip);
}

template <class Masm>
void Generator<Masm>::OnBrIf(uint32_t depth) {
  At(wasm::Opcode::kBrIf);
  const Condition condition = PopCondition();
  PrepareValues(LabelTypes(depth).size());
  BranchIf(condition, depth);
  Release();
}

template <class Masm>
void Generator<Masm>::OnBrTable(absl::Span<const uint32_t> depths) {
  At(wasm::Opcode::kBrTable);
  FlushFlags();
  codegen::MachBuffer& buffer = masm_.buffer();
  const Operand operand = Pop();
  PrepareValues(LabelTypes(depths.back()).size());
  const uint32_t count = static_cast<uint32_t>(depths.size() - 1);
  if (count == 0) {
    Release();
    EmitBranch(depths[0]);
    return;
  }
  const Reg index = UseOwned(operand);
  ++table_stamp_;
  std::vector<uint32_t> distinct;
  const auto stub_of = [&](uint32_t depth) {
    Frame& frame = FrameAt(depth);
    if (frame.stub_stamp != table_stamp_) {
      frame.stub_stamp = table_stamp_;
      frame.stub = buffer.NewLabel();
      distinct.push_back(depth);
    }
    return frame.stub;
  };
  constexpr uint32_t kFew = 4;
  if (count <= kFew) {
    for (uint32_t i = 0; i < count; ++i) {
      const codegen::MachLabel stub = stub_of(depths[i]);
      masm_.Branch(
          masm_.CompareImmediate(IntCond::kEq, ValueKind::kI32, index, static_cast<int32_t>(i)),
          stub);
    }
    masm_.Jump(stub_of(depths.back()));
  } else {
    std::vector<codegen::MachLabel> targets;
    targets.reserve(count);
    for (uint32_t i = 0; i < count; ++i) targets.push_back(stub_of(depths[i]));
    const Reg temp = Allocate(RegClass::kInt);
    if (tunables_.spectre_masking) masm_.LoadConstant(ValueKind::kI32, temp, 0);
    const Condition outside =
        masm_.CompareImmediate(IntCond::kGeU, ValueKind::kI32, index, static_cast<int32_t>(count));
    masm_.Branch(outside, stub_of(depths.back()));
    if (tunables_.spectre_masking) {
      masm_.SelectGuarded(outside, index, temp, index);
    }
    masm_.JumpTable(index, temp, targets);
  }
  Release();
  for (const uint32_t depth : distinct) {
    const codegen::MachLabel stub = FrameAt(depth).stub;
    count > kFew ? masm_.BindJumpTableTarget(stub) : buffer.Bind(stub);
    EmitBranch(depth);
  }
}

template <class Masm>
void Generator<Masm>::OnReturn() {
  At(wasm::Opcode::kReturn);
  FlushFlags();
  EmitReturn();
}

template <class Masm>
void Generator<Masm>::EmitReturn() {
  const size_t count = signature_->results.size();
  const size_t first = stack_.size() - count;
  if (signature_->result_bytes != 0) {
    const Reg area = Masm::kCallerVmctx;
    masm_.LoadSlot(ValueKind::kI64, area, area_slot_);
    for (size_t i = 0; i < count; ++i) {
      const ValuePlace& place = signature_->results[i];
      if (!place.reg.is_none()) continue;
      const Operand& value = stack_[first + i];
      const int32_t offset = static_cast<int32_t>(place.offset);
      switch (value.where) {
        case Where::kConstant:
          masm_.StoreFieldConstant(value.kind, area, offset, value.bits);
          break;
        case Where::kReg:
          masm_.StoreField(value.kind, area, offset, Reg::FromCode(value.reg));
          break;
        case Where::kSlot:
          masm_.StoreFieldSlot(value.kind, area, offset, value.slot);
          break;
        case Where::kLocal: {
          const Local& local = locals_[value.local()];
          if (local.reg.is_none()) {
            masm_.StoreFieldSlot(value.kind, area, offset, local.slot);
          } else {
            masm_.StoreField(value.kind, area, offset, local.reg);
          }
          break;
        }
        case Where::kFlags:
          UNREACHABLE();
      }
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const ValuePlace& place = signature_->results[i];
    if (!place.reg.is_none()) AddMove(place.reg, stack_[first + i]);
  }
  moves_.Emit(masm_);
  masm_.Jump(epilogue_);
}

// --- References -------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::OnBrOnNull(uint32_t depth) {
  At(wasm::Opcode::kBrOnNull);
  FlushFlags();
  PrepareValues(LabelTypes(depth).size() + 1);
  const Operand operand = Pop();
  const Reg reg = Use(operand);
  BranchIf(masm_.CompareImmediate(IntCond::kEq, operand.kind, reg, 0), depth);
  PushBack(operand, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnBrOnNonNull(uint32_t depth) {
  At(wasm::Opcode::kBrOnNonNull);
  FlushFlags();
  PrepareValues(LabelTypes(depth).size());
  const Operand operand = Pop();
  const Reg reg = Use(operand);
  if (operand.where == Where::kSlot) {
    // As it was: in its slot, for whoever takes it along.
    Push(Where::kSlot, operand.kind);
  } else {
    PushBack(operand, reg);
  }
  BranchIf(masm_.CompareImmediate(IntCond::kNe, operand.kind, reg, 0), depth);
  Pop();
  Release();
}

template <class Masm>
void Generator<Masm>::OnRefAsNonNull(wasm::ValType) {
  At(wasm::Opcode::kRefAsNonNull);
  FlushFlags();
  Locate();
  const Operand operand = Pop();
  const Reg reg = Use(operand);
  masm_.TrapIf(masm_.CompareImmediate(IntCond::kEq, operand.kind, reg, 0),
               TrapNumber(environ::TrapCode::kNullReference));
  PushBack(operand, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnRefNull(wasm::ValType type) {
  At(wasm::Opcode::kRefNull);
  PushConstant(Kind(type), 0);
}

template <class Masm>
void Generator<Masm>::OnRefIsNull(wasm::ValType type) {
  At(wasm::Opcode::kRefIsNull);
  FlushFlags();
  const ValueKind kind = Kind(type);
  const Operand operand = Pop();
  const Condition condition = masm_.CompareImmediate(IntCond::kEq, kind, Use(operand), 0);
  PushFlags(condition);
  Release();
}

template <class Masm>
void Generator<Masm>::OnRefEq() {
  At(wasm::Opcode::kRefEq);
  IntCompare(IntCond::kEq, ValueKind::kRef);
}

template <class Masm>
void Generator<Masm>::OnGc(wasm::Opcode op, const wasm::GcImmediates&) {
  At(op);
  FlushFlags();
  switch (op) {
    case wasm::Opcode::kRefI31: {
      // The 31 bits above a set bit, in place of a handle.
      const Operand operand = Pop();
      const Reg from = Use(operand);
      const Reg to = ResultReg(ValueKind::kRef, from);
      masm_.ShiftImmediate(ShiftOp::kShl, ValueKind::kI32, to, from, 1);
      masm_.IntImmediate(IntOp::kOr, ValueKind::kI32, to, to, 1);
      PushReg(ValueKind::kRef, to);
      Release();
      return;
    }
    case wasm::Opcode::kI31GetS:
    case wasm::Opcode::kI31GetU: {
      Locate();
      const Operand operand = Pop();
      const Reg from = Use(operand);
      masm_.TrapIf(masm_.CompareImmediate(IntCond::kEq, ValueKind::kRef, from, 0),
                   TrapNumber(environ::TrapCode::kNullI31Reference));
      const Reg to = ResultReg(ValueKind::kI32, from);
      masm_.ShiftImmediate(op == wasm::Opcode::kI31GetS ? ShiftOp::kShrS : ShiftOp::kShrU,
                           ValueKind::kI32, to, from, 1);
      PushReg(ValueKind::kI32, to);
      Release();
      return;
    }
    // Both hierarchies have the same handles.
    case wasm::Opcode::kAnyConvertExtern:
    case wasm::Opcode::kExternConvertAny:
      return;
    default:
      OnUnsupported(op);
  }
}

template <class Masm>
void Generator<Masm>::OnSelect(wasm::ValType) {
  At(wasm::Opcode::kSelect);
  const Condition condition = PopCondition();
  const Operand second = Pop();
  const Operand first = Pop();
  const Reg b = Use(second);
  const Reg a = Use(first);
  const Reg to = ResultReg(first.kind, a);
  masm_.Select(first.kind, condition, to, a, b);
  PushReg(first.kind, to);
  Release();
}

// The expected type's id is in the scratch register.
template <class Masm>
void Generator<Masm>::EmitDeferred() {
  codegen::MachBuffer& buffer = masm_.buffer();
  for (const Deferred& resolve : deferred_) {
    buffer.Bind(resolve.label);
    buffer.SetSourceLoc(resolve.loc);
    const auto args =
        absl::MakeConstSpan(indirect_args_).subspan(resolve.first_arg, resolve.arg_count);
    for (const IndirectArgument& arg : args) {
      if (arg.store) masm_.StoreSlot(arg.kind, arg.slot, arg.reg);
    }
    moves_.FromReg(ValueKind::kI64, Masm::kBuiltinArguments[2], resolve.index);
    moves_.FromReg(ValueKind::kI32, Masm::kBuiltinArguments[3], Masm::kScratch);
    moves_.FromConstant(ValueKind::kI32, Masm::kBuiltinArguments[1], resolve.table);
    moves_.Emit(masm_);
    masm_.Call(NameOfBuiltin(environ::Builtin::kResolveIndirect));
    RecordStackMap(resolve.map);
    masm_.Move(ValueKind::kI64, Masm::kCallerVmctx, Masm::kBuiltinResult);
    masm_.LoadSlot(ValueKind::kI64, Masm::kVmctx, Masm::kVmctxSlot);
    for (const IndirectArgument& arg : args) masm_.LoadSlot(arg.kind, arg.reg, arg.slot);
    masm_.Jump(resolve.resume);
  }
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_CONTROL_H_
