// What the files of the assembler share: encodings by opcode map, checks of operands.
#ifndef GANTRY_ISA_X64_ASM_ASSEMBLER_INTERNAL_H_
#define GANTRY_ISA_X64_ASM_ASSEMBLER_INTERNAL_H_

#include <cstdint>

#include "base/check.h"
#include "isa_x64/asm/encoder.h"
#include "isa_x64/asm/operands.h"
#include "isa_x64/asm/registers.h"

namespace gantry::x64 {

constexpr PackedEncoding Map0F(uint8_t opcode, Prefix prefix = Prefix::kNone) {
  return PackedEncoding(opcode, OpcodeMap::k0F, prefix);
}
constexpr PackedEncoding Map0F38(uint8_t opcode, Prefix prefix = Prefix::kNone) {
  return PackedEncoding(opcode, OpcodeMap::k0F38, prefix);
}

// Tables are indexed by the operations' enums.
template <typename Table, typename Op>
constexpr const auto& Lookup(const Table& table, Op op) {
  return table[static_cast<uint8_t>(op)];
}

// The address of an operand whose width must be that of the instruction.
inline const Address& Checked(const AnyMem& mem, Width width) {
  CHECK(mem.width() == width) << BitsOf(mem.width()) << "-bit memory operand for an instruction on "
                              << BitsOf(width) << " bits";
  return mem.address();
}

inline Immediate Imm8(int32_t value) { return {static_cast<uint8_t>(value), 1}; }

inline void CheckWidth(Width width, Width least) {
  DCHECK(width >= least && width <= Width::k64) << BitsOf(width) << "-bit form does not exist";
  static_cast<void>(width);
  static_cast<void>(least);
}

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_ASSEMBLER_INTERNAL_H_
