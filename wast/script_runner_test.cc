#include "wast/script_runner.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wast/converter.h"
#include "wast/file.h"
#include "wast/script.h"

namespace gantry::wast {
namespace {

// Answers by the name of the export that is called.
class FakeEngine : public ScriptEngine {
 public:
  absl::Status Validate(absl::Span<const uint8_t> module) override {
    return module.empty() ? absl::OkStatus() : absl::InvalidArgumentError("type mismatch: x");
  }
  absl::StatusOr<InstanceId> Instantiate(absl::Span<const uint8_t> module) override {
    if (module.empty()) return InstanceId{0};
    return absl::FailedPreconditionError("unknown import: x");
  }
  absl::Status Register(InstanceId, absl::string_view) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId, absl::string_view field,
                                            absl::Span<const Value> arguments) override {
    if (field == "trap") return absl::AbortedError("unreachable (at 7)");
    if (field == "deep") return absl::ResourceExhaustedError("call stack exhausted");
    if (field == "later") return absl::UnimplementedError("not yet");
    return std::vector<Value>(arguments.begin(), arguments.end());
  }
  absl::StatusOr<Value> Get(InstanceId, absl::string_view) override { return Value::I32(42); }
};

// Runs commands written as the members of JSON objects, in a folder with an empty module
// "m" and one that is not empty, "bad".
Report RunCommands(const std::vector<std::string>& commands, const KnownFailures& known = {}) {
  const std::string folder = ::testing::TempDir();
  EXPECT_TRUE(WriteFile(absl::StrCat(folder, "/m"), "").ok());
  EXPECT_TRUE(WriteFile(absl::StrCat(folder, "/bad"), "x").ok());
  std::string json = R"({"source_filename": "t.wast", "commands": [)";
  for (size_t i = 0; i < commands.size(); ++i) {
    absl::StrAppend(&json, i > 0 ? "," : "", R"({"line": )", i + 1, ", ", commands[i], "}");
  }
  const auto script = ParseScript(json + "]}", folder);
  EXPECT_TRUE(script.ok()) << script.status();
  FakeEngine engine;
  return RunScript(*script, engine, known);
}

const char kModule[] = R"("type": "module", "filename": "m")";

std::string Return(const std::string& argument, const std::string& expected) {
  return absl::StrCat(R"("type": "assert_return", "action": {"type": "invoke", "field": "f",)",
                      R"("args": [)", argument, R"(]}, "expected": [)", expected, "]");
}

TEST(ScriptRunner, ComparesResults) {
  const std::string one = R"({"type": "i32", "value": "1"})";
  const std::string two = R"({"type": "i32", "value": "2"})";
  const std::string long_one = R"({"type": "i64", "value": "1"})";
  EXPECT_EQ(RunCommands({kModule, Return(one, one)}).Summary(), "2 passed, 0 failed, 0 skipped");
  EXPECT_EQ(RunCommands({kModule, Return(one, long_one)}).failed, 1u);
  EXPECT_EQ(RunCommands({kModule, Return(one, absl::StrCat(one, ",", one))}).failed, 1u);
  const Report report = RunCommands({kModule, Return(one, two)});
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0], "t.wast:2: assert_return: f: expected [i32:2], came [i32:1]");
}

TEST(ScriptRunner, NanPatterns) {
  auto f32 = [](const char* value) {
    return absl::StrCat(R"({"type": "f32", "value": ")", value, R"("})");
  };
  const char* canonical = "2143289344";  // 0x7fc00000
  const char* negative = "4290772992";   // 0xffc00000
  const char* payload = "2143289345";    // 0x7fc00001
  const char* signaling = "2139095041";  // 0x7f800001
  EXPECT_EQ(RunCommands({kModule, Return(f32(canonical), f32("nan:canonical"))}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(f32(negative), f32("nan:canonical"))}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(f32(payload), f32("nan:canonical"))}).failed, 1u);
  EXPECT_EQ(RunCommands({kModule, Return(f32(payload), f32("nan:arithmetic"))}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(f32(signaling), f32("nan:arithmetic"))}).failed, 1u);
}

TEST(ScriptRunner, VectorsByLane) {
  const std::string halves =
      R"({"type": "v128", "lane_type": "i16", "value": ["1","2","3","4","5","6","7","65535"]})";
  const std::string words =
      R"({"type": "v128", "lane_type": "i32", "value": ["131073","262147","393221","4294901767"]})";
  EXPECT_EQ(RunCommands({kModule, Return(halves, words)}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(words, halves)}).failed, 0u);
}

TEST(ScriptRunner, References) {
  const std::string null = R"({"type": "externref", "value": "null"})";
  const std::string one = R"({"type": "externref", "value": "1"})";
  const std::string any = R"({"type": "externref"})";
  EXPECT_EQ(RunCommands({kModule, Return(null, null)}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(one, one)}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(one, any)}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Return(one, null)}).failed, 1u);
  EXPECT_EQ(RunCommands({kModule, Return(null, any)}).failed, 1u);
}

std::string Assert(const char* type, const char* field, const char* text) {
  return absl::StrCat(R"("type": ")", type, R"(", "text": ")", text,
                      R"(", "action": {"type": "invoke", "field": ")", field, R"(", "args": []})");
}

TEST(ScriptRunner, TrapsAreToldByTheirMessage) {
  EXPECT_EQ(RunCommands({kModule, Assert("assert_trap", "trap", "unreachable")}).failed, 0u);
  EXPECT_EQ(RunCommands({kModule, Assert("assert_trap", "trap", "integer overflow")}).failed, 1u);
  EXPECT_EQ(RunCommands({kModule, Assert("assert_trap", "f", "unreachable")}).failed, 1u);
  EXPECT_EQ(
      RunCommands({kModule, Assert("assert_exhaustion", "deep", "call stack exhausted")}).failed,
      0u);
}

TEST(ScriptRunner, Modules) {
  const Report report = RunCommands({
      R"("type": "assert_invalid", "filename": "bad", "text": "type mismatch")",
      R"("type": "assert_malformed", "filename": "bad", "text": "unexpected end")",
      R"("type": "assert_malformed", "filename": "m", "text": "x")",
      R"("type": "assert_malformed", "filename": "m", "text": "x", "module_type": "text")",
      R"("type": "assert_unlinkable", "filename": "bad", "text": "unknown import")",
      R"("type": "assert_uninstantiable", "filename": "bad", "text": "unreachable")",
  });
  EXPECT_EQ(report.Summary(), "3 passed, 2 failed, 1 skipped");
  ASSERT_EQ(report.messages.size(), 1u);
  EXPECT_TRUE(absl::StrContains(report.messages[0], "unexpected end")) << report.messages[0];
}

TEST(ScriptRunner, WhatAnEngineDoesNotDoIsSkippedWithWhatFollows) {
  const Report report = RunCommands({
      R"("type": "module", "name": "$a", "filename": "bad")",
      R"("type": "register", "as": "a")",
      Return("", ""),
      kModule,
      Assert("assert_trap", "later", "unreachable"),
      R"("type": "assert_return", "action": {"type": "get", "field": "g"},)"
      R"("expected": [{"type": "i32", "value": "42"}])",
  });
  EXPECT_EQ(report.Summary(), "2 passed, 1 failed, 3 skipped");
}

TEST(ScriptRunner, AKnownFailureMustFail) {
  const KnownFailures known = ParseKnownFailures("# comment\nt.wast:2 because\n");
  const std::string one = R"({"type": "i32", "value": "1"})";
  EXPECT_EQ(RunCommands({kModule, Return(one, "")}, known).Summary(),
            "1 passed, 0 failed, 1 skipped");
  EXPECT_EQ(RunCommands({kModule, Return(one, one)}, known).Summary(),
            "1 passed, 1 failed, 0 skipped");
}

TEST(Script, BadJsonIsAnError) {
  EXPECT_FALSE(ParseScript("", ".").ok());
  EXPECT_FALSE(ParseScript("[1]", ".").ok());
  EXPECT_FALSE(
      ParseScript(R"({"commands": [{"type": "assert_return", "expected": [{}]}]})", ".").ok());
}

TEST(Converter, FormsOfAScript) {
  const auto forms =
      TopLevelForms("(module $m) ;; (no)\n(; (no (; nested ;) ;) (a \")\\\"\" (b))\n(c)");
  ASSERT_EQ(forms.size(), 3u);
  EXPECT_EQ(forms[0].head, "module");
  EXPECT_EQ(forms[0].second, "$m");
  EXPECT_EQ(forms[1].head, "a");
  EXPECT_EQ(forms[1].line, 2);
  EXPECT_EQ(forms[2].line, 3);
}

TEST(Converter, LeavesOutWhatItCannotRead) {
  const std::string folder = ::testing::TempDir();
  const std::string file = absl::StrCat(folder, "/reduced.wast");
  ASSERT_TRUE(WriteFile(file, R"(
(module (func (export "a")) (func (export "b") (no.such.operator)))
(assert_return (invoke "a"))
(assert_return (invoke "b"))
(assert_frobs (invoke "a"))
)")
                  .ok());
  const auto converted = ConvertScript(file, folder);
  ASSERT_TRUE(converted.ok()) << converted.status();
  EXPECT_EQ(converted->script.commands.size(), 2u);
  EXPECT_EQ(converted->unreadable.size(), 2u);
  EXPECT_EQ(converted->dependent, 1u);
}

}  // namespace
}  // namespace gantry::wast
