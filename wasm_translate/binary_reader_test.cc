#include "wasm_translate/binary_reader.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasm_translate/error.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using testing::ByteWriter;

TEST(BinaryReader, UnsignedNumbersRoundTrip) {
  for (int shift = 0; shift < 64; ++shift) {
    for (uint64_t value : {(uint64_t{1} << shift) - 1, uint64_t{1} << shift}) {
      ByteWriter writer;
      writer.VarU64(value);
      uint64_t wide;
      BinaryReader reader(writer.bytes(), 0);
      ASSERT_TRUE(reader.VarU64(&wide));
      EXPECT_EQ(wide, value);
      EXPECT_TRUE(reader.done());
      uint32_t narrow;
      BinaryReader narrow_reader(writer.bytes(), 0);
      EXPECT_EQ(narrow_reader.VarU32(&narrow), value <= 0xFFFFFFFF) << value;
    }
  }
}

TEST(BinaryReader, SignedNumbersRoundTrip) {
  for (int shift = 0; shift < 64; ++shift) {
    const int64_t power = static_cast<int64_t>(uint64_t{1} << shift);
    for (int64_t value : {power, static_cast<int64_t>(~static_cast<uint64_t>(power)),
                          static_cast<int64_t>(-static_cast<uint64_t>(power))}) {
      ByteWriter writer;
      writer.VarS64(value);
      int64_t wide;
      BinaryReader reader(writer.bytes(), 0);
      ASSERT_TRUE(reader.VarS64(&wide));
      EXPECT_EQ(wide, value);
      int32_t narrow;
      BinaryReader narrow_reader(writer.bytes(), 0);
      EXPECT_EQ(narrow_reader.VarS32(&narrow), value == static_cast<int32_t>(value)) << value;
      int64_t s33;
      BinaryReader s33_reader(writer.bytes(), 0);
      EXPECT_EQ(s33_reader.VarS33(&s33),
                value >= -(int64_t{1} << 32) && value < (int64_t{1} << 32));
    }
  }
}

std::string ReadError(const std::vector<uint8_t>& bytes, bool is_signed) {
  BinaryReader reader(bytes, 100);
  uint32_t u;
  int32_t s;
  EXPECT_FALSE(is_signed ? reader.VarS32(&s) : reader.VarU32(&u));
  return std::string(reader.status().message());
}

TEST(BinaryReader, MalformedNumbers) {
  for (bool is_signed : {false, true}) {
    EXPECT_TRUE(absl::StartsWith(ReadError({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, is_signed),
                                 "integer representation too long"));
    EXPECT_TRUE(absl::StartsWith(ReadError({0x80, 0x80}, is_signed), "unexpected end"));
  }
  EXPECT_TRUE(
      absl::StartsWith(ReadError({0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, false), "integer too large"));
  EXPECT_TRUE(
      absl::StartsWith(ReadError({0xFF, 0xFF, 0xFF, 0xFF, 0x4F}, true), "integer too large"));
}

// What reading a number of each width gives: value, position and error.
std::vector<std::string> ReadAll(const std::vector<uint8_t>& bytes) {
  std::vector<std::string> outcomes;
  auto read = [&](auto value, auto method) {
    BinaryReader reader(bytes, 0);
    const bool ok = (reader.*method)(&value);
    outcomes.push_back(ok ? absl::StrCat(value, " up to ", reader.offset())
                          : std::string(reader.status().message()));
  };
  read(uint32_t{0}, &BinaryReader::VarU32);
  read(uint64_t{0}, &BinaryReader::VarU64);
  read(int32_t{0}, &BinaryReader::VarS32);
  read(int64_t{0}, &BinaryReader::VarS33);
  read(int64_t{0}, &BinaryReader::VarS64);
  return outcomes;
}

// Numbers are read eight bytes at a time where there are as many, else one by one.
TEST(BinaryReader, WhatFollowsANumberMakesNoDifference) {
  for (size_t length = 1; length <= 11; ++length) {
    for (int middle : {0x80, 0x81, 0xBF, 0xC0, 0xFF}) {
      for (int last = 0; last < 0x80; ++last) {
        std::vector<uint8_t> bytes(length, static_cast<uint8_t>(middle));
        bytes.back() = static_cast<uint8_t>(last);
        const auto alone = ReadAll(bytes);
        for (uint8_t after : {0x00, 0x7F, 0x80, 0xFF}) {
          bytes.resize(length);
          bytes.resize(length + 10, after);
          ASSERT_EQ(ReadAll(bytes), alone) << length << " " << middle << " " << last;
        }
      }
    }
  }
}

TEST(BinaryReader, TheFirstErrorIsKeptWithItsOffset) {
  const std::vector<uint8_t> bytes = {1};
  BinaryReader reader(bytes, 50);
  uint8_t byte;
  EXPECT_TRUE(reader.U8(&byte));
  EXPECT_FALSE(reader.U8(&byte));
  EXPECT_FALSE(reader.Fail(7, "later"));
  EXPECT_EQ(ErrorOffset(reader.status()), 51u);
}

TEST(BinaryReader, Utf8) {
  auto valid = [](const std::vector<uint8_t>& bytes) { return IsValidUtf8(bytes); };
  EXPECT_TRUE(valid({'a', 0xC2, 0x80, 0xE0, 0xA0, 0x80, 0xED, 0x9F, 0xBF, 0xF4, 0x8F, 0xBF, 0xBF}));
  EXPECT_FALSE(valid({0x80}));
  EXPECT_FALSE(valid({0xC1, 0x80}));
  EXPECT_FALSE(valid({0xE0, 0x9F, 0x80}));
  EXPECT_FALSE(valid({0xED, 0xA0, 0x80}));
  EXPECT_FALSE(valid({0xF4, 0x90, 0x80, 0x80}));
  EXPECT_FALSE(valid({0xF0, 0x90, 0x80}));
}

TEST(Error, TheLowestOffsetWins) {
  const absl::Status low = ErrorAt(3, "low");
  const absl::Status high = ErrorAt(9, "high");
  EXPECT_EQ(FirstError(low, high), low);
  EXPECT_EQ(FirstError(high, low), low);
  EXPECT_EQ(FirstError(absl::OkStatus(), high), high);
  EXPECT_EQ(FirstError(high, absl::OkStatus()), high);
  EXPECT_EQ(low.message(), "low (at offset 0x3)");
}

}  // namespace
}  // namespace gantry::wasm
