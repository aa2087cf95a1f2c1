#include "codegen/pass/widen.h"

#include "codegen/ir/builder.h"
#include "codegen/pass/fold.h"

namespace gantry::codegen {
namespace {

// Operations that are looked through from the extension.
constexpr int kMaxOperations = 4;
constexpr uint64_t kMaxScale = 3;
// Constants beyond this may not fit an access's offset together with its own.
constexpr uint64_t kMaxConstant = uint64_t{1} << 30;
constexpr uint64_t kMax32 = 0xFFFFFFFF;

}  // namespace

// Counts uses.
void WidenPass::CountUses() {
  const DataFlowGraph& dfg = func_->dfg;
  uses_.assign(dfg.num_values(), 0);
  address_uses_.assign(dfg.num_values(), 0);
  sums_.clear();
  for (Block block : func_->layout.blocks()) {
    for (Inst inst : func_->layout.insts(block)) {
      const InstData& data = dfg.inst(inst);
      dfg.ForEachArg(inst, [&](Value v) { ++uses_[v.index()]; });
      if (data.is_memory_access()) ++address_uses_[data.address().index()];
      if (data.opcode() == Opcode::kIadd && data.type() == Type::kI64) sums_.push_back(inst);
    }
  }
  // A sum that is an address only makes its parts such.
  for (Inst sum : sums_) {
    const size_t result = dfg.result(sum).index();
    if (address_uses_[result] != uses_[result]) continue;
    for (Value v : dfg.inst(sum).args()) ++address_uses_[v.index()];
  }
}

// What stands behind a 32-bit value: index << scale + constant, without wrapping.
template <typename BoundOf>
WidenPass::Parts WidenPass::Split(Value value, BoundOf bound_of) {
  const DataFlowGraph& dfg = func_->dfg;
  Parts parts = {value, 0, 0};
  for (int i = 0; i < kMaxOperations; ++i) {
    ++work_;
    const Inst def = dfg.defining_inst(parts.index);
    if (def.is_none()) break;
    const InstData& operation = dfg.inst(def);
    if (operation.opcode() == Opcode::kIadd) {
      const bool first = ConstantBits(dfg, operation.arg(0)).has_value();
      const std::optional<uint64_t> added = ConstantBits(dfg, operation.arg(first ? 0 : 1));
      const Value rest = operation.arg(first ? 1 : 0);
      if (!added.has_value() || parts.constant + (*added << parts.scale) > kMaxConstant) break;
      if (*added > kMax32 - bound_of(rest)) break;
      parts.constant += *added << parts.scale;
      parts.index = rest;
    } else if (operation.opcode() == Opcode::kIshl) {
      const std::optional<uint64_t> amount = ConstantBits(dfg, operation.arg(1));
      if (!amount.has_value() || *amount == 0 || parts.scale + *amount > kMaxScale) break;
      if (bound_of(operation.arg(0)) > kMax32 >> *amount) break;
      parts.scale += *amount;
      parts.index = operation.arg(0);
    } else {
      break;
    }
  }
  return parts;
}

// Replaces the extension, if only addresses come of it.
bool WidenPass::Replace(Inst extend, const Parts& parts) {
  DataFlowGraph& dfg = func_->dfg;
  const size_t result = dfg.result(extend).index();
  if (uses_[result] == 0 || address_uses_[result] != uses_[result]) return false;
  InstBuilder b(func_);
  b.SetBefore(extend);
  b.SetLoc(func_->LocOf(extend));
  // The last operation takes the extension's place, so that its result stays.
  InstData last(Opcode::kUextend, Type::kI64);
  last.set_arg(0, parts.index);
  if (parts.scale != 0) {
    const Value wide = b.Uextend(Type::kI64, parts.index);
    last = InstData(Opcode::kIshl, Type::kI64);
    last.set_arg(0, wide);
    last.set_arg(1, b.I64(static_cast<int64_t>(parts.scale)));
  }
  if (parts.constant != 0) {
    const Inst scaled = b.Insert(last);
    last = InstData(Opcode::kIadd, Type::kI64);
    last.set_arg(0, dfg.result(scaled));
    last.set_arg(1, b.I64(static_cast<int64_t>(parts.constant)));
  }
  dfg.ReplaceInst(extend, last);
  return true;
}

bool WidenPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  DataFlowGraph& dfg = func->dfg;
  found_.clear();
  const LoopForest& loops = analyses->loops(*func);
  // Most bounds follow from a mask or a narrow load close by. Only a shift in a loop, as of an
  // index that the loop counts, is worth asking what branches tell.
  bool ask_branches = false;
  for (Block block : analyses->cfg(*func).reverse_postorder()) {
    for (Inst inst : func->layout.insts(block)) {
      const InstData& data = dfg.inst(inst);
      if (data.opcode() != Opcode::kUextend || data.type() != Type::kI64) continue;
      const Inst def = dfg.defining_inst(data.arg(0));
      if (def.is_none() || dfg.value_type(data.arg(0)) != Type::kI32) continue;
      const Opcode opcode = dfg.opcode(def);
      if (opcode != Opcode::kIadd && opcode != Opcode::kIshl) continue;
      const Parts parts = Split(data.arg(0), [&](Value v) { return LocalUpperBound(dfg, v); });
      if (parts.index != data.arg(0)) {
        found_.push_back({inst, parts});
      } else {
        ask_branches |= opcode == Opcode::kIshl && loops.depth(block) != 0;
      }
    }
  }
  if (found_.empty() && !ask_branches) return false;
  CountUses();
  bool changed = false;
  for (const auto& [inst, parts] : found_) changed |= Replace(inst, parts);
  if (!ask_branches) return changed;
  bounds_.Compute(*func, analyses->cfg(*func), analyses->dominators(*func));
  bounds_.WalkWith(*func, analyses->cfg(*func), analyses->dominators(*func), [&](Inst inst) {
    const InstData& data = dfg.inst(inst);
    if (data.opcode() != Opcode::kUextend || data.type() != Type::kI64) return;
    const Value value = data.arg(0);
    // Those made above have no use counts.
    if (dfg.value_type(value) != Type::kI32 || dfg.result(inst).index() >= uses_.size()) return;
    const Parts parts = Split(value, [&](Value v) { return bounds_.Of(v); });
    if (parts.index != value) changed |= Replace(inst, parts);
  });
  return changed;
}

}  // namespace gantry::codegen
