// Every match against a model of what the instructions do to bytes (Intel's manual, volume 2), and
// every instruction and immediate found again from what it does.
#include "isa_x64/backend/shuffle.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "isa_x64/asm/operations.h"

namespace gantry::x64 {
namespace {

using Kind = ShuffleMatch::Kind;

// What the instruction makes of operands whose bytes are named: a byte's name is what a shuffle's
// lane would say.
ShuffleBytes Model(const ShuffleMatch& match, const ShuffleBytes& a, const ShuffleBytes& b) {
  ShuffleBytes out;
  out.fill(kZeroLane);
  const auto copy = [&](int to, const ShuffleBytes& from, int at, int bytes) {
    for (int i = 0; i < bytes; ++i) out[to + i] = from[at + i];
  };
  const auto unpack = [&](int width, int first) {
    for (int lane = 0; lane < 8 / width; ++lane) {
      copy(2 * lane * width, a, first + lane * width, width);
      copy((2 * lane + 1) * width, b, first + lane * width, width);
    }
  };
  const auto select = [&](int imm, int index) { return imm >> (2 * index) & 3; };
  switch (match.kind) {
    case Kind::kNone:
      break;
    case Kind::kMove:
      out = a;
      break;
    case Kind::kLow64:
      copy(0, a, 0, 8);
      break;
    case Kind::kBroadcast: {
      const int width = match.op == static_cast<uint8_t>(VexRmOp::kVpbroadcastb) ? 1 : 2;
      for (int i = 0; i < 16; i += width) copy(i, a, 0, width);
      break;
    }
    case Kind::kRm: {
      int narrow = 0;
      int wide = 0;
      switch (static_cast<SseRmOp>(match.op)) {
        case SseRmOp::kPmovzxbw:
          narrow = 1, wide = 2;
          break;
        case SseRmOp::kPmovzxbd:
          narrow = 1, wide = 4;
          break;
        case SseRmOp::kPmovzxbq:
          narrow = 1, wide = 8;
          break;
        case SseRmOp::kPmovzxwd:
          narrow = 2, wide = 4;
          break;
        case SseRmOp::kPmovzxwq:
          narrow = 2, wide = 8;
          break;
        case SseRmOp::kPmovzxdq:
          narrow = 4, wide = 8;
          break;
        default:
          ADD_FAILURE() << "operation " << int{match.op};
          return out;
      }
      for (int i = 0; i < 16 / wide; ++i) copy(i * wide, a, i * narrow, narrow);
      break;
    }
    case Kind::kRmImm:
      switch (static_cast<SseRmImmOp>(match.op)) {
        case SseRmImmOp::kPshufd:
          for (int i = 0; i < 4; ++i) copy(4 * i, a, 4 * select(match.imm, i), 4);
          break;
        case SseRmImmOp::kPshuflw:
          out = a;
          for (int i = 0; i < 4; ++i) copy(2 * i, a, 2 * select(match.imm, i), 2);
          break;
        case SseRmImmOp::kPshufhw:
          out = a;
          for (int i = 0; i < 4; ++i) copy(8 + 2 * i, a, 8 + 2 * select(match.imm, i), 2);
          break;
        default:
          ADD_FAILURE() << "operation " << int{match.op};
      }
      break;
    case Kind::kShiftImm:
      for (int i = 0; i < 16; ++i) {
        const bool left = match.op == static_cast<uint8_t>(SseShiftImmOp::kPslldq);
        const int from = left ? i - match.imm : i + match.imm;
        if (from >= 0 && from < 16) out[i] = a[from];
      }
      break;
    case Kind::kRvm:
      switch (static_cast<SseRvmOp>(match.op)) {
        case SseRvmOp::kPunpcklbw:
          unpack(1, 0);
          break;
        case SseRvmOp::kPunpcklwd:
          unpack(2, 0);
          break;
        case SseRvmOp::kPunpckldq:
          unpack(4, 0);
          break;
        case SseRvmOp::kPunpcklqdq:
          unpack(8, 0);
          break;
        case SseRvmOp::kPunpckhbw:
          unpack(1, 8);
          break;
        case SseRvmOp::kPunpckhwd:
          unpack(2, 8);
          break;
        case SseRvmOp::kPunpckhdq:
          unpack(4, 8);
          break;
        case SseRvmOp::kPunpckhqdq:
          unpack(8, 8);
          break;
        default:
          ADD_FAILURE() << "operation " << int{match.op};
      }
      break;
    case Kind::kRvmImm:
      switch (static_cast<SseRvmImmOp>(match.op)) {
        case SseRvmImmOp::kPalignr:
          for (int i = 0; i < 16; ++i) {
            const int from = i + match.imm;
            out[i] = from < 16 ? b[from] : from < 32 ? a[from - 16] : kZeroLane;
          }
          break;
        case SseRvmImmOp::kPblendw:
          for (int i = 0; i < 8; ++i) copy(2 * i, (match.imm >> i & 1) != 0 ? b : a, 2 * i, 2);
          break;
        case SseRvmImmOp::kShufps:
          for (int i = 0; i < 4; ++i) copy(4 * i, i < 2 ? a : b, 4 * select(match.imm, i), 4);
          break;
        case SseRvmImmOp::kInsertps:
          out = a;
          copy(4 * (match.imm >> 4 & 3), b, 4 * (match.imm >> 6), 4);
          for (int i = 0; i < 4; ++i) {
            if ((match.imm >> i & 1) != 0) std::fill_n(out.begin() + 4 * i, 4, kZeroLane);
          }
          break;
        default:
          ADD_FAILURE() << "operation " << int{match.op};
      }
      break;
    case Kind::kVexRvmImm:
      EXPECT_EQ(match.op, static_cast<uint8_t>(VexRvmImmOp::kVpblendd));
      for (int i = 0; i < 4; ++i) copy(4 * i, (match.imm >> i & 1) != 0 ? b : a, 4 * i, 4);
      break;
  }
  return out;
}

ShuffleBytes Names(int first) {
  ShuffleBytes names;
  for (int i = 0; i < 16; ++i) names[i] = static_cast<int8_t>(first + i);
  return names;
}

bool IsOneOperand(const ShuffleBytes& lanes) {
  return std::all_of(lanes.begin(), lanes.end(), [](int8_t lane) { return lane < 16; });
}
bool IsTwoOperands(const ShuffleBytes& lanes) {
  return !IsOneOperand(lanes) &&
         std::none_of(lanes.begin(), lanes.end(), [](int8_t lane) { return lane < 0; }) &&
         std::any_of(lanes.begin(), lanes.end(), [](int8_t lane) { return lane < 16; });
}

std::string Text(const ShuffleBytes& lanes) {
  std::string text;
  for (int8_t lane : lanes) text += std::to_string(lane) + " ";
  return text;
}

// Matches, if the instruction found does the shuffle.
bool Check(const ShuffleBytes& lanes, bool has_avx2) {
  const bool one = IsOneOperand(lanes);
  const ShuffleMatch match =
      one ? MatchShuffleOne(lanes, has_avx2) : MatchShuffleTwo(lanes, has_avx2);
  if (match.kind == Kind::kNone) return false;
  const ShuffleBytes x = Names(0);
  const ShuffleBytes y = one ? x : Names(16);
  EXPECT_EQ(Model(match, match.swap ? y : x, match.swap ? x : y), lanes)
      << Text(lanes) << "by kind " << static_cast<int>(match.kind) << " operation " << int{match.op}
      << " immediate " << int{match.imm} << (match.swap ? " swapped" : "");
  return true;
}

std::vector<ShuffleMatch> AllInstructions() {
  std::vector<ShuffleMatch> all = {{Kind::kMove}, {Kind::kLow64}};
  const auto add = [&](Kind kind, auto op, int immediates) {
    for (int imm = 0; imm < immediates; ++imm) {
      all.push_back({kind, static_cast<uint8_t>(op), static_cast<uint8_t>(imm)});
    }
  };
  for (SseRmOp op : {SseRmOp::kPmovzxbw, SseRmOp::kPmovzxbd, SseRmOp::kPmovzxbq, SseRmOp::kPmovzxwd,
                     SseRmOp::kPmovzxwq, SseRmOp::kPmovzxdq}) {
    add(Kind::kRm, op, 1);
  }
  for (SseRmImmOp op : {SseRmImmOp::kPshufd, SseRmImmOp::kPshuflw, SseRmImmOp::kPshufhw}) {
    add(Kind::kRmImm, op, 256);
  }
  add(Kind::kShiftImm, SseShiftImmOp::kPsrldq, 16);
  add(Kind::kShiftImm, SseShiftImmOp::kPslldq, 16);
  for (SseRvmOp op :
       {SseRvmOp::kPunpcklbw, SseRvmOp::kPunpcklwd, SseRvmOp::kPunpckldq, SseRvmOp::kPunpcklqdq,
        SseRvmOp::kPunpckhbw, SseRvmOp::kPunpckhwd, SseRvmOp::kPunpckhdq, SseRvmOp::kPunpckhqdq}) {
    add(Kind::kRvm, op, 1);
  }
  add(Kind::kRvmImm, SseRvmImmOp::kPalignr, 17);
  add(Kind::kRvmImm, SseRvmImmOp::kPblendw, 256);
  add(Kind::kRvmImm, SseRvmImmOp::kShufps, 256);
  for (int lanes = 0; lanes < 16; ++lanes) {
    all.push_back({Kind::kRvmImm, static_cast<uint8_t>(SseRvmImmOp::kInsertps),
                   static_cast<uint8_t>(lanes << 4)});
  }
  add(Kind::kVexRvmImm, VexRvmImmOp::kVpblendd, 16);
  return all;
}

TEST(ShuffleTest, EveryInstructionIsFoundAgain) {
  const ShuffleBytes x = Names(0);
  const ShuffleBytes y = Names(16);
  int found = 0;
  for (const ShuffleMatch& instruction : AllInstructions()) {
    for (int operands = 0; operands < 3; ++operands) {
      const ShuffleBytes lanes = Model(instruction, operands == 2 ? y : x,
                                       operands == 0   ? x
                                       : operands == 1 ? y
                                                       : x);
      if (!IsOneOperand(lanes) && !IsTwoOperands(lanes)) continue;
      // All zeroes, and both halves of one operand by shufps, have other ways.
      if (std::all_of(lanes.begin(), lanes.end(), [](int8_t l) { return l < 0; })) continue;
      for (const bool has_avx2 : {false, true}) {
        EXPECT_TRUE(Check(lanes, has_avx2)) << Text(lanes);
        ++found;
      }
    }
  }
  EXPECT_GT(found, 4000);
  EXPECT_TRUE(Check(ShuffleBytes{}, true));
  EXPECT_TRUE(Check({0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, true));
}

TEST(ShuffleTest, EachLaneFromEachByte) {
  for (const bool has_avx2 : {false, true}) {
    for (int lane = 0; lane < 16; ++lane) {
      for (int byte = kZeroLane; byte < 32; ++byte) {
        ShuffleBytes lanes = Names(0);
        lanes[lane] = static_cast<int8_t>(byte);
        if (IsOneOperand(lanes) || IsTwoOperands(lanes)) Check(lanes, has_avx2);
        lanes.fill(static_cast<int8_t>(lane));
        lanes[0] = static_cast<int8_t>(byte);
        if (IsOneOperand(lanes) || IsTwoOperands(lanes)) Check(lanes, has_avx2);
      }
    }
  }
}

// Shuffles that are nearly what an instruction does.
TEST(ShuffleTest, Neighbours) {
  std::mt19937 random(1);
  const std::vector<ShuffleMatch> all = AllInstructions();
  for (int round = 0; round < 100000; ++round) {
    const ShuffleMatch& instruction = all[random() % all.size()];
    const int operands = static_cast<int>(random() % 3);
    ShuffleBytes lanes = Model(instruction, operands == 2 ? Names(16) : Names(0),
                               operands == 1 ? Names(16) : Names(0));
    const int width = 1 << random() % 4;
    const int to = static_cast<int>(random() % (16 / width)) * width;
    const int from = static_cast<int>(random() % (32 / width)) * width;
    for (int i = 0; i < width; ++i) lanes[to + i] = static_cast<int8_t>(from + i);
    if (!IsOneOperand(lanes) && !IsTwoOperands(lanes)) continue;
    if (std::all_of(lanes.begin(), lanes.end(), [](int8_t l) { return l < 0; })) continue;
    Check(lanes, (round & 1) != 0);
  }
}

}  // namespace
}  // namespace gantry::x64
