// Reading the DWARF of WebAssembly modules: sections .debug_info and .debug_abbrev as a flat stream
// of entries. The bytes may hold anything; what cannot be read ends the stream.
//
//   AbbrevTable abbrevs(sections.abbrev, unit.abbrev_offset);
//   DwarfCursor in(...);  DwarfEntry entry;
//   while (ReadEntry(in, unit, abbrevs, sections, entry)) ...
//
// Tested by native_dwarf_test.
//
// Source: DWARF Debugging Information Format, version 4, section 7.5. Units of other versions than
// 2 to 4 are told by `version` and can be skipped.
#ifndef GANTRY_CRANELIFT_SHARED_DWARF_READER_H_
#define GANTRY_CRANELIFT_SHARED_DWARF_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::cranelift {

// Names of DWARF that are needed here.
enum DwarfTag : uint16_t {
  kTagLexicalBlock = 0x0B,
  kTagCompileUnit = 0x11,
  kTagPointerType = 0x0F,
  kTagReferenceType = 0x10,
  kTagInlinedSubroutine = 0x1D,
  kTagPointerToMember = 0x1F,
  kTagCatchBlock = 0x25,
  kTagSubprogram = 0x2E,
  kTagTryBlock = 0x32,
  kTagRvalueReferenceType = 0x42,
};
enum DwarfAttribute : uint16_t {
  kAtSibling = 0x01,
  kAtLocation = 0x02,
  kAtByteSize = 0x0B,
  kAtStmtList = 0x10,
  kAtLowPc = 0x11,
  kAtHighPc = 0x12,
  kAtConstValue = 0x1C,
  kAtDataMemberLocation = 0x38,
  kAtDeclColumn = 0x39,
  kAtDeclFile = 0x3A,
  kAtDeclLine = 0x3B,
  kAtFrameBase = 0x40,
  kAtVtableElemLocation = 0x4D,
  kAtRanges = 0x55,
  kAtCallColumn = 0x57,
  kAtCallFile = 0x58,
  kAtCallLine = 0x59,
};
enum DwarfForm : uint16_t {
  kFormAddr = 0x01,
  kFormBlock2 = 0x03,
  kFormBlock4 = 0x04,
  kFormData2 = 0x05,
  kFormData4 = 0x06,
  kFormData8 = 0x07,
  kFormString = 0x08,
  kFormBlock = 0x09,
  kFormBlock1 = 0x0A,
  kFormData1 = 0x0B,
  kFormFlag = 0x0C,
  kFormSdata = 0x0D,
  kFormStrp = 0x0E,
  kFormUdata = 0x0F,
  kFormRefAddr = 0x10,
  kFormRef1 = 0x11,
  kFormRef2 = 0x12,
  kFormRef4 = 0x13,
  kFormRef8 = 0x14,
  kFormRefUdata = 0x15,
  kFormIndirect = 0x16,
  kFormSecOffset = 0x17,
  kFormExprloc = 0x18,
  kFormFlagPresent = 0x19,
  kFormRefSig8 = 0x20,
};

// Little-endian. What lies past the end reads as zero, and is told by ok().
class DwarfCursor {
 public:
  explicit DwarfCursor(absl::Span<const uint8_t> bytes, uint64_t at = 0) : bytes_(bytes) {
    Skip(at);
  }

  bool ok() const { return ok_; }
  bool done() const { return at_ >= bytes_.size(); }
  size_t at() const { return at_; }
  uint64_t Unsigned(size_t size);
  uint64_t Uleb();
  int64_t Sleb();
  absl::Span<const uint8_t> Bytes(uint64_t size);
  // Up to a zero byte, which is skipped.
  absl::string_view Text();
  void Skip(uint64_t size) { Bytes(size); }

 private:
  void Fail() {
    ok_ = false;
    at_ = bytes_.size();
  }

  absl::Span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

struct DwarfSections {
  absl::Span<const uint8_t> info, abbrev, line, line_str, str, ranges, loc;
};

// A unit's header.
struct DwarfUnit {
  size_t begin = 0;    // in .debug_info
  size_t entries = 0;  // where its entries begin
  size_t end = 0;
  uint16_t version = 0;
  bool wide = false;  // 64-bit DWARF
  uint8_t address_size = 4;
  uint64_t abbrev_offset = 0;
};
// False where the section can't be followed any further.
bool ReadUnitHeader(absl::Span<const uint8_t> info, size_t at, DwarfUnit& unit);

// Kinds of entries, by their numbers.
class AbbrevTable {
 public:
  struct Kind {
    uint16_t tag = 0;
    bool has_children = false;
    std::vector<std::pair<uint16_t, uint16_t>> attributes;  // name and form
  };
  AbbrevTable(absl::Span<const uint8_t> abbrev, uint64_t offset);
  const Kind* Find(uint64_t code) const;

 private:
  std::unordered_map<uint64_t, Kind> kinds_;
};

// One attribute: a number, or bytes.
struct DwarfValue {
  uint16_t name = 0;
  uint16_t form = 0;  // never kFormIndirect, kFormStrp
  uint64_t number = 0;
  absl::Span<const uint8_t> bytes;  // of blocks and texts

  absl::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool is_block() const {
    return form == kFormBlock || form == kFormBlock1 || form == kFormBlock2 ||
           form == kFormBlock4 || form == kFormExprloc;
  }
  bool is_reference() const { return form >= kFormRefAddr && form <= kFormRefUdata; }
  // An offset in another section.
  bool is_section_offset() const {
    return form == kFormSecOffset || form == kFormData4 || form == kFormData8;
  }
};

struct DwarfEntry {
  size_t offset = 0;  // in .debug_info
  // Null for the end of a list of children.
  const AbbrevTable::Kind* kind = nullptr;
  std::vector<DwarfValue> values;

  const DwarfValue* Find(uint16_t name) const;
};
// Reads the entry at the cursor, whose span ends with the unit. False at the unit's end, and where
// the entry makes no sense. References come as offsets in .debug_info.
bool ReadEntry(DwarfCursor& in, const DwarfUnit& unit, const AbbrevTable& abbrevs,
               const DwarfSections& sections, DwarfEntry& entry);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_DWARF_READER_H_
