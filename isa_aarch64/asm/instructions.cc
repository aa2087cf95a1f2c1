#include "isa_aarch64/asm/instructions.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace gantry::aarch64 {
namespace {

constexpr RowInfo kRows[] = {
#define GANTRY_A64_ROW(name, shape, imm, word, text) {#name, Shape::shape, Imm::imm, word, text},
    GANTRY_A64_INTEGER_ROWS(GANTRY_A64_ROW) GANTRY_A64_FLOAT_ROWS(GANTRY_A64_ROW)
        GANTRY_A64_VECTOR_ROWS(GANTRY_A64_ROW)
#undef GANTRY_A64_ROW
};
static_assert(sizeof kRows / sizeof kRows[0] == kNumRows);

constexpr MemInfo kMemory[] = {
#define GANTRY_A64_ROW(name, word, bytes, letter, text) {word, bytes, letter, text},
    GANTRY_A64_MEMORY(GANTRY_A64_ROW)
#undef GANTRY_A64_ROW
};
constexpr MemInfo kPairs[] = {
#define GANTRY_A64_ROW(name, word, bytes, letter, text) {word, bytes, letter, text},
    GANTRY_A64_PAIRS(GANTRY_A64_ROW)
#undef GANTRY_A64_ROW
};
constexpr AtomicInfo kAtomics[] = {
#define GANTRY_A64_ROW(name, word, shape, text) {word, AtomicShape::shape, text},
    GANTRY_A64_ATOMICS(GANTRY_A64_ROW)
#undef GANTRY_A64_ROW
};
constexpr PlainInfo kPlain[] = {
#define GANTRY_A64_ROW(name, word, text) {word, text},
    GANTRY_A64_PLAIN(GANTRY_A64_ROW)
#undef GANTRY_A64_ROW
};

constexpr uint32_t Field(uint32_t bits, uint32_t from, uint32_t width) {
  return bits >> from & ((1u << width) - 1);
}

// What LogicalBits encodes.
uint64_t LogicalValue(uint32_t bits, uint32_t width) {
  const uint32_t n = Field(bits, 22, 1), rotate = Field(bits, 16, 6), imms = Field(bits, 10, 6);
  const uint32_t key = n << 6 | (~imms & 0x3F);
  const uint32_t log2 = static_cast<uint32_t>(std::bit_width(key)) - 1;
  const uint32_t size = 1u << log2;
  const uint32_t ones = (imms & (size - 1)) + 1;
  const uint32_t turn = rotate & (size - 1);
  uint64_t element = ones == 64 ? ~uint64_t{0} : (uint64_t{1} << ones) - 1;
  const uint64_t mask = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
  if (turn != 0) element = (element >> turn | element << (size - turn)) & mask;
  uint64_t value = 0;
  for (uint32_t at = 0; at < width; at += size) value |= element << at;
  return value;
}

std::string FloatText(uint32_t byte) {
  const uint32_t exponent = Field(byte, 4, 3) ^ 4;
  const double fraction = 1.0 + (byte & 15) / 16.0;
  double value = fraction;
  for (uint32_t i = 3; i < exponent; ++i) value *= 2;
  for (uint32_t i = exponent; i < 3; ++i) value /= 2;
  return absl::StrFormat("#%.8f", (byte & 0x80) != 0 ? -value : value);
}

std::string ShiftText(uint32_t bits) {
  static constexpr const char* kNames[] = {"lsl", "lsr", "asr", "ror"};
  if (Field(bits, 22, 2) == 0 && Field(bits, 10, 6) == 0) return "";
  return absl::StrCat(", ", kNames[Field(bits, 22, 2)], " #", Field(bits, 10, 6));
}

std::string ExtendText(uint32_t bits) {
  static constexpr const char* kNames[] = {"uxtb", "uxth", "uxtw", "uxtx",
                                           "sxtb", "sxth", "sxtw", "sxtx"};
  const uint32_t shift = Field(bits, 10, 3);
  return absl::StrCat(", ", kNames[Field(bits, 13, 3)],
                      shift == 0 ? "" : absl::StrCat(" #", shift));
}

std::string LaneText(uint32_t bits) {
  const uint32_t field = Field(bits, 16, 5);
  return absl::StrCat("[", field >> (std::countr_zero(field) + 1), "]");
}

// With the register and all.
std::string VectorMoveText(uint32_t bits, absl::string_view d) {
  const uint32_t byte = Field(bits, 16, 3) << 5 | Field(bits, 5, 5);
  const uint32_t cmode = Field(bits, 12, 4);
  const bool op = Field(bits, 29, 1) != 0;
  const char* const name = op ? "mvni" : "movi";
  if (cmode < 8) return absl::StrFormat("%s v%s.4s, #%d, lsl #%d", name, d, byte, 8 * (cmode / 2));
  if (cmode < 12) {
    return absl::StrFormat("%s v%s.8h, #%d, lsl #%d", name, d, byte, 8 * (cmode / 2 - 4));
  }
  if (cmode < 14)
    return absl::StrFormat("%s v%s.4s, #%d, msl #%d", name, d, byte, 8 * (cmode - 11));
  if (cmode == 14 && !op) return absl::StrFormat("movi v%s.16b, #%d", d, byte);
  if (cmode == 14) {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= (byte >> i & 1) != 0 ? uint64_t{0xFF} << (8 * i) : 0;
    return absl::StrFormat("movi v%s.2d, #0x%x", d, value);
  }
  return absl::StrCat("fmov v", d, op ? ".2d, " : ".4s, ", FloatText(byte));
}

const char* FieldsOf(Shape shape) {
  switch (shape) {
    case Shape::kD:
      return "d";
    case Shape::kDN:
      return "nd";
    case Shape::kDM:
      return "md";
    case Shape::kDNM:
      return "nmd";
    case Shape::kDNMA:
      return "nmad";
    case Shape::kN:
      return "n";
    case Shape::kNM:
      return "nm";
    case Shape::kAcc:
      return "dd";
    case Shape::kAccN:
      return "dnd";
    case Shape::kAccNM:
      return "dnmd";
  }
  return "";
}

}  // namespace

const RowInfo& RowInfoOf(Row row) { return kRows[static_cast<size_t>(row)]; }
const MemInfo& MemInfoOf(MemOp op) { return kMemory[static_cast<size_t>(op)]; }
const MemInfo& PairInfoOf(PairOp op) { return kPairs[static_cast<size_t>(op)]; }
const AtomicInfo& AtomicInfoOf(AtomicOp op) { return kAtomics[static_cast<size_t>(op)]; }
const PlainInfo& PlainInfoOf(PlainOp op) { return kPlain[static_cast<size_t>(op)]; }

const char* ConditionText(Condition cond) {
  static constexpr const char* kNames[] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs",
                                           "vc", "hi", "ls", "ge", "lt", "gt", "le"};
  return kNames[static_cast<size_t>(cond)];
}

std::string ImmText(Imm imm, uint32_t bits) {
  switch (imm) {
    case Imm::kNone:
    case Imm::kTwice:
    case Imm::kVectorMove:
      return "";
    case Imm::kShiftW:
    case Imm::kShiftX:
      return ShiftText(bits);
    case Imm::kExtend:
      return ExtendText(bits);
    case Imm::kAddW:
    case Imm::kAddX:
      return absl::StrCat("#", Field(bits, 10, 12), Field(bits, 22, 1) != 0 ? ", lsl #12" : "");
    case Imm::kLogicalW:
      return absl::StrCat("#0x", absl::Hex(LogicalValue(bits, 32)));
    case Imm::kLogicalX:
      return absl::StrCat("#0x", absl::Hex(LogicalValue(bits, 64)));
    case Imm::kBitfieldW:
    case Imm::kBitfieldX:
      return absl::StrCat("#", Field(bits, 16, 6), ", #", Field(bits, 10, 6));
    case Imm::kExtractW:
    case Imm::kExtractX:
      return absl::StrCat("#", Field(bits, 10, 6));
    case Imm::kMoveW:
    case Imm::kMoveX:
      return absl::StrCat("#", Field(bits, 5, 16), ", lsl #", 16 * Field(bits, 21, 2));
    case Imm::kCondW:
    case Imm::kCondX:
      return ConditionText(static_cast<Condition>(Field(bits, 12, 4)));
    case Imm::kFlagsCondW:
    case Imm::kFlagsCondX:
      return absl::StrCat("#", Field(bits, 0, 4), ", ",
                          ConditionText(static_cast<Condition>(Field(bits, 12, 4))));
    case Imm::kFlagsCondImmW:
    case Imm::kFlagsCondImmX:
      return absl::StrCat("#", Field(bits, 16, 5), ", #", Field(bits, 0, 4), ", ",
                          ConditionText(static_cast<Condition>(Field(bits, 12, 4))));
    case Imm::kFloat:
      return FloatText(Field(bits, 13, 8));
    case Imm::kShiftLeftB:
      return absl::StrCat("#", Field(bits, 16, 7) - 8);
    case Imm::kShiftLeftH:
      return absl::StrCat("#", Field(bits, 16, 7) - 16);
    case Imm::kShiftLeftS:
      return absl::StrCat("#", Field(bits, 16, 7) - 32);
    case Imm::kShiftLeftD:
      return absl::StrCat("#", Field(bits, 16, 7) - 64);
    case Imm::kShiftRightB:
      return absl::StrCat("#", 16 - Field(bits, 16, 7));
    case Imm::kShiftRightH:
      return absl::StrCat("#", 32 - Field(bits, 16, 7));
    case Imm::kShiftRightS:
      return absl::StrCat("#", 64 - Field(bits, 16, 7));
    case Imm::kShiftRightD:
      return absl::StrCat("#", 128 - Field(bits, 16, 7));
    case Imm::kLaneB:
    case Imm::kLaneH:
    case Imm::kLaneS:
    case Imm::kLaneD:
      return LaneText(bits);
    case Imm::kExt:
      return absl::StrCat("#", Field(bits, 11, 4));
  }
  return "";
}

std::string RowText(Row row, absl::Span<const std::string> registers, uint32_t bits) {
  const RowInfo& info = RowInfoOf(row);
  const char* const fields = FieldsOf(info.shape);
  const auto reg = [&](char field) -> std::string {
    // The last operand is d where there is one; what it replaces has the same register.
    const char* const at = field == 'd' ? std::strrchr(fields, 'd') : std::strchr(fields, field);
    CHECK(at != nullptr) << info.name << " has no register " << field;
    return registers[static_cast<size_t>(at - fields)];
  };
  if (info.imm == Imm::kVectorMove) return VectorMoveText(bits, reg('d'));
  std::string text;
  for (const char* at = info.text; *at != 0; ++at) {
    if (*at != '$') {
      text += *at;
      continue;
    }
    const char field = *++at;
    if (field == 'i') {
      text += ImmText(info.imm, bits);
      continue;
    }
    const bool may_be_sp = field < 'a';
    const char letter = text.back();
    const std::string number = reg(may_be_sp ? static_cast<char>(field + 32) : field);
    if (number != "31" || (letter != 'w' && letter != 'x')) {
      text += number;
    } else if (may_be_sp) {
      text.pop_back();
      text += letter == 'w' ? "wsp" : "sp";
    } else {
      text += "zr";
    }
  }
  return text;
}

}  // namespace gantry::aarch64
