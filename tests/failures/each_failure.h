// EachFailure: a fixture for tests in which the n-th request to the host fails, for every n,
// through a cycle of what is tested. It has to come out as kResourceExhausted, nothing may be kept,
// and the next cycle has to succeed.
//
//   class MyTest : public EachFailure {
//     absl::Status Cycle() override { ... everything once, from nothing to nothing ... }
//   };
//   TEST_F(MyTest, EveryMapping) { TryAll(kMappings, 1, 1, kNoEnd); }
//
// Where a guest is refused what it asks for, Cycle returns Refused().
#ifndef GANTRY_TESTS_FAILURES_EACH_FAILURE_H_
#define GANTRY_TESTS_FAILURES_EACH_FAILURE_H_

#include <cstdint>
#include <cstdlib>
#include <new>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "base/testing/failures.h"
#include "gtest/gtest.h"

namespace gantry::testing {

class EachFailure : public ::testing::Test {
 protected:
  EachFailure() {
    // Abseil makes a table of all errors' names when it is first asked for one, and keeps it.
    EXPECT_FALSE(absl::ErrnoToStatus(2, "").ok());
  }

  // Everything once. The steps that are the test's own pause the failing.
  virtual absl::Status Cycle() = 0;
  static absl::Status Refused() {
    return absl::ResourceExhaustedError("the guest was refused what it asked for");
  }

  // Whether there was an n-th request.
  bool TryNth(FailureKinds request, uint64_t n) {
    absl::Status status;
    bool failed;
    bool escaped = false;
    {
      FailNth failing(request, n);
      try {
        status = Cycle();
      } catch (const std::bad_alloc&) {
        escaped = true;
      }
      failed = failing.happened();
    }
    EXPECT_FALSE(escaped) << "an exception came out";
    // What can be done another way may succeed.
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kResourceExhausted) << status;
    EXPECT_TRUE(failed || status.ok()) << status;
    return failed;
  }

  // Nothing has been kept but what a store of free things may grow to.
  void ExpectNothingLeaked(const Holdings& before) {
    const absl::Status status = Cycle();
    EXPECT_TRUE(status.ok()) << status;
    const Holdings after = CurrentHoldings();
    EXPECT_EQ(after.mapped_bytes, before.mapped_bytes);
    EXPECT_EQ(after.files, before.files);
    EXPECT_LE(after.allocations, before.allocations + kSlack);
  }

  // Every `step`-th request from `first` to `last`, or to the end where that comes sooner.
  void TryAll(FailureKinds request, uint64_t first, uint64_t step, uint64_t last) {
    for (int warm = 0; warm < kWarm; ++warm) ASSERT_TRUE(Cycle().ok());
    const Holdings before = CurrentHoldings();
    uint64_t failures = 0;
    for (uint64_t n = first; n <= last; n += step) {
      SCOPED_TRACE("request " + std::to_string(n));
      if (!TryNth(request, n)) break;
      ++failures;
      if (failures % 16 == 0) ExpectNothingLeaked(before);
      if (HasFailure()) break;
    }
    ExpectNothingLeaked(before);
    EXPECT_GT(failures, 0u);
  }

  // So many requests out of all, drawn by lot.
  void TrySamples(FailureKinds request, int samples) {
    const uint64_t requests = CountRequests(request);
    for (int warm = 0; warm < kWarm; ++warm) ASSERT_TRUE(Cycle().ok());
    const Holdings before = CurrentHoldings();
    std::mt19937_64 random(20240607);
    for (int i = 0; i < samples && !HasFailure(); ++i) {
      const uint64_t n = 1 + random() % requests;
      SCOPED_TRACE("request " + std::to_string(n));
      TryNth(request, n);
      if (i % 16 == 15) ExpectNothingLeaked(before);
    }
    ExpectNothingLeaked(before);
  }

  // That so many cycles in which nothing fails keep nothing.
  void ExpectCyclesKeepNothing(int cycles) {
    for (int warm = 0; warm < kWarm; ++warm) ASSERT_TRUE(Cycle().ok());
    const Holdings before = CurrentHoldings();
    for (int i = 0; i < cycles; ++i) ASSERT_TRUE(Cycle().ok());
    ExpectNothingLeaked(before);
  }

  uint64_t CountRequests(FailureKinds request) {
    FailNth counting(request, 0);
    EXPECT_TRUE(Cycle().ok());
    return counting.requests();
  }

  // Whether every one is to be tried that takes long.
  static bool All() { return std::getenv("GANTRY_ALL_FAILURES") != nullptr; }
  // Cycles until what is kept for the next ones is there: free contexts, slots' last images.
  static constexpr int kWarm = 20;
  // Buckets of registries and the like.
  static constexpr int64_t kSlack = 8;
  static constexpr uint64_t kNoEnd = ~uint64_t{0} >> 1;
};

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_FAILURES_EACH_FAILURE_H_
