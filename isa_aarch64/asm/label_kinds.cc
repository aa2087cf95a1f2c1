#include "isa_aarch64/asm/label_kinds.h"

#include <cstdint>
#include <cstring>
#include <limits>

namespace gantry::aarch64 {
namespace {

uint32_t ReadWord(const uint8_t* at) {
  uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

void WriteWord(uint8_t* at, uint32_t word) { std::memcpy(at, &word, sizeof word); }

// A signed count of words in `bits` bits from bit `shift` on.
template <int kBits, int kShift>
void PatchWords(uint8_t* use, int32_t delta) {
  constexpr uint32_t kMask = ((uint32_t{1} << kBits) - 1) << kShift;
  const uint32_t field = static_cast<uint32_t>(delta >> 2) << kShift;
  const uint32_t word = ReadWord(use);
  WriteWord(use, (word & ~kMask) | ((word + field) & kMask));
}

// The lowest two bits of adr's displacement stand apart from the others.
void PatchAdr(uint8_t* use, int32_t delta) {
  const uint32_t distance = static_cast<uint32_t>(delta);
  const uint32_t word = ReadWord(use) & 0x9F00001F;
  WriteWord(use, word | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5);
}

void PatchRel32(uint8_t* use, int32_t delta) {
  WriteWord(use, ReadWord(use) + static_cast<uint32_t>(delta));
}

void WriteBranch(uint8_t* at) { WriteWord(at, 0x14000000); }

constexpr int32_t kReach14 = 1 << 15;
constexpr int32_t kReach21 = 1 << 20;
constexpr int32_t kReach28 = 1 << 27;

}  // namespace

constexpr codegen::LabelKindTable kLabelKinds = {
    .kinds =
        {
            {"branch14", -kReach14, kReach14 - 4, 4, PatchWords<14, 5>, 4, 0, kBranch26,
             WriteBranch},
            {"branch19", -kReach21, kReach21 - 4, 4, PatchWords<19, 5>, 4, 0, kBranch26,
             WriteBranch},
            {"literal19", -kReach21, kReach21 - 4, 4, PatchWords<19, 5>, 0, 0, kRel32, nullptr},
            {"adr21", -kReach21, kReach21 - 1, 4, PatchAdr, 0, 0, kRel32, nullptr},
            {"branch26", -kReach28, kReach28 - 4, 4, PatchWords<26, 0>, 0, 0, kRel32, nullptr},
            // Addends are small; the margin keeps their sum from wrapping.
            {"rel32", std::numeric_limits<int32_t>::min() + 64,
             std::numeric_limits<int32_t>::max() - 64, 4, PatchRel32, 0, 0, kRel32, nullptr},
        },
    .kind_count = 6,
    .instruction_alignment = 4,
    // udf #0
    .trap_size = 4,
    .trap_bytes = {0, 0, 0, 0},
    // Less than literals reach, so that the instruction behind the question reaches too.
    .constant_reach = kReach21 - 4096,
};

}  // namespace gantry::aarch64
