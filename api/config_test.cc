#include "api/config.h"

#include "gtest/gtest.h"

namespace gantry {
namespace {

TEST(ConfigTest, SettersAreIdempotentAndTheLastOneCounts) {
  Config config;
  config.OptLevel(OptLevel::kNone).ConsumeFuel(true).OptLevel(OptLevel::kSpeedAndSize);
  config.ConsumeFuel(true);
  EXPECT_EQ(config.opt_level(), OptLevel::kSpeedAndSize);
  EXPECT_TRUE(config.consume_fuel());
}

TEST(ConfigTest, AFlagHasOneValue) {
  Config config;
  config.CompilerFlag("a", "1").CompilerFlag("b", "2").CompilerFlag("a", "3");
  ASSERT_EQ(config.compiler_flags().size(), 2u);
  EXPECT_EQ(config.compiler_flags()[0], (std::pair<std::string, std::string>("a", "3")));
  EXPECT_EQ(config.compiler_flags()[1], (std::pair<std::string, std::string>("b", "2")));
}

TEST(ConfigTest, DefaultsAreTheSafeOnes) {
  const Config config;
  EXPECT_TRUE(config.spectre_mitigations());
  EXPECT_FALSE(config.nan_canonicalization());
  EXPECT_FALSE(config.relaxed_simd_deterministic());
  EXPECT_TRUE(config.signals_based_traps());
  EXPECT_TRUE(config.wasm_backtrace());
  EXPECT_FALSE(config.consume_fuel());
}

TEST(ConfigTest, FeaturesAndLimitsAreValues) {
  Config config;
  EXPECT_EQ(config.features(), wasm::Features::Default());
  EXPECT_EQ(config.module_limits(), wasm::ValidatorLimits());
  config.WasmFeature(wasm::Feature::kSimd, false).WasmFeature(wasm::Feature::kThreads, true);
  wasm::ValidatorLimits limits;
  limits.types = 3;
  config.ModuleLimits(limits);
  EXPECT_FALSE(config.features().Has(wasm::Feature::kSimd));
  EXPECT_TRUE(config.features().Has(wasm::Feature::kThreads));
  EXPECT_TRUE(config.features().Has(wasm::Feature::kGc));
  EXPECT_EQ(config.module_limits().types, 3u);
}

}  // namespace
}  // namespace gantry
