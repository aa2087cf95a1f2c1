// The text of an x64 VCode instruction, for dumps.
#ifndef GANTRY_ISA_X64_BACKEND_PRINT_H_
#define GANTRY_ISA_X64_BACKEND_PRINT_H_

#include <string>

#include "absl/types/span.h"
#include "isa_x64/backend/inst.h"

namespace gantry::x64 {

// `operands` in the order of the opcode's table; the address's registers in brackets.
std::string PrintInst(const Inst& inst, absl::Span<const std::string> operands);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_PRINT_H_
