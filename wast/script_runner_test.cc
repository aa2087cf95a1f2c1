#include "wast/script_runner.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "wast/lists.h"
#include "wast/script_engine.h"
#include "wast/script_parser.h"

namespace gantry::wast {
namespace {

// Answers by the bytes of the module and by the name of the export that is called.
class FakeEngine : public ScriptEngine {
 public:
  absl::Status Validate(absl::Span<const uint8_t> module) override {
    const std::string text(module.begin(), module.end());
    if (text == "invalid") return absl::InvalidArgumentError("type mismatch: x (at offset 0x1)");
    if (text == "off") return absl::UnimplementedError("multiple tables need the feature x");
    if (text == "later") return LacksFeature("gc", "not yet");
    return absl::OkStatus();
  }
  absl::StatusOr<ModuleId> Compile(absl::Span<const uint8_t> module) override {
    const absl::Status status = Validate(module);
    if (!status.ok()) return status;
    modules_.emplace_back(module.begin(), module.end());
    return static_cast<ModuleId>(modules_.size() - 1);
  }
  absl::StatusOr<InstanceId> Instantiate(ModuleId module) override {
    const std::string& text = modules_[module];
    if (text == "unlinkable") return absl::FailedPreconditionError("unknown import \"a\" \"b\"");
    if (text == "wrong") return absl::FailedPreconditionError("incompatible import type: x");
    if (text == "traps") return absl::AbortedError("unreachable");
    return static_cast<InstanceId>(instances_++);
  }
  absl::Status Register(InstanceId, absl::string_view) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId instance, absl::string_view field,
                                            absl::Span<const Value> arguments) override {
    if (field == "trap") return absl::AbortedError("unreachable (at 7)");
    if (field == "throw") return absl::UnknownError("an exception");
    if (field == "deep") return absl::ResourceExhaustedError("call stack exhausted");
    if (field == "later") return LacksFeature("gc", "not yet");
    if (field == "unlisted") return LacksFeature("simd", "not yet");
    if (field == "instance") return std::vector<Value>{Value::I32(instance)};
    if (field == "meet") {
      // Returns once as many threads are here as the argument says.
      ++*met_;
      while (*met_ < arguments[0].low) std::this_thread::yield();
    }
    return std::vector<Value>(arguments.begin(), arguments.end());
  }
  absl::StatusOr<Value> Get(InstanceId, absl::string_view) override { return Value::I32(42); }
  absl::StatusOr<std::unique_ptr<ScriptEngine>> Fork(absl::Span<const InstanceId> shared) override {
    if (cannot_fork) return LacksFeature("gc", "no threads");
    auto engine = std::make_unique<FakeEngine>();
    engine->instances_ = shared.size();
    engine->met_ = met_;
    return engine;
  }

  bool cannot_fork = false;

 private:
  std::vector<std::string> modules_;
  size_t instances_ = 0;
  std::shared_ptr<std::atomic<uint64_t>> met_ = std::make_shared<std::atomic<uint64_t>>(0);
};

class OnlyValidating : public FakeEngine {
 public:
  bool executes() const override { return false; }
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId, absl::string_view,
                                            absl::Span<const Value>) override {
    return LacksFeature("execution", "");
  }
};

Lists TestLists() { return {{{"what they say", "type mis"}}, {{"gc", "not built"}}}; }

Report RunWith(FakeEngine&& engine, absl::string_view text) {
  return RunScript(ParseScript("t.wast", text), engine, TestLists());
}
Report RunText(absl::string_view text) { return RunWith(FakeEngine(), text); }
std::string Summary(absl::string_view text) {
  const Report report = RunText(text);
  std::string out = report.Summary();
  for (const std::string& failure : report.failures) absl::StrAppend(&out, "\n", failure);
  return out;
}

constexpr char kModule[] = "(module binary)";
std::string WithModule(absl::string_view command) { return absl::StrCat(kModule, "\n", command); }

TEST(ScriptRunner, ComparesResults) {
  EXPECT_EQ(Summary(WithModule("(assert_return (invoke \"f\" (i32.const 1)) (i32.const 1))")),
            "2 passed, 0 failed, 0 skipped");
  EXPECT_EQ(Summary(WithModule("(assert_return (invoke \"f\" (i32.const 1)) (i64.const 1))")),
            "1 passed, 1 failed, 0 skipped\n"
            "t.wast:2: assert_return: f: expected [i64:1], came [i32:1]");
  EXPECT_EQ(Summary(WithModule("(assert_return (invoke \"f\" (i32.const 1)))")),
            "1 passed, 1 failed, 0 skipped\n"
            "t.wast:2: assert_return: f: expected [], came [i32:1]");
  EXPECT_EQ(Summary(WithModule("(assert_return (invoke \"f\" (f32.const 1)) "
                               "(either (f32.const 2) (either (f32.const 1))))")),
            "2 passed, 0 failed, 0 skipped");
  EXPECT_EQ(Summary(WithModule("(assert_return (get \"g\") (i32.const 42))")),
            "2 passed, 0 failed, 0 skipped");
}

TEST(ScriptRunner, TrapsAndExceptions) {
  const std::pair<const char*, bool> cases[] = {
      {R"wast((assert_trap (invoke "trap") "unreachable"))wast", true},
      {R"wast((assert_trap (invoke "trap") "unreachable (at 8)"))wast", false},
      {R"wast((assert_trap (invoke "trap") "integer overflow"))wast", false},
      {R"wast((assert_trap (invoke "f") "unreachable"))wast", false},
      {R"wast((assert_trap (invoke "deep") "call stack exhausted"))wast", false},
      {R"wast((assert_trap (invoke "throw") "an exception"))wast", false},
      {R"wast((assert_exhaustion (invoke "deep") "call stack exhausted"))wast", true},
      {R"wast((assert_exhaustion (invoke "f") "call stack exhausted"))wast", false},
      {R"wast((assert_exception (invoke "throw")))wast", true},
      {R"wast((assert_exception (invoke "trap")))wast", false},
      {R"wast((assert_exception (invoke "f")))wast", false},
      {R"wast((assert_return (invoke "trap")))wast", false},
      {R"wast((invoke "trap"))wast", false},
      {R"wast((invoke "f"))wast", true},
  };
  for (const auto& [command, passes] : cases) {
    EXPECT_EQ(RunText(WithModule(command)).failed, passes ? 0u : 1u) << command;
  }
}

TEST(ScriptRunner, Modules) {
  const std::pair<const char*, bool> cases[] = {
      {R"wast((assert_invalid (module binary "invalid") "type mismatch"))wast", true},
      {R"wast((assert_invalid (module binary "invalid") "type mismatch: xy"))wast", false},
      {R"wast((assert_invalid (module binary "invalid") "what they say"))wast", true},
      {R"wast((assert_invalid (module binary "invalid") "what they say here"))wast", false},
      {R"wast((assert_invalid (module binary) "type mismatch"))wast", false},
      {R"wast((assert_invalid (module binary "off") "multiple tables"))wast", true},
      {R"wast((assert_invalid (module binary "off") "type mismatch"))wast", false},
      {R"wast((assert_invalid (module quote "(frob)") "unexpected token"))wast", false},
      {R"wast((assert_malformed (module quote "(func 1)") "unexpected token"))wast", true},
      {R"wast((assert_malformed (module quote "(frob)") "unknown label"))wast", false},
      {R"wast((assert_malformed (module binary "invalid") "type mismatch"))wast", true},
      {R"wast((assert_malformed (module binary) "type mismatch"))wast", false},
      {R"wast((assert_malformed_custom (module quote "(func 1)") "unexpected token"))wast", true},
      {R"wast((assert_invalid_custom (module binary "invalid") "type mismatch"))wast", true},
      {R"wast((assert_unlinkable (module binary "unlinkable") "unknown import"))wast", true},
      {R"wast((assert_unlinkable (module binary "wrong") "incompatible import type"))wast", true},
      {R"wast((assert_unlinkable (module binary "wrong") "unknown import"))wast", false},
      {R"wast((assert_unlinkable (module binary "traps") "unreachable"))wast", false},
      {R"wast((assert_unlinkable (module binary "invalid") "type mismatch"))wast", false},
      {R"wast((assert_unlinkable (module binary) "unknown import"))wast", false},
      {R"wast((assert_trap (module binary "traps") "unreachable"))wast", true},
      {R"wast((assert_trap (module binary "traps") "integer overflow"))wast", false},
      {R"wast((assert_trap (module binary) "unreachable"))wast", false},
      {R"wast((module binary "invalid"))wast", false},
      {R"wast((module definition binary "invalid"))wast", false},
      {R"wast((module definition binary "unlinkable"))wast", true},
      {R"wast((module binary "unlinkable"))wast", false},
      {R"wast((module quote "(frob)"))wast", false},
  };
  for (const auto& [command, passes] : cases) {
    EXPECT_EQ(RunText(command).failed, passes ? 0u : 1u) << command;
  }
  EXPECT_EQ(RunText(R"((assert_invalid (module binary "invalid") "what they say"))").pairs_used,
            std::set<std::string>{"what they say => type mis"});
}

TEST(ScriptRunner, DefinitionsAndInstances) {
  EXPECT_EQ(Summary(R"(
    (module definition $M binary)
    (module instance $A $M)
    (module instance $B $M)
    (module definition binary)
    (module instance)
    (assert_return (invoke "instance") (i32.const 2))
    (assert_return (invoke $A "instance") (i32.const 0))
    (assert_return (invoke $B "instance") (i32.const 1))
    (module $B binary)
    (assert_return (invoke $B "instance") (i32.const 3))
    (module instance $C $B)
    (assert_return (invoke "instance") (i32.const 4))
    (register "a" $C))"),
            "13 passed, 0 failed, 0 skipped");
}

TEST(ScriptRunner, WhatIsMissingAfterAFailureFails) {
  EXPECT_EQ(Summary(R"((invoke "f")
    (module $a binary "invalid")
    (register "a")
    (assert_return (invoke "f"))
    (assert_return (invoke $a "f"))
    (module instance $b $a)
    (invoke $nobody "f")
    (wait $nobody))"),
            "0 passed, 8 failed, 0 skipped\n"
            "t.wast:1: action: there is none yet\n"
            "t.wast:2: module: expected a module, came: INVALID_ARGUMENT: type mismatch: x (at "
            "offset 0x1)\n"
            "t.wast:3: register: what it is about is missing since line 2\n"
            "t.wast:4: assert_return: what it is about is missing since line 2\n"
            "t.wast:5: assert_return: what it is about is missing since line 2\n"
            "t.wast:6: module instance: what it is about is missing since line 2\n"
            "t.wast:7: action: there is no $nobody\n"
            "t.wast:8: wait: there is no thread $nobody");
}

TEST(ScriptRunner, SkipsAreForListedFeatures) {
  const Report report = RunText(R"(
    (module $a binary "later")
    (register "a")
    (assert_return (invoke "f"))
    (module binary "unlinkable")
    (assert_unlinkable (module binary "unlinkable") "incompatible import type")
    (assert_unlinkable (module binary "unlinkable") "unknown import")
    (module binary)
    (assert_trap (invoke "later") "unreachable")
    (assert_return (invoke "later"))
    (assert_return (get "g") (i32.const 42)))");
  EXPECT_EQ(report.Summary(), "3 passed, 0 failed, 7 skipped");
  EXPECT_EQ(report.skips, (std::map<std::string, uint64_t>{{"gc", 7}}));

  const Report unlisted = RunText(WithModule("(invoke \"unlisted\")"));
  ASSERT_EQ(unlisted.failures.size(), 1u);
  EXPECT_TRUE(absl::StrContains(unlisted.failures[0], "lacks simd")) << unlisted.failures[0];
}

TEST(ScriptRunner, WhatASkippedEffectMayChangeIsSkipped) {
  const Report report = RunText(R"(
    (module $a binary)
    (assert_return (invoke "later"))
    (assert_return (invoke "f" (i32.const 1)) (i32.const 2))
    (invoke "later")
    (assert_return (invoke "f" (i32.const 1)) (i32.const 2))
    (assert_return (invoke "f" (i32.const 1)) (i32.const 1))
    (assert_trap (invoke "f") "unreachable")
    (assert_trap (invoke "trap") "integer overflow")
    (module binary)
    (assert_return (invoke "f" (i32.const 1)) (i32.const 2))
    (assert_return (invoke $a "f" (i32.const 1)) (i32.const 2)))");
  EXPECT_EQ(report.Summary(), "3 passed, 3 failed, 5 skipped");
}

TEST(ScriptRunner, UnreadableCommandsFailAndTheRestRuns) {
  EXPECT_EQ(RunText(R"(
    (frob) x )
    (assert_return (invoke "f") (i32.const 1x))
    (module binary)
    (invoke "f"))")
                .Summary(),
            "2 passed, 4 failed, 0 skipped");
}

TEST(ScriptRunner, AnEngineThatOnlyValidates) {
  const Report report = RunWith(OnlyValidating(), R"(
    (module $a binary)
    (module binary "invalid")
    (module definition binary)
    (module instance)
    (assert_unlinkable (module binary "unlinkable") "unknown import")
    (assert_trap (module binary "invalid") "unreachable")
    (assert_invalid (module binary "invalid") "type mismatch")
    (register "a" $a)
    (assert_return (invoke $a "f"))
    (thread $t (shared (module $a)) (invoke "f"))
    (wait $t))");
  EXPECT_EQ(report.Summary(), "4 passed, 2 failed, 6 skipped");
  EXPECT_EQ(report.skips, (std::map<std::string, uint64_t>{{"execution", 6}}));
}

TEST(ScriptRunner, ThreadsRunSideBySide) {
  EXPECT_EQ(Summary(R"(
    (module $a binary)
    (thread $t (shared (module $a))
      (invoke $a "meet" (i32.const 3))
      (thread $t (invoke "f"))
      (wait $t)
      (assert_return (invoke $a "f" (i32.const 1)) (i32.const 2)))
    (thread $u (shared (module $a))
      (assert_return (invoke $a "instance") (i32.const 0))
      (invoke $a "meet" (i32.const 3)))
    (invoke "meet" (i32.const 3))
    (wait $u)
    (wait $t))"),
            "11 passed, 2 failed, 0 skipped\n"
            "t.wast:5: action: there is none yet\n"
            "t.wast:7: assert_return: f: expected [i32:2], came [i32:1]");
  // One that nobody waits for counts too.
  EXPECT_EQ(RunText("(thread $t (module binary))").Summary(), "2 passed, 0 failed, 0 skipped");
}

TEST(ScriptRunner, AThreadThatCannotRunIsSkippedWhole) {
  FakeEngine engine;
  engine.cannot_fork = true;
  EXPECT_EQ(RunWith(std::move(engine), R"(
    (thread $t (module binary) (thread $u (invoke "f")) (invoke "f"))
    (wait $t))")
                .Summary(),
            "0 passed, 0 failed, 6 skipped");
  // For another reason than a lack, it fails.
  EXPECT_EQ(RunText("(thread $t (shared (module $x)) (invoke \"f\"))\n(wait $t)").Summary(),
            "0 passed, 3 failed, 0 skipped");
}

TEST(ScriptRunner, ThreadsAreLimited) {
  std::string script;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&script, "(thread $", i, ")\n");
  EXPECT_EQ(RunText(script).Summary(), "64 passed, 36 failed, 0 skipped");
}

}  // namespace
}  // namespace gantry::wast
