// Tail calls through the embedding API: constant stack over a million of them, of every kind, with
// any number of arguments, among instances and of host functions, under inlining and without; what
// backtraces show of them.
#include <array>
#include <string>
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
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using ::testing::ElementsAre;

constexpr int32_t kMillion = 1'000'000;

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

struct Setting {
  OptLevel level;
  bool inlining;
};

class TailCallTest : public ::testing::TestWithParam<Setting> {
 protected:
  TailCallTest() : engine_(*Engine::Create(TestConfig())), linker_(engine_), store_(engine_) {
    CHECK_OK(linker_.Func("host", "seven_times", [](int32_t x) { return 7 * x; }));
    CHECK_OK(linker_.Func("host", "fail", [](int32_t) -> absl::StatusOr<int32_t> {
      return absl::DataLossError("the host fails");
    }));
  }

  static Config TestConfig() {
    Config config;
    AddTestCompilerFlags(config);
    config.OptLevel(GetParam().level);
    config.CompilerFlag("inlining", GetParam().inlining ? "true" : "false");
    // A stack that a million frames do not fit in by far.
    config.MaxWasmStack(64 << 10);
    return config;
  }

  Instance Instantiate(const std::string& text) {
    const absl::StatusOr<Module> module = Module::Compile(engine_, Assemble(text));
    CHECK(module.ok()) << module.status();
    const absl::StatusOr<Instance> instance = linker_.Instantiate(store_, *module);
    CHECK(instance.ok()) << instance.status();
    return *instance;
  }
  absl::StatusOr<std::vector<Val>> Call(const Instance& instance, const char* name,
                                        std::vector<Val> arguments) {
    return instance.GetFunc(store_, name)->Call(store_, arguments);
  }
  int64_t CallI64(const Instance& instance, const char* name, std::vector<Val> arguments) {
    const auto results = Call(instance, name, std::move(arguments));
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    return results.ok() ? (*results)[0].i64() : -999;
  }
  // The functions on the stack where a call of `name` trapped, the innermost first.
  std::vector<std::string> Frames(const Instance& instance, const char* name,
                                  std::vector<Val> arguments) {
    const auto results = Call(instance, name, std::move(arguments));
    EXPECT_FALSE(results.ok()) << name;
    // An error of the host is no trap where no function of the guest is on the stack.
    const std::optional<Trap> trap = GetTrap(results.status());
    std::vector<std::string> names;
    if (trap.has_value()) {
      for (const Frame& frame : trap->backtrace) names.push_back(frame.func_name);
    }
    return names;
  }

  Engine engine_;
  Linker linker_;
  Store store_;
};

TEST_P(TailCallTest, AMillionOfEveryKind) {
  const Instance instance = Instantiate(R"((module
    (type $step (func (param i32 i64) (result i64)))
    (table 4 4 funcref)
    (elem (i32.const 0) $self $even $odd $by_table)
    (elem declare func $by_ref)
    (func $self (export "self") (type $step)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call $self (i32.sub (local.get 0) (i32.const 1))
                         (i64.add (local.get 1) (i64.const 3))))
    (func $even (export "even") (type $step)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call $odd (i32.sub (local.get 0) (i32.const 1))
                        (i64.add (local.get 1) (i64.const 1))))
    (func $odd (type $step)
      (if (i32.eqz (local.get 0)) (then (return (i64.sub (i64.const 0) (local.get 1)))))
      (return_call $even (i32.sub (local.get 0) (i32.const 1))
                         (i64.add (local.get 1) (i64.const 2))))
    (func $by_table (export "by_table") (type $step)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1))
                                         (i64.add (local.get 1) (i64.const 5)) (i32.const 3)))
    (func $by_ref (export "by_ref") (type $step)
      (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
      (return_call_ref $step (i32.sub (local.get 0) (i32.const 1))
                             (i64.add (local.get 1) (i64.const 7)) (ref.func $by_ref)))
    ;; The same from code that may be inlined.
    (func (export "around") (type $step)
      (i64.add (i64.const 1) (call $even (local.get 0) (local.get 1))))
    (func (export "in_loop") (param $count i32) (param $n i32) (result i64) (local $sum i64)
      (loop $again
        (local.set $sum (i64.add (local.get $sum) (call $self (local.get $n) (i64.const 0))))
        (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (local.get $sum))
  ))");
  const std::vector<Val> arguments = {Val::I32(kMillion), Val::I64(10)};
  EXPECT_EQ(CallI64(instance, "self", arguments), 10 + 3 * kMillion);
  EXPECT_EQ(CallI64(instance, "even", arguments), 10 + 3 * (kMillion / 2));
  EXPECT_EQ(CallI64(instance, "even", {Val::I32(kMillion + 1), Val::I64(10)}),
            -(10 + 3 * (kMillion / 2) + 1));
  EXPECT_EQ(CallI64(instance, "by_table", arguments), 10 + 5 * kMillion);
  EXPECT_EQ(CallI64(instance, "by_ref", arguments), 10 + 7 * kMillion);
  EXPECT_EQ(CallI64(instance, "around", arguments), 11 + 3 * (kMillion / 2));
  EXPECT_EQ(CallI64(instance, "in_loop", {Val::I32(5), Val::I32(kMillion / 5)}), 3 * kMillion);
}

// Two functions of so many parameters of mixed types call each other; the sum of all is kept.
std::string PingPong(int few, int many) {
  const auto type_of = [](int i) { return i % 4 == 3 ? "v128" : i % 4 == 2 ? "f64" : "i64"; };
  const auto params = [&](int count) {
    std::string text = "(param $n i32)";
    for (int i = 0; i < count; ++i) absl::StrAppend(&text, " (param ", type_of(i), ")");
    return text;
  };
  // Each argument is one more than the parameter of its number, where there is one.
  const auto arguments = [&](int count, int own) {
    std::string text = "(i32.sub (local.get $n) (i32.const 1))";
    for (int i = 0; i < count; ++i) {
      const bool has = i < own;
      const std::string get = absl::StrCat("(local.get ", i + 1, ")");
      switch (i % 4) {
        case 3:
          absl::StrAppend(&text, " ",
                          has ? absl::StrCat("(i64x2.add ", get, " (v128.const i64x2 1 1))")
                              : "(v128.const i64x2 1 1)");
          break;
        case 2:
          absl::StrAppend(
              &text, " ",
              has ? absl::StrCat("(f64.add ", get, " (f64.const 1))") : "(f64.const 1)");
          break;
        default:
          absl::StrAppend(
              &text, " ",
              has ? absl::StrCat("(i64.add ", get, " (i64.const 1))") : "(i64.const 1)");
          break;
      }
    }
    return text;
  };
  const auto sum = [&](int count) {
    std::string text = "(i64.const 0)";
    for (int i = 0; i < count; ++i) {
      const std::string get = absl::StrCat("(local.get ", i + 1, ")");
      text = absl::StrCat("(i64.add ", text, " ",
                          i % 4 == 3   ? absl::StrCat("(i64x2.extract_lane 1 ", get, ")")
                          : i % 4 == 2 ? absl::StrCat("(i64.trunc_f64_s ", get, ")")
                                       : get,
                          ")");
    }
    return text;
  };
  const auto function = [&](const char* name, const char* other, int own, int others) {
    return absl::StrCat("(func $", name, " (export \"", name, "\") ", params(own),
                        " (result i64) (if (i32.eqz (local.get $n)) (then (return ", sum(own),
                        "))) (return_call $", other, " ", arguments(others, own), "))\n");
  };
  return absl::StrCat("(module ", function("few", "many", few, many),
                      function("many", "few", many, few), ")");
}

TEST_P(TailCallTest, AnyNumbersOfArguments) {
  for (const auto& [few, many] : {std::pair(0, 1), std::pair(0, 40), std::pair(3, 19),
                                  std::pair(12, 13), std::pair(40, 40)}) {
    SCOPED_TRACE(absl::StrCat(few, " and ", many));
    const Instance instance = Instantiate(PingPong(few, many));
    std::vector<Val> arguments = {Val::I32(20'000)};
    for (int i = 0; i < few; ++i) {
      arguments.push_back(i % 4 == 3 ? Val::V128(0, 0) : i % 4 == 2 ? Val::F64(0) : Val::I64(0));
    }
    // What both have is counted up at each call; the rest starts anew.
    EXPECT_EQ(CallI64(instance, "few", arguments), 20'000 * few);
    arguments[0] = Val::I32(20'001);
    EXPECT_EQ(CallI64(instance, "few", arguments), 20'001 * few + (many - few));
  }
}

TEST_P(TailCallTest, ManyResultsAreHandedOn) {
  const Instance instance = Instantiate(R"((module
    (func $results (param i32) (result i32 i32 i32 i32 i32 i32 i32 f64 f64 f64 f64 f64 f64 v128)
      (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)
      (local.get 0) (f64.const 1) (f64.const 2) (f64.const 3) (f64.const 4) (f64.const 5)
      (f64.const 6) (v128.const i64x2 7 8))
    (func $middle (param i64 i64 i64 i64 i64 i64 i64 i64 i32)
      (result i32 i32 i32 i32 i32 i32 i32 f64 f64 f64 f64 f64 f64 v128)
      (return_call $results (i32.add (local.get 8) (i32.const 1))))
    (func (export "outer") (param i32)
      (result i32 i32 i32 i32 i32 i32 i32 f64 f64 f64 f64 f64 f64 v128)
      (return_call $middle (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)
        (i64.const 0) (i64.const 0) (i64.const 0) (i32.add (local.get 0) (i32.const 1))))))");
  const auto results = Call(instance, "outer", {Val::I32(5)});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 14u);
  for (int i = 0; i < 7; ++i) EXPECT_EQ((*results)[i].i32(), i + 1);
  for (int i = 0; i < 6; ++i) EXPECT_EQ((*results)[7 + i].f64(), i + 1);
  EXPECT_EQ((*results)[13].v128(), (std::array<uint64_t, 2>{7, 8}));
}

constexpr char kHostCalls[] = R"((module
  (import "host" "seven_times" (func $seven_times (param i32) (result i32)))
  (import "host" "fail" (func $fail (param i32) (result i32)))
  (type $f (func (param i32) (result i32)))
  (table 2 2 funcref)
  (elem (i32.const 0) $fail)
  (elem declare func $fail)
  (func $direct (export "direct") (type $f) (return_call $seven_times (local.get 0)))
  (func $calls_direct (export "calls_direct") (type $f)
    (i32.add (i32.const 1) (call $direct (local.get 0))))
  (func $fails (export "fails") (type $f) (return_call $fail (local.get 0)))
  (func $fails_by_table (export "fails_by_table") (type $f)
    (return_call_indirect (type $f) (local.get 0) (i32.const 0)))
  (func $fails_by_ref (export "fails_by_ref") (type $f)
    (return_call_ref $f (local.get 0) (ref.func $fail)))
  (func $calls_fails (export "calls_fails") (type $f)
    (i32.add (i32.const 1) (call $fails (local.get 0))))
  (func $calls_fails_by_table (export "calls_fails_by_table") (type $f)
    (i32.add (i32.const 1) (call $fails_by_table (local.get 0))))
  (func $handed_on (export "handed_on") (type $f) (return_call $calls_fails (local.get 0)))
  (func $divides (type $f) (i32.div_u (i32.const 1) (local.get 0)))
  (func $tail_divides (type $f) (return_call $divides (local.get 0)))
  (func $calls_divides (export "calls_divides") (type $f)
    (i32.add (i32.const 1) (call $tail_divides (local.get 0))))
  (func $null (type $f) (return_call_indirect (type $f) (local.get 0) (i32.const 1)))
  (func $calls_null (export "calls_null") (type $f)
    (i32.add (i32.const 1) (call $null (local.get 0))))
))";

// lessons.md row 13: tail call, host import, backtrace.
TEST_P(TailCallTest, HostFunctionsAreCalledAndBacktracesAreWhole) {
  const Instance instance = Instantiate(kHostCalls);
  EXPECT_EQ((*Call(instance, "direct", {Val::I32(6)}))[0].i32(), 42);
  EXPECT_EQ((*Call(instance, "calls_direct", {Val::I32(6)}))[0].i32(), 43);
  const std::vector<Val> zero = {Val::I32(0)};
  EXPECT_EQ(Call(instance, "fails", zero).status().message(), "the host fails");
  // What has called in tail position is not on the stack any more.
  EXPECT_THAT(Frames(instance, "fails", zero), ElementsAre());
  EXPECT_THAT(Frames(instance, "fails_by_table", zero), ElementsAre());
  EXPECT_THAT(Frames(instance, "fails_by_ref", zero), ElementsAre());
  EXPECT_THAT(Frames(instance, "calls_fails", zero), ElementsAre("calls_fails"));
  EXPECT_THAT(Frames(instance, "calls_fails_by_table", zero), ElementsAre("calls_fails_by_table"));
  EXPECT_THAT(Frames(instance, "handed_on", zero), ElementsAre("calls_fails"));
  EXPECT_THAT(Frames(instance, "calls_divides", zero), ElementsAre("divides", "calls_divides"));
  // The checks before a tail call are still its function's.
  EXPECT_THAT(Frames(instance, "calls_null", zero), ElementsAre("null", "calls_null"));
}

TEST_P(TailCallTest, InstancesHandOnToEachOther) {
  const Instance first = Instantiate(R"((module
    (func (export "f") (param i32 i64) (result i64)
      (return_call_indirect (param i32 i64) (result i64)
        (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2)) (i32.const 0)))
    (table (export "table") 1 1 funcref)))");
  CHECK_OK(linker_.DefineInstance(store_, "first", first));
  const Instance second = Instantiate(R"((module
    (import "first" "f" (func $f (param i32 i64) (result i64)))
    (import "first" "table" (table 1 1 funcref))
    (elem (i32.const 0) $g)
    (func $g (export "g") (param i32 i64) (result i64)
      (if (i32.le_s (local.get 0) (i32.const 0)) (then (return (local.get 1))))
      (return_call $f (local.get 0) (i64.add (local.get 1) (i64.const 1))))))");
  EXPECT_EQ(CallI64(second, "g", {Val::I32(kMillion), Val::I64(0)}), 3 * kMillion);
}

// A loop of tail calls that does not end is interrupted like any other.
TEST_P(TailCallTest, FuelRunsOut) {
  const Engine engine = *Engine::Create(TestConfig().ConsumeFuel(true));
  Store store(engine);
  CHECK_OK(store.SetFuel(100'000));
  const Module module = *Module::Compile(
      engine, Assemble(R"((module (func $spin (export "spin") (return_call $spin))))"));
  const Instance instance = *Instance::Create(store, module, {});
  const absl::Status status = instance.GetFunc(store, "spin")->Call(store, {}).status();
  ASSERT_TRUE(GetTrap(status).has_value()) << status;
  EXPECT_EQ(GetTrap(status)->code, "out_of_fuel");
}

INSTANTIATE_TEST_SUITE_P(Settings, TailCallTest,
                         ::testing::Values(Setting{OptLevel::kNone, false},
                                           Setting{OptLevel::kSpeed, false},
                                           Setting{OptLevel::kSpeed, true}));

}  // namespace
}  // namespace gantry
