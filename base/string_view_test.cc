#include "base/string_view.h"

#include "gtest/gtest.h"

namespace gantry {
namespace {

TEST(StringViewTest, KeepsAddressAndLength) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(ToAbsl(text).data(), text.data());
  EXPECT_EQ(ToAbsl(text).size(), 3u);
  EXPECT_EQ(ToStd(ToAbsl(text)), text);
  EXPECT_TRUE(ToStd(absl::string_view()).empty());
}

}  // namespace
}  // namespace gantry
