// Which words the text format and its scripts know.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_KEYWORDS_H_
#define GANTRY_WASM_TRANSLATE_TEXT_KEYWORDS_H_

#include "absl/strings/string_view.h"

namespace gantry::wasm::text {

// Whether a kKeyword or kNumber token means something somewhere: the name of an operator or a
// type, a word of modules and scripts, offset= and align= with a number, a number. Where such
// a token may not stand it is unexpected, any other is unknown.
bool IsKnownWord(absl::string_view word);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_KEYWORDS_H_
