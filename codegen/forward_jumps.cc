#include "codegen/forward_jumps.h"

#include "absl/types/span.h"

namespace gantry::codegen {
namespace {

using regalloc::Edit;
using regalloc::InstId;
using regalloc::ProgramPoint;

// Blocks in a row that only jump, and are passed by at once.
constexpr int kMaxForwards = 8;

}  // namespace

void ForwardJumps(const VCode& vcode, const regalloc::Output& allocation,
                  std::optional<uint32_t> (*jump_target)(const MachInst&),
                  std::vector<uint32_t>* forwarded) {
  const absl::Span<const regalloc::Block> blocks = vcode.blocks();
  const absl::Span<const Edit> edits = allocation.edits;
  std::vector<uint32_t>& to = *forwarded;
  to.resize(blocks.size());
  size_t edit = 0;
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    to[i] = i;
    const regalloc::IndexRange range = blocks[i].insts;
    const ProgramPoint first = ProgramPoint::Before(InstId(range.begin));
    while (edit < edits.size() && edits[edit].point < first) ++edit;
    if (i == 0 || range.size() != 1) continue;
    if (edit < edits.size() && edits[edit].point <= ProgramPoint::After(InstId(range.begin))) {
      continue;
    }
    to[i] = jump_target(vcode.insts()[range.begin]).value_or(i);
  }
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    uint32_t end = to[i];
    int steps = 0;
    while (to[end] != end && ++steps < kMaxForwards) end = to[end];
    // A longer row, or a circle, keeps some of its jumps.
    to[i] = to[end] == end ? end : i;
  }
}

}  // namespace gantry::codegen
