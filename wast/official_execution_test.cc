// Every command of the official scripts that the converter can read, executed: what runs gives
// the right results and traps, what cannot be compiled yet is skipped, nothing fails.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_join.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/testing/test_flags.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wast/api_engine.h"
#include "wast/file.h"
#include "wast/suite.h"
#include "wast/testsuite.h"

namespace gantry::wast {
namespace {

// How many commands passed when this was last raised; it is never lowered.
constexpr uint64_t kPassed = 37'900;

TEST(OfficialScripts, Execute) {
  const auto folder = TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  const auto known = ReadFile("wast/known_failures.txt");
  ASSERT_TRUE(known.ok()) << known.status();
  Config config;
  AddTestCompilerFlags(config);
  const auto engine = Engine::Create(config);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const SuiteReport suite = RunSuite(WastFiles(*folder),
                                     [&] {
                                       auto created = ApiEngine::Create(*engine);
                                       CHECK_OK(created.status());
                                       return *std::move(created);
                                     },
                                     ParseKnownFailures(*known), {.without_tags = true});
  EXPECT_TRUE(suite.report.failures.empty()) << absl::StrJoin(suite.report.failures, "\n");
  EXPECT_GE(suite.report.passed, kPassed);
  std::cout << absl::StrJoin(suite.files, "\n") << "\n"
            << absl::StrJoin(suite.report.messages, "\n") << "\n"
            << suite.report.Summary() << "\n";
}

}  // namespace
}  // namespace gantry::wast
