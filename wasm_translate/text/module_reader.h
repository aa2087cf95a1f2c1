// The fields of a module: what text_parser.h is made of.
//
// Two walks over the tokens: the first gives every identifier its index and notes where the
// types are, the second encodes each field into its section.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_MODULE_READER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_MODULE_READER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/text/text_module.h"
#include "wasm_translate/text/token_cursor.h"

namespace gantry::wasm::text {

// Fields up to a closing parenthesis or the end, which stays. `id_token` is the module's
// identifier, or empty. Sets the annotations that the cursor keeps.
absl::StatusOr<TextModule> ReadModule(TokenCursor& cursor, const TextOptions& options,
                                      absl::string_view id_token);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_MODULE_READER_H_
