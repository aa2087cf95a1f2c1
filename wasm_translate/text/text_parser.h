// From the text format to the binary format.
//
//   ASSIGN_OR_RETURN(TextModule module, ParseText("a.wat", text));
//   Module::Compile(engine, module.bytes);
//
// The module is encoded, not validated: what the text format cannot express or resolve
// (syntax, unknown and duplicate names, constants out of range, inline types that differ) is
// refused here, everything else is the validator's. Input drives no recursion; time and
// memory are linear in its size.
//
// Identifiers go into a name section, annotations (@name), (@custom) and
// (@metadata.code.branch_hint) into their sections. Integers and sizes are encoded in the
// fewest bytes.
//
// (WebAssembly 3.0, "Text Format"; the threads, wide-arithmetic, custom-page-sizes,
// branch-hinting and annotations texts for theirs.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/token_cursor.h"

namespace gantry::wasm::text {

struct TextOptions {
  // Whether identifiers go into a name section.
  bool names = true;
  // Whether TextModule::places is filled.
  bool places = false;
};

struct TextModule {
  std::vector<uint8_t> bytes;
  // The identifier behind `module`, without $; empty where there is none.
  std::string id;
  // Offset in `bytes` and offset in the text of each field and operator, ascending by the
  // former.
  std::vector<std::pair<uint32_t, uint32_t>> places;
};

// A whole text: one module, or the fields of one. Errors: those of TextErrorAt.
absl::StatusOr<TextModule> ParseText(const SourceText& source, const TextOptions& options = {});

// One module within a longer text, as in scripts: the cursor stands at the fields, past
// `(module` and its identifier, and afterwards past the closing parenthesis.
absl::StatusOr<TextModule> ParseModuleFields(TokenCursor& cursor, const TextOptions& options = {});

// An error about `module.bytes` (wasm_translate/error.h) as one about the text: at the last
// field or operator that begins at or before its offset. Needs `places`; any other status is
// returned as it is.
absl::Status WithTextPlace(const absl::Status& status, const TextModule& module,
                           const SourceText& source);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_
