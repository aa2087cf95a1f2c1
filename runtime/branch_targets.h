// Code whose indirect branches' targets are marked, on hosts that refuse branches to anything else
// (AArch64: BTI).
//
// Tested by jit:hardened_unwind_test and wast:*_hardened_test with --config=aarch64.
#ifndef GANTRY_RUNTIME_BRANCH_TARGETS_H_
#define GANTRY_RUNTIME_BRANCH_TARGETS_H_

#include <cstddef>

#include "absl/status/status.h"

namespace gantry::runtime::host_arch {

// From now on indirect branches into these pages, which are executable, fault unless they lead to a
// landing pad. Does nothing where processor or kernel lack that. kResourceExhausted where the
// system can't split the mapping.
absl::Status RefuseUnmarkedTargets(void* begin, size_t size);

}  // namespace gantry::runtime::host_arch

#endif  // GANTRY_RUNTIME_BRANCH_TARGETS_H_
