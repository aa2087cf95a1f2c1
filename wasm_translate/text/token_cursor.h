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
// Tokens end with kEnd (Tokenize), which is never passed. A cursor is a value: a copy is a
// bookmark.
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

  // From here on annotations of these names are tokens like any other, also one that stands
  // right before the cursor; all others are passed over. Borrows. Without a call none is kept.
  void KeepAnnotations(absl::Span<const absl::string_view> names);

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
  // At "(@" and this id. Only for those that are kept.
  bool AtAnnotation(absl::string_view id) const;

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

  // Where the cursor stands, for ReturnTo: smaller than a copy.
  size_t Mark() const { return position_; }
  void ReturnTo(size_t mark) { MoveTo(mark); }

  // Moves past one token or one parenthesised group, however deep. At kClose or kEnd it stays.
  void SkipForm();
  // Moves past the kClose of the group that the cursor is in, however deep.
  void SkipToClose();

  // "unexpected token X, expected WHAT" at the token at hand; "unknown operator X, expected
  // WHAT" where it is no word of the language at all (at "(", the same for the token behind
  // it), "misplaced @X annotation" at an annotation. The script's wording.
  absl::Status Unexpected(absl::string_view what) const;
  // The characters of a token as messages repeat them: cut where there are many.
  std::string Shown(const Token& token) const;
  // A message at the token at hand, or at another one.
  absl::Status Error(absl::string_view message) const;
  absl::Status ErrorAt(const Token& token, absl::string_view message) const;

 private:
  const Token& At(size_t index) const { return tokens_[index]; }
  // Past annotations that are not kept, beginning at `index`.
  size_t PassAnnotations(size_t index) const;
  // Past the group that opens at `index`.
  size_t PassGroup(size_t index) const;
  bool IsKept(const Token& annotation) const;
  void MoveTo(size_t index) {
    after_last_ = index;
    position_ = PassAnnotations(index);
  }

  const SourceText* source_;
  absl::Span<const Token> tokens_;
  absl::Span<const absl::string_view> kept_;
  // Of the token at hand, and behind the one taken last: annotations lie between them.
  size_t position_ = 0;
  size_t after_last_ = 0;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TOKEN_CURSOR_H_
