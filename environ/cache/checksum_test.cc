#include "environ/cache/checksum.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

// Of all lengths up to some blocks: each bit changed, each length cut, the key changed.
TEST(ChecksumTest, EveryChangedBitAndEveryLengthIsFound) {
  Digest key = {};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(7 * i);
  std::string value;
  for (size_t size = 0; size < 70; ++size) {
    const Checksum sum = ChecksumOf(key, value);
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      value[bit / 8] ^= static_cast<char>(1 << bit % 8);
      EXPECT_NE(ChecksumOf(key, value), sum) << size << " " << bit;
      value[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * key.size(); ++bit) {
      key[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_NE(ChecksumOf(key, value), sum) << size << " " << bit;
      key[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    EXPECT_EQ(ChecksumOf(key, value), sum);
    value.push_back(static_cast<char>(31 * size));
  }
}

TEST(ChecksumTest, ZerosOfEveryLengthDiffer) {
  std::set<Checksum> sums;
  for (size_t size = 0; size < 500; ++size) sums.insert(ChecksumOf({}, std::string(size, '\0')));
  EXPECT_EQ(sums.size(), 500u);
}

// Blocks that change places, and halves of both words of the sum.
TEST(ChecksumTest, OrderCounts) {
  std::set<uint64_t> words;
  std::string value(64, '\0');
  size_t made = 0;
  for (size_t a = 0; a < value.size(); ++a) {
    for (size_t b = 0; b < value.size(); ++b) {
      if (a == b) continue;
      value[a] = 1;
      value[b] = 2;
      const Checksum sum = ChecksumOf({}, value);
      words.insert(sum[0]);
      words.insert(sum[1]);
      made += 2;
      value[a] = value[b] = 0;
    }
  }
  EXPECT_EQ(words.size(), made);
}

}  // namespace
}  // namespace gantry::environ
