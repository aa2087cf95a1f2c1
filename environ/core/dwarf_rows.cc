// Tested by dwarf_lines_test.
#include "environ/core/dwarf_rows.h"

#include <algorithm>

#include "environ/core/dwarf_line_programs.h"

namespace gantry::environ {

using line_programs::Cursor;
using line_programs::ReadUnit;
using line_programs::Unit;

DwarfRows::DwarfRows(const DwarfLines::Sections& sections) : sections_(sections) {
  line_programs::ForEachSequence(sections, [this](const line_programs::Sequence& sequence) {
    sequences_.push_back({sequence.low, sequence.high, sequence.unit, sequence.program});
  });
  std::stable_sort(sequences_.begin(), sequences_.end(),
                   [](const Sequence& a, const Sequence& b) { return a.low < b.low; });
}

std::vector<DwarfRows::Row> DwarfRows::Around(uint32_t address) const {
  std::vector<Row> rows;
  const auto after = std::upper_bound(
      sequences_.begin(), sequences_.end(), address,
      [](uint32_t value, const Sequence& sequence) { return value < sequence.low; });
  if (after == sequences_.begin()) return rows;
  const Sequence& sequence = *std::prev(after);
  Unit unit;
  if (address >= sequence.high || !ReadUnit(sections_.line, sequence.unit, unit)) return rows;
  // The program ends where the unit does.
  Cursor in(sections_.line.first(unit.next), sequence.program);
  line_programs::RunSequence(unit, in, [&](const line_programs::Row& row) {
    // A program that goes back makes no sense.
    if (!rows.empty() && row.address < rows.back().address) return false;
    rows.push_back(
        {row.address, sequence.unit, row.file, row.line, row.column, row.is_statement, row.end});
    return true;
  });
  return rows;
}

std::optional<std::string> DwarfRows::FileOf(const Row& row) const {
  Unit unit;
  if (!ReadUnit(sections_.line, row.unit, unit)) return std::nullopt;
  return line_programs::FileName(sections_, unit, row.file);
}

}  // namespace gantry::environ
