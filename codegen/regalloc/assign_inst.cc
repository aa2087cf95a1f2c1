// One instruction: who has to leave which register, where each operand goes, and the moves
// before the instruction that make it so. All those moves are one parallel move: each reads the
// place that its value had when the previous instruction was done.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "codegen/regalloc/assign.h"

namespace gantry::codegen::regalloc {
namespace {

// A displaced value that is in memory anyway is kept in a register only if it is used this soon.
constexpr uint32_t kNearUse = 64;
// An `any` operand in memory is loaded into a free register if the value is used again this soon.
constexpr uint32_t kReloadForUse = 24;

}  // namespace

absl::Status Assigner::VisitInst(uint32_t inst) {
  step_ = Step();
  step_.inst = inst;
  step_.is_safepoint = input_->insts[inst].is(kSafepoint);
  begin_point_ = 2 * inst;
  // The moves before the instruction may already overwrite the register.
  end_point_ = inst == 0 ? 0 : 2 * inst - 1;
  memory_point_ = 2 * inst;
  if (spill_everything_ || chaos_ != 0) EvictAtWill();
  absl::Status status = PlaceOperands();
  if (absl::IsResourceExhausted(status)) {
    // Some choice was unlucky: once more with all registers emptied first.
    UndoStep();
    step_ = Step();
    step_.inst = inst;
    step_.is_safepoint = input_->insts[inst].is(kSafepoint);
    step_.empties_all = true;
    status = PlaceOperands();
    if (absl::IsResourceExhausted(status)) {
      status = absl::InvalidArgumentError(
          absl::StrCat("inst", inst, " needs more registers than there are"));
    }
  }
  RETURN_IF_ERROR(status);
  Commit();
  FlushMoves();
  return absl::OkStatus();
}

// kResourceExhausted if some operand finds no register.
absl::Status Assigner::PlaceOperands() {
  first_edit_ = out_->edits.size();
  stored_.clear();
  RETURN_IF_ERROR(LoadOperands());
  Displace();
  PlaceFixedUses();
  RETURN_IF_ERROR(PlaceReusedInputs());
  RETURN_IF_ERROR(PlaceUses());
  RETURN_IF_ERROR(PlaceDefs(/*early=*/true));
  ReleaseDying();
  return PlaceDefs(/*early=*/false);
}

// Back to before PlaceOperands.
void Assigner::UndoStep() {
  end_point_ = step_.inst == 0 ? 0 : 2 * step_.inst - 1;
  memory_point_ = 2 * step_.inst;
  out_->edits.resize(first_edit_);
  moves_.Clear();
  loads_.clear();
  for (uint32_t v : stored_) {
    values_[v].clear(ValueState::kInMemory);
    values_[v].store_cost -= liveness_->frequency(block_);
  }
  for (uint32_t v : touched_) DropHome(v);
  for (uint32_t v : touched_) {
    ValueState& state = values_[v];
    state.readable = kNoReg;
    if (state.source != kNoReg) SetHome(v, PReg::FromIndex(state.source));
  }
  const Inst& inst = input_->insts[step_.inst];
  std::fill_n(allocations_ + inst.operands_begin, inst.operand_count, Allocation());
}

// Spills for the sake of testing.
void Assigner::EvictAtWill() {
  stored_.clear();
  for (PReg reg : used_) {
    if (!spill_everything_ && Random() % 16 != 0) continue;
    const uint32_t v = owner_[reg.index()];
    Touch(v);
    StoreIfNeeded(v);
    DropHome(v);
    values_[v].source = kNoReg;
  }
}

absl::Status Assigner::LoadOperands() {
  const uint32_t inst = step_.inst;
  const absl::Span<const Operand> operands = input_->OperandsOf(InstId(inst));
  ops_.assign(operands.begin(), operands.end());
  out_->work += ops_.size() + 1;
  if (input_->insts[inst].is(kMove)) {
    ops_[0] = Operand::Use(ops_[0].reg(), Constraint::kReg);
    ops_[1] = Operand::ReuseDef(ops_[1].reg(), 0);
  }
  PRegSet late_fixed_defs;
  for (const Operand& operand : ops_) {
    if (operand.constraint() != Constraint::kFixed) continue;
    const PReg reg = operand.fixed();
    if (operand.is_def() && operand.is_late()) {
      late_fixed_defs.insert(reg);
      continue;
    }
    const uint32_t v = operand.is_use() ? static_cast<uint32_t>(operand.reg().index()) : kNoIndex;
    if (step_.need_early.contains(reg) && fixed_value_[reg.index()] != v) {
      return absl::InvalidArgumentError(
          absl::StrCat("inst", inst, " needs two values in register ", reg.index()));
    }
    step_.need_early.insert(reg);
    fixed_value_[reg.index()] = v;
    if (operand.is_def()) step_.busy_late.insert(reg);
  }
  step_.busy_late |= late_fixed_defs;
  step_.busy_late |= input_->ClobbersOf(InstId(inst));

  if (step_.empties_all) {
    for (PReg reg : used_) {
      const uint32_t v = owner_[reg.index()];
      Touch(v);
      if (LivesAfter(v, inst)) StoreIfNeeded(v);
      DropHome(v);
    }
  }
  for (const Operand& operand : ops_) Touch(static_cast<uint32_t>(operand.reg().index()));
  if (input_->insts[inst].is(kCommutative)) SwapIfCommutative();
  for (const Operand& operand : ops_) {
    if (operand.is_def()) continue;
    ValueState& v = values_[operand.reg().index()];
    if (v.reg == kNoReg) continue;
    const PReg home = PReg::FromIndex(v.reg);
    if (step_.need_early.contains(home) && fixed_value_[v.reg] != operand.reg().index()) continue;
    v.readable = v.reg;
    if (operand.constraint() == Constraint::kStack) continue;
    if (operand.constraint() == Constraint::kFixed && operand.fixed() != home) continue;
    step_.reserved_early.insert(home);
  }
  return absl::OkStatus();
}

void Assigner::SwapIfCommutative() {
  if (ops_.size() < 3 || ops_[0].reg() == ops_[1].reg()) return;
  if (ops_[1].constraint() != Constraint::kReg && ops_[1].constraint() != Constraint::kAny) return;
  const bool reuses = std::any_of(ops_.begin() + 2, ops_.end(), [](const Operand& operand) {
    return operand.constraint() == Constraint::kReuse && operand.reused_input() == 0;
  });
  if (!reuses) return;
  const uint32_t a = static_cast<uint32_t>(ops_[0].reg().index());
  const uint32_t b = static_cast<uint32_t>(ops_[1].reg().index());
  const bool a_lives = LivesAfter(a, step_.inst);
  const bool b_lives = LivesAfter(b, step_.inst);
  const bool a_in_reg = values_[a].reg != kNoReg;
  const bool b_in_reg = values_[b].reg != kNoReg;
  // The reused input is lost: rather one that is not needed any more, or one that has to be
  // loaded where both go on.
  const bool swap = a_lives != b_lives ? a_lives && b_in_reg
                                       : (a_lives ? a_in_reg && !b_in_reg : !a_in_reg && b_in_reg);
  if (!swap) return;
  const VReg first = ops_[0].reg();
  ops_[0] = ops_[0].WithReg(ops_[1].reg());
  ops_[1] = ops_[1].WithReg(first);
}

void Assigner::Displace() {
  displaced_.clear();
  const PRegSet conflicts = used_ & (step_.need_early | step_.busy_late);
  for (PReg reg : conflicts) {
    const uint32_t v = owner_[reg.index()];
    const bool stays_early = !step_.need_early.contains(reg) || fixed_value_[reg.index()] == v;
    if (stays_early && !step_.busy_late.contains(reg)) continue;
    const bool lives = LivesAfter(v, step_.inst);
    // A dying operand may keep its place up to the end.
    if (stays_early && !lives) continue;
    Touch(v);
    DropHome(v);
    if (lives) {
      displaced_.push_back(v);
    } else if (values_[v].is(ValueState::kLabelled) && !values_[v].is(ValueState::kInMemory)) {
      // The instruction reads copies, and nobody stores it for what is left of its life.
      out_->stays.back().memory = kNoIndex;
    }
  }
  if (step_.is_safepoint) {
    for (PReg reg : used_& allocatable_[static_cast<size_t>(RegClass::kInt)]) {
      const uint32_t v = owner_[reg.index()];
      if (!values_[v].is(ValueState::kReference) || !LivesAfter(v, step_.inst)) continue;
      Touch(v);
      DropHome(v);
      displaced_.push_back(v);
    }
  }
  if (displaced_.size() > 1) {
    // The nearest use first, ties by number.
    std::sort(displaced_.begin(), displaced_.end(), [this](uint32_t a, uint32_t b) {
      const uint32_t x = Distance(a, step_.inst);
      const uint32_t y = Distance(b, step_.inst);
      return x != y ? x < y : a < b;
    });
  }
  for (uint32_t v : displaced_) FindNewHome(v);
}

// Whether a value that lives on may be in a register after the instruction.
bool Assigner::MayKeepHome(uint32_t vreg) {
  if (step_.is_safepoint && values_[vreg].is(ValueState::kReference)) return false;
  return !spill_everything_ && !step_.empties_all;
}

void Assigner::FindNewHome(uint32_t vreg) {
  ValueState& v = values_[vreg];
  const PRegSet taken =
      step_.need_early | step_.busy_late | step_.reserved_early | step_.reserved_late;
  const PRegSet allowed = ClassRegs(vreg) - taken;
  PReg home;
  if (MayKeepHome(vreg)) {
    const uint32_t distance = Distance(vreg, step_.inst);
    const bool is_cheap = v.is(ValueState::kInMemory) || v.is(ValueState::kRematerializable);
    if (!is_cheap || distance < kNearUse) {
      const PRegSet free = allowed - used_;
      if (!free.empty()) {
        home = Pick(vreg, free);
      } else {
        // Another may leave instead, if it is used much later.
        uint64_t score = 0;
        const PReg victim = Victim(allowed & used_, &score);
        if (victim.is_some() && score > 2 * EvictionScore(vreg)) {
          Evict(victim);
          home = victim;
        }
      }
    }
  }
  if (home.is_none()) {
    StoreIfNeeded(vreg);
    return;
  }
  CopyTo(vreg, home);
  SetHome(vreg, home);
  step_.reserved_early.insert(home);
  if (v.readable == kNoReg) v.readable = v.reg;
}

void Assigner::CopyTo(uint32_t vreg, PReg reg) {
  const uint8_t source = SourceOf(vreg);
  written_.insert(reg);
  if (source == kNoReg) {
    ValueState& v = values_[vreg];
    if (!v.is(ValueState::kRematerializable)) v.set(ValueState::kNeedsSlot);
    PendingEdit edit;
    edit.point = ProgramPoint::Before(InstId(step_.inst));
    edit.kind = PendingEdit::Kind::kLoad;
    edit.vreg = vreg;
    edit.to = static_cast<uint8_t>(reg.index());
    loads_.push_back(edit);
  } else {
    moves_.Add(PReg::FromIndex(source), reg);
  }
}

void Assigner::StoreIfNeeded(uint32_t vreg) {
  ValueState& v = values_[vreg];
  if (v.is(ValueState::kInMemory)) return;
  v.set(ValueState::kInMemory);
  stored_.push_back(vreg);
  PendingEdit edit;
  edit.point = ProgramPoint::Before(InstId(step_.inst));
  edit.kind = PendingEdit::Kind::kStore;
  edit.vreg = vreg;
  edit.from = SourceOf(vreg);
  out_->edits.push_back(edit);
  v.store_cost += liveness_->frequency(block_);
}

void Assigner::Evict(PReg reg) {
  const uint32_t v = owner_[reg.index()];
  Touch(v);
  if (LivesAfter(v, step_.inst) || values_[v].readable == reg.index()) StoreIfNeeded(v);
  DropHome(v);
  if (values_[v].readable == reg.index()) values_[v].readable = kNoReg;
}

void Assigner::UseMemory(uint32_t vreg) {
  StoreIfNeeded(vreg);
  values_[vreg].set(ValueState::kNeedsSlot);
}

void Assigner::PlaceFixedUses() {
  for (size_t k = 0; k < ops_.size(); ++k) {
    const Operand& operand = ops_[k];
    if (operand.is_def() || operand.constraint() != Constraint::kFixed) continue;
    const uint32_t v = static_cast<uint32_t>(operand.reg().index());
    const PReg reg = operand.fixed();
    ValueState& state = values_[v];
    const bool is_there = state.readable == reg.index();
    step_.reserved_early.insert(reg);
    if (operand.is_late()) step_.reserved_late.insert(reg);
    if (!is_there && SourceOf(v) != reg.index()) CopyTo(v, reg);
    allocations_[input_->insts[step_.inst].operands_begin + k] = reg;
    // A value that comes from memory may as well stay.
    if (state.reg == kNoReg && !step_.busy_late.contains(reg) && !used_.contains(reg) &&
        LivesAfter(v, step_.inst) && MayKeepHome(v)) {
      SetHome(v, reg);
    }
    if (state.readable == kNoReg) state.readable = static_cast<uint8_t>(reg.index());
  }
}

// Makes `vreg` readable in some register. A late one goes into a register
// that the instruction does not write.
absl::Status Assigner::MakeReadable(uint32_t vreg, bool late) {
  ValueState& v = values_[vreg];
  const PRegSet taken = step_.need_early | step_.reserved_early | step_.reserved_late;
  PRegSet allowed = ClassRegs(vreg) - taken;
  if (late) allowed = allowed - step_.busy_late;
  const bool keeps_home = v.reg == kNoReg && LivesAfter(vreg, step_.inst) && MayKeepHome(vreg);
  const PRegSet free = allowed - used_;
  PReg reg;
  if (keeps_home && !(free - step_.busy_late).empty()) {
    reg = Pick(vreg, free - step_.busy_late);
  } else if (!free.empty()) {
    const PRegSet lost = free & step_.busy_late;
    reg = FirstInOrder(v.reg_class, lost.empty() ? free : lost);
  } else {
    uint64_t score = 0;
    reg = Victim(allowed & used_, &score);
    if (reg.is_none()) return NoRegister();
    Evict(reg);
  }
  CopyTo(vreg, reg);
  step_.reserved_early.insert(reg);
  v.readable = static_cast<uint8_t>(reg.index());
  if (keeps_home && !step_.busy_late.contains(reg)) SetHome(vreg, reg);
  return absl::OkStatus();
}

absl::Status Assigner::PlaceReusedInputs() {
  for (size_t d = 0; d < ops_.size(); ++d) {
    if (ops_[d].constraint() != Constraint::kReuse) continue;
    const size_t k = ops_[d].reused_input();
    const uint32_t def = static_cast<uint32_t>(ops_[d].reg().index());
    const uint32_t input = static_cast<uint32_t>(ops_[k].reg().index());
    ValueState& state = values_[input];
    const bool lives = LivesAfter(input, step_.inst);
    const bool is_home = state.readable != kNoReg && state.readable == state.reg && lives;
    const PRegSet lost = step_.busy_late | step_.reserved_late;
    PReg reg;
    if (state.readable != kNoReg && !is_home && !lost.contains(PReg::FromIndex(state.readable))) {
      reg = PReg::FromIndex(state.readable);
    } else {
      const PRegSet allowed = ClassRegs(input) - step_.need_early - step_.busy_late -
                              step_.reserved_early - step_.reserved_late;
      const PRegSet free = allowed - used_;
      if (!free.empty()) {
        reg = Pick(def, free);
      } else {
        uint64_t score = 0;
        const PReg victim = Victim(allowed & used_, &score);
        const bool has_home = lives && state.reg != kNoReg;
        if (has_home && !lost.contains(PReg::FromIndex(state.reg)) &&
            (victim.is_none() || EvictionScore(input) >= score)) {
          // The input itself is the one to go to memory.
          reg = PReg::FromIndex(state.reg);
          StoreIfNeeded(input);
          DropHome(input);
        } else if (victim.is_some()) {
          Evict(victim);
          reg = victim;
        } else {
          return NoRegister();
        }
      }
      if (state.readable != reg.index()) CopyTo(input, reg);
    }
    step_.reserved_early.insert(reg);
    step_.reserved_late.insert(reg);
    step_.reused.insert(reg);
    if (state.readable == kNoReg) state.readable = static_cast<uint8_t>(reg.index());
    const uint32_t begin = input_->insts[step_.inst].operands_begin;
    allocations_[begin + k] = reg;
    allocations_[begin + d] = reg;
  }
  return absl::OkStatus();
}

absl::Status Assigner::PlaceUses() {
  const uint32_t begin = input_->insts[step_.inst].operands_begin;
  // Late ones first: fewer registers will do for them.
  for (const bool late : {true, false}) {
    for (size_t k = 0; k < ops_.size(); ++k) {
      if (ops_[k].is_def() || ops_[k].is_late() != late) continue;
      if (allocations_[begin + k].is_none()) RETURN_IF_ERROR(PlaceUse(k));
    }
  }
  return absl::OkStatus();
}

absl::Status Assigner::PlaceUse(size_t k) {
  const Operand operand = ops_[k];
  const uint32_t v = static_cast<uint32_t>(operand.reg().index());
  ValueState& state = values_[v];
  Allocation& place = allocations_[input_->insts[step_.inst].operands_begin + k];
  if (operand.constraint() == Constraint::kStack) {
    UseMemory(v);
    place = SlotOfValue(v, state.reg_class);
    return absl::OkStatus();
  }
  const bool in_good_reg =
      state.readable != kNoReg &&
      (operand.is_early() ||
       !(step_.busy_late | step_.reused).contains(PReg::FromIndex(state.readable)));
  const PRegSet allowed =
      ClassRegs(v) - step_.need_early - step_.reserved_early - step_.reserved_late;
  if (!in_good_reg && operand.constraint() == Constraint::kAny &&
      (allowed.empty() || !state.is(ValueState::kRematerializable))) {
    const bool reload = LivesAfter(v, step_.inst) && state.reg == kNoReg && MayKeepHome(v) &&
                        !(allowed - used_ - step_.busy_late).empty() &&
                        Distance(v, step_.inst) <= kReloadForUse;
    if (!reload) {
      UseMemory(v);
      place = SlotOfValue(v, state.reg_class);
      return absl::OkStatus();
    }
  }
  if (!in_good_reg) RETURN_IF_ERROR(MakeReadable(v, operand.is_late()));
  const PReg reg = PReg::FromIndex(state.readable);
  step_.reserved_early.insert(reg);
  if (operand.is_late()) step_.reserved_late.insert(reg);
  place = reg;
  return absl::OkStatus();
}

void Assigner::ReleaseDying() {
  end_point_ = 2 * step_.inst + 1;
  memory_point_ = end_point_;
  for (const Operand& operand : ops_) {
    if (operand.is_def()) continue;
    const uint32_t v = static_cast<uint32_t>(operand.reg().index());
    if (values_[v].reg != kNoReg && !LivesAfter(v, step_.inst)) DropHome(v);
  }
}

absl::Status Assigner::PlaceDefs(bool early) {
  // Fixed ones first, so that the others keep away from them.
  const uint32_t begin = input_->insts[step_.inst].operands_begin;
  for (size_t d = 0; d < ops_.size(); ++d) {
    if (!ops_[d].is_def() || ops_[d].is_early() != early) continue;
    if (ops_[d].constraint() != Constraint::kFixed) continue;
    const PReg reg = ops_[d].fixed();
    step_.reserved_late.insert(reg);
    if (early) step_.reserved_early.insert(reg);
    allocations_[begin + d] = reg;
  }
  for (size_t d = 0; d < ops_.size(); ++d) {
    if (!ops_[d].is_def() || ops_[d].is_early() != early) continue;
    if (allocations_[begin + d].is_none()) RETURN_IF_ERROR(PlaceDef(d));
  }
  return absl::OkStatus();
}

absl::Status Assigner::PlaceDef(size_t d) {
  const Operand operand = ops_[d];
  const uint32_t v = static_cast<uint32_t>(operand.reg().index());
  ValueState& state = values_[v];
  Allocation& place = allocations_[input_->insts[step_.inst].operands_begin + d];
  const bool in_memory = operand.constraint() == Constraint::kStack;
  PRegSet allowed = ClassRegs(v) - step_.reserved_late - step_.busy_late;
  if (operand.is_early()) allowed = allowed - step_.need_early - step_.reserved_early;
  const PRegSet free = allowed - used_;
  PReg reg;
  if (!in_memory && !free.empty()) {
    LivesAfter(v, step_.inst);
    reg = Pick(v, free);
  } else if (!in_memory && operand.constraint() == Constraint::kReg) {
    uint64_t score = 0;
    reg = Victim(allowed & used_, &score);
    if (reg.is_none()) return NoRegister();
    Evict(reg);
  }
  if (reg.is_none()) {
    state.set(ValueState::kInMemory);
    state.set(ValueState::kNeedsSlot);
    place = SlotOfValue(v, state.reg_class);
    return absl::OkStatus();
  }
  step_.reserved_late.insert(reg);
  if (operand.is_early()) step_.reserved_early.insert(reg);
  place = reg;
  return absl::OkStatus();
}

void Assigner::Commit() {
  begin_point_ = 2 * step_.inst + 1;
  const uint32_t begin = input_->insts[step_.inst].operands_begin;
  for (size_t d = 0; d < ops_.size(); ++d) {
    if (!ops_[d].is_def()) continue;
    const uint32_t v = static_cast<uint32_t>(ops_[d].reg().index());
    ValueState& state = values_[v];
    const Allocation place = allocations_[begin + d];
    if (!place.is_reg()) continue;
    const PReg reg = place.reg();
    written_.insert(reg);
    state.def_reg = static_cast<uint8_t>(reg.index());
    // What a terminator defines can only be stored on its edges.
    const bool is_terminator = step_.inst + 1 == input_->blocks[block_].insts.end;
    state.clear(ValueState::kInMemory);
    if (state.is(ValueState::kRematerializable) ||
        (state.is(ValueState::kStoredAtDef) && !is_terminator)) {
      state.set(ValueState::kInMemory);
    }
    if (LivesAfter(v, step_.inst)) SetHome(v, reg);
  }
  for (uint32_t v : touched_) {
    values_[v].clear(ValueState::kTouched);
    // Dead here, but perhaps not in a later block.
    if (values_[v].reg == kNoReg) values_[v].set(ValueState::kInMemory);
  }
  touched_.clear();
}

void Assigner::FlushMoves() {
  // Stores are already there: they only read registers. Loads only write registers, so they come
  // last.
  if (!moves_.empty()) {
    ParallelMoves::Temporaries temporaries;
    for (RegClass reg_class : kRegClasses) {
      temporaries.scratch[static_cast<size_t>(reg_class)] = (*env_)[reg_class].scratch;
    }
    sequence_.clear();
    moves_.Resolve(temporaries, &sequence_);
    for (const Move& move : sequence_) {
      PendingEdit edit;
      edit.point = ProgramPoint::Before(InstId(step_.inst));
      edit.from = static_cast<uint8_t>(move.from.reg().index());
      edit.to = static_cast<uint8_t>(move.to.reg().index());
      out_->edits.push_back(edit);
      written_.insert(move.to.reg());
    }
  }
  out_->edits.insert(out_->edits.end(), loads_.begin(), loads_.end());
  loads_.clear();
}

absl::Status Assigner::NoRegister() const { return absl::ResourceExhaustedError("no register"); }

}  // namespace gantry::codegen::regalloc
