// The values that tokens spell: integers, floats, strings, identifiers.
//
//   ParseInteger("-0x80_00", 16);     // 0x8000: also the two's complement of a negative one
//   ParseF32("0x1.8p-149");           // bits, rounded to nearest, ties to even
//   ParseF64("nan:0x4000");           // bits
//
// (WebAssembly 3.0, "Text Format", values.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_LITERALS_H_
#define GANTRY_WASM_TRANSLATE_TEXT_LITERALS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace gantry::wasm::text {

enum class LiteralError : uint8_t {
  kNone,
  kSyntax,  // no number of this kind at all
  kRange,   // a number that does not fit
};

struct Literal {
  LiteralError error = LiteralError::kNone;
  // Of an integer or float: its bits, those above its width zero.
  uint64_t bits = 0;

  bool ok() const { return error == LiteralError::kNone; }
};

// An unsigned number of up to `width` (1..64) bits; no sign.
Literal ParseUnsigned(absl::string_view text, int width);
// A number from -2^(width-1) to 2^width - 1.
Literal ParseInteger(absl::string_view text, int width);
// Decimal or hexadecimal, with or without exponent, inf, nan, nan:0x...
Literal ParseF32(absl::string_view text);
Literal ParseF64(absl::string_view text);

// Of a kString token with its quotation marks, or what follows $ or @ in a quoted id: the
// bytes, escapes resolved. The lexer has checked it.
std::string UnescapeString(absl::string_view quoted);

// Of a kId token: the name behind $, escapes resolved.
std::string IdName(absl::string_view token);

// Shortest text that ParseF32 and ParseF64 read back to the same bits.
std::string PrintF32(uint32_t bits);
std::string PrintF64(uint64_t bits);
// The bytes in quotation marks, what has to be escaped escaped.
std::string QuoteString(absl::string_view bytes);

// Offset of the first byte that belongs to no UTF-8 sequence, npos where all do. (Unicode 15,
// table 3-7: no surrogates, nothing overlong, nothing past U+10FFFF.)
size_t FirstMalformedUtf8(absl::string_view bytes);
inline bool IsUtf8(absl::string_view bytes) {
  return FirstMalformedUtf8(bytes) == absl::string_view::npos;
}

// Whether the characters are those of some integer or float, in range or not: "unexpected
// token" rather than "unknown operator" where none may stand. Also inf and nan:0x1.
bool IsNumber(absl::string_view text);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_LITERALS_H_
