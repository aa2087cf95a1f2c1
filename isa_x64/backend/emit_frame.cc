// The frame: its layout, where it is made and given up.
#include <algorithm>

#include "absl/status/status.h"
#include "base/check.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::Allocation;
using codegen::PReg;
using codegen::UnwindOp;
using codegen::regalloc::Edit;
using codegen::regalloc::InstId;
using codegen::regalloc::ProgramPoint;

namespace {

// A frame larger than this is compared with the stack limit in full; a smaller one of a leaf
// not at all, the host's reserve below the limit covering it.
constexpr uint32_t kSmallFrame = 1024;
constexpr uint64_t kMaxFrame = uint64_t{1} << 30;
// Blocks, and instructions of one, that are considered for the part in front of the frame, and
// ways out of that part into the rest.
constexpr uint32_t kMaxEarlyBlocks = 12;
constexpr uint32_t kMaxEarlyInsts = 64;
constexpr size_t kMaxPrologues = 2;

constexpr uint32_t RoundUp16(uint32_t value) { return (value + 15) & ~15u; }

bool IsFramed(Allocation place) {
  return place.is_stack() || (place.is_reg() && kCalleeSavedSet.contains(place.reg()));
}

bool IsVmctx(Allocation place) {
  return place.is_reg() && place.reg_class() == codegen::RegClass::kInt &&
         place.reg().encoding() == rdi.encoding();
}

ProgramPoint LastPoint(codegen::regalloc::IndexRange insts) {
  return ProgramPoint::After(InstId(insts.end - 1));
}

// Whether the instruction is the same with and without a frame, registers apart.
bool IsFreeOfFrame(const Inst& inst) {
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

// Whether the block's code wants the frame: saves, slots, calls, and traps whose instruction
// stands elsewhere; or takes the vmctx from its register, where the prologue's check finds the
// limit.
bool Emitter::NeedsFrame(const codegen::regalloc::Input& input, uint32_t block) const {
  const codegen::regalloc::IndexRange range = vcode_.blocks()[block].insts;
  const absl::Span<const codegen::regalloc::Inst> shapes = input.insts;
  if (range.size() > kMaxEarlyInsts) return true;
  for (uint32_t i = range.begin; i < range.end; ++i) {
    const Inst inst = vcode_.insts()[i].As<Inst>();
    if (!IsFreeOfFrame(inst)) return true;
    const Allocation* places = allocation_.allocations.data() + shapes[i].operands_begin;
    const absl::Span<const codegen::regalloc::Operand> operands = input.OperandsOf(InstId(i));
    for (size_t k = 0; k < operands.size(); ++k) {
      if (IsFramed(places[k])) return true;
      if (operands[k].is_def() && inst.op != Op::kArguments && IsVmctx(places[k])) return true;
    }
  }
  for (size_t i = FirstEdit(block);
       i < allocation_.edits.size() && allocation_.edits[i].point <= LastPoint(range); ++i) {
    const Edit& edit = allocation_.edits[i];
    const bool from_frame = edit.rematerialized.is_none() && IsFramed(edit.from);
    if (IsVmctx(edit.to) || IsFramed(edit.to) || from_frame) return true;
  }
  return false;
}

size_t Emitter::FirstEdit(uint32_t block) const {
  const ProgramPoint first = ProgramPoint::Before(InstId(vcode_.blocks()[block].insts.begin));
  return static_cast<size_t>(
      std::partition_point(allocation_.edits.begin(), allocation_.edits.end(),
                           [first](const Edit& edit) { return edit.point < first; }) -
      allocation_.edits.begin());
}

size_t Emitter::FirstStackMap(uint32_t inst) const {
  const absl::Span<const codegen::regalloc::StackMap> maps = allocation_.stack_maps;
  return static_cast<size_t>(
      std::partition_point(maps.begin(), maps.end(),
                           [inst](const auto& map) { return map.inst.raw() < inst; }) -
      maps.begin());
}

void Emitter::SkipEdits(uint32_t block) {
  const ProgramPoint last = LastPoint(vcode_.blocks()[block].insts);
  while (next_edit_ < allocation_.edits.size() && allocation_.edits[next_edit_].point <= last) {
    ++next_edit_;
  }
  next_stack_map_ = FirstStackMap(vcode_.blocks()[block].insts.end);
}

// Shrink-wrapping: where a function leaves early by blocks that want no frame, these come first
// and the frame is made on the way to the others. All ways into an early block lead through early
// blocks, so that no frame is ever given up but by a return.
void Emitter::FindEarlyBlocks() {
  early_.clear();
  entries_.clear();
  if (frame_.frameless || isa_.shared_flags().opt_level() == codegen::OptLevel::kNone) return;
  const absl::Span<const codegen::regalloc::Block> blocks = vcode_.blocks();
  const codegen::regalloc::Input input = vcode_.RegallocInput();
  const uint32_t count = std::min(kMaxEarlyBlocks, static_cast<uint32_t>(blocks.size()));
  early_.assign(count, 0);
  bool returns = false;
  for (uint32_t block = 0; block < count; ++block) {
    if (blocks[block].cold || NeedsFrame(input, block)) continue;
    bool reached_early = block == 0 || blocks[block].preds.size() != 0;
    for (codegen::regalloc::BlockId pred : input.PredsOf(codegen::regalloc::BlockId(block))) {
      reached_early = reached_early && pred.raw() < block && early_[pred.raw()];
    }
    if (!reached_early) continue;
    early_[block] = 1;
    const Inst last = vcode_.insts()[blocks[block].insts.end - 1].As<Inst>();
    returns = returns || last.op == Op::kReturn;
  }
  for (uint32_t block = 0; returns && block < count; ++block) {
    if (!early_[block]) continue;
    for (const codegen::regalloc::Edge& edge : input.EdgesOf(codegen::regalloc::BlockId(block))) {
      if (entries_.size() > kMaxPrologues) break;
      const uint32_t target = forwarded_[edge.target.raw()];
      if (IsEarly(target) || std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
                               return e.block == target;
                             }) != entries_.end()) {
        continue;
      }
      entries_.push_back({target, b_.NewLabel()});
    }
  }
  // Each way in has a prologue of its own, the last one falling through.
  if (!returns || entries_.empty() || entries_.size() > kMaxPrologues) {
    early_.clear();
    entries_.clear();
  }
}

codegen::MachLabel Emitter::PrologueLabel(uint32_t block) const {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [block](const Entry& e) { return e.block == block; });
  CHECK(entry != entries_.end()) << "a way into the frame that was not planned";
  return entry->label;
}

void Emitter::EmitEarlyBlocks() {
  if (entries_.empty()) return;
  in_frame_ = false;
  for (uint32_t block = 0; block < early_.size(); ++block) {
    if (!early_[block] || forwarded_[block] != block) continue;
    next_edit_ = FirstEdit(block);
    next_stack_map_ = FirstStackMap(vcode_.blocks()[block].insts.begin);
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
  if (entries_.empty()) return EmitPrologue();
  // The prologue that is in front of the first block left falls through to it.
  uint32_t first = 0;
  while (IsEarly(first)) ++first;
  std::stable_sort(entries_.begin(), entries_.end(), [first](const Entry& a, const Entry& b) {
    return (a.block == first) < (b.block == first);
  });
  for (size_t i = 0; i < entries_.size(); ++i) {
    const bool last = i + 1 == entries_.size();
    b_.Bind(entries_[i].label);
    if (!last) unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    EmitPrologue();
    Jump(BlockLabel(entries_[i].block));
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
