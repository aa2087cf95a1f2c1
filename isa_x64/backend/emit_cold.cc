// Traps and interrupts: checks in the code's way, and what is called where they fail, behind all
// other code (docs/abi.md, "Traps and interrupts").
#include <cstring>

#include "base/check.h"
#include "isa_x64/asm/label_kinds.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/emit.h"
#include "isa_x64/link_rules.h"

namespace gantry::x64 {

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

void Emitter::BindBack() { b_.Bind(cold_.back().back); }

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
    EmitPlain(b_, {.opcode = 0x0B, .map = OpcodeMap::k0F});
  } else {
    ColdCode cold;
    cold.kind = ColdKind::kTrap;
    cold.trap = code;
    EmitColdCall(cold);
  }
  b_.EndFlow();
}

void Emitter::EmitFuel(const Inst& inst) {
  AluImm(AluKind::kSub, 8, RegRm(kFuelRegister.encoding()), inst.imm);
  if (inst.op == Op::kFuelCharge) return;
  JumpIf(Cond::kS, AddColdCode(ColdKind::kOutOfFuel));
  BindBack();
  TakeStackMap();
}

void Emitter::EmitPoll(const Inst& inst) {
  const Rm place = NextAny();
  uint8_t base = place.reg;
  if (!place.is_reg) {
    base = r11.encoding();
    Load(base, place, 8);
  }
  const Rm polled = MemoryRm(Address(Gpr64(base), inst.disp));
  const MachLabel cold = AddColdCode(ColdKind::kNewEpoch);
  if (inst.op == Op::kPollWord) {
    AluImm(AluKind::kCmp, 4, polled, 0);
    JumpIf(Cond::kNe, cold);
  } else {
    const codegen::HandlerLabel handler = {codegen::CallHandler::kPoll, cold};
    b_.AddCallSite(absl::MakeConstSpan(&handler, 1));
    Load(r11.encoding(), polled, 4);
  }
  BindBack();
  TakeStackMap();
}

// The call of a shim, in a frame: where the function has none here, it gets one.
void Emitter::EmitColdCall(const ColdCode& cold) {
  if (!in_frame_) {
    unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    EmitOpcodeRegister(b_, {.opcode = 0x50}, rbp.encoding());
    unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 16);
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfRbp, -16);
    MoveRegister(rbp.encoding(), rsp.encoding());
    unwind_.Add(b_.offset(), UnwindOp::kCfaRegister, kDwarfRbp);
  }
  MachLabel& jump = cold_jumps_[static_cast<size_t>(cold.kind)];
  if (jump.is_none()) jump = b_.NewLabel();
  if (cold.kind == ColdKind::kTrap) b_.AddTrap(static_cast<codegen::TrapCode>(cold.trap));
  const codegen::CodeOffset start = b_.offset();
  uint8_t* at = b_.BeginInstruction();
  const uint8_t bytes[] = {0xE8, 0xFC, 0xFF, 0xFF, 0xFF};
  std::memcpy(at, bytes, sizeof bytes);
  b_.EndInstruction(at + sizeof bytes);
  b_.UseLabel(start + 1, jump, kRel32);
  b_.AddCallSite();
  if (cold.has_map) {
    b_.AddStackMap(absl::MakeConstSpan(cold_slots_).subspan(cold.first_slot, cold.slot_count));
  }
  if (!in_frame_ && cold.kind != ColdKind::kTrap) {
    EmitOpcodeRegister(b_, {.opcode = 0x58}, rbp.encoding());
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfRsp, 8);
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfRbp);
  }
  if (cold.back.is_some()) Jump(cold.back);
  if (!in_frame_) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

void Emitter::EmitColdCode() {
  const codegen::SourceLoc loc = b_.source_loc();
  for (const ColdCode& cold : cold_) {
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
    uint8_t* at = b_.BeginInstruction();
    const uint8_t bytes[] = {0xE9, 0, 0, 0, 0};
    std::memcpy(at, bytes, sizeof bytes);
    const codegen::CodeOffset field = b_.offset() + 1;
    b_.EndInstruction(at + sizeof bytes);
    b_.AddReloc(field, kRelocPcRel32, ColdName(static_cast<ColdKind>(kind)), -4);
    b_.EndFlow();
  }
}

}  // namespace gantry::x64
