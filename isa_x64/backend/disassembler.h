// A listing of x64 machine code for people and goldens.
#ifndef GANTRY_ISA_X64_BACKEND_DISASSEMBLER_H_
#define GANTRY_ISA_X64_BACKEND_DISASSEMBLER_H_

#include <string>

#include "codegen/compiled_code.h"

namespace gantry::x64 {

struct ListingOptions {
  // Offsets and bytes before each instruction; goldens leave them out and name the targets of
  // jumps by labels.
  bool addresses = false;
};

// One line per instruction in Intel's syntax, with labels where jumps arrive, traps, and the
// constants and jump tables behind the code as their sizes. No name resolution: relocated
// fields are shown by the number of their ExternalName.
std::string Disassemble(const codegen::CompiledCode& code, const ListingOptions& options = {});

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_DISASSEMBLER_H_
