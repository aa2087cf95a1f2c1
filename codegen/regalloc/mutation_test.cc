// Tests the checker with real allocations that have been broken: each mutant is either rejected
// or, if accepted, shown to be equal by execution. So a checker that overlooks a kind of fault
// fails here.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "codegen/regalloc/allocator.h"
#include "codegen/regalloc/checker.h"
#include "codegen/regalloc/execute.h"
#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/random_input.h"
#include "gtest/gtest.h"

namespace gantry::codegen::regalloc {
namespace {

using Random = std::mt19937_64;

// A program and an allocation that is to be broken.
struct Subject {
  InputBuilder builder;
  MachineEnv env = TestEnv();
  Allocator allocator;
  Output output;

  const Input& input() const { return builder.input(); }
  Allocation RandomPlace(RegClass reg_class, Random& random) const {
    if (output.spill_words >= 2 && random() % 2 == 0) {
      const uint32_t words = env[reg_class].slot_words;
      return SpillSlot(static_cast<uint32_t>(random() % (output.spill_words / words)) * words,
                       reg_class);
    }
    return RandomReg(reg_class, random);
  }
  PReg RandomReg(RegClass reg_class, Random& random) const {
    return PReg(reg_class, static_cast<uint8_t>(random() % (reg_class == RegClass::kInt ? 6 : 4)));
  }
};

// Each breaks the output in its own way, or returns false if there is nothing to break.
using Mutator = bool (*)(Subject& subject, Random& random);

bool DropMove(Subject& s, Random& random) {
  if (s.output.edits.empty()) return false;
  s.output.edits.erase(s.output.edits.begin() +
                       static_cast<ptrdiff_t>(random() % s.output.edits.size()));
  return true;
}

bool SwapMoves(Subject& s, Random& random) {
  std::vector<size_t> pairs;
  for (size_t e = 1; e < s.output.edits.size(); ++e) {
    if (s.output.edits[e].point == s.output.edits[e - 1].point) pairs.push_back(e);
  }
  if (pairs.empty()) return false;
  const size_t e = pairs[random() % pairs.size()];
  std::swap(s.output.edits[e], s.output.edits[e - 1]);
  return true;
}

bool RetargetMove(Subject& s, Random& random) {
  if (s.output.edits.empty()) return false;
  Edit& edit = s.output.edits[random() % s.output.edits.size()];
  const Allocation to = edit.from.is_stack() || edit.rematerialized.is_some()
                            ? Allocation(s.RandomReg(edit.to.reg_class(), random))
                            : s.RandomPlace(edit.to.reg_class(), random);
  if (to == edit.to) return false;
  edit.to = to;
  return true;
}

bool ChangeSource(Subject& s, Random& random) {
  if (s.output.edits.empty()) return false;
  Edit& edit = s.output.edits[random() % s.output.edits.size()];
  if (edit.rematerialized.is_some()) return false;
  const Allocation from = edit.to.is_stack() ? Allocation(s.RandomReg(edit.to.reg_class(), random))
                                             : s.RandomPlace(edit.to.reg_class(), random);
  if (from == edit.from) return false;
  edit.from = from;
  return true;
}

bool WrongSlotInMove(Subject& s, Random& random) {
  std::vector<Edit*> edits;
  for (Edit& edit : s.output.edits) {
    if (edit.from.is_stack() || edit.to.is_stack()) edits.push_back(&edit);
  }
  if (edits.empty() || s.output.spill_words < 4) return false;
  Edit& edit = *edits[random() % edits.size()];
  Allocation& place = edit.from.is_stack() ? edit.from : edit.to;
  const uint32_t words = s.env[place.reg_class()].slot_words;
  const SpillSlot slot(static_cast<uint32_t>(random() % (s.output.spill_words / words)) * words,
                       place.reg_class());
  if (place == Allocation(slot)) return false;
  place = slot;
  return true;
}

// lessons.md row 2.
bool WrongClassOfSlot(Subject& s, Random& random) {
  std::vector<Allocation*> places;
  for (Edit& edit : s.output.edits) {
    if (edit.from.is_stack()) places.push_back(&edit.from);
    if (edit.to.is_stack()) places.push_back(&edit.to);
  }
  for (Allocation& place : s.output.allocations) {
    if (place.is_stack()) places.push_back(&place);
  }
  if (places.empty()) return false;
  Allocation& place = *places[random() % places.size()];
  const bool is_int = place.reg_class() == RegClass::kInt;
  place = SpillSlot(place.slot().word(), is_int ? RegClass::kVector : RegClass::kInt);
  return true;
}

// lessons.md row 2: a slot of two words at one word's distance from its neighbour.
bool ShiftSlot(Subject& s, Random& random) {
  std::vector<uint32_t> words;
  for (const Edit& edit : s.output.edits) {
    if (edit.to.is_stack()) words.push_back(edit.to.slot().word());
  }
  if (words.empty()) return false;
  const uint32_t word = words[random() % words.size()];
  const auto shift = [&](Allocation* place) {
    if (!place->is_stack() || place->slot().word() != word) return;
    *place = SpillSlot(word == 0 ? 1 : word - 1, place->reg_class());
  };
  for (Edit& edit : s.output.edits) {
    shift(&edit.from);
    shift(&edit.to);
  }
  for (Allocation& place : s.output.allocations) shift(&place);
  return true;
}

bool ShrinkSpillArea(Subject& s, Random&) {
  if (s.output.spill_words == 0) return false;
  --s.output.spill_words;
  return true;
}

bool ChangeOperand(Subject& s, Random& random) {
  if (s.output.allocations.empty()) return false;
  const size_t k = random() % s.output.allocations.size();
  const Operand& operand = s.input().operands[k];
  const Allocation place =
      operand.constraint() == Constraint::kReg || operand.constraint() == Constraint::kReuse
          ? Allocation(s.RandomReg(operand.reg_class(), random))
          : s.RandomPlace(operand.reg_class(), random);
  if (place == s.output.allocations[k]) return false;
  s.output.allocations[k] = place;
  return true;
}

// A move that was right in the previous iteration, say, or on another path.
bool StaleMoveOnEdge(Subject& s, Random& random) {
  std::vector<ProgramPoint> points;
  for (const Block& block : s.input().blocks) {
    points.push_back(ProgramPoint::Before(InstId(block.insts.begin)));
    points.push_back(ProgramPoint::Before(InstId(block.insts.end - 1)));
  }
  Edit edit;
  edit.point = points[random() % points.size()];
  const RegClass reg_class = random() % 2 == 0 ? RegClass::kInt : RegClass::kVector;
  edit.from = s.RandomReg(reg_class, random);
  edit.to = s.RandomPlace(reg_class, random);
  if (edit.from == edit.to) return false;
  std::vector<Edit>& edits = s.output.edits;
  const auto first = std::lower_bound(edits.begin(), edits.end(), edit.point,
                                      [](const Edit& e, ProgramPoint p) { return e.point < p; });
  auto at = first;
  while (at != edits.end() && at->point == edit.point && random() % 2 == 0) ++at;
  edits.insert(at, edit);
  return true;
}

bool MoveToOtherPoint(Subject& s, Random& random) {
  std::vector<Edit>& edits = s.output.edits;
  if (edits.empty()) return false;
  const size_t e = random() % edits.size();
  Edit edit = edits[e];
  edits.erase(edits.begin() + static_cast<ptrdiff_t>(e));
  edit.point =
      ProgramPoint::Before(InstId(static_cast<uint32_t>(random() % s.input().insts.size())));
  edits.insert(std::lower_bound(edits.begin(), edits.end(), edit.point,
                                [](const Edit& a, ProgramPoint p) { return a.point < p; }),
               edit);
  return true;
}

// lessons.md rows 3 and 4.
bool DropFromStackMap(Subject& s, Random& random) {
  if (s.output.stack_maps.empty()) return false;
  StackMap& map = s.output.stack_maps[random() % s.output.stack_maps.size()];
  if (map.slots.empty()) return false;
  ++map.slots.begin;
  return true;
}

// lessons.md row 3: the map of another safepoint.
bool StaleStackMap(Subject& s, Random& random) {
  if (s.output.stack_maps.size() < 2) return false;
  StackMap& map = s.output.stack_maps[random() % s.output.stack_maps.size()];
  const IndexRange other = s.output.stack_maps[random() % s.output.stack_maps.size()].slots;
  const auto a = s.output.SlotsOf(map);
  const auto b = absl::MakeConstSpan(s.output.stack_map_slots).subspan(other.begin, other.size());
  if (a == b) return false;
  map.slots = other;
  return true;
}

// lessons.md row 3.
bool DropStackMap(Subject& s, Random& random) {
  if (s.output.stack_maps.empty()) return false;
  s.output.stack_maps.erase(s.output.stack_maps.begin() +
                            static_cast<ptrdiff_t>(random() % s.output.stack_maps.size()));
  return true;
}

// The allocator is told of fewer clobbers than there are.
bool IgnoreClobber(Subject& s, Random& random) {
  Input liar = s.input();
  if (liar.clobber_sets.size() < 2) return false;
  std::vector<PRegSet> sets(liar.clobber_sets.begin(), liar.clobber_sets.end());
  PRegSet& set = sets[1 + random() % (sets.size() - 1)];
  PRegSet fewer;
  for (PReg reg : set) {
    if (random() % 2 == 0) fewer.insert(reg);
  }
  set = fewer;
  liar.clobber_sets = sets;
  if (!s.allocator.Allocate(liar, s.env, Options(), &s.output).ok()) return false;
  // What is written is not what this is about.
  s.output.written = PRegSet::FromBits(~uint64_t{0});
  return true;
}

// The allocator takes some references for plain values.
bool ForgetReference(Subject& s, Random& random) {
  Input liar = s.input();
  std::vector<VReg> references(liar.reference_vregs.begin(), liar.reference_vregs.end());
  if (references.empty()) return false;
  references.erase(references.begin() + static_cast<ptrdiff_t>(random() % references.size()));
  liar.reference_vregs = references;
  return s.allocator.Allocate(liar, s.env, Options(), &s.output).ok();
}

struct NamedMutator {
  const char* name;
  Mutator mutate;
};
constexpr NamedMutator kMutators[] = {
    {"drop move", DropMove},
    {"swap moves", SwapMoves},
    {"retarget move", RetargetMove},
    {"change source", ChangeSource},
    {"wrong slot in move", WrongSlotInMove},
    {"wrong class of slot", WrongClassOfSlot},
    {"shift slot", ShiftSlot},
    {"shrink spill area", ShrinkSpillArea},
    {"change operand", ChangeOperand},
    {"stale move on edge", StaleMoveOnEdge},
    {"move to other point", MoveToOtherPoint},
    {"drop from stack map", DropFromStackMap},
    {"stale stack map", StaleStackMap},
    {"drop stack map", DropStackMap},
    {"ignore clobber", IgnoreClobber},
    {"forget reference", ForgetReference},
};

class MutationTest : public testing::TestWithParam<NamedMutator> {};

TEST_P(MutationTest, RejectedOrEqual) {
  constexpr int kMutantsEach = 160;
  int mutants = 0;
  int rejected = 0;
  for (uint64_t seed = 0; mutants < kMutantsEach && seed < 40 * kMutantsEach; ++seed) {
    Subject subject;
    RandomOptions options = RandomOptionsFor(seed);
    options.max_blocks = std::min<uint32_t>(options.max_blocks, 12);
    BuildRandomInput(seed, subject.env, options, &subject.builder);
    const Input& input = subject.input();
    ASSERT_TRUE(subject.allocator.Allocate(input, subject.env, Options(), &subject.output).ok());
    ASSERT_TRUE(CheckAllocation(input, subject.env, subject.output).ok()) << seed;
    Random random(seed * 31 + 7);
    if (!GetParam().mutate(subject, random)) continue;
    // The checker says nothing about them.
    subject.output.debug_locations.clear();
    ++mutants;
    if (!CheckAllocation(input, subject.env, subject.output).ok()) {
      ++rejected;
      continue;
    }
    for (uint64_t run = 0; run < 24; ++run) {
      const absl::Status status = ExecuteAllocation(input, subject.output, seed + run, 300);
      ASSERT_TRUE(status.ok()) << "the checker accepted seed " << seed << ", but " << status << "\n"
                               << InputText(input, &subject.output);
    }
  }
  RecordProperty("mutants", mutants);
  RecordProperty("rejected", rejected);
  EXPECT_GE(mutants, 64);
  // Most mutants are wrong. If hardly any is, the mutation is none.
  EXPECT_GE(rejected * 10, mutants) << rejected << " of " << mutants;
}

INSTANTIATE_TEST_SUITE_P(All, MutationTest, testing::ValuesIn(kMutators),
                         [](const testing::TestParamInfo<NamedMutator>& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace gantry::codegen::regalloc
