#include "codegen/pass/polls.h"

#include <algorithm>

#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

// Instructions of a round up to which so many rounds stand in a row. Larger loops hide a poll
// behind what else they do, and code that is copied is compiled.
struct Size {
  uint32_t insts;
  uint32_t rounds;
};
constexpr Size kSizes[] = {{8, 4}, {12, 3}, {16, 2}};
constexpr uint32_t kMaxBlocks = 8;
constexpr size_t kMaxExits = 4;
constexpr size_t kMaxExitValues = 8;
// Instructions that may run between two polls in loops of constant bounds.
constexpr uint64_t kMaxBound = 4096;
// Rounds that are counted out to find a bound.
constexpr uint64_t kMaxCounted = 256;

bool IsPoll(Opcode opcode) { return opcode == Opcode::kPollPage || opcode == Opcode::kPollWord; }

bool IsConstant(Opcode opcode) {
  return opcode == Opcode::kIconst || opcode == Opcode::kF32const || opcode == Opcode::kF64const ||
         opcode == Opcode::kV128const;
}

uint32_t RoundsFor(uint32_t insts) {
  for (const Size& size : kSizes) {
    if (insts <= size.insts) return size.rounds;
  }
  return 1;
}

uint64_t Truncated(Type type, uint64_t bits) {
  return TypeBits(type) >= 64 ? bits : bits & ((uint64_t{1} << TypeBits(type)) - 1);
}

bool Holds(IntCC cc, Type type, uint64_t a, uint64_t b) {
  const uint32_t unused = 64 - TypeBits(type);
  const auto sa = static_cast<int64_t>(a << unused), sb = static_cast<int64_t>(b << unused);
  switch (cc) {
    case IntCC::kEq:
      return a == b;
    case IntCC::kNe:
      return a != b;
    case IntCC::kSlt:
      return sa < sb;
    case IntCC::kSge:
      return sa >= sb;
    case IntCC::kSgt:
      return sa > sb;
    case IntCC::kSle:
      return sa <= sb;
    case IntCC::kUlt:
      return a < b;
    case IntCC::kUge:
      return a >= b;
    case IntCC::kUgt:
      return a > b;
    case IntCC::kUle:
      return a <= b;
  }
  UNREACHABLE();
}

std::optional<uint64_t> ConstantOf(const DataFlowGraph& dfg, Value value) {
  const Inst inst = dfg.defining_inst(value);
  if (inst.is_none() || dfg.opcode(inst) != Opcode::kIconst) return std::nullopt;
  return dfg.inst(inst).const_bits();
}

// value = from + step; nothing where it is not.
struct Sum {
  Value from;
  uint64_t step;
};
std::optional<Sum> SumOf(const DataFlowGraph& dfg, Value value) {
  const Inst inst = dfg.defining_inst(value);
  if (inst.is_none()) return std::nullopt;
  const InstData& data = dfg.inst(inst);
  if (data.opcode() != Opcode::kIadd && data.opcode() != Opcode::kIsub) return std::nullopt;
  const std::optional<uint64_t> step = ConstantOf(dfg, data.arg(1));
  if (!step.has_value()) return std::nullopt;
  return Sum{data.arg(0), data.opcode() == Opcode::kIadd ? *step : 0 - *step};
}

}  // namespace

// False if nothing polls, or there are no loops or too many of a kind to tell what each does.
bool PollsPass::Analyze(PassAnalyses* analyses) {
  loops_ = &analyses->loops(*func_);
  if (loops_->num_loops() == 0 || loops_->irreducible()) return false;
  cfg_ = &analyses->cfg(*func_);
  dominators_ = &analyses->dominators(*func_);
  const DataFlowGraph& dfg = func_->dfg;
  facts_.clear();
  for (size_t i = 0; i < loops_->num_loops(); ++i) facts_.Push(LoopFacts());
  for (Loop loop : loops_->loops()) {
    if (loops_->parent(loop).is_some()) facts_[loops_->parent(loop)].outer = true;
  }
  bool any = false;
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_none()) continue;
    LoopFacts& facts = facts_[loop];
    ++facts.blocks;
    for (Inst inst : func_->layout.insts(block)) {
      const Opcode opcode = dfg.opcode(inst);
      if (IsPoll(opcode)) {
        ++facts.polls;
        facts.head_polls |= loops_->header(loop) == block;
        any = true;
        continue;
      }
      if (!IsConstant(opcode)) ++facts.insts;
      switch (opcode) {
        case Opcode::kBrTable:
        case Opcode::kFuelCharge:
        case Opcode::kFuelCheck:
        case Opcode::kTierCheck:
          facts.fixed = true;
          break;
        default:
          if (IsCall(opcode)) facts.calls = facts.fixed = true;
          break;
      }
    }
  }
  return any;
}

// ---- Where to poll.

// Polls in front of a tail call stay, and one for each loop that has it in its head.
bool PollsPass::RemoveRedundant() {
  const DataFlowGraph& dfg = func_->dfg;
  bool changed = false;
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_none()) {
      const Opcode last = dfg.opcode(func_->layout.last_inst(block));
      if (last == Opcode::kReturnCall || last == Opcode::kReturnCallIndirect) continue;
    } else if (!facts_[loop].head_polls || loops_->header(loop) == block) {
      continue;
    }
    const uint32_t removed = RemovePolls(block);
    if (loop.is_some()) facts_[loop].polls -= removed;
    changed |= removed != 0;
  }
  return changed;
}

// A load of the address for all polls, at the entry as a rule, is moved to where the ways to them
// part, so that who leaves before does not wait for it.
bool PollsPass::SinkAddresses() {
  const DataFlowGraph& dfg = func_->dfg;
  const Block entry = func_->layout.entry();
  Inst load;
  Block target;
  for (Block block : cfg_->reverse_postorder()) {
    for (Inst inst : func_->layout.insts(block)) {
      if (!IsPoll(dfg.opcode(inst))) continue;
      const Inst address = dfg.defining_inst(dfg.inst(inst).arg(0));
      if (address.is_none() || dfg.opcode(address) != Opcode::kLoad ||
          func_->layout.block_of(address) != entry || (load.is_some() && load != address)) {
        return false;
      }
      load = address;
      target = target.is_none() ? block : dominators_->CommonDominator(target, block);
    }
  }
  if (load.is_none()) return false;
  const MemFlags flags = dfg.inst(load).flags();
  if (!flags.readonly() || flags.can_trap()) return false;
  while (loops_->innermost(target).is_some()) target = dominators_->idom(target);
  if (target == entry) return false;
  // Others may use it.
  const Value value = dfg.result(load);
  for (Block block : cfg_->reverse_postorder()) {
    for (Inst inst : func_->layout.insts(block)) {
      bool uses = false;
      dfg.ForEachArg(inst, [&](Value v) { uses |= v == value; });
      if (uses && !dominators_->Dominates(target, block)) return false;
    }
  }
  func_->layout.Remove(load);
  func_->layout.InsertBefore(load, func_->layout.first_inst(target));
  return true;
}

// ---- Loops of constant bounds.

// How often the loop's latch leads back at most, where the block `test` asks in every round whether
// to leave.
std::optional<uint64_t> PollsPass::RoundsUntil(Loop loop, Block latch, Block test) const {
  const DataFlowGraph& dfg = func_->dfg;
  const Inst branch = func_->layout.last_inst(test);
  if (dfg.opcode(branch) != Opcode::kBrif) return std::nullopt;
  const bool stays[2] = {loops_->Contains(loop, dfg.inst(branch).block_call(0).block),
                         loops_->Contains(loop, dfg.inst(branch).block_call(1).block)};
  if (stays[0] == stays[1]) return std::nullopt;
  // What is compared with what.
  Value compared = dfg.inst(branch).arg(0);
  IntCC cc = IntCC::kNe;
  uint64_t limit = 0;
  const Inst comparison = dfg.defining_inst(compared);
  if (comparison.is_some() && dfg.opcode(comparison) == Opcode::kIcmp) {
    const std::optional<uint64_t> constant = ConstantOf(dfg, dfg.inst(comparison).arg(1));
    if (!constant.has_value()) return std::nullopt;
    cc = dfg.inst(comparison).int_cc();
    limit = *constant;
    compared = dfg.inst(comparison).arg(0);
  }
  const Type type = dfg.value_type(compared);
  if (!IsInt(type) || TypeBits(type) > 64) return std::nullopt;
  // It is a variable of the loop, or that and a constant.
  uint64_t ahead = 0;
  Value variable = compared;
  const Block header = loops_->header(loop);
  const auto is_variable = [&](Value v) {
    return dfg.value_def(v).is_param() && dfg.value_def(v).block() == header;
  };
  if (!is_variable(variable)) {
    const std::optional<Sum> sum = SumOf(dfg, compared);
    if (!sum.has_value() || !is_variable(sum->from)) return std::nullopt;
    ahead = sum->step;
    variable = sum->from;
  }
  const uint32_t position = dfg.value_def(variable).position();
  // Where it begins and what each round adds.
  std::optional<uint64_t> first, step;
  for (const ControlFlowGraph::Pred& pred : cfg_->preds(header)) {
    uint32_t index = 0;
    Value argument;
    dfg.ForEachBlockCall(func_->layout.last_inst(pred.block), [&](const BlockCall& call) {
      if (index++ == pred.index) argument = dfg.args_of(call)[position];
    });
    if (pred.block == latch) {
      const std::optional<Sum> sum = SumOf(dfg, argument);
      if (!sum.has_value() || sum->from != variable || step.has_value()) return std::nullopt;
      step = sum->step;
    } else {
      const std::optional<uint64_t> constant = ConstantOf(dfg, argument);
      if (!constant.has_value() || (first.has_value() && first != constant)) return std::nullopt;
      first = constant;
    }
  }
  if (!first.has_value() || !step.has_value()) return std::nullopt;
  uint64_t value = Truncated(type, *first + ahead);
  for (uint64_t rounds = 0; rounds < kMaxCounted; ++rounds) {
    if (Holds(cc, type, value, limit) != stays[0]) return rounds;
    value = Truncated(type, value + *step);
  }
  return std::nullopt;
}

std::optional<uint64_t> PollsPass::RoundsOf(Loop loop) {
  const Block header = loops_->header(loop);
  Block latch;
  for (const ControlFlowGraph::Pred& pred : cfg_->preds(header)) {
    ++work_;
    if (!loops_->Contains(loop, pred.block)) continue;
    if (latch.is_some()) return std::nullopt;
    latch = pred.block;
  }
  // Where each round asks: at its end or at its beginning.
  for (const Block test : {latch, header}) {
    work_ += cfg_->preds(header).size();
    const std::optional<uint64_t> rounds = RoundsUntil(loop, latch, test);
    if (rounds.has_value()) return rounds;
  }
  return std::nullopt;
}

void PollsPass::FindBounds() {
  // Inner loops have the greater numbers.
  for (size_t i = facts_.size(); i-- > 0;) {
    const Loop loop = Loop::FromIndex(i);
    LoopFacts& facts = facts_[loop];
    const uint64_t round = facts.insts + facts.inner_bound;
    if (!facts.calls && !facts.inner_unbounded && round <= kMaxBound) {
      const std::optional<uint64_t> rounds = RoundsOf(loop);
      work_ += rounds.value_or(0);
      if (rounds.has_value() && (*rounds + 1) * round <= kMaxBound) {
        facts.bound = (*rounds + 1) * round;
      }
    }
    const Loop parent = loops_->parent(loop);
    if (parent.is_none()) continue;
    facts_[parent].inner_bound += facts.bound;
    facts_[parent].inner_unbounded |= facts.bound == 0;
    facts_[parent].calls |= facts.calls;
  }
  // Around a loop without polls the next one that has no bound polls by itself.
  for (Loop loop : loops_->loops()) {
    LoopFacts& facts = facts_[loop];
    const Loop parent = loops_->parent(loop);
    facts.covered = parent.is_none() || (facts_[parent].bound != 0 ? facts_[parent].covered
                                                                   : facts_[parent].polls != 0);
  }
}

uint32_t PollsPass::RemovePolls(Block block) {
  uint32_t removed = 0;
  for (Inst inst = func_->layout.first_inst(block); inst.is_some();) {
    const Inst next = func_->layout.next_inst(inst);
    if (IsPoll(func_->dfg.opcode(inst))) {
      func_->layout.Remove(inst);
      ++removed;
    }
    inst = next;
  }
  return removed;
}

bool PollsPass::DropInBounded() {
  bool changed = false;
  for (Loop loop : loops_->loops()) {
    LoopFacts& facts = facts_[loop];
    if (facts.bound == 0 || !facts.covered || facts.polls == 0) continue;
    facts.polls = 0;
    facts.head_polls = false;
    changed = facts.drops = true;
  }
  if (!changed) return false;
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_some() && facts_[loop].drops) RemovePolls(block);
  }
  return true;
}

// ---- Small loops.

bool PollsPass::IsSmall(const LoopFacts& facts) const {
  return !facts.outer && !facts.fixed && facts.polls != 0 && facts.blocks <= kMaxBlocks &&
         RoundsFor(facts.insts) > 1;
}

void PollsPass::FindCandidates() {
  candidates_.clear();
  blocks_.clear();
  uint32_t total = 0;
  for (Block block : cfg_->reverse_postorder()) {
    if (!loops_->is_header(block)) continue;
    const Loop loop = loops_->innermost(block);
    LoopFacts& facts = facts_[loop];
    if (!IsSmall(facts) || func_->dfg.block(block).cold) continue;
    const uint32_t rounds = RoundsFor(facts.insts);
    // Headers in reverse postorder: what one loop defines is used in later ones alone.
    candidates_.push_back({.loop = loop, .first_block = total, .rounds = rounds});
    facts.candidate = static_cast<uint32_t>(candidates_.size());
    total += facts.blocks;
  }
  if (candidates_.empty()) return;
  blocks_.resize(total);
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_none() || facts_[loop].candidate == 0) continue;
    Candidate& candidate = candidates_[facts_[loop].candidate - 1];
    blocks_[candidate.first_block + candidate.num_blocks++] = block;
  }
}

// What candidates define and others use.
void PollsPass::FindUses() {
  const DataFlowGraph& dfg = func_->dfg;
  uses_.clear();
  for (Block block : cfg_->reverse_postorder()) {
    const Loop here = loops_->innermost(block);
    for (Inst inst : func_->layout.insts(block)) {
      dfg.ForEachArg(inst, [&](Value v) {
        const ValueDef& def = dfg.value_def(v);
        const Block home = def.is_param() ? def.block() : func_->layout.block_of(def.inst());
        if (home.is_none() || home == block) return;
        const Loop loop = loops_->innermost(home);
        if (loop.is_none() || loop == here || facts_[loop].candidate == 0) return;
        Candidate& candidate = candidates_[facts_[loop].candidate - 1];
        uses_.push_back({inst, block, v, candidate.first_use});
        candidate.first_use = static_cast<uint32_t>(uses_.size());
      });
    }
  }
}

// Fills latches_, exits_ and exit_values_; false if a use is behind no exit of the loop's own, or
// there are too many.
//
// An exit that only the loop leads to, and that dominates a use, lies behind each definition on
// every way to that use, and each edge to it behind the definition.
bool PollsPass::FindExitValues(const Candidate& candidate) {
  latches_.clear();
  exits_.clear();
  exit_values_.clear();
  const Block header = loops_->header(candidate.loop);
  for (Block block : BlocksOf(candidate)) {
    for (Block successor : cfg_->succs(block)) {
      if (successor == header) {
        latches_.push_back(block);
      } else if (!IsIn(candidate.loop, successor)) {
        if (std::find(exits_.begin(), exits_.end(), successor) != exits_.end()) continue;
        exits_.push_back(successor);
        if (exits_.size() > kMaxExits) return false;
      }
    }
  }
  work_ += candidate.num_blocks;
  for (uint32_t at = candidate.first_use; at != 0; at = uses_[at - 1].next) {
    const Use& use = uses_[at - 1];
    Block exit;
    for (Block block : exits_) {
      ++work_;
      if (dominators_->Dominates(block, use.block)) exit = block;
    }
    if (exit.is_none()) return false;
    const bool known = std::any_of(
        exit_values_.begin(), exit_values_.end(),
        [&](const ExitValue& other) { return other.exit == exit && other.value == use.value; });
    if (known) continue;
    if (exit_values_.size() == kMaxExitValues) return false;
    for (const ControlFlowGraph::Pred& pred : cfg_->preds(exit)) {
      ++work_;
      if (!IsIn(candidate.loop, pred.block)) return false;
    }
    exit_values_.push_back({exit, use.value, Value()});
  }
  return true;
}

void PollsPass::PassExitValues(const Candidate& candidate) {
  if (exit_values_.empty()) return;
  DataFlowGraph& dfg = func_->dfg;
  for (Block block : BlocksOf(candidate)) {
    dfg.MapBlockCalls(func_->layout.last_inst(block), [&](BlockCall call) {
      for (const ExitValue& handed : exit_values_) {
        if (handed.exit == call.block) call.args.Push(handed.value, dfg.value_lists());
      }
      return call;
    });
  }
  for (ExitValue& handed : exit_values_) {
    handed.param = dfg.AppendBlockParam(handed.exit, dfg.value_type(handed.value));
    if (dfg.IsReference(handed.value)) dfg.MarkReference(handed.param);
  }
  for (uint32_t at = candidate.first_use; at != 0; at = uses_[at - 1].next) {
    const Use& use = uses_[at - 1];
    ++work_;
    for (const ExitValue& handed : exit_values_) {
      if (handed.value != use.value || !dominators_->Dominates(handed.exit, use.block)) continue;
      dfg.MapArgs(use.inst, [&](Value v) { return v == handed.value ? handed.param : v; });
      break;
    }
  }
}

Value PollsPass::Copied(Value value) const {
  const Value copy = copies_.Get(value);
  return copy.is_some() ? copy : value;
}

void PollsPass::CopyBlock(Block block, Block copy, bool polls) {
  DataFlowGraph& dfg = func_->dfg;
  for (Inst inst : func_->layout.insts(block)) {
    ++work_;
    InstData data = dfg.inst(inst);
    if (IsPoll(data.opcode()) && !polls) continue;
    for (Value& v : data.mutable_args()) v = Copied(v);
    for (size_t i = 0; i < data.num_block_calls(); ++i) {
      const BlockCall call = data.block_call(i);
      args_.clear();
      for (Value v : dfg.args_of(call)) args_.push_back(Copied(v));
      // Back to the loop's head until LeadBack says otherwise.
      const Block target = block_copies_.Get(call.block);
      data.set_block_call(i, dfg.MakeBlockCall(target.is_some() ? target : call.block, args_));
    }
    const Inst made = dfg.MakeInst(data);
    func_->layout.Append(made, copy);
    func_->relative_locs[made] = func_->relative_locs.Get(inst);
    for (size_t i = 0; i < dfg.num_results(inst); ++i) {
      const Value from = dfg.result(inst, i), to = dfg.result(made, i);
      copies_[from] = to;
      if (dfg.IsReference(from)) dfg.MarkReference(to);
    }
  }
}

// Edges of the latches to `header` go to the copy of it.
void PollsPass::LeadBack(absl::Span<const Block> latches, Block header, Block to) {
  DataFlowGraph& dfg = func_->dfg;
  for (Block latch : latches) {
    dfg.MapBlockCalls(func_->layout.last_inst(latch), [&](BlockCall call) {
      if (call.block != header) return call;
      call.block = to;
      // With one way in, its parameters are what is handed to them.
      if (dfg.block_params(to).empty()) call.args.Clear(dfg.value_lists());
      return call;
    });
  }
}

// One more round behind those there are.
void PollsPass::CopyRound(const Candidate& candidate, bool polls) {
  DataFlowGraph& dfg = func_->dfg;
  const Block header = loops_->header(candidate.loop);
  for (Block block : BlocksOf(candidate)) {
    const Block copy = dfg.MakeBlock();
    dfg.mutable_block(copy).cold = dfg.block(block).cold;
    func_->layout.InsertAfter(copy, after_);
    after_ = copy;
    block_copies_[block] = copy;
  }
  const Block header_copy = block_copies_.Get(header);
  std::swap(copies_, earlier_copies_);
  const auto earlier = [&](Value v) {
    const Value copy = earlier_copies_.Get(v);
    return copy.is_some() ? copy : v;
  };
  if (latches_.size() == 1) {
    const Inst back = func_->layout.last_inst(latches_[0]);
    dfg.ForEachBlockCall(back, [&](const BlockCall& call) {
      if (call.block != header) return;
      const absl::Span<const Value> arguments = dfg.args_of(call);
      for (size_t i = 0; i < arguments.size(); ++i) {
        copies_[dfg.block_params(header)[i]] = earlier(arguments[i]);
      }
    });
  }
  for (Block block : BlocksOf(candidate)) {
    if (block == header && latches_.size() == 1) continue;
    const size_t count = dfg.block_params(block).size();
    for (size_t i = 0; i < count; ++i) {
      const Value from = dfg.block_params(block)[i];
      const Value to = dfg.AppendBlockParam(block_copies_.Get(block), dfg.value_type(from));
      if (dfg.IsReference(from)) dfg.MarkReference(to);
      copies_[from] = to;
    }
  }
  block_copies_[header] = Block();
  for (Block block : BlocksOf(candidate)) {
    CopyBlock(block, block == header ? header_copy : block_copies_.Get(block), polls);
  }
  // The round before goes on here. The loop's own does so in the end, for it is what is copied.
  if (!copied_latches_.empty()) LeadBack(copied_latches_, header, header_copy);
  copied_latches_.clear();
  for (Block latch : latches_) {
    copied_latches_.push_back(latch == header ? header_copy : block_copies_.Get(latch));
  }
}

void PollsPass::Unroll(const Candidate& candidate) {
  const absl::Span<const Block> blocks = BlocksOf(candidate);
  const Block header = loops_->header(candidate.loop);
  PassExitValues(candidate);
  after_ = blocks.back();
  copied_latches_.clear();
  Block second;
  const auto forget = [&](entity::SecondaryMap<Value, Value>& copies) {
    for (Block block : blocks) {
      for (Value v : func_->dfg.block_params(block)) copies[v] = Value();
      for (Inst inst : func_->layout.insts(block)) {
        for (Value v : func_->dfg.results(inst)) copies[v] = Value();
      }
    }
  };
  forget(copies_);
  forget(earlier_copies_);
  for (uint32_t round = 1; round < candidate.rounds; ++round) {
    const Block last = after_;
    CopyRound(candidate, round + 1 == candidate.rounds);
    if (round == 1) second = func_->layout.next(last);
  }
  LeadBack(latches_, header, second);
  for (Block block : blocks) RemovePolls(block);
}

bool PollsPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  if (!Analyze(analyses)) return false;
  FindBounds();
  bool changed = DropInBounded();
  changed |= RemoveRedundant();
  changed |= SinkAddresses();
  FindCandidates();
  if (candidates_.empty()) return changed;
  changed |= RemoveUnreachableBlocks(*cfg_, func);
  FindUses();
  bool unrolled = false;
  block_copies_.clear();
  copies_.clear();
  earlier_copies_.clear();
  for (const Candidate& candidate : candidates_) {
    if (!FindExitValues(candidate)) continue;
    Unroll(candidate);
    unrolled = true;
  }
  if (unrolled) analyses->Invalidate();
  return changed || unrolled;
}

}  // namespace gantry::codegen
