// The order of code: which blocks vanish, which are aligned, how far they are from each other.
#include <algorithm>

#include "isa_x64/asm/assembler.h"
#include "isa_x64/asm/label_kinds.h"
#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::regalloc::Edit;
using codegen::regalloc::InstId;
using codegen::regalloc::ProgramPoint;

namespace {

// At most this many bytes of code come between two questions for an island. One instruction's
// code is far shorter, the copying of a tail call's arguments apart, where no short reference
// waits.
constexpr uint32_t kIslandDistance = 4096;

// Where heads of innermost loops are placed, and the instructions of a loop beyond which it does
// not matter.
constexpr uint32_t kLoopAlignment = 32;
constexpr uint32_t kMaxAlignedLoop = 128;

// A short jump forward leads over at most this many bytes, so that some others may wait for the
// same reach.
constexpr uint32_t kShortForward = 90;
constexpr uint32_t kEditBytes = 16;
constexpr uint32_t kConstantBytes = 48;

// A bound on the bytes of one instruction's code, with 32 for each label it uses out of line; no
// promise where it is kManyBytes.
constexpr uint32_t kManyBytes = 256;
uint32_t MaxBytes(const Inst& inst) {
  switch (inst.op) {
    case Op::kMove:
    case Op::kArguments:
      return 0;
    case Op::kMovImm:
      return 10;
    case Op::kAlu:
    case Op::kAdd:
    case Op::kUnary:
    case Op::kShiftImm:
    case Op::kShiftX:
    case Op::kRorX:
    case Op::kAndn:
    case Op::kImul:
    case Op::kImulImm:
    case Op::kExtend:
    case Op::kLea:
    case Op::kBswap:
    case Op::kStore:
    case Op::kStoreImm:
    case Op::kAluMem:
    case Op::kLoadF:
    case Op::kStoreF:
    case Op::kMoveToInt:
    case Op::kMoveToFloat:
      if (inst.addr == AddrKind::kConstant || inst.addr == AddrKind::kVector) return kConstantBytes;
      // Without an address the operand may still be a spill slot.
      return inst.addr == AddrKind::kNone ? 12 : 16;
    case Op::kJump:
      return 5;
    case Op::kFuelCharge:
      return 7;
    case Op::kFuelCheck:
      return 7 + 6;
    case Op::kPollWord:
      return 8 + 9 + 6;
    case Op::kPollPage:
      return 8 + 8;
    // A comparison and at most two jumps.
    case Op::kJcc:
      return 16 + 12 + 5;
    case Op::kTrapIf:
      return 16 + 12 + 2 * 32;
    case Op::kSetcc:
    case Op::kCmov:
      return 40;
    case Op::kReturn:
      return 40;
    default:
      return kManyBytes;
  }
}

}  // namespace

// Fills size_bounds_; blocks beyond what a short jump can pass over count as kManyBytes.
void Emitter::MeasureBlocks() {
  const absl::Span<const codegen::regalloc::Block> blocks = vcode_.blocks();
  const absl::Span<const Edit> edits = allocation_.edits;
  size_bounds_.resize(blocks.size());
  size_t edit = 0;
  for (uint32_t block = 0; block < blocks.size(); ++block) {
    const codegen::regalloc::IndexRange range = blocks[block].insts;
    const ProgramPoint last = ProgramPoint::After(InstId(range.end - 1));
    uint64_t bytes = 0;
    for (; edit < edits.size() && edits[edit].point <= last; ++edit) {
      bytes += edits[edit].rematerialized.is_some() ? kConstantBytes : kEditBytes;
    }
    if (wants_alignment_[block]) bytes += kLoopAlignment;
    for (uint32_t i = range.begin; i < range.end && bytes < kManyBytes; ++i) {
      bytes += MaxBytes(vcode_.insts()[i].As<Inst>());
    }
    size_bounds_[block] = static_cast<uint16_t>(std::min<uint64_t>(bytes, kManyBytes));
  }
}

// Whether a jump at the end of the block being emitted reaches the start of that one, which is
// still to come, with a displacement of one byte.
bool Emitter::IsNear(uint32_t block) const {
  const uint32_t to = forwarded_[block];
  if (!in_frame_ || to < next_block_) return false;
  uint32_t bytes = 0;
  for (uint32_t between = next_block_; between < to; ++between) {
    bytes += size_bounds_[between];
    if (bytes > kShortForward) return false;
  }
  // Its padding counts: the label may stand behind it.
  return !wants_alignment_[to] || bytes + kLoopAlignment <= kShortForward;
}

void Emitter::AskForIsland(uint32_t block) {
  const uint32_t bound = size_bounds_[block];
  const uint32_t distance = bound < kManyBytes ? bound : kIslandDistance;
  const codegen::MachLabel label(first_label_.raw() + block);
  if (b_.NeedsIsland(distance, label)) b_.EmitIsland(distance);
}

// Heads of small innermost loops, which are entered at the start of a line of the instruction
// cache's fetches.
void Emitter::FindLoopHeads() {
  const absl::Span<const codegen::regalloc::Block> blocks = vcode_.blocks();
  const absl::Span<const codegen::regalloc::BlockId> preds = vcode_.RegallocInput().preds;
  aligned_.assign(blocks.size(), codegen::MachLabel::None());
  wants_alignment_.assign(blocks.size(), 0);
  if (isa_.shared_flags().opt_level() == codegen::OptLevel::kNone) return;
  // From the end, so that a loop's end is compared with the next head behind its own.
  uint32_t next_head = static_cast<uint32_t>(blocks.size());
  for (uint32_t block = next_head; block-- > 0;) {
    if (blocks[block].loop_depth == 0 || blocks[block].cold) continue;
    uint32_t last = block;
    bool is_head = false;
    const codegen::regalloc::IndexRange range = blocks[block].preds;
    for (uint32_t i = range.begin; i < range.end; ++i) {
      const uint32_t from = preds[i].raw();
      if (from < block || blocks[from].cold) continue;
      is_head = true;
      last = std::max(last, from);
    }
    if (!is_head) continue;
    const bool innermost = last < next_head;
    next_head = block;
    wants_alignment_[block] =
        innermost && blocks[last].insts.end - blocks[block].insts.begin <= kMaxAlignedLoop;
  }
}

void Emitter::Align(uint32_t block) {
  b_.RequireAlignment(kLoopAlignment);
  Assembler(b_).nop((0 - b_.offset()) & (kLoopAlignment - 1));
  aligned_[block] = b_.NewLabel();
  b_.Bind(aligned_[block]);
}

}  // namespace gantry::x64
