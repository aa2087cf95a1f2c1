// Functions that start as baseline code and are replaced by optimized code while guests run.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/perf.h"
#include "api/store.h"
#include "api/store_state.h"
#include "api/val.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/code_object.h"
#include "runtime/store.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

Config TierConfig(uint32_t threshold) {
  Config config;
  config.TierUp(true).TierUpThreshold(threshold).TierUpSynchronously(true);
  config.CompilerFlag("regalloc_checker", "true").CompilerFlag("enable_verifier", "true");
  return config;
}

// One instance, with a host function `env.here` that says whether optimized code calls it.
class Guest {
 public:
  Guest(const Module& module) : store_(module.engine()) {  // NOLINT(google-explicit-constructor)
    Linker linker(module.engine());
    const absl::StatusOr<Func> here = Func::Wrap(store_, [this]() -> int32_t {
      const uintptr_t pc = store_.state().runtime().context()->last.exit_pc;
      const runtime::CodeObject* code = runtime::CodeObject::Find(pc - 1);
      CHECK(code != nullptr);
      last_here_ = code->is_added() ? 1 : 0;
      ++calls_;
      return last_here_;
    });
    CHECK_OK(here.status());
    CHECK_OK(linker.Define("env", "here", *here));
    absl::StatusOr<Instance> instance = linker.Instantiate(store_, module);
    CHECK_OK(instance.status());
    instance_ = *instance;
  }

  absl::StatusOr<std::vector<Val>> Call(absl::string_view name, const std::vector<Val>& args) {
    const absl::StatusOr<Func> func = instance_->GetFunc(store_, name);
    CHECK_OK(func.status());
    return func->Call(store_, args);
  }
  int32_t CallI32(absl::string_view name, const std::vector<Val>& args) {
    absl::StatusOr<std::vector<Val>> results = Call(name, args);
    CHECK_OK(results.status());
    return results->at(0).i32();
  }

  Store& store() { return store_; }

  // Of `env.here`, from any thread; and what it said last.
  int calls() const { return calls_; }
  int32_t last_here() const { return last_here_; }

 private:
  std::atomic<int> calls_ = 0;
  int32_t last_here_ = 0;
  Store store_;
  std::optional<Instance> instance_;
};

Module CompileIn(const Engine& engine, absl::string_view text) {
  absl::StatusOr<Module> module = Module::CompileText(engine, text);
  CHECK_OK(module.status());
  return *std::move(module);
}

constexpr char kHere[] = R"((module
  (import "env" "here" (func $here (result i32)))
  (type $h (func (result i32)))
  (table 1 funcref)
  (elem (i32.const 0) $hot)
  (elem declare func $hot)
  (func $hot (export "hot") (result i32) (call $here))
  (func (export "direct") (result i32) (call $hot))
  (func (export "indirect") (result i32) (call_indirect (type $h) (i32.const 0)))
  (func (export "reference") (result i32) (call_ref $h (ref.func $hot)))
  (func (export "tail") (result i32) (return_call $hot))
  (func (export "loop") (param i32) (result i32)
    (loop $l
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $l (local.get 0)))
    (call $here))))";

TEST(TierUp, AHotFunctionRunsOptimizedCodeFromTheNextCallOn) {
  const Engine engine = *Engine::Create(TierConfig(3));
  Guest guest(CompileIn(engine, kHere));
  EXPECT_EQ(guest.CallI32("hot", {}), 0);
  EXPECT_EQ(guest.CallI32("hot", {}), 0);
  EXPECT_EQ(engine.tier_up_stats()->requested, 0u);
  // The third finds the code that it asked for.
  EXPECT_EQ(guest.CallI32("hot", {}), 1);
  EXPECT_EQ(engine.tier_up_stats()->requested, 1u);
  EXPECT_EQ(engine.tier_up_stats()->optimized, 1u);
  EXPECT_EQ(engine.tier_up_stats()->refused, 0u);
  EXPECT_GT(engine.tier_up_stats()->code_bytes, 0u);
  // Whichever way it is called.
  for (const char* way : {"hot", "direct", "indirect", "reference", "tail"}) {
    EXPECT_EQ(guest.CallI32(way, {}), 1) << way;
  }
}

TEST(TierUp, RoundsOfLoopsCount) {
  const Engine engine = *Engine::Create(TierConfig(100));
  Guest guest(CompileIn(engine, kHere));
  EXPECT_EQ(guest.CallI32("loop", {Val::I32(50)}), 0);
  EXPECT_EQ(engine.tier_up_stats()->requested, 0u);
  // In the middle of this one; it goes on as it is.
  EXPECT_EQ(guest.CallI32("loop", {Val::I32(60)}), 0);
  EXPECT_EQ(engine.tier_up_stats()->optimized, 1u);
  EXPECT_EQ(guest.CallI32("loop", {Val::I32(1)}), 1);
}

TEST(TierUp, InstancesOfAModuleShareCountersAndCode) {
  const Engine engine = *Engine::Create(TierConfig(2));
  const Module module = CompileIn(engine, kHere);
  Guest first(module);
  Guest second(module);
  EXPECT_EQ(first.CallI32("hot", {}), 0);
  EXPECT_EQ(second.CallI32("hot", {}), 1);
  EXPECT_EQ(first.CallI32("hot", {}), 1);
  EXPECT_EQ(engine.tier_up_stats()->requested, 1u);
  // Another module of the same bytes does not.
  Guest other(CompileIn(engine, kHere));
  EXPECT_EQ(other.CallI32("hot", {}), 0);
}

// Arguments and results in registers and on the stack, vectors, references, tail calls, recursion.
constexpr char kValues[] = R"((module
  (type $many (func (param i32 i64 f32 f64 i64 i64 i64 i64 i64 i32 v128 f64 f64 f64 f64 f64 f64 f64)
                    (result i64 i64 i64 i64 i64 f64 f64 f64 f64 f64 i32)))
  (func $many (type $many)
    (i64.add (local.get 1) (i64.extend_i32_u (local.get 0)))
    (i64.sub (local.get 8) (local.get 4))
    (local.get 5) (local.get 6) (local.get 7)
    (f64.add (local.get 3) (f64.promote_f32 (local.get 2)))
    (local.get 11) (local.get 16) (local.get 17)
    (f64.convert_i32_s (i32x4.extract_lane 2 (local.get 10)))
    (local.get 9))
  (func (export "many") (param $n i32) (result f64)
    (local $sum f64) (local $a f64) (local $b f64) (local $c f64) (local $d f64) (local $e f64)
    (loop $again
      (call $many (local.get $n) (i64.const 2) (f32.const 3) (f64.const 4) (i64.const 5) (i64.const 6)
        (i64.const 7) (i64.const 8) (i64.const 9) (i32.const 10) (v128.const i32x4 1 2 3 4)
        (f64.const 11) (f64.const 12) (f64.const 13) (f64.const 14) (f64.const 15) (f64.const 16)
        (f64.const 17))
      f64.convert_i32_s local.get $sum f64.add local.set $sum
      local.set $a local.set $b local.set $c local.set $d local.set $e
      f64.convert_i64_s local.get $sum f64.add local.set $sum
      f64.convert_i64_s local.get $sum f64.add local.set $sum
      f64.convert_i64_s local.get $sum f64.add local.set $sum
      f64.convert_i64_s local.get $sum f64.add local.set $sum
      f64.convert_i64_s local.get $sum f64.add local.set $sum
      (local.set $sum (f64.add (local.get $sum) (f64.add (local.get $a) (local.get $b))))
      (local.set $sum (f64.add (local.get $sum) (f64.add (local.get $c) (local.get $d))))
      (local.set $sum (f64.add (local.get $sum) (local.get $e)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func $even (export "even") (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (local.get 7)))
  (func $odd (param i32 i64) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call $even (i32.sub (local.get 0) (i32.const 1)) (i64.const 1) (i64.const 2) (i64.const 3)
      (i64.const 4) (i64.const 5) (i64.const 6) (local.get 1)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
    (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
             (call $fib (i32.sub (local.get 0) (i32.const 2)))))
  (func $ackermann (export "ackermann") (param i32 i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.add (local.get 1) (i32.const 1)))))
    (if (i32.eqz (local.get 1))
      (then (return_call $ackermann (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))
    (return_call $ackermann (i32.sub (local.get 0) (i32.const 1))
      (call $ackermann (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))))";

TEST(TierUp, ResultsAreTheSameAtEveryThreshold) {
  const auto run = [](const Engine& engine) {
    Guest guest(CompileIn(engine, kValues));
    std::vector<double> results;
    for (int round = 0; round < 3; ++round) {
      results.push_back(guest.Call("many", {Val::I32(20)})->at(0).f64());
      std::vector<Val> even = {Val::I32(101)};
      for (int64_t i = 0; i < 7; ++i) even.push_back(Val::I64(i));
      results.push_back(guest.CallI32("even", even));
      results.push_back(guest.CallI32("fib", {Val::I32(15)}));
      results.push_back(guest.CallI32("ackermann", {Val::I32(2), Val::I32(9)}));
    }
    return results;
  };
  Config optimizing;
  const std::vector<double> expected = run(*Engine::Create(optimizing));
  EXPECT_EQ(expected[2], 610);
  EXPECT_EQ(expected[3], 21);
  for (const uint32_t threshold : {1, 2, 3, 7, 50, 1000, 1 << 30}) {
    const Engine engine = *Engine::Create(TierConfig(threshold));
    EXPECT_EQ(run(engine), expected) << threshold;
    EXPECT_EQ(engine.tier_up_stats()->refused, 0u);
    if (threshold == 1) {
      // Some are inlined into all their callers.
      EXPECT_GE(engine.tier_up_stats()->optimized, 4u);
    }
  }
}

// The frames of a trap are the same whatever code they are of: optimized callees of baseline
// callers, called by direct and indirect calls, with inlined ones between.
constexpr char kTrapping[] = R"((module $m
  (memory 1)
  (type $f (func (param i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $leaf $middle)
  (func $leaf (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (drop (KIND))))
    (i32.const 1))
  (func $middle (param i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (i32.const 1)))
  (func $recursive (param $n i32) (param $depth i32) (result i32)
    (if (i32.eqz (local.get $depth))
      (then (return (call_indirect (type $f) (local.get $n) (i32.const 1)))))
    (i32.add (i32.const 1)
      (call $recursive (local.get $n) (i32.sub (local.get $depth) (i32.const 1)))))
  (func $outer (export "outer") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum
        (i32.add (local.get $sum) (call $recursive (local.get $n) (i32.const 3))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $again))
    (local.get $sum))))";

TEST(TierUp, BacktracesOfMixedStacksAreThoseOfBaselineCode) {
  for (const char* kind :
       {"i32.load (i32.const -8)", "i32.div_u (i32.const 1) (local.get 0)", "unreachable",
        "call_indirect (type $f) (i32.const 0) (i32.const 3)", "i32.trunc_f32_s (f32.const nan)"}) {
    const std::string text = absl::StrReplaceAll(kTrapping, {{"KIND", kind}});
    Config baseline;
    baseline.Compiler(Strategy::kWinch);
    const auto run = [&](const Config& config) {
      Guest guest(CompileIn(*Engine::Create(config), text));
      return guest.Call("outer", {Val::I32(30)}).status().ToString();
    };
    const std::string expected = run(baseline);
    EXPECT_THAT(expected, HasSubstr("outer"));
    EXPECT_THAT(expected, HasSubstr("recursive"));
    EXPECT_THAT(expected, HasSubstr("leaf"));
    // Leaf alone is optimized, then middle, then the recursive one, then what is called in the end.
    for (const uint32_t threshold : {1, 5, 20, 29, 40, 100}) {
      EXPECT_EQ(run(TierConfig(threshold)), expected) << kind << " " << threshold;
    }
  }
}

TEST(TierUp, AStackThatEndsInOptimizedCodeIsATrapOfIts) {
  const Engine engine = *Engine::Create(TierConfig(10));
  Guest guest(CompileIn(engine, R"((module
    (func $down (export "down") (param i32) (result i32)
      (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))))"));
  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(guest.Call("down", {Val::I32(0)}).status().ToString(),
                HasSubstr("call stack exhausted"));
  }
  EXPECT_EQ(engine.tier_up_stats()->optimized, 1u);
}

TEST(TierUp, WhatIsBeyondTheBudgetStaysAndIsCounted) {
  Config config = TierConfig(1);
  config.CompileBudget(1);
  const Engine engine = *Engine::Create(config);
  Guest guest(CompileIn(engine, kHere));
  for (int round = 0; round < 3; ++round) EXPECT_EQ(guest.CallI32("loop", {Val::I32(9)}), 0);
  EXPECT_EQ(engine.tier_up_stats()->requested, 1u);
  EXPECT_EQ(engine.tier_up_stats()->optimized, 0u);
  EXPECT_EQ(engine.tier_up_stats()->refused, 1u);
}

// What is consumed does not depend on which code runs when.
TEST(TierUp, FuelIsCountedAsByOneCompiler) {
  const auto consumed = [](Config config, bool signals) {
    config.ConsumeFuel(true).SignalsBasedTraps(signals);
    const absl::StatusOr<Engine> engine = Engine::Create(config);
    CHECK_OK(engine.status());
    constexpr uint64_t kFuel = 100'000'000;
    Guest guest(CompileIn(*engine, kValues));
    CHECK_OK(guest.store().SetFuel(kFuel));
    std::vector<uint64_t> left;
    for (int round = 0; round < 3; ++round) {
      CHECK_OK(guest.Call("many", {Val::I32(20)}).status());
      CHECK_OK(guest.Call("fib", {Val::I32(12)}).status());
      CHECK_OK(guest.Call("ackermann", {Val::I32(2), Val::I32(5)}).status());
      left.push_back(*guest.store().GetFuel());
    }
    return left;
  };
  for (const bool signals : {true, false}) {
    const std::vector<uint64_t> expected = consumed(Config(), signals);
    for (const uint32_t threshold : {1, 2, 10, 100}) {
      EXPECT_EQ(consumed(TierConfig(threshold), signals), expected) << threshold;
    }
  }
}

TEST(TierUp, GuestsAreInterruptedInBothKindsOfCode) {
  for (const EpochInterruption how : {EpochInterruption::kCounter, EpochInterruption::kPage}) {
    const Engine engine = *Engine::Create(TierConfig(3).EpochInterruption(how));
    Guest guest(CompileIn(engine, R"((module
      (import "env" "here" (func $here (result i32)))
      (func (export "spin") (param $calls i32)
        (loop $l (drop (call $here)) (br_if $l (local.tee $calls (i32.sub (local.get $calls) (i32.const 1)))))
        (loop $l (br $l)))))"));
    for (int call = 0; call < 5; ++call) {
      CHECK_OK(guest.store().SetEpochDeadline(1));
      const int calls = guest.calls();
      std::thread ticker([&] {
        while (guest.calls() < calls + 10) std::this_thread::yield();
        engine.IncrementEpoch();
      });
      const absl::Status status = guest.Call("spin", {Val::I32(10)}).status();
      ticker.join();
      EXPECT_THAT(status.ToString(), HasSubstr("interrupt"));
      // The first one asks for optimized code, in which the others are.
      EXPECT_EQ(engine.tier_up_stats()->optimized, 1u);
      EXPECT_EQ(guest.last_here(), call == 0 ? 0 : 1);
    }
  }
}

TEST(TierUp, ArtifactsAreTheSameBytesAndTierUpAgain) {
  const Engine engine = *Engine::Create(TierConfig(1));
  const Module module = CompileIn(engine, kHere);
  const std::vector<uint8_t> fresh = *module.Serialize();
  Guest guest(module);
  EXPECT_EQ(guest.CallI32("hot", {}), 1);
  EXPECT_EQ(*module.Serialize(), fresh);
  Config other = TierConfig(1000);
  other.CompilationThreads(3);
  const Engine other_engine = *Engine::Create(other);
  EXPECT_EQ(*CompileIn(other_engine, kHere).Serialize(), fresh);

  Guest loaded(*Module::Deserialize(engine, fresh));
  EXPECT_EQ(loaded.CallI32("hot", {}), 1);
  EXPECT_EQ(engine.tier_up_stats()->optimized, 2u);

  Config without;
  without.Compiler(Strategy::kWinch);
  const absl::Status refused = Module::Deserialize(*Engine::Create(without), fresh).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.ToString(), HasSubstr("tier_up"));
}

// Lines of perf's map that are of optimized code: those with the name.
int OptimizedInPerfMap(const std::string& name) {
  std::ifstream map(absl::StrCat("/tmp/perf-", getpid(), ".map"));
  int count = 0;
  for (std::string line; std::getline(map, line);) {
    if (line.find(name) == std::string::npos) continue;
    const runtime::CodeObject* code =
        runtime::CodeObject::Find(std::strtoull(line.c_str(), nullptr, 16));
    if (code != nullptr && code->is_added()) ++count;
  }
  return count;
}

TEST(TierUp, PerfLearnsOfOptimizedCode) {
  const Engine engine = *Engine::Create(TierConfig(2));
  const Module module = CompileIn(engine, kHere);
  Guest guest(module);
  CHECK_OK(AppendPerfMap(module));
  guest.CallI32("hot", {});
  EXPECT_EQ(OptimizedInPerfMap("hot"), 0);
  guest.CallI32("hot", {});
  EXPECT_EQ(OptimizedInPerfMap("hot"), 1);
}

TEST(TierUp, ConflictsAreNamed) {
  const auto refusal = [](const Config& config) {
    return Engine::Create(config).status().ToString();
  };
  for (const Strategy strategy : {Strategy::kOptimizing, Strategy::kWinch, Strategy::kMixed}) {
    EXPECT_THAT(refusal(TierConfig(1).Compiler(strategy)), HasSubstr("TierUp"));
  }
  EXPECT_THAT(refusal(TierConfig(0)), HasSubstr("TierUpThreshold"));
  EXPECT_THAT(refusal(TierConfig(0xFFFFFFFF)), HasSubstr("TierUpThreshold"));
  const std::string elsewhere = refusal(TierConfig(1).Target("aarch64-unknown-linux-gnu"));
  EXPECT_FALSE(elsewhere.empty());
  Config off;
  off.TierUp(true).TierUp(false).Compiler(Strategy::kOptimizing);
  EXPECT_TRUE(Engine::Create(off).ok());
  EXPECT_FALSE(Engine::Create(off)->tier_up_stats().has_value());
}

// A module of many functions, each hot.
std::string ManyFunctions(int count) {
  std::string text = "(module (memory 1)\n";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, "(func $f", i, " (param i32) (result i32) (local i32)\n",
                    "  (local.set 1 (i32.mul (local.get 0) (i32.const ", i + 3, ")))\n",
                    "  (i32.store (i32.const ", 8 * i, ") (local.get 1))\n");
    if (i > 0) {
      absl::StrAppend(&text, "  (local.set 1 (i32.add (local.get 1) (call $f", (i * 7) % i,
                      " (local.get 1))))\n");
    }
    absl::StrAppend(&text, "  (i32.xor (local.get 1) (i32.load (i32.const ", 8 * i, "))))\n");
  }
  absl::StrAppend(&text, "(func (export \"all\") (param i32) (result i32) (local i32)\n");
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, "  (local.set 1 (i32.add (local.get 1) (call $f", i,
                    " (local.get 0))))\n");
  }
  return absl::StrCat(text, "  (local.get 1)))");
}

Config BackgroundConfig(uint32_t threshold) {
  Config config;
  config.TierUp(true).TierUpThreshold(threshold).TierUpThreads(2);
  return config;
}

TEST(TierUp, InTheBackgroundAllBecomesOptimized) {
  constexpr int kFunctions = 200;
  const std::string text = ManyFunctions(kFunctions);
  Guest expected(CompileIn(*Engine::Create(Config()), text));
  // Where a callee is inlined before it is hot, it never is.
  const Engine engine = *Engine::Create(BackgroundConfig(10).CompilerFlag("inlining", "false"));
  Guest guest(CompileIn(engine, text));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(guest.CallI32("all", {Val::I32(i)}), expected.CallI32("all", {Val::I32(i)}));
  }
  engine.WaitForTierUp();
  EXPECT_EQ(engine.tier_up_stats()->optimized, kFunctions + 1u);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(guest.CallI32("all", {Val::I32(i)}), expected.CallI32("all", {Val::I32(i)}));
  }
  EXPECT_EQ(engine.tier_up_stats()->requested, kFunctions + 1u);
}

TEST(TierUp, ThreadsShareAModuleWhileItIsCompiled) {
  const std::string text = ManyFunctions(60);
  Guest reference(CompileIn(*Engine::Create(Config()), text));
  std::vector<int32_t> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(reference.CallI32("all", {Val::I32(i)}));
  for (int round = 0; round < 5; ++round) {
    const Engine engine = *Engine::Create(BackgroundConfig(20));
    const Module module = CompileIn(engine, text);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        Guest guest(module);
        for (int i = 0; i < 100; ++i) {
          if (guest.CallI32("all", {Val::I32(i)}) != expected[i]) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    engine.WaitForTierUp();
    EXPECT_GT(engine.tier_up_stats()->optimized, 0u);
  }
}

// Handles go in every order while functions are being compiled.
TEST(TierUp, AnythingMayGoWhileFunctionsAreCompiled) {
  const std::string text = ManyFunctions(60);
  for (int round = 0; round < 60; ++round) {
    auto engine = std::make_unique<Engine>(*Engine::Create(BackgroundConfig(1 + round % 3)));
    auto module = std::make_unique<Module>(CompileIn(*engine, text));
    auto other = std::make_unique<Module>(CompileIn(*engine, text));
    auto guest = std::make_unique<Guest>(*module);
    auto other_guest = std::make_unique<Guest>(*other);
    for (int i = 0; i <= round % 4; ++i) {
      static_cast<void>(guest->CallI32("all", {Val::I32(i)}));
      static_cast<void>(other_guest->CallI32("all", {Val::I32(i)}));
    }
    if (round % 7 == 0) engine->WaitForTierUp();
    if (round % 2 == 0) engine = nullptr;
    if (round % 3 == 0) module = nullptr;
    other_guest = nullptr;
    if (round % 5 == 0) other = nullptr;
    static_cast<void>(guest->CallI32("all", {Val::I32(1)}));
    guest = nullptr;
  }
}

}  // namespace
}  // namespace gantry
