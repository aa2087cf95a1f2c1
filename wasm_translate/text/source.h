// Text with a name, and errors that point into it.
//
//   SourceText source("a.wat", "(module (fun))");
//   return TextErrorAt(source, 9, "unexpected token \"fun\", expected a module field");
//
// prints as
//
//   a.wat:1:10: unexpected token "fun", expected a module field
//       (module (fun))
//                ^
#ifndef GANTRY_WASM_TRANSLATE_TEXT_SOURCE_H_
#define GANTRY_WASM_TRANSLATE_TEXT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace gantry::wasm::text {

// Where something stands; both count from 1, columns in characters (code points; a byte that
// is not UTF-8 counts as one).
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
};

class SourceText {
 public:
  // The most bytes a text may have: offsets are 32 bits.
  static constexpr uint64_t kMaxSize = 0xFFFF'FFFF;

  // Borrows both.
  SourceText(absl::string_view name, absl::string_view text) : name_(name), text_(text) {}
  // A text that stands within another, `first_line` lines down: errors then name the line in
  // the whole. (The quoted modules of scripts.)
  SourceText(absl::string_view name, absl::string_view text, uint32_t first_line)
      : name_(name), text_(text), first_line_(first_line) {}

  absl::string_view name() const { return name_; }
  absl::string_view text() const { return text_; }

  // Takes time in the size of the text before `offset`.
  Position PositionOf(uint32_t offset) const;

 private:
  absl::string_view name_;
  absl::string_view text_;
  uint32_t first_line_ = 1;
};

// InvalidArgument with place, source line and caret, as above. A long line is cut around the
// caret.
absl::Status TextErrorAt(const SourceText& source, uint32_t offset, absl::string_view message);

// The message of such an error without place and source line; that of any other error as it
// is.
std::string BareMessage(const absl::Status& status);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_SOURCE_H_
