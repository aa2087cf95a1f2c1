// ForwardJumps: which blocks of allocated code hold nothing but a jump, and where it leads, so that
// emission passes them by.
//
// Tested by the backends' listings and by everything that runs compiled code.
#ifndef GANTRY_CODEGEN_FORWARD_JUMPS_H_
#define GANTRY_CODEGEN_FORWARD_JUMPS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "codegen/regalloc/interface.h"
#include "codegen/vcode.h"

namespace gantry::codegen {

// `forwarded` gets for each block itself or, if it is no more than a jump into which the allocator
// put no moves, the block where that leads, which is no such block: longer rows of jumps, and
// circles, keep some. The entry stays. `jump_target` tells where a jump leads, nothing for all
// else.
void ForwardJumps(const VCode& vcode, const regalloc::Output& allocation,
                  std::optional<uint32_t> (*jump_target)(const MachInst&),
                  std::vector<uint32_t>* forwarded);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_FORWARD_JUMPS_H_
