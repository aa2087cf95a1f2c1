// What a compiler may infer of the host, the loader finds there: two lists, since neither may
// depend on the other.
#include "jit/host_features.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "isa_x64/backend/flags.h"

namespace gantry {
namespace {

TEST(HostFeaturesTest, CompilerAndLoaderAgree) {
  codegen::FlagSet flags(x64::kX64FlagTable);
  x64::InferHostFlags(&flags);
  size_t features = 0;
  for (const codegen::FlagInfo& flag : x64::kX64FlagTable.flags) {
    if (!absl::StartsWith(flag.name, "has_")) continue;
    ++features;
    EXPECT_EQ(jit::HostHasFeature(flag.name), flags.Get(flag.name) == "true") << flag.name;
  }
  EXPECT_GT(features, 15u);
}

}  // namespace
}  // namespace gantry
