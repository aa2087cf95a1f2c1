// Code that keeps a shadow stack: the account of its calls and the walks of the stack agree at
// every host call and trap, through inlining, tail calls, other instances, prologues, frames
// without a record, nested entries and fibers; and a difference is found. (lessons.md row 13.)
#include <functional>
#include <optional>
#include <string>
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
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "runtime/store.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using Results = absl::StatusOr<std::vector<Val>>;

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

constexpr const char* kGuest = R"((module
  (import "host" "look" (func $look (param i32) (result i32)))
  (type $ii (func (param i32) (result i32)))
  (type $iii (func (param i32 i32) (result i32)))
  (memory 1)
  (table funcref (elem $look $small $even))
  (elem declare func $small $look)
  (func $small (export "small") (param i32) (result i32)
    (i32.add (call $look (local.get 0)) (i32.const 1)))
  (func $leaf (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func $peek (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32)
    (i32.add (call $small (local.get 0)) (call $leaf (local.get 0) (local.get 1))))
  (func $table (export "divide_leaf") (param i32 i32) (result i32)
    (return_call $leaf (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (local i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (call $peek (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 4096)))
      (br_if 0 (i32.lt_u (local.get 0) (i32.const 0x20000))))
    (local.get 1))
  ;; Into the host by tail calls of each kind, and from inlined code.
  (func $tail_host (export "tail_host") (param i32) (result i32) (return_call $look (local.get 0)))
  (func (export "tail_indirect") (param i32) (result i32)
    (return_call_indirect (type $ii) (local.get 0) (i32.and (local.get 0) (i32.const 3))))
  (func $tail_ref (export "tail_ref") (param i32) (result i32)
    (return_call_ref $ii (local.get 0) (ref.func $look)))
  (func $tail_null (param i32) (result i32) (return_call_ref $ii (local.get 0) (ref.null $ii)))
  (func (export "tails") (param i32) (result i32)
    (i32.add (call $tail_host (local.get 0))
      (i32.add (call $tail_ref (local.get 0)) (call $small (call $tail_host (local.get 0))))))
  (func (export "null") (param i32) (result i32)
    (i32.add (call $tail_null (call $small (local.get 0))) (i32.const 2)))
  (func $odd (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call $even (i32.sub (local.get 0) (i32.const 1))))
      (else (call $small (i32.const 1)))))
  (func $even (export "even") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
      (else (return_call $small (i32.const 0)))))
  (func $down (export "down") (param i32) (result i32)
    (i32.add (i32.const 1) (call $down (local.get 0))))
  (func (export "spin") (param i32) (result i32) (loop (br_if 0 (call $small (local.get 0)))) (i32.const 0))
  (func (export "branches") (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (call $small (i32.const 3)))))
    (br_if 0 (i32.const 5) (local.get 0)) (drop)
    (call $small (i32.const 4)))
))";

struct Setting {
  OptLevel level;
  bool inlining;
  bool signals;
  EpochInterruption epochs = EpochInterruption::kNone;
  Strategy strategy = Strategy::kOptimizing;
};

class ShadowStackTest : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    Config config;
    AddTestCompilerFlags(config);
    const Setting& setting = GetParam();
    config.ShadowStack(true).OptLevel(setting.level).SignalsBasedTraps(setting.signals);
    config.Compiler(setting.strategy)
        .EpochInterruption(setting.epochs)
        .ConsumeFuel(!setting.signals);
    config.CompilerFlag("inlining", setting.inlining ? "true" : "false");
    engine_ = Engine::Create(config).value();
    store_.emplace(*engine_);
    if (!setting.signals) {
      CHECK_OK(store_->SetFuel(uint64_t{1} << 60));
    }
    Linker linker(*engine_);
    CHECK_OK(linker.Func("host", "look", [this](Caller&, int32_t x) -> absl::StatusOr<int32_t> {
      ++looks_;
      if (on_look_) return on_look_(x);
      return x;
    }));
    const Module module = Module::Compile(*engine_, Assemble(kGuest)).value();
    instance_ = linker.Instantiate(*store_, module).value();
  }
  Results Call(const char* name, const std::vector<Val>& arguments) {
    return instance_->GetFunc(*store_, name)->Call(*store_, arguments);
  }
  int32_t Value(const char* name, const std::vector<Val>& arguments) {
    const Results results = Call(name, arguments);
    CHECK(results.ok()) << name << ": " << results.status();
    return (*results)[0].i32();
  }
  std::string TrapOf(const char* name, const std::vector<Val>& arguments) {
    const std::optional<Trap> trap = GetTrap(Call(name, arguments).status());
    return trap.has_value() ? trap->code : "";
  }
  uint64_t comparisons() const { return store_->runtime().shadow_comparisons(); }

  std::optional<Engine> engine_;
  std::optional<Store> store_;
  std::optional<Instance> instance_;
  std::function<absl::StatusOr<int32_t>(int32_t)> on_look_;
  uint64_t looks_ = 0;
};

TEST_P(ShadowStackTest, AgreesAtHostCallsAndTraps) {
  EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
  EXPECT_EQ(Value("divide", {Val::I32(6), Val::I32(3)}), 9);
  EXPECT_EQ(Value("branches", {Val::I32(2)}), 5);
  EXPECT_EQ(Value("branches", {Val::I32(0)}), 4);
  EXPECT_EQ(comparisons(), looks_);
  uint64_t traps = 0;
  const auto expect_trap = [&](const char* name, std::vector<Val> arguments, const char* code) {
    EXPECT_EQ(TrapOf(name, arguments), code) << name;
    EXPECT_EQ(comparisons(), looks_ + ++traps) << name;
    // What the trap took down is gone, and nothing else is.
    EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
  };
  expect_trap("divide", {Val::I32(6), Val::I32(0)}, "int_divz");
  expect_trap("divide_leaf", {Val::I32(6), Val::I32(0)}, "int_divz");
  expect_trap("load", {Val::I32(0)}, "heap_oob");
  expect_trap("null", {Val::I32(0)}, "null_func");
  expect_trap("tail_indirect", {Val::I32(3)}, "undef_elem");
  expect_trap("down", {Val::I32(1)}, "stk_ovf");
}

TEST_P(ShadowStackTest, AgreesThroughTailCalls) {
  EXPECT_EQ(Value("tail_host", {Val::I32(7)}), 7);
  EXPECT_EQ(Value("tail_ref", {Val::I32(7)}), 7);
  EXPECT_EQ(Value("tail_indirect", {Val::I32(0)}), 0);
  EXPECT_EQ(Value("tail_indirect", {Val::I32(1)}), 2);
  EXPECT_EQ(Value("tails", {Val::I32(5)}), 16);
  EXPECT_EQ(Value("even", {Val::I32(100'000)}), 1);
  EXPECT_EQ(Value("even", {Val::I32(100'001)}), 2);
  EXPECT_EQ(comparisons(), looks_);
}

TEST_P(ShadowStackTest, AgreesThroughNestedEntriesAndErrors) {
  int depth = 0;
  on_look_ = [&](int32_t x) -> absl::StatusOr<int32_t> {
    if (x >= 0 && depth < 3) {
      ++depth;
      const int32_t result = Value("tails", {Val::I32(x)});
      --depth;
      return result;
    }
    EXPECT_EQ(TrapOf("divide_leaf", {Val::I32(1), Val::I32(0)}), "int_divz");
    if (x < 0) return absl::DataLossError("negative");
    return x;
  };
  EXPECT_GT(Value("tails", {Val::I32(3)}), 0);
  EXPECT_GT(comparisons(), looks_);
  EXPECT_EQ(Call("divide", {Val::I32(-1), Val::I32(1)}).status().code(),
            absl::StatusCode::kDataLoss);
  on_look_ = nullptr;
  EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
}

TEST_P(ShadowStackTest, AgreesOnFibers) {
  on_look_ = [&](int32_t x) -> absl::StatusOr<int32_t> {
    const absl::Status status = Yield(*store_);
    if (!status.ok()) return status;
    return x;
  };
  const auto begin = [&](const char* name, std::vector<Val> arguments) {
    return instance_->GetFunc(*store_, name)->CallAsync(*store_, std::move(arguments));
  };
  AsyncCall<Results> call = begin("tails", {Val::I32(5)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(call.Resume(), CallState::kReady);
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 16);
  EXPECT_EQ(comparisons(), looks_);
  {
    AsyncCall<Results> dropped = begin("divide", {Val::I32(5), Val::I32(0)});
    EXPECT_EQ(dropped.Resume(), CallState::kReady);
  }
  EXPECT_EQ(comparisons(), looks_ + 1);
  AsyncCall<Results> traps = begin("divide", {Val::I32(5), Val::I32(0)});
  EXPECT_EQ(traps.Resume(), CallState::kReady);
  EXPECT_EQ(traps.Resume(), CallState::kDone);
  EXPECT_EQ(GetTrap(traps.TakeResult().status())->code, "int_divz");
  on_look_ = nullptr;
  EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
}

// A function that is interrupted in its prologue has a frame and has noted nothing.
TEST_P(ShadowStackTest, AgreesInPrologues) {
  if (GetParam().epochs == EpochInterruption::kNone) GTEST_SKIP() << "without epochs";
  uint64_t interrupts = 0;
  store_->SetEpochCallback([&](Store& store) -> absl::StatusOr<uint64_t> {
    if (++interrupts == 3) return 0;
    CHECK_OK(store.SetEpochDeadline(1'000'000));
    EXPECT_EQ(Value("tails", {Val::I32(5)}), 16);
    if (interrupts == 1) {
      // Another one within.
      CHECK_OK(store.SetEpochDeadline(0));
      EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
    }
    return 1'000'000;
  });
  CHECK_OK(store_->SetEpochDeadline(0));
  EXPECT_EQ(Value("divide", {Val::I32(6), Val::I32(3)}), 9);
  EXPECT_EQ(interrupts, 2u);
  CHECK_OK(store_->SetEpochDeadline(0));
  EXPECT_EQ(TrapOf("divide", {Val::I32(6), Val::I32(3)}), "interrupt");
  EXPECT_EQ(Value("small", {Val::I32(1)}), 2);
  // In a loop.
  on_look_ = [&](int32_t x) -> absl::StatusOr<int32_t> {
    CHECK_OK(store_->SetEpochDeadline(0));
    return x;
  };
  interrupts = 2;
  EXPECT_EQ(TrapOf("spin", {Val::I32(1)}), "interrupt");
}

TEST_P(ShadowStackTest, ACallThatIsNotThereIsFound) {
  on_look_ = [&](int32_t x) -> absl::StatusOr<int32_t> {
    if (x == 1) ++store_->runtime().context()->shadow_top[-1].function;
    if (x == 2) --store_->runtime().context()->shadow_top;
    if (x == 0) return 0;
    return Value("tail_host", {Val::I32(0)});
  };
  EXPECT_DEATH(Value("small", {Val::I32(1)}), "of the walk is of .* was noted");
  EXPECT_DEATH(Value("small", {Val::I32(2)}), "was not noted");
  EXPECT_EQ(Value("small", {Val::I32(0)}), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, ShadowStackTest,
    ::testing::Values(
        Setting{OptLevel::kNone, false, true}, Setting{OptLevel::kSpeed, false, true},
        Setting{OptLevel::kSpeed, true, true, EpochInterruption::kPage},
        Setting{OptLevel::kSpeed, true, false, EpochInterruption::kCounter},
        Setting{OptLevel::kSpeed, true, true, EpochInterruption::kPage, Strategy::kWinch},
        Setting{OptLevel::kSpeed, true, false, EpochInterruption::kCounter, Strategy::kMixed}));

// Nothing of it is in code that was not asked for it, which an engine of the other kind refuses.
TEST(ShadowStackOffTest, IsNotThere) {
  const Engine plain = *Engine::Create(Config());
  const Engine off = *Engine::Create(Config().ShadowStack(true).ShadowStack(false));
  const Engine on = *Engine::Create(Config().ShadowStack(true));
  const std::vector<uint8_t> bytes = Assemble(kGuest);
  const auto artifact = [&](const Engine& engine) {
    return *Module::Compile(engine, bytes)->Serialize();
  };
  EXPECT_EQ(artifact(plain), artifact(off));
  EXPECT_NE(artifact(plain), artifact(on));
  EXPECT_FALSE(Module::Deserialize(plain, artifact(on)).ok());
  Store store(plain);
  EXPECT_EQ(store.runtime().shadow_comparisons(), 0u);
}

}  // namespace
}  // namespace gantry
