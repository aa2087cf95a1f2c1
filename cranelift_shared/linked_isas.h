// The instruction sets that can be linked, one function each; for isa_registry alone.
#ifndef GANTRY_CRANELIFT_SHARED_LINKED_ISAS_H_
#define GANTRY_CRANELIFT_SHARED_LINKED_ISAS_H_

#include "cranelift_shared/isa_registry.h"

namespace gantry::cranelift {

const LinkedIsa* AArch64Isa();
const LinkedIsa* X64Isa();

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_LINKED_ISAS_H_
