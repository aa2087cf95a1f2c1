#include "runtime/stack_pool.h"

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

constexpr uint64_t kSize = 64 << 10;

std::unique_ptr<StackPool> Pool(StackPool::Options options) {
  options.stack_size = kSize;
  return std::make_unique<StackPool>(options);
}

TEST(StackPoolTest, SizesAreCheckedAndRounded) {
  StackPool::Options options;
  options.stack_size = 0;
  EXPECT_EQ(StackPool::CheckOptions(options).code(), absl::StatusCode::kInvalidArgument);
  options.stack_size = StackPool::kMaxStackSize + 1;
  EXPECT_EQ(StackPool::CheckOptions(options).code(), absl::StatusCode::kInvalidArgument);
  options.stack_size = 1;
  EXPECT_EQ(StackPool(options).options().stack_size, HostPageSize());
  options.zero = true;
  EXPECT_EQ(StackPool::CheckOptions(options).code(), absl::StatusCode::kInvalidArgument);
  options.keep_resident = ~uint64_t{0};
  EXPECT_EQ(StackPool(options).options().keep_resident, HostPageSize());
}

TEST(StackPoolTest, TheStackGivenBackLastIsTakenFirst) {
  std::unique_ptr<StackPool> pool = Pool({});
  FiberStack a = pool->Take().value();
  FiberStack b = pool->Take().value();
  EXPECT_NE(a.low(), b.low());
  EXPECT_EQ(a.size(), kSize);
  EXPECT_EQ(pool->num_stacks(), 2u);
  EXPECT_EQ(pool->num_idle(), 0u);
  uint8_t* const was = a.low();
  was[0] = was[kSize - 1] = 42;
  b.Release();
  EXPECT_TRUE(b.empty());
  a.Release();
  EXPECT_EQ(pool->num_idle(), 2u);
  a = pool->Take().value();
  EXPECT_EQ(a.low(), was);
  // Nothing was said about what to reset.
  EXPECT_EQ(was[0], 42);
}

TEST(StackPoolTest, BelowAStackAccessesFault) {
  std::unique_ptr<StackPool> pool = Pool({});
  FiberStack stack = pool->Take().value();
  for (uint64_t distance : {uint64_t{1}, StackPool::kGuardSize}) {
    EXPECT_DEATH(*const_cast<volatile uint8_t*>(stack.low() - distance) = 1, "");
  }
}

TEST(StackPoolTest, TheTotalIsNotExceeded) {
  StackPool::Options options;
  options.total_size = 2 * kSize + 1;
  std::unique_ptr<StackPool> pool = Pool(options);
  FiberStack a = pool->Take().value();
  FiberStack b = pool->Take().value();
  const absl::Status status = pool->Take().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(pool->num_stacks(), 2u);
  b.Release();
  EXPECT_TRUE(pool->Take().ok());
}

TEST(StackPoolTest, TooManyIdleStacksAreUnmapped) {
  StackPool::Options options;
  options.max_idle = 1;
  std::unique_ptr<StackPool> pool = Pool(options);
  FiberStack a = pool->Take().value();
  FiberStack b = pool->Take().value();
  a.Release();
  b.Release();
  EXPECT_EQ(pool->num_idle(), 1u);
  EXPECT_EQ(pool->num_stacks(), 1u);
}

TEST(StackPoolTest, WhatIsNotKeptReadsAsZero) {
  StackPool::Options options;
  options.keep_resident = HostPageSize();
  for (bool zero : {false, true}) {
    options.zero = zero;
    std::unique_ptr<StackPool> pool = Pool(options);
    FiberStack stack = pool->Take().value();
    uint8_t* const was = stack.low();
    std::memset(was, 42, kSize);
    stack.Release();
    stack = pool->Take().value();
    ASSERT_EQ(stack.low(), was);
    for (uint64_t i = 0; i < kSize; ++i) {
      const bool kept = i >= kSize - HostPageSize();
      ASSERT_EQ(was[i], kept && !zero ? 42 : 0) << i;
    }
  }
}

TEST(StackPoolTest, ThreadsShareIt) {
  std::unique_ptr<StackPool> pool = Pool({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        FiberStack stack = pool->Take().value();
        stack.low()[0] = static_cast<uint8_t>(t);
        std::this_thread::yield();
        ASSERT_EQ(stack.low()[0], t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool->num_stacks(), 4u);
  EXPECT_EQ(pool->num_idle(), pool->num_stacks());
}

}  // namespace
}  // namespace gantry::runtime
