// Listings of compiled functions, for filetests.
#ifndef GANTRY_ISA_AARCH64_BACKEND_DISASSEMBLER_H_
#define GANTRY_ISA_AARCH64_BACKEND_DISASSEMBLER_H_

#include <string>

#include "codegen/compiled_code.h"

namespace gantry::aarch64 {

// Instructions a line each, with labels where branches lead, names in place of what relocations
// fill, traps, and the bytes of data behind the code.
std::string Disassemble(const codegen::CompiledCode& code);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_DISASSEMBLER_H_
