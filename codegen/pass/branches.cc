#include "codegen/pass/branches.h"

#include <algorithm>

#include "codegen/pass/edit.h"
#include "codegen/pass/fold.h"

namespace gantry::codegen {
namespace {

// Comparisons with one first operand that are looked through for one with the same second.
constexpr int kMaxComparisons = 8;
// Blocks passed over by one edge.
constexpr int kMaxForwards = 4;
// Instructions copied onto an edge whose way through a block is known, and in all as a share of
// the function.
constexpr int kMaxCopied = 4;

// How two integers can compare: equal, or less or greater, signed and unsigned.
constexpr uint8_t kEqual = 1, kLessLess = 2, kLessGreater = 4, kGreaterLess = 8,
                  kGreaterGreater = 16, kAll = 31;

uint8_t RelationsOf(IntCC cc) {
  switch (cc) {
    case IntCC::kEq:
      return kEqual;
    case IntCC::kNe:
      return kAll & ~kEqual;
    case IntCC::kSlt:
      return kLessLess | kLessGreater;
    case IntCC::kSge:
      return kEqual | kGreaterLess | kGreaterGreater;
    case IntCC::kSgt:
      return kGreaterLess | kGreaterGreater;
    case IntCC::kSle:
      return kEqual | kLessLess | kLessGreater;
    case IntCC::kUlt:
      return kLessLess | kGreaterLess;
    case IntCC::kUge:
      return kEqual | kLessGreater | kGreaterGreater;
    case IntCC::kUgt:
      return kLessGreater | kGreaterGreater;
    case IntCC::kUle:
      return kEqual | kLessLess | kGreaterLess;
  }
  return kAll;
}

bool Compare(IntCC cc, Type type, uint64_t x, uint64_t y) {
  const uint32_t unused = 64 - TypeBits(type);
  const int64_t signed_x = static_cast<int64_t>(x << unused);
  const int64_t signed_y = static_cast<int64_t>(y << unused);
  uint8_t relation = kEqual;
  if (x != y) {
    relation = signed_x < signed_y ? (x < y ? kLessLess : kLessGreater)
                                   : (x < y ? kGreaterLess : kGreaterGreater);
  }
  return (RelationsOf(cc) & relation) != 0;
}

}  // namespace

// ---- What is known where.

// What a bounds check computes: a zero-extended index plus a constant.
std::optional<BranchesPass::Sum> BranchesPass::AsSum(Value value) const {
  const DataFlowGraph& dfg = func_->dfg;
  uint64_t offset = 0;
  Inst def = dfg.defining_inst(value);
  if (def.is_some() && dfg.opcode(def) == Opcode::kIadd) {
    for (const size_t i : {0, 1}) {
      const std::optional<uint64_t> bits = ConstantBits(dfg, dfg.inst(def).arg(i));
      if (!bits.has_value() || *bits > 0xFFFFFFFF) continue;
      offset = *bits;
      value = dfg.inst(def).arg(1 - i);
      break;
    }
    def = dfg.defining_inst(value);
  }
  if (def.is_none() || dfg.opcode(def) != Opcode::kUextend) return std::nullopt;
  if (dfg.value_type(value) != Type::kI64) return std::nullopt;
  return Sum{dfg.inst(def).arg(0), offset};
}

void BranchesPass::Learn(Value condition, bool truth) {
  Fact fact;
  fact.condition = condition;
  fact.truth = truth;
  fact.known_before = known_[condition];
  known_[condition] = truth ? 2 : 1;
  const Inst def = func_->dfg.defining_inst(condition);
  if (def.is_some() && func_->dfg.opcode(def) == Opcode::kIcmp) {
    fact.compared = func_->dfg.inst(def).arg(0);
    fact.next = comparisons_[fact.compared];
    comparisons_[fact.compared] = static_cast<uint32_t>(facts_.size() + 1);
    const InstData& data = func_->dfg.inst(def);
    if ((truth ? data.int_cc() : Inverse(data.int_cc())) == IntCC::kUle) {
      if (const std::optional<Sum> sum = AsSum(data.arg(0))) {
        fact.index = sum->index;
        fact.offset = sum->offset;
        fact.limit = data.arg(1);
        fact.next_bound = bounds_[fact.index];
        bounds_[fact.index] = static_cast<uint32_t>(facts_.size() + 1);
      }
    }
  }
  facts_.push_back(fact);
}

void BranchesPass::Forget(size_t facts) {
  while (facts_.size() > facts) {
    const Fact& fact = facts_.back();
    known_[fact.condition] = fact.known_before;
    if (fact.compared.is_some()) comparisons_[fact.compared] = fact.next;
    if (fact.index.is_some()) bounds_[fact.index] = fact.next_bound;
    facts_.pop_back();
  }
}

// True if a fact says that the sum is at most the limit.
bool BranchesPass::IsWithin(Value value, Value limit) {
  const std::optional<Sum> sum = AsSum(value);
  if (!sum.has_value()) return false;
  uint32_t at = bounds_.Get(sum->index);
  for (int i = 0; i < kMaxComparisons && at != 0; ++i) {
    ++work_;
    const Fact& fact = facts_[at - 1];
    at = fact.next_bound;
    if (fact.limit == limit && sum->offset <= fact.offset) return true;
  }
  return false;
}

std::optional<bool> BranchesPass::Known(Value condition) {
  if (const uint8_t known = known_.Get(condition); known != 0) return known == 2;
  const DataFlowGraph& dfg = func_->dfg;
  const Inst def = dfg.defining_inst(condition);
  if (def.is_none() || dfg.opcode(def) != Opcode::kIcmp) return std::nullopt;
  const InstData& asked = dfg.inst(def);
  uint8_t possible = kAll;
  for (const bool swapped : {false, true}) {
    const Value first = asked.arg(swapped ? 1 : 0), second = asked.arg(swapped ? 0 : 1);
    uint32_t at = comparisons_.Get(first);
    for (int i = 0; i < kMaxComparisons && at != 0; ++i) {
      ++work_;
      const Fact& fact = facts_[at - 1];
      at = fact.next;
      const InstData& compared = dfg.inst(dfg.defining_inst(fact.condition));
      if (compared.arg(1) != second) continue;
      IntCC cc = fact.truth ? compared.int_cc() : Inverse(compared.int_cc());
      if (swapped) cc = Swapped(cc);
      possible &= RelationsOf(cc);
    }
  }
  const uint8_t relations = RelationsOf(asked.int_cc());
  if ((possible & relations) == 0) return false;
  if ((possible & ~relations) == 0) return true;
  const IntCC cc = asked.int_cc();
  if ((cc == IntCC::kUgt || cc == IntCC::kUle) && asked.type() == Type::kI64 &&
      IsWithin(asked.arg(0), asked.arg(1))) {
    return cc == IntCC::kUle;
  }
  return std::nullopt;
}

// A branch to a block that only traps, which becomes a check in front of a jump.
bool BranchesPass::TrapInstead(Inst branch) {
  DataFlowGraph& dfg = func_->dfg;
  const InstData data = dfg.inst(branch);
  for (size_t i = 0; i < 2; ++i) {
    const Block target = data.block_call(i).block;
    const Inst trap = func_->layout.first_inst(target);
    if (dfg.opcode(trap) != Opcode::kTrap) continue;
    InstData check(i == 0 ? Opcode::kTrapnz : Opcode::kTrapz, Type::kInvalid,
                   static_cast<uint8_t>(dfg.inst(trap).trap_code()));
    check.set_arg(0, data.arg(0));
    const Inst inst = dfg.MakeInst(check);
    func_->layout.InsertBefore(inst, branch);
    func_->relative_locs[inst] = func_->relative_locs.Get(trap);
    dfg.ReplaceInst(branch, JumpTo(data.block_call(1 - i)));
    Learn(data.arg(0), i == 1);
    branches_changed_ = true;
    return true;
  }
  return false;
}

void BranchesPass::VisitInst(Inst inst) {
  DataFlowGraph& dfg = func_->dfg;
  if (dfg.has_aliases()) {
    dfg.MapArgs(inst, [&](Value v) { return dfg.CompressAlias(v); });
  }
  switch (dfg.opcode(inst)) {
    case Opcode::kBrif:
    case Opcode::kTrapz:
    case Opcode::kTrapnz:
    case Opcode::kSelect:
      break;
    default:
      return;
  }
  const InstData data = dfg.inst(inst);
  switch (data.opcode()) {
    case Opcode::kBrif: {
      if (const std::optional<bool> known = Known(data.arg(0))) {
        dfg.ReplaceInst(inst, JumpTo(data.block_call(*known ? 0 : 1)));
        branches_changed_ = true;
        return;
      }
      TrapInstead(inst);
      return;
    }
    case Opcode::kTrapz:
    case Opcode::kTrapnz: {
      const bool goes_on = data.opcode() == Opcode::kTrapz;
      if (Known(data.arg(0)) == goes_on) {
        func_->layout.Remove(inst);
        changed_ = true;
        return;
      }
      Learn(data.arg(0), goes_on);
      return;
    }
    case Opcode::kSelect: {
      const std::optional<bool> known = Known(data.arg(0));
      if (!known.has_value()) return;
      const Value result = dfg.result(inst);
      const Value chosen = data.arg(*known ? 1 : 2);
      if (dfg.IsReference(result) != dfg.IsReference(chosen)) return;
      func_->layout.Remove(inst);
      dfg.ChangeToAlias(result, chosen);
      changed_ = true;
      return;
    }
    default:
      return;
  }
}

void BranchesPass::EnterBlock(Block block, const ControlFlowGraph& cfg) {
  const absl::Span<const ControlFlowGraph::Pred> preds = cfg.preds(block);
  if (preds.size() != 1) return;
  const InstData& branch = func_->dfg.inst(func_->layout.last_inst(preds[0].block));
  if (branch.opcode() == Opcode::kBrif) {
    Learn(func_->dfg.ResolveAlias(branch.arg(0)), preds[0].index == 0);
  }
}

void BranchesPass::FoldKnown(const DominatorTree& dominators, const ControlFlowGraph& cfg) {
  facts_.clear();
  scopes_.clear();
  known_.clear();
  known_.resize(func_->dfg.num_values());
  comparisons_.clear();
  comparisons_.resize(func_->dfg.num_values());
  bounds_.clear();
  bounds_.resize(func_->dfg.num_values());
  for (Block block : dominators.preorder()) {
    while (!scopes_.empty() && !dominators.Dominates(scopes_.back().block, block)) {
      Forget(scopes_.back().facts);
      scopes_.pop_back();
    }
    scopes_.push_back({block, facts_.size()});
    EnterBlock(block, cfg);
    for (Inst inst = func_->layout.first_inst(block); inst.is_some();) {
      const Inst next = func_->layout.next_inst(inst);
      VisitInst(inst);
      inst = next;
    }
  }
  func_->ResolveAliases();
}

// ---- Ways that lead on.

void BranchesPass::CountUses() {
  if (uses_counted_) return;
  uses_counted_ = true;
  uses_.clear();
  uses_.resize(func_->dfg.num_values());
  for (Block block : func_->layout.blocks()) {
    for (Inst inst : func_->layout.insts(block)) {
      func_->dfg.ForEachArg(inst, [&](Value v) { ++uses_[v]; });
    }
  }
}

// What `value` is on the edge: the argument where it is a parameter of the block.
Value BranchesPass::Mapped(Value value, Block block, const BlockCall& call) const {
  const ValueDef& def = func_->dfg.value_def(value);
  if (!def.is_param() || def.block() != block) return value;
  return func_->dfg.args_of(call)[def.position()];
}

// The call `through`, made by the block that `call` leads to, as the edge itself would make it.
BlockCall BranchesPass::Substitute(const BlockCall& through, const BlockCall& call) {
  args_.clear();
  for (Value v : func_->dfg.args_of(through)) {
    Value mapped = Mapped(v, call.block, call);
    for (const auto& [original, copy] : copies_) {
      if (original == v) mapped = copy;
    }
    args_.push_back(mapped);
    CountUse(mapped, 1);
  }
  work_ += args_.size();
  return func_->dfg.MakeBlockCall(through.block, args_);
}

// True if what the block defines is used in it alone. Passing over blocks does not change that of
// a block whose own ways have been looked at, so each is asked once.
bool BranchesPass::IsLocal(Block block) {
  const DataFlowGraph& dfg = func_->dfg;
  Visited& visited = visited_[block];
  if (visited != Visited::kUnknown) return visited == Visited::kLocal;
  if (dfg.block_params(block).empty() &&
      func_->layout.first_inst(block) == func_->layout.last_inst(block)) {
    visited = Visited::kLocal;
    return true;
  }
  CountUses();
  const auto defined_here = [&](Value v) {
    const ValueDef& def = dfg.value_def(v);
    return (def.is_param() ? def.block() : func_->layout.block_of(def.inst())) == block;
  };
  uint32_t all = 0, here = 0;
  for (Value param : dfg.block_params(block)) all += uses_[param];
  for (Inst inst : func_->layout.insts(block)) {
    for (Value v : dfg.results(inst)) all += uses_[v];
    dfg.ForEachArg(inst, [&](Value v) {
      ++work_;
      here += defined_here(v) ? 1 : 0;
    });
  }
  visited = all == here ? Visited::kLocal : Visited::kNotLocal;
  return all == here;
}

// True if the block has no more instructions than are worth a copy.
bool BranchesPass::IsShort(Block block) const {
  int count = 0;
  for (Inst inst : func_->layout.insts(block)) {
    static_cast<void>(inst);
    if (++count > kMaxCopied + 1) return false;
  }
  return true;
}

// Which way the block's brif goes when it is entered by the call.
std::optional<bool> BranchesPass::ConditionOnEdge(Block block, const BlockCall& call) {
  const DataFlowGraph& dfg = func_->dfg;
  const Value condition = dfg.inst(func_->layout.last_inst(block)).arg(0);
  if (const std::optional<uint64_t> bits = ConstantBits(dfg, Mapped(condition, block, call))) {
    return *bits != 0;
  }
  const Inst def = dfg.defining_inst(condition);
  if (def.is_none() || func_->layout.block_of(def) != block) return std::nullopt;
  const InstData& data = dfg.inst(def);
  if (data.opcode() != Opcode::kIcmp) return std::nullopt;
  const std::optional<uint64_t> x = ConstantBits(dfg, Mapped(data.arg(0), block, call));
  const std::optional<uint64_t> y = ConstantBits(dfg, Mapped(data.arg(1), block, call));
  if (!x.has_value() || !y.has_value()) return std::nullopt;
  return Compare(data.int_cc(), data.type(), *x, *y);
}

// A block for the edge, with copies of the instructions of `block` in front of a jump to
// `target`, which is one of that block's ways; false where that is not worth it.
bool BranchesPass::CopyForEdge(Block block, BlockCall target, BlockCall* call) {
  DataFlowGraph& dfg = func_->dfg;
  const Inst last = func_->layout.last_inst(block);
  bool has_effects = false;
  size_t count = 0;
  for (Inst inst : func_->layout.insts(block)) {
    if (inst == last) break;
    if (IsCall(dfg.opcode(inst))) return false;
    ++count;
    has_effects |= !dfg.IsRemovable(inst);
    for (Value v : dfg.results(inst)) {
      if (dfg.IsReference(v)) return false;
    }
  }
  bool uses_results = false;
  for (Value v : dfg.args_of(target)) {
    const Inst def = dfg.defining_inst(v);
    uses_results |= def.is_some() && func_->layout.block_of(def) == block;
  }
  copies_.clear();
  if (!has_effects && !uses_results) {
    *call = Substitute(target, *call);
    return true;
  }
  if (copied_ + count > old_blocks_) return false;
  copied_ += count;
  const Block copy_block = dfg.MakeBlock();
  func_->layout.InsertBefore(copy_block, block);
  dfg.mutable_block(copy_block).cold = dfg.block(block).cold;
  const auto copy_of = [&](Value v) {
    for (const auto& [original, copy] : copies_) {
      if (original == v) return copy;
    }
    return Mapped(v, block, *call);
  };
  for (Inst inst : func_->layout.insts(block)) {
    if (inst == last) break;
    ++work_;
    InstData data = dfg.inst(inst);
    for (Value& v : data.mutable_args()) {
      v = copy_of(v);
      CountUse(v, 1);
    }
    const Inst copy = dfg.MakeInst(data);
    func_->layout.Append(copy, copy_block);
    func_->relative_locs[copy] = func_->relative_locs.Get(inst);
    for (size_t i = 0; i < dfg.num_results(inst); ++i) {
      copies_.push_back({dfg.result(inst, i), dfg.result(copy, i)});
    }
  }
  func_->layout.Append(dfg.MakeInst(JumpTo(Substitute(target, *call))), copy_block);
  copies_.clear();
  *call = dfg.MakeBlockCall(copy_block, {});
  return true;
}

BlockCall BranchesPass::Forward(const BlockCall& from, bool one_of_several,
                                const LoopForest& loops) {
  DataFlowGraph& dfg = func_->dfg;
  BlockCall call = from;
  bool changed = false;
  for (int i = 0; i < kMaxForwards; ++i) {
    ++work_;
    const Block block = call.block;
    if (block.index() >= old_blocks_ || loops.is_header(block)) break;
    if (visited_.Get(block) == Visited::kNo) break;
    if (dfg.args_of(call).size() != dfg.block_params(block).size()) break;
    const Inst last = func_->layout.last_inst(block);
    const InstData& data = dfg.inst(last);
    BlockCall way;
    if (data.opcode() == Opcode::kJump) {
      if (func_->layout.first_inst(block) != last) break;
      way = data.block_call(0);
      // A cold edge is seen by the blocks on it.
      if (dfg.block(block).cold && !dfg.block(way.block).cold) break;
      // What the edge passes needs a place for its moves: the block is one. So is a loop's one way
      // in, and its one way back.
      const bool to_header = way.block.index() < old_blocks_ && loops.is_header(way.block);
      if (to_header || (one_of_several && !dfg.args_of(way).empty())) break;
    } else if (data.opcode() == Opcode::kBrif) {
      const std::optional<bool> taken = ConditionOnEdge(block, call);
      if (!taken.has_value() || !IsShort(block)) break;
      way = data.block_call(*taken ? 0 : 1);
    } else {
      break;
    }
    if (way.block == block || !IsLocal(block)) break;
    // Many edges that each pass much more than before would be more than linear.
    const size_t passed = dfg.args_of(call).size(), passes = dfg.args_of(way).size();
    if (passes > passed && added_args_ + (passes - passed) > max_added_args_) break;
    if (passes > passed) added_args_ += passes - passed;
    if (data.opcode() == Opcode::kJump) {
      copies_.clear();
      call = Substitute(way, call);
    } else if (!CopyForEdge(block, way, &call)) {
      break;
    }
    changed = true;
  }
  if (changed) {
    branches_changed_ = true;
    for (Value v : dfg.args_of(from)) CountUse(v, -1);
  }
  return call;
}

// A brif or br_table whose targets and arguments are all the same.
void BranchesPass::FoldSameWays(Inst branch) {
  DataFlowGraph& dfg = func_->dfg;
  const Opcode opcode = dfg.opcode(branch);
  if (opcode != Opcode::kBrif && opcode != Opcode::kBrTable) return;
  BlockCall first;
  bool same = true;
  dfg.ForEachBlockCall(branch, [&](const BlockCall& call) {
    if (first.block.is_none()) first = call;
    if (!same) return;
    ++work_;
    same = call.block == first.block && dfg.args_of(call) == dfg.args_of(first);
  });
  if (!same) return;
  dfg.ReplaceInst(branch, JumpTo(first));
  branches_changed_ = true;
}

void BranchesPass::ForwardAll(const ControlFlowGraph& cfg, const LoopForest& loops) {
  DataFlowGraph& dfg = func_->dfg;
  old_blocks_ = dfg.num_blocks();
  copied_ = 0;
  added_args_ = 0;
  max_added_args_ = 2 * dfg.num_values();
  visited_.clear();
  visited_.resize(old_blocks_);
  uses_counted_ = false;
  // From the end, so that an edge finds ways that are short already.
  const absl::Span<const Block> order = cfg.reverse_postorder();
  for (size_t i = order.size(); i-- > 0;) {
    const Inst last = func_->layout.last_inst(order[i]);
    const Format format = dfg.inst(last).format();
    if (format == Format::kJump || format == Format::kBranch) {
      // Making blocks and lists moves what the instruction refers to.
      for (size_t k = 0; k < dfg.inst(last).num_block_calls(); ++k) {
        const BlockCall call =
            Forward(dfg.inst(last).block_call(k), format == Format::kBranch, loops);
        dfg.mutable_inst(last).set_block_call(k, call);
      }
    } else if (format == Format::kBranchTable) {
      dfg.MapBlockCalls(last, [&](BlockCall call) { return Forward(call, true, loops); });
    }
    FoldSameWays(last);
    visited_[order[i]] = Visited::kUnknown;
  }
}

// ---- Blocks that follow one another.

// A parameter that is a reference must stay one.
bool BranchesPass::CanJoin(const BlockCall& call) const {
  const DataFlowGraph& dfg = func_->dfg;
  const absl::Span<const Value> params = dfg.block_params(call.block);
  const absl::Span<const Value> args = dfg.args_of(call);
  for (size_t i = 0; i < params.size(); ++i) {
    if (dfg.IsReference(params[i]) != dfg.IsReference(dfg.ResolveAlias(args[i]))) return false;
  }
  return true;
}

void BranchesPass::Merge(const ControlFlowGraph& cfg) {
  DataFlowGraph& dfg = func_->dfg;
  const Block entry = func_->layout.entry();
  for (Block block : cfg.reverse_postorder()) {
    if (!func_->layout.contains(block)) continue;
    while (true) {
      const Inst last = func_->layout.last_inst(block);
      if (dfg.opcode(last) != Opcode::kJump) break;
      const BlockCall call = dfg.inst(last).block_call(0);
      const Block next = call.block;
      if (next == block || cfg.preds(next).size() != 1 || !CanJoin(call)) break;
      for (size_t i = 0; i < dfg.block_params(next).size(); ++i) {
        dfg.ChangeToAlias(dfg.block_params(next)[i], dfg.args_of(call)[i]);
      }
      func_->layout.Remove(last);
      for (Inst inst = func_->layout.first_inst(next); inst.is_some();) {
        ++work_;
        const Inst following = func_->layout.next_inst(inst);
        func_->layout.Remove(inst);
        func_->layout.Append(inst, block);
        inst = following;
      }
      func_->layout.Remove(next);
      if (block != entry && dfg.block(next).cold) dfg.mutable_block(block).cold = true;
      branches_changed_ = true;
    }
  }
  func_->ResolveAliases();
}

bool BranchesPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  changed_ = branches_changed_ = false;
  FoldKnown(analyses->dominators(*func), analyses->cfg(*func));
  if (branches_changed_) analyses->Invalidate();
  changed_ |= RemoveUnreachableBlocks(analyses->cfg(*func), func);
  ForwardAll(analyses->cfg(*func), analyses->loops(*func));
  if (branches_changed_) analyses->Invalidate();
  changed_ |= RemoveUnreachableBlocks(analyses->cfg(*func), func);
  Merge(analyses->cfg(*func));
  if (branches_changed_) analyses->Invalidate();
  return changed_ || branches_changed_;
}

}  // namespace gantry::codegen
