// Line number programs by hand, for tests.
#ifndef GANTRY_ENVIRON_CORE_DWARF_LINES_TESTING_H_
#define GANTRY_ENVIRON_CORE_DWARF_LINES_TESTING_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/strings/string_view.h"

namespace gantry::environ {

class ByteWriter {
 public:
  ByteWriter& U8(uint8_t value) { return Number(value, 1); }
  ByteWriter& U16(uint16_t value) { return Number(value, 2); }
  ByteWriter& U32(uint32_t value) { return Number(value, 4); }
  // At most 127.
  ByteWriter& Small(uint8_t value) { return U8(value); }
  ByteWriter& Text(absl::string_view text) {
    bytes.insert(bytes.end(), text.begin(), text.end());
    return U8(0);
  }
  ByteWriter& Append(const ByteWriter& other) {
    bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
    return *this;
  }
  std::vector<uint8_t> bytes;

 private:
  ByteWriter& Number(uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
};

struct LineRow {
  uint32_t address;  // ascending, by at most 255
  uint8_t file;
  int8_t line_delta;  // at least -64, at most 63
  uint8_t column;
};

// A sequence from the first row's address to `end`.
inline ByteWriter LineSequence(std::initializer_list<LineRow> rows, uint32_t end) {
  ByteWriter out;
  uint32_t address = rows.begin()->address;
  out.U8(0).Small(5).U8(2).U32(address);  // DW_LNE_set_address
  const auto advance = [&](uint32_t to) {
    out.U8(9).U16(static_cast<uint16_t>(to - address));  // DW_LNS_fixed_advance_pc
    address = to;
  };
  for (const LineRow& row : rows) {
    advance(row.address);
    out.U8(4).Small(row.file).U8(5).Small(row.column);
    out.U8(3).U8(static_cast<uint8_t>(row.line_delta) & 0x7F).U8(1);  // advance_line, copy
  }
  advance(end);
  out.U8(0).Small(1).U8(1);  // DW_LNE_end_sequence
  return out;
}

// A unit of version 2 to 5 whose tables of names are given, and its program.
inline ByteWriter LineUnit(uint16_t version, const ByteWriter& names, const ByteWriter& program) {
  ByteWriter header;
  header.U8(1);                                             // minimum length of an instruction
  if (version >= 4) header.U8(1);                           // operations in one
  header.U8(1).U8(static_cast<uint8_t>(-5)).U8(14).U8(13);  // is_stmt, line base, range, opcodes
  for (uint8_t operands : {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}) header.U8(operands);
  header.Append(names);
  ByteWriter unit;
  unit.U16(version);
  if (version >= 5) unit.U8(4).U8(0);
  unit.U32(static_cast<uint32_t>(header.bytes.size())).Append(header).Append(program);
  ByteWriter out;
  return out.U32(static_cast<uint32_t>(unit.bytes.size())).Append(unit);
}

// Names as versions 2 to 4 have them: directory 1 and two files, the second in it.
inline ByteWriter NamesBefore5(absl::string_view directory, absl::string_view first,
                               absl::string_view second) {
  ByteWriter out;
  out.Text(directory).U8(0);
  out.Text(first).Small(0).Small(0).Small(0);
  return out.Text(second).Small(1).Small(0).Small(0).U8(0);
}

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_DWARF_LINES_TESTING_H_
