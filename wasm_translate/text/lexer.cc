#include "wasm_translate/text/lexer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

enum CharClass : uint8_t {
  kIllegal,
  kIdChar,
  kMark,  // , ; [ ] { }: part of reserved tokens only
  kQuote,
  kBlank,
  kParen,
  kNonAscii,
};

constexpr std::array<CharClass, 256> MakeClasses() {
  std::array<CharClass, 256> classes{};
  for (int c = 0x21; c < 0x7F; ++c) classes[static_cast<size_t>(c)] = kIdChar;
  for (char c : {',', ';', '[', ']', '{', '}'}) classes[static_cast<uint8_t>(c)] = kMark;
  for (char c : {' ', '\t', '\n', '\r'}) classes[static_cast<uint8_t>(c)] = kBlank;
  classes['"'] = kQuote;
  classes['('] = kParen;
  classes[')'] = kParen;
  for (size_t c = 0x80; c < 0x100; ++c) classes[c] = kNonAscii;
  return classes;
}

constexpr std::array<CharClass, 256> kClasses = MakeClasses();

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Values of the digits; 16 is past any code point.
uint32_t HexValue(char c) {
  return static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

class Lexer {
 public:
  explicit Lexer(const SourceText& source)
      : source_(source), text_(source.text()), malformed_(FirstMalformedUtf8(source.text())) {}

  absl::StatusOr<std::vector<Token>> Run() {
    if (text_.size() > SourceText::kMaxSize) {
      return absl::ResourceExhaustedError("text larger than 4 GiB");
    }
    while (SkipBlanks() && position_ < text_.size() && ReadToken()) {
    }
    if (error_.ok() && annotation_depth_ > 0) Fail(annotation_, "unclosed annotation");
    if (!error_.ok()) return error_;
    Add(TokenKind::kEnd, text_.size());
    return std::move(tokens_);
  }

 private:
  char At(size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }
  CharClass ClassAt(size_t offset) const {
    return offset < text_.size() ? kClasses[static_cast<uint8_t>(text_[offset])] : kBlank;
  }

  bool Fail(size_t offset, absl::string_view message) {
    error_ = TextErrorAt(source_, static_cast<uint32_t>(offset), message);
    return false;
  }

  // For a comment or a string that reaches to `end`.
  bool CheckUtf8(size_t end) {
    return malformed_ >= end || Fail(malformed_, "malformed UTF-8 encoding");
  }

  void Add(TokenKind kind, size_t begin) {
    tokens_.push_back(
        {kind, static_cast<uint32_t>(begin), static_cast<uint32_t>(position_ - begin)});
  }

  // Passes blanks and comments.
  bool SkipBlanks() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (kClasses[static_cast<uint8_t>(c)] == kBlank) {
        ++position_;
      } else if (c == ';' && At(position_ + 1) == ';') {
        position_ = std::min(text_.find_first_of("\n\r", position_), text_.size());
        if (!CheckUtf8(position_)) return false;
      } else if (c == '(' && At(position_ + 1) == ';') {
        if (!SkipBlockComment()) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool SkipBlockComment() {
    const size_t begin = position_;
    size_t depth = 0;
    do {
      position_ = text_.find_first_of("(;", position_);
      if (position_ == absl::string_view::npos) {
        return CheckUtf8(text_.size()) && Fail(begin, "unclosed comment");
      }
      if (text_[position_] == '(' && At(position_ + 1) == ';') {
        ++depth;
        position_ += 2;
      } else if (text_[position_] == ';' && At(position_ + 1) == ')') {
        --depth;
        position_ += 2;
      } else {
        ++position_;
      }
    } while (depth > 0);
    return CheckUtf8(position_);
  }

  bool ReadToken() {
    const size_t begin = position_;
    switch (ClassAt(begin)) {
      case kParen:
        return ReadParenthesis();
      case kIdChar:
      case kMark:
      case kQuote:
        return ReadRun();
      default:
        return Fail(begin, malformed_ == begin ? "malformed UTF-8 encoding" : "illegal character");
    }
  }

  bool ReadParenthesis() {
    const size_t begin = position_++;
    if (text_[begin] == ')') {
      if (annotation_depth_ > 0) --annotation_depth_;
      Add(TokenKind::kClose, begin);
      return true;
    }
    // Within an annotation every opening parenthesis is one like any other.
    if (annotation_depth_ > 0) {
      ++annotation_depth_;
    } else if (At(position_) == '@') {
      ++position_;
      if (!ReadAnnotationId(begin)) return false;
      annotation_depth_ = 1;
      annotation_ = begin;
      Add(TokenKind::kAnnotation, begin);
      return true;
    }
    Add(TokenKind::kOpen, begin);
    return true;
  }

  bool ReadAnnotationId(size_t begin) {
    if (At(position_) == '"') return ReadQuotedId(begin, "empty annotation id");
    const size_t id = position_;
    while (ClassAt(position_) == kIdChar) ++position_;
    return position_ > id || Fail(begin, "empty annotation id");
  }

  // At the quotation mark behind $ or (@.
  bool ReadQuotedId(size_t begin, absl::string_view empty) {
    const size_t quote = position_;
    if (!ReadString()) {
      if (position_ == malformed_) return false;
      return Fail(begin, empty);
    }
    if (position_ - quote == 2) return Fail(begin, empty);
    const std::string id = UnescapeString(text_.substr(quote, position_ - quote));
    return IsUtf8(id) || Fail(begin, "malformed UTF-8 encoding");
  }

  // Identifiers, keywords, numbers, strings, and what else stands together without blanks.
  bool ReadRun() {
    const size_t begin = position_;
    size_t strings = 0;
    size_t marks = 0;
    for (;; ++position_) {
      const CharClass char_class = ClassAt(position_);
      if (char_class == kIdChar) continue;
      if (char_class == kQuote) {
        const bool is_id = position_ == begin + 1 && text_[begin] == '$';
        if (!(is_id ? ReadQuotedId(begin, "empty identifier") : ReadString())) return false;
        ++strings;
        --position_;
      } else if (char_class == kMark) {
        if (text_[position_] == ';' && At(position_ + 1) == ';') break;
        ++marks;
      } else {
        break;
      }
    }
    if (position_ - begin == 1 && text_[begin] == '$') {
      // A malformed string behind it is found on the way; anything else is not an identifier.
      return Fail(begin, "empty identifier");
    }
    Add(Classify(begin, strings, marks), begin);
    return true;
  }

  TokenKind Classify(size_t begin, size_t strings, size_t marks) const {
    const char first = text_[begin];
    const bool quoted = strings == 1 && marks == 0 && text_[position_ - 1] == '"';
    if (quoted && first == '"' && string_begin_ == begin) return TokenKind::kString;
    if (quoted && first == '$' && string_begin_ == begin + 1) return TokenKind::kId;
    if (strings > 0 || marks > 0) return TokenKind::kReserved;
    if (first == '$') return TokenKind::kId;
    if (first >= 'a' && first <= 'z') return TokenKind::kKeyword;
    if ((first >= '0' && first <= '9') || first == '+' || first == '-') return TokenKind::kNumber;
    return TokenKind::kReserved;
  }

  // From the quotation mark at the cursor past the closing one.
  bool ReadString() {
    const size_t begin = position_++;
    string_begin_ = begin;
    while (position_ < text_.size()) {
      const auto c = static_cast<uint8_t>(text_[position_]);
      if (c == '"') {
        ++position_;
        return true;
      }
      if (c == '\\') {
        if (!ReadEscape()) return false;
        continue;
      }
      if (c == '\n' || c == '\r') break;
      if (c < 0x20 || c == 0x7F) return Fail(position_, "illegal control character in string");
      if (position_ == malformed_) return Fail(position_, "malformed UTF-8 encoding");
      ++position_;
    }
    return Fail(begin, "unclosed string");
  }

  bool ReadEscape() {
    const size_t begin = position_;
    const char c = At(begin + 1);
    if (absl::string_view("tnr\"'\\").find(c) != absl::string_view::npos && c != '\0') {
      position_ += 2;
      return true;
    }
    if (IsHexDigit(c) && IsHexDigit(At(begin + 2))) {
      position_ += 3;
      return true;
    }
    if (c == 'u' && At(begin + 2) == '{') return ReadUnicodeEscape();
    return Fail(begin, begin + 1 < text_.size() ? "illegal escape" : "unclosed string");
  }

  // \u{10_ffff}
  bool ReadUnicodeEscape() {
    const size_t begin = position_;
    position_ += 3;
    uint32_t code = 0;
    bool after_digit = false;
    for (; At(position_) != '}'; ++position_) {
      const char c = At(position_);
      if (IsHexDigit(c)) {
        code = std::min<uint32_t>(code * 16 + HexValue(c), 0x11'0000);
        after_digit = true;
      } else if (c == '_' && after_digit) {
        after_digit = false;
      } else {
        return Fail(begin, "illegal escape");
      }
    }
    if (!after_digit || code > 0x10'FFFF || (code >= 0xD800 && code < 0xE000)) {
      return Fail(begin, "illegal escape");
    }
    ++position_;
    return true;
  }

  const SourceText& source_;
  const absl::string_view text_;
  // Offset of the first byte that is not UTF-8, or npos.
  const size_t malformed_;
  size_t position_ = 0;
  // Of the string read last.
  size_t string_begin_ = 0;
  // Parentheses open since the annotation at hand began, its own included.
  size_t annotation_depth_ = 0;
  size_t annotation_ = 0;
  std::vector<Token> tokens_;
  absl::Status error_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> Tokenize(const SourceText& source) {
  return Lexer(source).Run();
}

}  // namespace gantry::wasm::text
