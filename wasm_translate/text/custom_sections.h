// Custom sections of a module in the text format, and the order of sections they go by.
//
//   (@custom "name" (before func) "bytes" "more")
//
// (WebAssembly 3.0, appendix "Custom Sections and Annotations".)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_CUSTOM_SECTIONS_H_
#define GANTRY_WASM_TRANSLATE_TEXT_CUSTOM_SECTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/text/token_cursor.h"

namespace gantry::wasm::text {

// Sections in the order of the binary format, with the names that annotations use.
struct SectionPlace {
  uint8_t id;
  absl::string_view name;
};
inline constexpr std::array<SectionPlace, 13> kSectionOrder = {{
    {1, "type"},
    {2, "import"},
    {3, "func"},
    {4, "table"},
    {5, "memory"},
    {13, "tag"},
    {6, "global"},
    {7, "export"},
    {8, "start"},
    {9, "elem"},
    {12, "datacount"},
    {10, "code"},
    {11, "data"},
}};

class CustomSections {
 public:
  // Before the section at `place` of kSectionOrder stands gap 2 * place + 1, behind it the next;
  // gap 0 is before the first section, and the last one behind everything.
  static constexpr size_t kLastGap = 2 * kSectionOrder.size() + 1;

  // The cursor stands at the annotation. Errors: "@custom annotation: missing section name",
  // "... malformed UTF-8 encoding", "... unexpected token", "... malformed placement", "...
  // malformed section kind".
  absl::Status Read(TokenCursor& cursor);
  // Appends those of a gap, in the order of the text.
  void Append(size_t gap, ByteWriter* out) const { out->Bytes(gaps_[gap].bytes()); }

 private:
  absl::Status ReadPlacement(TokenCursor& cursor, size_t* gap);

  std::array<ByteWriter, kLastGap + 1> gaps_;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_CUSTOM_SECTIONS_H_
