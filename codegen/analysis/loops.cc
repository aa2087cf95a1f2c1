#include "codegen/analysis/loops.h"

#include <algorithm>

namespace gantry::codegen {

// The outermost loop found so far around `loop`; shortens the path to it.
uint32_t LoopForest::Outermost(uint32_t loop) {
  uint32_t root = loop;
  while (outer_[root] != root) {
    root = outer_[root];
    ++work_;
  }
  while (outer_[loop] != root) loop = std::exchange(outer_[loop], root);
  return root;
}

void LoopForest::Compute(const ControlFlowGraph& cfg, const DominatorTree& dominators) {
  loops_.clear();
  outer_.clear();
  innermost_.assign(cfg.num_block_ids(), Loop::None());
  irreducible_ = false;
  const absl::Span<const Block> order = cfg.reverse_postorder();

  // Inner headers come after outer ones in the order, so that going backwards every loop
  // inside is known before the one around it.
  for (size_t i = order.size(); i-- > 0;) {
    const Block header = order[i];
    worklist_.clear();
    for (const ControlFlowGraph::Pred& pred : cfg.preds(header)) {
      if (cfg.rpo_number(pred.block) < i) continue;
      if (dominators.Dominates(header, pred.block)) {
        worklist_.push_back(pred.block);
      } else {
        irreducible_ = true;
      }
    }
    if (worklist_.empty()) continue;
    const Loop loop = loops_.Push({header, Loop::None(), 0});
    outer_.push_back(loop.raw());
    innermost_[header.index()] = loop;
    // Backwards from the latches to the header, over whole loops where they are known.
    while (!worklist_.empty()) {
      Block block = worklist_.back();
      worklist_.pop_back();
      ++work_;
      if (innermost_[block.index()].is_some()) {
        const Loop inner(Outermost(innermost_[block.index()].raw()));
        if (inner == loop) continue;
        loops_[inner].parent = loop;
        outer_[inner.index()] = loop.raw();
        block = loops_[inner].header;
      } else {
        innermost_[block.index()] = loop;
      }
      for (const ControlFlowGraph::Pred& pred : cfg.preds(block)) {
        // A latch of the inner loop is in it and is skipped when it comes up.
        worklist_.push_back(pred.block);
      }
    }
  }

  // Turn the numbering around: outer loops first.
  const uint32_t count = static_cast<uint32_t>(loops_.size());
  std::reverse(loops_.begin(), loops_.end());
  for (LoopData& data : loops_) {
    if (data.parent.is_some()) data.parent = Loop(count - 1 - data.parent.raw());
    data.depth = data.parent.is_some() ? loops_[data.parent].depth + 1 : 1;
  }
  for (Loop& loop : innermost_) {
    if (loop.is_some()) loop = Loop(count - 1 - loop.raw());
  }
  work_ += order.size() + cfg.num_edges();
  PlaceInForest();
}

void LoopForest::PlaceInForest() {
  // Numbers of loops from the innermost out, then places from the outermost in.
  for (LoopData& data : loops_) data.last = 1;
  for (size_t i = loops_.size(); i-- > 0;) {
    const LoopData& data = loops_[Loop(static_cast<uint32_t>(i))];
    if (data.parent.is_some()) loops_[data.parent].last += data.last;
  }
  uint32_t next_root = 0;
  for (LoopData& data : loops_) {
    const uint32_t size = data.last;
    // Until all loops in it are placed, `last` of a loop is the next free place.
    uint32_t& place = data.parent.is_some() ? loops_[data.parent].last : next_root;
    data.first = place;
    place += size;
    data.last = data.first + 1;
  }
  for (LoopData& data : loops_) --data.last;
}

}  // namespace gantry::codegen
