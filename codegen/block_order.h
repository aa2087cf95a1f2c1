// BlockOrder: in which order the blocks of a function become machine code, and which control
// flow edges get a block of their own.
//
// The order is a reverse postorder that keeps loops together: of the successors of a block,
// those that leave its loop come last, and otherwise the one that stands first in the source
// follows directly. Cold blocks come behind all others; still each block stands behind its
// dominators. An edge that is neither the only one
// out of its block nor the only one into its target (a critical edge) is split by an edge
// block, which holds the moves that register allocation puts on the edge. It stands behind its
// block; that of an edge out of a loop stands behind the loop.
//
//   BlockOrder order;
//   order.Compute(graph, /*chaos_seed=*/0);
//   for (const BlockOrder::Node& node : order.nodes()) ...
//
// Knows nothing of instructions: the graph is numbers. Linear in blocks and edges.
#ifndef GANTRY_CODEGEN_BLOCK_ORDER_H_
#define GANTRY_CODEGEN_BLOCK_ORDER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen {

class BlockOrder {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  // One block of the source. Blocks that can't be reached from block `entry` are left out.
  struct SourceBlock {
    // Range in Graph::successors, in the order of the terminator's targets; a target may
    // occur more than once.
    regalloc::IndexRange successors;
    uint16_t loop_depth = 0;
    bool cold = false;
  };
  struct Graph {
    uint32_t entry = 0;
    absl::Span<const SourceBlock> blocks;
    absl::Span<const uint32_t> successors;
    // Where a block stands in the source; the smaller first.
    absl::Span<const uint32_t> source_position;
  };

  // A block of the result: a source block, or an edge block.
  struct Node {
    // The source block; for an edge block kNone.
    uint32_t block = kNone;
    // For an edge block: the node it comes from and which of its successors it splits.
    uint32_t edge_from = kNone;
    uint32_t edge_index = 0;
    // In successors() and preds(): positions of nodes, in the order of the terminator's
    // targets with edge blocks in place of what they split.
    regalloc::IndexRange successors;
    regalloc::IndexRange preds;
    uint16_t loop_depth = 0;
    bool cold = false;

    bool is_edge() const { return block == kNone; }
  };

  // Replaces the former result. A nonzero seed picks an arbitrary valid order instead (the
  // entry stays first).
  void Compute(const Graph& graph, uint64_t chaos_seed);

  absl::Span<const Node> nodes() const { return nodes_; }
  absl::Span<const uint32_t> SuccessorsOf(const Node& node) const {
    return absl::MakeConstSpan(successors_).subspan(node.successors.begin, node.successors.size());
  }
  absl::Span<const uint32_t> PredsOf(const Node& node) const {
    return absl::MakeConstSpan(preds_).subspan(node.preds.begin, node.preds.size());
  }
  absl::Span<const regalloc::BlockId> preds() const { return pred_ids_; }
  // Reachable source blocks, each behind its dominators.
  absl::Span<const uint32_t> reverse_postorder() const { return order_; }
  // Position of the node of a source block, kNone if it is unreachable.
  uint32_t NodeOf(uint32_t block) const { return node_of_[block]; }

  // Steps that the last Compute took.
  uint64_t work() const { return work_; }

 private:
  struct Frame {
    uint32_t block;
    uint32_t next;
    uint32_t end;
  };

  void PostOrder(const Graph& graph, uint64_t chaos_seed);
  void PlaceNodes(const Graph& graph);
  void Link(const Graph& graph);

  std::vector<Node> nodes_;
  std::vector<uint32_t> successors_;
  std::vector<uint32_t> preds_;
  std::vector<regalloc::BlockId> pred_ids_;
  std::vector<uint32_t> node_of_;

  std::vector<Frame> stack_;
  std::vector<uint32_t> visit_order_;
  std::vector<uint32_t> order_;
  std::vector<uint8_t> state_;
  std::vector<uint32_t> pred_count_;
  // For each entry of Graph::successors the node of its edge block, or kNone.
  std::vector<uint32_t> edge_node_;
  uint64_t work_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_BLOCK_ORDER_H_
