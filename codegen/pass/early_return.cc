#include "codegen/pass/early_return.h"

#include <algorithm>

#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

constexpr size_t kMaxEarlyBlocks = 10;
constexpr uint32_t kMaxEarlyInsts = 48;
// Of a way that is copied: blocks, and operations that are no constants.
constexpr uint32_t kMaxBlocks = 3;
constexpr uint32_t kMaxOperations = 2;
constexpr uint32_t kMaxInsts = 6;

bool IsConstant(Opcode opcode) {
  return opcode == Opcode::kIconst || opcode == Opcode::kF32const || opcode == Opcode::kF64const;
}

}  // namespace

bool EarlyReturnPass::IsEarly(Block block) const {
  return std::find(early_.begin(), early_.end(), block) != early_.end();
}

void EarlyReturnPass::FindEarlyBlocks() {
  early_.clear();
  for (Block block : cfg_->reverse_postorder()) {
    if (early_.size() == kMaxEarlyBlocks) return;
    bool early = !func_->dfg.block(block).cold;
    for (const ControlFlowGraph::Pred& pred : cfg_->preds(block)) {
      ++work_;
      if (!early) break;
      early = IsEarly(pred.block);
    }
    if (!early) continue;
    uint32_t count = 0;
    for (Inst inst : func_->layout.insts(block)) {
      ++work_;
      early = ++count <= kMaxEarlyInsts && !IsCall(func_->dfg.opcode(inst));
      if (!early) break;
    }
    if (early) early_.push_back(block);
  }
}

bool EarlyReturnPass::EndsSoon(const BlockCall& way) {
  const DataFlowGraph& dfg = func_->dfg;
  // The return of early ways alone is where it ought to be.
  const absl::Span<const ControlFlowGraph::Pred> preds = cfg_->preds(way.block);
  if (preds.size() < 2 && dfg.opcode(func_->layout.last_inst(way.block)) != Opcode::kJump) {
    return false;
  }
  uint32_t insts = 0, operations = 0;
  Block block = way.block;
  for (uint32_t blocks = 0; blocks < kMaxBlocks; ++blocks) {
    if (IsEarly(block) || dfg.block(block).cold) return false;
    for (Inst inst : func_->layout.insts(block)) {
      ++work_;
      const InstData& data = dfg.inst(inst);
      if (data.opcode() == Opcode::kReturn) return true;
      if (data.opcode() == Opcode::kJump) break;
      if (++insts > kMaxInsts || !IsPure(data.opcode()) || data.num_results() != 1) return false;
      operations += IsConstant(data.opcode()) ? 0 : 1;
    }
    const InstData& last = dfg.inst(func_->layout.last_inst(block));
    if (operations > kMaxOperations || last.opcode() != Opcode::kJump) return false;
    block = last.block_call(0).block;
  }
  return false;
}

Value EarlyReturnPass::Mapped(Value value) const {
  for (const auto& [from, to] : mapping_) {
    if (from == value) return to;
  }
  return value;
}

void EarlyReturnPass::Copy(const BlockCall& way, Block to) {
  DataFlowGraph& dfg = func_->dfg;
  mapping_.clear();
  BlockCall call = way;
  for (;;) {
    // The arguments are values of the block before, whose own mapping is complete.
    const absl::Span<const Value> params = dfg.block_params(call.block);
    args_.clear();
    for (Value arg : dfg.args_of(call)) args_.push_back(Mapped(arg));
    for (size_t i = 0; i < params.size(); ++i) mapping_.emplace_back(params[i], args_[i]);
    for (Inst inst : func_->layout.insts(call.block)) {
      ++work_;
      InstData data = dfg.inst(inst);
      if (data.opcode() == Opcode::kJump) {
        call = data.block_call(0);
        break;
      }
      if (data.opcode() == Opcode::kReturn) {
        args_.clear();
        for (Value value : dfg.list_args(inst)) args_.push_back(Mapped(value));
        data.set_list(dfg.MakeList(args_));
      }
      for (Value& arg : data.mutable_args()) arg = Mapped(arg);
      const Inst copy = dfg.MakeInst(data);
      func_->layout.Append(copy, to);
      func_->relative_locs[copy] = func_->relative_locs.Get(inst);
      if (data.opcode() == Opcode::kReturn) return;
      mapping_.emplace_back(dfg.result(inst), dfg.result(copy));
    }
  }
}

bool EarlyReturnPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  cfg_ = &analyses->cfg(*func);
  FindEarlyBlocks();
  // Without a call or much else there is nothing to be saved.
  if (early_.empty() || early_.size() == cfg_->reverse_postorder().size()) return false;
  DataFlowGraph& dfg = func->dfg;
  bool changed = false;
  for (Block block : early_) {
    const Inst last = func->layout.last_inst(block);
    const InstData data = dfg.inst(last);
    if (data.opcode() == Opcode::kJump && EndsSoon(data.block_call(0))) {
      func->layout.Remove(last);
      Copy(data.block_call(0), block);
      changed = true;
    }
    if (data.opcode() != Opcode::kBrif) continue;
    for (size_t i = 0; i < data.num_block_calls(); ++i) {
      if (!EndsSoon(data.block_call(i))) continue;
      const Block leave = dfg.MakeBlock();
      func->layout.InsertAfter(leave, block);
      Copy(data.block_call(i), leave);
      InstData branch = dfg.inst(last);
      branch.set_block_call(i, dfg.MakeBlockCall(leave, {}));
      dfg.ReplaceInst(last, branch);
      changed = true;
    }
  }
  if (changed) analyses->Invalidate();
  return changed;
}

}  // namespace gantry::codegen
