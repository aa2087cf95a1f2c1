// AArch64 code as text for people.
#ifndef GANTRY_ISA_AARCH64_DISASSEMBLE_H_
#define GANTRY_ISA_AARCH64_DISASSEMBLE_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace gantry::aarch64 {

// One instruction, which is at `offset`; what is none as ".word".
std::string DisassembleWord(uint32_t word, uint64_t offset);

// An instruction a line behind its offset.
std::string Disassemble(absl::Span<const uint8_t> code);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_DISASSEMBLE_H_
