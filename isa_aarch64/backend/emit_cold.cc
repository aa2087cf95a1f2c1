// Traps and interrupts: checks in the code's way, and what is called where they fail, behind all
// other code (docs/abi.md, "Traps and interrupts"). Tested by wast:official_execution_*_test with
// --config=aarch64.
#include "base/check.h"
#include "isa_aarch64/backend/abi.h"
#include "isa_aarch64/backend/emit.h"
#include "isa_aarch64/trampolines.h"

namespace gantry::aarch64 {

using codegen::MachLabel;
using codegen::UnwindOp;

codegen::ExternalName Emitter::ColdName(ColdKind kind) const {
  switch (kind) {
    case ColdKind::kTrap:
      return vcode_.cold_calls.raise_trap;
    case ColdKind::kOutOfFuel:
      return vcode_.cold_calls.out_of_fuel;
    case ColdKind::kNewEpoch:
      return vcode_.cold_calls.new_epoch;
    case ColdKind::kCheckStack:
      return vcode_.cold_calls.check_stack;
  }
  UNREACHABLE();
}

MachLabel Emitter::AddColdCode(ColdKind kind, uint8_t trap) {
  ColdCode cold;
  cold.kind = kind;
  cold.trap = trap;
  cold.label = b_.NewLabel();
  if (kind != ColdKind::kTrap) cold.back = b_.NewLabel();
  cold.loc = b_.source_loc();
  cold_.push_back(cold);
  return cold.label;
}

void Emitter::TakeStackMap() {
  NextStackMap();
  ColdCode& cold = cold_.back();
  cold.has_map = true;
  cold.first_slot = static_cast<uint32_t>(cold_slots_.size());
  cold.slot_count = static_cast<uint32_t>(stack_map_slots_.size());
  cold_slots_.insert(cold_slots_.end(), stack_map_slots_.begin(), stack_map_slots_.end());
}

MachLabel Emitter::TrapLabel(uint8_t code) {
  if (vcode_.cold_calls.raise_trap.is_none()) {
    return b_.OutOfLineTrap(static_cast<codegen::TrapCode>(code));
  }
  return AddColdCode(ColdKind::kTrap, code);
}

// A block that does nothing else.
void Emitter::EmitTrap(uint8_t code) {
  if (vcode_.cold_calls.raise_trap.is_none()) {
    b_.AddTrap(static_cast<codegen::TrapCode>(code));
    as_.Emit(PlainOp::kUdf);
  } else {
    ColdCode cold;
    cold.kind = ColdKind::kTrap;
    cold.trap = code;
    EmitColdCall(cold);
  }
  b_.EndFlow();
}

void Emitter::EmitFuel(const Inst& inst) {
  const uint8_t fuel = kFuelRegister.encoding();
  const bool checks = inst.op == Op::kFuelCheck;
  const std::optional<uint32_t> bits = AddBits(inst.imm64);
  if (bits.has_value()) {
    as_.Emit(checks ? Row::kSubsImmX : Row::kSubImmX, {fuel, fuel}, *bits);
  } else {
    as_.mov(kScratch, inst.imm64);
    as_.Emit(checks ? Row::kSubsX : Row::kSubX, {fuel, kScratch.encoding(), fuel});
  }
  if (!checks) return;
  JumpIf(Cond::kMi, AddColdCode(ColdKind::kOutOfFuel));
  BindBack();
  TakeStackMap();
}

void Emitter::EmitPoll(const Inst& inst) {
  // The access is one instruction, at whose offset the handler is.
  const X address = kScratch;
  as_.add(address, NextX(), inst.disp);
  const MachLabel cold = AddColdCode(ColdKind::kNewEpoch);
  if (inst.op == Op::kPollWord) {
    as_.ldr(address.w(), Address(address));
    as_.cbnz(address.w(), cold);
  } else {
    const codegen::HandlerLabel handler = {codegen::CallHandler::kPoll, cold};
    b_.AddCallSite(absl::MakeConstSpan(&handler, 1));
    as_.ldr(address.w(), Address(address));
  }
  BindBack();
  TakeStackMap();
}

// The call of a shim, in a frame: where the function has none here, it gets one.
void Emitter::EmitColdCall(const ColdCode& cold) {
  const bool makes_frame = !in_frame_;
  // What never returns needs no signature.
  const bool signs =
      makes_frame && !IsSigned() && cold.kind != ColdKind::kTrap && protection_.Signs(true);
  if (makes_frame) {
    unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    if (signs) protection_.Sign(as_, &unwind_);
    as_.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
    unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 16);
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfFramePointer, -16);
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfLink, -8);
    as_.mov_sp(x29, sp);
    unwind_.Add(b_.offset(), UnwindOp::kCfaRegister, kDwarfFramePointer);
  }
  MachLabel& jump = cold_jumps_[static_cast<size_t>(cold.kind)];
  if (jump.is_none()) jump = b_.NewLabel();
  if (cold.kind == ColdKind::kTrap) b_.AddTrap(static_cast<codegen::TrapCode>(cold.trap));
  as_.bl(jump);
  b_.AddCallSite();
  if (cold.has_map) {
    b_.AddStackMap(absl::MakeConstSpan(cold_slots_).subspan(cold.first_slot, cold.slot_count));
  }
  if (makes_frame && cold.kind != ColdKind::kTrap) {
    as_.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfStackPointer, 0);
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfFramePointer);
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfLink);
    if (signs) protection_.Authenticate(as_, &unwind_);
  }
  if (cold.back.is_some()) as_.b(cold.back);
  if (makes_frame) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

void Emitter::EmitColdCode() {
  const codegen::SourceLoc loc = b_.source_loc();
  for (const ColdCode& cold : cold_) {
    AskForIsland();
    b_.SetSourceLoc(cold.loc);
    b_.Bind(cold.label);
    EmitColdCall(cold);
    b_.EndFlow();
  }
  b_.SetSourceLoc(loc);
  cold_.clear();
  cold_slots_.clear();
}

void Emitter::EmitColdJumps() {
  for (size_t kind = 0; kind < kColdKinds; ++kind) {
    if (cold_jumps_[kind].is_none()) continue;
    b_.SetSourceLoc(codegen::SourceLoc());
    b_.Bind(cold_jumps_[kind]);
    b_.AddReloc(as_.b_name(), kRelocBranch26, ColdName(static_cast<ColdKind>(kind)), 0);
  }
}

}  // namespace gantry::aarch64
