// Waiting and notifying under 64 threads, and growth under several: guests synchronize by what they
// are given, and one wake-up lost would stop the test.
#include <cstdint>
#include <string>
#include <vector>

#include "api/config.h"
#include "gtest/gtest.h"
#include "tests/threads/threaded_guest.h"

namespace gantry::testing {
namespace {

constexpr int kThreads = 64;

class StressTest : public ::testing::TestWithParam<OptLevel> {};

// A lock of the word at 0: 0 free, 1 taken, 2 taken and perhaps waited for; a counter at 64, which
// it guards, is counted up by plain accesses.
constexpr char kLock[] = R"((module
  (memory (import "env" "memory") 1 2 shared)
  (func $lock (param $timeout i64)
    (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)))
      (then (return)))
    (block $taken
      (loop $again
        (br_if $taken (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2))))
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (local.get $timeout)))
        (br $again))))
  (func $unlock
    (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
      (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
  (func (export "count") (param $rounds i32) (param $timeout i64)
    (loop $next
      (call $lock (local.get $timeout))
      (i64.store offset=64 (i32.const 0)
        (i64.add (i64.load offset=64 (i32.const 0)) (i64.const 1)))
      (call $unlock)
      (br_if $next (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
  (func (export "counted") (result i64) (i64.load offset=64 (i32.const 0)))))";

TEST_P(StressTest, OneLock) {
  constexpr int kRounds = 300;
  ThreadedGuest guest(GetParam(), kLock, 1, kThreads);
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    // Some waits end by themselves, in the midst of the queue.
    const int64_t timeout = thread.number() % 3 == 0 ? 50'000 : -1;
    thread.Call("count", {Val::I32(kRounds), Val::I64(timeout)});
  });
  EXPECT_EQ(guest.memory().At<uint64_t>(64)->load(), uint64_t{kThreads} * kRounds);
}

// Each thread has a word; it waits for its turn there and passes it on.
constexpr char kRing[] = R"((module
  (memory (import "env" "memory") 1 2 shared)
  (func (export "run") (param $mine i32) (param $next i32) (param $rounds i32)
    (local $round i32)
    (loop $again
      (block $turn
        (loop $wait
          (br_if $turn
            (i32.ne (i32.atomic.load (local.get $mine)) (local.get $round)))
          (drop (memory.atomic.wait32 (local.get $mine) (local.get $round) (i64.const -1)))
          (br $wait)))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (drop (i32.atomic.rmw.add (local.get $next) (i32.const 1)))
      (drop (memory.atomic.notify (local.get $next) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $round) (local.get $rounds)))))))";

TEST_P(StressTest, OneRing) {
  constexpr int kRounds = 40;
  ThreadedGuest guest(GetParam(), kRing, 1, kThreads);
  guest.memory().At<uint32_t>(0)->store(1);
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    const int mine = 4 * thread.number();
    const int next = 4 * ((thread.number() + 1) % kThreads);
    thread.Call("run", {Val::I32(mine), Val::I32(next), Val::I32(kRounds)});
  });
  EXPECT_EQ(guest.memory().At<uint32_t>(0)->load(), uint32_t{kRounds} + 1);
  EXPECT_EQ(guest.memory().At<uint32_t>(4 * (kThreads - 1))->load(), uint32_t{kRounds});
}

// All wait at one word; the last to come wakes the others. Every one of them has to wake.
constexpr char kBarrier[] = R"((module
  (memory (import "env" "memory") 1 2 shared)
  (func (export "run") (param $threads i32) (param $rounds i32) (result i32)
    (local $generation i32) (local $woken i32)
    (loop $again
      (local.set $generation (i32.atomic.load offset=64 (i32.const 0)))
      (if (i32.eq (i32.atomic.rmw.add (i32.const 0) (i32.const 1))
                  (i32.sub (local.get $threads) (i32.const 1)))
        (then
          (i32.atomic.store (i32.const 0) (i32.const 0))
          (drop (i32.atomic.rmw.add offset=64 (i32.const 0) (i32.const 1)))
          (local.set $woken (i32.add (local.get $woken)
            (memory.atomic.notify offset=64 (i32.const 0) (i32.const -1)))))
        (else
          (loop $wait
            (drop (memory.atomic.wait32 offset=64
              (i32.const 0) (local.get $generation) (i64.const -1)))
            (br_if $wait (i32.eq (i32.atomic.load offset=64 (i32.const 0))
                                 (local.get $generation))))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $woken))))";

TEST_P(StressTest, OneBarrier) {
  constexpr int kRounds = 60;
  ThreadedGuest guest(GetParam(), kBarrier, 1, kThreads);
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    thread.Call("run", {Val::I32(kThreads), Val::I32(kRounds)});
  });
  EXPECT_EQ(guest.memory().At<uint32_t>(64)->load(), uint32_t{kRounds});
}

// Whoever knows of a size, from memory.size or from another thread, may use so many bytes, and sees
// no smaller one.
constexpr char kGrowth[] = R"((module
  (memory (import "env" "memory") 64 128 shared)
  (func (export "grow") (result i32)
    (local $bytes i32)
    (block $full
      (loop $again
        (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (local.set $bytes (i32.mul (memory.size) (i32.const 65536)))
        (i32.store (i32.sub (local.get $bytes) (i32.const 4)) (i32.const 7))
        (i32.atomic.store (i32.const 0) (local.get $bytes))
        (br $again)))
    (memory.size))
  (func (export "watch") (result i32)
    (local $bytes i32)
    (loop $again
      (local.set $bytes (i32.atomic.load (i32.const 0)))
      (if (i32.lt_u (i32.mul (memory.size) (i32.const 65536)) (local.get $bytes))
        (then (return (i32.const -1))))
      (if (local.get $bytes)
        (then (i32.store (i32.sub (local.get $bytes) (i32.const 8)) (i32.const 9))))
      (br_if $again (i32.lt_u (memory.size) (i32.const 128))))
    (memory.size))))";

TEST_P(StressTest, Growth) {
  ThreadedGuest guest(GetParam(), kGrowth, 64, 8);
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    EXPECT_EQ(thread.Call(thread.number() % 2 == 0 ? "grow" : "watch", {}), 128);
  });
  EXPECT_EQ(guest.memory().size(), 128u);
}

// Bulk operations race with each other; what is there in the end is bytes that someone wrote.
constexpr char kBulk[] = R"((module
  (memory (import "env" "memory") 1 2 shared)
  (data $d "\11\11\11\11\11\11\11\11\11\11\11\11\11\11\11\11")
  (func (export "run") (param $at i32) (param $rounds i32)
    (loop $again
      (memory.fill (local.get $at) (i32.const 0x11) (i32.const 4000))
      (memory.copy (i32.const 1003) (local.get $at) (i32.const 4000))
      (memory.init $d (i32.const 5001) (i32.const 0) (i32.const 16))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))))";

TEST_P(StressTest, BulkOperations) {
  ThreadedGuest guest(GetParam(), kBulk, 1, 8);
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    thread.Call("run", {Val::I32(5 + 101 * thread.number()), Val::I32(200)});
  });
  std::vector<uint8_t> bytes(65536);
  ASSERT_TRUE(guest.memory().Read(0, absl::MakeSpan(bytes)).ok());
  for (size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_EQ(bytes[i], i >= 5 && i < 5017 ? 0x11 : 0) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, StressTest, ::testing::Values(OptLevel::kNone, OptLevel::kSpeed),
                         [](const auto& info) {
                           return info.param == OptLevel::kSpeed ? "Optimized" : "Plain";
                         });

}  // namespace
}  // namespace gantry::testing
