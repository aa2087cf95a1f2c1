#include "wasm_translate/testing/byte_source.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::wasm::testing {
namespace {

TEST(ByteSourceTest, ReadsBytesThenZeroes) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5};
  ByteSource source(bytes);
  EXPECT_EQ(source.Byte(), 1);
  EXPECT_EQ(source.U32(), 0x05040302u);
  EXPECT_TRUE(source.exhausted());
  EXPECT_EQ(source.Byte(), 0);
  EXPECT_EQ(source.U64(), 0u);
  EXPECT_EQ(source.Below(1'000'000), 0u);
  EXPECT_FALSE(source.Percent(99));
  EXPECT_TRUE(source.Percent(100));
}

TEST(ByteSourceTest, BelowReachesEveryNumberAndNoOther) {
  for (size_t bound : {0u, 1u, 2u, 3u, 7u, 100u, 255u, 256u}) {
    std::set<size_t> seen;
    for (int byte = 0; byte < 256; ++byte) {
      const std::vector<uint8_t> bytes = {static_cast<uint8_t>(byte)};
      ByteSource source(bytes);
      seen.insert(source.Below(bound));
    }
    EXPECT_EQ(seen.size(), bound == 0 ? 1 : bound);
    EXPECT_EQ(*seen.rbegin(), bound == 0 ? 0 : bound - 1);
  }
  const std::vector<uint8_t> ones(4, 0xFF);
  ByteSource source(ones);
  EXPECT_EQ(source.Below(257), 256u);
  EXPECT_TRUE(source.exhausted());
}

TEST(ByteSourceTest, RandomBytesDependOnTheSeedAlone) {
  EXPECT_EQ(RandomBytes(5, 100), RandomBytes(5, 100));
  EXPECT_NE(RandomBytes(5, 100), RandomBytes(6, 100));
  EXPECT_TRUE(RandomBytes(5, 0).empty());
  std::vector<uint8_t> longer = RandomBytes(5, 100);
  longer.resize(37);
  EXPECT_EQ(RandomBytes(5, 37), longer);
}

}  // namespace
}  // namespace gantry::wasm::testing
