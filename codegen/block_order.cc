#include "codegen/block_order.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace gantry::codegen {
namespace {

constexpr uint8_t kReached = 1;
constexpr uint8_t kFinished = 2;
constexpr uint8_t kCold = 4;
constexpr uint8_t kHotPred = 8;

// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t NextRandom(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

void BlockOrder::Compute(const Graph& graph, uint64_t chaos_seed) {
  nodes_.clear();
  successors_.clear();
  work_ = 0;
  PostOrder(graph, chaos_seed);
  PlaceNodes(graph);
  Link(graph);
  // Of everything else there is a constant number of passes over blocks and edges.
  work_ += graph.blocks.size() + 4 * graph.successors.size() + nodes_.size() + preds_.size();
}

// Fills order_ (in reverse postorder), pred_count_ (edges from reachable blocks) and the cold bits
// of state_.
void BlockOrder::PostOrder(const Graph& graph, uint64_t chaos_seed) {
  const size_t count = graph.blocks.size();
  state_.assign(count, 0);
  pred_count_.assign(count, 0);
  order_.clear();
  visit_order_.resize(graph.successors.size());
  stack_.clear();

  auto push = [&](uint32_t block) {
    const SourceBlock& source = graph.blocks[block];
    state_[block] = kReached | (source.cold ? kCold : 0);
    const regalloc::IndexRange range = source.successors;
    for (uint32_t i = range.begin; i < range.end; ++i) {
      visit_order_[i] = graph.successors[i];
      ++pred_count_[graph.successors[i]];
    }
    // What is visited first is placed last.
    auto visited_before = [&](uint32_t a, uint32_t b) {
      ++work_;
      const bool a_leaves = graph.blocks[a].loop_depth < source.loop_depth;
      const bool b_leaves = graph.blocks[b].loop_depth < source.loop_depth;
      if (a_leaves != b_leaves) return a_leaves;
      return graph.source_position[a] > graph.source_position[b];
    };
    if (range.size() == 2) {
      if (visited_before(visit_order_[range.begin + 1], visit_order_[range.begin])) {
        std::swap(visit_order_[range.begin], visit_order_[range.begin + 1]);
      }
    } else if (range.size() > 2) {
      std::stable_sort(visit_order_.begin() + range.begin, visit_order_.begin() + range.end,
                       visited_before);
    }
    if (chaos_seed != 0) {
      for (uint32_t i = range.size(); i > 1; --i) {
        std::swap(visit_order_[range.begin + i - 1],
                  visit_order_[range.begin + NextRandom(chaos_seed) % i]);
      }
    }
    stack_.push_back({block, range.begin, range.end});
  };

  push(graph.entry);
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    if (frame.next == frame.end) {
      const uint32_t block = frame.block;
      const regalloc::IndexRange range = graph.blocks[block].successors;
      // A block that leads to cold ones only is cold itself; a back edge settles nothing.
      bool all_cold = !range.empty();
      for (uint32_t i = range.begin; i < range.end && all_cold; ++i) {
        const uint8_t state = state_[graph.successors[i]];
        all_cold = (state & kCold) != 0 && (state & kFinished) != 0;
      }
      state_[block] |= kFinished | (all_cold ? kCold : 0);
      order_.push_back(block);
      stack_.pop_back();
      continue;
    }
    const uint32_t next = visit_order_[frame.next++];
    if (state_[next] == 0) push(next);
  }
  state_[graph.entry] &= ~kCold;
  std::reverse(order_.begin(), order_.end());
  // What is reached from cold blocks only is cold too. So no cold block dominates a hot one, and
  // the order with cold blocks last still has each block behind its dominators.
  for (const uint32_t block : order_) {
    if ((state_[block] & kHotPred) == 0 && block != graph.entry) state_[block] |= kCold;
    if ((state_[block] & kCold) != 0) continue;
    const regalloc::IndexRange range = graph.blocks[block].successors;
    for (uint32_t k = range.begin; k < range.end; ++k) state_[graph.successors[k]] |= kHotPred;
  }
}

// Fills nodes_ (blocks and edge blocks in final order), node_of_ and edge_node_.
void BlockOrder::PlaceNodes(const Graph& graph) {
  node_of_.assign(graph.blocks.size(), kNone);
  edge_node_.assign(graph.successors.size(), kNone);
  // Places the edge block of successor `next` of `block`.
  auto place_edge = [&](const Frame& edge, bool cold) {
    const SourceBlock& source = graph.blocks[edge.block];
    edge_node_[edge.next] = static_cast<uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.edge_from = edge.block;  // Turned into a node below, when all have their place.
    node.edge_index = edge.next - source.successors.begin;
    node.loop_depth =
        std::min(source.loop_depth, graph.blocks[graph.successors[edge.next]].loop_depth);
    node.cold = cold;
  };
  // Edges out of loops wait in stack_ for the loop's end, so that going round meets no code that
  // is not the loop's; the last one found comes first, for it may be what the loop falls into.
  stack_.clear();
  auto place_waiting = [&](uint32_t depth, bool cold) {
    while (!stack_.empty() && graph.blocks[stack_.back().block].loop_depth > depth) {
      place_edge(stack_.back(), cold);
      stack_.pop_back();
      ++work_;
    }
  };
  for (const bool cold : {false, true}) {
    for (const uint32_t block : order_) {
      const SourceBlock& source = graph.blocks[block];
      const bool block_cold = (state_[block] & kCold) != 0;
      if (block_cold == cold) {
        place_waiting(source.loop_depth, cold);
        node_of_[block] = static_cast<uint32_t>(nodes_.size());
        Node& node = nodes_.emplace_back();
        node.block = block;
        node.loop_depth = source.loop_depth;
        node.cold = cold;
      }
      if (source.successors.size() < 2) continue;
      for (uint32_t k = source.successors.begin; k < source.successors.end; ++k) {
        const uint32_t target = graph.successors[k];
        const bool edge_cold = block_cold || (state_[target] & kCold) != 0;
        if (pred_count_[target] < 2 || edge_cold != cold) continue;
        const Frame edge = {block, k, 0};
        if (!cold && graph.blocks[target].loop_depth < source.loop_depth) {
          stack_.push_back(edge);
        } else {
          place_edge(edge, cold);
        }
      }
    }
    place_waiting(0, cold);
  }
  for (Node& node : nodes_) {
    if (node.is_edge()) node.edge_from = node_of_[node.edge_from];
  }
}

// Fills successors_ and preds_ of the nodes.
void BlockOrder::Link(const Graph& graph) {
  std::vector<uint32_t>& count = pred_count_;
  count.assign(nodes_.size(), 0);
  for (Node& node : nodes_) {
    node.successors.begin = static_cast<uint32_t>(successors_.size());
    if (node.is_edge()) {
      const SourceBlock& from = graph.blocks[nodes_[node.edge_from].block];
      successors_.push_back(node_of_[graph.successors[from.successors.begin + node.edge_index]]);
    } else {
      const regalloc::IndexRange range = graph.blocks[node.block].successors;
      for (uint32_t k = range.begin; k < range.end; ++k) {
        successors_.push_back(edge_node_[k] != kNone ? edge_node_[k]
                                                     : node_of_[graph.successors[k]]);
      }
    }
    node.successors.end = static_cast<uint32_t>(successors_.size());
    for (uint32_t successor : SuccessorsOf(node)) ++count[successor];
  }
  uint32_t begin = 0;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].preds = {begin, begin};
    begin += count[i];
  }
  preds_.resize(begin);
  pred_ids_.resize(begin);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (uint32_t successor : SuccessorsOf(nodes_[i])) {
      const uint32_t at = nodes_[successor].preds.end++;
      preds_[at] = static_cast<uint32_t>(i);
      pred_ids_[at] = regalloc::BlockId(static_cast<uint32_t>(i));
    }
  }
}

}  // namespace gantry::codegen
