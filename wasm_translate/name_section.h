// The name section: debug names, taken as far as they make sense.
//
// (WebAssembly 3.0, appendix "Custom Sections", name section.)
#ifndef GANTRY_WASM_TRANSLATE_NAME_SECTION_H_
#define GANTRY_WASM_TRANSLATE_NAME_SECTION_H_

#include <cstdint>

#include "absl/types/span.h"
#include "wasm_translate/module.h"

namespace gantry::wasm {

// Names of the module, its functions and their locals. What is malformed ends the reading
// and what came before it is kept. The names borrow from `bytes`.
Names ReadNameSection(absl::Span<const uint8_t> bytes);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_NAME_SECTION_H_
