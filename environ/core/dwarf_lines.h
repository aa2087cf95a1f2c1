// DwarfLines: source positions by address, from the line number programs of DWARF 2 to 5 that
// compilers put into a module's custom sections .debug_line, .debug_line_str and .debug_str.
//
//   const DwarfLines lines({.line = ..., .line_str = ..., .str = ...});
//   std::optional<SourcePosition> position = lines.Find(offset_in_code_section);
//
// The sections may hold anything; what cannot be read is left out. Making it runs all programs
// once and keeps some bytes a function; a search runs the program of one.
// (DWARF Debugging Information Format, version 5, section 6.2; DWARF for WebAssembly: addresses
// are offsets in the contents of the code section.)
#ifndef GANTRY_ENVIRON_CORE_DWARF_LINES_H_
#define GANTRY_ENVIRON_CORE_DWARF_LINES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace gantry::environ {

struct SourcePosition {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;  // 0 where it is not known

  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

class DwarfLines {
 public:
  struct Sections {
    absl::Span<const uint8_t> line;
    absl::Span<const uint8_t> line_str;
    absl::Span<const uint8_t> str;
  };

  DwarfLines() = default;
  // The sections must outlive it.
  explicit DwarfLines(const Sections& sections);

  // Whether the programs may name files by .debug_str.
  static bool UsesStr(absl::Span<const uint8_t> line);

  // The position of the instruction at an address; nothing where no program says.
  std::optional<SourcePosition> Find(uint32_t address) const;

 private:
  // A run of ascending addresses, one function in most cases.
  struct Sequence {
    uint32_t low;
    uint32_t high;   // exclusive
    size_t unit;     // where its unit begins in .debug_line
    size_t program;  // where its instructions begin
  };

  Sections sections_;
  std::vector<Sequence> sequences_;  // by `low`
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_DWARF_LINES_H_
