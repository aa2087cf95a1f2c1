// An instruction for each operator, in text and in binary.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TESTING_OPERATOR_SAMPLES_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TESTING_OPERATOR_SAMPLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "wasm_translate/operators.h"

namespace gantry::wasm::text {

struct OperatorSample {
  Opcode op;
  // With immediates, without operands.
  std::string text;
  std::vector<uint8_t> bytes;
};

// Of every operator but those that need an `end` and else and end themselves. Indices are 2 and
// 200, so that their order and their size show. Nothing is said about types.
std::vector<OperatorSample> OperatorSamples();

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TESTING_OPERATOR_SAMPLES_H_
