// Cuts WebAssembly text into tokens.
//
//   ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source));
//
// Comments and blanks are dropped. Annotations stay, as kAnnotation (the "(@id"), the tokens
// within, and kClose; the cursor passes over those that nobody asks for. What is wrong with
// characters, strings, comments and parentheses of annotations is found here; whether a
// token makes sense where it stands is its reader's.
//
// (WebAssembly 3.0, "Text Format", lexical format; annotations.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_LEXER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_LEXER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "wasm_translate/text/source.h"

namespace gantry::wasm::text {

enum class TokenKind : uint8_t {
  kOpen,        // (
  kClose,       // )
  kAnnotation,  // (@id or (@"id"
  kKeyword,     // begins with a lower-case letter: also inf, nan, offset=8
  kNumber,      // begins with a digit or a sign
  kString,      // in quotation marks, which belong to the token
  kId,          // $x or $"x"
  kReserved,    // anything else of characters that may stand in a token
  kEnd,         // of the text; always the last
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t offset = 0;
  uint32_t size = 0;
};

// The tokens, kEnd last. Errors: those of TextErrorAt, the first one in the text.
absl::StatusOr<std::vector<Token>> Tokenize(const SourceText& source);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_LEXER_H_
