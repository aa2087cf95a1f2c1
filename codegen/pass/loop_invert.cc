#include "codegen/pass/loop_invert.h"

#include <algorithm>

#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

// Instructions of a header that are copied, and values of it that are handed
// on.
constexpr int kMaxInsts = 8;
constexpr size_t kMaxValues = 6;
// Parameters of a header, which are looked up one by one.
constexpr size_t kMaxParams = 64;

Value Mapped(Value value, const std::vector<std::pair<Value, Value>>& mapping) {
  for (const auto& [from, to] : mapping) {
    if (from == value) return to;
  }
  return value;
}

}  // namespace

bool LoopInvertPass::IsShort(Block header) {
  const DataFlowGraph& dfg = func_->dfg;
  int count = 0;
  for (Inst inst : func_->layout.insts(header)) {
    ++work_;
    const Opcode opcode = dfg.opcode(inst);
    if (IsTerminator(opcode)) break;
    if (++count > kMaxInsts || IsCall(opcode)) return false;
  }
  return true;
}

void LoopInvertPass::FindCandidates() {
  const DataFlowGraph& dfg = func_->dfg;
  candidates_.clear();
  candidate_of_.clear();
  candidate_of_.resize(dfg.num_blocks());
  for (Loop loop : loops_->loops()) {
    Candidate candidate;
    candidate.header = loops_->header(loop);
    const Inst branch = func_->layout.last_inst(candidate.header);
    if (dfg.opcode(branch) != Opcode::kBrif || dfg.block(candidate.header).cold) continue;
    if (dfg.block_params(candidate.header).size() > kMaxParams) continue;
    size_t latches = 0;
    for (const ControlFlowGraph::Pred& pred : cfg_->preds(candidate.header)) {
      ++work_;
      if (cfg_->rpo_number(pred.block) < cfg_->rpo_number(candidate.header)) continue;
      ++latches;
      candidate.latch = pred.block;
    }
    if (latches != 1) continue;
    if (dfg.opcode(func_->layout.last_inst(candidate.latch)) != Opcode::kJump) continue;
    const Block ways[2] = {dfg.inst(branch).block_call(0).block,
                           dfg.inst(branch).block_call(1).block};
    // Within a natural loop or one inside it, or out of it.
    const bool stays[2] = {loops_->Contains(loop, ways[0]), loops_->Contains(loop, ways[1])};
    if (stays[0] == stays[1]) continue;
    candidate.stay = stays[0] ? 0 : 1;
    candidate.body = ways[candidate.stay];
    candidate.exit = ways[1 - candidate.stay];
    if (candidate.body == candidate.header || cfg_->preds(candidate.body).size() != 1) continue;
    if (!IsShort(candidate.header)) continue;
    candidates_.push_back(candidate);
    candidate_of_[candidate.header] = static_cast<uint32_t>(candidates_.size());
  }
}

// Notes what the instruction uses of candidates' headers.
void LoopInvertPass::AddUses(Inst inst, Block block) {
  const DataFlowGraph& dfg = func_->dfg;
  dfg.ForEachArg(inst, [&](Value v) {
    const ValueDef& def = dfg.value_def(v);
    const Block home = def.is_param() ? def.block() : func_->layout.block_of(def.inst());
    if (home.is_none() || home == block) return;
    const uint32_t number = candidate_of_.Get(home);
    if (number == 0) return;
    ++work_;
    Candidate& candidate = candidates_[number - 1];
    uses_.push_back({inst, block, v, candidate.first_use});
    candidate.first_use = static_cast<uint32_t>(uses_.size());
  });
}

bool LoopInvertPass::Varies(Value value) const {
  return std::find(varying_.begin(), varying_.end(), value) != varying_.end();
}

void LoopInvertPass::FindVarying(Block header) {
  const DataFlowGraph& dfg = func_->dfg;
  const absl::Span<const Value> params = dfg.block_params(header);
  varying_.assign(params.begin(), params.end());
  for (Inst inst : func_->layout.insts(header)) {
    if (IsTerminator(dfg.opcode(inst))) break;
    bool varies = !IsPure(dfg.opcode(inst));
    for (Value v : dfg.inst(inst).args()) varies |= Varies(v);
    if (!varies) continue;
    for (Value v : dfg.results(inst)) varying_.push_back(v);
  }
}

// Fills in_body_ and in_exit_; false if a use is dominated by neither, or there
// are too many.
bool LoopInvertPass::Classify(const Candidate& candidate) {
  in_body_.clear();
  in_exit_.clear();
  const bool own_exit = cfg_->preds(candidate.exit).size() == 1;
  for (uint32_t at = candidate.first_use; at != 0; at = uses_[at - 1].next) {
    ++work_;
    const Use& use = uses_[at - 1];
    if (!Varies(use.value)) continue;
    Mapping* side = nullptr;
    if (dominators_->Dominates(candidate.body, use.block)) {
      side = &in_body_;
    } else if (own_exit && dominators_->Dominates(candidate.exit, use.block)) {
      side = &in_exit_;
    } else {
      return false;
    }
    const bool known = std::any_of(side->begin(), side->end(),
                                   [&](const auto& pair) { return pair.first == use.value; });
    if (known) continue;
    if (side->size() == kMaxValues) return false;
    side->push_back({use.value, use.value});
  }
  return true;
}

// The call as made where `copies` stand for the header's values, with an
// argument for each new parameter.
BlockCall LoopInvertPass::Extended(const BlockCall& call, const Mapping& copies,
                                   const Mapping& params) {
  args_.clear();
  for (Value v : func_->dfg.args_of(call)) args_.push_back(Mapped(v, copies));
  for (const auto& [value, param] : params) args_.push_back(Mapped(value, copies));
  work_ += args_.size();
  return func_->dfg.MakeBlockCall(call.block, args_);
}

void LoopInvertPass::AddParams(Block block, Mapping* params) {
  DataFlowGraph& dfg = func_->dfg;
  for (auto& [value, param] : *params) {
    param = dfg.AppendBlockParam(block, dfg.value_type(value));
    if (dfg.IsReference(value)) dfg.MarkReference(param);
  }
  // What a header defines is no longer what its uses were looked up for.
  if (const uint32_t number = candidate_of_.Get(block); number != 0 && !params->empty()) {
    candidates_[number - 1].given_up = true;
  }
}

void LoopInvertPass::Invert(size_t index) {
  const Candidate candidate = candidates_[index];
  DataFlowGraph& dfg = func_->dfg;
  const Block latch = candidate.latch;
  const Inst back = func_->layout.last_inst(latch);
  Mapping copies;
  for (size_t i = 0; i < dfg.block_params(candidate.header).size(); ++i) {
    copies.push_back(
        {dfg.block_params(candidate.header)[i], dfg.args_of(dfg.inst(back).block_call(0))[i]});
  }
  func_->layout.Remove(back);
  const Inst branch = func_->layout.last_inst(candidate.header);
  for (Inst inst : func_->layout.insts(candidate.header)) {
    if (inst == branch) break;
    ++work_;
    InstData data = dfg.inst(inst);
    bool varies = !IsPure(data.opcode());
    for (Value& v : data.mutable_args()) {
      varies |= Varies(v);
      v = Mapped(v, copies);
    }
    if (!varies) continue;
    const Inst copy = dfg.MakeInst(data);
    func_->layout.Append(copy, latch);
    func_->relative_locs[copy] = func_->relative_locs.Get(inst);
    for (size_t i = 0; i < dfg.num_results(inst); ++i) {
      const Value from = dfg.result(inst, i), to = dfg.result(copy, i);
      copies.push_back({from, to});
      if (dfg.IsReference(from)) dfg.MarkReference(to);
    }
    AddUses(copy, latch);
  }
  const uint32_t stay = candidate.stay;
  const InstData old = dfg.inst(branch);
  InstData again = old;
  again.set_arg(0, Mapped(old.arg(0), copies));
  again.set_block_call(stay, Extended(old.block_call(stay), copies, in_body_));
  again.set_block_call(1 - stay, Extended(old.block_call(1 - stay), copies, in_exit_));
  const Inst again_inst = dfg.MakeInst(again);
  func_->layout.Append(again_inst, latch);
  func_->relative_locs[again_inst] = func_->relative_locs.Get(branch);
  AddUses(again_inst, latch);
  InstData first = old;
  first.set_block_call(stay, Extended(old.block_call(stay), {}, in_body_));
  first.set_block_call(1 - stay, Extended(old.block_call(1 - stay), {}, in_exit_));
  dfg.ReplaceInst(branch, first);

  AddParams(candidate.body, &in_body_);
  AddParams(candidate.exit, &in_exit_);
  // The copies use what the head defined a round before, if that is handed on.
  for (uint32_t at = candidates_[index].first_use; at != 0; at = uses_[at - 1].next) {
    ++work_;
    const Use& use = uses_[at - 1];
    const Mapping& side = dominators_->Dominates(candidate.body, use.block) ? in_body_ : in_exit_;
    dfg.MapArgs(use.inst, [&](Value v) { return v == use.value ? Mapped(v, side) : v; });
  }
}

bool LoopInvertPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  loops_ = &analyses->loops(*func);
  if (loops_->num_loops() == 0) return false;
  cfg_ = &analyses->cfg(*func);
  dominators_ = &analyses->dominators(*func);
  FindCandidates();
  if (candidates_.empty()) return false;
  const bool removed = RemoveUnreachableBlocks(*cfg_, func);
  uses_.clear();
  for (Block block : func->layout.blocks()) {
    for (Inst inst : func->layout.insts(block)) AddUses(inst, block);
  }
  bool changed = false;
  // Outer headers first: what is copied then has its last form.
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].given_up) continue;
    FindVarying(candidates_[i].header);
    if (!Classify(candidates_[i])) continue;
    Invert(i);
    changed = true;
  }
  if (changed) analyses->Invalidate();
  return changed || removed;
}

}  // namespace gantry::codegen
