// Choosing: which free register a value gets, and which value leaves when none is free.
#include <algorithm>

#include "codegen/regalloc/assign.h"

namespace gantry::codegen::regalloc {
namespace {

// Distances in instructions. A use beyond the current loop is worse than any inside; a value
// that is live without a later use in layout order worse than that.
constexpr uint32_t kLoopExitDistance = 4096;
constexpr uint32_t kColdDistance = 2048;
constexpr uint32_t kNoUseDistance = 1 << 20;

// So far a choice of register looks through two-address instructions and parameters.
constexpr int kMaxChain = 3;

}  // namespace

uint32_t Assigner::Distance(uint32_t vreg, uint32_t inst) {
  const uint32_t next = NextUse(vreg, inst);
  uint32_t distance = kNoUseDistance;
  if (next != kNoIndex) {
    distance = std::min(next - inst, kNoUseDistance);
    if (input_->blocks[liveness_->block_of(next)].cold && !input_->blocks[block_].cold) {
      distance += kColdDistance;
    }
  }
  uint32_t loop = loop_;
  if (loop != kNoIndex && next >= liveness_->loop(loop).end_inst) {
    // Used again in the next iteration?
    const Loop& innermost = liveness_->loop(loop);
    const absl::Span<const Use> uses = liveness_->UsesOf(vreg);
    const uint32_t cursor = values_[vreg].use_cursor;
    if (cursor > 0 && uses[cursor - 1].inst >= innermost.first_inst &&
        liveness_->def_point(vreg) < 2 * innermost.first_inst) {
      return std::min(innermost.end_inst - inst, kLoopExitDistance - 1);
    }
    for (int levels = 0; levels < 8 && loop != kNoIndex && next >= liveness_->loop(loop).end_inst;
         ++levels) {
      distance += kLoopExitDistance;
      loop = liveness_->loop(loop).parent;
    }
  }
  return distance;
}

uint64_t Assigner::EvictionScore(uint32_t vreg) {
  const ValueState& v = values_[vreg];
  const uint64_t distance = Distance(vreg, step_.inst);
  if (chaos_ != 0 && Random() % 4 == 0) return Random() % 1000;
  // What need not be stored goes more easily; a constant that is made anew even more so.
  if (v.is(ValueState::kRematerializable)) return distance * 4;
  if (v.is(ValueState::kInMemory)) return distance * 2;
  return distance;
}

PReg Assigner::Victim(PRegSet mask, uint64_t* score) {
  PReg best;
  *score = 0;
  for (PReg reg : mask) {
    const uint64_t candidate = EvictionScore(owner_[reg.index()]);
    if (best.is_none() || candidate > *score) {
      best = reg;
      *score = candidate;
    }
  }
  out_->work += mask.size();
  return best;
}

uint32_t Assigner::NextClobber(uint32_t inst) {
  while (clobber_cursor_ < clobbers_.size() && clobbers_[clobber_cursor_].inst <= inst) {
    ++clobber_cursor_;
  }
  return clobber_cursor_ < clobbers_.size() ? clobbers_[clobber_cursor_].inst : kNoIndex;
}

Assigner::Chain Assigner::ChainOf(uint32_t vreg) {
  LivesAfter(vreg, step_.inst);
  Chain chain;
  chain.end = values_[vreg].live_end;
  if (NextUse(vreg, step_.inst) != kNoIndex) {
    chain.use = liveness_->UsesOf(vreg)[values_[vreg].use_cursor];
  }
  return chain;
}

Assigner::Chain Assigner::FullChainOf(uint32_t vreg) {
  Chain chain = ChainOf(vreg);
  for (int steps = 0; steps < kMaxChain && chain.use.inst != kNoIndex; ++steps) {
    const Use use = chain.use;
    uint32_t heir = kNoIndex;
    if ((use.operand & Use::kEdgeArg) != 0) {
      heir = param_of_arg_[use.operand - Use::kEdgeArg];
    } else if (chain.end <= 2 * use.inst + 1) {
      const uint32_t position = use.operand - input_->insts[use.inst].operands_begin;
      for (const Operand& operand : input_->OperandsOf(InstId(use.inst))) {
        if (operand.constraint() == Constraint::kReuse && operand.reused_input() == position) {
          heir = static_cast<uint32_t>(operand.reg().index());
        }
      }
    }
    if (heir == kNoIndex || values_[heir].def_reg != kNoReg) break;
    const absl::Span<const LiveRange> ranges = liveness_->RangesOf(heir);
    const absl::Span<const Use> uses = liveness_->UsesOf(heir);
    if (ranges.empty() || uses.empty() || ranges[0].end <= chain.end) break;
    chain.end = ranges[0].end;
    chain.use = uses[0];
  }
  return chain;
}

PRegSet Assigner::Conflicts(PRegSet free, const Chain& chain) {
  PRegSet conflicts;
  NextClobber(step_.inst);
  for (size_t c = clobber_cursor_; c < clobbers_.size() && c < clobber_cursor_ + 2u; ++c) {
    if (chain.end <= 2 * clobbers_[c].inst + 1) break;
    conflicts |= clobbers_[c].regs;
  }
  // The last use, in that very register, is no conflict.
  PReg wanted;
  if ((chain.use.operand & Use::kEdgeArg) == 0 && chain.end <= 2 * chain.use.inst + 1) {
    wanted = input_->operands[chain.use.operand].fixed();
  }
  for (PReg reg : free& ever_fixed_) {
    const std::vector<uint32_t>& at = fixed_at_[reg.index()];
    uint32_t& cursor = fixed_cursor_[reg.index()];
    while (cursor < at.size() && at[cursor] <= step_.inst) ++cursor;
    if (cursor == at.size() || chain.end <= 2 * at[cursor]) continue;
    if (reg != wanted || at[cursor] != chain.use.inst) conflicts.insert(reg);
  }
  return conflicts;
}

PReg Assigner::FirstInOrder(RegClass reg_class, PRegSet set) const {
  for (PReg reg : order_[static_cast<size_t>(reg_class)]) {
    if (set.contains(reg)) return reg;
  }
  return PReg::None();
}

PReg Assigner::Pick(uint32_t vreg, PRegSet free) {
  ++out_->work;
  const ValueState& v = values_[vreg];
  if (chaos_ != 0) {
    size_t skip = Random() % free.size();
    for (PReg reg : free) {
      if (skip-- == 0) return reg;
    }
  }
  NextUse(vreg, step_.inst);
  const PRegSet good = free - Conflicts(free, FullChainOf(vreg));
  const absl::Span<const Use> uses = liveness_->UsesOf(vreg);
  if (v.use_cursor < uses.size()) {
    const uint32_t operand = uses[v.use_cursor].operand;
    PReg hint;
    if ((operand & Use::kEdgeArg) != 0) {
      const uint8_t reg = values_[param_of_arg_[operand - Use::kEdgeArg]].def_reg;
      if (reg != kNoReg) hint = PReg::FromIndex(reg);
    } else {
      hint = input_->operands[operand].fixed();
    }
    if (hint.is_some() && good.contains(hint)) return hint;
  }
  const ValueState& family = values_[v.family];
  for (uint8_t hint : {family.family_last, family.family_fixed}) {
    if (hint != kNoReg && good.contains(PReg::FromIndex(hint))) return PReg::FromIndex(hint);
  }
  return FirstInOrder(v.reg_class, good.empty() ? free : good);
}

uint32_t Assigner::Family(uint32_t vreg) {
  while (values_[vreg].family != vreg) {
    const uint32_t parent = values_[vreg].family;
    values_[vreg].family = values_[parent].family;
    vreg = parent;
  }
  return vreg;
}

void Assigner::JoinFamilies(uint32_t a, uint32_t b) {
  a = Family(a);
  b = Family(b);
  // The lower number represents, which keeps the result independent of the order of joining.
  if (a < b) {
    values_[b].family = a;
  } else {
    values_[a].family = b;
  }
}

}  // namespace gantry::codegen::regalloc
