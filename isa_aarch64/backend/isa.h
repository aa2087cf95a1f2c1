// The AArch64 back end of the optimizing compiler, as a codegen::TargetIsa.
#ifndef GANTRY_ISA_AARCH64_BACKEND_ISA_H_
#define GANTRY_ISA_AARCH64_BACKEND_ISA_H_

#include <memory>

#include "codegen/isa.h"

namespace gantry::aarch64 {

// A builder with baseline flags (Armv8.0).
std::unique_ptr<codegen::IsaBuilder> MakeIsaBuilder();

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_ISA_H_
