#include "wasi/guest_io.h"

#include <limits.h>

#include "gtest/gtest.h"

namespace gantry::wasi {
namespace {

TEST(GuestMemoryTest, RangesNeverWrap) {
  std::vector<uint8_t> bytes(100);
  const GuestMemory memory(absl::MakeSpan(bytes));
  // Every corner of address and length, as 64-bit arithmetic that cannot wrap says.
  const uint64_t edges[] = {0,          1,          4,          50,  99,         100,       101,
                            0x7fffffff, 0x80000000, 0xffffff9c, 200, 0xfffffffe, 0xffffffff};
  for (uint64_t address : edges) {
    for (uint64_t length : edges) {
      const bool inside = address + length <= bytes.size();
      EXPECT_EQ(memory.Range(static_cast<uint32_t>(address), length).ok(), inside)
          << address << " " << length;
    }
  }
  EXPECT_EQ(memory.Range(100, 0)->size(), 0u);
  EXPECT_EQ(memory.Range(0, UINT64_MAX).status(), Errno::kFault);
  EXPECT_EQ(memory.Range(1, UINT64_MAX).status(), Errno::kFault);
}

TEST(GuestMemoryTest, ArraysAreMeasuredIn64Bits) {
  std::vector<uint8_t> bytes(64);
  const GuestMemory memory(absl::MakeSpan(bytes));
  EXPECT_TRUE(memory.Array(0, 8, 8).ok());
  EXPECT_FALSE(memory.Array(1, 8, 8).ok());
  // 0x20000000 * 8 is 0 in 32 bits.
  EXPECT_EQ(memory.Array(0, 0x20000000, 8).status(), Errno::kFault);
  EXPECT_EQ(memory.Array(0, 0xffffffff, 48).status(), Errno::kFault);
}

TEST(GuestMemoryTest, LoadsAndStoresAreLittleEndianAndUnaligned) {
  std::vector<uint8_t> bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const GuestMemory memory(absl::MakeSpan(bytes));
  EXPECT_EQ(*memory.Load<uint16_t>(1), 0x0201);
  EXPECT_EQ(*memory.Load<uint32_t>(3), 0x06050403u);
  EXPECT_EQ(*memory.Load<uint64_t>(2), 0x0908070605040302u);
  EXPECT_EQ(memory.Load<uint64_t>(3).status(), Errno::kFault);
  EXPECT_EQ(memory.Store<uint32_t>(7, 0), Errno::kFault);
  EXPECT_EQ(memory.Store<uint32_t>(6, 0xaabbccdd), Errno::kSuccess);
  EXPECT_EQ(bytes[6], 0xdd);
  EXPECT_EQ(bytes[9], 0xaa);
}

TEST(GuestMemoryTest, EmptyMemoryHoldsOnlyEmptyRanges) {
  const GuestMemory memory((absl::Span<uint8_t>()));
  EXPECT_TRUE(memory.Range(0, 0).ok());
  EXPECT_FALSE(memory.Range(0, 1).ok());
  EXPECT_FALSE(memory.Range(1, 0).ok());
}

// Every code point, encoded by the definition; and around it every two-byte start and every
// overlong or surrogate form refused.
std::string Encode(uint32_t code, int length) {
  std::string text;
  if (length == 1) {
    text.push_back(static_cast<char>(code));
  } else {
    static constexpr int kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    text.push_back(static_cast<char>(kLead[length] | (code >> (6 * (length - 1)))));
    for (int i = length - 2; i >= 0; --i) {
      text.push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
    }
  }
  return text;
}

TEST(Utf8Test, ExactlyTheScalarValuesInShortestForm) {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    const int shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    ASSERT_EQ(IsUtf8(Encode(code, shortest)), !surrogate) << code;
    for (int longer = shortest + 1; longer <= 4; ++longer) {
      ASSERT_FALSE(IsUtf8(Encode(code, longer))) << code << " in " << longer;
    }
  }
  EXPECT_FALSE(IsUtf8(Encode(0x110000, 4)));
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xC3\xA9z"));
}

TEST(Utf8Test, TruncationsAreRefused) {
  for (const char* whole : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    const absl::string_view text(whole);
    EXPECT_TRUE(IsUtf8(text));
    for (size_t length = 1; length < text.size(); ++length) {
      EXPECT_FALSE(IsUtf8(text.substr(0, length)));
      EXPECT_FALSE(IsUtf8(std::string(text.substr(0, length)) + "a"));
    }
    EXPECT_FALSE(IsUtf8(text.substr(1)));
  }
}

TEST(LoadPathTest, RefusesWhatIsNoPath) {
  std::vector<uint8_t> bytes(16 * 1024, 'a');
  const GuestMemory memory(absl::MakeSpan(bytes));
  EXPECT_EQ(*LoadPath(memory, 0, 3), "aaa");
  EXPECT_EQ(*LoadPath(memory, 0, 0), "");
  EXPECT_EQ(LoadPath(memory, 0xffffffff, 2).status(), Errno::kFault);
  EXPECT_EQ(LoadPath(memory, 0, 0xffffffff).status(), Errno::kFault);
  EXPECT_EQ(LoadPath(memory, 0, PATH_MAX).status(), Errno::kNametoolong);
  EXPECT_TRUE(LoadPath(memory, 0, PATH_MAX - 1).ok());
  bytes[2] = 0;
  EXPECT_EQ(LoadPath(memory, 0, 3).status(), Errno::kInval);
  EXPECT_EQ(*LoadPath(memory, 0, 2), "aa");
  bytes[2] = 0xff;
  EXPECT_EQ(LoadPath(memory, 0, 3).status(), Errno::kIlseq);
}

TEST(LoadIovecsTest, ChecksArrayAndBuffers) {
  std::vector<uint8_t> bytes(64 * 1024);
  const GuestMemory memory(absl::MakeSpan(bytes));
  const auto set = [&](uint32_t index, uint32_t buffer, uint32_t length) {
    ASSERT_EQ(memory.Store<uint32_t>(index * 8, buffer), Errno::kSuccess);
    ASSERT_EQ(memory.Store<uint32_t>(index * 8 + 4, length), Errno::kSuccess);
  };
  set(0, 100, 10);
  set(1, 105, 10);   // overlaps the first
  set(2, 0, 64);     // overlaps the array itself
  set(3, 65536, 0);  // empty, just past the end
  ASSERT_TRUE(LoadIovecs(memory, 0, 4).ok());
  EXPECT_EQ(LoadIovecs(memory, 0, 4)->at(1).iov_base, bytes.data() + 105);
  EXPECT_TRUE(LoadIovecs(memory, 0, 0)->empty());
  set(3, 65537, 0);
  EXPECT_EQ(LoadIovecs(memory, 0, 4).status(), Errno::kFault);
  set(3, 65530, 7);
  EXPECT_EQ(LoadIovecs(memory, 0, 4).status(), Errno::kFault);
  set(3, 0xffffffff, 0xffffffff);
  EXPECT_EQ(LoadIovecs(memory, 0, 4).status(), Errno::kFault);
  // The array: counts whose size wraps in 32 bits, and one record too many.
  EXPECT_EQ(LoadIovecs(memory, 0, 0x20000000).status(), Errno::kFault);
  EXPECT_EQ(LoadIovecs(memory, 0, 0xffffffff).status(), Errno::kFault);
  EXPECT_EQ(LoadIovecs(memory, 8, 8192).status(), Errno::kFault);
}

TEST(LoadIovecsTest, ManyVectorsMakeAShorterTransfer) {
  std::vector<uint8_t> bytes(64 * 1024);
  const GuestMemory memory(absl::MakeSpan(bytes));
  EXPECT_EQ(LoadIovecs(memory, 0, 8192)->size(), kMaxIovecs);
}

TEST(LoadIovecsTest, TotalsStayBelowWhatTheHostTakes) {
  // Overlapping buffers of a large memory add up beyond 32 bits. The pages are never touched.
  std::vector<uint8_t> small(4096);
  const GuestMemory memory(absl::MakeSpan(small.data(), uint64_t{1} << 32));
  for (uint32_t i = 0; i < 8; ++i) {
    ASSERT_EQ(memory.Store<uint32_t>(i * 8, 0), Errno::kSuccess);
    ASSERT_EQ(memory.Store<uint32_t>(i * 8 + 4, 0xffffffff), Errno::kSuccess);
  }
  const ErrnoOr<std::vector<iovec>> vectors = LoadIovecs(memory, 0, 8);
  ASSERT_TRUE(vectors.ok());
  ASSERT_EQ((*vectors).size(), 1u);
  EXPECT_EQ((*vectors)[0].iov_len, kMaxTransfer);
}

TEST(MakeTimesTest, FlagsChoose) {
  EXPECT_EQ(MakeTimes(0, 0, 16).status(), Errno::kInval);
  EXPECT_EQ(MakeTimes(0, 0, fstflags::kAtim | fstflags::kAtimNow).status(), Errno::kInval);
  EXPECT_EQ(MakeTimes(0, 0, fstflags::kMtim | fstflags::kMtimNow).status(), Errno::kInval);
  const auto times = MakeTimes(UINT64_MAX, 3, fstflags::kAtim);
  ASSERT_TRUE(times.ok());
  EXPECT_EQ((*times)[0].tv_sec, 18446744073);
  EXPECT_EQ((*times)[1].tv_nsec, (1l << 30) - 2);  // UTIME_OMIT
}

}  // namespace
}  // namespace gantry::wasi
