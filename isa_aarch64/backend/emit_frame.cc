// The frame, calls and branches.
#include <algorithm>

#include "absl/status/status.h"
#include "base/check.h"
#include "isa_aarch64/backend/abi.h"
#include "isa_aarch64/backend/emit.h"
#include "isa_aarch64/trampolines.h"

namespace gantry::aarch64 {

using codegen::MachLabel;
using codegen::PReg;
using codegen::UnwindOp;

namespace {

// A frame larger than this is compared with the stack limit in full; a smaller one of a leaf
// not at all, the host's reserve below the limit covering it.
constexpr uint32_t kSmallFrame = 1024;
constexpr uint64_t kMaxFrame = uint64_t{1} << 30;
// Neither an argument nor saved: where a tail call's target is while return addresses are checked.
constexpr X kTailTarget = x9;

constexpr uint32_t RoundUp16(uint32_t value) { return (value + 15) & ~15u; }

codegen::ExternalName NameOf(const Inst& inst) { return codegen::ExternalName(inst.low()); }

// Whether the instruction is the same with and without a frame, registers apart. Jump tables are
// not: their targets in the rest would be prologues.
bool IsFreeOfFrame(const codegen::MachInst& mach_inst) {
  const Inst inst = mach_inst.As<Inst>();
  switch (inst.op) {
    case Op::kRow:
    case Op::kMove:
    case Op::kMovImm:
    case Op::kConstF:
    case Op::kVecConst:
    case Op::kCset:
    case Op::kCsel:
    case Op::kFcsel:
    case Op::kBranch:
    case Op::kBranchZero:
    case Op::kBranchBit:
    case Op::kFlagsCset:
    case Op::kCarry:
    case Op::kTbl2:
    case Op::kJump:
    case Op::kReturn:
    case Op::kArguments:
    case Op::kFuelCharge:
    case Op::kFuelCheck:
    case Op::kPollWord:
    case Op::kPollPage:
    case Op::kFuncAddr:
      return true;
    case Op::kLoad:
    case Op::kStore:
      return inst.addr == AddrKind::kBase || inst.addr == AddrKind::kIndex ||
             inst.addr == AddrKind::kIndexScaled;
    default:
      return false;
  }
}
bool IsArguments(const codegen::MachInst& inst) { return inst.As<Inst>().op == Op::kArguments; }
bool IsReturn(const codegen::MachInst& inst) { return inst.As<Inst>().op == Op::kReturn; }

}  // namespace

absl::Status Emitter::LayOutFrame() {
  const codegen::VCode::FrameNeeds& needs = vcode_.frame;
  frame_.saved.clear();
  for (PReg reg : allocation_.written& CalleeSavedSet()) frame_.saved.push_back(reg.encoding());
  frame_.incoming_bytes = needs.incoming_bytes;
  frame_.callee_pops = needs.callee_pops;
  const bool empty = frame_.saved.empty() && allocation_.spill_words == 0 &&
                     needs.slot_bytes == 0 && needs.outgoing_bytes == 0;
  const bool plain_tail_calls = !needs.has_tail_calls || needs.incoming_bytes == 0;
  frame_.frameless = isa_.shared_flags().frameless_leaf() && empty && plain_tail_calls &&
                     !needs.has_calls && !needs.needs_frame_pointer;
  frame_.is_signed = protection_.Signs(/*saves_link=*/!frame_.frameless);
  const uint64_t total = uint64_t{8} * frame_.saved.size() + needs.slot_bytes +
                         uint64_t{8} * allocation_.spill_words + needs.outgoing_bytes + 64;
  if (total > kMaxFrame) return absl::ResourceExhaustedError("function too large: its frame");
  frame_.saved_bytes = RoundUp16(static_cast<uint32_t>(8 * frame_.saved.size()));
  // Slots grow from the area's low end, so its end is what is aligned.
  frame_.slots_end = RoundUp16(frame_.saved_bytes + needs.slot_bytes);
  frame_.spills_end = RoundUp16(frame_.slots_end + 8 * allocation_.spill_words);
  frame_.total = frame_.spills_end + RoundUp16(needs.outgoing_bytes);
  frame_info_.frame_size = frame_.frameless ? 0 : frame_.total;
  frame_info_.slots_begin = frame_.slots_end;
  return absl::OkStatus();
}

void Emitter::SkipEdits(uint32_t block) {
  const codegen::regalloc::InstId last(vcode_.blocks()[block].insts.end - 1);
  const auto end = codegen::regalloc::ProgramPoint::After(last);
  while (next_edit_ < allocation_.edits.size() && allocation_.edits[next_edit_].point <= end) {
    ++next_edit_;
  }
  next_stack_map_ = codegen::FirstStackMap(allocation_, last.raw() + 1);
}

// Where all functions sign, the early part would have to as well.
void Emitter::FindEarlyBlocks() {
  const bool wanted = !frame_.frameless && !protection_.Signs(/*saves_link=*/false) &&
                      isa_.shared_flags().opt_level() != codegen::OptLevel::kNone;
  if (!wanted) return;
  early_.Find(vcode_, allocation_, forwarded_,
              {.is_free_of_frame = IsFreeOfFrame,
               .is_arguments = IsArguments,
               .is_return = IsReturn,
               .saved = CalleeSavedSet(),
               .vmctx = IntReg(kCalleeVmctx.encoding())});
  for (size_t i = 0; i < early_.entries().size(); ++i) prologues_.push_back(b_.NewLabel());
}

MachLabel Emitter::PrologueLabel(uint32_t block) const {
  const absl::Span<const uint32_t> entries = early_.entries();
  const auto entry = std::find(entries.begin(), entries.end(), block);
  CHECK(entry != entries.end()) << "a way into the frame that was not planned";
  return prologues_[static_cast<size_t>(entry - entries.begin())];
}

void Emitter::EmitEarlyBlocks() {
  if (early_.empty()) return;
  in_frame_ = false;
  protection_.Enter(as_, /*signs=*/false, &unwind_);
  const auto is_emitted = [&](uint32_t block) {
    return early_.contains(block) && forwarded_[block] == block;
  };
  for (uint32_t block = 0; block < early_.limit(); ++block) {
    if (!is_emitted(block)) continue;
    next_block_ = block + 1;
    while (next_block_ < early_.limit() && !is_emitted(next_block_)) ++next_block_;
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
  if (early_.empty()) protection_.Enter(as_, frame_.is_signed, &unwind_);
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
    if (frame_.is_signed) protection_.Sign(as_, &unwind_);
    EmitPrologue();
    as_.b(BlockLabel(early_.entries()[i]));
    if (!last) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
  }
}

void Emitter::EmitPrologue() {
  as_.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
  unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfFramePointer, -16);
  unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfLink, -8);
  as_.mov_sp(x29, sp);
  unwind_.Add(b_.offset(), UnwindOp::kCfaRegister, kDwarfFramePointer);
  EmitStackCheck();
  if (frame_.total == 0) return;
  as_.sub(sp, sp, int64_t{frame_.total});
  // From the low end of their area, in pairs; far from sp by way of x29.
  const std::vector<uint8_t>& saved = frame_.saved;
  const int32_t low = -static_cast<int32_t>(frame_.saved_bytes);
  for (size_t i = 0; i < saved.size(); i += 2) {
    const int32_t at = low + 8 * static_cast<int32_t>(i);
    if (i + 1 < saved.size()) {
      as_.Emit(PairOp::kStpX, saved[i], saved[i + 1], x29, at);
      unwind_.Add(b_.offset(), UnwindOp::kSavedAt, saved[i + 1], at + 8 - 16);
    } else {
      as_.str(X(saved[i]), Address(x29, at));
    }
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, saved[i], at - 16);
  }
}

void Emitter::EmitStackCheck() {
  const codegen::StackLimitCheck& check = isa_.stack_limit();
  if (!check.enabled || !has_vmctx_) return;
  if (!vcode_.frame.has_calls && frame_.total <= kSmallFrame) return;
  as_.ldr(kScratch, Address(kCalleeVmctx, check.store_offset));
  as_.ldr(kScratch, Address(kScratch, check.limit_offset));
  if (frame_.total > kSmallFrame) {
    // The limit is an address in user space, so this sum does not wrap.
    as_.mov(kScratch2, uint64_t{frame_.total});
    as_.add(kScratch, kScratch, kScratch2);
  }
  as_.Emit(Row::kCmpSpX, {31, kScratch.encoding()});
  if (vcode_.cold_calls.check_stack.is_none()) {
    TrapIf(Cond::kLo, static_cast<uint8_t>(check.code));
  } else {
    JumpIf(Cond::kLo, AddColdCode(ColdKind::kCheckStack));
    BindBack();
  }
}

void Emitter::RestoreSaved(XSp base, int32_t from_x29) {
  const std::vector<uint8_t>& saved = frame_.saved;
  const int32_t low = from_x29 - static_cast<int32_t>(frame_.saved_bytes);
  for (size_t i = 0; i < saved.size(); i += 2) {
    const int32_t at = low + 8 * static_cast<int32_t>(i);
    if (i + 1 < saved.size()) {
      as_.Emit(PairOp::kLdpX, saved[i], saved[i + 1], base, at);
    } else {
      as_.ldr(X(saved[i]), Address(base, at));
    }
  }
}

void Emitter::EmitEpilogue() {
  if (!in_frame_) return;
  unwind_.Add(b_.offset(), UnwindOp::kRememberState);
  RestoreSaved(x29, 0);
  for (uint8_t reg : frame_.saved) unwind_.Add(b_.offset(), UnwindOp::kSame, reg);
  if (frame_.total != 0) as_.mov_sp(sp, x29);
  as_.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
  unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfStackPointer, 0);
  unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfFramePointer);
  unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfLink);
}

void Emitter::EmitReturn() {
  const uint32_t pop = frame_.callee_pops ? frame_.incoming_bytes : 0;
  const bool changes_state = in_frame_ || IsSigned() || pop != 0;
  if (!in_frame_ && changes_state) unwind_.Add(b_.offset(), UnwindOp::kRememberState);
  EmitEpilogue();
  if (IsSigned() && pop == 0) {
    protection_.AuthenticateAndReturn(as_, &unwind_);
  } else {
    // The signature is that of the stack pointer in front of the arguments.
    if (IsSigned()) protection_.Authenticate(as_, &unwind_);
    if (pop != 0) {
      as_.add(sp, sp, int64_t{pop});
      unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfStackPointer, -static_cast<int32_t>(pop));
    }
    as_.ret();
  }
  if (changes_state) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

void Emitter::EmitBranch(const Inst& inst) {
  const uint32_t taken = inst.low(), other = inst.high();
  const bool has_flags = inst.op == Op::kBranch;
  uint8_t reg = 0;
  if (has_flags) {
    EmitCompare(inst);
  } else {
    reg = NextReg();
  }
  const auto jump_if = [&](Cond cc, uint32_t block) {
    if (has_flags) {
      JumpIf(cc, BlockLabel(block));
    } else {
      JumpIfTest(inst, reg, cc, BlockLabel(block));
    }
  };
  if (IsNext(taken)) return jump_if(Inverse(inst.cc), other);
  jump_if(inst.cc, taken);
  if (!IsNext(other)) as_.b(BlockLabel(other));
}

void Emitter::EmitJumpTable(const Inst& inst) {
  const uint8_t index = NextReg();
  const uint8_t temp = NextReg();
  const std::vector<uint32_t>& targets = vcode_.jump_table(inst.low());
  // The default target stands behind the others.
  const size_t entries = targets.size() - 1;
  const bool clamps = inst.has(Inst::kMask);
  table_labels_.clear();
  for (size_t i = 0; i < entries + (clamps ? 1 : 0); ++i) {
    table_labels_.push_back(BlockLabel(targets[i]));
  }
  const uint32_t count = static_cast<uint32_t>(entries);
  as_.mov(W(temp), count);
  as_.cmp(W(index), W(temp));
  if (clamps) {
    // What is out of range takes the default's entry, chosen as a value and never predicted.
    as_.Emit(Row::kCselW, {index, temp, temp}, ConditionBits(Condition::kLo));
    as_.Emit(PlainOp::kCsdb);
  } else {
    as_.b(Condition::kHs, BlockLabel(targets.back()));
    as_.mov(W(temp), W(index));
  }
  as_.adr(kScratch, b_.JumpTable(table_labels_, kRel32));
  as_.Emit(MemOp::kLdrsw, temp, Address(kScratch, X(temp), /*scaled=*/true));
  as_.add(kScratch, kScratch, X(temp));
  as_.br(kScratch);
}

void Emitter::NextStackMap() {
  CHECK(next_stack_map_ < allocation_.stack_maps.size()) << "a call without a stack map";
  const codegen::regalloc::StackMap& map = allocation_.stack_maps[next_stack_map_++];
  stack_map_slots_.clear();
  for (codegen::SpillSlot slot : allocation_.SlotsOf(map)) {
    stack_map_slots_.push_back(frame_.total - frame_.spills_end +
                               static_cast<uint32_t>(slot.byte_offset()));
  }
}

void Emitter::EmitCall(const Inst& inst) {
  if (inst.op == Op::kCall) {
    const codegen::CodeOffset at = as_.bl_name();
    b_.AddReloc(at, kRelocBranch26, NameOf(inst), 0);
  } else {
    as_.blr(NextX());
  }
  b_.AddCallSite();
  NextStackMap();
  b_.AddStackMap(stack_map_slots_);
  // The callee took its stack arguments away; the area is still ours.
  if (inst.disp != 0) as_.sub(sp, sp, int64_t{inst.disp});
}

// The callee is to find its stack arguments where this function's end; they wait at the bottom of
// the frame. All that is still needed of the frame goes into registers first, then the arguments
// are moved up, the highest first, since the two areas may overlap.
void Emitter::EmitTailCall(const Inst& inst) {
  const bool indirect = inst.op == Op::kTailCallIndirect;
  // `br x17` may lead to a function's entry where targets are marked, other registers may not.
  const X target = kScratch2;
  const uint32_t outgoing = static_cast<uint32_t>(inst.disp);
  const uint32_t incoming = frame_.incoming_bytes;
  const bool changes_state = in_frame_ || IsSigned();
  if (outgoing == 0 && incoming == 0) {
    if (indirect) as_.mov(target, NextX());
    if (!in_frame_ && changes_state) unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    EmitEpilogue();
    if (frame_.is_signed) protection_.Authenticate(as_, &unwind_);
  } else {
    // x16 and x17 check the return address meanwhile.
    const X waiting = frame_.is_signed ? kTailTarget : target;
    if (indirect) as_.mov(waiting, NextX());
    unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    RestoreSaved(x29, 0);
    if (frame_.is_signed) {
      as_.ldr(kScratch2, Address(x29, 8));
      as_.add(kScratch, x29, 16);
      protection_.Authenticate1716(as_);
      as_.mov(x30, kScratch2);
      as_.ldr(x29, Address(x29));
      unwind_.Add(b_.offset(), UnwindOp::kToggleSigned);
      if (indirect) as_.mov(target, waiting);
    } else {
      as_.ldp(x29, x30, x29);
    }
    const int64_t record = frame_.total;  // From sp.
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfStackPointer, static_cast<int32_t>(record + 16));
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfFramePointer);
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfLink);
    const int64_t first_argument = record + 16 + incoming - int64_t{outgoing};
    for (int64_t at = outgoing; at > 0;) {
      at -= 16;
      as_.ldr_q(kVectorScratch, Address(sp, at));
      as_.str_q(kVectorScratch, Address(sp, first_argument + at));
      // There may be many.
      AskForIsland();
    }
    as_.add(sp, sp, first_argument);
    const int32_t popped = static_cast<int32_t>(incoming) - static_cast<int32_t>(outgoing);
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfStackPointer, -popped);
  }
  if (indirect) {
    as_.br(target);
  } else {
    b_.AddReloc(as_.b_name(), kRelocBranch26, NameOf(inst), 0);
  }
  if (changes_state) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

void Emitter::EmitFuncAddr(const Inst& inst) {
  const uint8_t to = NextReg();
  const uint8_t scratch = kScratch.encoding();
  // The distance from the first move to the function, added to where the first move is.
  as_.Word(0x10000000 | 1u << 5 | to);  // adr to, . + 4
  b_.AddReloc(b_.offset(), kRelocMovePair, NameOf(inst), 0);
  as_.Emit(Row::kMovzX, {scratch}, MoveBits(0, 0));
  as_.Emit(Row::kMovkX, {scratch, scratch}, MoveBits(0, 1));
  as_.Emit(Row::kAddExtX, {to, scratch, to}, ExtendBits(ExtendOp::kSxtw, 0));
}

}  // namespace gantry::aarch64
