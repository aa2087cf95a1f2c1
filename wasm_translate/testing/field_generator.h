// Everything of a random module but types and bodies: imports, functions, tables, memories,
// tags, globals, exports, the start function, segments and custom sections.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_FIELD_GENERATOR_H_
#define GANTRY_WASM_TRANSLATE_TESTING_FIELD_GENERATOR_H_

#include "wasm_translate/testing/generator_context.h"

namespace gantry::wasm::testing {

// The types have to be there.
void GenerateFields(GeneratorContext& context);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_FIELD_GENERATOR_H_
