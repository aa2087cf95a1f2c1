#include "isa_x64/link_rules.h"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <limits>

namespace gantry::x64 {
namespace {

void PatchPcRel32(uint8_t* field, int64_t delta) {
  const int32_t value = static_cast<int32_t>(delta);
  std::memcpy(field, &value, sizeof value);
}

// lea r11, [rip + table]; add r11, [rip + table]; jmp r11; int3...; table: .quad distance.
// The table holds the target's distance from itself, so that no absolute address is needed.
constexpr uint8_t kVeneer[] = {
    0x4C, 0x8D, 0x1D, 17,   0,    0,    0,     // lea r11, [rip + 17]
    0x4C, 0x03, 0x1D, 10,   0,    0,    0,     // add r11, [rip + 10]
    0x41, 0xFF, 0xE3,                          // jmp r11
    0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC,  // up to the table
};
constexpr int kVeneerTable = sizeof kVeneer;
static_assert(kVeneerTable == 24);

void WriteVeneer(uint8_t* at, int64_t delta) {
  std::memcpy(at, kVeneer, sizeof kVeneer);
  const int64_t distance = delta - kVeneerTable;
  std::memcpy(at + kVeneerTable, &distance, sizeof distance);
}

}  // namespace

const codegen::LinkRules kLinkRules = {
    .rules = {{.name = "pcrel32",
               .min_delta = std::numeric_limits<int32_t>::min(),
               .max_delta = std::numeric_limits<int32_t>::max(),
               .size = 4,
               .patch = PatchPcRel32,
               .elf_type = R_X86_64_PC32,
               .elf_function_type = R_X86_64_PLT32}},
    .rule_count = 1,
    .function_alignment = 16,
    .padding_byte = 0xCC,
    .veneer_size = kVeneerTable + 8,
    .write_veneer = WriteVeneer,
    .elf_machine = EM_X86_64,
    .elf_address_type = R_X86_64_64,
    .elf_distance_type = R_X86_64_PC32,
};

}  // namespace gantry::x64
