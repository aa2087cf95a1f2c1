#include "wast/suite.h"

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wast/validate_engine.h"

namespace gantry::wast {
namespace {

using wasm::Feature;

TEST(Suite, FeaturesByFolder) {
  EXPECT_EQ(FeaturesOfScript("/x/i32.wast"), wasm::Features::Default());
  EXPECT_EQ(FeaturesOfScript("/x/custom/a.wast"), wasm::Features::Default());
  EXPECT_TRUE(FeaturesOfScript("/x/proposals/threads/a.wast").Has(Feature::kThreads));
  EXPECT_FALSE(FeaturesOfScript("/x/proposals/threads/a.wast").Has(Feature::kMultiMemory));
  EXPECT_TRUE(FeaturesOfScript("proposals/wide-arithmetic/a").Has(Feature::kWideArithmetic));
  EXPECT_TRUE(FeaturesOfScript("proposals/custom-page-sizes/a").Has(Feature::kCustomPageSizes));
}

std::string WriteScript(const char* name, absl::string_view text) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  EXPECT_NE(file, nullptr);
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  return path;
}

TEST(Suite, AddsUp) {
  const std::string good = WriteScript("good.wast", "(module)\n(invoke \"f\")");
  const std::string bad = WriteScript("bad.wast", "(assert_invalid (module) \"x\")");
  const Lists lists = {{{"x", "y"}}, {{"gc", "not built"}}};
  const SuiteReport suite = RunSuite(
      {good, bad, "/no/such/file"},
      [](const std::string& path) -> absl::StatusOr<std::unique_ptr<ScriptEngine>> {
        return std::make_unique<ValidateEngine>(
            wasm::ParseOptions{.features = FeaturesOfScript(path), .limits = {}});
      },
      lists);
  EXPECT_EQ(suite.report.Summary(), "1 passed, 2 failed, 1 skipped");
  ASSERT_EQ(suite.files.size(), 3u);
  EXPECT_EQ(suite.files[0], absl::StrCat(good, ": 1 passed, 0 failed, 1 skipped"));
  EXPECT_TRUE(absl::StrContains(suite.report.failures[0], "bad.wast:1: assert_invalid: "));
  EXPECT_TRUE(absl::StrContains(suite.report.failures[1], "/no/such/file"));
  EXPECT_EQ(DescribeSkips(suite.report, lists),
            (std::vector<std::string>{"1 skipped for execution"}));
  EXPECT_EQ(UnusedFeatures(suite.report, lists), (std::vector<std::string>{"gc"}));
  EXPECT_EQ(UnusedMessages(suite.report, lists), (std::vector<std::string>{"x => y"}));
}

TEST(Suite, AnEngineThatCannotBeMadeIsAFailure) {
  const std::string good = WriteScript("good.wast", "(module)");
  const SuiteReport suite = RunSuite(
      {good}, [](const std::string&) { return absl::UnimplementedError("no engine"); }, {});
  EXPECT_EQ(suite.report.failed, 1u);
}

}  // namespace
}  // namespace gantry::wast
