// Scripts with modules as large as they may be, and larger: success, or a refusal that names the
// limit, within seconds.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wast/script_parser.h"
#include "wast/script_runner.h"
#include "wast/validate_engine.h"

namespace gantry::wast {
namespace {

// "ok", or the one failure.
std::string Outcome(const std::string& text) {
  ValidateEngine engine{wasm::ParseOptions()};
  const Report report = RunScript(ParseScript("t.wast", text), engine, Lists());
  EXPECT_EQ(report.passed + report.failed, 1u);
  return report.failures.empty() ? "ok" : report.failures[0];
}

std::string Repeat(absl::string_view text, int count) {
  std::string out;
  out.reserve(text.size() * count);
  for (int i = 0; i < count; ++i) out.append(text.data(), text.size());
  return out;
}

void ExpectRefusal(const std::string& text, absl::string_view message) {
  const std::string outcome = Outcome(text);
  EXPECT_TRUE(absl::StrContains(outcome, message)) << outcome.substr(0, 300);
}

TEST(LargeScripts, NestedBlocks) {
  constexpr int kDepth = 100'000;
  EXPECT_EQ(Outcome(absl::StrCat("(module (func ", Repeat("block ", kDepth), Repeat("end ", kDepth),
                                 "))")),
            "ok");
  EXPECT_EQ(
      Outcome(absl::StrCat("(module (func ", Repeat("(block ", kDepth), Repeat(")", kDepth), "))")),
      "ok");
  EXPECT_EQ(Outcome(absl::StrCat("(module (func (result i32) ", Repeat("(i32.eqz ", kDepth),
                                 "(i32.const 0)", Repeat(")", kDepth), "))")),
            "ok");
  // Not closed.
  EXPECT_NE(Outcome(absl::StrCat("(module (func ", Repeat("(block ", kDepth))), "ok");
  EXPECT_NE(Outcome(absl::StrCat("(module quote \"", Repeat("(block ", kDepth), "\")")), "ok");
}

TEST(LargeScripts, Locals) {
  EXPECT_EQ(Outcome(absl::StrCat("(module (func (local", Repeat(" i32", 50'000), ")))")), "ok");
  ExpectRefusal(absl::StrCat("(module (func (local", Repeat(" i32", 50'001), ")))"),
                "too many locals");
}

TEST(LargeScripts, Names) {
  const std::string name(10'000'000, 'n');
  EXPECT_EQ(Outcome(absl::StrCat("(module (func (export \"", name, "\")))")), "ok");
  EXPECT_EQ(Outcome(absl::StrCat("(module $", name, " (func $", name, "))")), "ok");
}

TEST(LargeScripts, BranchTable) {
  EXPECT_EQ(Outcome(absl::StrCat("(module (func (br_table", Repeat(" 0", 1'000'000),
                                 " (i32.const 0))))")),
            "ok");
  ExpectRefusal(
      absl::StrCat("(module (func (br_table", Repeat(" 0", 8'000'000), " (i32.const 0))))"),
      "function too large");
}

TEST(LargeScripts, Types) {
  EXPECT_EQ(Outcome(absl::StrCat("(module", Repeat("(type (func))", 1'000'000), ")")), "ok");
  ExpectRefusal(absl::StrCat("(module", Repeat("(type (func))", 1'000'001), ")"),
                "too many recursion groups");
  EXPECT_EQ(Outcome(absl::StrCat("(module (rec", Repeat("(type (struct))", 1'000'000), "))")),
            "ok");
}

}  // namespace
}  // namespace gantry::wast
