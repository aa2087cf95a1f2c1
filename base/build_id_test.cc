#include "base/build_id.h"

#include "gtest/gtest.h"

namespace gantry {
namespace {

TEST(BuildIdTest, DebiansLinkersWriteOneThatStays) {
  const std::string id = BuildId();
  EXPECT_GE(id.size(), 8u);
  EXPECT_EQ(BuildId(), id);
}

}  // namespace
}  // namespace gantry
