#include "isa_aarch64/stack_pointer_testing.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "isa_aarch64/disassemble.h"

namespace gantry::aarch64::testing {
namespace {

constexpr uint32_t kSp = 31;
constexpr uint32_t kFramePointer = 29;

enum class Change { kNone, kAligned, kBroken };

Change ByMultipleOf16(int64_t bytes) {
  return bytes % 16 == 0 ? Change::kAligned : Change::kBroken;
}

int64_t SignExtend(uint32_t field, int bits) {
  return static_cast<int64_t>(uint64_t{field} << (64 - bits)) >> (64 - bits);
}

// What the word does to sp (Arm Architecture Reference Manual, C4.1: the classes of instructions
// whose register 31 is sp where they write it). `constant` is the value that the two words in front
// put into x16, if they do: frames beyond 24 bits.
Change ChangeOf(uint32_t word, bool has_constant, uint64_t constant) {
  const uint32_t d = word & 31, n = word >> 5 & 31;
  // Add and subtract of an immediate; without flags.
  if ((word & 0x3F800000) == 0x11000000 && d == kSp) {
    const uint64_t imm = uint64_t{word >> 10 & 0xFFF} << ((word & 0x400000) != 0 ? 12 : 0);
    return n == kSp || n == kFramePointer ? ByMultipleOf16(static_cast<int64_t>(imm))
                                          : Change::kBroken;
  }
  // Of an extended register.
  if ((word & 0x3FE00000) == 0x0B200000 && d == kSp) {
    const bool is_known = n == kSp && (word >> 16 & 31) == 16 && has_constant;
    return is_known ? ByMultipleOf16(static_cast<int64_t>(constant)) : Change::kBroken;
  }
  // Logical operations on an immediate, but ands.
  if ((word & 0x1F800000) == 0x12000000 && (word >> 29 & 3) != 3 && d == kSp)
    return Change::kBroken;
  // Pairs that write their base back.
  if ((word & 0x3A000000) == 0x28000000 && n == kSp && (word >> 23 & 1) == 1) {
    const uint32_t opc = word >> 30;
    const bool is_vector = (word >> 26 & 1) != 0;
    const int64_t scale = is_vector ? int64_t{4} << opc : (opc == 2 ? 8 : 4);
    return ByMultipleOf16(SignExtend(word >> 15 & 0x7F, 7) * scale);
  }
  // Single registers that do.
  if ((word & 0x3B200400) == 0x38000400 && n == kSp) {
    return ByMultipleOf16(SignExtend(word >> 12 & 0x1FF, 9));
  }
  return Change::kNone;
}

}  // namespace

void ScanStackPointer(absl::Span<const uint8_t> code, StackPointerReport* report) {
  // movz x16 and movk x16 that build a constant.
  bool has_constant = false;
  uint64_t constant = 0;
  for (size_t at = 0; at + 4 <= code.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, code.data() + at, sizeof word);
    const Change change = ChangeOf(word, has_constant, constant);
    if (change != Change::kNone) ++report->changes;
    if (change == Change::kBroken && report->broken.empty()) {
      report->broken = absl::StrCat(at, ": ", DisassembleWord(word, at));
    }
    const uint32_t shift = 16 * (word >> 21 & 3);
    if ((word & 0x7F80001F) == 0x52800010) {
      has_constant = true;
      constant = uint64_t{word >> 5 & 0xFFFF} << shift;
    } else if ((word & 0xFF80001F) == 0xF2800010 && has_constant) {
      constant = (constant & ~(uint64_t{0xFFFF} << shift)) | uint64_t{word >> 5 & 0xFFFF} << shift;
    } else {
      has_constant = false;
    }
  }
}

}  // namespace gantry::aarch64::testing
