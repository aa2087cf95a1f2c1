// From the text format to the binary format.
//
//   ASSIGN_OR_RETURN(TextModule module, ParseText(SourceText("a.wat", text)));
//   Module::Compile(engine, module.bytes);
//
// The module is encoded, not validated: what the text format cannot express or resolve
// (syntax, unknown and duplicate names, constants out of range, inline types that differ) is
// refused here, everything else is the validator's. Input drives no recursion; time and
// memory are linear in its size.
//
// Identifiers go into a name section, annotations (@name), (@custom) and
// (@metadata.code.branch_hint) into their sections; other annotations are passed over.
//
// Of the ways to encode a module this one is taken, which a printer can rely on:
// - Integers and sizes in the fewest bytes; sections without entries are left out.
// - Types as they are written, a recursion group of one without a group around it, `sub final`
//   without supertypes as nothing; types that are only implied behind all others, in the order
//   of the text. A reference type in its one-byte form where it has one.
// - A block type is empty or one value type where the text has no (type), no parameters and at
//   most one result; else an index.
// - Locals in runs of one type. `else` where it is written.
// - Elements by function index, for table 0 without naming it, where the text gives functions
//   (also in a table of funcref with inline functions); else as expressions, whose type is left
//   out for funcref in table 0. Memory 0 is not named in data segments and memory arguments.
// - A page size of 65536 is not mentioned.
// - A data count section only where an instruction needs it.
// - Branch hints right before the code section, names behind the data section, and (@custom)
//   sections without a placement at the very end.
//
// (WebAssembly 3.0, "Text Format"; the threads, wide-arithmetic, custom-page-sizes,
// branch-hinting and annotations texts for theirs.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_module.h"
#include "wasm_translate/text/token_cursor.h"

namespace gantry::wasm::text {

// A whole text: one module, or the fields of one. Errors: those of TextErrorAt.
absl::StatusOr<TextModule> ParseText(const SourceText& source, const TextOptions& options = {});

// One module within a longer text, as in scripts: the cursor stands at the fields, past
// `(module` and its identifier, and afterwards past the closing parenthesis. `id_token` is that
// identifier, with its $.
absl::StatusOr<TextModule> ParseModuleFields(TokenCursor& cursor, const TextOptions& options = {},
                                             absl::string_view id_token = {});

// An error about `module.bytes` (wasm_translate/error.h) as one about the text: at the last
// field or operator that begins at or before its offset. Needs `places`; any other status is
// returned as it is.
absl::Status WithTextPlace(const absl::Status& status, const TextModule& module,
                           const SourceText& source);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TEXT_PARSER_H_
