#include "codegen/interp/semantics.h"

#include <cctype>
#include <fstream>
#include <iterator>
#include <string>

#include "codegen/ir/opcodes.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

using Sem = Semantics<ConcreteDomain>;

BitVector B8(int value) { return BitVector(8, static_cast<BitVector::Word>(value)); }
int Low(BitVector x) { return static_cast<int>(x.low()); }

// All pairs of bytes, against arithmetic on int.
TEST(SemanticsTest, BytesAgreeWithIntegers) {
  constexpr Type t = Type::kI8;
  for (int x = 0; x < 256; ++x) {
    const int sx = x < 128 ? x : x - 256;
    int leading = 0, trailing = 0, ones = 0;
    while (leading < 8 && (x >> (7 - leading) & 1) == 0) ++leading;
    while (trailing < 8 && (x >> trailing & 1) == 0) ++trailing;
    for (int i = 0; i < 8; ++i) ones += x >> i & 1;
    ASSERT_EQ(Low(Sem::Clz(t, B8(x))), leading);
    ASSERT_EQ(Low(Sem::Ctz(t, B8(x))), trailing);
    ASSERT_EQ(Low(Sem::Popcnt(t, B8(x))), ones);
    ASSERT_EQ(Low(Sem::Ineg(t, B8(x))), -x & 255);
    ASSERT_EQ(Low(Sem::Bnot(t, B8(x))), 255 - x);
    ASSERT_EQ(Sem::Sextend(Type::kI32, t, B8(x)).Signed(), sx);
    ASSERT_EQ(Low(Sem::Uextend(Type::kI32, t, B8(x))), x);
    for (int y = 0; y < 256; ++y) {
      const int sy = y < 128 ? y : y - 256;
      const BitVector a = B8(x), b = B8(y);
      ASSERT_EQ(Low(Sem::Iadd(t, a, b)), (x + y) & 255);
      ASSERT_EQ(Low(Sem::Isub(t, a, b)), (x - y) & 255);
      ASSERT_EQ(Low(Sem::Imul(t, a, b)), (x * y) & 255);
      ASSERT_EQ(Low(Sem::Umulhi(t, a, b)), x * y >> 8);
      ASSERT_EQ(Low(Sem::Smulhi(t, a, b)), (sx * sy >> 8) & 255);
      const int s = y % 8;
      ASSERT_EQ(Low(Sem::Ishl(t, a, b)), (x << s) & 255);
      ASSERT_EQ(Low(Sem::Ushr(t, a, b)), x >> s);
      ASSERT_EQ(Low(Sem::Sshr(t, a, b)), (sx >> s) & 255);
      ASSERT_EQ(Low(Sem::Rotl(t, a, b)), ((x << s) | (x >> (8 - s))) & 255);
      ASSERT_EQ(Low(Sem::Rotr(t, a, b)), ((x >> s) | (x << (8 - s))) & 255);
      ASSERT_EQ(Low(Sem::BandNot(t, a, b)), x & ~y);
      const auto udiv = Sem::Udiv(t, a, b), urem = Sem::Urem(t, a, b);
      const auto sdiv = Sem::Sdiv(t, a, b), srem = Sem::Srem(t, a, b);
      ASSERT_EQ(udiv.first_trap, y == 0);
      ASSERT_EQ(sdiv.first_trap, y == 0);
      ASSERT_EQ(srem.first_trap, y == 0);
      ASSERT_EQ(sdiv.second_trap, x == 128 && y == 255);
      if (y != 0) {
        ASSERT_EQ(Low(udiv.value), x / y);
        ASSERT_EQ(Low(urem.value), x % y);
        ASSERT_EQ(Low(srem.value), sx % sy & 255);
        if (!sdiv.second_trap) {
          ASSERT_EQ(Low(sdiv.value), sx / sy & 255);
        }
      }
      ASSERT_EQ(Low(Sem::UaddOverflow(t, a, b).second), x + y > 255);
      ASSERT_EQ(Low(Sem::UsubOverflow(t, a, b).second), x < y);
      ASSERT_EQ(Low(Sem::SaddOverflow(t, a, b).second), sx + sy < -128 || sx + sy > 127);
      ASSERT_EQ(Low(Sem::SsubOverflow(t, a, b).second), sx - sy < -128 || sx - sy > 127);
      for (int carry = 0; carry < 2; ++carry) {
        const BitVector in(32, static_cast<BitVector::Word>(carry));
        ASSERT_EQ(Low(Sem::UaddCarry(t, a, b, in).first), (x + y + carry) & 255);
        ASSERT_EQ(Low(Sem::UaddCarry(t, a, b, in).second), x + y + carry > 255);
        ASSERT_EQ(Low(Sem::UsubBorrow(t, a, b, in).first), (x - y - carry) & 255);
        ASSERT_EQ(Low(Sem::UsubBorrow(t, a, b, in).second), x - y - carry < 0);
      }
      for (int i = 0; i < kNumIntCCs; ++i) {
        const IntCC cc = static_cast<IntCC>(i);
        const int holds = Low(Sem::Icmp(t, cc, a, b));
        ASSERT_EQ(holds, 1 - Low(Sem::Icmp(t, Inverse(cc), a, b)));
        ASSERT_EQ(holds, Low(Sem::Icmp(t, Swapped(cc), b, a)));
      }
      ASSERT_EQ(Low(Sem::Icmp(t, IntCC::kSlt, a, b)), sx < sy);
      ASSERT_EQ(Low(Sem::Icmp(t, IntCC::kUlt, a, b)), x < y);
    }
  }
}

TEST(SemanticsTest, FloatConditionsHaveInversesAndSwaps) {
  const uint64_t values[] = {0,          0x80000000, 0x3f800000, 0xbf800000,
                             0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
  for (uint64_t x : values) {
    for (uint64_t y : values) {
      for (int i = 0; i < kNumFloatCCs; ++i) {
        const FloatCC cc = static_cast<FloatCC>(i);
        const BitVector a(32, x), b(32, y);
        const int holds = Low(Sem::Fcmp(Type::kF32, cc, a, b));
        ASSERT_EQ(holds, 1 - Low(Sem::Fcmp(Type::kF32, Inverse(cc), a, b))) << cc;
        ASSERT_EQ(holds, Low(Sem::Fcmp(Type::kF32, Swapped(cc), b, a))) << cc;
      }
    }
  }
}

TEST(SemanticsTest, EveryOpcodeIsOnThePage) {
  std::ifstream in("docs/ir_semantics.md");
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(page.empty());
  const auto is_word = [&](size_t i) {
    return i < page.size() && (std::isalnum(static_cast<unsigned char>(page[i])) || page[i] == '_');
  };
  for (const OpcodeInfo& info : kOpcodeTable) {
    const std::string name = info.name;
    bool found = false;
    for (size_t at = page.find(name); at != std::string::npos && !found;
         at = page.find(name, at + 1)) {
      found = (at == 0 || !is_word(at - 1)) && !is_word(at + name.size());
    }
    EXPECT_TRUE(found) << name << " is missing in docs/ir_semantics.md";
  }
}

}  // namespace
}  // namespace gantry::codegen
