#include "runtime/parking_lot.h"

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using Result = ParkingLot::Result;

constexpr int64_t kForEver = -1;
constexpr uint32_t kAll = std::numeric_limits<uint32_t>::max();

// Until so many threads wait; ends when the test's time is over if that never happens.
void AwaitWaiters(ParkingLot& lot, const void* address, uint32_t count) {
  while (lot.CountWaiters(address) < count) std::this_thread::yield();
}

TEST(ParkingLotTest, ComparesFirst) {
  ParkingLot lot;
  uint32_t word = 7;
  uint64_t wide = uint64_t{1} << 40;
  EXPECT_EQ(lot.Wait<uint32_t>(&word, 8, kForEver), Result::kNotEqual);
  EXPECT_EQ(lot.Wait<uint64_t>(&wide, 0, kForEver), Result::kNotEqual);
  EXPECT_EQ(lot.Notify(&word, kAll), 0u);
}

TEST(ParkingLotTest, TimesOut) {
  ParkingLot lot;
  uint32_t word = 7;
  uint64_t wide = 7;
  EXPECT_EQ(lot.Wait<uint32_t>(&word, 7, 0), Result::kTimedOut);
  EXPECT_EQ(lot.Wait<uint64_t>(&wide, 7, 1'000'000), Result::kTimedOut);
  EXPECT_EQ(lot.CountWaiters(&word), 0u);
  EXPECT_EQ(lot.Notify(&word, kAll), 0u);
}

// A timeout beyond what the clock can count is for ever.
TEST(ParkingLotTest, WakesWhateverTheTimeout) {
  for (const int64_t timeout : {kForEver, std::numeric_limits<int64_t>::min(),
                                std::numeric_limits<int64_t>::max(), int64_t{1} << 62}) {
    ParkingLot lot;
    uint32_t word = 0;
    std::thread thread(
        [&] { EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, timeout), Result::kWoken) << timeout; });
    AwaitWaiters(lot, &word, 1);
    EXPECT_EQ(lot.Notify(&word, 1), 1u);
    thread.join();
  }
}

TEST(ParkingLotTest, InOrderOfArrival) {
  constexpr int kThreads = 8;
  ParkingLot lot;
  uint32_t word = 0, other = 0;
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, kForEver), Result::kWoken);
      const std::lock_guard<std::mutex> lock(mutex);
      order.push_back(i);
    });
    AwaitWaiters(lot, &word, static_cast<uint32_t>(i + 1));
  }
  EXPECT_EQ(lot.Notify(&other, kAll), 0u);
  EXPECT_EQ(lot.Notify(&word, 0), 0u);
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_EQ(lot.Notify(&word, 1), 1u);
    threads[static_cast<size_t>(i)].join();
  }
  EXPECT_EQ(lot.Notify(&word, 1), 0u);
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(ParkingLotTest, AtMostAsManyAsAsked) {
  constexpr uint32_t kThreads = 7;
  ParkingLot lot;
  uint64_t word = 0;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(lot.Wait<uint64_t>(&word, 0, kForEver), Result::kWoken); });
  }
  AwaitWaiters(lot, &word, kThreads);
  EXPECT_EQ(lot.Notify(&word, 3), 3u);
  EXPECT_EQ(lot.CountWaiters(&word), kThreads - 3);
  EXPECT_EQ(lot.Notify(&word, kAll), kThreads - 3);
  for (std::thread& thread : threads) thread.join();
}

TEST(ParkingLotTest, AnInterruptEndsAWait) {
  ParkingLot lot;
  uint32_t word = 0;
  std::atomic<uint64_t> counter{0};
  const ParkingLot::Interrupt interrupt = {&counter, 2};
  EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, 1000, interrupt), Result::kTimedOut);
  std::thread woken(
      [&] { EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, kForEver, interrupt), Result::kWoken); });
  AwaitWaiters(lot, &word, 1);
  EXPECT_EQ(lot.Notify(&word, 1), 1u);
  woken.join();
  std::thread thread(
      [&] { EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, kForEver, interrupt), Result::kInterrupted); });
  AwaitWaiters(lot, &word, 1);
  counter.store(2);
  thread.join();
  EXPECT_EQ(lot.CountWaiters(&word), 0u);
  // What was reached before the wait began, too.
  EXPECT_EQ(lot.Wait<uint32_t>(&word, 0, kForEver, interrupt), Result::kInterrupted);
}

// Each of 64 threads passes a token on to the next and waits for its turn; a lost wake-up stops
// them all. The words lie together, so that several share a bucket.
TEST(ParkingLotTest, SixtyFourThreadsInARing) {
  constexpr uint32_t kThreads = 64;
  constexpr uint32_t kRounds = 50;
  ParkingLot lot;
  std::vector<uint32_t> turns(kThreads, 0);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::atomic_ref<uint32_t> mine(turns[i]);
      std::atomic_ref<uint32_t> next(turns[(i + 1) % kThreads]);
      for (uint32_t round = 0; round < kRounds; ++round) {
        while (mine.load() == round) {
          const Result result = lot.Wait<uint32_t>(&turns[i], round, kForEver);
          EXPECT_TRUE(result == Result::kWoken || result == Result::kNotEqual);
        }
        next.fetch_add(1);
        lot.Notify(&turns[(i + 1) % kThreads], 1);
      }
    });
  }
  std::atomic_ref<uint32_t>(turns[0]).fetch_add(1);
  lot.Notify(&turns[0], 1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns[0], kRounds + 1);
  for (uint32_t i = 1; i < kThreads; ++i) EXPECT_EQ(turns[i], kRounds) << i;
}

// A lock of a word with 0 free, 1 taken, 2 taken and waited for, under 64 threads, a third of
// whose waits may time out.
TEST(ParkingLotTest, SixtyFourThreadsAtOneLock) {
  constexpr uint32_t kThreads = 64;
  constexpr uint32_t kRounds = 100;
  ParkingLot lot;
  uint32_t word = 0;
  uint64_t counter = 0;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const int64_t timeout = i % 3 == 0 ? 50'000 : kForEver;
      std::atomic_ref<uint32_t> state(word);
      for (uint32_t round = 0; round < kRounds; ++round) {
        uint32_t seen = 0;
        if (!state.compare_exchange_strong(seen, 1)) {
          while (state.exchange(2) != 0) lot.Wait<uint32_t>(&word, 2, timeout);
        }
        ++counter;
        if (state.exchange(0) == 2) lot.Notify(&word, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, uint64_t{kThreads} * kRounds);
}

}  // namespace
}  // namespace gantry::runtime
