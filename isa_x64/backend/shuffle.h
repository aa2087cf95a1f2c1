// Which single instruction, if any, does a shuffle of bytes. Nothing here knows VCode: a shuffle
// goes in, the assembler's operation and its immediate come out, so that every pattern can be
// tested against what the instruction does.
//
//   ShuffleMatch match = MatchShuffleOne(lanes, has_avx2);
//   if (match.kind == ShuffleMatch::Kind::kRmImm) ... SseRmImmOp(match.op), match.imm ...
#ifndef GANTRY_ISA_X64_BACKEND_SHUFFLE_H_
#define GANTRY_ISA_X64_BACKEND_SHUFFLE_H_

#include <array>
#include <cstdint>

namespace gantry::x64 {

// Byte i of the result is byte lanes[i] of the operand, or of the first followed by the second;
// kZeroLane is a zero.
using ShuffleBytes = std::array<int8_t, 16>;
inline constexpr int8_t kZeroLane = -1;

struct ShuffleMatch {
  enum class Kind : uint8_t {
    kNone,
    kMove,       // The operand as it is.
    kRm,         // SseRmOp on one operand (of which the low 8 bytes count).
    kRmImm,      // SseRmImmOp on one operand.
    kShiftImm,   // SseShiftImmOp on one operand.
    kBroadcast,  // VexRmOp on one operand (of which the low byte or word counts).
    kLow64,      // movq.
    kRvm,        // SseRvmOp; of one operand with itself, or of two.
    kRvmImm,     // SseRvmImmOp, likewise.
    kVexRvmImm,  // VexRvmImmOp, of two.
  };
  Kind kind = Kind::kNone;
  uint8_t op = 0;
  uint8_t imm = 0;
  // The instruction's first operand is the shuffle's second one.
  bool swap = false;
};

// Lanes of one operand, 0 to 15, and zeroes.
ShuffleMatch MatchShuffleOne(const ShuffleBytes& lanes, bool has_avx2);
// Lanes of two operands, 0 to 31, of each at least one.
ShuffleMatch MatchShuffleTwo(const ShuffleBytes& lanes, bool has_avx2);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_SHUFFLE_H_
