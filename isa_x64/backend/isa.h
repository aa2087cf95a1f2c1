// The x64 instruction set as the compiler's neutral part sees it.
//
//   std::unique_ptr<codegen::IsaBuilder> builder = x64::MakeIsaBuilder();
//   RETURN_IF_ERROR(builder->InferHost());
//   ASSIGN_OR_RETURN(std::shared_ptr<const codegen::TargetIsa> isa, builder->Build());
#ifndef GANTRY_ISA_X64_BACKEND_ISA_H_
#define GANTRY_ISA_X64_BACKEND_ISA_H_

#include <memory>

#include "codegen/isa.h"

namespace gantry::x64 {

// A builder with baseline flags (SSE2).
std::unique_ptr<codegen::IsaBuilder> MakeIsaBuilder();

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_ISA_H_
