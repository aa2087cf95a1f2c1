#include "codegen/early_blocks.h"

#include <algorithm>

namespace gantry::codegen {
namespace {

using regalloc::BlockId;
using regalloc::Edit;
using regalloc::InstId;
using regalloc::ProgramPoint;

// Blocks, and instructions of one, that are considered for the part in front of the frame, and
// ways out of that part into the rest.
constexpr uint32_t kMaxEarlyBlocks = 12;
constexpr uint32_t kMaxEarlyInsts = 64;
constexpr size_t kMaxPrologues = 2;

bool IsFramed(Allocation place, const EarlyBlocks::Rules& rules) {
  return place.is_stack() || (place.is_reg() && rules.saved.contains(place.reg()));
}

bool IsVmctx(Allocation place, const EarlyBlocks::Rules& rules) {
  return place.is_reg() && place.reg() == rules.vmctx;
}

// Whether the block's code wants the frame: saves, slots, calls, and traps whose instruction
// stands elsewhere; or takes the vmctx from its register, where the prologue's check finds the
// limit.
bool NeedsFrame(const VCode& vcode, const regalloc::Output& allocation,
                const regalloc::Input& input, uint32_t block, const EarlyBlocks::Rules& rules) {
  const regalloc::IndexRange range = vcode.blocks()[block].insts;
  if (range.size() > kMaxEarlyInsts) return true;
  for (uint32_t i = range.begin; i < range.end; ++i) {
    const MachInst& inst = vcode.insts()[i];
    if (!rules.is_free_of_frame(inst)) return true;
    const Allocation* places = allocation.allocations.data() + input.insts[i].operands_begin;
    const absl::Span<const regalloc::Operand> operands = input.OperandsOf(InstId(i));
    for (size_t k = 0; k < operands.size(); ++k) {
      if (IsFramed(places[k], rules)) return true;
      if (operands[k].is_def() && !rules.is_arguments(inst) && IsVmctx(places[k], rules)) {
        return true;
      }
    }
  }
  const ProgramPoint last = ProgramPoint::After(InstId(range.end - 1));
  for (size_t i = FirstEdit(vcode, allocation, block);
       i < allocation.edits.size() && allocation.edits[i].point <= last; ++i) {
    const Edit& edit = allocation.edits[i];
    const bool from_frame = edit.rematerialized.is_none() && IsFramed(edit.from, rules);
    if (IsVmctx(edit.to, rules) || IsFramed(edit.to, rules) || from_frame) return true;
  }
  return false;
}

}  // namespace

size_t FirstEdit(const VCode& vcode, const regalloc::Output& allocation, uint32_t block) {
  const ProgramPoint first = ProgramPoint::Before(InstId(vcode.blocks()[block].insts.begin));
  return static_cast<size_t>(
      std::partition_point(allocation.edits.begin(), allocation.edits.end(),
                           [first](const Edit& edit) { return edit.point < first; }) -
      allocation.edits.begin());
}

size_t FirstStackMap(const regalloc::Output& allocation, uint32_t inst) {
  return static_cast<size_t>(
      std::partition_point(allocation.stack_maps.begin(), allocation.stack_maps.end(),
                           [inst](const auto& map) { return map.inst.raw() < inst; }) -
      allocation.stack_maps.begin());
}

void EarlyBlocks::Clear() {
  early_.clear();
  entries_.clear();
}

void EarlyBlocks::Find(const VCode& vcode, const regalloc::Output& allocation,
                       absl::Span<const uint32_t> forwarded, const Rules& rules) {
  Clear();
  const absl::Span<const regalloc::Block> blocks = vcode.blocks();
  const regalloc::Input input = vcode.RegallocInput();
  const uint32_t count = std::min(kMaxEarlyBlocks, static_cast<uint32_t>(blocks.size()));
  early_.assign(count, 0);
  bool returns = false;
  for (uint32_t block = 0; block < count; ++block) {
    if (blocks[block].cold || NeedsFrame(vcode, allocation, input, block, rules)) continue;
    bool reached_early = block == 0 || blocks[block].preds.size() != 0;
    for (BlockId pred : input.PredsOf(BlockId(block))) {
      reached_early = reached_early && pred.raw() < block && early_[pred.raw()];
    }
    if (!reached_early) continue;
    early_[block] = 1;
    returns = returns || rules.is_return(vcode.insts()[blocks[block].insts.end - 1]);
  }
  for (uint32_t block = 0; returns && block < count; ++block) {
    if (!early_[block]) continue;
    for (const regalloc::Edge& edge : input.EdgesOf(BlockId(block))) {
      if (entries_.size() > kMaxPrologues) break;
      const uint32_t target = forwarded[edge.target.raw()];
      if (contains(target) ||
          std::find(entries_.begin(), entries_.end(), target) != entries_.end()) {
        continue;
      }
      entries_.push_back(target);
    }
  }
  if (!returns || entries_.empty() || entries_.size() > kMaxPrologues) return Clear();
  uint32_t first = 0;
  while (contains(first)) ++first;
  std::stable_partition(entries_.begin(), entries_.end(),
                        [first](uint32_t block) { return block != first; });
}

}  // namespace gantry::codegen
