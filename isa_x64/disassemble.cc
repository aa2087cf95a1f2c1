#include "isa_x64/disassemble.h"

#include <Zydis/Zydis.h>

#include "absl/strings/str_format.h"

namespace gantry::x64 {

std::string Disassemble(absl::Span<const uint8_t> code) {
  std::string text;
  size_t offset = 0;
  while (offset < code.size()) {
    ZydisDisassembledInstruction instruction;
    const ZyanStatus status =
        ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, offset, code.data() + offset,
                              code.size() - offset, &instruction);
    if (!ZYAN_SUCCESS(status)) {
      absl::StrAppendFormat(&text, "%4x: .byte 0x%02x\n", offset, code[offset]);
      ++offset;
      continue;
    }
    absl::StrAppendFormat(&text, "%4x: %s\n", offset, instruction.text);
    offset += instruction.info.length;
  }
  return text;
}

}  // namespace gantry::x64
