// Runs an input and its allocation side by side on made-up values: the second opinion beside the
// checker, which it shares nothing with.
//
// Each instruction's results are a hash of its number and of what it reads; branches go where a
// random stream says; clobbered registers and places written early get garbage; a safepoint
// gives every reference a new value, in the listed slots only. A mismatch in anything that is
// read is an error.
#ifndef GANTRY_CODEGEN_REGALLOC_EXECUTE_H_
#define GANTRY_CODEGEN_REGALLOC_EXECUTE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

// One run along a path drawn from the seed, of at most `max_steps` instructions.
absl::Status ExecuteAllocation(const Input& input, const Output& output, uint64_t seed,
                               uint32_t max_steps = 2000);

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_EXECUTE_H_
