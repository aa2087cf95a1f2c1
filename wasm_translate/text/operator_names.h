// Operators by their names in the text format.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_OPERATOR_NAMES_H_
#define GANTRY_WASM_TRANSLATE_TEXT_OPERATOR_NAMES_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "wasm_translate/operators.h"

namespace gantry::wasm::text {

// Of several operators of one name (select, ref.test, ref.cast) the one with the lowest number,
// which is the one without types and the one for a type that excludes null.
std::optional<Opcode> OpcodeByName(absl::string_view name);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_OPERATOR_NAMES_H_
