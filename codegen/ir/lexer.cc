#include "codegen/ir/lexer.h"

#include "absl/strings/ascii.h"

namespace gantry::codegen {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsWordStart(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsWordRest(char c) { return IsWordStart(c) || IsDigit(c) || c == '.'; }
bool IsNameRest(char c) { return IsWordRest(c) || c == '$'; }

}  // namespace

void Lexer::SkipSpace() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == ';') {
      while (position_ < text_.size() && text_[position_] != '\n') ++position_;
    } else if (c == '\n') {
      ++position_;
      ++line_;
      line_start_ = position_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++position_;
    } else {
      return;
    }
  }
}

Token Lexer::Next() {
  SkipSpace();
  Token token;
  token.line = line_;
  token.column = static_cast<int>(position_ - line_start_) + 1;
  const size_t start = position_;
  if (position_ >= text_.size()) return token;
  const char c = Peek();
  if (IsWordStart(c)) {
    while (IsWordRest(Peek())) ++position_;
    token.kind = TokenKind::kWord;
  } else if (IsDigit(c)) {
    const bool hex = c == '0' && (Peek(1) == 'x' || Peek(1) == 'X');
    while (IsWordRest(Peek())) {
      const char lower = absl::ascii_tolower(static_cast<unsigned char>(Peek()));
      ++position_;
      // The sign of an exponent belongs to the number.
      if (lower == (hex ? 'p' : 'e') && (Peek() == '+' || Peek() == '-') && IsDigit(Peek(1))) {
        ++position_;
      }
    }
    token.kind = TokenKind::kNumber;
  } else if (c == '%') {
    ++position_;
    token.kind = TokenKind::kName;
    if (Peek() == '"') {
      ++position_;
      while (Peek() != '"' && Peek() != '\n' && position_ < text_.size()) {
        position_ += Peek() == '\\' && position_ + 1 < text_.size() ? 2 : 1;
      }
      if (Peek() == '"') {
        ++position_;
      } else {
        token.kind = TokenKind::kBad;
      }
    } else {
      while (IsNameRest(Peek())) ++position_;
    }
    token.text = text_.substr(start + 1, position_ - start - 1);
    return token;
  } else if (c == '@') {
    ++position_;
    while (absl::ascii_isxdigit(static_cast<unsigned char>(Peek()))) ++position_;
    token.kind = TokenKind::kLoc;
    token.text = text_.substr(start + 1, position_ - start - 1);
    return token;
  } else if (c == '-' && Peek(1) == '>') {
    position_ += 2;
    token.kind = TokenKind::kArrow;
  } else {
    ++position_;
    token.kind = absl::string_view("(){}[],:=+-!").find(c) == absl::string_view::npos
                     ? TokenKind::kBad
                     : TokenKind::kPunct;
  }
  token.text = text_.substr(start, position_ - start);
  return token;
}

}  // namespace gantry::codegen
