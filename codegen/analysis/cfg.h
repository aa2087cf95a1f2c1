// ControlFlowGraph: successors, predecessors and orders of a function's blocks, in flat
// arrays that are reused from function to function.
//
//   ControlFlowGraph cfg;
//   cfg.Compute(func);
//   for (Block block : cfg.reverse_postorder()) {
//     for (const ControlFlowGraph::Pred& pred : cfg.preds(block)) ...
//   }
//
// An edge is a (block, successor position) pair: a branch with the same target twice has two
// edges. The graph is a snapshot; changing the function's branches makes it stale. Blocks
// that the entry does not reach have successors, but are no one's predecessor.
#ifndef GANTRY_CODEGEN_ANALYSIS_CFG_H_
#define GANTRY_CODEGEN_ANALYSIS_CFG_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class ControlFlowGraph {
 public:
  // The source of an edge: successor `index` of `block`.
  struct Pred {
    Block block;
    uint32_t index;
    friend bool operator==(const Pred&, const Pred&) = default;
  };
  static constexpr uint32_t kUnreached = 0xFFFFFFFF;

  // Linear in blocks and edges. Every block must end in a terminator.
  void Compute(const FunctionStencil& func);

  // Targets in the order of DataFlowGraph::ForEachBlockCall.
  absl::Span<const Block> succs(Block block) const {
    return {succs_.data() + succ_first_[block.index()],
            succ_first_[block.index() + 1] - succ_first_[block.index()]};
  }
  // Edges from reachable blocks, by reverse postorder of the source.
  absl::Span<const Pred> preds(Block block) const {
    return {preds_.data() + pred_first_[block.index()],
            pred_first_[block.index() + 1] - pred_first_[block.index()]};
  }
  bool is_reachable(Block block) const { return rpo_number_[block.index()] != kUnreached; }
  // Reachable blocks, the entry first, each after all its predecessors but those at the
  // source of a back edge.
  absl::Span<const Block> reverse_postorder() const { return rpo_; }
  // Position in reverse_postorder(); kUnreached if the entry does not reach it.
  uint32_t rpo_number(Block block) const { return rpo_number_[block.index()]; }

  // True if the edge's source has other successors and its target other predecessors, so
  // that nothing can be placed on the edge without a block of its own.
  bool IsCritical(Block block, uint32_t index) const {
    return succs(block).size() > 1 && preds(succs(block)[index]).size() > 1;
  }
  // Ids are below this.
  size_t num_block_ids() const { return rpo_number_.size(); }
  size_t num_edges() const { return succs_.size(); }

  // Steps that all calls of Compute took, for tests that they are linear.
  uint64_t work() const { return work_; }

 private:
  struct Visit {
    Block block;
    uint32_t next;
  };

  void ComputeOrder(Block entry);
  void ComputePreds();

  std::vector<uint32_t> succ_first_;
  std::vector<Block> succs_;
  std::vector<uint32_t> pred_first_;
  std::vector<Pred> preds_;
  std::vector<uint32_t> rpo_number_;
  std::vector<Block> rpo_;
  std::vector<Visit> stack_;
  uint64_t work_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_ANALYSIS_CFG_H_
