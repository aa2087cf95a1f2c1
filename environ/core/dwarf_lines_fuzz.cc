// Anything as .debug_line, with itself as the sections of names: every lookup has an answer.
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "environ/core/dwarf_lines.h"
#include "environ/core/module_debug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using gantry::environ::DwarfLines;
  const absl::Span<const uint8_t> bytes(data, size);
  const DwarfLines lines({bytes, bytes, bytes});
  for (uint32_t address = 0; address < 256; ++address) (void)lines.Find(address);
  (void)lines.Find(~uint32_t{0});
  (void)DwarfLines::UsesStr(bytes);
  const gantry::environ::ModuleDebug debug = gantry::environ::DecodeModuleDebug(bytes);
  (void)debug.BodyOffset(3);
  (void)DwarfLines(debug.lines()).Find(1);
  return 0;
}
