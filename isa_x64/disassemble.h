// x64 machine code as text, for people: `gantry compile --emit=asm` and test goldens.
//
//   Disassemble(code)    // "   0: push rbp\n   1: mov rbp, rsp\n..."
#ifndef GANTRY_ISA_X64_DISASSEMBLE_H_
#define GANTRY_ISA_X64_DISASSEMBLE_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace gantry::x64 {

// One line for each instruction: its offset in hexadecimal and its text in Intel's syntax,
// branch targets being offsets too. Bytes that are no instruction are printed as such.
std::string Disassemble(absl::Span<const uint8_t> code);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_DISASSEMBLE_H_
