#include "isa_aarch64/link_rules.h"

#include <cstring>

#include "gtest/gtest.h"
#include "isa_aarch64/asm/label_kinds.h"

namespace gantry::aarch64 {
namespace {

uint32_t Patched(codegen::RelocKind kind, uint32_t word, int64_t delta, int at = 0) {
  uint32_t words[2] = {word, word};
  uint8_t bytes[8];
  std::memcpy(bytes, words, 8);
  const codegen::LinkRule* rule = kLinkRules.find(static_cast<uint8_t>(kind));
  EXPECT_GE(delta, rule->min_delta);
  EXPECT_LE(delta, rule->max_delta);
  rule->patch(bytes, delta);
  std::memcpy(words, bytes, 8);
  return words[at];
}

TEST(LinkRules, CallsOverAllTheirReach) {
  EXPECT_EQ(Patched(kRelocBranch26, 0x94000000, 4), 0x94000001u);
  EXPECT_EQ(Patched(kRelocBranch26, 0x94000123, -4), 0x97FFFFFFu);
  EXPECT_EQ(Patched(kRelocBranch26, 0x14000000, 0x7FFFFFC), 0x15FFFFFFu);
  EXPECT_EQ(Patched(kRelocBranch26, 0x14000000, -0x8000000), 0x16000000u);
  const codegen::LinkRule& rule = kLinkRules.rules[0];
  EXPECT_EQ(rule.max_delta, 0x7FFFFFC);
  EXPECT_EQ(rule.min_delta, -0x8000000);
}

TEST(LinkRules, PairsOfMoves) {
  EXPECT_EQ(Patched(kRelocMovePair, 0xD2800010, 0x12345678, 0), 0xD2800010u | 0x5678 << 5);
  EXPECT_EQ(Patched(kRelocMovePair, 0xD2BFFFF0, -2, 1), 0xD2A00010u | 0xFFFF << 5);
}

// The veneer's own words are assembled in assembler_llvm_test's sense: adr x16, ldr x17, add, br.
TEST(LinkRules, VeneersHoldADistance) {
  for (int64_t delta : {int64_t{0}, int64_t{-4}, int64_t{1} << 40, -(int64_t{1} << 40)}) {
    uint8_t bytes[64] = {};
    kLinkRules.write_veneer(bytes, delta);
    uint32_t adr;
    std::memcpy(&adr, bytes, 4);
    const uint32_t table = (adr >> 29 & 3) | (adr >> 5 & 0x7FFFF) << 2;
    int64_t distance;
    std::memcpy(&distance, bytes + table, 8);
    EXPECT_EQ(int64_t{table} + distance, delta);
    EXPECT_EQ(kLinkRules.veneer_size, table + 8);
  }
}

}  // namespace
}  // namespace gantry::aarch64
