// Errors that say where in the module they are.
//
//   return ErrorAt(offset, "unexpected end");
//   ErrorOffset(status);    // the offset again
#ifndef GANTRY_WASM_TRANSLATE_ERROR_H_
#define GANTRY_WASM_TRANSLATE_ERROR_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace gantry::wasm {

// InvalidArgument "MESSAGE (at offset 0x1f)", with the offset from the start of the module
// kept in the status.
absl::Status ErrorAt(uint64_t offset, absl::string_view message);

// The same as kUnimplemented: the module may be good, but needs a feature that is off.
absl::Status UnsupportedAt(uint64_t offset, absl::string_view message);

// The offset that ErrorAt or UnsupportedAt put into a status; none for any other.
std::optional<uint64_t> ErrorOffset(const absl::Status& status);

// Of two outcomes of one module the one to report: an error before success, and of two
// errors the one at the lower offset. Keeps the first where neither is better.
absl::Status FirstError(absl::Status a, absl::Status b);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_ERROR_H_
