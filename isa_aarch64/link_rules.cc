#include "isa_aarch64/link_rules.h"

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

constexpr int64_t kBranchReach = int64_t{1} << 27;

void PatchBranch26(uint8_t* field, int64_t delta) {
  const uint32_t words = static_cast<uint32_t>(static_cast<uint64_t>(delta) >> 2);
  WriteWord(field, (ReadWord(field) & 0xFC000000) | (words & 0x03FFFFFF));
}

void PatchMovePair(uint8_t* field, int64_t delta) {
  const uint32_t value = static_cast<uint32_t>(static_cast<uint64_t>(delta));
  const auto put = [](uint8_t* at, uint32_t part) {
    WriteWord(at, (ReadWord(at) & ~(0xFFFFu << 5)) | part << 5);
  };
  put(field, value & 0xFFFF);
  put(field + 4, value >> 16);
}

// The table behind the code holds the target's distance from itself, so that no absolute address is
// needed.
constexpr uint32_t kVeneer[] = {
    0x10000090,  // adr x16, table
    0xF9400211,  // ldr x17, [x16]
    0x8B110210,  // add x16, x16, x17
    0xD61F0200,  // br x16
};
constexpr int kVeneerTable = sizeof kVeneer;

void WriteVeneer(uint8_t* at, int64_t delta) {
  std::memcpy(at, kVeneer, sizeof kVeneer);
  const int64_t distance = delta - kVeneerTable;
  std::memcpy(at + kVeneerTable, &distance, sizeof distance);
}

}  // namespace

const codegen::LinkRules kLinkRules = {
    .rules = {{.name = "branch26",
               .min_delta = -kBranchReach,
               .max_delta = kBranchReach - 4,
               .size = 4,
               .patch = PatchBranch26},
              {.name = "move_pair",
               .min_delta = std::numeric_limits<int32_t>::min(),
               .max_delta = std::numeric_limits<int32_t>::max(),
               .size = 8,
               .patch = PatchMovePair}},
    .rule_count = 2,
    .function_alignment = 16,
    // udf #0
    .padding_byte = 0,
    .veneer_size = kVeneerTable + 8,
    .write_veneer = WriteVeneer,
};

}  // namespace gantry::aarch64
