#include "codegen/pass/hoist.h"

#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

// Loops that are looked through outwards from an instruction. Deeper nests lose little: what
// matters is what the inner loops repeat.
constexpr int kMaxLevels = 8;
// Instructions copied in front of a loop for one that is moved.
constexpr uint32_t kMaxCopied = 4;
// Values live through a loop that leave it enough registers for its own. In a loop that calls,
// only registers that calls preserve count, and no float register is one.
constexpr uint32_t kRoom[2] = {9, 11};
constexpr uint32_t kRoomAcrossCalls[2] = {4, 0};
// What an operation must be worth to take a register, and to take one that has to be stored and
// loaded again.
constexpr uint32_t kPlain = 1;
constexpr uint32_t kSlow = 3;
constexpr uint32_t kVerySlow = 8;

size_t ClassOf(Type type) { return IsInt(type) ? 0 : 1; }

// Cycles that a result takes, roughly; 0 for what costs nothing where it is used.
uint32_t WeightOf(const InstData& data) {
  switch (data.opcode()) {
    case Opcode::kIconst:
    case Opcode::kUextend:
    case Opcode::kIreduce:
    case Opcode::kIcmp:
    case Opcode::kFcmp:
    case Opcode::kStackAddr:
    case Opcode::kFuncAddr:
    case Opcode::kF32const:
    case Opcode::kF64const:
    case Opcode::kV128const:
      return 0;
    case Opcode::kIadd:
    case Opcode::kIshl:
      return data.type() == Type::kI64 ? 0 : kPlain;
    case Opcode::kImul:
    case Opcode::kUmulhi:
    case Opcode::kSmulhi:
    case Opcode::kUmulWide:
    case Opcode::kSmulWide:
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt:
      return kSlow;
    case Opcode::kFdiv:
    case Opcode::kSqrt:
      return kVerySlow;
    case Opcode::kFcvtFromUint:
    case Opcode::kFcvtFromSint:
    case Opcode::kFcvtToUintSat:
    case Opcode::kFcvtToSintSat:
    case Opcode::kFmin:
    case Opcode::kFmax:
      return kVerySlow;
    case Opcode::kVfdiv:
    case Opcode::kVsqrt:
    case Opcode::kVfmin:
    case Opcode::kVfmax:
    case Opcode::kVfcvtFromUint:
    case Opcode::kVfcvtToSintSat:
    case Opcode::kVfcvtToUintSat:
      return kVerySlow;
    // Between the two kinds of registers, or a multiplication.
    case Opcode::kVsplat:
    case Opcode::kVscalar:
    case Opcode::kVextractU:
    case Opcode::kVextractS:
    case Opcode::kVreplace:
    case Opcode::kVanyTrue:
    case Opcode::kVallTrue:
    case Opcode::kVbitmask:
    case Opcode::kVmul:
    case Opcode::kVpopcnt:
    case Opcode::kVextmulLowS:
    case Opcode::kVextmulLowU:
    case Opcode::kVextmulHighS:
    case Opcode::kVextmulHighU:
    case Opcode::kVextaddPairwiseS:
    case Opcode::kVextaddPairwiseU:
    case Opcode::kVdotS:
    case Opcode::kVdotUsSat:
    case Opcode::kVdotUsAdd:
    case Opcode::kVq15mulrSat:
      return kSlow;
    default:
      break;
  }
  if (data.format() == Format::kLoad) return kSlow;
  if (IsFloat(LaneType(data.type()))) return kSlow;
  return kPlain;
}

// Pure, or a load through an address: what can be moved at all.
bool IsCandidate(const DataFlowGraph& dfg, Inst inst) {
  const InstData& data = dfg.inst(inst);
  if (data.opcode() == Opcode::kSelectSpectreGuard || data.opcode() == Opcode::kNop) return false;
  if (data.format() != Format::kLoad && !IsPure(data.opcode())) return false;
  // A reference would have to lie in a slot at every call in the loop.
  for (Value v : dfg.results(inst)) {
    if (dfg.IsReference(v)) return false;
  }
  return true;
}

}  // namespace

Loop HoistPass::LoopOf(Value value) const {
  const ValueDef& def = func_->dfg.value_def(value);
  const Block block = def.is_param() ? def.block() : func_->layout.block_of(def.inst());
  const size_t old_blocks = cfg_->num_block_ids();
  if (block.index() >= old_blocks) return new_block_loops_[block.index() - old_blocks];
  return loops_->innermost(block);
}

// The innermost loop around both; `a` if that is too far out to be looked for.
Loop HoistPass::CommonLoop(Loop a, Loop b) {
  const auto depth = [&](Loop loop) { return loop.is_some() ? loops_->loop_depth(loop) : 0; };
  const Loop start = a;
  for (int step = 0; a != b; ++step) {
    if (step == 2 * kMaxLevels) return start;
    ++work_;
    Loop& deeper = depth(a) >= depth(b) ? a : b;
    deeper = loops_->parent(deeper);
  }
  return a;
}

// A value from outside takes a register in `loop` and those around it, out to its own.
void HoistPass::CountUse(Value value, Loop loop) {
  const Inst def = func_->dfg.defining_inst(value);
  if (def.is_some()) {
    switch (func_->dfg.opcode(def)) {
      case Opcode::kIconst:
      case Opcode::kF32const:
      case Opcode::kF64const:
      case Opcode::kV128const:
        return;
      default:
        break;
    }
  }
  if (counted_[value] == loop) return;
  counted_[value] = loop;
  const Loop home = CommonLoop(loop, LoopOf(value));
  for (int level = 0; loop.is_some() && loop != home && level < kMaxLevels; ++level) {
    ++work_;
    ++facts_[loop].pressure[ClassOf(func_->dfg.value_type(value))];
    loop = loops_->parent(loop);
  }
}

void HoistPass::FindWrites() {
  const DataFlowGraph& dfg = func_->dfg;
  facts_.clear();
  for (size_t i = 0; i < loops_->num_loops(); ++i) facts_.Push(LoopFacts());
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_none()) continue;
    LoopFacts& facts = facts_[loop];
    for (Inst inst : func_->layout.insts(block)) {
      const Effects effects = Info(dfg.opcode(inst)).effects;
      if ((effects & (kStores | kSideEffect | kCalls)) == 0) continue;
      facts.writes |= MemoryVersions::WrittenBy(dfg, inst);
      facts.calls |= (effects & kCalls) != 0 && !dfg.block(block).cold;
    }
  }
  // Inner loops have the greater numbers.
  for (size_t i = facts_.size(); i-- > 0;) {
    const Loop loop = Loop::FromIndex(i);
    const Loop parent = loops_->parent(loop);
    if (parent.is_none()) continue;
    facts_[parent].writes |= facts_[loop].writes;
    facts_[parent].calls |= facts_[loop].calls;
  }
}

void HoistPass::MeasurePressure() {
  if (measured_) return;
  measured_ = true;
  const DataFlowGraph& dfg = func_->dfg;
  counted_.clear();
  counted_.resize(dfg.num_values());
  for (Block block : cfg_->reverse_postorder()) {
    const Loop loop = loops_->innermost(block);
    if (loop.is_none() || dfg.block(block).cold) continue;
    for (Inst inst : func_->layout.insts(block)) {
      dfg.ForEachArg(inst, [&](Value v) { CountUse(v, loop); });
    }
    if (!loops_->is_header(block)) continue;
    for (Value param : dfg.block_params(block)) {
      ++facts_[loop].pressure[ClassOf(dfg.value_type(param))];
    }
  }
}

Loop HoistPass::DependsOn(Inst inst, Loop loop) {
  const DataFlowGraph& dfg = func_->dfg;
  const InstData& data = dfg.inst(inst);
  Loop result = Loop::None();
  const auto depth = [&](Loop l) { return l.is_some() ? loops_->loop_depth(l) : 0; };
  for (Value v : data.args()) {
    const Copyable& copyable = copyable_.Get(v);
    const Loop home = CommonLoop(loop, copyable.cost != 0 ? copyable.loop : LoopOf(v));
    if (depth(home) > depth(result)) result = home;
  }
  if (data.format() != Format::kLoad || data.flags().readonly()) return result;
  // Out to where something writes; what may overlap anything is left alone, other threads may
  // write it.
  if (data.flags().region() == 0) return loop;
  const MemoryVersions::ClassSet read = 1u << MemoryVersions::ClassOf(data.flags());
  for (int level = 0; loop.is_some() && loop != result; ++level) {
    ++work_;
    if (level == kMaxLevels || (facts_[loop].writes & read) != 0) return loop;
    loop = loops_->parent(loop);
  }
  return result;
}

// True if the loops from `from` outwards to before `until` have a register left for the result.
bool HoistPass::HasRoom(Inst inst, Loop from, Loop until, uint32_t weight) {
  MeasurePressure();
  const size_t reg_class = ClassOf(func_->dfg.value_type(func_->dfg.result(inst)));
  for (Loop loop = from; loop.is_some() && loop != until; loop = loops_->parent(loop)) {
    ++work_;
    const LoopFacts& facts = facts_[loop];
    const uint32_t room = facts.calls ? kRoomAcrossCalls[reg_class] : kRoom[reg_class];
    // A plain operation must not take one of the last registers.
    const uint32_t left = weight <= kPlain ? 3 : 0;
    if (facts.pressure[reg_class] + left < room) continue;
    if (weight < kVerySlow) return false;
  }
  return true;
}

Block HoistPass::Preheader(Loop loop) {
  LoopFacts& facts = facts_[loop];
  if (facts.preheader.is_some()) return facts.preheader;
  DataFlowGraph& dfg = func_->dfg;
  const Block header = loops_->header(loop);
  Block only;
  size_t edges = 0;
  for (const ControlFlowGraph::Pred& pred : cfg_->preds(header)) {
    if (loops_->Contains(loop, pred.block)) continue;
    ++edges;
    only = pred.block;
  }
  if (edges == 1 && dfg.opcode(func_->layout.last_inst(only)) == Opcode::kJump) {
    return facts.preheader = only;
  }
  const Block block = dfg.MakeBlock();
  facts.preheader = block;
  new_block_loops_.push_back(loops_->parent(loop));
  branches_changed_ = true;
  func_->layout.InsertBefore(block, header);
  dfg.mutable_block(block).cold = dfg.block(header).cold;
  args_.clear();
  const size_t params = dfg.block_params(header).size();
  for (size_t i = 0; i < params; ++i) {
    const Value of_header = dfg.block_params(header)[i];
    const Value param = dfg.AppendBlockParam(block, dfg.value_type(of_header));
    if (dfg.IsReference(of_header)) dfg.MarkReference(param);
    args_.push_back(param);
  }
  func_->layout.Append(dfg.MakeInst(JumpTo(dfg.MakeBlockCall(header, args_))), block);
  // Edges of one branch stand together.
  Block redirected;
  for (const ControlFlowGraph::Pred& pred : cfg_->preds(header)) {
    ++work_;
    if (pred.block == redirected || loops_->Contains(loop, pred.block)) continue;
    redirected = pred.block;
    dfg.MapBlockCalls(func_->layout.last_inst(pred.block), [&](BlockCall call) {
      if (call.block == header) call.block = block;
      return call;
    });
  }
  return block;
}

// True if `inner` is known not to lie in `loop`.
bool HoistPass::IsOutside(Loop inner, Loop loop) {
  for (int level = 0; level < 2 * kMaxLevels; ++level) {
    ++work_;
    if (inner == loop) return false;
    // An outer loop has a smaller number than those in it.
    if (inner.is_none() || inner < loop) return true;
    inner = loops_->parent(inner);
  }
  return false;
}

// `value` as it can be had in front of `outermost`: itself, or a copy of what makes it.
Value HoistPass::CopyInFront(Value value, Loop outermost, Inst before) {
  if (copyable_.Get(value).cost == 0) return value;
  if (IsOutside(LoopOf(value), outermost)) return value;
  DataFlowGraph& dfg = func_->dfg;
  ++work_;
  const Inst original = dfg.defining_inst(value);
  InstData data = dfg.inst(original);
  // At most kMaxCopied deep, by `cost`.
  for (size_t i = 0; i < data.args().size(); ++i) {
    data.set_arg(i, CopyInFront(data.arg(i), outermost, before));
  }
  const Inst copy = dfg.MakeInst(data);
  func_->layout.InsertBefore(copy, before);
  func_->relative_locs[copy] = func_->relative_locs.Get(original);
  return dfg.result(copy);
}

void HoistPass::Move(Inst inst, Loop outermost, Loop innermost) {
  DataFlowGraph& dfg = func_->dfg;
  const Inst before = func_->layout.last_inst(Preheader(outermost));
  func_->layout.Remove(inst);
  // Making copies moves what there is; a candidate has no operands but these.
  for (size_t i = 0; i < dfg.inst(inst).args().size(); ++i) {
    const Value arg = CopyInFront(dfg.inst(inst).arg(i), outermost, before);
    dfg.mutable_inst(inst).set_arg(i, arg);
  }
  func_->layout.InsertBefore(inst, before);
  const size_t reg_class = ClassOf(dfg.value_type(dfg.result(inst)));
  const Loop outside = loops_->parent(outermost);
  for (Loop loop = innermost; loop != outside; loop = loops_->parent(loop)) {
    ++work_;
    ++facts_[loop].pressure[reg_class];
  }
}

// Moves the instruction if it can be and is worth it. `first_thing`: whoever enters the loop gets
// to it, and before anything that could be seen.
bool HoistPass::Visit(Inst inst, Loop loop, bool first_thing) {
  DataFlowGraph& dfg = func_->dfg;
  const InstData& data = dfg.inst(inst);
  const bool is_load = data.format() == Format::kLoad;
  const bool anywhere = !is_load || (data.flags().movable() && !data.flags().can_trap());
  // Most instructions are out soon: loads that stay where they are, and what depends on something
  // just made.
  if (!anywhere && !first_thing) return false;
  if (!IsCandidate(dfg, inst)) return false;
  for (Value v : data.args()) {
    if (copyable_.Get(v).cost == 0 && LoopOf(v) == loop) return false;
  }
  const Loop needed = DependsOn(inst, loop);
  if (needed == loop) return false;
  const uint32_t weight = WeightOf(data);
  uint32_t cost = 1;
  for (Value v : data.args()) cost += copyable_.Get(v).cost;
  if (cost > kMaxCopied) return false;
  if (weight == 0) {
    copyable_[dfg.result(inst)] = {needed, cost};
    return false;
  }
  // The outermost loop that it leaves.
  Loop outermost = loop;
  if (anywhere) {
    for (int level = 0; loops_->parent(outermost) != needed; ++level) {
      ++work_;
      if (level == kMaxLevels) break;
      outermost = loops_->parent(outermost);
    }
  }
  if (!HasRoom(inst, loop, loops_->parent(outermost), weight)) return false;
  Move(inst, outermost, loop);
  return true;
}

bool HoistPass::VisitBlock(Block block) {
  const DataFlowGraph& dfg = func_->dfg;
  const Loop loop = loops_->innermost(block);
  bool first_thing = loops_->is_header(block);
  bool changed = false;
  for (Inst inst = func_->layout.first_inst(block); inst.is_some();) {
    const Inst next = func_->layout.next_inst(inst);
    const Effects effects = Info(dfg.opcode(inst)).effects;
    const bool can_trap = dfg.CanTrap(inst);
    if (Visit(inst, loop, first_thing)) {
      changed = true;
    } else if ((effects & ~kLoads) != 0 || can_trap) {
      // What stays and may trap comes before what is behind it.
      first_thing = false;
    }
    inst = next;
  }
  return changed;
}

bool HoistPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  cfg_ = &analyses->cfg(*func);
  loops_ = &analyses->loops(*func);
  if (loops_->num_loops() == 0) return false;
  branches_changed_ = false;
  new_block_loops_.clear();
  copyable_.clear();
  copyable_.resize(func->dfg.num_values());
  measured_ = false;
  FindWrites();
  bool changed = false;
  for (Block block : cfg_->reverse_postorder()) {
    if (loops_->innermost(block).is_none() || func->dfg.block(block).cold) continue;
    changed |= VisitBlock(block);
  }
  if (branches_changed_) analyses->Invalidate();
  return changed;
}

}  // namespace gantry::codegen
