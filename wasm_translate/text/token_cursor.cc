#include "wasm_translate/text/token_cursor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "wasm_translate/text/keywords.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

// How much of a token an error repeats.
constexpr size_t kShownSize = 40;

std::string Cut(absl::string_view text) {
  if (text.size() <= kShownSize) return std::string(text);
  size_t size = kShownSize;
  while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat(text.substr(0, size), "...");
}

bool IsGroupStart(TokenKind kind) {
  return kind == TokenKind::kOpen || kind == TokenKind::kAnnotation;
}

}  // namespace

TokenCursor::TokenCursor(const SourceText& source, absl::Span<const Token> tokens)
    : source_(&source), tokens_(tokens) {
  CHECK(!tokens.empty() && tokens.back().kind == TokenKind::kEnd);
  MoveTo(0);
}

void TokenCursor::KeepAnnotations(absl::Span<const absl::string_view> names) {
  kept_ = names;
  MoveTo(after_last_);
}

bool TokenCursor::IsKept(const Token& annotation) const {
  if (kept_.empty()) return false;
  const std::string id = IdName(TextOf(annotation).substr(1));
  return std::any_of(kept_.begin(), kept_.end(),
                     [&id](absl::string_view name) { return name == id; });
}

size_t TokenCursor::PassGroup(size_t index) const {
  size_t depth = 0;
  do {
    const TokenKind kind = At(index).kind;
    if (kind == TokenKind::kEnd) return index;
    if (IsGroupStart(kind)) ++depth;
    if (kind == TokenKind::kClose) --depth;
    ++index;
  } while (depth > 0);
  return index;
}

size_t TokenCursor::PassAnnotations(size_t index) const {
  while (At(index).kind == TokenKind::kAnnotation && !IsKept(At(index))) index = PassGroup(index);
  return index;
}

const Token& TokenCursor::Peek(size_t ahead) const {
  size_t index = position_;
  for (; ahead > 0 && At(index).kind != TokenKind::kEnd; --ahead) {
    index = PassAnnotations(index + 1);
  }
  return At(index);
}

absl::string_view TokenCursor::TextOf(const Token& token) const {
  return source_->text().substr(token.offset, token.size);
}

bool TokenCursor::AtKeyword(absl::string_view word) const {
  return kind() == TokenKind::kKeyword && TextOf(Peek()) == word;
}

bool TokenCursor::AtOpen(absl::string_view word) const {
  if (kind() != TokenKind::kOpen) return false;
  const Token& next = Peek(1);
  return next.kind == TokenKind::kKeyword && TextOf(next) == word;
}

bool TokenCursor::AtAnnotation(absl::string_view id) const {
  return kind() == TokenKind::kAnnotation && IdName(TextOf(Peek()).substr(1)) == id;
}

const Token& TokenCursor::Take() {
  const Token& token = At(position_);
  if (token.kind != TokenKind::kEnd) MoveTo(position_ + 1);
  return token;
}

void TokenCursor::Take(size_t count) {
  for (; count > 0; --count) Take();
}

bool TokenCursor::TakeKeyword(absl::string_view word) {
  if (!AtKeyword(word)) return false;
  Take();
  return true;
}

bool TokenCursor::TakeOpen(absl::string_view word) {
  if (!AtOpen(word)) return false;
  Take(2);
  return true;
}

absl::Status TokenCursor::ExpectOpen() {
  if (kind() != TokenKind::kOpen) return Unexpected("\"(\"");
  Take();
  return absl::OkStatus();
}

absl::Status TokenCursor::ExpectClose() {
  if (kind() != TokenKind::kClose) return Unexpected("\")\"");
  Take();
  return absl::OkStatus();
}

absl::Status TokenCursor::ExpectKeyword(absl::string_view word) {
  if (!AtKeyword(word)) return Unexpected(absl::StrCat("\"", word, "\""));
  Take();
  return absl::OkStatus();
}

absl::StatusOr<std::string> TokenCursor::ExpectString() {
  if (!AtString()) return Unexpected("a string");
  return UnescapeString(TextOf(Take()));
}

absl::StatusOr<std::string> TokenCursor::ExpectName() {
  if (!AtString()) return Unexpected("a name in quotation marks");
  const Token& token = Peek();
  std::string name = UnescapeString(TextOf(token));
  if (!IsUtf8(name)) return ErrorAt(token, "malformed UTF-8 encoding");
  Take();
  return name;
}

void TokenCursor::SkipForm() {
  if (IsGroupStart(kind())) {
    MoveTo(PassGroup(position_));
  } else if (kind() != TokenKind::kClose) {
    Take();
  }
}

void TokenCursor::SkipToClose() {
  while (kind() != TokenKind::kClose && kind() != TokenKind::kEnd) SkipForm();
  Take();
}

absl::Status TokenCursor::Unexpected(absl::string_view what) const {
  const Token& token = Peek();
  const absl::string_view text = TextOf(token);
  auto is_unknown = [this](const Token& word) {
    return word.kind == TokenKind::kReserved ||
           ((word.kind == TokenKind::kKeyword || word.kind == TokenKind::kNumber) &&
            !IsKnownWord(TextOf(word)));
  };
  auto unknown = [this, what](const Token& word) {
    return ErrorAt(word, absl::StrCat("unknown operator ", Shown(word), ", expected ", what));
  };
  auto unexpected = [this, what, &token](absl::string_view shown) {
    return ErrorAt(token, absl::StrCat("unexpected token ", shown, ", expected ", what));
  };
  switch (token.kind) {
    case TokenKind::kEnd:
      return unexpected("at the end of the text");
    case TokenKind::kAnnotation:
      return ErrorAt(token, absl::StrCat("misplaced @", Cut(IdName(text.substr(1))),
                                         " annotation, expected ", what));
    case TokenKind::kString:
      return unexpected(Shown(token));
    case TokenKind::kOpen: {
      const Token& next = Peek(1);
      if (is_unknown(next)) return unknown(next);
      const bool word = next.kind == TokenKind::kKeyword;
      return unexpected(absl::StrCat("\"(", word ? Shown(next) : "", "\""));
    }
    default:
      if (is_unknown(token)) return unknown(token);
      return unexpected(absl::StrCat("\"", Shown(token), "\""));
  }
}

std::string TokenCursor::Shown(const Token& token) const { return Cut(TextOf(token)); }

absl::Status TokenCursor::Error(absl::string_view message) const {
  return ErrorAt(Peek(), message);
}

absl::Status TokenCursor::ErrorAt(const Token& token, absl::string_view message) const {
  return TextErrorAt(*source_, token.offset, message);
}

}  // namespace gantry::wasm::text
