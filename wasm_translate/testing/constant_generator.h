// Constant expressions of a given type, from everything that the module so far allows.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_CONSTANT_GENERATOR_H_
#define GANTRY_WASM_TRANSLATE_TESTING_CONSTANT_GENERATOR_H_

#include <optional>

#include "wasm_translate/testing/generator_context.h"

namespace gantry::wasm::testing {

// An expression with its `end`, or nothing where no value of the type can be had. Functions
// referred to become referenced ones. Globals that it reads are among those of the draft so
// far.
std::optional<EncodedBytes> GenerateConstant(GeneratorContext& context, ValType type);

// An expression for this very number.
EncodedBytes GenerateOffset(GeneratorContext& context, IndexType type, uint64_t value);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_CONSTANT_GENERATOR_H_
