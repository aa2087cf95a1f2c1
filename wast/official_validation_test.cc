// All modules of the official scripts that the converter can read are given the right
// verdict: valid ones are valid, and what assert_invalid and assert_malformed name is refused.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "wast/file.h"
#include "wast/suite.h"
#include "wast/testsuite.h"
#include "wast/validate_engine.h"

namespace gantry::wast {
namespace {

TEST(OfficialScripts, EveryModuleIsJudgedRight) {
  const auto folder = TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  const auto known = ReadFile("wast/known_failures.txt");
  ASSERT_TRUE(known.ok()) << known.status();
  const SuiteReport suite = RunSuite(
      WastFiles(*folder), [] { return std::make_unique<ValidateEngine>(wasm::ParseOptions()); },
      ParseKnownFailures(*known));
  EXPECT_TRUE(suite.report.failures.empty()) << absl::StrJoin(suite.report.failures, "\n");
  // Only ever more: text modules and executed commands are skipped here.
  EXPECT_GE(suite.report.passed, 5268u);
  std::cout << absl::StrJoin(suite.report.messages, "\n") << "\n"
            << suite.report.messages.size() << " messages differ from the script's\n"
            << suite.report.Summary() << "\n";

  const auto listed = ReadFile("wast/unreadable.txt");
  ASSERT_TRUE(listed.ok()) << listed.status();
  std::vector<std::string> expected;
  for (absl::string_view line : absl::StrSplit(*listed, '\n', absl::SkipEmpty())) {
    if (line[0] != '#') expected.emplace_back(line);
  }
  EXPECT_EQ(suite.unreadable, expected) << "wast/unreadable.txt is not what the converter says";
}

}  // namespace
}  // namespace gantry::wast
