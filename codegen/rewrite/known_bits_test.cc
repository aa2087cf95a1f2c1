// What is known of results, against all operands of 8 bits and many of more.

#include "codegen/rewrite/known_bits.h"

#include <bit>

#include "codegen/generate/random_source.h"
#include "codegen/interp/semantics.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen::rewrite {
namespace {

using Sem = Semantics<ConcreteDomain>;

uint64_t Compute(Opcode opcode, Type type, Type from, uint64_t x, uint64_t y) {
  const BitVector a(TypeBits(from), x);
  const BitVector b(TypeBits(type), y);
  switch (opcode) {
    case Opcode::kUextend:
      return Sem::Uextend(type, from, a).low();
    case Opcode::kIreduce:
      return Sem::Ireduce(type, from, a).low();
    case Opcode::kClz:
      return Sem::Clz(type, a).low();
    case Opcode::kCtz:
      return Sem::Ctz(type, a).low();
    case Opcode::kPopcnt:
      return Sem::Popcnt(type, a).low();
    case Opcode::kBand:
      return Sem::Band(type, a, b).low();
    case Opcode::kBor:
      return Sem::Bor(type, a, b).low();
    case Opcode::kBxor:
      return Sem::Bxor(type, a, b).low();
    case Opcode::kIadd:
      return Sem::Iadd(type, a, b).low();
    case Opcode::kImul:
      return Sem::Imul(type, a, b).low();
    case Opcode::kIshl:
      return Sem::Ishl(type, a, b).low();
    case Opcode::kUshr:
      return Sem::Ushr(type, a, b).low();
    case Opcode::kUdiv:
      return Sem::Udiv(type, a, b).value.low();
    default:
      return Sem::Urem(type, a, b).value.low();
  }
}

constexpr Opcode kOpcodes[] = {Opcode::kUextend, Opcode::kIreduce, Opcode::kClz,  Opcode::kCtz,
                               Opcode::kPopcnt,  Opcode::kBand,    Opcode::kBor,  Opcode::kBxor,
                               Opcode::kIadd,    Opcode::kImul,    Opcode::kIshl, Opcode::kUshr,
                               Opcode::kUdiv,    Opcode::kUrem};

void Check(Opcode opcode, Type type, Type from, uint64_t first, uint64_t second, uint64_t x,
           uint64_t y, bool constant) {
  x &= ~first & TypeMask(from);
  y &= ~second & TypeMask(type);
  if ((opcode == Opcode::kUdiv || opcode == Opcode::kUrem) && y == 0) return;
  const uint64_t zeros =
      ZerosOfResult(opcode, type, from, first, constant ? 0 : second, constant ? &y : nullptr);
  ASSERT_EQ(zeros & ~TypeMask(type), 0u) << opcode;
  const uint64_t result = Compute(opcode, type, from, x, y);
  ASSERT_EQ(result & zeros, 0u) << opcode << "." << type << " of " << x << ", " << y
                                << " with zeros " << first << ", " << second;
}

// Every operand of 8 bits, with all zeros known that it has, and fewer.
TEST(KnownBitsTest, OperandsOfEightBits) {
  for (Opcode opcode : kOpcodes) {
    const Type type = opcode == Opcode::kUextend ? Type::kI16 : Type::kI8;
    const Type from = opcode == Opcode::kIreduce ? Type::kI16 : Type::kI8;
    for (uint64_t x = 0; x < 256; ++x) {
      for (uint64_t y = 0; y < 256; ++y) {
        for (const uint64_t known : {0x00, 0xFF, 0xF0, 0x0F, 0xAA}) {
          Check(opcode, type, from, ~x & known, ~y & known, x, y, false);
        }
        Check(opcode, type, from, ~x & 0xFF, 0, x, y, true);
      }
    }
  }
}

TEST(KnownBitsTest, WiderOperands) {
  RandomSource random(1);
  for (Opcode opcode : kOpcodes) {
    for (Type type : {Type::kI32, Type::kI64}) {
      if (opcode == Opcode::kIreduce && type == Type::kI64) continue;
      const Type from = opcode == Opcode::kUextend   ? Type::kI16
                        : opcode == Opcode::kIreduce ? Type::kI64
                                                     : type;
      for (int i = 0; i < 20000; ++i) {
        const uint64_t first =
            (~uint64_t{0} << random.Below(64) | random.Bits64()) & TypeMask(from);
        const uint64_t second =
            (~uint64_t{0} << random.Below(64) | random.Bits64()) & TypeMask(type);
        Check(opcode, type, from, first, second, random.Bits64(), random.Bits64(),
              random.Chance(1, 2));
      }
    }
  }
}

TEST(KnownBitsTest, LooksAFewDefinitionsUpAndNoFurther) {
  Function func;
  func.signature.params = {Type::kI32};
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const Value x = func.dfg.block_params(entry)[0];
  EXPECT_EQ(KnownZeros(func.dfg, x), 0u);
  const Value masked = b.Band(x, b.I32(0xF0));
  EXPECT_EQ(KnownZeros(func.dfg, masked), 0xFFFFFF0Fu);
  EXPECT_EQ(KnownZeros(func.dfg, b.Select(x, masked, b.I32(1))), 0xFFFFFF0Eu);
  EXPECT_EQ(KnownZeros(func.dfg, b.Icmp(IntCC::kEq, x, x)), 0xFFFFFFFEu);
  const Value vector = b.Vsplat(Type::kI8X16, x);
  EXPECT_EQ(KnownZeros(func.dfg, b.VanyTrue(vector)), 0xFFFFFFFEu);
  EXPECT_EQ(KnownZeros(func.dfg, b.VallTrue(Type::kI64X2, vector)), 0xFFFFFFFEu);
  EXPECT_EQ(KnownZeros(func.dfg, b.Vbitmask(Type::kI8X16, vector)), 0xFFFF0000u);
  EXPECT_EQ(KnownZeros(func.dfg, b.Vbitmask(Type::kI64X2, vector)), 0xFFFFFFFCu);
  EXPECT_EQ(KnownZeros(func.dfg, b.VextractU(Type::kI8X16, vector, 3)), 0xFFFFFF00u);
  EXPECT_EQ(KnownZeros(func.dfg, b.VextractU(Type::kI16X8, vector, 3)), 0xFFFF0000u);
  EXPECT_EQ(KnownZeros(func.dfg, b.VextractS(Type::kI8X16, vector, 3)), 0u);
  EXPECT_EQ(KnownZeros(func.dfg, b.VextractU(Type::kI64X2, vector, 1)), 0u);
  Value sum = masked;
  for (int i = 0; i < 10; ++i) sum = b.Bor(sum, masked);
  EXPECT_EQ(KnownZeros(func.dfg, sum), 0u);
}

TEST(KnownBitsTest, FloatsOfArithmetic) {
  Function func;
  func.signature.params = {Type::kF32};
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const Value x = func.dfg.block_params(entry)[0];
  EXPECT_FALSE(IsArithmetic(func.dfg, x));
  EXPECT_FALSE(IsArithmetic(func.dfg, b.Fneg(x)));
  EXPECT_TRUE(IsArithmetic(func.dfg, b.Fadd(x, x)));
}

}  // namespace
}  // namespace gantry::codegen::rewrite
