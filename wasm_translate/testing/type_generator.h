// The type section of a random module: functions, structs and arrays, alone and in
// recursion groups, with supertypes, copies of earlier groups, and types that make labels
// for exception handlers.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_TYPE_GENERATOR_H_
#define GANTRY_WASM_TRANSLATE_TESTING_TYPE_GENERATOR_H_

#include "wasm_translate/testing/generator_context.h"

namespace gantry::wasm::testing {

void GenerateTypes(GeneratorContext& context);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_TYPE_GENERATOR_H_
