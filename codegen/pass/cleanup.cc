// The passes that only take out: unreachable, block_params, dead_code.

#include "codegen/pass/edit.h"
#include "codegen/pass/passes.h"

namespace gantry::codegen {

// ---- unreachable.

bool UnreachablePass::Run(Function* func, PassAnalyses* analyses) {
  return RemoveUnreachableBlocks(analyses->cfg(*func), func);
}

// ---- block_params.

void BlockParamsPass::Meet(const DataFlowGraph& dfg, Value param, Value arriving) {
  Value& now = arrives_[param];
  if (arriving == param || arriving == now || now == param) return;
  // A value that is no reference can't stand for one: it would not be tracked.
  const bool one = now.is_none() && dfg.IsReference(arriving) == dfg.IsReference(param);
  now = one ? arriving : param;
  queue_.push_back(param);
}

void BlockParamsPass::Collect(const Function& func, const ControlFlowGraph& cfg) {
  const DataFlowGraph& dfg = func.dfg;
  arrives_.clear();
  arrives_.resize(dfg.num_values());
  first_use_.clear();
  first_use_.resize(dfg.num_values());
  uses_.clear();
  queue_.clear();
  for (Value v : dfg.block_params(func.layout.entry())) {
    arrives_[v] = v;
    queue_.push_back(v);
  }
  for (Block block : cfg.reverse_postorder()) {
    dfg.ForEachBlockCall(func.layout.last_inst(block), [&](const BlockCall& call) {
      const absl::Span<const Value> args = dfg.args_of(call);
      const absl::Span<const Value> params = dfg.block_params(call.block);
      for (size_t i = 0; i < params.size(); ++i) {
        if (i >= args.size()) {
          // What a call itself passes is like a value of its own.
          arrives_[params[i]] = params[i];
          queue_.push_back(params[i]);
        } else if (dfg.value_def(args[i]).is_param()) {
          uses_.push_back({params[i], first_use_[args[i]]});
          first_use_[args[i]] = static_cast<uint32_t>(uses_.size());
        } else {
          Meet(dfg, params[i], args[i]);
        }
      }
    });
  }
}

bool BlockParamsPass::Round(Function* func, const ControlFlowGraph& cfg) {
  DataFlowGraph& dfg = func->dfg;
  Collect(*func, cfg);
  while (!queue_.empty()) {
    const Value param = queue_.back();
    queue_.pop_back();
    for (uint32_t use = first_use_[param]; use != 0; use = uses_[use - 1].next) {
      Meet(dfg, uses_[use - 1].target, arrives_[param]);
    }
  }
  const auto replaced = [&](Value param) {
    const Value value = arrives_.Get(param);
    return value.is_some() && value != param;
  };
  bool changed = false;
  for (Block block : cfg.reverse_postorder()) {
    for (Value param : dfg.block_params(block)) changed |= replaced(param);
  }
  if (!changed) return false;
  DropBlockArgs(func, [&](Block target, size_t i) {
    return cfg.is_reachable(target) && replaced(dfg.block_params(target)[i]);
  });
  for (Block block : cfg.reverse_postorder()) {
    const absl::Span<const Value> params = dfg.block_params(block);
    params_.assign(params.begin(), params.end());
    dfg.FilterBlockParams(block, [&](size_t i) { return !replaced(params_[i]); });
    for (Value param : params_) {
      if (replaced(param)) dfg.ChangeToAlias(param, arrives_[param]);
    }
  }
  func->ResolveAliases();
  return true;
}

bool BlockParamsPass::Run(Function* func, PassAnalyses* analyses) {
  const ControlFlowGraph& cfg = analyses->cfg(*func);
  // A parameter whose only argument is a parameter that turned out to have several values
  // is found in the next round; more than a few are not worth their time.
  constexpr int kMaxRounds = 3;
  bool changed = false;
  for (int round = 0; round < kMaxRounds; ++round) {
    if (!Round(func, cfg)) break;
    changed = true;
  }
  return changed;
}

// ---- dead_code.

void DeadCodePass::Mark(const DataFlowGraph& dfg, Value value) {
  const ValueDef& def = dfg.value_def(value);
  if (def.is_param()) {
    if (live_params_.insert(value)) params_.push_back(value);
  } else if (live_insts_.insert(def.inst())) {
    insts_.push_back(def.inst());
  }
}

// All operands but the arguments of branches, which are needed only if the parameters are.
void DeadCodePass::MarkOperands(const DataFlowGraph& dfg, Inst inst) {
  for (Value v : dfg.inst(inst).args()) Mark(dfg, v);
  for (Value v : dfg.list_args(inst)) Mark(dfg, v);
}

void DeadCodePass::MarkAll(const Function& func, const ControlFlowGraph& cfg) {
  const DataFlowGraph& dfg = func.dfg;
  for (Block block : func.layout.blocks()) {
    // Unreachable blocks are left alone, and so is what they use.
    const bool keep_all = !cfg.is_reachable(block);
    for (Inst inst : func.layout.insts(block)) {
      if (keep_all) dfg.ForEachArg(inst, [&](Value v) { Mark(dfg, v); });
      if ((keep_all || !dfg.IsRemovable(inst)) && live_insts_.insert(inst)) {
        insts_.push_back(inst);
      }
    }
    // What a call passes by itself can't be left out.
    const Inst last = func.layout.last_inst(block);
    dfg.ForEachBlockCall(last, [&](const BlockCall& call) {
      const absl::Span<const Value> params = dfg.block_params(call.block);
      for (size_t i = dfg.args_of(call).size(); i < params.size(); ++i) Mark(dfg, params[i]);
    });
  }
  for (Value v : dfg.block_params(func.layout.entry())) Mark(dfg, v);
  while (!insts_.empty() || !params_.empty()) {
    if (!insts_.empty()) {
      const Inst inst = insts_.back();
      insts_.pop_back();
      MarkOperands(dfg, inst);
      continue;
    }
    const Value param = params_.back();
    params_.pop_back();
    const ValueDef& def = dfg.value_def(param);
    if (def.block() == func.layout.entry()) continue;
    for (const ControlFlowGraph::Pred& pred : cfg.preds(def.block())) {
      MarkArg(dfg, func.layout.last_inst(pred.block), pred.index, def.position());
    }
  }
}

// Marks argument `position` of branch target number `target`.
void DeadCodePass::MarkArg(const DataFlowGraph& dfg, Inst branch, uint32_t target,
                           uint32_t position) {
  const InstData& data = dfg.inst(branch);
  BlockCall call;
  switch (data.format()) {
    case Format::kBranchTable: {
      const absl::Span<const BlockCall> entries = dfg.jump_table_entries(data.jump_table());
      call = target < entries.size() ? entries[target] : dfg.jump_table_default(data.jump_table());
      break;
    }
    case Format::kTryCall:
    case Format::kTryCallIndirect:
      call = target == 0 ? dfg.normal_continuation(data.handler_table())
                         : dfg.handlers(data.handler_table())[target - 1].target;
      break;
    default:
      call = data.block_call(target);
      break;
  }
  const absl::Span<const Value> args = dfg.args_of(call);
  if (position < args.size()) Mark(dfg, args[position]);
}

bool DeadCodePass::Run(Function* func, PassAnalyses* analyses) {
  const ControlFlowGraph& cfg = analyses->cfg(*func);
  DataFlowGraph& dfg = func->dfg;
  live_insts_.clear();
  live_insts_.reserve(dfg.num_insts());
  live_params_.clear();
  live_params_.reserve(dfg.num_values());
  insts_.clear();
  params_.clear();
  MarkAll(*func, cfg);
  bool changed = false;
  bool params_changed = false;
  for (Block block : func->layout.blocks()) {
    if (!cfg.is_reachable(block)) continue;
    for (Inst inst = func->layout.first_inst(block); inst.is_some();) {
      const Inst next = func->layout.next_inst(inst);
      if (!live_insts_.contains(inst)) {
        func->layout.Remove(inst);
        changed = true;
      }
      inst = next;
    }
    for (Value param : dfg.block_params(block)) params_changed |= !live_params_.contains(param);
  }
  if (!params_changed) return changed;
  DropBlockArgs(func, [&](Block target, size_t i) {
    return cfg.is_reachable(target) && !live_params_.contains(dfg.block_params(target)[i]);
  });
  for (Block block : cfg.reverse_postorder()) {
    const absl::Span<const Value> params = dfg.block_params(block);
    params_.assign(params.begin(), params.end());
    dfg.FilterBlockParams(block, [&](size_t i) { return live_params_.contains(params_[i]); });
  }
  return true;
}

}  // namespace gantry::codegen
