#include "environ/core/module_debug.h"

#include <algorithm>
#include <cstring>

namespace gantry::environ {
namespace {

// Sizes in bytes of the parts, which follow in this order, each padded to 8.
struct Header {
  uint32_t code_offset;
  uint32_t body_offsets;
  uint64_t line;
  uint64_t line_str;
  uint64_t str;
};
static_assert(sizeof(Header) % 8 == 0);

void Append(const void* bytes, size_t size, std::vector<uint8_t>& out) {
  const uint8_t* const begin = static_cast<const uint8_t*>(bytes);
  out.insert(out.end(), begin, begin + size);
  out.resize((out.size() + 7) / 8 * 8);
}

// The next part, or nothing from where one does not fit.
absl::Span<const uint8_t> Take(uint64_t size, absl::Span<const uint8_t>& rest) {
  if (size > rest.size()) {
    rest = {};
    return {};
  }
  const absl::Span<const uint8_t> part = rest.first(size);
  rest.remove_prefix(std::min<uint64_t>((size + 7) / 8 * 8, rest.size()));
  return part;
}

}  // namespace

std::vector<uint8_t> EncodeModuleDebug(const ModuleDebug& debug) {
  const absl::Span<const uint32_t> bodies = debug.body_offsets();
  const DwarfLines::Sections& lines = debug.lines();
  const Header header = {debug.code_offset(),
                         static_cast<uint32_t>(bodies.size() * sizeof(uint32_t)), lines.line.size(),
                         lines.line_str.size(), lines.str.size()};
  std::vector<uint8_t> out;
  out.reserve(sizeof header + header.body_offsets + header.line + header.line_str + header.str +
              32);
  Append(&header, sizeof header, out);
  Append(bodies.data(), header.body_offsets, out);
  Append(lines.line.data(), lines.line.size(), out);
  Append(lines.line_str.data(), lines.line_str.size(), out);
  Append(lines.str.data(), lines.str.size(), out);
  return out;
}

ModuleDebug DecodeModuleDebug(absl::Span<const uint8_t> bytes) {
  Header header;
  if (bytes.size() < sizeof header) return ModuleDebug();
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  absl::Span<const uint8_t> bodies = Take(header.body_offsets, bytes);
  if (reinterpret_cast<uintptr_t>(bodies.data()) % alignof(uint32_t) != 0) bodies = {};
  DwarfLines::Sections lines;
  lines.line = Take(header.line, bytes);
  lines.line_str = Take(header.line_str, bytes);
  lines.str = Take(header.str, bytes);
  return ModuleDebug(header.code_offset,
                     absl::MakeConstSpan(reinterpret_cast<const uint32_t*>(bodies.data()),
                                         bodies.size() / sizeof(uint32_t)),
                     lines);
}

}  // namespace gantry::environ
