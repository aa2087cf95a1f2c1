// Functions of given shape and size: one like what compilers make of ordinary programs, and the
// pathological ones that the allocator has to be linear in.
#ifndef GANTRY_CODEGEN_REGALLOC_SHAPES_H_
#define GANTRY_CODEGEN_REGALLOC_SHAPES_H_

#include <cstdint>

#include "codegen/regalloc/input_builder.h"

namespace gantry::codegen::regalloc {

// All of them for LargeTestEnv(), finished, with about `size` instructions or a small multiple.
using Shape = void (*)(uint32_t size, InputBuilder* builder);

struct NamedShape {
  const char* name;
  Shape build;
};

// Loops, conditionals, arithmetic in two-address form, shifts and divisions with their fixed
// registers, loads, stores and calls, over a dozen local variables.
void BuildTypical(uint32_t size, InputBuilder* builder);

// All that are not typical.
extern const NamedShape kPathologicalShapes[9];

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_SHAPES_H_
