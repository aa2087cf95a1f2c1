#include "codegen/analysis/dominators.h"

#include <algorithm>

namespace gantry::codegen {
namespace {

constexpr uint32_t kNoVertex = 0xFFFFFFFF;

}  // namespace

void DominatorTree::NumberDepthFirst(const ControlFlowGraph& cfg) {
  const absl::Span<const Block> order = cfg.reverse_postorder();
  number_.assign(cfg.num_block_ids(), kNoVertex);
  vertex_.clear();
  parent_.clear();
  if (order.empty()) return;
  const auto enter = [&](Block block, uint32_t parent) {
    const uint32_t vertex = static_cast<uint32_t>(vertex_.size());
    number_[block.index()] = vertex;
    vertex_.push_back(block);
    parent_.push_back(parent);
    stack_.push_back({vertex, 0});
  };
  stack_.clear();
  enter(order[0], kNoVertex);
  while (!stack_.empty()) {
    Visit& top = stack_.back();
    const absl::Span<const Block> succs = cfg.succs(vertex_[top.vertex]);
    if (top.next == succs.size()) {
      stack_.pop_back();
      continue;
    }
    const Block succ = succs[top.next++];
    if (number_[succ.index()] == kNoVertex) enter(succ, top.vertex);
  }
}

// The vertex of least semidominator on the path from `vertex` up to below the root of its
// tree in the forest; shortens the path on the way.
uint32_t DominatorTree::Evaluate(uint32_t vertex) {
  if (ancestor_[vertex] == kNoVertex) return vertex;
  path_.clear();
  for (uint32_t v = vertex; ancestor_[ancestor_[v]] != kNoVertex; v = ancestor_[v]) {
    path_.push_back(v);
  }
  work_ += path_.size();
  for (size_t i = path_.size(); i-- > 0;) {
    const uint32_t v = path_[i];
    const uint32_t up = ancestor_[v];
    if (semi_[label_[up]] < semi_[label_[v]]) label_[v] = label_[up];
    ancestor_[v] = ancestor_[up];
  }
  return label_[vertex];
}

void DominatorTree::Compute(const ControlFlowGraph& cfg) {
  NumberDepthFirst(cfg);
  const uint32_t count = static_cast<uint32_t>(vertex_.size());
  ancestor_.assign(count, kNoVertex);
  semi_.resize(count);
  label_.resize(count);
  dominator_.assign(count, kNoVertex);
  bucket_first_.assign(count, kNoVertex);
  bucket_next_.assign(count, kNoVertex);
  for (uint32_t v = 0; v < count; ++v) semi_[v] = label_[v] = v;

  for (uint32_t w = count; w-- > 1;) {
    for (const ControlFlowGraph::Pred& pred : cfg.preds(vertex_[w])) {
      const uint32_t best = Evaluate(number_[pred.block.index()]);
      semi_[w] = std::min(semi_[w], semi_[best]);
    }
    bucket_next_[w] = bucket_first_[semi_[w]];
    bucket_first_[semi_[w]] = w;
    ancestor_[w] = parent_[w];
    // Those whose semidominator is w's parent now have their path in the forest.
    for (uint32_t v = bucket_first_[parent_[w]]; v != kNoVertex; v = bucket_next_[v]) {
      const uint32_t best = Evaluate(v);
      dominator_[v] = semi_[best] < semi_[v] ? best : parent_[w];
    }
    bucket_first_[parent_[w]] = kNoVertex;
  }
  for (uint32_t w = 1; w < count; ++w) {
    if (dominator_[w] != semi_[w]) dominator_[w] = dominator_[dominator_[w]];
  }

  idom_.assign(cfg.num_block_ids(), Block::None());
  for (uint32_t w = 1; w < count; ++w) {
    idom_[vertex_[w].index()] = vertex_[dominator_[w]];
  }
  BuildTree(cfg);
  work_ += count + cfg.num_edges();
}

void DominatorTree::BuildTree(const ControlFlowGraph& cfg) {
  // Subtree sizes from the bottom up, then places from the top down: in reverse postorder a
  // block comes after its dominators.
  const absl::Span<const Block> order = cfg.reverse_postorder();
  interval_.assign(cfg.num_block_ids(), Interval());
  preorder_.resize(order.size());
  child_count_.assign(cfg.num_block_ids(), 1);
  for (size_t i = order.size(); i-- > 1;) {
    child_count_[idom_[order[i].index()].index()] += child_count_[order[i].index()];
  }
  for (Block block : order) {
    const size_t i = block.index();
    const uint32_t size = child_count_[i];
    uint32_t first = 0;
    if (const Block parent = idom_[i]; parent.is_some()) {
      // From here on a placed block's count is the next free place in its subtree.
      first = child_count_[parent.index()];
      child_count_[parent.index()] += size;
    }
    interval_[i] = {first, first + size - 1};
    preorder_[first] = block;
    child_count_[i] = first + 1;
  }
}

Block DominatorTree::CommonDominator(Block a, Block b) const {
  while (!Dominates(a, b)) a = idom(a);
  return a;
}

}  // namespace gantry::codegen
