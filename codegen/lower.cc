#include "codegen/lower.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::codegen {
namespace {

// Not an atomic one, which is in order with everything.
bool IsLoad(Opcode opcode) { return Info(opcode).effects == kLoads; }

// Frames beyond this are refused; displacements into one stay far within 32 bits.
constexpr uint64_t kMaxSlotBytes = uint64_t{1} << 28;
constexpr uint64_t kMaxSlotAlignment = 16;

}  // namespace

absl::Status Lowering::Run(const FunctionStencil& func, absl::Span<const uint16_t> loop_depth,
                           uint64_t chaos_seed, LowerBackend& backend) {
  func_ = &func;
  backend_ = &backend;
  status_ = absl::OkStatus();
  BuildOrder(loop_depth, chaos_seed);
  Prepare();
  builder_.Start(order_);
  backend.Begin(*this);
  for (uint32_t i = static_cast<uint32_t>(order_.nodes().size()); i-- > 0;) LowerNode(i);
  RETURN_IF_ERROR(status_);
  if (!builder_.Finish()) return absl::ResourceExhaustedError("function too large");
  return absl::OkStatus();
}

// Each value, instruction and edge is looked at a constant number of times; patterns look a
// constant number of instructions far.
uint64_t Lowering::work() const {
  return order_.work() + values_.size() + places_.size() + total_targets_ + vcode_.insts().size() +
         vcode_.operands().size() + vcode_.num_edge_args();
}

// Appends the distinct block calls of a terminator to targets_; target_of_entry_ gets which of
// them each block call is.
void Lowering::CollectTargets(Inst terminator) {
  target_of_entry_.clear();
  const InstData& inst = data(terminator);
  if (inst.opcode() != Opcode::kBrTable) {
    dfg().ForEachBlockCall(terminator, [&](const BlockCall& call) { targets_.push_back(call); });
    return;
  }
  const size_t first = targets_.size();
  last_target_.resize(dfg().num_blocks(), 0);
  dfg().ForEachBlockCall(terminator, [&](const BlockCall& call) {
    uint32_t& last = last_target_[call.block.index()];
    if (last == 0 || dfg().args_of(targets_[first + last - 1]) != dfg().args_of(call)) {
      targets_.push_back(call);
      last = static_cast<uint32_t>(targets_.size() - first);
    }
    target_of_entry_.push_back(last - 1);
  });
  for (size_t i = first; i < targets_.size(); ++i) last_target_[targets_[i].block.index()] = 0;
}

void Lowering::BuildOrder(absl::Span<const uint16_t> loop_depth, uint64_t chaos_seed) {
  const size_t count = dfg().num_blocks();
  source_blocks_.assign(count, BlockOrder::SourceBlock());
  source_position_.assign(count, 0);
  successors_.clear();
  targets_.clear();
  uint32_t position = 0;
  for (Block block : func_->layout.blocks()) {
    BlockOrder::SourceBlock& source = source_blocks_[block.index()];
    source_position_[block.index()] = position++;
    const Inst terminator = func_->layout.last_inst(block);
    source.successors.begin = static_cast<uint32_t>(targets_.size());
    CollectTargets(terminator);
    source.successors.end = static_cast<uint32_t>(targets_.size());
    source.loop_depth = loop_depth[block.index()];
    source.cold = dfg().block(block).cold || dfg().opcode(terminator) == Opcode::kTrap;
  }
  for (const BlockCall& call : targets_) successors_.push_back(call.block.raw());
  total_targets_ = targets_.size();
  BlockOrder::Graph graph;
  graph.entry = func_->layout.entry().raw();
  graph.blocks = source_blocks_;
  graph.successors = successors_;
  graph.source_position = source_position_;
  order_.Compute(graph, chaos_seed);
}

// Fills values_ (uses, same_as) and places_, in an order where definitions come before uses.
void Lowering::Prepare() {
  values_.assign(dfg().num_values(), ValueInfo());
  places_.assign(dfg().num_insts(), InstPlace());
  sunk_.assign(dfg().num_insts(), false);
  InstPlace place;
  for (uint32_t index : order_.reverse_postorder()) {
    const Block block(index);
    // Loads that trap alike may trade places; the first of another code starts anew.
    std::optional<TrapCode> load_trap;
    for (Inst inst : func_->layout.insts(block)) PrepareInst(inst, &load_trap, &place);
    ForwardParams(index);
  }
}

// Parameters of blocks that only `index` leads to, and by one edge, are what it passes.
void Lowering::ForwardParams(uint32_t index) {
  const regalloc::IndexRange range = source_blocks_[index].successors;
  const absl::Span<const uint32_t> successors =
      order_.SuccessorsOf(order_.nodes()[order_.NodeOf(index)]);
  for (uint32_t i = 0; i < range.size(); ++i) {
    const BlockOrder::Node& target = order_.nodes()[successors[i]];
    if (target.is_edge() || target.preds.size() != 1) continue;
    const BlockCall& call = targets_[range.begin + i];
    const absl::Span<const Value> params = dfg().block_params(call.block);
    const absl::Span<const Value> args = dfg().args_of(call);
    for (size_t k = 0; k < args.size(); ++k) {
      values_[params[k].index()].same_as = Resolve(args[k]);
    }
  }
}

void Lowering::PrepareInst(Inst inst, std::optional<TrapCode>* load_trap, InstPlace* place) {
  const InstData& inst_data = data(inst);
  const OpcodeInfo& info = Info(inst_data.opcode());
  const Effects effects = info.effects;
  if ((effects & kTerminator) != 0) {
    dfg().ForEachArg(inst, [&](Value value) { ++values_[Resolve(value).index()].uses; });
    places_[inst.index()] = *place;
    return;
  }
  for (Value value : inst_data.args()) ++values_[Resolve(value).index()].uses;
  if (effects == kPure) {
    places_[inst.index()] = *place;
    return;
  }
  if ((effects & kCalls) != 0) {
    for (Value value : dfg().list_args(inst)) ++values_[Resolve(value).index()].uses;
  }
  if ((effects & kLoads) != 0 && dfg().CanTrap(inst)) {
    const std::optional<TrapCode> trap = inst_data.flags().trap();
    if (*load_trap != trap) ++place->traps;
    *load_trap = trap;
  }
  places_[inst.index()] = *place;
  if ((effects & (kStores | kSideEffect | kCalls)) != 0) ++place->memory;
  if ((effects & kTraps) != 0) {
    ++place->traps;
    *load_trap = std::nullopt;
  }
}

std::optional<uint64_t> Lowering::IntConstant(Value value) const {
  const Inst inst = DefInst(value, Opcode::kIconst);
  if (inst.is_none()) return std::nullopt;
  return data(inst).const_bits();
}

std::optional<int32_t> Lowering::SignedConstant32(Value value) const {
  const Inst inst = DefInst(value, Opcode::kIconst);
  if (inst.is_none()) return std::nullopt;
  const int64_t constant = data(inst).const_signed();
  if (constant < std::numeric_limits<int32_t>::min() ||
      constant > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(constant);
}

VReg Lowering::RegOf(Value value) {
  VReg& reg = values_[value.index()].reg;
  if (reg.is_none()) {
    reg = builder_.NewVReg(ClassOf(type(value)));
    if (dfg().IsReference(value)) builder_.MarkReference(reg);
  }
  return reg;
}

VReg Lowering::Reg(Value value) {
  value = Resolve(value);
  for (Inst inst = dfg().defining_inst(value); inst.is_some(); inst = dfg().defining_inst(value)) {
    const InstData& def = data(inst);
    switch (def.opcode()) {
      case Opcode::kUextend:
        // Narrow integers are zero-extended in their registers.
        value = Resolve(def.arg(0));
        continue;
      case Opcode::kIconst:
      case Opcode::kF32const:
      case Opcode::kF64const: {
        const VReg reg = builder_.NewVReg(ClassOf(def.type()));
        backend_->LowerConstant(*this, reg, def.type(), def.const_bits());
        return reg;
      }
      case Opcode::kV128const: {
        const VReg reg = builder_.NewVReg(RegClass::kVector);
        backend_->LowerVectorConstant(*this, reg, def.v128_low(), def.v128_high());
        return reg;
      }
      default:
        return RegOf(value);
    }
  }
  return RegOf(value);
}

Inst Lowering::SinkableLoad(Value value, bool path_is_single) const {
  if (!path_is_single) return Inst::None();
  value = Resolve(value);
  const Inst load = dfg().defining_inst(value);
  if (load.is_none() || !IsLoad(data(load).opcode())) return Inst::None();
  if (values_[value.index()].uses != 1 || values_[value.index()].reg.is_some()) {
    return Inst::None();
  }
  if (func_->layout.block_of(load) != func_->layout.block_of(anchor_)) return Inst::None();
  const InstPlace& from = places_[load.index()];
  const InstPlace& to = places_[anchor_.index()];
  const bool is_stack_load = data(load).opcode() == Opcode::kStackLoad;
  const bool can_trap = !is_stack_load && data(load).flags().can_trap();
  const bool is_readonly = !is_stack_load && data(load).flags().readonly();
  if (can_trap && from.traps != to.traps) return Inst::None();
  // How much fuel a trap gives back is told by the location.
  if (can_trap && func_->cold_calls.out_of_fuel.is_some() && LocOf(load) != LocOf(anchor_)) {
    return Inst::None();
  }
  if ((can_trap || !is_readonly) && from.memory != to.memory) return Inst::None();
  return load;
}

Inst Lowering::SinkableTrap(Value condition) const {
  // As far as the code of one checked address reaches.
  constexpr int kMostBetween = 6;
  Inst inst = func_->layout.prev_inst(anchor_);
  for (int i = 0; i <= kMostBetween && inst.is_some(); ++i, inst = func_->layout.prev_inst(inst)) {
    const InstData& trap = data(inst);
    if (trap.opcode() == Opcode::kTrapnz && IsSame(trap.arg(0), condition)) {
      // Where it traps is told by the location.
      return !sunk_[inst.index()] && LocOf(inst) == LocOf(anchor_) ? inst : Inst::None();
    }
    if (Info(trap.opcode()).effects != kPure) break;
  }
  return Inst::None();
}

void Lowering::SetEdgeArgs(uint32_t edge, const BlockCall& call, uint32_t target) {
  // Into an edge block, or a block whose parameters are the arguments: nothing to pass.
  if (order_.nodes()[target].is_edge() || order_.nodes()[target].preds.size() == 1) return;
  edge_args_.clear();
  for (Value value : dfg().args_of(call)) edge_args_.push_back(Reg(value));
  builder_.SetEdgeArgs(edge, edge_args_);
}

void Lowering::LowerNode(uint32_t index) {
  const BlockOrder::Node& node = order_.nodes()[index];
  const absl::Span<const uint32_t> targets = order_.SuccessorsOf(node);
  block_ = index;
  builder_.BeginBlock(index);
  if (node.is_edge()) {
    const BlockOrder::Node& from = order_.nodes()[node.edge_from];
    const Inst branch = func_->layout.last_inst(Block(from.block));
    anchor_ = branch;
    const uint32_t first = source_blocks_[from.block].successors.begin;
    SetEdgeArgs(0, targets_[first + node.edge_index], targets[0]);
    backend_->LowerJump(*this, targets[0]);
    builder_.FlushGroup(LocOf(branch));
    builder_.EndBlock();
    return;
  }
  const Block block(node.block);
  const Inst terminator = func_->layout.last_inst(block);
  anchor_ = terminator;
  const uint32_t first = source_blocks_[node.block].successors.begin;
  for (uint32_t i = 0; i < targets.size(); ++i) SetEdgeArgs(i, targets_[first + i], targets[i]);
  if (dfg().opcode(terminator) == Opcode::kBrTable) CollectTargets(terminator);
  backend_->LowerTerminator(*this, terminator, targets);
  targets_.resize(total_targets_);
  builder_.FlushGroup(LocOf(terminator));
  LowerBody(terminator);
  if (node.preds.size() > 1) {
    for (Value param : dfg().block_params(block)) builder_.AddBlockParam(RegOf(param));
  } else if (index == 0) {
    backend_->LowerEntry(*this, dfg().block_params(block));
    builder_.FlushGroup(SourceLoc::None());
  }
  builder_.EndBlock();
}

void Lowering::LowerBody(Inst terminator) {
  for (Inst inst = func_->layout.prev_inst(terminator); inst.is_some();
       inst = func_->layout.prev_inst(inst)) {
    if (sunk_[inst.index()]) continue;
    if (dfg().IsRemovable(inst)) {
      bool used = false;
      const size_t results = dfg().num_results(inst);
      for (size_t i = 0; i < results; ++i) used |= IsResultUsed(inst, i);
      if (!used) continue;
    }
    anchor_ = inst;
    backend_->LowerInst(*this, inst);
    builder_.FlushGroup(LocOf(inst));
  }
}

void Lowering::LayOutStackSlots(std::vector<uint32_t>* offsets) {
  offsets->clear();
  uint64_t bytes = 0;
  uint32_t alignment = 1;
  for (const StackSlotData& slot : dfg().stack_slots()) {
    const uint64_t align = uint64_t{1} << slot.align_log2;
    alignment = std::max(alignment, static_cast<uint32_t>(align));
    bytes = (bytes + align - 1) & ~(align - 1);
    offsets->push_back(static_cast<uint32_t>(bytes));
    bytes += slot.bytes;
    if (bytes > kMaxSlotBytes || align > kMaxSlotAlignment) {
      Fail(absl::ResourceExhaustedError("function too large: its stack slots"));
      bytes = 0;
    }
  }
  vcode_.frame.slot_bytes = static_cast<uint32_t>(bytes);
  vcode_.frame.slot_alignment = alignment;
}

std::optional<Lowering::FuelStep> Lowering::FuelStepOf(Inst inst, bool has_register) {
  const FuelStep step = {data(inst).amount(), data(inst).opcode() == Opcode::kFuelCheck};
  if (!has_register || (step.checks && vcode_.cold_calls.out_of_fuel.is_none())) {
    Fail(absl::UnimplementedError(
        "fuel needs the flag fuel_register, and a function that is called when it runs out"));
    return std::nullopt;
  }
  if (step.amount == 0 && !step.checks) return std::nullopt;
  return step;
}

bool Lowering::CheckPoll() {
  if (!vcode_.cold_calls.new_epoch.is_none()) return true;
  Fail(absl::UnimplementedError("a poll needs a function to call"));
  return false;
}

}  // namespace gantry::codegen
