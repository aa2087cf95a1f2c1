#include "isa_x64/asm/label_kinds.h"

#include <cstdint>
#include <cstring>
#include <limits>

namespace gantry::x64 {
namespace {

void PatchRel8(uint8_t* use, int32_t delta) { *use = static_cast<uint8_t>(*use + delta); }

void PatchRel32(uint8_t* use, int32_t delta) {
  uint32_t field;
  std::memcpy(&field, use, sizeof field);
  field += static_cast<uint32_t>(delta);
  std::memcpy(use, &field, sizeof field);
}

void WriteJump(uint8_t* at) {
  const uint8_t jump[] = {0xE9, 0xFC, 0xFF, 0xFF, 0xFF};
  std::memcpy(at, jump, sizeof jump);
}

}  // namespace

constexpr codegen::LabelKindTable kLabelKinds = {
    .kinds =
        {
            // The displacement counts from the byte behind the field.
            {"rel8", -127, 128, 1, PatchRel8, 5, 1, kRel32, WriteJump},
            // Addends are small; the margin keeps their sum from wrapping.
            {"rel32", std::numeric_limits<int32_t>::min() + 64,
             std::numeric_limits<int32_t>::max() - 64, 4, PatchRel32, 0, 0, kRel32, nullptr},
        },
    .kind_count = 2,
    .instruction_alignment = 1,
    .trap_size = 2,
    .trap_bytes = {0x0F, 0x0B},
    .constant_reach = std::numeric_limits<int32_t>::max() - 64,
};

}  // namespace gantry::x64
