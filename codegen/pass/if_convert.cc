#include "codegen/pass/if_convert.h"

#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

constexpr uint32_t kMaxOperations = 2;
constexpr uint32_t kMaxSelects = 2;
// Operations between a load and the condition that are looked through.
constexpr int kMaxDistance = 3;

// One cycle on any machine worth the name, or nothing.
bool IsOneCycle(const InstData& data) {
  if (!IsPure(data.opcode()) || data.opcode() == Opcode::kNop) return false;
  switch (data.opcode()) {
    case Opcode::kIconst:
    case Opcode::kIadd:
    case Opcode::kIsub:
    case Opcode::kIneg:
    case Opcode::kBand:
    case Opcode::kBor:
    case Opcode::kBxor:
    case Opcode::kBandNot:
    case Opcode::kBnot:
    case Opcode::kIshl:
    case Opcode::kUshr:
    case Opcode::kSshr:
    case Opcode::kUextend:
    case Opcode::kSextend:
    case Opcode::kIreduce:
    case Opcode::kF32const:
    case Opcode::kF64const:
    case Opcode::kV128const:
      return true;
    default:
      return false;
  }
}

bool IsFree(Opcode opcode) {
  switch (opcode) {
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
    case Opcode::kV128const:
    case Opcode::kUextend:
    case Opcode::kIreduce:
    case Opcode::kJump:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Adds the operations of the block to `operations`; false if one is more than a cycle's worth.
bool IfConvertPass::IsCheap(Block side, uint32_t* operations) const {
  const DataFlowGraph& dfg = func_->dfg;
  uint32_t all = 0;
  for (Inst inst : func_->layout.insts(side)) {
    const InstData& data = dfg.inst(inst);
    if (data.opcode() == Opcode::kJump) break;
    if (++all > 3 * kMaxOperations || !IsOneCycle(data)) return false;
    *operations += IsFree(data.opcode()) ? 0 : 1;
  }
  return *operations <= kMaxOperations;
}

// True if a load of the same block is at most a few operations behind the value.
bool IfConvertPass::HangsOnLoad(Value value, Block block, int depth) const {
  const Inst def = func_->dfg.defining_inst(value);
  if (def.is_none() || func_->layout.block_of(def) != block) return false;
  const InstData& data = func_->dfg.inst(def);
  if (data.format() == Format::kLoad) return !data.flags().readonly();
  if (depth == 0 || !IsPure(data.opcode())) return false;
  for (Value v : data.args()) {
    if (HangsOnLoad(v, block, depth - 1)) return true;
  }
  return false;
}

IfConvertPass::Side IfConvertPass::Follow(Block from, const BlockCall& call) {
  ++work_;
  const DataFlowGraph& dfg = func_->dfg;
  const Block block = call.block;
  const Inst last = func_->layout.last_inst(block);
  if (cfg_->preds(block).size() != 1 || dfg.opcode(last) != Opcode::kJump || block == from) {
    return {Block::None(), call};
  }
  return {block, dfg.inst(last).block_call(0)};
}

bool IfConvertPass::Visit(Block block) {
  DataFlowGraph& dfg = func_->dfg;
  const Inst branch = func_->layout.last_inst(block);
  if (dfg.opcode(branch) != Opcode::kBrif) return false;
  const InstData data = dfg.inst(branch);
  Side sides[2] = {Follow(block, data.block_call(0)), Follow(block, data.block_call(1))};
  // Triangles: a side that goes straight ends where the other does.
  for (int i = 0; i < 2; ++i) {
    if (sides[0].end.block == sides[1].end.block) break;
    Side& side = sides[i];
    if (side.block.is_some() && side.block == sides[1 - i].end.block) {
      side = {Block::None(), data.block_call(i)};
    }
  }
  const Block meet = sides[0].end.block;
  if (meet != sides[1].end.block || meet == block) return false;
  if (dfg.block(meet).cold != dfg.block(block).cold) return false;
  if (loops_->innermost(meet) != loops_->innermost(block) || loops_->is_header(meet)) return false;
  uint32_t operations = 0;
  for (const Side& side : sides) {
    if (side.block.is_none()) continue;
    if (dfg.block(side.block).cold != dfg.block(block).cold) return false;
    if (!dfg.block_params(side.block).empty() || !IsCheap(side.block, &operations)) return false;
  }
  const absl::Span<const Value> params = dfg.block_params(meet);
  if (dfg.args_of(sides[0].end).size() != params.size() ||
      dfg.args_of(sides[1].end).size() != params.size()) {
    return false;
  }
  uint32_t selects = 0;
  for (size_t i = 0; i < params.size(); ++i) {
    if (dfg.args_of(sides[0].end)[i] == dfg.args_of(sides[1].end)[i]) continue;
    if (++selects > kMaxSelects || dfg.IsReference(params[i])) return false;
    if (!IsInt(dfg.value_type(params[i]))) return false;
  }
  if (!HangsOnLoad(data.arg(0), block, kMaxDistance)) return false;

  for (const Side& side : sides) {
    if (side.block.is_none()) continue;
    for (Inst inst = func_->layout.first_inst(side.block); inst.is_some();) {
      const Inst next = func_->layout.next_inst(inst);
      if (next.is_none()) break;
      ++work_;
      func_->layout.Remove(inst);
      func_->layout.InsertBefore(inst, branch);
      inst = next;
    }
  }
  args_.clear();
  for (size_t i = 0; i < dfg.block_params(meet).size(); ++i) {
    ++work_;
    const Value yes = dfg.args_of(sides[0].end)[i], no = dfg.args_of(sides[1].end)[i];
    if (yes == no) {
      args_.push_back(yes);
      continue;
    }
    InstData select(Opcode::kSelect, dfg.value_type(yes));
    select.set_arg(0, data.arg(0));
    select.set_arg(1, yes);
    select.set_arg(2, no);
    const Inst inst = dfg.MakeInst(select);
    func_->layout.InsertBefore(inst, branch);
    func_->relative_locs[inst] = func_->relative_locs.Get(branch);
    args_.push_back(dfg.result(inst));
  }
  dfg.ReplaceInst(branch, JumpTo(dfg.MakeBlockCall(meet, args_)));
  for (const Side& side : sides) {
    if (side.block.is_some()) func_->layout.Remove(side.block);
  }
  return true;
}

bool IfConvertPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  cfg_ = &analyses->cfg(*func);
  loops_ = &analyses->loops(*func);
  // Nothing else may lead to the blocks that go.
  const bool removed = RemoveUnreachableBlocks(*cfg_, func);
  bool changed = false;
  // Inner branches first.
  const absl::Span<const Block> order = cfg_->reverse_postorder();
  for (size_t i = order.size(); i-- > 0;) {
    // Not one that was a side.
    if (func->layout.contains(order[i])) changed |= Visit(order[i]);
  }
  if (changed) analyses->Invalidate();
  return changed || removed;
}

}  // namespace gantry::codegen
