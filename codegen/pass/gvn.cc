// Value numbering, with loads, constant folding and rewriting over the dominator tree.

#include <bit>

#include "codegen/pass/fold.h"
#include "codegen/pass/passes.h"
#include "codegen/pass/vector_algebra.h"

namespace gantry::codegen {
namespace {

// Rules applied to one instruction and what they make of it. Each lowers a measure, so this
// many are hardly ever needed; whoever makes input can't make them many.
constexpr int kMaxRewrites = 24;
// Places looked at for one instruction. The table is at most half full, so that more than this are
// hardly ever needed but by input that was made to need them.
constexpr int kMaxProbes = 64;

// True if a dominating instruction with the same operands (and for a load the same memory)
// makes this one superfluous: it computes the same, or has stopped the guest already.
bool IsNumbered(const InstData& data) {
  const OpcodeInfo& info = Info(data.opcode());
  if (data.format() == Format::kLoad) return true;
  if ((info.effects & ~kTraps) != 0 || data.opcode() == Opcode::kTrap) return false;
  return data.opcode() != Opcode::kNop;
}

// A store makes known what a load of the same bytes gives.
InstData KeyOf(const InstData& data) {
  if (data.format() != Format::kStore) return data;
  InstData load(Opcode::kLoad, data.type());
  load.set_arg(0, data.arg(1));
  load.set_flags(data.flags());
  load.set_offset(data.offset());
  return load;
}

uint64_t HashOf(const InstData& data, uint32_t version) {
  uint64_t hash = uint64_t{static_cast<uint8_t>(data.opcode())} << 24 |
                  uint64_t{static_cast<uint8_t>(data.type())} << 16 | data.immediate();
  hash ^= uint64_t{version} << 32;
  // The last word is the result, which differs.
  for (size_t i = 0; i + 1 < InstData::kWords; ++i) {
    hash = (hash ^ data.word(i)) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 32;
  }
  return hash;
}

bool SameComputation(const InstData& a, const InstData& b) {
  if (a.opcode() != b.opcode() || a.type() != b.type() || a.immediate() != b.immediate()) {
    return false;
  }
  for (size_t i = 0; i + 1 < InstData::kWords; ++i) {
    if (a.word(i) != b.word(i)) return false;
  }
  return true;
}

}  // namespace

void GvnPass::Grow() {
  const DataFlowGraph& dfg = func_->dfg;
  std::vector<Inst> old(2 * table_.size(), Inst::None());
  old.swap(table_);
  const size_t mask = table_.size() - 1;
  for (const Inst inst : old) {
    if (inst.is_none()) continue;
    size_t place = HashOf(KeyOf(dfg.inst(inst)), version_[inst.index()]) & mask;
    for (int i = 0; table_[place].is_some() && i < kMaxProbes; ++i) place = (place + 1) & mask;
    table_[place] = inst;
  }
}

Inst GvnPass::FindOrInsert(Inst inst, uint32_t version) {
  const DataFlowGraph& dfg = func_->dfg;
  const InstData key = KeyOf(dfg.inst(inst));
  const size_t mask = table_.size() - 1;
  size_t place = HashOf(key, version) & mask;
  for (int i = 0; table_[place].is_some() && i < kMaxProbes; ++i) {
    ++work_;
    const Inst other = table_[place];
    if (version_[other.index()] == version && SameComputation(KeyOf(dfg.inst(other)), key)) {
      const Block home = func_->layout.block_of(other);
      if (dominators_->Dominates(home, func_->layout.block_of(inst))) return other;
      // The walk has left what that one dominates; from here on this one is of more use.
      break;
    }
    place = (place + 1) & mask;
  }
  if (table_[place].is_none()) ++table_entries_;
  table_[place] = inst;
  if (inst.index() >= version_.size()) version_.resize(dfg.num_insts(), 0);
  version_[inst.index()] = version;
  if (2 * table_entries_ > table_.size()) Grow();
  return Inst::None();
}

void GvnPass::Replace(Inst inst, Inst same) {
  DataFlowGraph& dfg = func_->dfg;
  const bool stored = dfg.inst(same).format() == Format::kStore;
  const auto other = [&](size_t i) { return stored ? dfg.inst(same).arg(0) : dfg.result(same, i); };
  for (size_t i = 0; i < dfg.num_results(inst); ++i) {
    if (dfg.IsReference(dfg.result(inst, i)) != dfg.IsReference(other(i))) return;
  }
  for (size_t i = 0; i < dfg.num_results(inst); ++i) {
    rewriter_.Merged(dfg.result(inst, i), other(i));
    dfg.ChangeToAlias(dfg.result(inst, i), other(i));
  }
  rewriter_.Removed(inst);
  func_->layout.Remove(inst);
  changed_ = true;
}

// A branch whose way is known becomes a jump.
bool GvnPass::FoldBranch(Inst inst) {
  DataFlowGraph& dfg = func_->dfg;
  const InstData& data = dfg.inst(inst);
  if (data.opcode() != Opcode::kBrif && data.opcode() != Opcode::kBrTable) return false;
  const std::optional<uint64_t> bits = ConstantBits(dfg, data.arg(0));
  if (!bits.has_value()) return false;
  BlockCall target;
  if (data.opcode() == Opcode::kBrif) {
    target = data.block_call(*bits != 0 ? 0 : 1);
  } else {
    const absl::Span<const BlockCall> entries = dfg.jump_table_entries(data.jump_table());
    target = *bits < entries.size() ? entries[*bits] : dfg.jump_table_default(data.jump_table());
  }
  InstData jump(Opcode::kJump, Type::kInvalid);
  jump.set_block_call(0, target);
  dfg.ReplaceInst(inst, jump);
  branches_changed_ = true;
  return true;
}

// True if the instruction became another one, or `*gone`.
bool GvnPass::SimplifyVectorInst(Inst inst, bool* gone) {
  DataFlowGraph& dfg = func_->dfg;
  const VectorResult same = SimplifyVector(dfg, inst);
  if (same.value.is_some()) {
    const Value result = dfg.result(inst);
    if (dfg.IsReference(result) != dfg.IsReference(same.value)) return false;
    rewriter_.Merged(result, same.value);
    dfg.ChangeToAlias(result, same.value);
    rewriter_.Removed(inst);
    func_->layout.Remove(inst);
    *gone = true;
  } else if (same.changed) {
    rewriter_.Changed(inst, same.inst);
    dfg.ReplaceInst(inst, same.inst);
    if (--budget_ == 0) ++exhausted_;
    if (rewritten_.is_none()) rewritten_ = inst;
  } else {
    return false;
  }
  changed_ = true;
  return true;
}

Inst GvnPass::Simplify(Inst inst, bool* gone) {
  DataFlowGraph& dfg = func_->dfg;
  *gone = false;
  changed_ |= rewriter_.Canonicalize(inst);
  if (const std::optional<FoldedConstant> folded = FoldInst(dfg, inst)) {
    dfg.ReplaceInst(inst, ConstantInst(*folded));
    changed_ = true;
    return Inst::None();
  }
  if (budget_ == 0) return Inst::None();
  if (IsVector(dfg.inst(inst).type())) {
    if (SimplifyVectorInst(inst, gone)) return *gone ? Inst::None() : inst;
  }
  const rewrite::Rewriter::Result result = rewriter_.Rewrite(inst);
  if (result == rewrite::Rewriter::Result::kNone) return Inst::None();
  changed_ = true;
  if (--budget_ == 0) ++exhausted_;
  if (result == rewrite::Rewriter::Result::kReplaced) {
    *gone = true;
    // What was made for it is still to be looked at.
    return rewriter_.first_new() == inst ? Inst::None() : rewriter_.first_new();
  }
  if (rewritten_.is_none()) rewritten_ = inst;
  return rewriter_.first_new();
}

// Behind an instruction to which, as it came, no rule was applied, or all were.
void GvnPass::Finished(Inst inst) {
  if (rewritten_.is_some() && rewritten_ != inst) return;
  rewritten_ = Inst::None();
  budget_ = kMaxRewrites;
}

Inst GvnPass::Visit(Inst inst) {
  DataFlowGraph& dfg = func_->dfg;
  if (dfg.has_aliases()) {
    dfg.MapArgs(inst, [&](Value v) { return dfg.CompressAlias(v); });
  }
  bool gone = false;
  const Inst again = Simplify(inst, &gone);
  if (!gone && again.is_some()) return again;
  if (!gone) Number(inst);
  Finished(inst);
  return again;
}

void GvnPass::Number(Inst inst) {
  DataFlowGraph& dfg = func_->dfg;
  const InstData& data = dfg.inst(inst);
  if (IsTerminator(data.opcode())) {
    changed_ |= FoldBranch(inst);
    return;
  }
  const uint32_t version =
      data.format() == Format::kLoad ? MemoryVersions::VersionFor(data.flags(), memory_) : 0;
  MemoryVersions::Apply(dfg, inst, &memory_);
  if (data.opcode() == Opcode::kStore && !data.flags().readonly()) {
    FindOrInsert(inst, MemoryVersions::VersionAfter(inst));
  }
  if (!IsNumbered(data)) return;
  if (data.format() == Format::kCondTrap) {
    const std::optional<uint64_t> bits = ConstantBits(dfg, data.arg(0));
    if (bits.has_value() && (*bits != 0) == (data.opcode() == Opcode::kTrapz)) {
      func_->layout.Remove(inst);
      changed_ = true;
      return;
    }
  }
  if (const Inst same = FindOrInsert(inst, version); same.is_some()) Replace(inst, same);
}

bool GvnPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  dominators_ = &analyses->dominators(*func);
  versions_.Compute(*func, analyses->cfg(*func), analyses->loops(*func));
  changed_ = branches_changed_ = false;
  rewriter_.Start(func);
  rewritten_ = Inst::None();
  budget_ = kMaxRewrites;
  // At most one entry per instruction: never more than half full, unless rules make some.
  table_entries_ = 0;
  version_.assign(func->dfg.num_insts(), 0);
  table_.assign(std::bit_ceil(2 * func->dfg.num_insts() + 2), Inst::None());
  for (Block block : dominators_->preorder()) {
    memory_ = versions_.AtStart(block);
    for (Inst inst = func->layout.first_inst(block); inst.is_some();) {
      const Inst next = func->layout.next_inst(inst);
      const Inst again = Visit(inst);
      inst = again.is_some() ? again : next;
    }
  }
  // Arguments of back edges, and code that nothing reaches.
  func->ResolveAliases();
  if (branches_changed_) analyses->Invalidate();
  return changed_;
}

}  // namespace gantry::codegen
