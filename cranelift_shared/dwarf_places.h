// CodePlaces: where code of a module went, in the addresses that its DWARF uses: offsets in the
// contents of the code section.
#ifndef GANTRY_CRANELIFT_SHARED_DWARF_PLACES_H_
#define GANTRY_CRANELIFT_SHARED_DWARF_PLACES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "environ/core/linked_text.h"
#include "environ/translation/module_translation.h"
#include "wasm_translate/types.h"

namespace gantry::cranelift {

class CodePlaces {
 public:
  struct Function {
    wasm::DefinedFuncIndex index;
    // Of its body.
    uint32_t wasm_begin = 0, wasm_end = 0;
    // In the text.
    uint32_t begin = 0, size = 0;
    uint32_t debug_area = 0;
  };
  // A stretch of machine code.
  struct Range {
    uint32_t begin = 0, end = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };
  // Machine code from `begin` on is of the operator at `wasm`.
  struct Row {
    uint32_t begin = 0, end = 0, wasm = 0;
  };

  CodePlaces(const environ::ModuleTranslation& module, uint32_t code_offset,
             const environ::LinkedText& text, absl::Span<const uint32_t> debug_areas);

  // By wasm_begin.
  const std::vector<Function>& functions() const { return functions_; }
  // The function that a subprogram of these addresses is; null where there is none.
  const Function* FindFunction(uint64_t low, uint64_t high) const;
  // What became of [low, high), which lies in one function: ascending, no two touch. Takes off
  // what was looked at; nothing where that is more.
  std::vector<Range> RangesOf(uint64_t low, uint64_t high, uint64_t& steps_left) const;
  // A function's code in order of the text, without what belongs to no operator.
  std::vector<Row> RowsOf(const Function& function) const;

 private:
  const environ::LinkedText& text_;
  const uint32_t code_offset_;
  std::vector<Function> functions_;
  // All functions' rows by `wasm`.
  std::vector<Row> by_wasm_;
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_DWARF_PLACES_H_
