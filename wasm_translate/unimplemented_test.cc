#include "wasm_translate/unimplemented.h"

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace gantry::wasm {
namespace {

TEST(UnimplementedTest, StatusCarriesFeatureAndName) {
  for (const Feature feature : AllFeatures()) {
    const absl::Status status = UnimplementedStatus({feature, "some.operator"});
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(UnimplementedFeature(status), feature);
    EXPECT_EQ(GetUnimplemented(status)->what, "some.operator");
  }
  EXPECT_EQ(UnimplementedStatus({Feature::kSimd, "i32x4.add"}).message(),
            "i32x4.add needs simd, which this compiler cannot make yet");
}

TEST(UnimplementedTest, AnyStatusCanCarryIt) {
  absl::Status status = absl::AbortedError("trap");
  EXPECT_EQ(UnimplementedFeature(status), std::nullopt);
  SetUnimplemented(status, {Feature::kGc, ""});
  EXPECT_EQ(UnimplementedFeature(status), Feature::kGc);
  EXPECT_EQ(status.message(), "trap");
  EXPECT_EQ(UnimplementedFeature(absl::OkStatus()), std::nullopt);
}

TEST(UnimplementedTest, AForeignPayloadIsNone) {
  absl::Status status = absl::UnimplementedError("x");
  status.SetPayload("type.gantry/unimplemented", absl::Cord("\xFFxyz"));
  EXPECT_EQ(UnimplementedFeature(status), std::nullopt);
  status.SetPayload("type.gantry/unimplemented", absl::Cord(""));
  EXPECT_EQ(UnimplementedFeature(status), std::nullopt);
}

}  // namespace
}  // namespace gantry::wasm
