#include "codegen/regalloc/assign.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::codegen::regalloc {

absl::Status Assigner::Run(const Input& input, const MachineEnv& env, const Options& options,
                           const Liveness& liveness, Assignment* assignment, Output* output) {
  input_ = &input;
  env_ = &env;
  liveness_ = &liveness;
  out_ = assignment;
  spill_everything_ = options.spill_everything;
  chaos_ = options.chaos_seed;
  output->allocations.assign(input.operands.size(), Allocation());
  allocations_ = output->allocations.data();
  Prepare();
  for (uint32_t b = 0; b < input.blocks.size(); ++b) RETURN_IF_ERROR(VisitBlock(b));
  output->written = written_;
  return absl::OkStatus();
}

void Assigner::Prepare() {
  out_->values.assign(input_->num_vregs, ValueState());
  values_ = out_->values.data();
  out_->residences.clear();
  out_->blocks.assign(input_->blocks.size(), BlockState());
  out_->edits.clear();
  out_->stays.clear();
  out_->origin.assign(input_->num_vregs, kNoIndex);
  out_->work = 0;
  used_ = PRegSet();
  written_ = PRegSet();
  std::fill(std::begin(owner_), std::end(owner_), kNoIndex);
  for (RegClass reg_class : kRegClasses) {
    const MachineEnv::Class& regs = (*env_)[reg_class];
    std::vector<PReg>& order = order_[static_cast<size_t>(reg_class)];
    order.assign(regs.preferred.begin(), regs.preferred.end());
    order.insert(order.end(), regs.non_preferred.begin(), regs.non_preferred.end());
    PRegSet& allocatable = allocatable_[static_cast<size_t>(reg_class)];
    allocatable = PRegSet();
    for (PReg reg : order) allocatable.insert(reg);
  }
  for (uint32_t v = 0; v < input_->num_vregs; ++v) {
    values_[v].family = v;
    // Blocks may come before those that dominate them: what has no register is in memory.
    values_[v].set(ValueState::kInMemory);
    if (liveness_->is_everywhere(v)) values_[v].set(ValueState::kStoredAtDef);
  }
  for (VReg reg : input_->reference_vregs) values_[reg.index()].set(ValueState::kReference);
  for (const DebugValue& debug : input_->debug_values) {
    values_[debug.reg.index()].set(ValueState::kLabelled);
  }
  stay_begin_.assign(input_->debug_values.empty() ? 0 : input_->num_vregs, kNoIndex);
  candidate_of_.assign(input_->num_vregs, 0);
  PrepareHints();
}

void Assigner::PrepareHints() {
  clobbers_.clear();
  clobber_cursor_ = 0;
  ever_fixed_ = PRegSet();
  for (size_t p = 0; p < PReg::kCount; ++p) {
    fixed_at_[p].clear();
    fixed_cursor_[p] = 0;
  }
  in_edge_.assign(input_->blocks.size(), kNoIndex);
  param_of_arg_.assign(input_->edge_args.size(), kNoIndex);

  const auto fix = [&](const Operand& operand, uint32_t inst) {
    const PReg reg = operand.fixed();
    ever_fixed_.insert(reg);
    std::vector<uint32_t>& at = fixed_at_[reg.index()];
    if (at.empty() || at.back() != inst) at.push_back(inst);
  };
  for (uint32_t b = 0; b < input_->blocks.size(); ++b) {
    const Block& block = input_->blocks[b];
    for (VReg param : input_->ParamsOf(BlockId(b))) {
      values_[param.index()].reg_class = param.reg_class();
    }
    for (uint32_t i = block.insts.begin; i < block.insts.end; ++i) {
      const Inst& inst = input_->insts[i];
      const PRegSet clobbers = input_->ClobbersOf(InstId(i));
      if (!clobbers.empty()) {
        written_ |= clobbers;
        if (!block.cold) clobbers_.push_back(Clobber{i, clobbers});
      }
      const absl::Span<const Operand> operands = input_->OperandsOf(InstId(i));
      for (const Operand& operand : operands) {
        ValueState& v = values_[operand.reg().index()];
        if (operand.is_def()) v.reg_class = operand.reg_class();
        if (operand.constraint() == Constraint::kFixed) fix(operand, i);
        if (operand.constraint() == Constraint::kReuse) {
          JoinFamilies(static_cast<uint32_t>(operand.reg().index()),
                       static_cast<uint32_t>(operands[operand.reused_input()].reg().index()));
        }
      }
      if (inst.is(kMove)) {
        JoinFamilies(static_cast<uint32_t>(operands[0].reg().index()),
                     static_cast<uint32_t>(operands[1].reg().index()));
      }
      if (inst.is(kRematerializable)) {
        ValueState& v = values_[operands[0].reg().index()];
        if (!v.is(ValueState::kReference)) {
          v.set(ValueState::kRematerializable);
          out_->origin[operands[0].reg().index()] = i;
        }
      }
    }
    const IndexRange edges = block.edges;
    for (uint32_t e = edges.begin; e < edges.end; ++e) {
      const Edge& edge = input_->edges[e];
      in_edge_[edge.target.index()] = e;
      const absl::Span<const VReg> params = input_->ParamsOf(edge.target);
      const absl::Span<const VReg> args = input_->ArgsOf(edge);
      for (uint32_t k = 0; k < args.size(); ++k) {
        param_of_arg_[edge.args_begin + k] = static_cast<uint32_t>(params[k].index());
        JoinFamilies(static_cast<uint32_t>(args[k].index()),
                     static_cast<uint32_t>(params[k].index()));
      }
    }
  }
  for (uint32_t v = 0; v < input_->num_vregs; ++v) values_[v].family = Family(v);
  for (const Operand& operand : input_->operands) {
    if (operand.constraint() != Constraint::kFixed) continue;
    const uint32_t v = static_cast<uint32_t>(operand.reg().index());
    uint8_t& fixed = values_[values_[v].family].family_fixed;
    if (fixed == kNoReg) fixed = static_cast<uint8_t>(operand.fixed().index());
  }
}

absl::Status Assigner::VisitBlock(uint32_t block) {
  block_ = block;
  loop_ = liveness_->loop_of(block);
  EnterBlock(block);
  out_->blocks[block].entry = SaveState();
  const IndexRange insts = input_->blocks[block].insts;
  for (uint32_t i = insts.begin; i < insts.end; ++i) RETURN_IF_ERROR(VisitInst(i));
  LeaveBlock(block);
  return absl::OkStatus();
}

void Assigner::AdvanceRange(uint32_t vreg, uint32_t inst) {
  const absl::Span<const LiveRange> ranges = liveness_->RangesOf(vreg);
  ValueState& v = values_[vreg];
  while (v.range_cursor + 1 < ranges.size() && ranges[v.range_cursor].end <= 2 * inst) {
    ++v.range_cursor;
  }
  if (ranges.empty()) return;
  v.live_begin = ranges[v.range_cursor].begin;
  v.live_end = ranges[v.range_cursor].end;
}

void Assigner::AdvanceUse(uint32_t vreg, uint32_t inst) {
  const absl::Span<const Use> uses = liveness_->UsesOf(vreg);
  ValueState& v = values_[vreg];
  while (v.use_cursor < uses.size() && uses[v.use_cursor].inst <= inst) {
    ++v.use_cursor;
    ++out_->work;
  }
  v.next_use = v.use_cursor < uses.size() ? uses[v.use_cursor].inst : kNoIndex;
}

void Assigner::Touch(uint32_t vreg) {
  ValueState& v = values_[vreg];
  if (v.is(ValueState::kTouched)) return;
  v.set(ValueState::kTouched);
  v.source = v.reg;
  v.readable = kNoReg;
  touched_.push_back(vreg);
}

void Assigner::SetHome(uint32_t vreg, PReg reg) {
  DCHECK(owner_[reg.index()] == kNoIndex);
  ValueState& v = values_[vreg];
  owner_[reg.index()] = vreg;
  used_.insert(reg);
  v.reg = static_cast<uint8_t>(reg.index());
  values_[v.family].family_last = v.reg;
  if (v.is(ValueState::kLabelled)) BeginStay(vreg);
}

void Assigner::DropHome(uint32_t vreg) {
  ValueState& v = values_[vreg];
  if (v.reg == kNoReg) return;
  if (v.is(ValueState::kLabelled)) EndStay(vreg);
  owner_[v.reg] = kNoIndex;
  used_.erase(PReg::FromIndex(v.reg));
  v.reg = kNoReg;
}

void Assigner::BeginStay(uint32_t vreg) { stay_begin_[vreg] = begin_point_; }

void Assigner::EndStay(uint32_t vreg) {
  out_->stays.push_back(Stay{vreg, stay_begin_[vreg], std::max(stay_begin_[vreg], end_point_),
                             memory_point_, values_[vreg].reg});
}

uint64_t Assigner::Random() {
  // SplitMix64 (Steele, Lea, Flood 2014).
  uint64_t z = chaos_ += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

}  // namespace gantry::codegen::regalloc
