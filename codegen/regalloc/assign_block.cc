// The start of a block: which values are in which registers there. Where control flow joins,
// that is decided from the ends of the predecessors that come earlier in the final order; the
// others (back edges) adapt to it by moves on their edges.
#include <algorithm>

#include "codegen/regalloc/assign.h"

namespace gantry::codegen::regalloc {
namespace {

// So many predecessors are asked what they have in registers; the first ones in order.
constexpr size_t kMaxPredsAsked = 16;
// So many operands of a loop are looked at for values worth loading before it.
constexpr uint32_t kMaxLoopOperands = 256;
// Registers left for what is defined inside a loop when values are kept that only live through.
constexpr uint32_t kLoopSlack = 2;

}  // namespace

void Assigner::EnterBlock(uint32_t block) {
  const absl::Span<const BlockId> preds = input_->PredsOf(BlockId(block));
  step_ = Step();
  // Choices are made as of the end of the previous instruction.
  const uint32_t first = input_->blocks[block].insts.begin;
  step_.inst = first == 0 ? 0 : first - 1;
  begin_point_ = 2 * first;
  if (preds.size() == 1 && preds[0].raw() < block && !spill_everything_) {
    InheritFrom(preds[0].raw(), block);
  }
  if (preds.size() > 1 && !spill_everything_) {
    CollectCandidates(block);
    SelectCandidates(block);
    PlaceCandidates(block);
  } else {
    PlaceParams(block);
  }
}

// The parameters of a block with one predecessor, or of any block when everything is spilled.
void Assigner::PlaceParams(uint32_t block) {
  const absl::Span<const VReg> params = input_->ParamsOf(BlockId(block));
  if (params.empty()) return;
  const uint32_t pred = input_->PredsOf(BlockId(block))[0].raw();
  const absl::Span<const VReg> args = input_->ArgsOf(input_->edges[in_edge_[block]]);
  // The argument's register, where that becomes free, is the best one.
  if (pred < block) {
    const IndexRange exit = out_->blocks[pred].exit;
    for (uint32_t r = exit.begin; r < exit.end; ++r) {
      values_[out_->residences[r].vreg].readable = out_->residences[r].reg;
    }
    for (size_t k = 0; k < params.size(); ++k) {
      PlaceParam(static_cast<uint32_t>(params[k].index()), values_[args[k].index()].readable);
    }
    for (uint32_t r = exit.begin; r < exit.end; ++r) {
      values_[out_->residences[r].vreg].readable = kNoReg;
    }
  } else {
    for (VReg param : params) PlaceParam(static_cast<uint32_t>(param.index()), kNoReg);
  }
}

IndexRange Assigner::SaveState() {
  IndexRange range;
  range.begin = static_cast<uint32_t>(out_->residences.size());
  for (PReg reg : used_) {
    const uint32_t v = owner_[reg.index()];
    out_->residences.push_back(
        Residence{v, static_cast<uint8_t>(reg.index()), values_[v].is(ValueState::kInMemory)});
  }
  range.end = static_cast<uint32_t>(out_->residences.size());
  return range;
}

void Assigner::LeaveBlock(uint32_t block) {
  out_->blocks[block].exit = SaveState();
  // Moves of the edge may stand before the terminator.
  memory_point_ = 2 * input_->blocks[block].insts.end;
  end_point_ = std::max<uint32_t>(memory_point_, 3) - 3;
  for (PReg reg : used_) {
    const uint32_t v = owner_[reg.index()];
    if (values_[v].is(ValueState::kLabelled)) EndStay(v);
    values_[v].reg = kNoReg;
    // What has no register is in memory, as far as the next block is concerned.
    values_[v].set(ValueState::kInMemory);
    owner_[reg.index()] = kNoIndex;
  }
  used_ = PRegSet();
}

void Assigner::InheritFrom(uint32_t pred, uint32_t block) {
  const uint32_t first = input_->blocks[block].insts.begin;
  const IndexRange exit = out_->blocks[pred].exit;
  out_->blocks[block].inherits = true;
  for (uint32_t r = exit.begin; r < exit.end; ++r) {
    const Residence residence = out_->residences[r];
    if (!IsLiveAtStart(residence.vreg, first)) continue;
    if (chaos_ != 0 && Random() % 8 == 0 && !input_->blocks[pred].edges.empty() &&
        liveness_->def_point(residence.vreg) + 1 < 2 * input_->blocks[pred].insts.end) {
      out_->blocks[block].inherits = false;
      continue;
    }
    SetHome(residence.vreg, PReg::FromIndex(residence.reg));
    values_[residence.vreg].flags =
        static_cast<uint8_t>((values_[residence.vreg].flags & ~ValueState::kInMemory) |
                             (residence.in_memory ? ValueState::kInMemory : 0));
  }
}

void Assigner::PlaceParam(uint32_t vreg, uint8_t hint) {
  if (liveness_->UsesOf(vreg).empty()) return;
  ValueState& v = values_[vreg];
  const PRegSet free = ClassRegs(vreg) - used_;
  if (spill_everything_ || free.empty()) {
    v.set(ValueState::kInMemory);
    v.set(ValueState::kParamInMemory);
    return;
  }
  PReg home = Pick(vreg, free);
  if (hint != kNoReg &&
      (free - Conflicts(free, FullChainOf(vreg))).contains(PReg::FromIndex(hint))) {
    home = PReg::FromIndex(hint);
  }
  SetHome(vreg, home);
  written_.insert(home);
  v.def_reg = v.reg;
  v.clear(ValueState::kInMemory);
  if (v.is(ValueState::kStoredAtDef)) v.set(ValueState::kInMemory);
}

void Assigner::CollectCandidates(uint32_t block) {
  const uint32_t first = input_->blocks[block].insts.begin;
  candidates_.clear();
  const absl::Span<const BlockId> preds = input_->PredsOf(BlockId(block));
  // Parameters first: the end of a back edge may hold their value of the last iteration.
  for (VReg param : input_->ParamsOf(BlockId(block))) {
    const uint32_t v = static_cast<uint32_t>(param.index());
    if (liveness_->UsesOf(v).empty()) continue;
    candidates_.push_back(Candidate{v, 0, 0, kNoReg, 0, false, true});
    candidate_of_[v] = static_cast<uint32_t>(candidates_.size());
  }
  // Cold predecessors have a say only where there are no others.
  bool ask_cold = true;
  for (BlockId pred : preds.subspan(0, kMaxPredsAsked)) {
    if (pred.raw() < block && !input_->blocks[pred.index()].cold) ask_cold = false;
  }
  for (BlockId pred : preds.subspan(0, kMaxPredsAsked)) {
    if (pred.raw() >= block) continue;
    const bool asked = ask_cold || !input_->blocks[pred.index()].cold;
    const uint32_t weight = asked ? liveness_->frequency(pred.raw()) : 0;
    const IndexRange exit = out_->blocks[pred.index()].exit;
    out_->work += exit.size();
    if (asked) VoteForParams(block, pred.raw(), weight);
    for (uint32_t r = exit.begin; r < exit.end; ++r) {
      const Residence residence = out_->residences[r];
      uint32_t& position = candidate_of_[residence.vreg];
      if (position == 0) {
        if (!asked || !IsLiveAtStart(residence.vreg, first)) continue;
        candidates_.push_back(Candidate{residence.vreg, 0, weight, residence.reg, weight,
                                        residence.in_memory, false});
        position = static_cast<uint32_t>(candidates_.size());
      } else {
        Candidate& candidate = candidates_[position - 1];
        if (candidate.is_param) continue;
        candidate.weight += weight;
        Vote(&candidate, residence.reg, weight);
        candidate.in_memory &= residence.in_memory;
      }
    }
  }
  if (liveness_->is_header(block)) CollectLoopCandidates(block);
  for (Candidate& candidate : candidates_) {
    candidate.distance = Distance(candidate.vreg, step_.inst);
    candidate_of_[candidate.vreg] = 0;
  }
}

// A majority vote in constant space (Boyer and Moore, "MJRTY", 1991).
void Assigner::Vote(Candidate* candidate, uint8_t reg, uint32_t weight) {
  if (candidate->reg == reg) {
    candidate->votes += weight;
  } else if (candidate->votes >= weight) {
    candidate->votes -= weight;
  } else {
    candidate->reg = reg;
    candidate->votes = weight - candidate->votes;
  }
}

// The parameters, which are the first candidates, are best where their arguments are.
void Assigner::VoteForParams(uint32_t block, uint32_t pred, uint32_t weight) {
  const absl::Span<const VReg> params = input_->ParamsOf(BlockId(block));
  if (params.empty()) return;
  // A block with several predecessors has only edges that are the only ones out of theirs.
  const absl::Span<const VReg> args = input_->ArgsOf(input_->EdgesOf(BlockId(pred))[0]);
  const IndexRange exit = out_->blocks[pred].exit;
  for (uint32_t r = exit.begin; r < exit.end; ++r) {
    values_[out_->residences[r].vreg].readable = out_->residences[r].reg;
  }
  for (size_t k = 0; k < params.size(); ++k) {
    const uint8_t reg = values_[args[k].index()].readable;
    const uint32_t position = candidate_of_[params[k].index()];
    if (reg != kNoReg && position != 0) Vote(&candidates_[position - 1], reg, weight);
  }
  for (uint32_t r = exit.begin; r < exit.end; ++r) {
    values_[out_->residences[r].vreg].readable = kNoReg;
  }
  out_->work += params.size();
}

// Values that the loop uses and that are in memory, or can be made anew, before it.
void Assigner::CollectLoopCandidates(uint32_t block) {
  const Loop& loop = liveness_->loop(loop_);
  uint32_t seen = 0;
  for (uint32_t i = loop.first_inst; i < loop.end_inst && seen < kMaxLoopOperands; ++i) {
    seen += 1 + input_->insts[i].operand_count;
    for (const Operand& operand : input_->OperandsOf(InstId(i))) {
      if (operand.is_def()) continue;
      const uint32_t v = static_cast<uint32_t>(operand.reg().index());
      if (candidate_of_[v] != 0 || liveness_->def_point(v) >= 2 * loop.first_inst) continue;
      // An integer is made anew by an instruction that waits for nothing; a vector is loaded.
      const bool made_anew = values_[v].is(ValueState::kRematerializable);
      if (made_anew && values_[v].reg_class == RegClass::kInt) continue;
      if (!IsLiveAtStart(v, input_->blocks[block].insts.begin)) continue;
      candidates_.push_back(Candidate{v, 0, 0, kNoReg, 0, !made_anew, false});
      candidate_of_[v] = static_cast<uint32_t>(candidates_.size());
    }
  }
  out_->work += seen;
  loop_operands_ = seen;
}

// Keeps in candidates_ the values that are to be in registers.
void Assigner::SelectCandidates(uint32_t block) {
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.vreg < b.vreg;
  });
  uint32_t total_weight = 0;
  uint32_t heaviest = 0;
  for (const Candidate& candidate : candidates_) heaviest = std::max(heaviest, candidate.weight);
  for (BlockId pred : input_->PredsOf(BlockId(block)).subspan(0, kMaxPredsAsked)) {
    if (pred.raw() < block && !input_->blocks[pred.index()].cold) {
      total_weight += liveness_->frequency(pred.raw());
    }
  }
  if (total_weight == 0) total_weight = heaviest;
  const bool is_header = liveness_->is_header(block);
  const uint32_t loop_end = loop_ == kNoIndex ? kNoIndex : liveness_->loop(loop_).end_inst;
  uint32_t room[kNumRegClasses];
  uint32_t through_room[kNumRegClasses];
  for (size_t c = 0; c < kNumRegClasses; ++c) {
    room[c] = static_cast<uint32_t>(allocatable_[c].size());
    through_room[c] = room[c];
    if (!is_header) continue;
    const Loop& loop = liveness_->loop(loop_);
    uint32_t through = 0;
    uint32_t used = 0;
    uint32_t used_params = 0;
    for (const Candidate& candidate : candidates_) {
      if (static_cast<size_t>(values_[candidate.vreg].reg_class) != c) continue;
      ++(candidate.distance >= loop.end_inst - step_.inst ? through : used);
      used_params += candidate.is_param ? 1 : 0;
    }
    // What only passes through the loop counts in its pressure whether or not it is in a register.
    if (loop_operands_ < kMaxLoopOperands) {
      through = std::max(through + used - used_params, liveness_->live_in_count(c, block)) -
                (used - used_params);
    }
    const uint32_t others = loop.pressure[c] > through ? loop.pressure[c] - through : 0;
    through_room[c] = room[c] > others + kLoopSlack ? room[c] - others - kLoopSlack : 0;
    const uint32_t clobber = NextClobber(step_.inst);
    if (clobber < loop.end_inst) {
      const uint32_t saved =
          static_cast<uint32_t>((allocatable_[c] - clobbers_[clobber_cursor_].regs).size());
      through_room[c] = std::min(through_room[c], saved > used ? saved - used : 0);
    }
  }
  size_t kept = 0;
  for (const Candidate& candidate : candidates_) {
    const size_t c = static_cast<size_t>(values_[candidate.vreg].reg_class);
    const bool is_near = candidate.distance < loop_end - step_.inst;
    bool keep = room[c] > 0;
    if (is_header && !candidate.is_param && !is_near) {
      keep = keep && through_room[c] > 0 && candidate.weight >= total_weight;
      if (keep) --through_room[c];
    } else if (!is_header && !candidate.is_param) {
      keep = keep && (candidate.weight >= total_weight ||
                      (is_near && candidate.weight * 2 >= total_weight));
    }
    if (keep) {
      --room[c];
      candidates_[kept++] = candidate;
    } else if (candidate.is_param) {
      values_[candidate.vreg].set(ValueState::kInMemory);
      values_[candidate.vreg].set(ValueState::kParamInMemory);
    } else {
      values_[candidate.vreg].set(ValueState::kInMemory);
    }
  }
  candidates_.resize(kept);
}

void Assigner::PlaceCandidates(uint32_t block) {
  const bool is_header = liveness_->is_header(block);
  // First what stays where it was, then the parameters, then what has to be loaded or moved.
  for (Candidate& candidate : candidates_) {
    if (candidate.is_param) continue;
    ValueState& v = values_[candidate.vreg];
    if (candidate.in_memory) {
      v.set(ValueState::kInMemory);
    } else {
      v.clear(ValueState::kInMemory);
    }
    if (candidate.reg == kNoReg) continue;
    const PReg reg = PReg::FromIndex(candidate.reg);
    if (used_.contains(reg)) continue;
    if (is_header && chaos_ == 0) {
      // Better moved once before the loop than in every iteration.
      Chain chain = ChainOf(candidate.vreg);
      chain.end = std::min(chain.end, 2 * liveness_->loop(loop_).end_inst);
      const PRegSet free = (ClassRegs(candidate.vreg) - used_) | PRegSet{reg};
      const PRegSet conflicts = Conflicts(free, chain);
      if (conflicts.contains(reg) && conflicts != free) continue;
    }
    SetHome(candidate.vreg, reg);
  }
  for (const bool params : {true, false}) {
    for (const Candidate& candidate : candidates_) {
      ValueState& v = values_[candidate.vreg];
      if (candidate.is_param != params || v.reg != kNoReg) continue;
      const PRegSet free = ClassRegs(candidate.vreg) - used_;
      PReg reg = candidate.reg == kNoReg ? PReg() : PReg::FromIndex(candidate.reg);
      if (!params || reg.is_none() || !free.contains(reg) ||
          Conflicts(PRegSet{reg}, FullChainOf(candidate.vreg)).contains(reg)) {
        reg = Pick(candidate.vreg, free);
      }
      SetHome(candidate.vreg, reg);
      written_.insert(reg);
      if (!params) continue;
      v.def_reg = v.reg;
      v.clear(ValueState::kInMemory);
      if (v.is(ValueState::kStoredAtDef)) v.set(ValueState::kInMemory);
    }
  }
}

}  // namespace gantry::codegen::regalloc
