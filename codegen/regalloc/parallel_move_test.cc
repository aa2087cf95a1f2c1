#include "codegen/regalloc/parallel_move.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace gantry::codegen::regalloc {
namespace {

constexpr RegClass kInt = RegClass::kInt;

ParallelMoves::Temporaries TestTemporaries() {
  ParallelMoves::Temporaries temporaries;
  for (RegClass reg_class : kRegClasses) {
    temporaries.scratch[static_cast<size_t>(reg_class)] = PReg(reg_class, 31);
    temporaries.slot[static_cast<size_t>(reg_class)] = SpillSlot(1000, reg_class);
  }
  return temporaries;
}

// Executes the sequence with every place holding its own name at the start, and compares with
// what the parallel assignment means.
void CheckMoves(const std::vector<Move>& moves) {
  ParallelMoves parallel;
  for (const Move& move : moves) parallel.Add(move.from, move.to);
  std::vector<Move> sequence;
  const ParallelMoves::Temporaries temporaries = TestTemporaries();
  const uint32_t slots_used = parallel.Resolve(temporaries, &sequence);
  ASSERT_TRUE(parallel.empty());

  std::map<Allocation, Allocation> content;
  const auto read = [&](Allocation place) {
    const auto found = content.find(place);
    return found == content.end() ? place : found->second;
  };
  for (const Move& move : sequence) {
    ASSERT_TRUE(move.from.is_reg() || move.to.is_reg());
    ASSERT_EQ(move.from.reg_class(), move.to.reg_class());
    content[move.to] = read(move.from);
    for (RegClass reg_class : kRegClasses) {
      const size_t index = static_cast<size_t>(reg_class);
      if (move.to == Allocation(temporaries.slot[index])) {
        EXPECT_NE(slots_used & 1u << index, 0u);
      }
    }
  }
  std::map<Allocation, Allocation> expected;
  for (const Move& move : moves) expected[move.to] = move.from;
  for (const auto& [to, from] : expected) ASSERT_EQ(read(to), from) << to;
  for (const auto& [place, value] : content) {
    const bool is_temporary =
        place == Allocation(temporaries.scratch[static_cast<size_t>(place.reg_class())]) ||
        place == Allocation(temporaries.slot[static_cast<size_t>(place.reg_class())]);
    ASSERT_TRUE(is_temporary || expected.count(place)) << place << " must not change";
  }
  ASSERT_LE(sequence.size(), moves.size() * 3);
}

// Every assignment to up to five places from up to five places or nowhere, with every place in
// turn a register or a slot.
TEST(ParallelMoveTest, AllSmallAssignments) {
  for (size_t places = 1; places <= 5; ++places) {
    size_t assignments = 1;
    for (size_t i = 0; i < places; ++i) assignments *= places + 1;
    for (size_t slots = 0; slots < size_t{1} << places; ++slots) {
      std::vector<Allocation> place(places);
      for (size_t i = 0; i < places; ++i) {
        const uint8_t number = static_cast<uint8_t>(i);
        place[i] = (slots >> i & 1) != 0 ? Allocation(SpillSlot(number, kInt))
                                         : Allocation(PReg(kInt, number));
      }
      for (size_t assignment = 0; assignment < assignments; ++assignment) {
        std::vector<Move> moves;
        size_t rest = assignment;
        for (size_t to = 0; to < places; ++to, rest /= places + 1) {
          const size_t from = rest % (places + 1);
          if (from < places) moves.push_back(Move{place[from], place[to]});
        }
        CheckMoves(moves);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ParallelMoveTest, AllPermutationsOfSevenRegisters) {
  std::vector<uint8_t> order = {0, 1, 2, 3, 4, 5, 6};
  do {
    std::vector<Move> moves;
    for (uint8_t i = 0; i < 7; ++i) moves.push_back(Move{PReg(kInt, order[i]), PReg(kInt, i)});
    CheckMoves(moves);
    if (HasFatalFailure()) return;
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(ParallelMoveTest, RandomMixedClasses) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::vector<Move> moves;
    for (RegClass reg_class : kRegClasses) {
      const size_t places = 1 + random() % 20;
      const auto place = [&](size_t i) {
        const uint8_t number = static_cast<uint8_t>(i);
        return i % 2 == 0 ? Allocation(PReg(reg_class, number))
                          : Allocation(SpillSlot(number * 2, reg_class));
      };
      for (size_t to = 0; to < places; ++to) {
        if (random() % 4 != 0) moves.push_back(Move{place(random() % places), place(to)});
      }
    }
    std::shuffle(moves.begin(), moves.end(), random);
    CheckMoves(moves);
    if (HasFatalFailure()) return;
  }
}

TEST(ParallelMoveTest, OneMoveIsOneMove) {
  ParallelMoves parallel;
  parallel.Add(PReg(kInt, 1), PReg(kInt, 2));
  parallel.Add(PReg(kInt, 1), PReg(kInt, 2));
  parallel.Add(PReg(kInt, 3), PReg(kInt, 3));
  std::vector<Move> sequence;
  EXPECT_EQ(parallel.Resolve(TestTemporaries(), &sequence), 0u);
  EXPECT_EQ(sequence, (std::vector<Move>{Move{PReg(kInt, 1), PReg(kInt, 2)}}));
}

}  // namespace
}  // namespace gantry::codegen::regalloc
