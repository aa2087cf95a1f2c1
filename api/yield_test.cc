// Guests that yield on fuel and at deadlines of epochs: where an asynchronous call is suspended and
// how often, what it has done then, what it gives when it goes on, is dropped, or a callback fails.
// Each test runs under all settings that change the code.
#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/async.h"
#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

using Results = absl::StatusOr<std::vector<Val>>;

constexpr char kGuest[] = R"((module
  (import "host" "tick" (func $tick))
  (import "host" "nest" (func $nest (param i32) (result i64)))
  (memory (export "memory") 1 100)
  (global $g (mut i64) (i64.const 5))
  ;; 10 units a round, and 1 behind them.
  (func $count (export "count") (param i32) (result i64) (local i64)
    (loop
      (i32.store (i32.const 0) (local.get 0))
      (local.set 1 (i64.add (local.get 1) (i64.const 3)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  ;; What lives in registers and slots, references among it.
  (func (export "mix") (param i32 externref f64) (result i64 externref f64 i32)
    (local i64 i64 f64 v128)
    (local.set 3 (i64.const 1)) (local.set 4 (i64.const 2)) (local.set 5 (f64.const 0.5))
    (loop $l
      (local.set 3 (i64.add (local.get 3) (i64.mul (local.get 4) (i64.const 3))))
      (local.set 4 (i64.xor (local.get 4) (local.get 3)))
      (local.set 5 (f64.add (f64.mul (local.get 5) (f64.const 0.75)) (local.get 2)))
      (local.set 6 (i32x4.add (local.get 6) (i32x4.splat (local.get 0))))
      (global.set $g (i64.add (global.get $g) (local.get 3)))
      (call $tick)
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 3) (local.get 1) (local.get 5) (i32x4.extract_lane 2 (local.get 6)))
  (func (export "ticks") (param i32) (result i32) (local i32)
    (loop
      (call $tick)
      (local.set 1 (i32.add (local.get 1) (i32.const 7)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "nested") (param i32) (result i64)
    (i64.add (call $nest (local.get 0)) (call $count (local.get 0))))
  (func (export "recursion") (param i32) (result i32)
    (call $down (local.get 0)))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $tick) (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "divide") (param i32) (result i32)
    (call $tick) (drop (call $count (i32.const 100))) (i32.div_u (i32.const 1) (local.get 0))))
)";

struct Setting {
  OptLevel level;
  bool inlining;
  bool signals;
  EpochInterruption epochs;
  Strategy strategy = Strategy::kOptimizing;
};

Config ConfigFor(const Setting& setting) {
  Config config;
  AddTestCompilerFlags(config);
  config.Compiler(setting.strategy).OptLevel(setting.level).SignalsBasedTraps(setting.signals);
  config.CompilerFlag("inlining", setting.inlining ? "true" : "false");
  return config;
}

class YieldTest : public ::testing::TestWithParam<Setting> {
 protected:
  void Start(const Config& config) {
    engine_ = *Engine::Create(config);
    linker_.emplace(*engine_);
    CHECK_OK(linker_->Func("host", "tick", [this] {
      ++ticks_;
      if (ticks_are_epochs_) engine_->IncrementEpoch();
    }));
    CHECK_OK(linker_->Func("host", "nest", [this](Caller& caller, int32_t x) {
      return instance_->GetTypedFunc<int64_t(int32_t)>(caller.store(), "count")
          ->Call(caller.store(), x);
    }));
    const absl::StatusOr<Module> module = Module::CompileText(*engine_, kGuest);
    CHECK_OK(module.status());
    module_.emplace(*module);
    store_ = std::make_unique<Store>(*engine_);
    instance_.emplace(*linker_->Instantiate(*store_, *module_));
  }
  void StartWithFuel() {
    Start(ConfigFor(GetParam()).ConsumeFuel(true));
    CHECK_OK(store_->SetFuel(kPlenty));
  }
  void StartWithEpochs() {
    Start(ConfigFor(GetParam()).EpochInterruption(GetParam().epochs));
    ticks_are_epochs_ = true;
  }

  AsyncCall<Results> Begin(const char* name, std::vector<Val> arguments) {
    return instance_->GetFunc(*store_, name)->CallAsync(*store_, std::move(arguments));
  }
  std::vector<Val> Call(const char* name, const std::vector<Val>& arguments) {
    return *instance_->GetFunc(*store_, name)->Call(*store_, arguments);
  }
  uint64_t Used() const { return kPlenty - *store_->GetFuel(); }
  // What is in the first word of the memory.
  uint32_t Stored() {
    const Memory memory = *instance_->GetMemory(*store_, "memory");
    const absl::Span<uint8_t> data = *memory.data(*store_);
    return data[0] | data[1] << 8;
  }
  // Runs to the end; how often it yielded.
  static uint64_t CountYields(AsyncCall<Results>& call) {
    uint64_t yields = 0;
    while (call.Resume() == CallState::kReady) ++yields;
    EXPECT_EQ(call.state(), CallState::kDone);
    return yields;
  }

  static constexpr uint64_t kPlenty = uint64_t{1} << 40;

  std::optional<Engine> engine_;
  std::optional<Linker> linker_;
  std::optional<Module> module_;
  std::unique_ptr<Store> store_;
  std::optional<Instance> instance_;
  uint64_t ticks_ = 0;
  bool ticks_are_epochs_ = false;
};

absl::Status YieldNow(Store& store) { return Yield(store); }

TEST_P(YieldTest, EverySoManyUnits) {
  StartWithFuel();
  EXPECT_EQ(Call("count", {Val::I32(1000)})[0].i64(), 3000);
  const uint64_t cost = Used();
  EXPECT_EQ(cost, 12'001u);
  for (const uint64_t interval : {13u, 100u, 1'000u, 11'999u, 12'002u, 1'000'000u}) {
    CHECK_OK(store_->SetFuel(kPlenty));
    CHECK_OK(store_->SetFuelInterval(interval, YieldNow));
    AsyncCall<Results> call = Begin("count", {Val::I32(1000)});
    uint64_t yields = 0;
    uint64_t before = 0;
    while (call.Resume() == CallState::kReady) {
      ++yields;
      // A line of operators is a round at most.
      const uint64_t used = Used();
      EXPECT_GE(used - before, interval);
      EXPECT_LT(used - before, interval + 13);
      // What has been consumed was done, and no more: 12 units a round.
      EXPECT_LE(1000 - Stored(), used / 12);
      EXPECT_GE(1000 - Stored() + 2, used / 12);
      before = used;
    }
    EXPECT_GE(yields, interval > cost ? 0u : cost / (interval + 12));
    EXPECT_LE(yields, cost / interval);
    EXPECT_EQ(call.TakeResult()->at(0).i64(), 3000);
    EXPECT_EQ(Used(), cost);
  }
}

Task<Results> AwaitVia(AsyncCall<Results> call, Executor executor) {
  co_return co_await std::move(call).Via(std::move(executor));
}

// The coroutine is suspended each time, and what goes on is what the executor runs, on any thread.
TEST_P(YieldTest, TheAwaitableSuspends) {
  StartWithFuel();
  CHECK_OK(store_->SetFuelInterval(1'000, YieldNow));
  std::vector<std::function<void()>> turns;
  Task<Results> task = AwaitVia(Begin("count", {Val::I32(500)}), [&](std::function<void()> work) {
    turns.push_back(std::move(work));
  });
  bool done = false;
  task.Start([&] { done = true; });
  uint64_t rounds = 0;
  while (!turns.empty()) {
    EXPECT_FALSE(done);
    ASSERT_EQ(turns.size(), 1u);
    const std::function<void()> work = std::move(turns.back());
    turns.pop_back();
    const uint64_t before = Used();
    if (rounds % 2 == 0) {
      std::thread(work).join();
    } else {
      work();
    }
    ++rounds;
    if (!done) {
      EXPECT_GE(Used() - before, 1'000u);
    }
  }
  EXPECT_TRUE(done);
  EXPECT_GE(rounds, 5u);
  EXPECT_LE(rounds, 6u);
  EXPECT_EQ(task.TakeResult()->at(0).i64(), 1500);
}

TEST_P(YieldTest, GuestsGoOnWhereTheyWere) {
  StartWithFuel();
  const ExternRef reference = *ExternRef::Create(*store_, std::string("alive"));
  const std::vector<Val> arguments = {Val::I32(300), Val::ExternRef(reference), Val::F64(1.25)};
  const std::vector<Val> expected = Call("mix", arguments);
  const uint64_t cost = Used();
  uint64_t interrupts = 0;
  CHECK_OK(store_->SetFuelInterval(50, [&](Store& store) -> absl::Status {
    // Many references that nobody holds, and memories that move.
    for (int i = 0; i < 20; ++i) CHECK_OK(ExternRef::Create(store, i).status());
    if (++interrupts % 20 == 0) {
      CHECK_OK(instance_->GetMemory(store, "memory")->Grow(store, 1).status());
    }
    return Yield(store);
  }));
  CHECK_OK(store_->SetFuel(kPlenty));
  AsyncCall<Results> call = Begin("mix", arguments);
  const uint64_t yields = CountYields(call);
  EXPECT_GT(yields, 100u);
  EXPECT_EQ(yields, interrupts);
  const std::vector<Val> results = *call.TakeResult();
  EXPECT_EQ(results[0].i64(), expected[0].i64());
  EXPECT_EQ(std::any_cast<std::string>(**results[1].extern_ref()->Get(*store_)), "alive");
  EXPECT_EQ(results[2].f64(), expected[2].f64());
  EXPECT_EQ(results[3].i32(), expected[3].i32());
  EXPECT_EQ(Used(), cost);
}

TEST_P(YieldTest, AtDeadlinesWhichAreMovedByTheirDelta) {
  StartWithEpochs();
  for (const uint64_t delta : {1u, 2u, 3u, 7u}) {
    uint64_t interrupts = 0;
    store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
      ++interrupts;
      const absl::Status status = Yield(store);
      if (!status.ok()) return status;
      return delta;
    });
    CHECK_OK(store_->SetEpochDeadline(delta));
    ticks_ = 0;
    AsyncCall<Results> call = Begin("ticks", {Val::I32(30)});
    uint64_t yields = 0;
    while (call.Resume() == CallState::kReady) {
      ++yields;
      // In the loop's head behind the tick that was the deadline.
      EXPECT_EQ(ticks_, yields * delta);
    }
    EXPECT_EQ(yields, 29 / delta);
    EXPECT_EQ(interrupts, yields);
    EXPECT_EQ(call.TakeResult()->at(0).i32(), 210);
  }
  // Epochs that pass while the guest is suspended count from when it goes on.
  store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    const absl::Status status = Yield(store);
    if (!status.ok()) return status;
    return 10;
  });
  CHECK_OK(store_->SetEpochDeadline(5));
  ticks_ = 0;
  AsyncCall<Results> call = Begin("ticks", {Val::I32(30)});
  for (const uint64_t expected : {5u, 15u, 25u}) {
    EXPECT_EQ(call.Resume(), CallState::kReady);
    EXPECT_EQ(ticks_, expected);
    for (int i = 0; i < 50; ++i) engine_->IncrementEpoch();
  }
  EXPECT_EQ(call.Resume(), CallState::kDone);
}

TEST_P(YieldTest, AtDeadlinesInPrologues) {
  StartWithEpochs();
  store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    const absl::Status status = Yield(store);
    if (!status.ok()) return status;
    return 1;
  });
  CHECK_OK(store_->SetEpochDeadline(1));
  AsyncCall<Results> call = Begin("recursion", {Val::I32(40)});
  const uint64_t yields = CountYields(call);
  // A function that was inlined has no prologue.
  EXPECT_GE(yields, GetParam().inlining ? 5u : 20u);
  EXPECT_LE(yields, 41u);
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 40);
}

TEST_P(YieldTest, BothGuestsOfANestedCallAreSuspended) {
  StartWithFuel();
  const int64_t expected = Call("nested", {Val::I32(200)})[0].i64();
  const uint64_t cost = Used();
  CHECK_OK(store_->SetFuel(kPlenty));
  CHECK_OK(store_->SetFuelInterval(500, YieldNow));
  AsyncCall<Results> call = Begin("nested", {Val::I32(200)});
  EXPECT_GE(CountYields(call), 8u);
  EXPECT_EQ(call.TakeResult()->at(0).i64(), expected);
  EXPECT_EQ(Used(), cost);
  // Dropped with the host's frame between them.
  AsyncCall<Results> dropped = Begin("nested", {Val::I32(200)});
  EXPECT_EQ(dropped.Resume(), CallState::kReady);
  dropped.Cancel();
  EXPECT_EQ(dropped.TakeResult().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(YieldTest, WhatIsSuspendedCanBeDropped) {
  StartWithFuel();
  CHECK_OK(store_->SetFuelInterval(120, YieldNow));
  {
    AsyncCall<Results> call = Begin("count", {Val::I32(1000)});
    EXPECT_EQ(call.Resume(), CallState::kReady);
    EXPECT_EQ(call.Resume(), CallState::kReady);
    // Nothing else of the store runs meanwhile.
    EXPECT_EQ(instance_->GetFunc(*store_, "count")->Call(*store_, {Val::I32(1)}).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
  // What it had done stays, and was paid for.
  EXPECT_GE(Used(), 240u);
  EXPECT_LT(Used(), 270u);
  EXPECT_LT(Stored(), 990u);
  EXPECT_GT(Stored(), 970u);
  AsyncCall<Results> cancelled = Begin("count", {Val::I32(1000)});
  EXPECT_EQ(cancelled.Resume(), CallState::kReady);
  cancelled.Cancel();
  const absl::Status status = cancelled.TakeResult().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(GetTrap(status)->backtrace.size(), 1u);
  CHECK_OK(store_->SetFuelInterval(0, nullptr));
  EXPECT_EQ(Call("count", {Val::I32(10)})[0].i64(), 30);
  // The store goes first.
  CHECK_OK(store_->SetFuelInterval(120, YieldNow));
  AsyncCall<Results> orphan = Begin("count", {Val::I32(1000)});
  EXPECT_EQ(orphan.Resume(), CallState::kReady);
  store_.reset();
  EXPECT_EQ(orphan.state(), CallState::kDone);
  EXPECT_EQ(orphan.TakeResult().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(YieldTest, WhatIsSuspendedAtADeadlineCanBeDropped) {
  StartWithEpochs();
  store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    const absl::Status status = Yield(store);
    if (!status.ok()) return status;
    return 2;
  });
  for (const char* name : {"ticks", "recursion", "mix"}) {
    CHECK_OK(store_->SetEpochDeadline(2));
    std::vector<Val> arguments = {Val::I32(30)};
    if (std::string(name) == "mix") {
      arguments.push_back(Val::ExternRef(*ExternRef::Create(*store_, 1)));
      arguments.push_back(Val::F64(1));
    }
    AsyncCall<Results> call = Begin(name, arguments);
    EXPECT_EQ(call.Resume(), CallState::kReady) << name;
    EXPECT_EQ(call.Resume(), CallState::kReady) << name;
  }
  CHECK_OK(store_->SetEpochDeadline(1'000'000));
  EXPECT_EQ(Call("ticks", {Val::I32(30)})[0].i32(), 210);
}

TEST_P(YieldTest, CallbacksThatFailStopTheGuest) {
  StartWithFuel();
  int interrupts = 0;
  CHECK_OK(store_->SetFuelInterval(100, [&](Store& store) -> absl::Status {
    if (++interrupts == 3) return absl::DataLossError("enough");
    return Yield(store);
  }));
  AsyncCall<Results> call = Begin("count", {Val::I32(1000)});
  EXPECT_EQ(CountYields(call), 2u);
  EXPECT_EQ(call.TakeResult().status().code(), absl::StatusCode::kDataLoss);
  // After it has yielded, too.
  interrupts = 0;
  CHECK_OK(store_->SetFuelInterval(100, [&](Store& store) -> absl::Status {
    const absl::Status status = Yield(store);
    if (!status.ok()) return status;
    return absl::DataLossError("enough");
  }));
  AsyncCall<Results> second = Begin("count", {Val::I32(1000)});
  EXPECT_EQ(CountYields(second), 1u);
  EXPECT_EQ(second.TakeResult().status().code(), absl::StatusCode::kDataLoss);
  // A trap of its own comes out as if nothing had been in between.
  CHECK_OK(store_->SetFuelInterval(100, YieldNow));
  AsyncCall<Results> traps = Begin("divide", {Val::I32(0)});
  EXPECT_GE(CountYields(traps), 9u);
  const absl::Status status = traps.TakeResult().status();
  EXPECT_EQ(GetTrap(status)->code, "int_divz");
  // And so does the end of the fuel.
  CHECK_OK(store_->SetFuel(1'050));
  AsyncCall<Results> starved = Begin("count", {Val::I32(1000)});
  EXPECT_GE(CountYields(starved), 9u);
  EXPECT_EQ(GetTrap(starved.TakeResult().status())->code, "out_of_fuel");
  EXPECT_EQ(*store_->GetFuel(), 0u);
}

TEST_P(YieldTest, DeadlinesThatFailStopTheGuest) {
  StartWithEpochs();
  int interrupts = 0;
  store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    const absl::Status status = Yield(store);
    if (!status.ok()) return status;
    ++interrupts;
    if (interrupts == 3) return 0;
    if (interrupts == 5) return absl::DataLossError("enough");
    return 1;
  });
  CHECK_OK(store_->SetEpochDeadline(1));
  AsyncCall<Results> call = Begin("ticks", {Val::I32(1000)});
  EXPECT_EQ(CountYields(call), 3u);
  EXPECT_EQ(GetTrap(call.TakeResult().status())->code, "interrupt");
  CHECK_OK(store_->SetEpochDeadline(1));
  AsyncCall<Results> second = Begin("ticks", {Val::I32(1000)});
  EXPECT_EQ(CountYields(second), 2u);
  EXPECT_EQ(second.TakeResult().status().code(), absl::StatusCode::kDataLoss);
}

// Calls that are not asynchronous go on at once.
TEST_P(YieldTest, NothingHappensOnAThreadsOwnStack) {
  StartWithFuel();
  uint64_t interrupts = 0;
  CHECK_OK(store_->SetFuelInterval(100, [&](Store& store) -> absl::Status {
    ++interrupts;
    return Yield(store);
  }));
  EXPECT_EQ(Call("count", {Val::I32(100)})[0].i64(), 300);
  EXPECT_GE(interrupts, 10u);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, YieldTest,
    ::testing::Values(
        Setting{OptLevel::kNone, false, true, EpochInterruption::kCounter},
        Setting{OptLevel::kSpeed, true, true, EpochInterruption::kPage},
        Setting{OptLevel::kSpeed, false, true, EpochInterruption::kCounter},
        Setting{OptLevel::kSpeed, true, false, EpochInterruption::kCounter},
        Setting{OptLevel::kSpeed, false, true, EpochInterruption::kPage, Strategy::kWinch},
        Setting{OptLevel::kSpeed, false, false, EpochInterruption::kCounter, Strategy::kWinch}));

}  // namespace
}  // namespace gantry
