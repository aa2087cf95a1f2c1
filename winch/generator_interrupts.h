// Part of the generator: fuel, epochs, and what is called where a check fails (docs/abi.md, "Traps
// and interrupts").
#ifndef GANTRY_WINCH_GENERATOR_INTERRUPTS_H_
#define GANTRY_WINCH_GENERATOR_INTERRUPTS_H_

#include <algorithm>

#include "winch/generator.h"

namespace gantry::winch {

// --- Fuel -------------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::Note(wasm::Opcode op) {
  if (keeps_locals_) Locate();
  if (counts_fuel_) Meter(op);
}

// A charge leaves the flags as they are: a condition may be waiting in them.
template <class Masm>
void Generator<Masm>::Meter(wasm::Opcode op) {
  if (meter_.is_open() && meter_.IsFull(op)) CloseLine();
  if (!meter_.is_open() && meter_.costs().of(op) != 0) {
    charge_ = masm_.ChargeFuel();
    meter_.Open();
  }
  meter_.Add(op, static_cast<uint32_t>(state_->offset()));
  if (wasm::EndsLine(op)) CloseLine();
}

template <class Masm>
void Generator<Masm>::CloseLine() {
  if (meter_.is_open()) masm_.SetCharge(charge_, meter_.Close());
}

template <class Masm>
uint32_t Generator<Masm>::RefundAt(uint32_t offset) const {
  const auto found = std::lower_bound(
      refunds_.begin(), refunds_.end(), offset,
      [](const wasm::FuelRefund& refund, uint32_t at) { return refund.offset < at; });
  return found != refunds_.end() && found->offset == offset ? found->units : 0;
}

// --- Shadow stack -----------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::NoteCall() {
  using environ::ShadowFrameOffsets;
  constexpr auto kTop = static_cast<int32_t>(environ::VMStoreContextOffsets::kShadowTop);
  if (!tunables_.shadow_stack) return;
  // So that the VMContext has its slot.
  has_calls_ = true;
  const auto load_store = [&] {
    masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx,
                    environ::VMContextOffsets::kStore);
  };
  load_store();
  masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kScratch, kTop);
  masm_.StoreField(ValueKind::kI64, Masm::kScratch, ShadowFrameOffsets::kVmctx, Masm::kVmctx);
  masm_.StoreFieldConstant(ValueKind::kI64, Masm::kScratch, ShadowFrameOffsets::kFunction,
                           state_->func().raw());
  load_store();
  masm_.AddField(Masm::kScratch, kTop, ShadowFrameOffsets::kSize);
}

template <class Masm>
void Generator<Masm>::ForgetCall() {
  using environ::ShadowFrameOffsets;
  if (!tunables_.shadow_stack) return;
  masm_.LoadSlot(ValueKind::kI64, Masm::kScratch, Masm::kVmctxSlot);
  masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kScratch,
                  environ::VMContextOffsets::kStore);
  masm_.AddField(Masm::kScratch, static_cast<int32_t>(environ::VMStoreContextOffsets::kShadowTop),
                 -static_cast<int32_t>(ShadowFrameOffsets::kSize));
}

// --- Checks -----------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::EvictReferences() {
  for (RegSet set = held_by_locals_; !set.empty();) {
    const Reg reg = set.TakeFirst();
    if (locals_[holder_[reg.code()]].kind == ValueKind::kRef) EvictReg(reg);
  }
}

template <class Masm>
typename Generator<Masm>::Interrupt& Generator<Masm>::AddInterrupt(environ::Builtin builtin) {
  has_interrupts_ = true;
  Interrupt& interrupt = interrupts_.emplace_back();
  interrupt.builtin = builtin;
  interrupt.label = masm_.buffer().NewLabel();
  interrupt.back = masm_.buffer().NewLabel();
  interrupt.loc = masm_.buffer().source_loc();
  interrupt.map = FindStackMap(static_cast<uint32_t>(stack_.size()), /*all_in_slots=*/false);
  // Where the memory may have moved meanwhile its address is read again.
  interrupt.reloads_base = has_base_ && info_.memories[wasm::MemoryIndex(0)].plan.may_move;
  return interrupt;
}

template <class Masm>
void Generator<Masm>::CheckFuel() {
  if (!counts_fuel_) return;
  CloseLine();
  const Interrupt& interrupt = AddInterrupt(environ::Builtin::kOutOfFuel);
  charge_ = masm_.ChargeFuelOr(interrupt.label);
  masm_.buffer().Bind(interrupt.back);
  meter_.Open();
}

template <class Masm>
void Generator<Masm>::Poll() {
  using environ::VMStoreContextOffsets;
  if (tunables_.epoch_interruption == environ::EpochInterruption::kNone) return;
  const Interrupt& interrupt = AddInterrupt(environ::Builtin::kNewEpoch);
  masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx, environ::VMContextOffsets::kStore);
  if (tunables_.epoch_interruption == environ::EpochInterruption::kPage) {
    masm_.PollPage(Masm::kScratch, VMStoreContextOffsets::kPollPage, interrupt.label);
  } else {
    masm_.CompareFieldConstant(ValueKind::kI32, Masm::kScratch,
                               static_cast<int32_t>(VMStoreContextOffsets::kInterrupt), 0);
    masm_.Branch(Masm::NotEqual(), interrupt.label);
  }
  masm_.buffer().Bind(interrupt.back);
}

template <class Masm>
void Generator<Masm>::EnterFunction() {
  if (!counts_fuel_) return;
  EvictReferences();
  // As the optimizing compiler has it: in front of all operators.
  masm_.buffer().SetSourceLoc(codegen::SourceLoc::None());
  CheckFuel();
}

template <class Masm>
void Generator<Masm>::EnterLoop() {
  CheckFuel();
  Poll();
}

// --- Frames at loop heads ---------------------------------------------------------------

namespace generator_internal {

constexpr environ::LoopFrames::Type RecordedType(ValueKind kind) {
  using Type = environ::LoopFrames::Type;
  constexpr Type kTypes[] = {Type::kI32,  Type::kI64,       Type::kF32,    Type::kF64,
                             Type::kV128, Type::kReference, Type::kFuncRef};
  return kTypes[static_cast<int>(kind)];
}

}  // namespace generator_internal

// Operands that were there at a head before, settled ever since, are recorded already.
template <class Masm>
void Generator<Masm>::RecordLoop(codegen::MachLabel head) {
  using environ::LoopFrames;
  loop_labels_.push_back(head);
  LoopFrames::Loop& loop = loop_frames_.loops.emplace_back();
  loop.wasm_offset = static_cast<uint32_t>(state_->offset());
  loop.first_register = static_cast<uint32_t>(loop_frames_.registers.size());
  for (RegSet set = held_by_locals_; !set.empty(); ++loop.register_count) {
    const Reg reg = set.TakeFirst();
    loop_frames_.registers.push_back({holder_[reg.code()], reg.code()});
  }
  while (recorded_.size() < stack_.size()) {
    const Operand& operand = stack_[recorded_.size()];
    DCHECK(operand.where == Where::kConstant || operand.where == Where::kSlot);
    LoopFrames::Operand& record = loop_frames_.operands.emplace_back();
    record.type = generator_internal::RecordedType(operand.kind);
    if (operand.is_constant()) {
      record.place = LoopFrames::Place::kConstant;
      record.bits = operand.bits;
    } else {
      record.slot = operand.slot;
    }
    if (!recorded_.empty()) record.below = recorded_.back();
    recorded_.push_back(static_cast<uint32_t>(loop_frames_.operands.size() - 1));
  }
  if (!recorded_.empty()) loop.top_operand = recorded_.back();
  work_ += 1 + loop.register_count;
}

template <class Masm>
void Generator<Masm>::FinishLoopFrames(codegen::CodeOffset skip) {
  if (loop_labels_.empty()) return;
  for (size_t i = 0; i < loop_labels_.size(); ++i) {
    loop_frames_.loops[i].offset = masm_.buffer().OffsetOf(loop_labels_[i]) - skip;
  }
  for (const Local& local : locals_) {
    loop_frames_.locals.push_back({generator_internal::RecordedType(local.kind), local.slot});
  }
}

// --- Cold code --------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::EmitInterrupts() {
  codegen::MachBuffer& buffer = masm_.buffer();
  for (const Interrupt& interrupt : interrupts_) {
    buffer.Bind(interrupt.label);
    buffer.SetSourceLoc(interrupt.loc);
    masm_.CallCold(interrupt.builtin);
    RecordStackMap(interrupt.map);
    if (interrupt.reloads_base) LoadBase();
    masm_.Jump(interrupt.back);
  }
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_INTERRUPTS_H_
