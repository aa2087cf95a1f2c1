#include "codegen/regalloc/resolve.h"

#include <algorithm>

#include "base/status_macros.h"

namespace gantry::codegen::regalloc {
namespace {

// Members of a set of values that share a slot are compared pair by pair.
constexpr size_t kMaxSlotSet = 8;
constexpr size_t kMaxStackMapSlots = size_t{1} << 26;

}  // namespace

absl::Status Resolver::Run(const Input& input, const MachineEnv& env, const Liveness& liveness,
                           Assignment* assignment, Output* output) {
  input_ = &input;
  env_ = &env;
  liveness_ = &liveness;
  assignment_ = assignment;
  out_ = output;
  work_ = 0;
  CollectEdgeMoves();
  FindLiveReferences();
  if (live_references_.size() > kMaxStackMapSlots) {
    return absl::ResourceExhaustedError(
        "function too large: too many references live across calls");
  }
  DecideStores();
  MergeSlotSets();
  RETURN_IF_ERROR(AssignSlots());
  EmitInstEdits();
  EmitStoresAtDefs();
  EmitEdges();
  SortEdits();
  NameSlots();
  EmitStackMaps();
  EmitDebugLocations();
  work_ += edge_moves_.size() + slot_pairs_.size() + live_references_.size() + edits_.size();
  if (out_->spill_words > Limits::kMaxSpillWords) {
    return absl::ResourceExhaustedError("function too large: too many spill slots");
  }
  return absl::OkStatus();
}

void Resolver::CollectEdgeMoves() {
  exit_of_.assign(input_->num_vregs, 0);
  entry_of_.assign(input_->num_vregs, 0);
  edge_moves_.clear();
  edge_groups_.clear();
  slot_pairs_.clear();
  const std::vector<Residence>& residences = assignment_->residences;
  for (uint32_t b = 0; b < input_->blocks.size(); ++b) {
    const IndexRange edges = input_->blocks[b].edges;
    if (edges.empty()) continue;
    const IndexRange exit = assignment_->blocks[b].exit;
    for (uint32_t r = exit.begin; r < exit.end; ++r) exit_of_[residences[r].vreg] = r + 1;
    for (uint32_t e = edges.begin; e < edges.end; ++e) CollectEdge(b, e);
    for (uint32_t r = exit.begin; r < exit.end; ++r) exit_of_[residences[r].vreg] = 0;
  }
}

void Resolver::CollectEdge(uint32_t block, uint32_t edge_index) {
  const Edge& edge = input_->edges[edge_index];
  const uint32_t target = edge.target.raw();
  const IndexRange exit = assignment_->blocks[block].exit;
  const IndexRange entry = assignment_->blocks[target].entry;
  const std::vector<Residence>& residences = assignment_->residences;
  std::vector<ValueState>& values = assignment_->values;
  const uint32_t first_move = static_cast<uint32_t>(edge_moves_.size());
  const bool has_params = !input_->blocks[target].params.empty();
  const bool inherits = assignment_->blocks[target].inherits;
  if (inherits && !has_params) return;

  for (uint32_t r = entry.begin; r < entry.end; ++r) entry_of_[residences[r].vreg] = r + 1;
  const uint32_t target_inst = input_->blocks[target].insts.begin;
  if (!inherits) {
    for (uint32_t r = entry.begin; r < entry.end; ++r) {
      const Residence to = residences[r];
      if (liveness_->is_param(to.vreg) && liveness_->def_block(to.vreg) == target) continue;
      const uint32_t position = exit_of_[to.vreg];
      const Allocation place = PReg::FromIndex(to.reg);
      if (position != 0) {
        const Allocation source = PReg::FromIndex(residences[position - 1].reg);
        if (source != place) edge_moves_.push_back(EdgeMove{source, place, kNoIndex, kNoIndex});
      } else if (values[to.vreg].is(ValueState::kRematerializable)) {
        edge_moves_.push_back(EdgeMove{Allocation(), place, kNoIndex, to.vreg});
      } else {
        values[to.vreg].set(ValueState::kNeedsSlot);
        edge_moves_.push_back(
            EdgeMove{SlotOfValue(to.vreg, ClassOf(to.vreg)), place, kNoIndex, kNoIndex});
      }
    }
    // What the target takes to be in memory has to get there.
    for (uint32_t r = exit.begin; r < exit.end; ++r) {
      const Residence from = residences[r];
      if (from.in_memory) continue;
      // Of a parameter only the new value counts.
      if (liveness_->is_param(from.vreg) && liveness_->def_block(from.vreg) == target) continue;
      const uint32_t position = entry_of_[from.vreg];
      const bool wanted = position != 0 ? residences[position - 1].in_memory
                                        : liveness_->IsLiveAt(from.vreg, 2 * target_inst);
      if (!wanted) continue;
      values[from.vreg].store_cost +=
          std::min(liveness_->frequency(block), liveness_->frequency(target));
      edge_moves_.push_back(EdgeMove{PReg::FromIndex(from.reg),
                                     SlotOfValue(from.vreg, ClassOf(from.vreg)), from.vreg,
                                     kNoIndex});
    }
  }
  if (has_params) CollectParams(edge);
  for (uint32_t r = entry.begin; r < entry.end; ++r) entry_of_[residences[r].vreg] = 0;

  const IndexRange moves = {first_move, static_cast<uint32_t>(edge_moves_.size())};
  if (moves.empty()) return;
  const uint32_t terminator = input_->blocks[block].insts.end - 1;
  const bool at_end = input_->blocks[block].edges.size() == 1 &&
                      input_->insts[terminator].operand_count == 0 &&
                      input_->ClobbersOf(InstId(terminator)).empty();
  edge_groups_.push_back(EdgeGroup{ProgramPoint::Before(InstId(at_end ? terminator : target_inst)),
                                   at_end ? EditPhase::kEdgeOut : EditPhase::kEdgeIn, moves});
}

void Resolver::CollectParams(const Edge& edge) {
  const absl::Span<const VReg> params = input_->ParamsOf(edge.target);
  const absl::Span<const VReg> args = input_->ArgsOf(edge);
  std::vector<ValueState>& values = assignment_->values;
  for (size_t k = 0; k < params.size(); ++k) {
    const uint32_t param = static_cast<uint32_t>(params[k].index());
    const uint32_t arg = static_cast<uint32_t>(args[k].index());
    const bool in_memory = values[param].is(ValueState::kParamInMemory);
    if (!in_memory && entry_of_[param] == 0) continue;  // Nobody uses it.
    EdgeMove move;
    if (in_memory) {
      values[param].set(ValueState::kNeedsSlot);
      move.to = SlotOfValue(param, params[k].reg_class());
    } else {
      move.to = PReg::FromIndex(assignment_->residences[entry_of_[param] - 1].reg);
    }
    if (exit_of_[arg] != 0) {
      const Residence residence = assignment_->residences[exit_of_[arg] - 1];
      move.from = PReg::FromIndex(residence.reg);
    } else if (values[arg].is(ValueState::kRematerializable)) {
      move.rematerialized = arg;
    } else {
      values[arg].set(ValueState::kNeedsSlot);
      move.from = SlotOfValue(arg, args[k].reg_class());
    }
    if (in_memory && !values[arg].is(ValueState::kRematerializable)) {
      slot_pairs_.push_back(SlotPair{param, arg});
    }
    if (move.from != move.to) edge_moves_.push_back(move);
  }
}

// Which references live across which safepoint: from the live ranges, not from what the forward
// pass happened to do.
void Resolver::FindLiveReferences() {
  safepoints_.clear();
  live_references_.clear();
  for (uint32_t i = 0; i < input_->insts.size(); ++i) {
    if (input_->insts[i].is(kSafepoint)) safepoints_.push_back(i);
  }
  if (safepoints_.empty()) return;
  for (VReg reg : input_->reference_vregs) {
    const uint32_t v = static_cast<uint32_t>(reg.index());
    for (const LiveRange& range : liveness_->RangesOf(v)) {
      auto at = std::lower_bound(safepoints_.begin(), safepoints_.end(), (range.begin + 1) / 2);
      for (; at != safepoints_.end() && range.end > 2 * *at + 1; ++at) {
        live_references_.push_back(
            LiveReference{static_cast<uint32_t>(at - safepoints_.begin()), v});
        assignment_->values[v].set(ValueState::kNeedsSlot);
        if (live_references_.size() > kMaxStackMapSlots) return;
      }
    }
  }
}

bool Resolver::IsDefinedByTerminator(uint32_t vreg) const {
  return !liveness_->is_param(vreg) &&
         liveness_->def_point(vreg) / 2 + 1 == input_->blocks[liveness_->def_block(vreg)].insts.end;
}

void Resolver::DecideStores() {
  stored_at_def_.assign(input_->num_vregs, 0);
  for (uint32_t v = 0; v < input_->num_vregs; ++v) {
    const ValueState& value = assignment_->values[v];
    if (!value.is(ValueState::kNeedsSlot) || value.is(ValueState::kParamInMemory) ||
        value.def_reg == kNoReg || IsDefinedByTerminator(v)) {
      continue;
    }
    stored_at_def_[v] = value.is(ValueState::kStoredAtDef) ||
                        value.is(ValueState::kRematerializable) ||
                        (value.store_cost != 0 &&
                         liveness_->frequency(liveness_->def_block(v)) <= value.store_cost);
  }
}

bool Resolver::Disjoint(uint32_t a, uint32_t b) const {
  const absl::Span<const LiveRange> x = liveness_->RangesOf(a);
  const absl::Span<const LiveRange> y = liveness_->RangesOf(b);
  return x.back().end <= y.front().begin || y.back().end <= x.front().begin;
}

// A parameter in memory shares the slot of its arguments where it can, which makes the move on
// the edge nothing.
void Resolver::MergeSlotSets() {
  slot_set_.resize(input_->num_vregs);
  next_in_set_.assign(input_->num_vregs, kNoIndex);
  for (uint32_t v = 0; v < input_->num_vregs; ++v) slot_set_[v] = v;
  for (const SlotPair& pair : slot_pairs_) {
    if (!assignment_->values[pair.arg].is(ValueState::kNeedsSlot)) continue;
    const uint32_t a = slot_set_[pair.param];
    const uint32_t b = slot_set_[pair.arg];
    if (a == b) continue;
    size_t count = 0;
    bool disjoint = true;
    ++work_;
    for (uint32_t x = a; x != kNoIndex && disjoint; x = next_in_set_[x]) {
      for (uint32_t y = b; y != kNoIndex && disjoint; y = next_in_set_[y]) {
        disjoint = Disjoint(x, y) && ++count <= kMaxSlotSet * kMaxSlotSet;
        ++work_;
      }
    }
    if (!disjoint) continue;
    uint32_t last = a;
    while (next_in_set_[last] != kNoIndex) {
      last = next_in_set_[last];
      ++work_;
    }
    next_in_set_[last] = b;
    for (uint32_t y = b; y != kNoIndex; y = next_in_set_[y]) slot_set_[y] = a;
  }
}

SpillSlot Resolver::NewSlot(RegClass reg_class) {
  const uint32_t words = (*env_)[reg_class].slot_words;
  const uint32_t word = (out_->spill_words + words - 1) / words * words;
  out_->spill_words = word + words;
  return SpillSlot(word, reg_class);
}

absl::Status Resolver::AssignSlots() {
  out_->spill_words = 0;
  for (SpillSlot& slot : temporary_slot_) slot = SpillSlot();
  slot_.assign(input_->num_vregs, SpillSlot());
  sets_.clear();
  for (uint32_t v = 0; v < input_->num_vregs; ++v) {
    const ValueState& value = assignment_->values[v];
    if (slot_set_[v] != v || !value.is(ValueState::kNeedsSlot)) continue;
    SlotSet set = {v, kNoIndex, 0};
    for (uint32_t x = v; x != kNoIndex; x = next_in_set_[x]) {
      const absl::Span<const LiveRange> ranges = liveness_->RangesOf(x);
      set.begin = std::min(set.begin, ranges.front().begin);
      set.end = std::max(set.end, ranges.back().end);
    }
    sets_.push_back(set);
  }
  std::sort(sets_.begin(), sets_.end(), [](const SlotSet& a, const SlotSet& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.representative < b.representative;
  });
  for (size_t c = 0; c < kNumRegClasses; ++c) {
    busy_[c].clear();
    free_[c].clear();
  }
  const auto later = [](const BusySlot& a, const BusySlot& b) {
    return a.end != b.end ? a.end > b.end : b.slot < a.slot;
  };
  for (const SlotSet& set : sets_) {
    const RegClass reg_class = ClassOf(set.representative);
    std::vector<BusySlot>& busy = busy_[static_cast<size_t>(reg_class)];
    std::vector<SpillSlot>& free = free_[static_cast<size_t>(reg_class)];
    while (!busy.empty() && busy.front().end < set.begin) {
      free.push_back(busy.front().slot);
      std::pop_heap(busy.begin(), busy.end(), later);
      busy.pop_back();
    }
    SpillSlot slot;
    if (free.empty()) {
      slot = NewSlot(reg_class);
    } else {
      slot = free.back();
      free.pop_back();
    }
    slot_[set.representative] = slot;
    busy.push_back(BusySlot{set.end, slot});
    std::push_heap(busy.begin(), busy.end(), later);
    if (out_->spill_words > Limits::kMaxSpillWords) {
      return absl::ResourceExhaustedError("function too large: too many spill slots");
    }
  }
  return absl::OkStatus();
}

void Resolver::AddEdit(ProgramPoint point, EditPhase phase, Allocation from, Allocation to,
                       InstId rematerialized) {
  order_.push_back((uint64_t{point.raw()} << 2 | static_cast<uint64_t>(phase)) << 32 |
                   edits_.size());
  edits_.push_back(Edit{point, from, to, rematerialized});
  if (to.is_reg()) out_->written.insert(to.reg());
  Statistics& statistics = out_->statistics;
  ++(rematerialized.is_some() ? statistics.rematerializations
     : to.is_stack()          ? statistics.spills
     : from.is_stack()        ? statistics.reloads
                              : statistics.moves);
}

void Resolver::EmitInstEdits() {
  edits_.clear();
  order_.clear();
  for (const PendingEdit& edit : assignment_->edits) {
    switch (edit.kind) {
      case PendingEdit::Kind::kMove:
        AddEdit(edit.point, edit.phase, PReg::FromIndex(edit.from), PReg::FromIndex(edit.to));
        break;
      case PendingEdit::Kind::kLoad: {
        const PReg to = PReg::FromIndex(edit.to);
        if (assignment_->values[edit.vreg].is(ValueState::kRematerializable)) {
          AddEdit(edit.point, edit.phase, Allocation(), to, InstId(assignment_->origin[edit.vreg]));
        } else {
          AddEdit(edit.point, edit.phase, Real(SlotOfValue(edit.vreg, to.reg_class())), to);
        }
        break;
      }
      case PendingEdit::Kind::kStore: {
        const bool is_read = assignment_->values[edit.vreg].is(ValueState::kNeedsSlot);
        if (!is_read || IsStoredAtDef(edit.vreg)) break;
        AddEdit(edit.point, edit.phase, PReg::FromIndex(edit.from),
                Real(SlotOfValue(edit.vreg, ClassOf(edit.vreg))));
        break;
      }
    }
  }
}

void Resolver::EmitStoresAtDefs() {
  for (uint32_t v = 0; v < input_->num_vregs; ++v) {
    if (!IsStoredAtDef(v)) continue;
    const PReg from = PReg::FromIndex(assignment_->values[v].def_reg);
    const Allocation to = Real(SlotOfValue(v, ClassOf(v)));
    const InstId inst(liveness_->def_point(v) / 2);
    if (liveness_->is_param(v)) {
      AddEdit(ProgramPoint::Before(inst), EditPhase::kParamStore, from, to);
    } else {
      AddEdit(ProgramPoint::After(inst), EditPhase::kInst, from, to);
    }
  }
}

void Resolver::EmitEdges() {
  for (const EdgeGroup& group : edge_groups_) {
    for (uint32_t m = group.moves.begin; m < group.moves.end; ++m) {
      const EdgeMove& move = edge_moves_[m];
      if (move.rematerialized != kNoIndex) continue;
      if (move.stored != kNoIndex &&
          (!assignment_->values[move.stored].is(ValueState::kNeedsSlot) ||
           IsStoredAtDef(move.stored))) {
        continue;
      }
      moves_.Add(Real(move.from), Real(move.to));
    }
    if (!moves_.empty()) {
      ParallelMoves::Temporaries temporaries;
      for (RegClass reg_class : kRegClasses) {
        const size_t c = static_cast<size_t>(reg_class);
        temporaries.scratch[c] = (*env_)[reg_class].scratch;
        if (temporary_slot_[c].is_none() && moves_.HasSlotToSlot(reg_class)) {
          temporary_slot_[c] = NewSlot(reg_class);
        }
        temporaries.slot[c] = temporary_slot_[c];
      }
      sequence_.clear();
      moves_.Resolve(temporaries, &sequence_);
      for (const Move& move : sequence_) AddEdit(group.point, group.phase, move.from, move.to);
    }
    for (uint32_t m = group.moves.begin; m < group.moves.end; ++m) {
      const EdgeMove& move = edge_moves_[m];
      if (move.rematerialized == kNoIndex) continue;
      const InstId origin(assignment_->origin[move.rematerialized]);
      if (move.to.is_reg()) {
        AddEdit(group.point, group.phase, Allocation(), move.to, origin);
        continue;
      }
      const PReg scratch = (*env_)[move.to.reg_class()].scratch;
      AddEdit(group.point, group.phase, Allocation(), scratch, origin);
      AddEdit(group.point, group.phase, scratch, Real(move.to));
    }
  }
}

void Resolver::SortEdits() {
  std::sort(order_.begin(), order_.end());
  out_->edits.clear();
  out_->edits.reserve(edits_.size());
  for (const uint64_t key : order_) out_->edits.push_back(edits_[IndexOf(key)]);
}

void Resolver::NameSlots() {
  for (Allocation& place : out_->allocations) {
    if (place.is_stack()) place = Real(place);
  }
}

void Resolver::EmitStackMaps() {
  std::sort(live_references_.begin(), live_references_.end(),
            [](const LiveReference& a, const LiveReference& b) {
              return a.safepoint != b.safepoint ? a.safepoint < b.safepoint : a.vreg < b.vreg;
            });
  size_t next = 0;
  for (uint32_t s = 0; s < safepoints_.size(); ++s) {
    StackMap map;
    map.inst = InstId(safepoints_[s]);
    std::vector<SpillSlot>& slots = out_->stack_map_slots;
    map.slots.begin = static_cast<uint32_t>(slots.size());
    for (; next < live_references_.size() && live_references_[next].safepoint == s; ++next) {
      slots.push_back(slot_[SlotRepresentative(live_references_[next].vreg)]);
    }
    std::sort(slots.begin() + map.slots.begin, slots.end());
    slots.erase(std::unique(slots.begin() + map.slots.begin, slots.end()), slots.end());
    map.slots.end = static_cast<uint32_t>(slots.size());
    out_->stack_maps.push_back(map);
  }
}

// Where a labelled value is live and in no register, it is in its slot if it has one.
void Resolver::EmitDebugLocations() {
  if (input_->debug_values.empty()) return;
  std::vector<Stay>& stays = assignment_->stays;
  std::sort(stays.begin(), stays.end(), [](const Stay& a, const Stay& b) {
    return a.vreg != b.vreg ? a.vreg < b.vreg : a.begin < b.begin;
  });
  slot_writes_.clear();
  for (size_t k = 0; k < edits_.size(); ++k) {
    const bool is_at_end = (order_[k] >> 32 & 3) == static_cast<uint64_t>(EditPhase::kEdgeOut);
    const Edit& edit = edits_[IndexOf(order_[k])];
    if (is_at_end && edit.to.is_stack()) {
      slot_writes_.push_back(SlotWrite{edit.to.slot(), edit.point.raw()});
    }
  }
  std::sort(slot_writes_.begin(), slot_writes_.end());
  std::vector<DebugLocation>& locations = out_->debug_locations;
  for (const DebugValue& debug : input_->debug_values) {
    const uint32_t v = static_cast<uint32_t>(debug.reg.index());
    const SpillSlot slot = slot_[SlotRepresentative(v)];
    const auto add = [&](uint32_t begin, uint32_t end, Allocation place) {
      begin = std::max(begin, 2 * debug.begin.raw());
      end = std::min(end, 2 * debug.end.raw());
      if (begin >= end || place.is_none()) return;
      if (!locations.empty() && locations.back().label == debug.label &&
          locations.back().place == place && locations.back().end.raw() == begin) {
        locations.back().end = ProgramPoint::FromRaw(end);
        return;
      }
      locations.push_back(DebugLocation{debug.label, ProgramPoint::FromRaw(begin),
                                        ProgramPoint::FromRaw(end), place});
    };
    // Moves before a terminator may give the slot to a parameter of the next block.
    const auto add_memory = [&](uint32_t begin, uint32_t end) {
      auto cut = std::lower_bound(slot_writes_.begin(), slot_writes_.end(), SlotWrite{slot, begin});
      for (; cut != slot_writes_.end() && cut->slot == slot && cut->point < end; ++cut) {
        add(begin, std::max(cut->point, 1u) - 1, slot);
        begin = cut->point + 2;
      }
      add(begin, end, slot);
    };
    auto stay = std::lower_bound(stays.begin(), stays.end(), v,
                                 [](const Stay& s, uint32_t vreg) { return s.vreg < vreg; });
    for (const LiveRange& range : liveness_->RangesOf(v)) {
      uint32_t point = range.begin;
      for (; stay != stays.end() && stay->vreg == v && stay->begin < range.end; ++stay) {
        add_memory(point, stay->begin);
        add(stay->begin, std::min(stay->end, range.end), PReg::FromIndex(stay->reg));
        point = std::max(point, stay->memory);
      }
      add_memory(point, range.end);
    }
  }
  std::sort(locations.begin(), locations.end(), [](const DebugLocation& a, const DebugLocation& b) {
    return a.label != b.label ? a.label < b.label : a.begin < b.begin;
  });
}

}  // namespace gantry::codegen::regalloc
