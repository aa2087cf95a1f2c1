#include "wasm_translate/text/custom_sections.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

constexpr uint8_t kCustomSection = 0;

absl::Status ErrorAtCursor(const TokenCursor& cursor, absl::string_view message) {
  return cursor.Error(absl::StrCat("@custom annotation: ", message));
}

}  // namespace

absl::Status CustomSections::Read(TokenCursor& cursor) {
  cursor.Take();
  if (!cursor.AtString()) return ErrorAtCursor(cursor, "missing section name");
  const std::string name = UnescapeString(cursor.TextOf(cursor.Peek()));
  if (!IsUtf8(name)) return ErrorAtCursor(cursor, "malformed UTF-8 encoding");
  cursor.Take();
  size_t gap = kLastGap;
  if (cursor.kind() == TokenKind::kOpen) RETURN_IF_ERROR(ReadPlacement(cursor, &gap));
  ByteWriter contents;
  contents.Name(name);
  while (cursor.AtString()) {
    contents.Bytes(BytesOf(UnescapeString(cursor.TextOf(cursor.Take()))));
  }
  if (cursor.kind() != TokenKind::kClose) {
    return ErrorAtCursor(cursor, "unexpected token, expected a string or \")\"");
  }
  cursor.Take();
  gaps_[gap].Section(kCustomSection, contents.bytes());
  return absl::OkStatus();
}

absl::Status CustomSections::ReadPlacement(TokenCursor& cursor, size_t* gap) {
  cursor.Take();
  const bool after = cursor.AtKeyword("after");
  if (!after && !cursor.AtKeyword("before")) {
    return ErrorAtCursor(cursor, "malformed placement, expected before or after");
  }
  cursor.Take();
  const absl::string_view word =
      cursor.kind() == TokenKind::kKeyword ? cursor.TextOf(cursor.Peek()) : "";
  size_t place = 0;
  while (place < kSectionOrder.size() && kSectionOrder[place].name != word) ++place;
  if (place < kSectionOrder.size()) {
    *gap = 2 * place + (after ? 2 : 1);
  } else if (word == "first" && !after) {
    *gap = 0;
  } else if (word == "last" && after) {
    *gap = kLastGap;
  } else {
    return ErrorAtCursor(cursor, "malformed section kind");
  }
  cursor.Take();
  if (cursor.kind() != TokenKind::kClose) {
    return ErrorAtCursor(cursor, "unexpected token, expected \")\"");
  }
  cursor.Take();
  return absl::OkStatus();
}

}  // namespace gantry::wasm::text
