// From the binary format to the text format.
//
//   ASSIGN_OR_RETURN(std::string text, PrintModule(bytes));
//
// What is printed is parsed back by text_parser.h to the same module, and to the same bytes
// where those are the ones that the parser writes (fewest bytes for each integer, type uses
// and segments in their shortest form). Names of the name section are used as identifiers
// where they can be, and else stand in (@name) annotations; hints about branches are
// (@metadata.code.branch_hint) annotations; other custom sections are (@custom) annotations at
// their place.
//
// What is not said in the text are names for things that are not there, and how and where the
// name section was written if that is not how the parser does it. Then the text begins with a
// comment `;; dropped: ...`.
//
// A body is decoded but not type-checked. Input drives no recursion; time and the size of the
// text are linear in the size of the module.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_PRINTER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_PRINTER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wasm_translate/module_validator.h"

namespace gantry::wasm::text {

struct PrintOptions {
  ParseOptions parse;
  // Names from the name section. Otherwise that is a custom section like any other.
  bool names = true;
  // The most characters of a text. Types of many parameters and declarations of many locals
  // take few bytes in a module and many in its text.
  uint64_t max_size = 1'073'741'824;
};

// Errors: those of ParseModule for a module that is malformed or invalid outside its bodies,
// and of decoding for a body; kResourceExhausted for a text that would be larger than allowed.
absl::StatusOr<std::string> PrintModule(absl::Span<const uint8_t> bytes,
                                        const PrintOptions& options = {});

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_PRINTER_H_
