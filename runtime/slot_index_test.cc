#include "runtime/slot_index.h"

#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

TEST(SlotIndexTest, TheLastOfTheSameAffinityComesFirst) {
  SlotIndex index(100, 10);
  const uint32_t a = *index.Take(1), b = *index.Take(1), c = *index.Take(2);
  index.Give(a, 1);
  index.Give(c, 2);
  index.Give(b, 1);
  EXPECT_EQ(index.Take(2), c);
  EXPECT_EQ(index.Take(1), b);
  EXPECT_EQ(index.Take(1), a);
  const uint32_t fresh = *index.Take(1);
  EXPECT_NE(fresh, a);
  EXPECT_NE(fresh, b);
  EXPECT_NE(fresh, c);
}

TEST(SlotIndexTest, ManyWarmOnesAreUsedBeforeFreshOnes) {
  SlotIndex index(1600, 2);  // a hundred slots a shard
  std::vector<uint32_t> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(*index.Take(1));
  for (const uint32_t slot : slots) index.Give(slot, 1);
  EXPECT_EQ(index.warm_here(), 3u);
  EXPECT_EQ(index.Take(2), slots[0]);  // the oldest: there are more than two
  EXPECT_EQ(index.Take(2), slots[1]);
  const uint32_t fresh = *index.Take(2);
  EXPECT_TRUE(std::find(slots.begin(), slots.end(), fresh) == slots.end());
}

TEST(SlotIndexTest, EverySlotIsHadOnce) {
  for (const uint32_t count : {0u, 1u, 7u, 100u}) {
    SlotIndex index(count, 4);
    std::set<uint32_t> taken;
    for (uint32_t i = 0; i < count; ++i) {
      const std::optional<uint32_t> slot = index.Take(i % 3);
      ASSERT_TRUE(slot.has_value()) << i << " of " << count;
      EXPECT_LT(*slot, count);
      EXPECT_TRUE(taken.insert(*slot).second) << *slot;
    }
    EXPECT_FALSE(index.Take(0).has_value());
  }
}

TEST(SlotIndexTest, TakeOnlyTakesNoOther) {
  SlotIndex index(8, 8);
  const uint32_t a = *index.Take(1), b = *index.Take(2);
  index.Give(a, 1);
  index.Give(b, 2);
  EXPECT_EQ(index.TakeOnly(1), a);
  EXPECT_FALSE(index.TakeOnly(1).has_value());
  EXPECT_FALSE(index.TakeOnly(3).has_value());
  EXPECT_EQ(index.TakeOnly(2), b);
}

// Against a model: no slot twice, none lost, affinity served wherever it can be.
TEST(SlotIndexTest, RandomSequences) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    const uint32_t count = 1 + random() % 40;
    SlotIndex index(count, random() % 8);
    std::set<uint32_t> taken;
    std::multiset<uint64_t> free_affinities;
    for (int step = 0; step < 400; ++step) {
      const uint64_t affinity = 1 + random() % 5;
      if (random() % 2 == 0 && !taken.empty()) {
        auto it = taken.begin();
        std::advance(it, random() % taken.size());
        index.Give(*it, affinity);
        free_affinities.insert(affinity);
        taken.erase(it);
        continue;
      }
      if (const auto known = free_affinities.find(affinity); known != free_affinities.end()) {
        const std::optional<uint32_t> slot = index.TakeOnly(affinity);
        ASSERT_TRUE(slot.has_value());
        ASSERT_TRUE(taken.insert(*slot).second);
        free_affinities.erase(known);
      } else {
        EXPECT_FALSE(index.TakeOnly(affinity).has_value());
      }
    }
    // What is left can be had, to the last slot.
    while (taken.size() < count) {
      const std::optional<uint32_t> slot = index.Take(9);
      ASSERT_TRUE(slot.has_value());
      ASSERT_TRUE(taken.insert(*slot).second);
    }
    EXPECT_FALSE(index.Take(9).has_value());
  }
}

// As many slots as threads: each always finds one, wherever the others leave theirs.
TEST(SlotIndexTest, ThreadsAlwaysFindAFreeSlot) {
  constexpr int kThreads = 4;
  SlotIndex index(kThreads, 1);
  std::vector<std::atomic<bool>> used(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::optional<uint32_t> slot = index.Take(t);
        ASSERT_TRUE(slot.has_value());
        ASSERT_FALSE(used[*slot].exchange(true));
        used[*slot].store(false);
        index.Give(*slot, t % 2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gantry::runtime
