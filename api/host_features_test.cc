// What a compiler may infer of the host, the loader finds there: two lists, since neither may
// depend on the other.
#include "jit/host_features.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#if defined(__aarch64__)
#include "isa_aarch64/backend/flags.h"
#else
#include "isa_x64/backend/flags.h"
#endif

namespace gantry {
namespace {

#if defined(__aarch64__)
using aarch64::InferHostFlags;
const codegen::FlagTable& kFlagTable = aarch64::kAArch64FlagTable;
constexpr size_t kLeastFeatures = 1;
#else
using x64::InferHostFlags;
const codegen::FlagTable& kFlagTable = x64::kX64FlagTable;
constexpr size_t kLeastFeatures = 16;
#endif

TEST(HostFeaturesTest, CompilerAndLoaderAgree) {
  codegen::FlagSet flags(kFlagTable);
  InferHostFlags(&flags);
  size_t features = 0;
  for (const codegen::FlagInfo& flag : kFlagTable.flags) {
    if (!absl::StartsWith(flag.name, "has_")) continue;
    ++features;
    EXPECT_EQ(jit::HostHasFeature(flag.name), flags.Get(flag.name) == "true") << flag.name;
  }
  EXPECT_GE(features, kLeastFeatures);
}

}  // namespace
}  // namespace gantry
