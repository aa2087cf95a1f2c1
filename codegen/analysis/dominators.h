// DominatorTree: which blocks every path from the entry goes through.
//
//   DominatorTree dominators;
//   dominators.Compute(cfg);
//   if (dominators.Dominates(header, latch)) ...
//   for (Block block : dominators.preorder()) ...      // a block after its dominators
//
// Lengauer and Tarjan, "A Fast Algorithm for Finding Dominators in a Flowgraph" (1979), the
// simple variant with path compression: O(edges log blocks) whatever the graph. Its arrays
// are reused from function to function. Blocks that the entry does not reach are not in the
// tree: no reachable block dominates them, and they dominate none.
#ifndef GANTRY_CODEGEN_ANALYSIS_DOMINATORS_H_
#define GANTRY_CODEGEN_ANALYSIS_DOMINATORS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/analysis/cfg.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class DominatorTree {
 public:
  void Compute(const ControlFlowGraph& cfg);

  // None for the entry and for unreachable blocks.
  Block idom(Block block) const { return idom_[block.index()]; }
  // Reflexive. Constant time.
  bool Dominates(Block a, Block b) const {
    const Interval& x = interval_[a.index()];
    const Interval& y = interval_[b.index()];
    return x.first <= y.first && y.last <= x.last;
  }
  // Blocks of the tree, each before those it dominates; siblings in reverse postorder.
  absl::Span<const Block> preorder() const { return preorder_; }
  // Position in preorder(). Reachable blocks only.
  uint32_t preorder_number(Block block) const { return interval_[block.index()].first; }
  // The blocks that `block` dominates, itself first: a run of preorder().
  absl::Span<const Block> subtree(Block block) const {
    const Interval& x = interval_[block.index()];
    return absl::MakeConstSpan(preorder_).subspan(x.first, x.last - x.first + 1);
  }
  // The deepest block that dominates both. Both must be reachable. Walks up the tree.
  Block CommonDominator(Block a, Block b) const;

  // Steps that all calls of Compute took, for tests that they are linear.
  uint64_t work() const { return work_; }

 private:
  // Positions in preorder() of a block and of the last one that it dominates.
  struct Interval {
    uint32_t first = 0xFFFFFFFF;
    uint32_t last = 0xFFFFFFFF;
  };

  void NumberDepthFirst(const ControlFlowGraph& cfg);
  uint32_t Evaluate(uint32_t vertex);
  void BuildTree(const ControlFlowGraph& cfg);

  std::vector<Block> idom_;
  std::vector<Interval> interval_;
  std::vector<Block> preorder_;

  // Work space, by depth-first number.
  struct Visit {
    uint32_t vertex;
    uint32_t next;
  };
  std::vector<uint32_t> number_;  // By block.
  std::vector<Block> vertex_;
  std::vector<uint32_t> parent_, ancestor_, semi_, label_, dominator_;
  std::vector<uint32_t> bucket_first_, bucket_next_;
  std::vector<uint32_t> path_;
  std::vector<Visit> stack_;
  std::vector<uint32_t> child_count_;
  uint64_t work_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_ANALYSIS_DOMINATORS_H_
