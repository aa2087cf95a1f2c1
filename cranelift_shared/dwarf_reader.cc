#include "cranelift_shared/dwarf_reader.h"

#include <algorithm>

namespace gantry::cranelift {
namespace {

// More than any entry has.
constexpr size_t kMaxAttributes = 256;

}  // namespace

uint64_t DwarfCursor::Unsigned(size_t size) {
  const absl::Span<const uint8_t> bytes = Bytes(size);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size() && i < 8; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

uint64_t DwarfCursor::Uleb() {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const uint64_t byte = Unsigned(1);
    if (shift < 64) value |= (byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

int64_t DwarfCursor::Sleb() {
  uint64_t value = 0;
  for (unsigned shift = 0;;) {
    const uint64_t byte = Unsigned(1);
    if (shift < 64) value |= (byte & 0x7F) << shift;
    shift += 7;
    if ((byte & 0x80) != 0) continue;
    if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
    return static_cast<int64_t>(value);
  }
}

absl::Span<const uint8_t> DwarfCursor::Bytes(uint64_t size) {
  if (size > bytes_.size() - at_) {
    Fail();
    return {};
  }
  at_ += static_cast<size_t>(size);
  return bytes_.subspan(at_ - static_cast<size_t>(size), static_cast<size_t>(size));
}

absl::string_view DwarfCursor::Text() {
  const absl::Span<const uint8_t> rest = bytes_.subspan(at_);
  // So that many references to one long text take no time to speak of.
  constexpr size_t kMaxText = 1 << 16;
  const void* const end =
      rest.empty() ? nullptr : std::memchr(rest.data(), 0, std::min(rest.size(), kMaxText));
  if (end == nullptr) {
    Fail();
    return "";
  }
  const size_t size = static_cast<size_t>(static_cast<const uint8_t*>(end) - rest.data());
  at_ += size + 1;
  return {reinterpret_cast<const char*>(rest.data()), size};
}

bool ReadUnitHeader(absl::Span<const uint8_t> info, size_t at, DwarfUnit& unit) {
  unit = DwarfUnit();
  unit.begin = at;
  DwarfCursor in(info, at);
  uint64_t length = in.Unsigned(4);
  if (length == 0xFFFFFFFF) {
    unit.wide = true;
    length = in.Unsigned(8);
  }
  if (!in.ok() || length > info.size() - in.at()) return false;
  unit.end = in.at() + static_cast<size_t>(length);
  unit.version = static_cast<uint16_t>(in.Unsigned(2));
  unit.abbrev_offset = in.Unsigned(unit.wide ? 8 : 4);
  unit.address_size = static_cast<uint8_t>(in.Unsigned(1));
  unit.entries = in.at();
  // A unit too short for a header of its own, and kinds of units that are not known, have no
  // entries.
  if (!in.ok() || in.at() > unit.end || (unit.address_size != 4 && unit.address_size != 8)) {
    unit.version = 0;
  }
  return true;
}

AbbrevTable::AbbrevTable(absl::Span<const uint8_t> abbrev, uint64_t offset) {
  DwarfCursor in(abbrev, offset);
  while (in.ok()) {
    const uint64_t code = in.Uleb();
    if (code == 0) return;
    Kind kind;
    kind.tag = static_cast<uint16_t>(in.Uleb());
    kind.has_children = in.Unsigned(1) != 0;
    while (in.ok()) {
      const uint64_t name = in.Uleb();
      const uint64_t form = in.Uleb();
      if (name == 0 && form == 0) break;
      if (kind.attributes.size() == kMaxAttributes) return;
      kind.attributes.emplace_back(static_cast<uint16_t>(name), static_cast<uint16_t>(form));
    }
    if (in.ok()) kinds_.try_emplace(code, std::move(kind));
  }
}

const AbbrevTable::Kind* AbbrevTable::Find(uint64_t code) const {
  const auto found = kinds_.find(code);
  return found == kinds_.end() ? nullptr : &found->second;
}

const DwarfValue* DwarfEntry::Find(uint16_t name) const {
  for (const DwarfValue& value : values) {
    if (value.name == name) return &value;
  }
  return nullptr;
}

namespace {

absl::Span<const uint8_t> AsBytes(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// False for a form that is not known, whose length nobody knows then.
bool ReadValue(DwarfCursor& in, const DwarfUnit& unit, const DwarfSections& sections,
               DwarfValue& value) {
  const size_t offset_size = unit.wide ? 8 : 4;
  switch (value.form) {
    case kFormAddr:
      value.number = in.Unsigned(unit.address_size);
      return true;
    case kFormData1:
    case kFormFlag:
      value.number = in.Unsigned(1);
      return true;
    case kFormData2:
      value.number = in.Unsigned(2);
      return true;
    case kFormData4:
      value.number = in.Unsigned(4);
      return true;
    case kFormData8:
    case kFormRefSig8:
      value.number = in.Unsigned(8);
      return true;
    case kFormSdata:
      value.number = static_cast<uint64_t>(in.Sleb());
      return true;
    case kFormUdata:
      value.number = in.Uleb();
      return true;
    case kFormFlagPresent:
      value.number = 1;
      return true;
    case kFormSecOffset:
      value.number = in.Unsigned(offset_size);
      return true;
    case kFormString:
      value.bytes = AsBytes(in.Text());
      return true;
    case kFormStrp:
      value.form = kFormString;
      value.bytes = AsBytes(DwarfCursor(sections.str, in.Unsigned(offset_size)).Text());
      return true;
    case kFormBlock1:
      value.bytes = in.Bytes(in.Unsigned(1));
      return true;
    case kFormBlock2:
      value.bytes = in.Bytes(in.Unsigned(2));
      return true;
    case kFormBlock4:
      value.bytes = in.Bytes(in.Unsigned(4));
      return true;
    case kFormBlock:
    case kFormExprloc:
      value.bytes = in.Bytes(in.Uleb());
      return true;
    case kFormRefAddr:
      value.number = in.Unsigned(unit.version == 2 ? unit.address_size : offset_size);
      return true;
    case kFormRef1:
      value.number = unit.begin + in.Unsigned(1);
      return true;
    case kFormRef2:
      value.number = unit.begin + in.Unsigned(2);
      return true;
    case kFormRef4:
      value.number = unit.begin + in.Unsigned(4);
      return true;
    case kFormRef8:
      value.number = unit.begin + in.Unsigned(8);
      return true;
    case kFormRefUdata:
      value.number = unit.begin + in.Uleb();
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ReadEntry(DwarfCursor& in, const DwarfUnit& unit, const AbbrevTable& abbrevs,
               const DwarfSections& sections, DwarfEntry& entry) {
  entry.values.clear();
  entry.kind = nullptr;
  if (in.done()) return false;
  entry.offset = in.at();
  const uint64_t code = in.Uleb();
  if (code == 0) return in.ok();
  entry.kind = abbrevs.Find(code);
  if (entry.kind == nullptr) return false;
  for (const auto& [name, form] : entry.kind->attributes) {
    DwarfValue value;
    value.name = name;
    value.form = form == kFormIndirect ? static_cast<uint16_t>(in.Uleb()) : form;
    if (!ReadValue(in, unit, sections, value) || !in.ok()) return false;
    entry.values.push_back(value);
  }
  return in.ok();
}

}  // namespace gantry::cranelift
