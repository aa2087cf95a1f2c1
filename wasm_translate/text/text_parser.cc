#include "wasm_translate/text/text_parser.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "base/status_macros.h"
#include "wasm_translate/error.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/module_reader.h"

namespace gantry::wasm::text {

absl::StatusOr<TextModule> ParseText(const SourceText& source, const TextOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Token> tokens, Tokenize(source));
  TokenCursor cursor(source, tokens);
  TextModule module;
  if (cursor.TakeOpen("module")) {
    absl::string_view id;
    if (cursor.AtId()) id = cursor.TextOf(cursor.Take());
    ASSIGN_OR_RETURN(module, ParseModuleFields(cursor, options, id));
    if (!cursor.AtEnd()) return cursor.Unexpected("the end of the text");
  } else {
    ASSIGN_OR_RETURN(module, ReadModule(cursor, options, {}));
    if (!cursor.AtEnd()) return cursor.Unexpected("a module field");
  }
  return module;
}

absl::StatusOr<TextModule> ParseModuleFields(TokenCursor& cursor, const TextOptions& options,
                                             absl::string_view id_token) {
  // What the caller's cursor keeps stays the caller's.
  TokenCursor fields = cursor;
  ASSIGN_OR_RETURN(TextModule module, ReadModule(fields, options, id_token));
  if (fields.kind() != TokenKind::kClose) return fields.Unexpected("a module field or \")\"");
  cursor.ReturnTo(fields.Mark());
  cursor.Take();
  return module;
}

absl::Status WithTextPlace(const absl::Status& status, const TextModule& module,
                           const SourceText& source) {
  const auto offset = ErrorOffset(status);
  if (!offset.has_value() || module.places.empty()) return status;
  const auto after =
      std::upper_bound(module.places.begin(), module.places.end(), *offset,
                       [](uint64_t value, const std::pair<uint32_t, uint32_t>& place) {
                         return value < place.first;
                       });
  const uint32_t place = after == module.places.begin() ? after->second : std::prev(after)->second;
  // The offset means nothing to who wrote the text.
  absl::string_view message = status.message();
  const size_t end = message.rfind(" (at offset 0x");
  if (end != absl::string_view::npos) message = message.substr(0, end);
  const absl::Status error = TextErrorAt(source, place, message);
  absl::Status result(status.code(), error.message());
  error.ForEachPayload([&result](absl::string_view type, const absl::Cord& payload) {
    result.SetPayload(type, payload);
  });
  return result;
}

}  // namespace gantry::wasm::text
