#include "cli/wasm_features_flag.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry::cli {
namespace {

using ::testing::HasSubstr;
using wasm::Feature;
using wasm::Features;

TEST(WasmFeaturesFlagTest, NothingIsWebAssembly3) {
  EXPECT_EQ(*ParseWasmFeatures({}), Features::Default());
}

TEST(WasmFeaturesFlagTest, EveryFeatureIsAFlag) {
  for (const Feature feature : wasm::AllFeatures()) {
    if (feature == Feature::kMvp) continue;
    const std::string name(wasm::FeatureName(feature));
    for (const bool on : {false, true}) {
      Features expected = Features::Default();
      expected.Set(feature, on);
      EXPECT_EQ(*ParseWasmFeatures({name + (on ? "=y" : "=n")}), expected) << name;
    }
    EXPECT_TRUE(ParseWasmFeatures({name})->Has(feature)) << name;
    EXPECT_THAT(WasmFeatureNames(), HasSubstr(name));
  }
}

TEST(WasmFeaturesFlagTest, SingleNamesCountMoreThanAllProposals) {
  Features expected = Features::All();
  expected.Set(Feature::kSimd, false);
  EXPECT_EQ(*ParseWasmFeatures({"simd=n", "all-proposals"}), expected);
  EXPECT_EQ(*ParseWasmFeatures({"all-proposals=y,simd=n"}), expected);
  EXPECT_EQ(*ParseWasmFeatures({"all-proposals=n"}), Features());
}

TEST(WasmFeaturesFlagTest, WhatIsNotKnownIsNamed) {
  EXPECT_THAT(std::string(ParseWasmFeatures({"nope"}).status().message()),
              HasSubstr("-W nope is not known; there are: all-proposals, "));
  EXPECT_THAT(std::string(ParseWasmFeatures({"simd=2"}).status().message()),
              HasSubstr("-W simd=2: y or n is needed"));
  EXPECT_FALSE(ParseWasmFeatures({"all-proposals=maybe"}).ok());
  EXPECT_FALSE(ParseWasmFeatures({"mvp=n"}).ok());
}

TEST(WasmFeaturesFlagTest, OtherNamesAreLeftInOrder) {
  Features features;
  std::vector<FlagEntry> others;
  ASSERT_TRUE(
      ApplyWasmFeatures(SplitFlagList({"fuel=3,gc", "max-wasm-stack=9"}), &features, &others).ok());
  EXPECT_TRUE(features.Has(Feature::kGc));
  ASSERT_EQ(others.size(), 2u);
  EXPECT_EQ(others[0].name, "fuel");
  EXPECT_EQ(others[1].value, "9");
}

}  // namespace
}  // namespace gantry::cli
