// Every command of the official scripts, executed: what runs gives the right results and
// traps, what cannot be compiled yet is skipped for a feature of skipped_features.txt, nothing
// fails; and neither list has an entry that no script needs.
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_join.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/testing/test_flags.h"
#include "gtest/gtest.h"
#include "wast/api_engine.h"
#include "wast/lists.h"
#include "wast/suite.h"
#include "wast/testsuite.h"

namespace gantry::wast {
namespace {

// How many commands passed when this was last raised; it is never lowered.
constexpr uint64_t kPassed = 65'556;
// With tier-up: how many functions were optimized when this was last raised.
constexpr uint64_t kOptimized = 6'000;

TEST(OfficialScripts, Execute) {
  const auto folder = TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  const Lists& lists = BuiltInLists();
  ApiEngine::Options options;
  options.async = TestMode("async");
  std::map<uint64_t, Engine> engines;
  const SuiteReport suite = RunSuite(
      WastFiles(*folder),
      [&](const std::string& path) -> absl::StatusOr<std::unique_ptr<ScriptEngine>> {
        const wasm::Features features = FeaturesOfScript(path);
        auto found = engines.find(features.bits());
        if (found == engines.end()) {
          Config config;
          config.WasmFeatures(features);
          if (TestMode("pooling")) {
            PoolingOptions pool;
            // The most that one script makes.
            pool.total_instances = 3000;
            config.PoolingAllocation(pool);
          }
          AddTestCompilerFlags(config);
          auto engine = Engine::Create(config);
          if (!engine.ok()) return engine.status();
          found = engines.emplace(features.bits(), *engine).first;
        }
        // More than any script uses, where fuel is counted.
        constexpr uint64_t kFuel = uint64_t{1} << 62;
        if (found->second.config().consume_fuel()) options.fuel = kFuel;
        return ApiEngine::Create(found->second, options);
      },
      lists);
  EXPECT_TRUE(suite.report.failures.empty()) << absl::StrJoin(suite.report.failures, "\n");
  EXPECT_GE(suite.report.passed, kPassed);
  uint64_t optimized = 0;
  bool tiers_up = false;
  for (const auto& [features, engine] : engines) {
    if (!engine.tier_up_stats()) continue;
    tiers_up = true;
    optimized += engine.tier_up_stats()->optimized;
  }
  // Every function that is entered at all is entered as optimized code.
  if (tiers_up) {
    EXPECT_GE(optimized, kOptimized);
  }
  EXPECT_EQ(absl::StrJoin(UnusedFeatures(suite.report, lists), ", "), "")
      << "nothing was skipped for these: take them out of skipped_features.txt";
  EXPECT_EQ(absl::StrJoin(UnusedMessages(suite.report, lists), "\n"), "")
      << "no script needs these: take them out of messages.txt";
  std::cout << absl::StrJoin(suite.files, "\n") << "\n"
            << lists.messages.size() << " pairs of messages\n"
            << absl::StrJoin(DescribeSkips(suite.report, lists), "\n") << "\n"
            << suite.report.Summary() << "\n";
}

}  // namespace
}  // namespace gantry::wast
