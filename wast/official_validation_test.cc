// All modules of the official scripts are given the right verdict, with the scripts' messages:
// valid ones are valid, what assert_invalid, assert_malformed and their *_custom name is
// refused as they say, what assert_unlinkable and assert_trap name is valid.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "wast/lists.h"
#include "wast/suite.h"
#include "wast/testsuite.h"
#include "wast/validate_engine.h"

namespace gantry::wast {
namespace {

// How many commands passed when this was last raised; it is never lowered.
constexpr uint64_t kPassed = 7'657;

TEST(OfficialScripts, EveryModuleIsJudgedRight) {
  const auto folder = TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  const std::vector<std::string> files = WastFiles(*folder);
  const SuiteReport suite = RunSuite(
      files,
      [](const std::string& path) -> absl::StatusOr<std::unique_ptr<ScriptEngine>> {
        wasm::ParseOptions options;
        options.features = FeaturesOfScript(path);
        return std::make_unique<ValidateEngine>(options);
      },
      BuiltInLists());
  EXPECT_TRUE(suite.report.failures.empty()) << absl::StrJoin(suite.report.failures, "\n");
  EXPECT_GE(suite.report.passed, kPassed);
  for (const auto& [feature, count] : suite.report.skips) {
    EXPECT_EQ(feature, "execution") << count;
  }
  std::cout << files.size() << " files, " << BuiltInLists().messages.size()
            << " pairs of messages, " << suite.report.pairs_used.size() << " of them used\n"
            << suite.report.Summary() << "\n";
}

}  // namespace
}  // namespace gantry::wast
