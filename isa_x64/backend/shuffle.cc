#include "isa_x64/backend/shuffle.h"

#include "isa_x64/asm/operations.h"

namespace gantry::x64 {
namespace {

using Kind = ShuffleMatch::Kind;

template <typename Op>
ShuffleMatch Match(Kind kind, Op op, uint8_t imm = 0, bool swap = false) {
  return {kind, static_cast<uint8_t>(op), imm, swap};
}

// Lanes of `bytes` bytes, if the shuffle moves such lanes as a whole.
struct Lanes {
  bool whole = true;
  int count = 0;
  std::array<int8_t, 8> from = {};
};
Lanes LanesOf(const ShuffleBytes& bytes, int width) {
  Lanes lanes;
  lanes.count = 16 / width;
  for (int lane = 0; lane < lanes.count; ++lane) {
    const int first = bytes[lane * width];
    lanes.whole = lanes.whole && first >= 0 && first % width == 0;
    for (int i = 1; i < width; ++i) {
      lanes.whole = lanes.whole && bytes[lane * width + i] == first + i;
    }
    lanes.from[lane] = static_cast<int8_t>(first / width);
  }
  return lanes;
}

// The bytes that an interleaving of lanes of `width` bytes gives, of operands that begin at byte 0
// and at byte `second`; of their high halves if `high`.
bool IsUnpack(const ShuffleBytes& bytes, int width, bool high, int second) {
  for (int i = 0; i < 16; ++i) {
    const int lane = i / width;
    const int within = lane / 2 * width + i % width + (high ? 8 : 0);
    if (bytes[i] != within + (lane % 2 != 0 ? second : 0)) return false;
  }
  return true;
}

constexpr SseRvmOp kUnpackLow[] = {SseRvmOp::kPunpcklbw, SseRvmOp::kPunpcklwd, SseRvmOp::kPunpckldq,
                                   SseRvmOp::kPunpcklqdq};
constexpr SseRvmOp kUnpackHigh[] = {SseRvmOp::kPunpckhbw, SseRvmOp::kPunpckhwd,
                                    SseRvmOp::kPunpckhdq, SseRvmOp::kPunpckhqdq};

uint8_t FourLanes(const int8_t* from) {
  return static_cast<uint8_t>((from[0] & 3) | (from[1] & 3) << 2 | (from[2] & 3) << 4 |
                              (from[3] & 3) << 6);
}

// bytes[i] is i + shift within bounds, zero elsewhere.
bool IsByteShift(const ShuffleBytes& bytes, int shift) {
  for (int i = 0; i < 16; ++i) {
    const int from = i + shift;
    if (bytes[i] != (from >= 0 && from < 16 ? from : kZeroLane)) return false;
  }
  return true;
}

// Lanes of `narrow` bytes each widened with zeroes to `wide`.
bool IsZeroExtension(const ShuffleBytes& bytes, int narrow, int wide) {
  for (int i = 0; i < 16; ++i) {
    const int expected = i % wide < narrow ? i / wide * narrow + i % wide : kZeroLane;
    if (bytes[i] != expected) return false;
  }
  return true;
}

ShuffleMatch MatchWithZeroes(const ShuffleBytes& bytes) {
  for (int shift = 1; shift < 16; ++shift) {
    if (IsByteShift(bytes, shift)) {
      return Match(Kind::kShiftImm, SseShiftImmOp::kPsrldq, static_cast<uint8_t>(shift));
    }
    if (IsByteShift(bytes, -shift)) {
      return Match(Kind::kShiftImm, SseShiftImmOp::kPslldq, static_cast<uint8_t>(shift));
    }
  }
  if (IsZeroExtension(bytes, 8, 16)) return {Kind::kLow64};
  struct Extension {
    int narrow;
    int wide;
    SseRmOp op;
  };
  constexpr Extension kExtensions[] = {{1, 2, SseRmOp::kPmovzxbw}, {1, 4, SseRmOp::kPmovzxbd},
                                       {1, 8, SseRmOp::kPmovzxbq}, {2, 4, SseRmOp::kPmovzxwd},
                                       {2, 8, SseRmOp::kPmovzxwq}, {4, 8, SseRmOp::kPmovzxdq}};
  for (const Extension& extension : kExtensions) {
    if (IsZeroExtension(bytes, extension.narrow, extension.wide)) {
      return Match(Kind::kRm, extension.op);
    }
  }
  return {};
}

bool AllAre(const ShuffleBytes& bytes, int width) {
  for (int i = 0; i < 16; ++i) {
    if (bytes[i] != i % width) return false;
  }
  return true;
}

}  // namespace

ShuffleMatch MatchShuffleOne(const ShuffleBytes& bytes, bool has_avx2) {
  bool zeroes = false;
  bool identity = true;
  for (int i = 0; i < 16; ++i) {
    zeroes = zeroes || bytes[i] == kZeroLane;
    identity = identity && bytes[i] == i;
  }
  if (identity) return {Kind::kMove};
  if (zeroes) return MatchWithZeroes(bytes);
  if (has_avx2 && AllAre(bytes, 1)) return Match(Kind::kBroadcast, VexRmOp::kVpbroadcastb);
  if (has_avx2 && AllAre(bytes, 2)) return Match(Kind::kBroadcast, VexRmOp::kVpbroadcastw);
  const Lanes dwords = LanesOf(bytes, 4);
  if (dwords.whole) {
    return Match(Kind::kRmImm, SseRmImmOp::kPshufd, FourLanes(dwords.from.data()));
  }
  const Lanes words = LanesOf(bytes, 2);
  if (words.whole) {
    bool low_stays = true;
    bool high_stays = true;
    bool low_within = true;
    bool high_within = true;
    for (int i = 0; i < 4; ++i) {
      low_stays = low_stays && words.from[i] == i;
      high_stays = high_stays && words.from[i + 4] == i + 4;
      low_within = low_within && words.from[i] < 4;
      high_within = high_within && words.from[i + 4] >= 4;
    }
    if (high_stays && low_within) {
      return Match(Kind::kRmImm, SseRmImmOp::kPshuflw, FourLanes(words.from.data()));
    }
    if (low_stays && high_within) {
      return Match(Kind::kRmImm, SseRmImmOp::kPshufhw, FourLanes(words.from.data() + 4));
    }
  }
  for (int i = 0; i < 2; ++i) {
    if (IsUnpack(bytes, 1 << i, false, 0)) return Match(Kind::kRvm, kUnpackLow[i]);
    if (IsUnpack(bytes, 1 << i, true, 0)) return Match(Kind::kRvm, kUnpackHigh[i]);
  }
  bool rotation = true;
  for (int i = 1; i < 16; ++i) rotation = rotation && bytes[i] == (bytes[0] + i) % 16;
  if (rotation) {
    return Match(Kind::kRvmImm, SseRvmImmOp::kPalignr, static_cast<uint8_t>(bytes[0]));
  }
  return {};
}

ShuffleMatch MatchShuffleTwo(const ShuffleBytes& original, bool has_avx2) {
  // Blends: every word stays where it is.
  const Lanes words = LanesOf(original, 2);
  bool blend = words.whole;
  uint8_t from_second = 0;
  for (int i = 0; i < 8 && blend; ++i) {
    blend = words.from[i] % 8 == i;
    if (words.from[i] >= 8) from_second |= static_cast<uint8_t>(1 << i);
  }
  if (blend) {
    const bool by_dwords = (from_second & 0x55) == (from_second >> 1 & 0x55);
    if (!has_avx2 || !by_dwords) {
      return Match(Kind::kRvmImm, SseRvmImmOp::kPblendw, from_second);
    }
    uint8_t dwords = 0;
    for (int i = 0; i < 4; ++i) dwords |= static_cast<uint8_t>((from_second >> (2 * i) & 1) << i);
    return Match(Kind::kVexRvmImm, VexRvmImmOp::kVpblendd, dwords);
  }
  for (const bool swap : {false, true}) {
    ShuffleBytes bytes = original;
    if (swap) {
      for (int8_t& byte : bytes) byte = static_cast<int8_t>(byte ^ 16);
    }
    for (int i = 0; i < 4; ++i) {
      if (IsUnpack(bytes, 1 << i, false, 16)) return Match(Kind::kRvm, kUnpackLow[i], 0, swap);
      if (IsUnpack(bytes, 1 << i, true, 16)) return Match(Kind::kRvm, kUnpackHigh[i], 0, swap);
    }
    bool consecutive = bytes[0] > 0 && bytes[0] < 16;
    for (int i = 1; i < 16; ++i) consecutive = consecutive && bytes[i] == bytes[0] + i;
    // The instruction's first operand is the upper one.
    if (consecutive) {
      return Match(Kind::kRvmImm, SseRvmImmOp::kPalignr, static_cast<uint8_t>(bytes[0]), !swap);
    }
    const Lanes dwords = LanesOf(bytes, 4);
    if (!dwords.whole) continue;
    const auto& from = dwords.from;
    if (from[0] < 4 && from[1] < 4 && from[2] >= 4 && from[3] >= 4) {
      return Match(Kind::kRvmImm, SseRvmImmOp::kShufps, FourLanes(from.data()), swap);
    }
    int moved = 0;
    int at = 0;
    for (int i = 0; i < 4; ++i) {
      if (from[i] == i) continue;
      ++moved;
      at = i;
    }
    if (moved == 1 && from[at] >= 4) {
      return Match(Kind::kRvmImm, SseRvmImmOp::kInsertps,
                   static_cast<uint8_t>((from[at] - 4) << 6 | at << 4), swap);
    }
  }
  return {};
}

}  // namespace gantry::x64
