#include "codegen/pass/sink.h"

namespace gantry::codegen {
namespace {

// Steps up the dominator tree for one use; further apart, the first definition's place is kept.
constexpr int kMaxSteps = 16;

// Constants are made where they are used anyway.
bool IsMovable(const DataFlowGraph& dfg, Inst inst) {
  const Opcode opcode = dfg.opcode(inst);
  switch (opcode) {
    case Opcode::kSelectSpectreGuard:
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
    case Opcode::kV128const:
      return false;
    default:
      break;
  }
  return IsPure(opcode) && dfg.num_results(inst) == 1 && !dfg.IsReference(dfg.result(inst));
}

}  // namespace

void SinkPass::FindCold() {
  const DataFlowGraph& dfg = func_->dfg;
  cold_.clear();
  cold_.reserve(dfg.num_blocks());
  const Block entry = func_->layout.entry();
  for (Block block : cfg_->reverse_postorder()) {
    if (block == entry) continue;
    bool cold =
        dfg.block(block).cold || dfg.opcode(func_->layout.last_inst(block)) == Opcode::kTrap;
    if (!cold) {
      cold = true;
      for (const ControlFlowGraph::Pred& pred : cfg_->preds(block)) {
        ++work_;
        // What comes round a loop is as cold as the way in.
        if (cfg_->rpo_number(pred.block) >= cfg_->rpo_number(block)) continue;
        if (!cold_.contains(pred.block)) {
          cold = false;
          break;
        }
      }
    }
    if (cold) cold_.insert(block);
  }
}

// What a cold block uses that one that is not computes, and what only that may need.
bool SinkPass::FindCandidates() {
  const DataFlowGraph& dfg = func_->dfg;
  candidates_.clear();
  candidates_.reserve(dfg.num_values());
  worklist_.clear();
  const auto add = [&](Value v) {
    const Inst def = dfg.defining_inst(v);
    if (def.is_none() || !IsMovable(dfg, def)) return;
    const Block home = func_->layout.block_of(def);
    if (home.is_none() || !cfg_->is_reachable(home) || cold_.contains(home)) return;
    if (candidates_.insert(v)) worklist_.push_back(v);
  };
  for (Block block : cold_) {
    for (Inst inst : func_->layout.insts(block)) dfg.ForEachArg(inst, add);
  }
  for (size_t i = 0; i < worklist_.size(); ++i) {
    for (Value v : dfg.inst(dfg.defining_inst(worklist_[i])).args()) add(v);
  }
  return !worklist_.empty();
}

// None if it is too far up to be worth looking for.
Block SinkPass::CommonDominator(Block a, Block b) {
  for (int step = 0; step < kMaxSteps; ++step) {
    ++work_;
    if (dominators_->Dominates(a, b)) return a;
    if (dominators_->Dominates(b, a)) return b;
    a = dominators_->idom(a);
  }
  return Block::None();
}

void SinkPass::Use(Value value, Block block) {
  if (!candidates_.contains(value)) return;
  Block& from = used_from_[value];
  if (from == block) return;
  if (from.is_none()) {
    from = block;
    return;
  }
  const Block common = CommonDominator(from, block);
  // The definition dominates all uses, so its block stands for "too far up".
  const Inst def = func_->dfg.defining_inst(value);
  from = common.is_some() || def.is_none() ? common : func_->layout.block_of(def);
}

// Uses have been seen, the instruction's own operands not.
bool SinkPass::Visit(Inst inst, Block block) {
  DataFlowGraph& dfg = func_->dfg;
  Block target = block;
  if (dfg.num_results(inst) == 1 && candidates_.contains(dfg.result(inst))) {
    const Block used = used_from_.Get(dfg.result(inst));
    if (used.is_some() && cold_.contains(used) && !cold_.contains(block)) target = used;
  }
  if (target != block) {
    func_->layout.Remove(inst);
    func_->layout.InsertBefore(inst, func_->layout.first_inst(target));
  }
  dfg.ForEachArg(inst, [&](Value v) { Use(v, target); });
  return target != block;
}

bool SinkPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  cfg_ = &analyses->cfg(*func);
  dominators_ = &analyses->dominators(*func);
  FindCold();
  if (cold_.empty()) return false;
  if (!FindCandidates()) return false;
  used_from_.clear();
  used_from_.resize(func->dfg.num_values());
  // A definition comes behind its uses when going backwards, but for what a back edge passes.
  const absl::Span<const Block> order = cfg_->reverse_postorder();
  for (Block block : order) {
    const Inst last = func->layout.last_inst(block);
    func->dfg.ForEachBlockCall(last, [&](const BlockCall& call) {
      if (cfg_->rpo_number(call.block) > cfg_->rpo_number(block)) return;
      for (Value v : func->dfg.args_of(call)) Use(v, block);
    });
  }
  bool changed = false;
  for (size_t i = order.size(); i-- > 0;) {
    for (Inst inst = func->layout.last_inst(order[i]); inst.is_some();) {
      const Inst prev = func->layout.prev_inst(inst);
      changed |= Visit(inst, order[i]);
      inst = prev;
    }
  }
  return changed;
}

}  // namespace gantry::codegen
