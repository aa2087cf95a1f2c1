#include "environ/core/dwarf_lines.h"

#include <algorithm>

#include "environ/core/dwarf_line_programs.h"

namespace gantry::environ {

using line_programs::Cursor;
using line_programs::FileName;
using line_programs::ReadUnit;
using line_programs::Row;
using line_programs::RunSequence;
using line_programs::Unit;

DwarfLines::DwarfLines(const Sections& sections) : sections_(sections) {
  line_programs::ForEachSequence(sections, [this](const line_programs::Sequence& sequence) {
    sequences_.push_back({sequence.low, sequence.high, sequence.unit, sequence.program});
  });
  std::stable_sort(sequences_.begin(), sequences_.end(),
                   [](const Sequence& a, const Sequence& b) { return a.low < b.low; });
}

bool DwarfLines::UsesStr(absl::Span<const uint8_t> line) {
  for (size_t at = 0; at < line.size();) {
    Unit unit;
    if (!ReadUnit(line, at, unit)) return false;
    if (unit.version >= 5) return true;
    at = unit.next;
  }
  return false;
}

std::optional<SourcePosition> DwarfLines::Find(uint32_t address) const {
  const auto after = std::upper_bound(
      sequences_.begin(), sequences_.end(), address,
      [](uint32_t value, const Sequence& sequence) { return value < sequence.low; });
  if (after == sequences_.begin()) return std::nullopt;
  const Sequence& sequence = *std::prev(after);
  if (address >= sequence.high) return std::nullopt;
  Unit unit;
  if (!ReadUnit(sections_.line, sequence.unit, unit)) return std::nullopt;
  // The program ends where the unit does.
  Cursor in(sections_.line.first(unit.next), sequence.program);
  std::optional<Row> found;
  RunSequence(unit, in, [&](const Row& row) {
    if (row.address > address) return false;
    if (!row.end) found = row;
    return true;
  });
  if (!found || found->line == 0) return std::nullopt;
  std::optional<std::string> file = FileName(sections_, unit, found->file);
  if (!file) return std::nullopt;
  return SourcePosition{*std::move(file), found->line, found->column};
}

}  // namespace gantry::environ
