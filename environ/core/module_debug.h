// ModuleDebug: what people want to know of a module's code and machines do not: where its functions
// lay in its binary, and its DWARF line tables. Part of an artifact, read where it lies when a trap
// is told of.
//
//   std::vector<uint8_t> bytes = EncodeModuleDebug(debug);
//   ModuleDebug same = DecodeModuleDebug(bytes);
//
// Tested by api:debugging_test.
#ifndef GANTRY_ENVIRON_CORE_MODULE_DEBUG_H_
#define GANTRY_ENVIRON_CORE_MODULE_DEBUG_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "environ/core/dwarf_lines.h"

namespace gantry::environ {

class ModuleDebug {
 public:
  ModuleDebug() = default;
  ModuleDebug(uint32_t code_offset, absl::Span<const uint32_t> body_offsets,
              const DwarfLines::Sections& lines)
      : code_offset_(code_offset), body_offsets_(body_offsets), lines_(lines) {}

  // Of the code section's contents in the module: what DWARF counts addresses from.
  uint32_t code_offset() const { return code_offset_; }
  // Of a function's body in the module, by position among the defined ones. Nothing where it is
  // not known.
  std::optional<uint32_t> BodyOffset(uint32_t defined) const {
    if (defined >= body_offsets_.size()) return std::nullopt;
    return body_offsets_[defined];
  }
  absl::Span<const uint32_t> body_offsets() const { return body_offsets_; }
  const DwarfLines::Sections& lines() const { return lines_; }

 private:
  uint32_t code_offset_ = 0;
  absl::Span<const uint32_t> body_offsets_;
  DwarfLines::Sections lines_;
};

// A multiple of 8 bytes.
std::vector<uint8_t> EncodeModuleDebug(const ModuleDebug& debug);
// Refers to the bytes. They are trusted with nothing: what does not fit is empty.
ModuleDebug DecodeModuleDebug(absl::Span<const uint8_t> bytes);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_MODULE_DEBUG_H_
