// NativeDebug: what native debuggers (gdb, lldb) and objdump read of a module's source: DWARF
// sections whose addresses are offsets in a text, to which whoever places them adds where it lies.
//
// Made by cranelift_shared:native_dwarf, kept in artifacts.
#ifndef GANTRY_ENVIRON_CORE_NATIVE_DEBUG_H_
#define GANTRY_ENVIRON_CORE_NATIVE_DEBUG_H_

#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

#include "absl/types/span.h"

namespace gantry::environ {

struct NativeDebug {
  // In this order; a section that is not needed is empty.
  static constexpr const char* kNames[] = {".debug_info", ".debug_abbrev", ".debug_line",
                                           ".debug_str",  ".debug_ranges", ".debug_loc"};
  static constexpr size_t kNumSections = std::size(kNames);
  enum SectionIndex : uint32_t { kInfo, kAbbrev, kLine, kStr, kRanges, kLoc };

  // Where eight bytes are an offset in the text. Part of the artifact's format.
  struct Address {
    uint32_t section = 0;
    uint32_t offset = 0;
    friend bool operator==(const Address&, const Address&) = default;
  };

  bool empty() const { return sections[kInfo].empty(); }

  std::vector<uint8_t> sections[kNumSections];
  std::vector<Address> addresses;
};

// Adds `base` to an address of a section's bytes; what does not lie within them is left alone.
inline void PlaceAddress(absl::Span<uint8_t> section, uint32_t offset, uint64_t base) {
  uint64_t value;
  if (section.size() < sizeof value || offset > section.size() - sizeof value) return;
  std::memcpy(&value, section.data() + offset, sizeof value);
  value += base;
  std::memcpy(section.data() + offset, &value, sizeof value);
}

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_NATIVE_DEBUG_H_
