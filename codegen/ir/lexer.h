// The tokens of the text form of IR.
#ifndef GANTRY_CODEGEN_IR_LEXER_H_
#define GANTRY_CODEGEN_IR_LEXER_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace gantry::codegen {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,    // A letter or _, then letters, digits, _ and '.'.
  kNumber,  // A digit, then letters, digits and '.', with p+ p- e+ e- inside.
  kName,    // % and a plain name or a quoted string; `text` is without the %.
  kLoc,     // @ and hexadecimal digits; `text` is without the @.
  kArrow,   // ->
  kPunct,   // One character: ( ) { } [ ] , : = + - !
  kBad,     // A character that starts no token.
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  absl::string_view text;
  int line = 1;
  int column = 1;

  bool Is(char c) const { return kind == TokenKind::kPunct && text[0] == c; }
  bool IsWord(absl::string_view word) const { return kind == TokenKind::kWord && text == word; }
};

// Cuts text into tokens, one at a time; skips white space and comments.
class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}
  Token Next();

 private:
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  void SkipSpace();

  absl::string_view text_;
  size_t position_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_LEXER_H_
