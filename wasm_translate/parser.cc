#include "wasm_translate/parser.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/error.h"

namespace gantry::wasm {
namespace {

constexpr uint8_t kMagic[] = {0x00, 0x61, 0x73, 0x6D};
constexpr uint8_t kVersion[] = {0x01, 0x00, 0x00, 0x00};
constexpr size_t kHeaderSize = sizeof(kMagic) + sizeof(kVersion);

// Where a section stands in the order that the format prescribes; 0 for custom sections.
int OrderOf(SectionId id) {
  switch (id) {
    case SectionId::kCustom:
      return 0;
    case SectionId::kType:
      return 1;
    case SectionId::kImport:
      return 2;
    case SectionId::kFunction:
      return 3;
    case SectionId::kTable:
      return 4;
    case SectionId::kMemory:
      return 5;
    case SectionId::kTag:
      return 6;
    case SectionId::kGlobal:
      return 7;
    case SectionId::kExport:
      return 8;
    case SectionId::kStart:
      return 9;
    case SectionId::kElement:
      return 10;
    case SectionId::kDataCount:
      return 11;
    case SectionId::kCode:
      return 12;
    case SectionId::kData:
      return 13;
  }
  UNREACHABLE();
}

// Whether a LEB128 number that begins at the front of these bytes may go on past them.
bool MayBeCut(absl::Span<const uint8_t> bytes) {
  constexpr size_t kLongest = 5;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if ((bytes[i] & 0x80) == 0) return false;
  }
  return bytes.size() < kLongest;
}

}  // namespace

absl::string_view SectionName(SectionId id) {
  switch (id) {
    case SectionId::kCustom:
      return "custom";
    case SectionId::kType:
      return "type";
    case SectionId::kImport:
      return "import";
    case SectionId::kFunction:
      return "function";
    case SectionId::kTable:
      return "table";
    case SectionId::kMemory:
      return "memory";
    case SectionId::kGlobal:
      return "global";
    case SectionId::kExport:
      return "export";
    case SectionId::kStart:
      return "start";
    case SectionId::kElement:
      return "element";
    case SectionId::kCode:
      return "code";
    case SectionId::kData:
      return "data";
    case SectionId::kDataCount:
      return "data count";
    case SectionId::kTag:
      return "tag";
  }
  UNREACHABLE();
}

absl::Status Parser::CheckOrder(SectionId id, uint64_t offset) {
  const int order = OrderOf(id);
  if (order == 0) return absl::OkStatus();
  if (order <= last_order_) {
    return ErrorAt(offset, absl::StrCat("unexpected content after last section: the ",
                                        SectionName(id), " section is out of order"));
  }
  last_order_ = order;
  return absl::OkStatus();
}

absl::StatusOr<Parser::Step> Parser::Next(absl::Span<const uint8_t> input, bool at_end) {
  if (offset_ + input.size() > limits_.module_size) {
    return ErrorAt(limits_.module_size,
                   absl::StrCat("module too large: the limit is ", limits_.module_size, " bytes"));
  }
  BinaryReader reader(input, offset_);
  absl::StatusOr<std::optional<Payload>> payload;
  switch (state_) {
    case State::kHeader:
      // A header that is wrong is found so before all of it is there.
      if (input.size() < kHeaderSize && !at_end) return Step();
      payload = Header(reader);
      break;
    case State::kSections:
      if (input.empty() && at_end) {
        return Step{EndOfModule{offset_}, 0};
      }
      payload = NextSection(reader, at_end);
      break;
    case State::kBodies:
      payload = NextBody(reader, at_end);
      break;
  }
  if (!payload.ok()) return payload.status();
  if (!payload->has_value()) {
    CHECK(!at_end);
    return Step();
  }
  Step step;
  step.payload = std::move(*payload);
  step.consumed = static_cast<size_t>(reader.offset() - offset_);
  offset_ = reader.offset();
  return step;
}

absl::StatusOr<std::optional<Payload>> Parser::Header(BinaryReader& reader) {
  absl::Span<const uint8_t> magic;
  if (!reader.Bytes(sizeof(kMagic), &magic)) return ErrorAt(0, "unexpected end: no header");
  if (std::memcmp(magic.data(), kMagic, sizeof(kMagic)) != 0) {
    return ErrorAt(0, "magic header not detected");
  }
  absl::Span<const uint8_t> version;
  if (!reader.Bytes(sizeof(kVersion), &version)) {
    return ErrorAt(sizeof(kMagic), "unexpected end: no version");
  }
  if (std::memcmp(version.data(), kVersion, sizeof(kVersion)) != 0) {
    return ErrorAt(sizeof(kMagic), "unknown binary version");
  }
  state_ = State::kSections;
  return Payload(ModuleHeader{});
}

absl::StatusOr<std::optional<Payload>> Parser::NextSection(BinaryReader& reader, bool at_end) {
  const uint64_t start = reader.offset();
  uint8_t raw_id;
  if (reader.done()) return std::optional<Payload>();
  if (!reader.U8(&raw_id)) return reader.status();
  if (raw_id > static_cast<uint8_t>(SectionId::kTag)) {
    return ErrorAt(start, absl::StrCat("malformed section id ", raw_id));
  }
  const SectionId id = static_cast<SectionId>(raw_id);
  if (!at_end && MayBeCut({reader.position(), reader.remaining()})) {
    return std::optional<Payload>();
  }
  uint32_t size;
  if (!reader.VarU32(&size)) return reader.status();
  const uint64_t contents = reader.offset();
  if (contents + size > limits_.module_size) {
    return ErrorAt(start, absl::StrCat("length out of bounds: the ", SectionName(id),
                                       " section goes past the largest module"));
  }

  if (id == SectionId::kCode) {
    if (!at_end && MayBeCut({reader.position(), reader.remaining()})) {
      return std::optional<Payload>();
    }
    if (at_end && size > reader.remaining()) {
      return ErrorAt(start,
                     "length out of bounds: the code section goes past the end of the module");
    }
    RETURN_IF_ERROR(CheckOrder(id, start));
    code_end_ = contents + size;
    if (!reader.VarU32(&bodies_left_)) return reader.status();
    if (reader.offset() > code_end_)
      return ErrorAt(contents, "unexpected end of section or function");
    if (bodies_left_ > limits_.functions) {
      return ErrorAt(contents, absl::StrCat("too many functions: ", bodies_left_, ", the limit is ",
                                            limits_.functions));
    }
    const CodeSection section{bodies_left_, contents};
    if (bodies_left_ > 0) {
      state_ = State::kBodies;
    } else if (reader.offset() != code_end_) {
      return ErrorAt(reader.offset(), "section size mismatch: the code section has more bytes");
    }
    return Payload(section);
  }

  if (size > reader.remaining()) {
    if (!at_end) return std::optional<Payload>();
    return ErrorAt(start, absl::StrCat("length out of bounds: the ", SectionName(id),
                                       " section goes past the end of the module"));
  }
  RETURN_IF_ERROR(CheckOrder(id, start));
  Section section;
  section.id = id;
  section.offset = contents;
  if (!reader.Bytes(size, &section.bytes)) return reader.status();
  return Payload(section);
}

absl::StatusOr<std::optional<Payload>> Parser::NextBody(BinaryReader& reader, bool at_end) {
  const uint64_t start = reader.offset();
  if (!at_end && MayBeCut({reader.position(), reader.remaining()})) {
    return std::optional<Payload>();
  }
  if (start >= code_end_) return ErrorAt(start, "unexpected end of section or function");
  uint32_t size;
  if (!reader.VarU32(&size)) return reader.status();
  if (reader.offset() + size > code_end_) {
    return ErrorAt(start, "unexpected end of section or function: the body goes past the section");
  }
  if (size > limits_.function_size) {
    return ErrorAt(start, absl::StrCat("function too large: ", size, " bytes, the limit is ",
                                       limits_.function_size));
  }
  if (size > reader.remaining()) {
    if (!at_end) return std::optional<Payload>();
    return ErrorAt(start, "unexpected end of section or function");
  }
  CodeEntry entry;
  entry.offset = reader.offset();
  if (!reader.Bytes(size, &entry.bytes)) return reader.status();
  if (--bodies_left_ == 0) {
    state_ = State::kSections;
    if (reader.offset() != code_end_) {
      return ErrorAt(reader.offset(), "section size mismatch: the code section has more bytes");
    }
  }
  return Payload(entry);
}

}  // namespace gantry::wasm
