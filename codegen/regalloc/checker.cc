#include "codegen/regalloc/checker.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::codegen::regalloc {
namespace {

template <typename T>
std::string Text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

using ValueSet = std::vector<uint32_t>;  // Sorted numbers of virtual registers.

constexpr uint32_t kNone = 0xFFFFFFFF;

struct Word {
  ValueSet values;
  // The class it was written at; only at the first word of a slot.
  RegClass reg_class = RegClass::kInt;
  bool written = false;
};

struct State {
  bool reached = false;
  std::vector<ValueSet> regs;
  std::vector<Word> words;
  // What equals the result of each instruction that can be done again.
  std::vector<ValueSet> constants;
};

void Insert(ValueSet* set, uint32_t value) {
  const auto at = std::lower_bound(set->begin(), set->end(), value);
  if (at == set->end() || *at != value) set->insert(at, value);
}

void Erase(ValueSet* set, uint32_t value) {
  const auto at = std::lower_bound(set->begin(), set->end(), value);
  if (at != set->end() && *at == value) set->erase(at);
}

bool Contains(const ValueSet& set, uint32_t value) {
  return std::binary_search(set.begin(), set.end(), value);
}

// a := a & b; true if that changed a.
bool Intersect(ValueSet* a, const ValueSet& b) {
  const size_t before = a->size();
  a->erase(std::remove_if(a->begin(), a->end(), [&](uint32_t v) { return !Contains(b, v); }),
           a->end());
  return a->size() != before;
}

class Checker {
 public:
  Checker(const Input& input, const MachineEnv& env, const Output& output)
      : input_(input), env_(env), output_(output) {}

  absl::Status Run() {
    RETURN_IF_ERROR(CheckShape());
    FindLiveReferences();
    states_.resize(input_.blocks.size());
    for (State& state : states_) {
      state.regs.resize(PReg::kCount);
      state.words.resize(output_.spill_words);
    }
    states_[0].reached = true;
    states_[0].constants = constants_;
    worklist_.push(0);
    while (!worklist_.empty()) {
      const uint32_t block = worklist_.top();
      worklist_.pop();
      queued_[block] = false;
      RETURN_IF_ERROR(CheckBlock(block));
    }
    return absl::OkStatus();
  }

 private:
  template <typename... Parts>
  absl::Status Error(uint32_t inst, const Parts&... parts) const {
    return absl::InternalError(absl::StrCat("inst", inst, ": ", parts...));
  }

  absl::Status CheckShape();
  absl::Status CheckPlace(uint32_t inst, Allocation place) const;
  void FindLiveReferences();
  absl::Status CheckBlock(uint32_t block);
  absl::Status ApplyEdits(ProgramPoint point);
  absl::Status ApplyInst(uint32_t inst);
  absl::Status CheckUses(uint32_t inst, absl::Span<const Operand> operands, bool early) const;
  absl::Status CheckConstraint(uint32_t inst, size_t k, absl::Span<const Operand> operands) const;
  absl::Status ApplyDefs(uint32_t inst, absl::Span<const Operand> operands, bool early);
  absl::Status ApplySafepoint(uint32_t inst);
  absl::Status ApplyMove(uint32_t inst);
  void Propagate(const Edge& edge);

  Allocation PlaceOf(uint32_t inst, size_t k) const {
    return output_.allocations[input_.insts[inst].operands_begin + k];
  }
  bool Holds(Allocation place, uint32_t value) const {
    if (place.is_reg()) return Contains(state_.regs[place.reg().index()], value);
    const Word& word = state_.words[place.slot().word()];
    return word.written && word.reg_class == place.reg_class() && Contains(word.values, value);
  }
  ValueSet Read(Allocation place) const {
    if (place.is_reg()) return state_.regs[place.reg().index()];
    const Word& word = state_.words[place.slot().word()];
    return word.written && word.reg_class == place.reg_class() ? word.values : ValueSet();
  }
  uint32_t WordsOf(RegClass reg_class) const { return env_[reg_class].slot_words; }
  void Write(Allocation place, ValueSet values) {
    if (place.is_reg()) {
      state_.regs[place.reg().index()] = std::move(values);
      return;
    }
    const SpillSlot slot = place.slot();
    const uint32_t end = slot.word() + WordsOf(slot.reg_class());
    // Slots have few words, so that only near ones can overlap.
    for (uint32_t w = slot.word() < 8 ? 0 : slot.word() - 8; w < end; ++w) {
      Word& word = state_.words[w];
      if (word.written && w + WordsOf(word.reg_class) > slot.word()) word = Word();
    }
    for (uint32_t w = slot.word(); w < end; ++w) state_.words[w] = Word();
    state_.words[slot.word()] = Word{std::move(values), slot.reg_class(), true};
  }
  template <typename Function>
  void ForEachSet(Function function) {
    for (ValueSet& set : state_.regs) function(&set);
    for (Word& word : state_.words) function(&word.values);
    for (ValueSet& set : state_.constants) function(&set);
  }
  void Kill(uint32_t value) {
    ForEachSet([value](ValueSet* set) { Erase(set, value); });
    if (constant_of_[value] != kNone) Insert(&state_.constants[constant_of_[value]], value);
  }

  const Input& input_;
  const MachineEnv& env_;
  const Output& output_;
  PRegSet allocatable_;
  PRegSet scratch_;
  State state_;
  std::vector<State> states_;
  // The first in order first, which settles inner loops before what follows them.
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<uint32_t>> worklist_;
  std::vector<bool> queued_;
  std::vector<bool> is_reference_;
  // By position of the safepoint in the output.
  std::vector<ValueSet> live_references_;
  // By virtual register: position in the states' constants.
  std::vector<uint32_t> constant_of_;
  std::vector<ValueSet> constants_;
  // Position in stack_maps by instruction.
  std::vector<uint32_t> map_of_;
};

absl::Status Checker::CheckShape() {
  queued_.assign(input_.blocks.size(), false);
  is_reference_.assign(input_.num_vregs, false);
  for (VReg reg : input_.reference_vregs) is_reference_[reg.index()] = true;
  for (RegClass reg_class : kRegClasses) {
    const MachineEnv::Class& regs = env_[reg_class];
    for (PReg reg : regs.preferred) allocatable_.insert(reg);
    for (PReg reg : regs.non_preferred) allocatable_.insert(reg);
    if (regs.scratch.is_some()) scratch_.insert(regs.scratch);
  }
  if (output_.allocations.size() != input_.operands.size()) {
    return absl::InternalError("the output does not have one place per operand");
  }
  constant_of_.assign(input_.num_vregs, kNone);
  for (uint32_t i = 0; i < input_.insts.size(); ++i) {
    if (!input_.insts[i].is(kRematerializable)) continue;
    const uint32_t v = static_cast<uint32_t>(input_.OperandsOf(InstId(i))[0].reg().index());
    constant_of_[v] = static_cast<uint32_t>(constants_.size());
    constants_.push_back({v});
  }
  ProgramPoint last = ProgramPoint::FromRaw(0);
  for (const Edit& edit : output_.edits) {
    const uint32_t inst = edit.point.inst().raw();
    if (edit.point < last) return Error(inst, "edits are not in order");
    last = edit.point;
    if (inst >= input_.insts.size()) return Error(inst, "edit past the last instruction");
    RETURN_IF_ERROR(CheckPlace(inst, edit.to));
    if (edit.to.is_reg() && !output_.written.contains(edit.to.reg())) {
      return Error(inst, Text(edit.to), " is missing among the registers written");
    }
    if (edit.rematerialized.is_some()) {
      if (edit.from.is_some() || !edit.to.is_reg()) return Error(inst, "malformed edit");
      const uint32_t origin = edit.rematerialized.raw();
      if (origin >= input_.insts.size() || !input_.insts[origin].is(kRematerializable)) {
        return Error(inst, "inst", origin, " can't be done again");
      }
      if (input_.OperandsOf(InstId(origin))[0].reg_class() != edit.to.reg_class()) {
        return Error(inst, "wrong class of ", Text(edit.to));
      }
      continue;
    }
    RETURN_IF_ERROR(CheckPlace(inst, edit.from));
    if (edit.from.reg_class() != edit.to.reg_class()) {
      return Error(inst, "move between classes: ", Text(edit.to), " = ", Text(edit.from));
    }
    if (edit.from.is_stack() && edit.to.is_stack()) return Error(inst, "move from slot to slot");
  }
  map_of_.assign(input_.insts.size(), kNone);
  size_t maps = 0;
  for (uint32_t i = 0; i < input_.insts.size(); ++i) {
    if (!input_.insts[i].is(kSafepoint)) continue;
    if (maps >= output_.stack_maps.size() || output_.stack_maps[maps].inst != InstId(i)) {
      return Error(i, "safepoint without its stack map");
    }
    for (SpillSlot slot : output_.SlotsOf(output_.stack_maps[maps])) {
      RETURN_IF_ERROR(CheckPlace(i, slot));
    }
    map_of_[i] = static_cast<uint32_t>(maps++);
  }
  if (maps != output_.stack_maps.size()) {
    return absl::InternalError("stack map without a safepoint");
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckPlace(uint32_t inst, Allocation place) const {
  if (place.is_none()) return Error(inst, "a place is missing");
  if (place.is_reg()) {
    if (!(allocatable_ | scratch_).contains(place.reg())) {
      return Error(inst, Text(place), " is not for the allocator to use");
    }
    return absl::OkStatus();
  }
  const SpillSlot slot = place.slot();
  const uint32_t words = WordsOf(slot.reg_class());
  if (slot.word() % words != 0 || slot.word() + words > output_.spill_words) {
    return Error(inst, Text(slot), " is misaligned or outside the spill area");
  }
  return absl::OkStatus();
}

// Backward data flow over sets of references alone.
void Checker::FindLiveReferences() {
  live_references_.assign(output_.stack_maps.size(), ValueSet());
  if (input_.reference_vregs.empty()) return;
  const size_t num_blocks = input_.blocks.size();
  std::vector<ValueSet> live_in(num_blocks);
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t b = num_blocks; b-- > 0;) {
      const Block& block = input_.blocks[b];
      ValueSet live;
      for (const Edge& edge : input_.EdgesOf(BlockId(static_cast<uint32_t>(b)))) {
        ValueSet at_target = live_in[edge.target.index()];
        for (VReg param : input_.ParamsOf(edge.target)) {
          Erase(&at_target, static_cast<uint32_t>(param.index()));
        }
        for (uint32_t v : at_target) Insert(&live, v);
        for (VReg arg : input_.ArgsOf(edge)) {
          if (is_reference_[arg.index()]) Insert(&live, static_cast<uint32_t>(arg.index()));
        }
      }
      for (uint32_t i = block.insts.end; i-- > block.insts.begin;) {
        const absl::Span<const Operand> operands = input_.OperandsOf(InstId(i));
        for (const Operand& operand : operands) {
          if (operand.is_def()) Erase(&live, static_cast<uint32_t>(operand.reg().index()));
        }
        if (map_of_[i] != kNone) live_references_[map_of_[i]] = live;
        for (const Operand& operand : operands) {
          const uint32_t v = static_cast<uint32_t>(operand.reg().index());
          if (operand.is_use() && is_reference_[v]) Insert(&live, v);
        }
      }
      if (live != live_in[b]) {
        live_in[b] = std::move(live);
        changed = true;
      }
    }
  }
}

absl::Status Checker::CheckBlock(uint32_t block) {
  state_ = states_[block];
  const IndexRange insts = input_.blocks[block].insts;
  for (uint32_t i = insts.begin; i < insts.end; ++i) {
    RETURN_IF_ERROR(ApplyEdits(ProgramPoint::Before(InstId(i))));
    RETURN_IF_ERROR(ApplyInst(i));
    RETURN_IF_ERROR(ApplyEdits(ProgramPoint::After(InstId(i))));
  }
  for (const Edge& edge : input_.EdgesOf(BlockId(block))) Propagate(edge);
  return absl::OkStatus();
}

absl::Status Checker::ApplyEdits(ProgramPoint point) {
  auto edit = std::lower_bound(output_.edits.begin(), output_.edits.end(), point,
                               [](const Edit& e, ProgramPoint p) { return e.point < p; });
  if (edit != output_.edits.end() && edit->point == point && point.is_after()) {
    const uint32_t inst = point.inst().raw();
    if (inst + 1 == input_.insts.size() || (input_.insts[inst].flags & (kBranch | kReturn)) != 0) {
      return Error(inst, "edit after a terminator");
    }
  }
  for (; edit != output_.edits.end() && edit->point == point; ++edit) {
    if (edit->rematerialized.is_some()) {
      const Operand def = input_.OperandsOf(edit->rematerialized)[0];
      Write(edit->to, state_.constants[constant_of_[def.reg().index()]]);
    } else {
      Write(edit->to, Read(edit->from));
    }
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckConstraint(uint32_t inst, size_t k,
                                      absl::Span<const Operand> operands) const {
  const Operand& operand = operands[k];
  const Allocation place = PlaceOf(inst, k);
  RETURN_IF_ERROR(CheckPlace(inst, place));
  bool ok = place.reg_class() == operand.reg_class();
  if (place.is_reg()) ok = ok && allocatable_.contains(place.reg());
  switch (operand.constraint()) {
    case Constraint::kAny:
      break;
    case Constraint::kReg:
      ok = ok && place.is_reg();
      break;
    case Constraint::kStack:
      ok = ok && place.is_stack();
      break;
    case Constraint::kFixed:
      ok = ok && place == Allocation(operand.fixed());
      break;
    case Constraint::kReuse:
      ok = ok && place == PlaceOf(inst, operand.reused_input());
      break;
  }
  if (!ok) return Error(inst, "operand ", k, " (", Text(operand), ") is in ", Text(place));
  return absl::OkStatus();
}

absl::Status Checker::CheckUses(uint32_t inst, absl::Span<const Operand> operands,
                                bool early) const {
  bool may_swap = input_.insts[inst].is(kCommutative) && early;
  const auto holds = [&](size_t k, size_t value) {
    return Holds(PlaceOf(inst, k), static_cast<uint32_t>(operands[value].reg().index()));
  };
  may_swap = may_swap && holds(0, 1) && holds(1, 0);
  for (size_t k = 0; k < operands.size(); ++k) {
    if (!operands[k].is_use() || operands[k].is_early() != early) continue;
    if (may_swap && k < 2) continue;
    if (!holds(k, k)) {
      return Error(inst, "operand ", k, ": ", Text(PlaceOf(inst, k)), " does not hold ",
                   Text(operands[k].reg()));
    }
  }
  return absl::OkStatus();
}

absl::Status Checker::ApplyDefs(uint32_t inst, absl::Span<const Operand> operands, bool early) {
  for (size_t k = 0; k < operands.size(); ++k) {
    if (!operands[k].is_def() || operands[k].is_early() != early) continue;
    const Allocation place = PlaceOf(inst, k);
    if (place.is_reg() && !output_.written.contains(place.reg())) {
      return Error(inst, Text(place), " is missing among the registers written");
    }
    for (size_t other = 0; other < operands.size(); ++other) {
      if (other != k && operands[other].is_def() && PlaceOf(inst, other) == place) {
        return Error(inst, "two definitions in ", Text(place));
      }
    }
    const uint32_t v = static_cast<uint32_t>(operands[k].reg().index());
    Kill(v);
    Write(place, {v});
  }
  return absl::OkStatus();
}

absl::Status Checker::ApplyMove(uint32_t inst) {
  const absl::Span<const Operand> operands = input_.OperandsOf(InstId(inst));
  const Allocation place = PlaceOf(inst, 0);
  RETURN_IF_ERROR(CheckPlace(inst, place));
  if (place != PlaceOf(inst, 1) || place.reg_class() != operands[1].reg_class()) {
    return Error(inst, "a move with different places");
  }
  if (!Holds(place, static_cast<uint32_t>(operands[0].reg().index()))) {
    return Error(inst, "move: ", Text(place), " does not hold ", Text(operands[0].reg()));
  }
  const uint32_t to = static_cast<uint32_t>(operands[1].reg().index());
  Kill(to);
  ValueSet values = Read(place);
  Insert(&values, to);
  Write(place, std::move(values));
  return absl::OkStatus();
}

absl::Status Checker::ApplyInst(uint32_t inst) {
  if (input_.insts[inst].is(kMove)) return ApplyMove(inst);
  const absl::Span<const Operand> operands = input_.OperandsOf(InstId(inst));
  for (size_t k = 0; k < operands.size(); ++k) {
    RETURN_IF_ERROR(CheckConstraint(inst, k, operands));
  }
  RETURN_IF_ERROR(ApplyDefs(inst, operands, /*early=*/true));
  RETURN_IF_ERROR(CheckUses(inst, operands, /*early=*/true));
  PRegSet clobbers = input_.ClobbersOf(InstId(inst));
  if ((clobbers - output_.written) != PRegSet()) {
    return Error(inst, "clobbers are missing among the registers written");
  }
  for (const Operand& operand : operands) {
    if (operand.is_def() && operand.is_late() && operand.fixed().is_some()) {
      clobbers.erase(operand.fixed());
    }
  }
  for (PReg reg : clobbers) {
    state_.regs[reg.index()].clear();
    for (size_t k = 0; k < operands.size(); ++k) {
      if (operands[k].is_def() && PlaceOf(inst, k) == Allocation(reg)) {
        return Error(inst, "definition in clobbered register ", Text(reg));
      }
    }
  }
  if (input_.insts[inst].is(kSafepoint)) RETURN_IF_ERROR(ApplySafepoint(inst));
  RETURN_IF_ERROR(ApplyDefs(inst, operands, /*early=*/false));
  return CheckUses(inst, operands, /*early=*/false);
}

// lessons.md rows 3 and 4.
absl::Status Checker::ApplySafepoint(uint32_t inst) {
  const absl::Span<const SpillSlot> slots = output_.SlotsOf(output_.stack_maps[map_of_[inst]]);
  for (uint32_t v : live_references_[map_of_[inst]]) {
    const bool listed =
        std::any_of(slots.begin(), slots.end(), [&](SpillSlot slot) { return Holds(slot, v); });
    if (!listed) return Error(inst, "reference v", v, " is in no slot of the stack map");
  }
  std::vector<bool> is_listed(output_.spill_words, false);
  for (SpillSlot slot : slots) {
    is_listed[slot.word()] = true;
    const ValueSet values = Read(slot);
    if (std::none_of(values.begin(), values.end(), [&](uint32_t v) { return is_reference_[v]; })) {
      return Error(inst, Text(slot), " is in the stack map without a reference in it");
    }
  }
  const auto holds_reference = [&](const ValueSet& set) {
    return std::any_of(set.begin(), set.end(), [&](uint32_t v) { return is_reference_[v]; });
  };
  for (ValueSet& set : state_.regs) {
    if (holds_reference(set)) set.clear();
  }
  for (size_t w = 0; w < state_.words.size(); ++w) {
    ValueSet& set = state_.words[w].values;
    if (!is_listed[w]) {
      if (holds_reference(set)) set.clear();
    } else {
      set.erase(
          std::remove_if(set.begin(), set.end(), [&](uint32_t v) { return !is_reference_[v]; }),
          set.end());
    }
  }
  return absl::OkStatus();
}

void Checker::Propagate(const Edge& edge) {
  State at_target = state_;
  const absl::Span<const VReg> params = input_.ParamsOf(edge.target);
  const absl::Span<const VReg> args = input_.ArgsOf(edge);
  if (!params.empty()) {
    const auto transfer = [&](const ValueSet& before, ValueSet* after) {
      for (VReg param : params) Erase(after, static_cast<uint32_t>(param.index()));
      for (size_t k = 0; k < params.size(); ++k) {
        if (Contains(before, static_cast<uint32_t>(args[k].index()))) {
          Insert(after, static_cast<uint32_t>(params[k].index()));
        }
      }
    };
    for (size_t r = 0; r < PReg::kCount; ++r) transfer(state_.regs[r], &at_target.regs[r]);
    for (size_t w = 0; w < state_.words.size(); ++w) {
      transfer(state_.words[w].values, &at_target.words[w].values);
    }
    for (size_t c = 0; c < state_.constants.size(); ++c) {
      transfer(state_.constants[c], &at_target.constants[c]);
    }
  }
  State& known = states_[edge.target.index()];
  bool changed = false;
  if (!known.reached) {
    known = std::move(at_target);
    known.reached = true;
    changed = true;
  } else {
    for (size_t r = 0; r < PReg::kCount; ++r) {
      changed |= Intersect(&known.regs[r], at_target.regs[r]);
    }
    for (size_t c = 0; c < known.constants.size(); ++c) {
      changed |= Intersect(&known.constants[c], at_target.constants[c]);
    }
    for (size_t w = 0; w < known.words.size(); ++w) {
      Word& word = known.words[w];
      const Word& other = at_target.words[w];
      if (word.written && (!other.written || other.reg_class != word.reg_class)) {
        word = Word();
        changed = true;
      } else {
        changed |= Intersect(&word.values, other.values);
      }
    }
  }
  if (changed && !queued_[edge.target.index()]) {
    queued_[edge.target.index()] = true;
    worklist_.push(edge.target.raw());
  }
}

}  // namespace

absl::Status CheckAllocation(const Input& input, const MachineEnv& env, const Output& output) {
  return Checker(input, env, output).Run();
}

}  // namespace gantry::codegen::regalloc
