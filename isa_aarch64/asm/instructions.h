// The instructions as data: one enumerator per row of instructions.inc, its shape and its words.
//
//   uint32_t word = RowInfoOf(Row::kAddX).word | 2 | 3 << 5 | 4 << 16;   // add x2, x3, x4
//
// Tested by assembler_llvm_test.
#ifndef GANTRY_ISA_AARCH64_ASM_INSTRUCTIONS_H_
#define GANTRY_ISA_AARCH64_ASM_INSTRUCTIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "isa_aarch64/asm/instructions.inc"

namespace gantry::aarch64 {

// Which registers an instruction has, in the order of operands: first those it reads (n, m, a; in
// front of them what it changes), then the one it writes, d.
enum class Shape : uint8_t {
  kD,      //            -> d
  kDN,     // n          -> d
  kDM,     // m          -> d
  kDNM,    // n m        -> d
  kDNMA,   // n m a      -> d
  kN,      // n          ->
  kNM,     // n m        ->
  kAcc,    // d          -> d
  kAccN,   // d n        -> d
  kAccNM,  // d n m      -> d
};

// What goes into an instruction beside registers. The bits are those of immediates.h.
enum class Imm : uint8_t {
  kNone,
  kShiftW,  // Shift kind and amount of m; none if zero.
  kShiftX,
  kExtend,  // Extension of m and a shift of 0 to 4.
  kAddW,
  kAddX,
  kLogicalW,
  kLogicalX,
  kBitfieldW,
  kBitfieldX,
  kExtractW,
  kExtractX,
  kMoveW,
  kMoveX,
  kCondW,  // Condition in bits 12 to 15.
  kCondX,
  kFlagsCondW,  // Flags in bits 0 to 3, condition in 12 to 15.
  kFlagsCondX,
  kFlagsCondImmW,  // The same, and 5 bits from 16 on.
  kFlagsCondImmX,
  kFloat,
  kShiftLeftB,
  kShiftLeftH,
  kShiftLeftS,
  kShiftLeftD,
  kShiftRightB,
  kShiftRightH,
  kShiftRightS,
  kShiftRightD,
  kLaneB,
  kLaneH,
  kLaneS,
  kLaneD,
  kExt,         // Bytes, in bits 11 to 14.
  kTwice,       // The register in n stands in m, too.
  kVectorMove,  // All but d.
};

enum class Row : uint16_t {
#define GANTRY_A64_ENUM(name, ...) k##name,
  GANTRY_A64_INTEGER_ROWS(GANTRY_A64_ENUM) GANTRY_A64_FLOAT_ROWS(GANTRY_A64_ENUM)
      GANTRY_A64_VECTOR_ROWS(GANTRY_A64_ENUM)
#undef GANTRY_A64_ENUM
          kCount
};
inline constexpr size_t kNumRows = static_cast<size_t>(Row::kCount);

struct RowInfo {
  const char* name;
  Shape shape;
  Imm imm;
  uint32_t word;
  const char* text;
};
const RowInfo& RowInfoOf(Row row);
// The row so many further: families are in order of widths (W, X; S, D; 16B, 8H, 4S, 2D).
constexpr Row operator+(Row row, uint32_t further) {
  return static_cast<Row>(static_cast<uint32_t>(row) + further);
}

enum class MemOp : uint8_t {
#define GANTRY_A64_ENUM(name, ...) k##name,
  GANTRY_A64_MEMORY(GANTRY_A64_ENUM)
#undef GANTRY_A64_ENUM
};
struct MemInfo {
  uint32_t word;
  uint8_t bytes;
  char letter;
  const char* text;
};
const MemInfo& MemInfoOf(MemOp op);
constexpr bool IsStore(MemOp op) { return op >= MemOp::kStrb; }

enum class PairOp : uint8_t {
#define GANTRY_A64_ENUM(name, ...) k##name,
  GANTRY_A64_PAIRS(GANTRY_A64_ENUM)
#undef GANTRY_A64_ENUM
};
const MemInfo& PairInfoOf(PairOp op);

enum class AtomicOp : uint8_t {
#define GANTRY_A64_ENUM(name, ...) k##name,
  GANTRY_A64_ATOMICS(GANTRY_A64_ENUM)
#undef GANTRY_A64_ENUM
};
enum class AtomicShape : uint8_t { kLoad, kStore, kStatus, kFetch, kSwap };
struct AtomicInfo {
  uint32_t word;
  AtomicShape shape;
  const char* text;
};
const AtomicInfo& AtomicInfoOf(AtomicOp op);

enum class PlainOp : uint8_t {
#define GANTRY_A64_ENUM(name, ...) k##name,
  GANTRY_A64_PLAIN(GANTRY_A64_ENUM)
#undef GANTRY_A64_ENUM
};
struct PlainInfo {
  uint32_t word;
  const char* text;
};
const PlainInfo& PlainInfoOf(PlainOp op);

// The machine's conditions by encoding.
enum class Condition : uint8_t {
  kEq,
  kNe,
  kHs,
  kLo,
  kMi,
  kPl,
  kVs,
  kVc,
  kHi,
  kLs,
  kGe,
  kLt,
  kGt,
  kLe,
};
constexpr Condition Inverse(Condition cond) {
  return static_cast<Condition>(static_cast<uint8_t>(cond) ^ 1);
}
const char* ConditionText(Condition cond);
constexpr uint32_t ConditionBits(Condition cond) { return static_cast<uint32_t>(cond) << 12; }

enum class ShiftOp : uint8_t { kLsl, kLsr, kAsr, kRor };
constexpr uint32_t ShiftBits(ShiftOp op, uint32_t amount) {
  return static_cast<uint32_t>(op) << 22 | amount << 10;
}
enum class ExtendOp : uint8_t { kUxtb, kUxth, kUxtw, kUxtx, kSxtb, kSxth, kSxtw, kSxtx };
constexpr uint32_t ExtendBits(ExtendOp op, uint32_t shift) {
  return static_cast<uint32_t>(op) << 13 | shift << 10;
}

// The row's text with registers by `numbers`, in order of operands, and `bits` as immediate. For
// listings; the tests compare it with llvm-mc.
std::string RowText(Row row, absl::Span<const std::string> registers, uint32_t bits);
// The text of the immediate alone.
std::string ImmText(Imm imm, uint32_t bits);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_INSTRUCTIONS_H_
