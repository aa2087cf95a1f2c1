#include "codegen/analysis/cfg.h"

#include <algorithm>

namespace gantry::codegen {

void ControlFlowGraph::Compute(const FunctionStencil& func) {
  const size_t count = func.dfg.num_blocks();
  succ_first_.resize(count + 1);
  succs_.clear();
  for (size_t i = 0; i < count; ++i) {
    succ_first_[i] = static_cast<uint32_t>(succs_.size());
    const Block block(static_cast<uint32_t>(i));
    const Inst last = func.layout.last_inst(block);
    if (last.is_none()) continue;
    func.dfg.ForEachBlockCall(last, [&](const BlockCall& call) { succs_.push_back(call.block); });
  }
  succ_first_[count] = static_cast<uint32_t>(succs_.size());
  rpo_number_.assign(count, kUnreached);
  rpo_.clear();
  if (func.layout.entry().is_some()) ComputeOrder(func.layout.entry());
  ComputePreds();
  work_ += count + rpo_.size() + 2 * succs_.size() + preds_.size();
}

void ControlFlowGraph::ComputeOrder(Block entry) {
  // Depth first; a block's number is first a mark that it was seen. The last successor is
  // visited first, so that in the order the first one follows its block.
  const auto push = [&](Block block) {
    rpo_number_[block.index()] = 0;
    stack_.push_back({block, static_cast<uint32_t>(succs(block).size())});
  };
  stack_.clear();
  push(entry);
  while (!stack_.empty()) {
    Visit& top = stack_.back();
    if (top.next == 0) {
      rpo_.push_back(top.block);
      stack_.pop_back();
      continue;
    }
    const Block succ = succs(top.block)[--top.next];
    if (rpo_number_[succ.index()] == kUnreached) push(succ);
  }
  std::reverse(rpo_.begin(), rpo_.end());
  for (size_t i = 0; i < rpo_.size(); ++i) {
    rpo_number_[rpo_[i].index()] = static_cast<uint32_t>(i);
  }
}

void ControlFlowGraph::ComputePreds() {
  const size_t count = rpo_number_.size();
  pred_first_.assign(count + 1, 0);
  for (Block block : rpo_) {
    for (Block succ : succs(block)) ++pred_first_[succ.index()];
  }
  uint32_t total = 0;
  for (size_t i = 0; i <= count; ++i) total = pred_first_[i] += total;
  preds_.resize(total);
  // Filled from the back, so that each list ends up in order with its start where it was.
  for (size_t i = rpo_.size(); i-- > 0;) {
    const Block block = rpo_[i];
    const absl::Span<const Block> targets = succs(block);
    for (uint32_t k = static_cast<uint32_t>(targets.size()); k-- > 0;) {
      preds_[--pred_first_[targets[k].index()]] = {block, k};
    }
  }
}

}  // namespace gantry::codegen
