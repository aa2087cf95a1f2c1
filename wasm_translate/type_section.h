// The type section: function, struct and array types in recursion groups, checked, with
// equivalent types given one canonical number.
#ifndef GANTRY_WASM_TRANSLATE_TYPE_SECTION_H_
#define GANTRY_WASM_TRANSLATE_TYPE_SECTION_H_

#include "wasm_translate/binary_reader.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"

namespace gantry::wasm {

// Fills Module::types and Module::canonical_types; false with an error in the reader.
//
// Two types are equivalent if their recursion groups are the same where references into the
// group are taken by their place in it and others by what they refer to. (WebAssembly 3.0,
// "Types", rolling and unrolling.)
bool ReadTypeSection(BinaryReader& reader, Features features, const ValidatorLimits& limits,
                     Module* module);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TYPE_SECTION_H_
