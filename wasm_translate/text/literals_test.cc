#include "wasm_translate/text/literals.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace gantry::wasm::text {
namespace {

template <typename To, typename From>
To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

void ExpectInteger(const std::string& text, int width, uint64_t bits) {
  const Literal literal = ParseInteger(text, width);
  EXPECT_EQ(literal.error, LiteralError::kNone) << text;
  EXPECT_EQ(literal.bits, bits) << text;
}

TEST(LiteralsTest, Integers) {
  ExpectInteger("0", 32, 0);
  ExpectInteger("-0", 32, 0);
  ExpectInteger("+1_000", 32, 1000);
  ExpectInteger("4294967295", 32, 0xFFFF'FFFF);
  ExpectInteger("-2147483648", 32, 0x8000'0000);
  ExpectInteger("-0x80_00", 16, 0x8000);
  ExpectInteger("0xfFfF_FFFF_ffff_ffff", 64, ~uint64_t{0});
  ExpectInteger("-9223372036854775808", 64, uint64_t{1} << 63);
  ExpectInteger("18446744073709551615", 64, ~uint64_t{0});
  for (const char* text : {"", "-", "+", "_1", "1_", "1__0", "0x", "0x_1", "0x1_", "0xg", "1a",
                           "--1", "0X1", "1.0", "1e1", " 1", "inf"}) {
    EXPECT_EQ(ParseInteger(text, 32).error, LiteralError::kSyntax) << text;
  }
  EXPECT_EQ(ParseUnsigned("+1", 32).error, LiteralError::kSyntax);
  EXPECT_EQ(ParseUnsigned("-1", 32).error, LiteralError::kSyntax);
}

// Every width up to 16, every number around its bounds, in both bases.
TEST(LiteralsTest, IntegerRanges) {
  for (int width = 1; width <= 16; ++width) {
    const int64_t span = int64_t{1} << width;
    for (int64_t value = -span - 3; value <= 2 * span + 3; ++value) {
      char hex[32];
      std::snprintf(hex, sizeof(hex), "%s0x%llx", value < 0 ? "-" : "",
                    static_cast<unsigned long long>(std::abs(value)));
      for (const std::string& text : {std::to_string(value), std::string(hex)}) {
        const Literal literal = ParseInteger(text, width);
        const bool fits = value >= -span / 2 && value < span;
        ASSERT_EQ(literal.error, fits ? LiteralError::kNone : LiteralError::kRange) << text;
        ASSERT_EQ(literal.bits, fits ? static_cast<uint64_t>(value & (span - 1)) : 0) << text;
      }
    }
  }
  for (const char* text : {"18446744073709551616", "0x1_0000_0000_0000_0000",
                           "-9223372036854775809", "99999999999999999999999999"}) {
    EXPECT_EQ(ParseInteger(text, 64).error, LiteralError::kRange) << text;
  }
}

// What the C library makes of it: an independent implementation that rounds correctly too.
template <typename Float>
void ExpectLikeTheLibrary(const std::string& text) {
  constexpr bool kSingle = std::is_same_v<Float, float>;
  using Bits = std::conditional_t<kSingle, uint32_t, uint64_t>;
  const std::string plain = absl::StrReplaceAll(text, {{"_", ""}});
  Float expected;
  if constexpr (kSingle) {
    expected = std::strtof(plain.c_str(), nullptr);
  } else {
    expected = std::strtod(plain.c_str(), nullptr);
  }
  const Literal literal = kSingle ? ParseF32(text) : ParseF64(text);
  if (std::isinf(expected)) {
    ASSERT_EQ(literal.error, LiteralError::kRange) << text;
  } else {
    ASSERT_EQ(literal.error, LiteralError::kNone) << text;
    ASSERT_EQ(literal.bits, BitCast<Bits>(expected)) << text;
  }
}

void ExpectLikeTheLibrary(const std::string& text) {
  ExpectLikeTheLibrary<float>(text);
  ExpectLikeTheLibrary<double>(text);
}

std::string RandomDigits(std::mt19937_64& random, size_t most, bool hex) {
  std::string digits;
  const size_t count = 1 + random() % most;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0 && random() % 8 == 0) digits += '_';
    // Runs of zeros and of the largest digit make the hard cases.
    const uint64_t pick = random() % 4;
    digits += "0123456789abcdef"[pick == 0   ? 0
                                 : pick == 1 ? (hex ? 15 : 9)
                                             : random() % (hex ? 16 : 10)];
  }
  return digits;
}

TEST(LiteralsTest, RandomFloats) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const bool hex = random() % 2 == 0;
    std::string text = random() % 4 == 0 ? "-" : "";
    if (hex) text += "0x";
    const size_t most = random() % 16 == 0 ? 400 : 20;
    text += RandomDigits(random, most, hex);
    if (random() % 2 == 0) text += '.';
    if (text.back() == '.' && random() % 4 != 0) text += RandomDigits(random, most, hex);
    if (random() % 4 != 0) {
      text += hex ? "pP"[random() % 2] : "eE"[random() % 2];
      const int range = hex ? (random() % 2 == 0 ? 200 : 1200) : (random() % 2 == 0 ? 60 : 400);
      absl::StrAppend(&text, static_cast<int>(random() % static_cast<uint64_t>(2 * range)) - range);
    }
    ExpectLikeTheLibrary(text);
  }
}

// The middle between neighbours, exactly, and a hair to each side, in decimal and hexadecimal.
template <typename Float>
void CheckHalfway(Float low) {
  const Float high = std::nextafter(low, std::numeric_limits<Float>::infinity());
  if (std::isinf(high)) return;
  const long double middle = (static_cast<long double>(low) + static_cast<long double>(high)) / 2;
  char buffer[1400];
  std::snprintf(buffer, sizeof(buffer), "%La", middle);
  const std::string hex = buffer;
  const size_t exponent = hex.find('p');
  std::string mantissa = hex.substr(0, exponent);
  if (mantissa.find('.') == std::string::npos) mantissa += '.';
  for (const char* more : {"", "0000000000000000000", "00000000000000000001"}) {
    ExpectLikeTheLibrary<Float>(mantissa + more + hex.substr(exponent));
  }
  std::snprintf(buffer, sizeof(buffer), "%.1100Le", middle);
  const std::string decimal = buffer;
  ExpectLikeTheLibrary<Float>(decimal);
  const size_t e = decimal.find('e');
  ExpectLikeTheLibrary<Float>(decimal.substr(0, e) + "1" + decimal.substr(e));
}

TEST(LiteralsTest, Halfway) {
  std::mt19937_64 random(2);
  for (uint32_t bits : {0u, 1u, 2u, 0x7F'FFFEu, 0x7F'FFFFu, 0x80'0000u, 0x80'0001u, 0x7F7F'FFFEu,
                        0x3F7F'FFFFu, 0x3F80'0000u}) {
    CheckHalfway(BitCast<float>(bits));
  }
  for (uint64_t bits : {uint64_t{0}, uint64_t{1}, uint64_t{0xF'FFFF'FFFF'FFFE},
                        uint64_t{0xF'FFFF'FFFF'FFFF}, uint64_t{0x10'0000'0000'0000},
                        uint64_t{0x7FEF'FFFF'FFFF'FFFE}, uint64_t{0x3FEF'FFFF'FFFF'FFFF}}) {
    CheckHalfway(BitCast<double>(bits));
  }
  for (int i = 0; i < 2000; ++i) {
    CheckHalfway(BitCast<float>(static_cast<uint32_t>(random() % 0x7F80'0000)));
    CheckHalfway(BitCast<double>(random() % 0x7FF0'0000'0000'0000));
    // Denormals, which random bits seldom hit.
    CheckHalfway(BitCast<float>(static_cast<uint32_t>(random() % 0x80'0000)));
    CheckHalfway(BitCast<double>(random() % 0x10'0000'0000'0000));
  }
}

TEST(LiteralsTest, EdgesOfTheRange) {
  for (const char* text : {"0x1p128",
                           "0x1.fffffep127",
                           "0x1.ffffffp127",
                           "0x1.fffffefffffffffffp127",
                           "0x1p-149",
                           "0x1p-150",
                           "0x1.0000000000000001p-150",
                           "0x1p-151",
                           "0x0.0000000000001p-98",
                           "340282356779733661637539395458142568447",
                           "340282356779733661637539395458142568448",
                           "1e39",
                           "1e-45",
                           "7e-46",
                           "7.1e-46",
                           "0x1p1024",
                           "0x1.fffffffffffff7ffp1023",
                           "0x1.fffffffffffff8p1023",
                           "0x1p-1074",
                           "0x1p-1075",
                           "0x1.8p-1075",
                           "1e309",
                           "5e-324",
                           "2e-324",
                           "3e-324",
                           "0e999999999999999999999",
                           "0x0p999999999999999999999",
                           "1e99999999999999999999",
                           "1e-99999999999999999999",
                           "0x1p99999999999999999999",
                           "0x1p-99999999999999999999",
                           "0.0000000000000000000000000000000000000000001e43",
                           "1.",
                           "1.e5",
                           "0x1.",

                           "00000000000000000000000000000000000000000000000001"}) {
    ExpectLikeTheLibrary(text);
  }
  const std::string zeros(1'000'000, '0');
  ExpectLikeTheLibrary("1" + zeros + "e-1000000");
  ExpectLikeTheLibrary("0." + zeros + "1e1000001");
  ExpectLikeTheLibrary("0x1" + zeros + "p-4000000");
  ExpectLikeTheLibrary("0x0." + zeros + "1p4000004");
}

TEST(LiteralsTest, FloatSyntax) {
  for (const char* text : {"",        "+",     ".",        ".5",       "e5",      "1e",
                           "1e+",     "1e+-1", "1_",       "_1",       "1_.5",    "1._5",
                           "1.5_",    "1e_5",  "1e5_",     "0x",       "0x.5",    "0x1p",
                           "0x1e+5",  "0x1pa", "1p5",      "0x1_",     "0x_1",    "0x1._5",
                           "0x1.p_1", "1f",    "infinity", "Inf",      "NaN",     "nan:",
                           "nan:0x",  "nan:1", "nan:0x_1", "nan:0x1_", "nan:0xg", "nan:canonical",
                           "0X1",     "--1",   "1 "}) {
    EXPECT_EQ(ParseF32(text).error, LiteralError::kSyntax) << text;
    EXPECT_EQ(ParseF64(text).error, LiteralError::kSyntax) << text;
    EXPECT_FALSE(IsNumber(text)) << text;
  }
  for (const char* text : {"1", "-0x1", "1_0.5_0e1_0", "0xA.bP-3", "inf", "-nan", "+nan:0x1",
                           "99999999999999999999", "1e999"}) {
    EXPECT_TRUE(IsNumber(text)) << text;
  }
}

TEST(LiteralsTest, InfinityAndNan) {
  EXPECT_EQ(ParseF32("inf").bits, 0x7F80'0000u);
  EXPECT_EQ(ParseF32("-inf").bits, 0xFF80'0000u);
  EXPECT_EQ(ParseF32("nan").bits, 0x7FC0'0000u);
  EXPECT_EQ(ParseF32("-nan:0x1").bits, 0xFF80'0001u);
  EXPECT_EQ(ParseF32("nan:0x7f_ffff").bits, 0x7FFF'FFFFu);
  EXPECT_EQ(ParseF64("nan").bits, uint64_t{0x7FF8} << 48);
  EXPECT_EQ(ParseF64("nan:0x4000").bits, (uint64_t{0x7FF0} << 48) | 0x4000);
  EXPECT_EQ(ParseF64("nan:0xf_ffff_ffff_ffff").bits, ~uint64_t{0} >> 1);
  EXPECT_EQ(ParseF32("nan:0x0").error, LiteralError::kRange);
  EXPECT_EQ(ParseF32("nan:0x80_0000").error, LiteralError::kRange);
  EXPECT_EQ(ParseF64("nan:0x0").error, LiteralError::kRange);
  EXPECT_EQ(ParseF64("nan:0x10_0000_0000_0000").error, LiteralError::kRange);
  EXPECT_EQ(ParseF64("nan:0x1_0000_0000_0000_0000_0001").error, LiteralError::kRange);
  EXPECT_EQ(ParseF32("-0").bits, 0x8000'0000u);
  EXPECT_EQ(ParseF64("-0x0.0p0").bits, uint64_t{1} << 63);
}

TEST(LiteralsTest, PrintedFloatsReadBack) {
  EXPECT_EQ(PrintF32(0x3F80'0000), "1");
  EXPECT_EQ(PrintF32(0x8000'0000), "-0");
  EXPECT_EQ(PrintF32(0xFF80'0000), "-inf");
  EXPECT_EQ(PrintF32(0x7FC0'0000), "nan");
  EXPECT_EQ(PrintF32(0xFFA0'0000), "-nan:0x200000");
  EXPECT_EQ(PrintF64(BitCast<uint64_t>(0.1)), "0.1");
  EXPECT_EQ(PrintF64(1), "5e-324");
  std::mt19937_64 random(3);
  for (int i = 0; i < 200'000; ++i) {
    // Every exponent, NaNs among them; mantissas of few and of many bits.
    const auto f32 = static_cast<uint32_t>(random() & (random() % 2 == 0 ? ~0u : 0xFFFC'0000));
    ASSERT_EQ(ParseF32(PrintF32(f32)).bits, f32) << PrintF32(f32);
    const uint64_t f64 = random() & (random() % 2 == 0 ? ~uint64_t{0} : ~uint64_t{0} << 40);
    ASSERT_EQ(ParseF64(PrintF64(f64)).bits, f64) << PrintF64(f64);
  }
}

TEST(LiteralsTest, Strings) {
  EXPECT_EQ(UnescapeString(R"("\t\n\r\"\'\\\41\fFx\u{e9}\u{20_AC}\u{10ffff}\u{0}")"),
            std::string("\t\n\r\"'\\A\xffx\xc3\xa9\xe2\x82\xac\xf4\x8f\xbf\xbf\0", 19));
  EXPECT_EQ(IdName("$a"), "a");
  EXPECT_EQ(IdName("$\"a\\u{42}\""), "aB");
  EXPECT_EQ(QuoteString("a\"\\\n\x7f\xff\xc3\xa9\xc2\x85"),
            "\"a\\\"\\\\\\0a\\7f\\ff\xc3\xa9\\c2\\85\"");
}

// Every sequence of two bytes, and random ones, come back.
TEST(LiteralsTest, QuotedStringsReadBack) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string bytes = {static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(UnescapeString(QuoteString(bytes)), bytes);
      ASSERT_TRUE(IsUtf8(QuoteString(bytes)));
    }
  }
  std::mt19937 random(4);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (uint32_t n = random() % 12; n > 0; --n) bytes += static_cast<char>(random());
    ASSERT_EQ(UnescapeString(QuoteString(bytes)), bytes);
    ASSERT_TRUE(IsUtf8(QuoteString(bytes)));
  }
}

// Every code point encodes to UTF-8 and nothing else of its length does.
TEST(LiteralsTest, Utf8) {
  size_t valid = 0;
  for (uint32_t code = 0; code < 0x11'0000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    char escape[24];
    std::snprintf(escape, sizeof(escape), "\"\\u{%x}\"", code);
    ASSERT_TRUE(IsUtf8(UnescapeString(escape))) << code;
    ++valid;
  }
  EXPECT_EQ(valid, 0x11'0000u - 0x800);
  size_t counts[4] = {};
  for (uint32_t bytes = 0; bytes < 0x100'0000; ++bytes) {
    const char three[] = {static_cast<char>(bytes >> 16), static_cast<char>(bytes >> 8),
                          static_cast<char>(bytes)};
    if (bytes < 0x100 && IsUtf8({three + 2, 1})) ++counts[1];
    if (bytes < 0x1'0000 && IsUtf8({three + 1, 2})) ++counts[2];
    if (IsUtf8({three, 3})) ++counts[3];
  }
  // Sequences of one, two and three bytes: their ways of making one, two and three bytes.
  const size_t one = 0x80, two = 0x780, three = 0x1'0000 - 0x800 - 0x800;
  EXPECT_EQ(counts[1], one);
  EXPECT_EQ(counts[2], one * one + two);
  EXPECT_EQ(counts[3], one * one * one + 2 * one * two + three);
  for (const char* bad : {"\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                          "\xf0\x90\x80", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
  EXPECT_EQ(FirstMalformedUtf8("12345678901\xff"), 11u);
  EXPECT_EQ(FirstMalformedUtf8("1234567\xc3\xa9\xe2\x82"), 9u);
}

}  // namespace
}  // namespace gantry::wasm::text
