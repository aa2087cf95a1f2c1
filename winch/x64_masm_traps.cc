// Traps, fuel and interrupts: checks in the code's way, and calls from behind it where they fail.
#include <cstring>

#include "base/check.h"
#include "isa_x64/asm/label_kinds.h"
#include "winch/function_names.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

using codegen::CodeOffset;
using codegen::MachLabel;
using codegen::UnwindOp;

namespace {

constexpr uint8_t kDwarfRbp = 6;

void OverwriteWord(codegen::MachBuffer& buffer, CodeOffset at, uint32_t word) {
  uint8_t bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(word >> 8 * i);
  buffer.Overwrite(at, bytes);
}

// Returns where the instruction starts.
template <size_t size>
CodeOffset Put(codegen::MachBuffer& buffer, const uint8_t (&bytes)[size]) {
  const CodeOffset start = buffer.offset();
  uint8_t* at = buffer.BeginInstruction();
  std::memcpy(at, bytes, size);
  buffer.EndInstruction(at + size);
  return start;
}

}  // namespace

void X64Masm::Start() {
  cold_traps_.clear();
  cold_jumps_.fill(MachLabel());
}

// --- Traps ------------------------------------------------------------------------------

void X64Masm::TrapIf(x64::Condition condition, uint8_t code) {
  const MachLabel label = buffer_.NewLabel();
  cold_traps_.push_back({label, buffer_.source_loc(), code});
  as_.jcc(condition, label);
}

// The trap's record is at the call.
void X64Masm::CallRaiseTrap(uint8_t code) {
  buffer_.AddTrap(static_cast<codegen::TrapCode>(code));
  CallCold(environ::Builtin::kRaiseTrap);
  buffer_.EndFlow();
}

void X64Masm::Trap(uint8_t code) { CallRaiseTrap(code); }

void X64Masm::TrapAlone(uint8_t code, codegen::FrameInfo* info, codegen::UnwindInfo* unwind) {
  as_.push(x64::rbp);
  unwind->Add(buffer_.offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind->Add(buffer_.offset(), UnwindOp::kSavedAt, kDwarfRbp, -16);
  as_.mov(x64::rbp, x64::rsp);
  unwind->Add(buffer_.offset(), UnwindOp::kCfaRegister, kDwarfRbp);
  info->frame_begin = buffer_.offset();
  info->frame_size = 0;
  CallRaiseTrap(code);
  EmitColdJumps();
}

void X64Masm::EmitColdTraps() {
  for (const ColdTrap& trap : cold_traps_) {
    buffer_.Bind(trap.label);
    buffer_.SetSourceLoc(trap.loc);
    CallRaiseTrap(trap.code);
  }
}

// --- Cold calls -------------------------------------------------------------------------

void X64Masm::CallCold(environ::Builtin builtin) {
  const size_t index = static_cast<size_t>(builtin) - static_cast<size_t>(kFirstCold);
  DCHECK(environ::GetBuiltinInfo(builtin).is_cold() && index < kColdCount);
  MachLabel& jump = cold_jumps_[index];
  if (jump.is_none()) jump = buffer_.NewLabel();
  const CodeOffset start = Put(buffer_, {0xE8, 0xFC, 0xFF, 0xFF, 0xFF});
  buffer_.UseLabel(start + 1, jump, x64::kRel32);
}

void X64Masm::EmitColdJumps() {
  buffer_.SetSourceLoc(codegen::SourceLoc::None());
  for (size_t i = 0; i < cold_jumps_.size(); ++i) {
    if (cold_jumps_[i].is_none()) continue;
    buffer_.Bind(cold_jumps_[i]);
    as_.jmp(NameOfBuiltin(static_cast<environ::Builtin>(static_cast<size_t>(kFirstCold) + i)));
    buffer_.EndFlow();
  }
}

CodeOffset X64Masm::JumpToPrologue() {
  const CodeOffset start = Put(buffer_, {0xE9, 0, 0, 0, 0});
  buffer_.EndFlow();
  return start + 1;
}

// --- Fuel and polls ---------------------------------------------------------------------

// lea r15, [r15 - units]
CodeOffset X64Masm::ChargeFuel() { return Put(buffer_, {0x4D, 0x8D, 0xBF, 0, 0, 0, 0}) + 3; }

// add r15, -units
CodeOffset X64Masm::ChargeFuelOr(MachLabel exhausted) {
  const CodeOffset start = Put(buffer_, {0x49, 0x81, 0xC7, 0, 0, 0, 0});
  as_.jcc(x64::Condition::kNegative, exhausted);
  return start + 3;
}

void X64Masm::SetCharge(CodeOffset charge, uint32_t units) {
  OverwriteWord(buffer_, charge, 0 - units);
}

void X64Masm::PollPage(Reg store, int32_t offset, MachLabel interrupted) {
  const codegen::HandlerLabel handler = {codegen::CallHandler::kPoll, interrupted};
  buffer_.AddCallSite(absl::MakeConstSpan(&handler, 1));
  as_.mov(x64::r11d, x64::Mem32(G64(store), offset));
}

}  // namespace gantry::winch
