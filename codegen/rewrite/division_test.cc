// Division by constants (lessons.md row 5): the numbers behind it for every divisor of 8 bits and
// every value, of 16 bits at the edges; at 32 and 64 bits what makes them right for every value,
// and functions that divide, for each class of immediate.

#include <bit>
#include <vector>

#include "codegen/generate/random_source.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"
#include "codegen/rewrite/constant_functions.h"
#include "gtest/gtest.h"

namespace gantry::codegen::rewrite {
namespace {

using Word = BitVector::Word;

uint64_t DivideByMagic(uint64_t x, uint32_t w, const UnsignedMagic& magic) {
  const Word m = magic.magic.word() + (magic.is_short ? 0 : Word{1} << w);
  return static_cast<uint64_t>(Word{x} * m >> (w + magic.shift));
}

TEST(DivisionTest, EveryDivisorOfEightBits) {
  for (uint64_t d = 2; d < 256; ++d) {
    const UnsignedMagic magic = FindUnsignedMagic(BitVector(8, d));
    for (uint64_t x = 0; x < 256; ++x)
      ASSERT_EQ(DivideByMagic(x, 8, magic), x / d) << x << " " << d;
    const uint32_t zeros = static_cast<uint32_t>(std::countr_zero(d));
    const UnsignedMagic even = FindUnsignedMagic(BitVector(8, d >> zeros), zeros);
    if (zeros != 0 && d >> zeros != 1) {
      ASSERT_TRUE(even.is_short) << d;
      for (uint64_t x = 0; x < 256; ++x) {
        ASSERT_EQ(DivideByMagic(x >> zeros, 8, even), x / d) << x << " " << d;
      }
    }
  }
  for (int d = 2; d <= 128; ++d) {
    const SignedMagic magic = FindSignedMagic(BitVector(8, static_cast<Word>(d)));
    for (int x = -128; x < 128; ++x) {
      const int high = (x * static_cast<int>(magic.magic.low())) >> (8 + magic.shift);
      ASSERT_EQ(high + (x < 0 ? 1 : 0), x / d) << x << " " << d;
    }
  }
}

// 0 < m * d - 2^(w + s) <= 2^s, which Granlund and Montgomery prove to be enough; for signed
// numbers <= 2^(s + 1), m within w bits.
TEST(DivisionTest, NumbersForWideDivisorsAreGoodForEveryValue) {
  RandomSource random(3);
  for (const uint32_t w : {16u, 32u, 64u}) {
    for (int i = 0; i < 20000; ++i) {
      uint64_t d = random.Bits64() >> random.Below(64);
      if (i < 1000) d = static_cast<uint64_t>(i);
      if (i >= 1000 && i < 1200) d = (uint64_t{1} << (i % 64)) + static_cast<uint64_t>(i % 3) - 1;
      d &= BitVector(w, ~Word{0}).low();
      if (d < 2) continue;
      const UnsignedMagic magic = FindUnsignedMagic(BitVector(w, d));
      // Modulo 2^128 the error is as it is: it is below that.
      const Word m = magic.magic.word() + (magic.is_short ? 0 : Word{1} << w);
      const Word power = w + magic.shift >= 128 ? 0 : Word{1} << (w + magic.shift);
      const Word error = m * d - power;
      ASSERT_TRUE(error > 0 && error <= Word{1} << magic.shift) << w << " " << d;
      if (d > uint64_t{1} << (w - 1)) continue;
      const SignedMagic found = FindSignedMagic(BitVector(w, d));
      const Word signed_error = found.magic.word() * d - (Word{1} << (w + found.shift));
      ASSERT_TRUE(signed_error > 0 && signed_error <= Word{1} << (found.shift + 1))
          << w << " " << d;
    }
  }
}

std::vector<uint64_t> ImmediateClasses(Type type) {
  std::vector<uint64_t> classes;
  const uint32_t bits = TypeBits(type);
  for (uint64_t i = 0; i < 20; ++i) classes.push_back(i);
  for (uint32_t k = 3; k < bits; ++k) {
    for (const uint64_t near : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      classes.push_back((uint64_t{1} << k) + near);
      classes.push_back(~(uint64_t{1} << k) + near);
    }
  }
  for (const uint64_t odd :
       {100ull, 641ull, 1000ull, 10000ull, 65535ull, 1000000007ull, 0x12345678ull, 0x7FFFFFFFull,
        0x80000000ull, 0xFFFFFFFFull, 0x100000001ull, 0x123456789ABCDEFull}) {
    classes.push_back(odd);
    classes.push_back(~odd + 1);
  }
  for (uint64_t& c : classes) c &= TypeMask(type);
  return classes;
}

TEST(DivisionTest, EveryClassOfImmediate) {
  GvnPass pass;
  PassAnalyses analyses;
  RandomSource random(5);
  for (Type type : {Type::kI32, Type::kI64}) {
    const std::vector<uint64_t> immediates = ImmediateClasses(type);
    for (Opcode opcode : {Opcode::kUdiv, Opcode::kSdiv, Opcode::kUrem, Opcode::kSrem}) {
      for (uint64_t d : immediates) {
        Function before;
        before.signature.params = {type};
        before.signature.returns = {type};
        InstBuilder b(&before);
        const Block entry = b.MakeEntryBlock();
        InstData data(
            opcode, type,
            InstData::PackTrapCodes(
                TrapCode{1}, TrapCode{static_cast<uint8_t>(opcode == Opcode::kSdiv ? 2 : 0)}));
        data.set_arg(0, before.dfg.block_params(entry)[0]);
        data.set_arg(1, b.Iconst(type, static_cast<int64_t>(d)));
        b.Return({before.dfg.result(b.Insert(data))});
        Function after = before;
        analyses.Invalidate();
        pass.Run(&after, &analyses);
        ASSERT_TRUE(VerifyFunction(after).ok()) << PrintFunction(after);
        const auto check = [&](uint64_t x) {
          const std::vector<RawValue> args = {RawValue(x & TypeMask(type))};
          Interpreter interpreter;
          const absl::StatusOr<Outcome> expected = interpreter.Run(before, args);
          const absl::StatusOr<Outcome> actual = interpreter.Run(after, args);
          ASSERT_TRUE(expected.ok() && actual.ok());
          ASSERT_EQ(*expected, *actual) << x << "\n"
                                        << PrintFunction(before) << PrintFunction(after);
        };
        for (uint64_t x : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, d, d - 1, d + 1, 2 * d, ~d,
                           TypeMask(type) >> 1, (TypeMask(type) >> 1) + 1}) {
          check(x);
        }
        for (int i = 0; i < 10; ++i) check(random.Bits64() >> random.Below(64));
      }
    }
  }
}

}  // namespace
}  // namespace gantry::codegen::rewrite
