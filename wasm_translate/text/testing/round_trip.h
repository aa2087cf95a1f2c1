// From bytes to text and back: what has to hold for every module.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TESTING_ROUND_TRIP_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TESTING_ROUND_TRIP_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace gantry::wasm::text::testing {

// Checks, and ends the process where it does not hold, that with all features on
// - what cannot be decoded is refused with its place,
// - what is valid is printed, parsed to the same module, and valid again,
// - what the parser has written stays as it is the next time, with names and without.
// Returns what the parser made of the text; nothing for a module that is not valid.
std::vector<uint8_t> CheckRoundTrip(absl::Span<const uint8_t> bytes);

}  // namespace gantry::wasm::text::testing

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TESTING_ROUND_TRIP_H_
