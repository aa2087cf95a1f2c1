// The frame: its layout, where it is made and given up.
#include <algorithm>

#include "absl/status/status.h"
#include "base/check.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::PReg;
using codegen::UnwindOp;
using codegen::regalloc::InstId;
using codegen::regalloc::ProgramPoint;

namespace {

// A frame larger than this is compared with the stack limit in full; a smaller one of a leaf
// not at all, the host's reserve below the limit covering it.
constexpr uint32_t kSmallFrame = 1024;
constexpr uint64_t kMaxFrame = uint64_t{1} << 30;
constexpr uint32_t RoundUp16(uint32_t value) { return (value + 15) & ~15u; }

// Whether the instruction is the same with and without a frame, registers apart.
bool IsFreeOfFrame(const codegen::MachInst& mach_inst) {
  const Inst inst = mach_inst.As<Inst>();
  switch (inst.op) {
    case Op::kMovImm:
    case Op::kMove:
    case Op::kAlu:
    case Op::kAdd:
    case Op::kUnary:
    case Op::kShiftImm:
    case Op::kShiftCl:
    case Op::kShiftX:
    case Op::kRorX:
    case Op::kAndn:
    case Op::kImul:
    case Op::kImulImm:
    case Op::kMulWide:
    case Op::kExtend:
    case Op::kLea:
    case Op::kBits:
    case Op::kBswap:
    case Op::kStore:
    case Op::kStoreImm:
    case Op::kAluMem:
    case Op::kLoadF:
    case Op::kStoreF:
    case Op::kSetcc:
    case Op::kCmov:
    case Op::kSelectF:
    case Op::kJcc:
    case Op::kConstF:
    case Op::kSse:
    case Op::kSqrt:
    case Op::kRound:
    case Op::kMinMax:
    case Op::kCvtFloat:
    case Op::kCvtFromInt:
    case Op::kMoveToInt:
    case Op::kMoveToFloat:
    case Op::kJump:
    case Op::kJumpTable:
    case Op::kReturn:
    case Op::kArguments:
    case Op::kFuncAddr:
    case Op::kFuelCharge:
    case Op::kFuelCheck:
    case Op::kPollWord:
    case Op::kPollPage:
      return inst.addr != AddrKind::kSlot && inst.addr != AddrKind::kIncoming &&
             inst.addr != AddrKind::kOutgoing;
    default:
      return false;
  }
}
bool IsArguments(const codegen::MachInst& inst) { return inst.As<Inst>().op == Op::kArguments; }
bool IsReturn(const codegen::MachInst& inst) { return inst.As<Inst>().op == Op::kReturn; }

}  // namespace

absl::Status Emitter::LayOutFrame() {
  const codegen::VCode::FrameNeeds& needs = vcode_.frame;
  frame_.saved = allocation_.written & kCalleeSavedSet;
  frame_.incoming_bytes = needs.incoming_bytes;
  frame_.callee_pops = needs.callee_pops;
  const bool empty = frame_.saved.empty() && allocation_.spill_words == 0 &&
                     needs.slot_bytes == 0 && needs.outgoing_bytes == 0;
  const bool plain_tail_calls = !needs.has_tail_calls || needs.incoming_bytes == 0;
  frame_.frameless = isa_.shared_flags().frameless_leaf() && empty && plain_tail_calls &&
                     !needs.has_calls && !needs.needs_frame_pointer;
  const uint64_t total = uint64_t{8} * frame_.saved.size() + needs.slot_bytes +
                         uint64_t{8} * allocation_.spill_words + needs.outgoing_bytes + 64;
  if (total > kMaxFrame) return absl::ResourceExhaustedError("function too large: its frame");
  frame_.saved_bytes = static_cast<uint32_t>(8 * frame_.saved.size());
  // Slots grow from the area's low end, so its end is what is aligned.
  frame_.slots_end = frame_.saved_bytes;
  if (needs.slot_bytes != 0) frame_.slots_end = RoundUp16(frame_.saved_bytes + needs.slot_bytes);
  frame_.spills_end = RoundUp16(frame_.slots_end + 8 * allocation_.spill_words);
  frame_.total = frame_.spills_end + RoundUp16(needs.outgoing_bytes);
  frame_info_.frame_size = frame_.frameless ? 0 : frame_.total;
  frame_info_.slots_begin = frame_.slots_end;
  return absl::OkStatus();
}

void Emitter::SkipEdits(uint32_t block) {
  const ProgramPoint last = ProgramPoint::After(InstId(vcode_.blocks()[block].insts.end - 1));
  while (next_edit_ < allocation_.edits.size() && allocation_.edits[next_edit_].point <= last) {
    ++next_edit_;
  }
  next_stack_map_ = codegen::FirstStackMap(allocation_, vcode_.blocks()[block].insts.end);
}

void Emitter::FindEarlyBlocks() {
  early_.Clear();
  prologues_.clear();
  if (frame_.frameless || isa_.shared_flags().opt_level() == codegen::OptLevel::kNone) return;
  early_.Find(vcode_, allocation_, forwarded_,
              {.is_free_of_frame = IsFreeOfFrame,
               .is_arguments = IsArguments,
               .is_return = IsReturn,
               .saved = kCalleeSavedSet,
               .vmctx = kRdi});
  for (size_t i = 0; i < early_.entries().size(); ++i) prologues_.push_back(b_.NewLabel());
}

codegen::MachLabel Emitter::PrologueLabel(uint32_t block) const {
  const absl::Span<const uint32_t> entries = early_.entries();
  const auto entry = std::find(entries.begin(), entries.end(), block);
  CHECK(entry != entries.end()) << "a way into the frame that was not planned";
  return prologues_[static_cast<size_t>(entry - entries.begin())];
}

void Emitter::EmitEarlyBlocks() {
  if (early_.empty()) return;
  in_frame_ = false;
  for (uint32_t block = 0; block < early_.limit(); ++block) {
    if (!early_.contains(block) || forwarded_[block] != block) continue;
    next_edit_ = codegen::FirstEdit(vcode_, allocation_, block);
    next_stack_map_ = codegen::FirstStackMap(allocation_, vcode_.blocks()[block].insts.begin);
    EmitBlock(block);
  }
  EmitColdCode();
  next_edit_ = 0;
  next_stack_map_ = 0;
  in_frame_ = true;
}

void Emitter::EmitPrologues() {
  if (frame_.frameless) {
    in_frame_ = false;
    frame_info_.frame_begin = codegen::FrameInfo::kNoFrame;
    return;
  }
  frame_info_.frame_begin = b_.offset();
  if (early_.empty()) return EmitPrologue();
  for (size_t i = 0; i < prologues_.size(); ++i) {
    const bool last = i + 1 == prologues_.size();
    b_.Bind(prologues_[i]);
    if (!last) unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    EmitPrologue();
    Jump(BlockLabel(early_.entries()[i]));
    if (!last) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
  }
}

void Emitter::EmitPrologue() {
  EmitOpcodeRegister(b_, {.opcode = 0x50}, rbp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfRbp, -16);
  MoveRegister(rbp.encoding(), rsp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfaRegister, kDwarfRbp);
  EmitStackCheck();
  int32_t saved_at = -16;
  for (PReg reg : frame_.saved) {
    EmitOpcodeRegister(b_, {.opcode = 0x50}, reg.encoding());
    saved_at -= 8;
    // rbx is 3 in DWARF; r8 and up have their own numbers.
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, reg.encoding(), saved_at);
  }
  if (const uint32_t rest = frame_.total - frame_.saved_bytes; rest != 0) {
    AluImm(AluKind::kSub, 8, RegRm(rsp.encoding()), static_cast<int32_t>(rest));
  }
}

void Emitter::EmitStackCheck() {
  const codegen::StackLimitCheck& check = isa_.stack_limit();
  if (!check.enabled || !has_vmctx_) return;
  if (!vcode_.frame.has_calls && frame_.total <= kSmallFrame) return;
  const uint8_t limit = r11.encoding();
  Load(limit, MemoryRm(Address(rdi, check.store_offset)), 8);
  const Rm stored = MemoryRm(Address(r11, check.limit_offset));
  if (frame_.total <= kSmallFrame) {
    Alu(AluKind::kCmp, 8, rsp.encoding(), stored);
  } else {
    // The limit is an address in user space, so this sum does not wrap.
    Load(limit, stored, 8);
    AluImm(AluKind::kAdd, 8, RegRm(limit), static_cast<int32_t>(frame_.total));
    Alu(AluKind::kCmp, 8, rsp.encoding(), RegRm(limit));
  }
  if (vcode_.cold_calls.check_stack.is_none()) {
    TrapIf(Cond::kB, static_cast<uint8_t>(check.code));
  } else {
    JumpIf(Cond::kB, AddColdCode(ColdKind::kCheckStack));
    BindBack();
  }
}

void Emitter::RestoreSaved() {
  int32_t at = 0;
  for (PReg reg : frame_.saved) {
    at -= 8;
    Load(reg.encoding(), MemoryRm(Address(rbp, at)), 8);
  }
}

void Emitter::EmitEpilogue() {
  if (!in_frame_) return;
  unwind_.Add(b_.offset(), UnwindOp::kRememberState);
  if (frame_.saved.empty()) {
    if (frame_.total != 0) MoveRegister(rsp.encoding(), rbp.encoding());
  } else {
    if (const uint32_t rest = frame_.total - frame_.saved_bytes; rest != 0) {
      AluImm(AluKind::kAdd, 8, RegRm(rsp.encoding()), static_cast<int32_t>(rest));
    }
    uint8_t saved[codegen::PReg::kMaxEncoding];
    size_t count = 0;
    for (PReg reg : frame_.saved) saved[count++] = reg.encoding();
    while (count > 0) {
      EmitOpcodeRegister(b_, {.opcode = 0x58}, saved[--count]);
      unwind_.Add(b_.offset(), UnwindOp::kSame, saved[count]);
    }
  }
  EmitOpcodeRegister(b_, {.opcode = 0x58}, rbp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfRsp, 8);
  unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfRbp);
}

}  // namespace gantry::x64
