// The name section: debug names, taken as far as they make sense.
//
// (WebAssembly 3.0, appendix "Custom Sections", name section; the extended-name-section
// proposal for what else has names.)
#ifndef GANTRY_WASM_TRANSLATE_NAME_SECTION_H_
#define GANTRY_WASM_TRANSLATE_NAME_SECTION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "wasm_translate/module.h"

namespace gantry::wasm {

// What is malformed ends the reading of its subsection, and what came before it is kept; of
// several names for one index the first counts. The names borrow from `bytes`, the contents
// behind the section's own name. Indices are not held against a module.
Names ReadNameSection(absl::Span<const uint8_t> bytes);

// The contents with every integer in its fewest bytes, subsections in order and none empty:
// of all name sections that say the same the one that tools write.
std::vector<uint8_t> EncodeNameSection(const Names& names);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_NAME_SECTION_H_
