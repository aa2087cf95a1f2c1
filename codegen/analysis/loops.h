// LoopForest: the natural loops of a function and how they nest.
//
//   LoopForest loops;
//   loops.Compute(cfg, dominators);
//   if (loops.depth(block) > 1) ...
//   for (Loop l = loops.innermost(block); l.is_some(); l = loops.parent(l)) ...
//
// A loop is named by its header, a block that dominates the source of an edge to itself;
// loops of one header are one. A cycle entered in two places has no header and is no loop
// here; `irreducible()` tells that there is one. Nearly linear, whatever the nesting.
#ifndef GANTRY_CODEGEN_ANALYSIS_LOOPS_H_
#define GANTRY_CODEGEN_ANALYSIS_LOOPS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "entity/primary_map.h"

namespace gantry::codegen {

GANTRY_ENTITY_ID(Loop, "loop");

class LoopForest {
 public:
  void Compute(const ControlFlowGraph& cfg, const DominatorTree& dominators);

  // Loops are numbered so that an outer one comes before those in it.
  size_t num_loops() const { return loops_.size(); }
  entity::IdRange<Loop> loops() const { return loops_.ids(); }
  Block header(Loop loop) const { return loops_[loop].header; }
  // The loop around it, none if it is outermost.
  Loop parent(Loop loop) const { return loops_[loop].parent; }
  // 1 for an outermost loop.
  uint32_t loop_depth(Loop loop) const { return loops_[loop].depth; }

  // The innermost loop that holds `block`, none outside all loops.
  Loop innermost(Block block) const { return innermost_[block.index()]; }
  bool is_header(Block block) const {
    return innermost(block).is_some() && header(innermost(block)) == block;
  }
  // Number of loops that hold `block`.
  uint32_t depth(Block block) const {
    return innermost(block).is_some() ? loop_depth(innermost(block)) : 0;
  }
  // True if `loop` holds `block`. Constant time.
  bool Contains(Loop loop, Block block) const {
    const Loop inner = innermost(block);
    if (inner.is_none()) return false;
    const LoopData& outer = loops_[loop];
    return outer.first <= loops_[inner].first && loops_[inner].first <= outer.last;
  }
  // True if some cycle has no header.
  bool irreducible() const { return irreducible_; }

  // Steps that all calls of Compute took, for tests that they are linear.
  uint64_t work() const { return work_; }

 private:
  struct LoopData {
    Block header;
    Loop parent;
    uint32_t depth = 0;
    // Positions of the loop and of the last one in it, where each loop comes right before those
    // in it.
    uint32_t first = 0;
    uint32_t last = 0;
  };

  void PlaceInForest();
  uint32_t Outermost(uint32_t loop);

  entity::PrimaryMap<Loop, LoopData> loops_;
  std::vector<Loop> innermost_;
  bool irreducible_ = false;
  uint64_t work_ = 0;
  // Work space: union-find over loops found so far, and blocks to visit.
  std::vector<uint32_t> outer_;
  std::vector<Block> worklist_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_ANALYSIS_LOOPS_H_
