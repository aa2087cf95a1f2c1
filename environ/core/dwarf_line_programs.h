// Reading line number programs, for DwarfLines and DwarfRows alone.
#ifndef GANTRY_ENVIRON_CORE_DWARF_LINE_PROGRAMS_H_
#define GANTRY_ENVIRON_CORE_DWARF_LINE_PROGRAMS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/dwarf_lines.h"

namespace gantry::environ::line_programs {

// Reads little-endian values. What lies past the end reads as zero, and is told by ok().
class Cursor {
 public:
  Cursor() = default;
  Cursor(absl::Span<const uint8_t> bytes, size_t at) : bytes_(bytes), at_(at) {
    if (at > bytes.size()) Fail();
  }

  bool ok() const { return ok_; }
  size_t at() const { return at_; }
  bool done() const { return at_ >= bytes_.size(); }

  uint64_t Unsigned(size_t size) {
    if (size > 8 || bytes_.size() - at_ < size) return Fail();
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{bytes_[at_ + i]} << (8 * i);
    at_ += size;
    return value;
  }
  uint8_t U8() { return static_cast<uint8_t>(Unsigned(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Unsigned(2)); }

  // LEB128; bits past 64 are dropped.
  uint64_t VarUnsigned() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = U8();
      if (shift < 64) value |= uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0 || !ok_) return value;
    }
  }
  int64_t VarSigned() {
    uint64_t value = 0;
    unsigned shift = 0;
    while (true) {
      const uint8_t byte = U8();
      if (shift < 64) value |= uint64_t{byte & 0x7Fu} << shift;
      shift += 7;
      if ((byte & 0x80) == 0 || !ok_) {
        if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
        return static_cast<int64_t>(value);
      }
    }
  }
  // Up to a zero byte, which is skipped.
  absl::string_view Text() {
    const uint8_t* const begin = bytes_.data() + at_;
    const void* const end = done() ? nullptr : std::memchr(begin, 0, bytes_.size() - at_);
    if (end == nullptr) {
      Fail();
      return "";
    }
    const size_t size = static_cast<const uint8_t*>(end) - begin;
    at_ += size + 1;
    return {reinterpret_cast<const char*>(begin), size};
  }
  void Skip(uint64_t size) {
    if (size > bytes_.size() - at_) {
      Fail();
    } else {
      at_ += size;
    }
  }

 private:
  uint64_t Fail() {
    ok_ = false;
    at_ = bytes_.size();
    return 0;
  }

  absl::Span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

// What the header of a unit says, its tables of names aside.
struct Unit {
  Cursor tables;    // at the tables of names
  Cursor program;   // at the first instruction, and not past the unit
  size_t next = 0;  // where the next unit begins
  uint16_t version = 0;
  bool wide = false;  // 64-bit DWARF
  bool starts_statement = true;
  uint8_t min_instruction = 1;
  int8_t line_base = 0;
  uint8_t line_range = 1;
  uint8_t opcode_base = 1;
  uint8_t operands[256] = {};  // by standard opcode
};

// Reads the header at `at`. False where the section cannot be followed any further; a unit of an
// unknown kind has version 0.
inline bool ReadUnit(absl::Span<const uint8_t> section, size_t at, Unit& unit) {
  Cursor in(section, at);
  uint64_t length = in.Unsigned(4);
  if (length == 0xFFFFFFFF) {
    unit.wide = true;
    length = in.Unsigned(8);
  }
  if (!in.ok() || length > section.size() - in.at()) return false;
  unit.next = in.at() + length;
  const absl::Span<const uint8_t> bytes = section.first(unit.next);
  in = Cursor(bytes, in.at());
  const uint16_t version = in.U16();
  if (version < 2 || version > 5) return true;
  if (version >= 5) in.Skip(2);  // sizes of addresses and segment selectors
  const uint64_t header_length = in.Unsigned(unit.wide ? 8 : 4);
  if (!in.ok() || header_length > bytes.size() - in.at()) return true;
  unit.program = Cursor(bytes, in.at() + header_length);
  unit.min_instruction = in.U8();
  if (version >= 4) in.Skip(1);  // operations in an instruction
  unit.starts_statement = in.U8() != 0;
  unit.line_base = static_cast<int8_t>(in.U8());
  unit.line_range = in.U8();
  unit.opcode_base = in.U8();
  for (int opcode = 1; opcode < unit.opcode_base; ++opcode) unit.operands[opcode] = in.U8();
  if (!in.ok() || unit.line_range == 0) return true;
  unit.tables = in;
  unit.version = version;
  return true;
}

struct Row {
  uint32_t address = 0;
  uint64_t file = 1;
  uint32_t line = 1;
  uint32_t column = 0;
  bool is_statement = true;
  bool end = false;
};

enum StandardOpcode : uint8_t {
  kCopy = 1,
  kAdvancePc = 2,
  kAdvanceLine = 3,
  kSetFile = 4,
  kSetColumn = 5,
  kNegateStatement = 6,
  kConstAddPc = 8,
  kFixedAdvancePc = 9,
};
enum ExtendedOpcode : uint8_t { kEndSequence = 1, kSetAddress = 2 };

// Runs instructions from the cursor to the end of a sequence, and calls visit(row) for each row,
// until it returns false. False where the program ends or makes no sense.
template <typename Visitor>
bool RunSequence(const Unit& unit, Cursor& in, Visitor&& visit) {
  Row row;
  row.is_statement = unit.starts_statement;
  const auto advance = [&](uint64_t operations) {
    row.address += static_cast<uint32_t>(operations * unit.min_instruction);
  };
  while (!in.done()) {
    const uint8_t opcode = in.U8();
    if (opcode >= unit.opcode_base) {
      const uint8_t adjusted = static_cast<uint8_t>(opcode - unit.opcode_base);
      advance(adjusted / unit.line_range);
      row.line += static_cast<uint32_t>(unit.line_base + adjusted % unit.line_range);
      if (!visit(row)) return false;
    } else if (opcode == 0) {
      const uint64_t length = in.VarUnsigned();
      const size_t begin = in.at();
      if (length == 0) continue;
      const uint8_t extended = in.U8();
      if (extended == kEndSequence) {
        row.end = true;
        visit(row);
        return in.ok();
      }
      if (extended == kSetAddress && length - 1 <= 8) {
        const uint64_t address = in.Unsigned(length - 1);
        // Past what a code section can be: a function that was dropped.
        row.address = static_cast<uint32_t>(std::min<uint64_t>(address, 0xFFFFFFFF));
      }
      if (!in.ok()) return false;
      in.Skip(length - (in.at() - begin));
    } else {
      switch (opcode) {
        case kCopy:
          if (!visit(row)) return false;
          break;
        case kAdvancePc:
          advance(in.VarUnsigned());
          break;
        case kAdvanceLine:
          row.line += static_cast<uint32_t>(in.VarSigned());
          break;
        case kSetFile:
          row.file = in.VarUnsigned();
          break;
        case kSetColumn:
          row.column = static_cast<uint32_t>(in.VarUnsigned());
          break;
        case kNegateStatement:
          row.is_statement = !row.is_statement;
          break;
        case kConstAddPc:
          advance((255 - unit.opcode_base) / unit.line_range);
          break;
        case kFixedAdvancePc:
          row.address += in.U16();
          break;
        default:
          for (int i = 0; i < unit.operands[opcode]; ++i) in.VarUnsigned();
      }
    }
    if (!in.ok()) return false;
  }
  return false;
}

inline std::string Joined(absl::string_view directory, absl::string_view name) {
  if (directory.empty() || (!name.empty() && name[0] == '/')) return std::string(name);
  return absl::StrCat(directory, "/", name);
}

// Versions 2 to 4: two lists of texts, each ended by an empty one; files count from 1, and
// directory 0 is the compiler's, which only .debug_info names.
inline std::optional<std::string> FileNameBefore5(Cursor in, uint64_t file) {
  if (file == 0) return std::nullopt;
  const Cursor directories = in;
  while (in.ok() && !in.Text().empty()) {
  }
  for (uint64_t i = 1; in.ok(); ++i) {
    const absl::string_view name = in.Text();
    if (name.empty()) break;
    const uint64_t directory = in.VarUnsigned();
    in.VarUnsigned();  // time
    in.VarUnsigned();  // length
    if (i != file || !in.ok()) continue;
    absl::string_view path;
    Cursor again = directories;
    for (uint64_t d = 1; d <= directory && again.ok(); ++d) {
      path = again.Text();
      if (path.empty()) break;
    }
    return Joined(path, name);
  }
  return std::nullopt;
}

// Version 5: tables whose entries say their own form.
class Names5 {
 public:
  Names5(const DwarfLines::Sections& sections, bool wide) : sections_(sections), wide_(wide) {}

  struct Entry {
    absl::string_view path;
    uint64_t directory = 0;
  };

  // Reads a table and returns its entry of that number.
  std::optional<Entry> Read(Cursor& in, uint64_t wanted) const {
    struct Format {
      uint64_t content;
      uint64_t form;
    };
    constexpr int kMostFormats = 256;
    Format formats[kMostFormats];
    const uint8_t num_formats = in.U8();
    for (int i = 0; i < num_formats; ++i) formats[i] = {in.VarUnsigned(), in.VarUnsigned()};
    const uint64_t count = in.VarUnsigned();
    std::optional<Entry> found;
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
      const size_t before = in.at();
      Entry entry;
      for (int f = 0; f < num_formats; ++f) {
        absl::string_view text;
        uint64_t number = 0;
        if (!ReadForm(in, formats[f].form, text, number)) return std::nullopt;
        if (formats[f].content == 1) entry.path = text;
        if (formats[f].content == 2) entry.directory = number;
      }
      if (i == wanted && in.ok()) found = entry;
      // Entries of no size are as many as they say.
      if (in.at() == before) return std::nullopt;
    }
    return found;
  }

 private:
  bool ReadForm(Cursor& in, uint64_t form, absl::string_view& text, uint64_t& number) const {
    switch (form) {
      case 0x08:  // string
        text = in.Text();
        return true;
      case 0x0E:  // strp
        text = TextAt(sections_.str, in.Unsigned(wide_ ? 8 : 4));
        return true;
      case 0x1F:  // line_strp
        text = TextAt(sections_.line_str, in.Unsigned(wide_ ? 8 : 4));
        return true;
      case 0x0F:  // udata
        number = in.VarUnsigned();
        return true;
      case 0x0B:  // data1
        number = in.Unsigned(1);
        return true;
      case 0x05:  // data2
        number = in.Unsigned(2);
        return true;
      case 0x06:  // data4
        number = in.Unsigned(4);
        return true;
      case 0x07:  // data8
        number = in.Unsigned(8);
        return true;
      case 0x1E:  // data16, a digest
        in.Skip(16);
        return true;
      case 0x09:  // block
        in.Skip(in.VarUnsigned());
        return true;
      case 0x0A:  // block1
        in.Skip(in.U8());
        return true;
      default:
        return false;
    }
  }
  static absl::string_view TextAt(absl::Span<const uint8_t> section, uint64_t offset) {
    if (offset > section.size()) return "";
    return Cursor(section, offset).Text();
  }

  const DwarfLines::Sections& sections_;
  const bool wide_;
};

inline std::optional<std::string> FileName(const DwarfLines::Sections& sections, const Unit& unit,
                                           uint64_t file) {
  if (unit.version < 5) return FileNameBefore5(unit.tables, file);
  const Names5 names(sections, unit.wide);
  const Cursor directories = unit.tables;
  Cursor in = directories;
  names.Read(in, 0);
  const std::optional<Names5::Entry> found = names.Read(in, file);
  if (!found) return std::nullopt;
  Cursor again = directories;
  const std::optional<Names5::Entry> directory = names.Read(again, found->directory);
  return Joined(directory ? directory->path : "", found->path);
}

// A run of ascending addresses, one function in most cases.
struct Sequence {
  uint32_t low = 0;
  uint32_t high = 0;   // exclusive
  size_t unit = 0;     // where its unit begins in .debug_line
  size_t program = 0;  // where its instructions begin
};

// Calls add(sequence) for those of all units.
template <typename Add>
void ForEachSequence(const DwarfLines::Sections& sections, Add&& add) {
  for (size_t at = 0; at < sections.line.size();) {
    Unit unit;
    if (!ReadUnit(sections.line, at, unit)) break;
    if (unit.version != 0) {
      Cursor in = unit.program;
      while (!in.done()) {
        Sequence sequence{0, 0, at, in.at()};
        bool first = true;
        const bool whole = RunSequence(unit, in, [&](const Row& row) {
          if (first) sequence.low = row.address;
          first = false;
          sequence.high = row.address;
          return true;
        });
        if (!whole) break;
        // A code section has its count at 0; functions that were dropped are put there, or at the
        // end of the address space.
        if (sequence.low != 0 && sequence.low < sequence.high) add(sequence);
      }
    }
    at = unit.next;
  }
}

}  // namespace gantry::environ::line_programs

#endif  // GANTRY_ENVIRON_CORE_DWARF_LINE_PROGRAMS_H_
