#include "runtime/shared_bytes.h"

#include <array>
#include <cstring>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

constexpr size_t kBytes = 96;

struct alignas(8) Bytes {
  std::array<uint8_t, kBytes> at;

  explicit Bytes(uint8_t seed) {
    for (size_t i = 0; i < kBytes; ++i) at[i] = static_cast<uint8_t>(seed + 7 * i);
  }
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

// Every alignment of both sides, every length up to a few words, against memmove.
TEST(SharedBytesTest, EveryAlignmentAndLength) {
  for (size_t to = 0; to < 16; ++to) {
    for (size_t from = 0; from < 16; ++from) {
      for (size_t count = 0; count <= 40; ++count) {
        const Bytes source(3);
        Bytes expected(100);
        Bytes copied = expected, read = expected;
        std::memcpy(expected.at.data() + to, source.at.data() + from, count);
        CopyToShared(copied.at.data() + to, source.at.data() + from, count);
        CopyFromShared(read.at.data() + to, source.at.data() + from, count);
        ASSERT_EQ(copied, expected) << to << " " << from << " " << count;
        ASSERT_EQ(read, expected) << to << " " << from << " " << count;
      }
    }
  }
}

TEST(SharedBytesTest, MovesThatOverlapInEveryWay) {
  for (size_t to = 0; to < 48; ++to) {
    for (size_t from = 0; from < 48; ++from) {
      for (size_t count = 0; count <= 48; ++count) {
        Bytes expected(3);
        Bytes moved = expected;
        std::memmove(expected.at.data() + to, expected.at.data() + from, count);
        MoveShared(moved.at.data() + to, moved.at.data() + from, count);
        ASSERT_EQ(moved, expected) << to << " " << from << " " << count;
      }
    }
  }
}

TEST(SharedBytesTest, Fills) {
  for (size_t to = 0; to < 16; ++to) {
    for (size_t count = 0; count <= 40; ++count) {
      Bytes expected(3);
      Bytes filled = expected;
      std::memset(expected.at.data() + to, 0xC5, count);
      FillShared(filled.at.data() + to, 0xC5, count);
      ASSERT_EQ(filled, expected) << to << " " << count;
    }
  }
}

// Nothing to assert but that ThreadSanitizer has nothing to say, and that bytes are never ones
// that nobody wrote.
TEST(SharedBytesTest, RacesAreDefined) {
  std::vector<uint64_t> words(512, 0);
  uint8_t* bytes = reinterpret_cast<uint8_t*>(words.data());
  const size_t half = words.size() * 4;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([=] {
      std::vector<uint8_t> mine(half - 16, 0x11);
      for (int i = 0; i < 200; ++i) {
        FillShared(bytes + 3, 0x11, half);
        MoveShared(bytes + half - 5, bytes + 1, half);
        CopyToShared(bytes + 5 + thread, mine.data(), mine.size());
        CopyFromShared(mine.data(), bytes + 9, mine.size());
        for (const uint8_t byte : mine) ASSERT_TRUE(byte == 0 || byte == 0x11) << int{byte};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gantry::runtime
