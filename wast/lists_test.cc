#include "wast/lists.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gantry::wast {
namespace {

TEST(Lists, MessagePairs) {
  const auto pairs = ParseMessagePairs("# a comment\n\n a b => c d \nx => y\nx => z\n");
  ASSERT_TRUE(pairs.ok()) << pairs.status();
  ASSERT_EQ(pairs->size(), 3u);
  EXPECT_EQ((*pairs)[0].script, "a b");
  EXPECT_EQ((*pairs)[0].ours, "c d");
  EXPECT_EQ((*pairs)[2].ToString(), "x => z");
}

TEST(Lists, BadMessagePairs) {
  for (const char* text : {"a", "a =>", "=> b", "a => b => c", "a => a", "a => b\na => b"}) {
    EXPECT_FALSE(ParseMessagePairs(text).ok()) << text;
  }
  std::string many;
  for (size_t i = 0; i < kMaxMessagePairs; ++i) absl::StrAppend(&many, i, " => x\n");
  EXPECT_TRUE(ParseMessagePairs(many).ok());
  EXPECT_FALSE(ParseMessagePairs(many + "one more => x\n").ok());
}

TEST(Lists, SkippedFeatures) {
  const auto features = ParseSkippedFeatures("# a comment\nsimd not yet\ngc   nor that\n");
  ASSERT_TRUE(features.ok()) << features.status();
  ASSERT_EQ(features->size(), 2u);
  EXPECT_EQ((*features)[1].name, "gc");
  EXPECT_EQ((*features)[1].why, "nor that");
  EXPECT_FALSE(ParseSkippedFeatures("simd\n").ok());
  EXPECT_FALSE(ParseSkippedFeatures("simd a\nsimd b\n").ok());
}

TEST(Lists, BuiltIn) { EXPECT_LE(BuiltInLists().messages.size(), kMaxMessagePairs); }

}  // namespace
}  // namespace gantry::wast
