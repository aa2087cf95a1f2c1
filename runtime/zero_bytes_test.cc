#include "runtime/zero_bytes.h"

#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

// Each single byte that is not zero is seen, wherever the range begins, and none outside of it.
TEST(ZeroBytesTest, EachByteCounts) {
  constexpr size_t kSize = 3 * kZeroBlock;
  std::vector<uint8_t> bytes(kSize + 64);
  for (const size_t offset : {0, 1, 16, 33}) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      bytes[at] = static_cast<uint8_t>(1 << at % 8);
      EXPECT_EQ(AreZero(bytes.data() + offset, kSize), at < offset || at >= offset + kSize)
          << offset << " " << at;
      bytes[at] = 0;
    }
    EXPECT_TRUE(AreZero(bytes.data() + offset, kSize));
    EXPECT_TRUE(AreZero(bytes.data() + offset, 0));
  }
}

}  // namespace
}  // namespace gantry::runtime
