#include "isa_aarch64/asm/immediates.h"

#include <bit>

namespace gantry::aarch64 {
namespace {

// The low 8 bits, in their two fields.
constexpr uint32_t Abcdefgh(uint32_t byte) { return (byte >> 5 & 7) << 16 | (byte & 31) << 5; }
constexpr uint32_t Cmode(uint32_t cmode) { return cmode << 12; }
constexpr uint32_t kOp = 1u << 29;

// The 8 bits of an fmov immediate: a float whose exponent is near zero and whose fraction is short.
std::optional<uint32_t> FloatByte(uint64_t value, uint32_t fraction_bits, uint32_t exponent_bits) {
  const uint32_t sign_at = fraction_bits + exponent_bits;
  const uint64_t fraction = value & ((uint64_t{1} << fraction_bits) - 1);
  if ((fraction & ((uint64_t{1} << (fraction_bits - 4)) - 1)) != 0) return std::nullopt;
  const uint64_t exponent = value >> fraction_bits & ((uint64_t{1} << exponent_bits) - 1);
  // The top bit, then its inverse over and over, then two free bits.
  const uint64_t top = exponent >> (exponent_bits - 1);
  const uint64_t middle = exponent >> 2 & ((uint64_t{1} << (exponent_bits - 3)) - 1);
  const uint64_t wanted = top != 0 ? 0 : (uint64_t{1} << (exponent_bits - 3)) - 1;
  if (middle != wanted) return std::nullopt;
  return static_cast<uint32_t>((value >> sign_at & 1) << 7 | (1 - top) << 6 | (exponent & 3) << 4 |
                               fraction >> (fraction_bits - 4));
}

}  // namespace

std::optional<uint32_t> AddBits(uint64_t value) {
  if (value < 0x1000) return static_cast<uint32_t>(value << 10);
  if ((value & 0xFFF) == 0 && value < 0x1000000) {
    return static_cast<uint32_t>(value >> 12 << 10) | 1u << 22;
  }
  return std::nullopt;
}

std::optional<uint32_t> LogicalBits(uint64_t value, uint32_t bits) {
  if (bits == 32) value |= value << 32;
  if (value == 0 || value == ~uint64_t{0}) return std::nullopt;
  // The shortest element that repeats.
  uint32_t size = 64;
  while (size > 2) {
    const uint64_t half_mask = (uint64_t{1} << (size / 2)) - 1;
    if ((value & half_mask) != (value >> (size / 2) & half_mask)) break;
    size /= 2;
  }
  const uint64_t mask = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
  const uint64_t element = value & mask;
  // Rotate so that a run of ones begins at bit 0.
  const uint32_t ones = static_cast<uint32_t>(std::popcount(element));
  uint32_t rotate = 0;
  if ((element & 1) != 0) {
    const uint32_t leading =
        static_cast<uint32_t>(std::countl_one(element << (64 - size)));  // Ones at the top.
    rotate = leading == size ? 0 : leading;
  } else {
    rotate = size - static_cast<uint32_t>(std::countr_zero(element));
  }
  const uint64_t run = (uint64_t{1} << ones) - 1;
  const uint64_t rotated =
      rotate == 0 ? element : ((element << rotate | element >> (size - rotate)) & mask);
  if (rotated != run) return std::nullopt;
  // imms: the size in its leading ones, then the length less one.
  const uint32_t imms = ((0u - 2 * size) & 0x3F) | (ones - 1);
  const uint32_t n = size == 64 ? 1 : 0;
  return n << 22 | rotate << 16 | (imms & 0x3F) << 10;
}

std::optional<uint32_t> FloatBits8(uint64_t value, uint32_t bits) {
  const std::optional<uint32_t> byte =
      bits == 32 ? FloatByte(value, 23, 8) : FloatByte(value, 52, 11);
  if (!byte.has_value()) return std::nullopt;
  return *byte << 13;
}

std::optional<uint32_t> VectorMoveBits(uint64_t low, uint64_t high) {
  if (low != high) return std::nullopt;
  // Bytes that are all ones or zero.
  uint32_t mask = 0;
  bool is_mask = true;
  for (int i = 0; i < 8; ++i) {
    const uint64_t byte = low >> (8 * i) & 0xFF;
    if (byte == 0xFF) {
      mask |= 1u << i;
    } else if (byte != 0) {
      is_mask = false;
    }
  }
  if (is_mask) return kOp | Cmode(14) | Abcdefgh(mask);
  const uint32_t word = static_cast<uint32_t>(low);
  if (word == low >> 32) {
    const uint32_t half = word & 0xFFFF;
    if (half == word >> 16) {
      if ((half & 0xFF) == half >> 8) return Cmode(14) | Abcdefgh(half & 0xFF);
      for (uint32_t i = 0; i < 2; ++i) {
        const uint32_t others = half & ~(0xFFu << (8 * i));
        if (others == 0) return Cmode(8 | i << 1) | Abcdefgh(half >> (8 * i));
        if (others == (0xFFFFu & ~(0xFFu << (8 * i)))) {
          return kOp | Cmode(8 | i << 1) | Abcdefgh(~half >> (8 * i) & 0xFF);
        }
      }
    }
    for (uint32_t i = 0; i < 4; ++i) {
      const uint32_t byte = 0xFFu << (8 * i);
      if ((word & ~byte) == 0) return Cmode(i << 1) | Abcdefgh(word >> (8 * i));
      if ((~word & ~byte) == 0) return kOp | Cmode(i << 1) | Abcdefgh(~word >> (8 * i));
    }
    for (uint32_t i = 1; i < 3; ++i) {
      // A byte with ones below it.
      const uint32_t below = (1u << (8 * i)) - 1;
      const uint32_t byte = 0xFFu << (8 * i);
      if ((word & below) == below && (word & ~below & ~byte) == 0) {
        return Cmode(11 + i) | Abcdefgh(word >> (8 * i));
      }
      if ((~word & below) == below && (~word & ~below & ~byte) == 0) {
        return kOp | Cmode(11 + i) | Abcdefgh(~word >> (8 * i));
      }
    }
    if (const std::optional<uint32_t> byte = FloatByte(word, 23, 8)) {
      return Cmode(15) | Abcdefgh(*byte);
    }
  }
  if (const std::optional<uint32_t> byte = FloatByte(low, 52, 11)) {
    return kOp | Cmode(15) | Abcdefgh(*byte);
  }
  return std::nullopt;
}

}  // namespace gantry::aarch64
