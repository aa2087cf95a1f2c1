// Random modules that are valid, whatever the bytes that choose them: for fuzz targets, for
// round trips, and for comparing compilers.
//
//   GeneratorOptions options;
//   options.features = Features::All();
//   const std::vector<uint8_t> random = RandomBytes(seed, 4096);
//   ByteSource source(random);
//   std::vector<uint8_t> module = GenerateModule(source, options);   // binary format
//
// Every section, every kind of import, export and segment, and every operator of the
// features given can come; nothing that needs another feature does. Bodies are made along
// an operand stack of types and a stack of open frames: an operator is chosen first, and the
// operands that the stack does not hold already are produced for it. Behind branches the
// stack is polymorphic, and is used so. Work is bounded by the options and ends when the
// source is exhausted; no bytes at all give the empty module.
//
// Numbers are encoded in their shortest form, sections in order, and what both a short and
// a long form exist for is written in the short one, so that what only re-encodes the
// module gives the same bytes back.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_MODULE_GENERATOR_H_
#define GANTRY_WASM_TRANSLATE_TESTING_MODULE_GENERATOR_H_

#include <cstdint>
#include <vector>

#include "wasm_translate/testing/byte_source.h"
#include "wasm_translate/testing/generator_options.h"

namespace gantry::wasm::testing {

std::vector<uint8_t> GenerateModule(ByteSource& source, const GeneratorOptions& options);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_MODULE_GENERATOR_H_
