// Types that a caller of the API names are held to what validation asks of a module's. Private to
// `api`. Tests: shared_memory_test.
#ifndef GANTRY_API_CHECK_TYPES_H_
#define GANTRY_API_CHECK_TYPES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/types.h"

namespace gantry::api_internal {

// `most` is the largest that either bound may be; `what` names the thing. Error:
// kInvalidArgument.
absl::Status CheckLimits(const wasm::Limits& limits, uint64_t most, absl::string_view what);

// Whether a module could declare the memory. Error: kInvalidArgument.
absl::Status CheckMemoryType(const wasm::MemoryType& type);

}  // namespace gantry::api_internal

#endif  // GANTRY_API_CHECK_TYPES_H_
