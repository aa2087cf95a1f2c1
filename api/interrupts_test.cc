// Fuel and epochs through the embedding API: what is consumed when, what callbacks may do, who may
// interrupt a guest and where. Each test runs under all settings that change the code.
#include <any>
#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/sanitizers.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

struct Setting {
  OptLevel level;
  bool inlining;
  bool signals;
  Strategy strategy = Strategy::kOptimizing;
};

Config ConfigFor(const Setting& setting) {
  Config config;
  AddTestCompilerFlags(config);
  config.OptLevel(setting.level).SignalsBasedTraps(setting.signals);
  config.Compiler(setting.strategy).MixedSeed(1);
  config.CompilerFlag("inlining", setting.inlining ? "true" : "false");
  return config;
}

// An engine with one instance.
class Guest {
 public:
  Guest(const Config& config, const std::string& text)
      : engine_(*Engine::Create(config)), linker_(engine_), store_(engine_) {
    // What the host sees of the fuel.
    CHECK_OK(linker_.Func("host", "look", [this](Caller&) { seen.push_back(*store_.GetFuel()); }));
    CHECK_OK(linker_.Func("host", "begin", [this] { begun.store(true); }));
    const absl::StatusOr<Module> module = Module::Compile(engine_, Assemble(text));
    CHECK(module.ok()) << module.status();
    const absl::StatusOr<Instance> instance = linker_.Instantiate(store_, *module);
    CHECK(instance.ok()) << instance.status();
    instance_.emplace(*instance);
  }

  absl::StatusOr<std::vector<Val>> Call(const char* name, std::vector<Val> arguments = {}) {
    return instance_->GetFunc(store_, name)->Call(store_, arguments);
  }
  // "code" of a trap, "" where the call returns.
  std::string TrapOf(const char* name, std::vector<Val> arguments = {}) {
    const absl::Status status = Call(name, std::move(arguments)).status();
    const std::optional<Trap> trap = GetTrap(status);
    CHECK(status.ok() || trap.has_value()) << status;
    return trap.has_value() ? trap->code : "";
  }
  // What a call consumes that starts with plenty, and its trap.
  struct Cost {
    uint64_t fuel;
    std::string trap;
    friend bool operator==(const Cost&, const Cost&) = default;
  };
  Cost CostOf(const char* name, std::vector<Val> arguments = {}) {
    constexpr uint64_t kPlenty = 1'000'000'000'000;
    CHECK_OK(store_.SetFuel(kPlenty));
    seen.clear();
    std::string trap = TrapOf(name, std::move(arguments));
    for (uint64_t& fuel : seen) fuel = kPlenty - fuel;
    return {kPlenty - *store_.GetFuel(), std::move(trap)};
  }

  Engine& engine() { return engine_; }
  Store& store() { return store_; }
  Instance& instance() { return *instance_; }
  // Fuel at each call of "look": left, or after CostOf consumed.
  std::vector<uint64_t> seen;
  // Whether "begin" has been called.
  std::atomic<bool> begun{false};

 private:
  Engine engine_;
  Linker linker_;
  Store store_;
  std::optional<Instance> instance_;
};

void PrintTo(const Guest::Cost& cost, std::ostream* out) { *out << cost.fuel << " " << cost.trap; }

class FuelTest : public ::testing::TestWithParam<Setting> {
 protected:
  static Config FuelConfig() { return ConfigFor(GetParam()).ConsumeFuel(true); }
};

constexpr const char* kCounted = R"((module
  (import "host" "look" (func $look))
  (memory (export "memory") 1 4)
  (func (export "calls") (local i32)
    (local.set 0 (i32.const 3))            ;; 2
    (call $look)                           ;; 3
    (block
      (br_if 0 (i32.eqz (local.get 0)))    ;; 6
      (call $look)                         ;; 7
      (drop (i32.add (i32.const 1) (i32.const 2)))  ;; 10, for a drop costs nothing
      (call $look))                        ;; 11
    (call $look))                          ;; 12
  (func $leaf (param i32) (result i32)
    (i32.add (local.get 0) (i32.load (local.get 0))))         ;; 4
  (func (export "load") (param i32) (result i32)
    (i32.add (i32.const 1)                                    ;; 1, and 10 behind the call
      (i32.mul (i32.const 5) (call $leaf (local.get 0)))))    ;; 2, 3, 4, and 9
  (func (export "divide") (param i32 i32) (result i32)
    (i32.add (i32.div_u (local.get 0) (local.get 1))          ;; 3, and 8
      (i32.add (i32.const 1) (i32.const 2))))                 ;; 7 with both constants
  (func (export "unreachable") (param i32)
    (if (local.get 0) (then (unreachable)))                   ;; 2, and 3
    (drop (i32.const 1)))                                     ;; 3
  (func (export "loop") (param i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))  ;; 5 a round
  (func (export "fill") (param i32 i32)
    (memory.fill (local.get 0) (i32.const 7) (local.get 1)))  ;; 4
  (func (export "select") (param i32) (result i32)
    (if (result i32) (local.get 0)                            ;; 2
      (then (i32.add (i32.const 1) (i32.const 2)))            ;; 5
      (else (i32.const 3))))                                  ;; 3
))";

// Counted by hand, operator by operator.
TEST_P(FuelTest, IsExactAtCallsTrapsAndReturns) {
  Guest guest(FuelConfig(), kCounted);
  using Cost = Guest::Cost;
  EXPECT_EQ(guest.CostOf("calls"), (Cost{12, ""}));
  EXPECT_THAT(guest.seen, ElementsAre(3, 7, 11, 12));
  EXPECT_EQ(guest.CostOf("load", {Val::I32(16)}), (Cost{10, ""}));
  EXPECT_EQ(guest.CostOf("load", {Val::I32(-1)}), (Cost{7, "heap_oob"}));
  EXPECT_EQ(guest.CostOf("divide", {Val::I32(6), Val::I32(3)}), (Cost{7, ""}));
  EXPECT_EQ(guest.CostOf("divide", {Val::I32(6), Val::I32(0)}), (Cost{3, "int_divz"}));
  EXPECT_EQ(guest.CostOf("unreachable", {Val::I32(1)}), (Cost{3, "unreachable"}));
  EXPECT_EQ(guest.CostOf("unreachable", {Val::I32(0)}), (Cost{3, ""}));
  EXPECT_EQ(guest.CostOf("loop", {Val::I32(1000)}), (Cost{5000, ""}));
  EXPECT_EQ(guest.CostOf("select", {Val::I32(1)}), (Cost{5, ""}));
  EXPECT_EQ(guest.CostOf("select", {Val::I32(0)}), (Cost{3, ""}));
}

TEST_P(FuelTest, OperatorsCostWhatTheConfigSays) {
  Guest guest(FuelConfig().OperatorCost("call", 100).OperatorCost("i32.add", 7).FuelBulkBytes(16),
              kCounted);
  EXPECT_EQ(guest.CostOf("calls").fuel, 12u + 4 * 99 + 6);
  EXPECT_EQ(guest.CostOf("fill", {Val::I32(0), Val::I32(100)}).fuel, 4u + 100 / 16);
  Guest nops(FuelConfig().OperatorCost("nop", 5), R"((module (func (export "nops") (nop) (nop))))");
  EXPECT_EQ(nops.CostOf("nops").fuel, 10u);
  EXPECT_EQ(guest.CostOf("fill", {Val::I32(0), Val::I32(100'000)}), (Guest::Cost{4, "heap_oob"}));
}

// Without enough of it a bulk operator writes nothing.
TEST_P(FuelTest, BulkOperatorsAskBeforeTheyWrite) {
  Guest guest(FuelConfig().FuelBulkBytes(1), kCounted);
  CHECK_OK(guest.store().SetFuel(500));
  EXPECT_EQ(guest.TrapOf("fill", {Val::I32(0), Val::I32(1000)}), "out_of_fuel");
  const Memory memory = *guest.instance().GetMemory(guest.store(), "memory");
  for (const uint8_t byte : memory.data(guest.store())->subspan(0, 1000)) EXPECT_EQ(byte, 0);
  CHECK_OK(guest.store().SetFuel(1100));
  EXPECT_EQ(guest.TrapOf("fill", {Val::I32(0), Val::I32(1000)}), "");
  EXPECT_EQ(*guest.store().GetFuel(), 1100u - 4 - 1000);
}

TEST_P(FuelTest, CallbacksRefillAndStop) {
  Guest guest(FuelConfig(), kCounted);
  uint64_t gifts = 3;
  uint64_t calls = 0;
  guest.store().SetOutOfFuelCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    ++calls;
    EXPECT_EQ(*store.GetFuel(), 0u);
    return gifts-- > 0 ? 1000 : 0;
  });
  CHECK_OK(guest.store().SetFuel(1000));
  // 3000 units, of which 1000 are there.
  EXPECT_EQ(guest.TrapOf("loop", {Val::I32(600)}), "");
  EXPECT_EQ(calls, 2u);
  EXPECT_EQ(guest.TrapOf("loop", {Val::I32(6000)}), "out_of_fuel");
  EXPECT_EQ(calls, 4u);
  guest.store().SetOutOfFuelCallback(
      [](Store&) -> absl::StatusOr<uint64_t> { return absl::DataLossError("no more"); });
  EXPECT_EQ(guest.Call("loop", {Val::I32(6000)}).status().code(), absl::StatusCode::kDataLoss);
  // It may call the guest, whose fuel is the same.
  guest.store().SetOutOfFuelCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    CHECK_OK(store.SetFuel(100));
    EXPECT_EQ(guest.TrapOf("loop", {Val::I32(10)}), "");
    EXPECT_EQ(*store.GetFuel(), 50u);
    return 1'000'000;
  });
  EXPECT_EQ(guest.TrapOf("loop", {Val::I32(600)}), "");
}

TEST_P(FuelTest, IntervalsAreSeenAndChangeNothing) {
  Guest guest(FuelConfig(), kCounted);
  const Guest::Cost whole = guest.CostOf("loop", {Val::I32(10'000)});
  std::vector<uint64_t> left;
  CHECK_OK(guest.store().SetFuelInterval(5'000, [&](Store& store) {
    left.push_back(*store.GetFuel());
    return absl::OkStatus();
  }));
  EXPECT_EQ(guest.CostOf("loop", {Val::I32(10'000)}), whole);
  ASSERT_EQ(left.size(), 9u);
  for (size_t i = 1; i < left.size(); ++i) EXPECT_LE(left[i - 1] - left[i], 5'010u);
  CHECK_OK(
      guest.store().SetFuelInterval(1'000, [](Store&) { return absl::DataLossError("enough"); }));
  CHECK_OK(guest.store().SetFuel(1'000'000));
  EXPECT_EQ(guest.Call("loop", {Val::I32(10'000)}).status().code(), absl::StatusCode::kDataLoss);
  CHECK_OK(guest.store().SetFuelInterval(0, nullptr));
  EXPECT_EQ(guest.CostOf("loop", {Val::I32(10'000)}), whole);
}

// What lives in registers and slots over an interrupt, references among it, is there afterwards.
TEST_P(FuelTest, GuestsGoOnWhereTheyWere) {
  Guest guest(FuelConfig(), R"((module
    (memory (export "memory") 1 100)
    (global $g (mut i64) (i64.const 5))
    (func (export "mix") (param i32 externref f64) (result i64 externref f64 i32)
      (local i64 i64 f64 v128 i32)
      (local.set 3 (i64.const 1)) (local.set 4 (i64.const 2)) (local.set 5 (f64.const 0.5))
      (loop $l
        (local.set 3 (i64.add (local.get 3) (i64.mul (local.get 4) (i64.const 3))))
        (local.set 4 (i64.xor (local.get 4) (local.get 3)))
        (local.set 5 (f64.add (f64.mul (local.get 5) (f64.const 0.75)) (local.get 2)))
        (local.set 6 (i32x4.add (local.get 6) (i32x4.splat (local.get 0))))
        (global.set $g (i64.add (global.get $g) (local.get 3)))
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (i64.add (local.get 3) (global.get $g)) (local.get 1) (local.get 5)
      (i32.add (i32x4.extract_lane 2 (local.get 6)) (i32.load (i32.const 8))))))");
  const ExternRef reference = *ExternRef::Create(guest.store(), std::string("alive"));
  const auto run = [&] {
    const Memory memory = *guest.instance().GetMemory(guest.store(), "memory");
    (*memory.data(guest.store()))[8] = 0;
    (*memory.data(guest.store()))[9] = 0;
    std::vector<Val> results =
        *guest.Call("mix", {Val::I32(700), Val::ExternRef(reference), Val::F64(1.25)});
    EXPECT_EQ(std::any_cast<std::string>(**results[1].extern_ref()->Get(guest.store())), "alive");
    return std::pair(results[2].f64(), results[3].i32());
  };
  CHECK_OK(guest.store().SetFuel(1'000'000));
  const auto expected = run();
  size_t interrupts = 0;
  CHECK_OK(guest.store().SetFuelInterval(100, [&](Store& store) {
    ++interrupts;
    // Many references that nobody holds.
    for (int i = 0; i < 100; ++i) CHECK_OK(ExternRef::Create(store, i).status());
    if (interrupts % 100 == 0) {
      CHECK_OK(guest.instance().GetMemory(store, "memory")->Grow(store, 1).status());
    }
    return absl::OkStatus();
  }));
  CHECK_OK(guest.store().SetFuel(1'000'000));
  EXPECT_EQ(run(), expected);
  EXPECT_GT(interrupts, 200u);
}

TEST(FuelConfigTest, ConflictsAreNamed) {
  const auto message = [](const Config& config) {
    return std::string(Engine::Create(config).status().message());
  };
  EXPECT_THAT(message(Config().OperatorCost("call", 3)), HasSubstr("ConsumeFuel"));
  EXPECT_THAT(message(Config().ConsumeFuel(true).OperatorCost("cal", 3)), HasSubstr("\"cal\""));
  EXPECT_THAT(message(Config().ConsumeFuel(true).OperatorCost("call", 70000)), HasSubstr("65535"));
  EXPECT_THAT(
      message(Config().EpochInterruption(EpochInterruption::kPage).SignalsBasedTraps(false)),
      HasSubstr("SignalsBasedTraps"));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, FuelTest,
    ::testing::Values(Setting{OptLevel::kNone, false, true}, Setting{OptLevel::kSpeed, false, true},
                      Setting{OptLevel::kSpeed, true, true}, Setting{OptLevel::kSpeed, true, false},
                      Setting{OptLevel::kSpeed, true, true, Strategy::kWinch},
                      Setting{OptLevel::kSpeed, true, false, Strategy::kWinch},
                      Setting{OptLevel::kSpeed, true, true, Strategy::kMixed}));

// ---- Epochs

struct EpochSetting {
  Setting setting;
  EpochInterruption how;
};

class EpochTest : public ::testing::TestWithParam<EpochSetting> {
 protected:
  static Config EpochConfig() {
    return ConfigFor(GetParam().setting).EpochInterruption(GetParam().how);
  }
};

// In each way that code can run for ever.
constexpr const char* kEndless = R"((module
  (memory (export "memory") 1)
  (func (export "leaf") (loop (br 0)))
  (func (export "empty_nest") (loop (loop (br 1))))
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "calling") (local i32)
    (loop (local.set 0 (call $add (local.get 0) (i32.const 1))) (br 0)))
  (func $tail (export "tail") (param i32) (return_call $tail (i32.add (local.get 0) (i32.const 1))))
  (func $wide (param i32)
    (if (local.get 0) (then
      (call $wide (i32.sub (local.get 0) (i32.const 1)))
      (call $wide (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "recursion") (call $wide (i32.const 200)))
  (func (export "storing") (loop
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (br 0)))
  (func (export "count") (param i64) (result i64) (local i64)
    (loop
      (local.set 1 (i64.add (local.get 1) (i64.const 3)))
      (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
    (local.get 1))
))";
constexpr const char* kEndlessNames[] = {"leaf", "empty_nest", "calling",
                                         "tail", "recursion",  "storing"};

std::vector<Val> ArgumentsOf(absl::string_view name) {
  return name == "tail" ? std::vector<Val>{Val::I32(0)} : std::vector<Val>();
}

TEST_P(EpochTest, ADeadlineThatHasComeStopsAtOnce) {
  Guest guest(EpochConfig(), kEndless);
  for (const char* name : kEndlessNames) {
    CHECK_OK(guest.store().SetEpochDeadline(0));
    EXPECT_EQ(guest.TrapOf(name, ArgumentsOf(name)), "interrupt") << name;
  }
  CHECK_OK(guest.store().SetEpochDeadline(1));
  EXPECT_EQ((*guest.Call("count", {Val::I64(1000)}))[0].i64(), 3000);
}

TEST_P(EpochTest, AnotherThreadInterrupts) {
  Guest guest(EpochConfig(), kEndless);
  for (const char* name : kEndlessNames) {
    CHECK_OK(guest.store().SetEpochDeadline(2));
    std::atomic<bool> done{false};
    std::thread ticker([&, engine = guest.engine()] {
      while (!done.load()) {
        engine.IncrementEpoch();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
    EXPECT_EQ(guest.TrapOf(name, ArgumentsOf(name)), "interrupt") << name;
    done.store(true);
    ticker.join();
  }
}

std::atomic<const Engine*> signalled_engine{nullptr};

TEST_P(EpochTest, ASignalHandlerInterrupts) {
  if (runtime::kThreadSanitizer) {
    GTEST_SKIP() << "ThreadSanitizer keeps signals back while no function that it knows is called";
  }
  Guest guest(EpochConfig(), kEndless);
  struct sigaction action = {}, previous;
  action.sa_handler = [](int) {
    if (const Engine* engine = signalled_engine.load()) engine->IncrementEpoch();
  };
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ASSERT_EQ(sigaction(SIGALRM, &action, &previous), 0);
  signalled_engine.store(&guest.engine());
  const itimerspec every = {{0, 1'000'000}, {0, 1'000'000}};
  timer_t timer;
  ASSERT_EQ(timer_create(CLOCK_MONOTONIC, nullptr, &timer), 0);
  ASSERT_EQ(timer_settime(timer, 0, &every, nullptr), 0);
  for (const char* name : kEndlessNames) {
    CHECK_OK(guest.store().SetEpochDeadline(3));
    EXPECT_EQ(guest.TrapOf(name, ArgumentsOf(name)), "interrupt") << name;
  }
  timer_delete(timer);
  signalled_engine.store(nullptr);
  sigaction(SIGALRM, &previous, nullptr);
}

TEST_P(EpochTest, CallbacksGiveMoreTime) {
  Guest guest(EpochConfig(), kEndless);
  uint64_t calls = 0;
  guest.store().SetEpochCallback(
      [&](Store&) -> absl::StatusOr<uint64_t> { return ++calls == 5 ? 0 : 1; });
  std::atomic<bool> done{false};
  std::thread ticker([&, engine = guest.engine()] {
    while (!done.load()) {
      engine.IncrementEpoch();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  for (const char* name : kEndlessNames) {
    calls = 0;
    CHECK_OK(guest.store().SetEpochDeadline(0));
    EXPECT_EQ(guest.TrapOf(name, ArgumentsOf(name)), "interrupt") << name;
    EXPECT_EQ(calls, 5u) << name;
  }
  done.store(true);
  ticker.join();
  guest.store().SetEpochCallback(
      [](Store&) -> absl::StatusOr<uint64_t> { return absl::DataLossError("no more"); });
  CHECK_OK(guest.store().SetEpochDeadline(0));
  EXPECT_EQ(guest.Call("leaf").status().code(), absl::StatusCode::kDataLoss);
  // With time enough the guest goes on as if nothing had happened.
  calls = 0;
  guest.store().SetEpochCallback([&](Store&) -> absl::StatusOr<uint64_t> {
    ++calls;
    return 1'000'000;
  });
  CHECK_OK(guest.store().SetEpochDeadline(0));
  EXPECT_EQ((*guest.Call("count", {Val::I64(10'000)}))[0].i64(), 30'000);
  EXPECT_EQ(calls, 1u);
}

// A function that makes no frame of its own is on the stack all the same.
TEST_P(EpochTest, BacktracesNameTheInterruptedFunction) {
  Guest guest(EpochConfig(), R"((module
    (import "host" "begin" (func $begin))
    (func $leaf (call $begin) (loop (br 0)))
    (func $caller (export "run") (call $leaf) (call $leaf))))");
  CHECK_OK(guest.store().SetEpochDeadline(1));
  std::thread ticker([&guest, engine = guest.engine()] {
    while (!guest.begun.load()) std::this_thread::yield();
    engine.IncrementEpoch();
  });
  const std::optional<Trap> trap = GetTrap(guest.Call("run").status());
  ticker.join();
  ASSERT_TRUE(trap.has_value());
  std::vector<std::string> names;
  for (const Frame& frame : trap->backtrace) names.push_back(frame.func_name);
  EXPECT_THAT(names, ElementsAre("leaf", "caller"));
}

TEST_P(EpochTest, AnExhaustedStackIsNoInterrupt) {
  Guest guest(EpochConfig(), R"((module
    (func $down (export "down") (param i32) (result i32)
      (i32.add (i32.const 1) (call $down (local.get 0))))))");
  EXPECT_EQ(guest.TrapOf("down", {Val::I32(1)}), "stk_ovf");
  // Nor is an interrupt an exhausted stack.
  size_t calls = 0;
  guest.store().SetEpochCallback([&](Store&) -> absl::StatusOr<uint64_t> {
    ++calls;
    return 1'000;
  });
  CHECK_OK(guest.store().SetEpochDeadline(0));
  EXPECT_EQ(guest.TrapOf("down", {Val::I32(1)}), "stk_ovf");
  EXPECT_EQ(calls, 1u);
}

// Stores of one engine have deadlines of their own, on threads of their own, and come and go.
TEST_P(EpochTest, ManyStoresAtOnce) {
  const Engine engine = *Engine::Create(EpochConfig());
  const Module module = *Module::Compile(engine, Assemble(kEndless));
  std::atomic<bool> done{false};
  std::thread ticker([&] {
    while (!done.load()) {
      engine.IncrementEpoch();
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 20; ++i) {
        Store store(engine);
        const Instance instance = *Instance::Create(store, module, {});
        CHECK_OK(store.SetEpochDeadline(1 + (i + t) % 5));
        const char* name = kEndlessNames[(i + t) % std::size(kEndlessNames)];
        const absl::Status status =
            instance.GetFunc(store, name)->Call(store, ArgumentsOf(name)).status();
        EXPECT_EQ(GetTrap(status)->code, "interrupt");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.store(true);
  ticker.join();
}

TEST(EpochConfigTest, DeadlinesNeedAnEngineThatLooks) {
  Store store(*Engine::Create(Config()));
  EXPECT_EQ(store.SetEpochDeadline(1).code(), absl::StatusCode::kFailedPrecondition);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, EpochTest,
    ::testing::Values(
        EpochSetting{{OptLevel::kNone, false, true}, EpochInterruption::kCounter},
        EpochSetting{{OptLevel::kSpeed, true, true}, EpochInterruption::kCounter},
        EpochSetting{{OptLevel::kSpeed, true, false}, EpochInterruption::kCounter},
        EpochSetting{{OptLevel::kNone, false, true}, EpochInterruption::kPage},
        EpochSetting{{OptLevel::kSpeed, true, true}, EpochInterruption::kPage},
        EpochSetting{{OptLevel::kSpeed, true, true, Strategy::kWinch}, EpochInterruption::kCounter},
        EpochSetting{{OptLevel::kSpeed, true, false, Strategy::kWinch},
                     EpochInterruption::kCounter},
        EpochSetting{{OptLevel::kSpeed, true, true, Strategy::kWinch}, EpochInterruption::kPage},
        EpochSetting{{OptLevel::kSpeed, true, true, Strategy::kMixed}, EpochInterruption::kPage}));

}  // namespace
}  // namespace gantry
