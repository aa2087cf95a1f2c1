// DwarfRows: all rows of line tables, where DwarfLines has the position of one address.
//
//   const DwarfRows lines(sections);
//   for (const DwarfRows::Row& row : lines.Around(address)) ... lines.FileOf(row) ...
//
// Tested by dwarf_lines_test.
#ifndef GANTRY_ENVIRON_CORE_DWARF_ROWS_H_
#define GANTRY_ENVIRON_CORE_DWARF_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "environ/core/dwarf_lines.h"

namespace gantry::environ {

class DwarfRows {
 public:
  // From `address` up to the next row's the code is of this line.
  struct Row {
    uint32_t address = 0;
    // For FileOf: the unit that the row is of, and its file in there.
    size_t unit = 0;
    uint64_t file = 0;
    uint32_t line = 0;  // 0 for code of no line
    uint32_t column = 0;
    bool is_statement = false;
    // The code in front of it was the last of the sequence.
    bool is_end = false;
  };

  // The sections must outlive it, and may hold anything.
  explicit DwarfRows(const DwarfLines::Sections& sections);

  // All rows of the sequence that holds the address, ascending; none where there is no such
  // sequence.
  std::vector<Row> Around(uint32_t address) const;
  std::optional<std::string> FileOf(const Row& row) const;

 private:
  struct Sequence {
    uint32_t low, high;
    size_t unit, program;
  };

  DwarfLines::Sections sections_;
  std::vector<Sequence> sequences_;  // by `low`
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_DWARF_ROWS_H_
