// VCode's instructions for people.
#ifndef GANTRY_ISA_AARCH64_BACKEND_PRINT_H_
#define GANTRY_ISA_AARCH64_BACKEND_PRINT_H_

#include <string>

#include "absl/types/span.h"
#include "isa_aarch64/backend/inst.h"

namespace gantry::aarch64 {

std::string PrintInst(const Inst& inst, absl::Span<const std::string> operands);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_PRINT_H_
