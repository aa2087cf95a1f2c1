// Traps, fuel and interrupts: checks in the code's way, and calls from behind it where they fail.
#include "base/check.h"
#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/asm/label_kinds.h"
#include "winch/aarch64_masm.h"
#include "winch/function_names.h"

namespace gantry::winch {

using aarch64::PlainOp;
using aarch64::Row;
using codegen::CodeOffset;
using codegen::MachLabel;
using codegen::UnwindOp;

namespace {

constexpr uint8_t kDwarfFramePointer = 29;
constexpr uint8_t kDwarfLink = 30;

constexpr uint32_t kNop = 0xD503201F;
constexpr uint32_t kScratchNumber = aarch64::kScratch.encoding();
constexpr uint32_t kFuelNumber = AArch64Masm::kFuel.encoding();
// sub or subs of the fuel and an immediate, of the fuel and the scratch register.
constexpr uint32_t kSubFuelImmediate = 0xD1000000 | kFuelNumber << 5 | kFuelNumber;
constexpr uint32_t kSubFuelScratch =
    0xCB000000 | kScratchNumber << 16 | kFuelNumber << 5 | kFuelNumber;
constexpr uint32_t kSetsFlags = 1u << 29;
// A charge is three words, at whose offset this bit says that they set the flags.
constexpr CodeOffset kChecks = 1;

}  // namespace

void AArch64Masm::Start() {
  cold_traps_.clear();
  cold_jumps_.fill(MachLabel());
}

// --- Traps ------------------------------------------------------------------------------

MachLabel AArch64Masm::TrapLabel(uint8_t code) {
  const MachLabel label = buffer_.NewLabel();
  cold_traps_.push_back({label, buffer_.source_loc(), code});
  return label;
}

void AArch64Masm::TrapIf(aarch64::Condition condition, uint8_t code) {
  as_.b(condition, TrapLabel(code));
}
void AArch64Masm::TrapIf(Condition condition, uint8_t code) {
  Begin();
  TrapIf(Machine(condition), code);
}

// The trap's record is at the call.
void AArch64Masm::CallRaiseTrap(uint8_t code) {
  Begin();
  buffer_.AddTrap(static_cast<codegen::TrapCode>(code));
  CallColdJump(environ::Builtin::kRaiseTrap);
  buffer_.EndFlow();
}

void AArch64Masm::Trap(uint8_t code) { CallRaiseTrap(code); }

void AArch64Masm::TrapAlone(uint8_t code, codegen::FrameInfo* info, codegen::UnwindInfo* unwind) {
  // It never returns: no signature.
  features_.protection.Enter(as_, /*signs=*/false, unwind);
  as_.EmitPreIndexed(aarch64::PairOp::kStpX, 29, 30, aarch64::sp, -16);
  unwind->Add(buffer_.offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind->Add(buffer_.offset(), UnwindOp::kSavedAt, kDwarfFramePointer, -16);
  unwind->Add(buffer_.offset(), UnwindOp::kSavedAt, kDwarfLink, -8);
  as_.mov_sp(aarch64::x29, aarch64::sp);
  unwind->Add(buffer_.offset(), UnwindOp::kCfaRegister, kDwarfFramePointer);
  info->frame_begin = buffer_.offset();
  info->frame_size = 0;
  CallRaiseTrap(code);
  EmitColdJumps();
}

void AArch64Masm::EmitColdTraps() {
  for (const ColdTrap& trap : cold_traps_) {
    Begin();
    buffer_.Bind(trap.label);
    buffer_.SetSourceLoc(trap.loc);
    CallRaiseTrap(trap.code);
  }
}

// --- Cold calls -------------------------------------------------------------------------

void AArch64Masm::CallColdJump(environ::Builtin builtin) {
  const size_t index = static_cast<size_t>(builtin) - static_cast<size_t>(kFirstCold);
  DCHECK(environ::GetBuiltinInfo(builtin).is_cold() && index < kColdCount);
  MachLabel& jump = cold_jumps_[index];
  if (jump.is_none()) jump = buffer_.NewLabel();
  as_.bl(jump);
}

void AArch64Masm::CallCold(environ::Builtin builtin) {
  Begin();
  CallColdJump(builtin);
}

void AArch64Masm::EmitColdJumps() {
  buffer_.SetSourceLoc(codegen::SourceLoc::None());
  for (size_t i = 0; i < cold_jumps_.size(); ++i) {
    if (cold_jumps_[i].is_none()) continue;
    buffer_.Bind(cold_jumps_[i]);
    buffer_.AddReloc(
        as_.b_name(), aarch64::kRelocBranch26,
        NameOfBuiltin(static_cast<environ::Builtin>(static_cast<size_t>(kFirstCold) + i)), 0);
  }
}

CodeOffset AArch64Masm::JumpToPrologue() {
  const CodeOffset start = buffer_.offset();
  as_.Word(kJumpWord);
  buffer_.EndFlow();
  return start;
}

// --- Fuel and polls ---------------------------------------------------------------------

CodeOffset AArch64Masm::ChargeFuel() {
  Begin();
  const CodeOffset start = buffer_.offset();
  for (int i = 0; i < 3; ++i) as_.Word(kNop);
  return start;
}

CodeOffset AArch64Masm::ChargeFuelOr(MachLabel exhausted) {
  const CodeOffset start = ChargeFuel();
  as_.b(aarch64::Condition::kMi, exhausted);
  return start | kChecks;
}

// By an immediate that fits, or by way of the scratch register.
void AArch64Masm::SetCharge(CodeOffset charge, uint32_t units) {
  const uint32_t flags = (charge & kChecks) != 0 ? kSetsFlags : 0;
  uint32_t words[3] = {kNop, kNop, kSubFuelImmediate | flags | units << 10};
  if (units >= 0x1000) {
    words[0] = 0xD2800000 | (units & 0xFFFF) << 5 | kScratchNumber;  // movz
    words[1] = 0xF2A00000 | (units >> 16) << 5 | kScratchNumber;     // movk
    words[2] = kSubFuelScratch | flags;
  }
  uint8_t bytes[12];
  for (int i = 0; i < 12; ++i) bytes[i] = static_cast<uint8_t>(words[i / 4] >> 8 * (i % 4));
  buffer_.Overwrite(charge & ~kChecks, bytes);
}

// The access is one instruction, at whose offset the handler is.
void AArch64Masm::PollPage(Reg store, int32_t offset, MachLabel interrupted) {
  Begin();
  as_.add(aarch64::kScratch, GX(store), offset);
  const codegen::HandlerLabel handler = {codegen::CallHandler::kPoll, interrupted};
  buffer_.AddCallSite(absl::MakeConstSpan(&handler, 1));
  as_.ldr(aarch64::kScratch.w(), aarch64::Address(aarch64::kScratch));
}

}  // namespace gantry::winch
