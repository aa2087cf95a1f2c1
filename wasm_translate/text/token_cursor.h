// Reads tokens one by one: what text and script parsers are made of.
//
//   TokenCursor cursor(source, tokens);
//   if (cursor.AtOpen("module")) {
//     cursor.Take(2);
//     if (cursor.AtId()) ...
//     RETURN_IF_ERROR(cursor.ExpectClose());
//   }
//
// Annotations are passed over but for those whose names were given to KeepAnnotations.
// A cursor is a value: a copy is a bookmark.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TOKEN_CURSOR_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TOKEN_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/source.h"

namespace gantry::wasm::text {

class TokenCursor {
 public:
  // Borrows both.
  TokenCursor(const SourceText& source, absl::Span<const Token> tokens);

  const SourceText& source() const { return *source_; }

  // The token at hand, and the `ahead`th after it (0 or 1); kEnd past the end.
  const Token& Peek(size_t ahead = 0) const;
  TokenKind kind() const { return Peek().kind; }
  bool AtEnd() const { return kind() == TokenKind::kEnd; }
  // The characters of a token, quotation marks and $ included.
  absl::string_view TextOf(const Token& token) const;

  bool AtKeyword(absl::string_view word) const;
  // At "(" followed by the keyword.
  bool AtOpen(absl::string_view word) const;
  bool AtId() const { return kind() == TokenKind::kId; }
  bool AtString() const { return kind() == TokenKind::kString; }

  // Moves past one token, which it returns.
  const Token& Take();
  void Take(size_t count);
  bool TakeKeyword(absl::string_view word);
  // "(" and the keyword.
  bool TakeOpen(absl::string_view word);

  // Each moves past what it expects, or says what stands there instead.
  absl::Status ExpectOpen();
  absl::Status ExpectClose();
  absl::Status ExpectKeyword(absl::string_view word);
  // Of a string: its bytes, escapes resolved.
  absl::StatusOr<std::string> ExpectString();
  // The same, which has to be UTF-8: else "malformed UTF-8 encoding".
  absl::StatusOr<std::string> ExpectName();

  // Moves past one token or one parenthesised group, however deep. At kClose or kEnd it stays.
  void SkipForm();
  // Moves past the kClose of the group that the cursor is in, however deep.
  void SkipToClose();

  // "unexpected token X, expected WHAT" at the token at hand.
  absl::Status Unexpected(absl::string_view what) const;
  // A message at the token at hand, or at another one.
  absl::Status Error(absl::string_view message) const;
  absl::Status ErrorAt(const Token& token, absl::string_view message) const;

 private:
  const SourceText* source_;
  absl::Span<const Token> tokens_;
  size_t position_ = 0;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TOKEN_CURSOR_H_
