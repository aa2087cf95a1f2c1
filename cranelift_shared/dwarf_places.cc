// Tested by native_dwarf_test.
#include "cranelift_shared/dwarf_places.h"

#include <algorithm>

namespace gantry::cranelift {

using environ::FuncKeyKind;

CodePlaces::CodePlaces(const environ::ModuleTranslation& module, uint32_t code_offset,
                       const environ::LinkedText& text, absl::Span<const uint32_t> debug_areas)
    : text_(text), code_offset_(code_offset) {
  for (const environ::TextFunction& function : text.functions) {
    if (function.key.kind() != FuncKeyKind::kWasmFunction) continue;
    const wasm::DefinedFuncIndex index = function.key.defined_function();
    const wasm::FunctionBody& body = module.parsed.bodies[index];
    if (body.offset < code_offset) continue;
    Function place;
    place.index = index;
    place.wasm_begin = static_cast<uint32_t>(body.offset - code_offset);
    place.wasm_end = place.wasm_begin + static_cast<uint32_t>(body.bytes.size());
    place.begin = function.offset;
    place.size = function.size;
    if (index.raw() < debug_areas.size()) place.debug_area = debug_areas[index.raw()];
    functions_.push_back(place);
    for (const Row& row : RowsOf(place)) by_wasm_.push_back(row);
  }
  std::sort(functions_.begin(), functions_.end(),
            [](const Function& a, const Function& b) { return a.wasm_begin < b.wasm_begin; });
  std::stable_sort(by_wasm_.begin(), by_wasm_.end(),
                   [](const Row& a, const Row& b) { return a.wasm < b.wasm; });
}

std::vector<CodePlaces::Row> CodePlaces::RowsOf(const Function& function) const {
  std::vector<Row> rows;
  const uint32_t end = function.begin + function.size;
  const auto first =
      std::lower_bound(text_.address_offsets.begin(), text_.address_offsets.end(), function.begin);
  for (auto it = first; it != text_.address_offsets.end() && *it < end; ++it) {
    const uint32_t wasm =
        text_.address_wasm_offsets[static_cast<size_t>(it - text_.address_offsets.begin())];
    if (wasm == environ::kNoWasmOffset || wasm < code_offset_) continue;
    const auto next = it + 1;
    const uint32_t until = next == text_.address_offsets.end() ? end : std::min(*next, end);
    if (until > *it) rows.push_back({*it, until, wasm - code_offset_});
  }
  return rows;
}

const CodePlaces::Function* CodePlaces::FindFunction(uint64_t low, uint64_t high) const {
  // Addresses of functions that the linker dropped are 0, or behind everything.
  if (low == 0 || low >= high || functions_.empty()) return nullptr;
  // Some tools begin a function at the size in front of its body.
  auto at = std::lower_bound(
      functions_.begin(), functions_.end(), low,
      [](const Function& function, uint64_t value) { return function.wasm_begin < value; });
  if (at != functions_.end() && at->wasm_begin < high) return &*at;
  if (at == functions_.begin()) return nullptr;
  --at;
  return low < at->wasm_end ? &*at : nullptr;
}

std::vector<CodePlaces::Range> CodePlaces::RangesOf(uint64_t low, uint64_t high,
                                                    uint64_t& steps_left) const {
  std::vector<Range> ranges;
  auto at = std::lower_bound(by_wasm_.begin(), by_wasm_.end(), low,
                             [](const Row& row, uint64_t value) { return row.wasm < value; });
  for (; at != by_wasm_.end() && at->wasm < high; ++at) {
    if (steps_left == 0) return {};
    --steps_left;
    ranges.push_back({at->begin, at->end});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  size_t kept = 0;
  for (const Range& range : ranges) {
    if (kept > 0 && ranges[kept - 1].end >= range.begin) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

}  // namespace gantry::cranelift
