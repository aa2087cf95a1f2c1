// Which constants fit into AArch64 instructions, and the bits that they take there: words to be
// or-ed onto an instruction's own.
//
//   if (std::optional<uint32_t> bits = LogicalBits(0xFF00, 32)) as.Emit(Row::kAndImmW, ..., *bits);
//
// Tested by assembler_test.
#ifndef GANTRY_ISA_AARCH64_ASM_IMMEDIATES_H_
#define GANTRY_ISA_AARCH64_ASM_IMMEDIATES_H_

#include <cstdint>
#include <optional>

namespace gantry::aarch64 {

// add, sub and comparisons: 12 bits, as they are or shifted left by 12.
std::optional<uint32_t> AddBits(uint64_t value);

// and, orr, eor, tst: a run of ones, rotated, repeated in elements of a power of two of bits.
// `bits` is 32 or 64; a value of 32 bits is zero above.
std::optional<uint32_t> LogicalBits(uint64_t value, uint32_t bits);

// ubfm, sbfm, bfm: rotation to the right and the highest bit copied.
constexpr uint32_t BitfieldBits(uint32_t rotate, uint32_t top) { return rotate << 16 | top << 10; }

// movz, movn, movk: 16 bits at 16 * `position`.
constexpr uint32_t MoveBits(uint16_t value, uint32_t position) {
  return uint32_t{value} << 5 | position << 21;
}

// fmov: 1 sign bit, 3 of exponent, 4 of fraction. `bits` is 32 or 64.
std::optional<uint32_t> FloatBits8(uint64_t value, uint32_t bits);

// What movi, mvni and fmov make of one instruction in all lanes of a vector: the instruction's bits
// onto Row::kMovi.
std::optional<uint32_t> VectorMoveBits(uint64_t low, uint64_t high);

// Left shifts of lanes of `lane` bits, by less than that; right shifts by 1 to `lane`.
constexpr uint32_t ShiftLeftBits(uint32_t lane, uint32_t amount) { return (lane + amount) << 16; }
constexpr uint32_t ShiftRightBits(uint32_t lane, uint32_t amount) {
  return (2 * lane - amount) << 16;
}
// A lane of 1 << `log2` bytes, in the field that dup, ins, umov and smov have.
constexpr uint32_t LaneBits(uint32_t log2, uint32_t lane) { return (lane << 1 | 1) << log2 << 16; }

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_IMMEDIATES_H_
