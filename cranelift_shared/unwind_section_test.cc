#include "cranelift_shared/unwind_section.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::cranelift {
namespace {

constexpr uint8_t kInitial[] = {0x0C, 7, 8, 0x80 | 16, 1};
constexpr codegen::UnwindFormat kFormat = {
    .code_alignment = 1,
    .data_alignment = -8,
    .return_address_register = 16,
    .initial_instructions = kInitial,
};

template <typename T>
T Read(const std::vector<uint8_t>& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

struct Fde {
  int64_t start;  // from the start of the text
  uint64_t size;
};

// Reads the section back as an unwinder does.
std::vector<Fde> Parse(const std::vector<uint8_t>& bytes, uint64_t distance, bool wide) {
  std::vector<Fde> found;
  size_t at = 0;
  bool terminated = false;
  while (at + 4 <= bytes.size()) {
    const uint32_t length = Read<uint32_t>(bytes, at);
    if (length == 0) {
      terminated = true;
      break;
    }
    EXPECT_EQ((at + 4 + length) % 8, 0u);
    const uint32_t id = Read<uint32_t>(bytes, at + 4);
    if (id != 0) {
      EXPECT_EQ(at + 4 - id, 0u) << "the common entry is the first";
      const size_t field = at + 8;
      const int64_t delta = wide ? Read<int64_t>(bytes, field) : Read<int32_t>(bytes, field);
      const uint64_t size =
          wide ? Read<uint64_t>(bytes, field + 8) : Read<uint32_t>(bytes, field + 4);
      found.push_back({static_cast<int64_t>(distance + field) + delta, size});
    }
    at += 4 + length;
  }
  EXPECT_TRUE(terminated);
  return found;
}

TEST(UnwindSectionTest, EntriesPointAtTheirFunctions) {
  for (const uint64_t distance : {uint64_t{4096}, uint64_t{3} << 30}) {
    UnwindSection section(kFormat);
    section.Add(0, 20, {});
    const std::vector<uint8_t> instructions = {0x41, 0x0E, 16, 0x86, 2};
    section.Add(32, 100, instructions);
    const std::vector<uint8_t> bytes = section.Finish(distance);
    const std::vector<Fde> entries = Parse(bytes, distance, distance > (1u << 30));
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].start, 0);
    EXPECT_EQ(entries[0].size, 20u);
    EXPECT_EQ(entries[1].start, 32);
    EXPECT_EQ(entries[1].size, 100u);
  }
}

TEST(UnwindSectionTest, AugmentationOfTheCommonEntry) {
  for (const char* more : {"", "B"}) {
    codegen::UnwindFormat format = kFormat;
    format.augmentation = more;
    UnwindSection section(format);
    section.Add(0, 20, {});
    const std::vector<uint8_t> bytes = section.Finish(4096);
    ASSERT_EQ(Parse(bytes, 4096, false).size(), 1u);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()) + 9), std::string("zR") + more);
  }
}

}  // namespace
}  // namespace gantry::cranelift
