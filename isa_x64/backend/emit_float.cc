#include "isa_x64/backend/emit.h"
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::MachLabel;

namespace {

constexpr uint8_t kScratchEncoding = 11;
constexpr uint8_t kScratchVector = 15;

Prefix ScalarPrefix(uint8_t size) { return size == 4 ? Prefix::kF3 : Prefix::kF2; }

// Powers of two as f32 or f64 bits.
uint64_t PowerOfTwo(uint8_t size, int exponent) {
  return size == 4 ? static_cast<uint64_t>(127 + exponent) << 23
                   : static_cast<uint64_t>(1023 + exponent) << 52;
}
uint64_t Negative(uint8_t size, uint64_t bits) {
  return bits | (size == 4 ? uint64_t{1} << 31 : uint64_t{1} << 63);
}
// Sign masks that cover 64 bits, for packed operations on a constant seen twice.
uint64_t SignMask(uint8_t size) { return size == 4 ? 0x8000000080000000 : 0x8000000000000000; }

// -2147483649.0: the largest f64 whose integer part is below the i32 range.
constexpr uint64_t kBelowInt32AsF64 = 0xC1E0000000200000;

}  // namespace

void Emitter::EmitSse(const Inst& inst) {
  const uint8_t a = NextReg();
  const Rm b = NextRm(inst);
  const uint8_t to = NextReg();
  if (!flags_.has_avx()) {
    Sse(static_cast<SseKind>(inst.sub), inst.size, to, b);
    return;
  }
  constexpr uint8_t kOpcodes[] = {0x58, 0x59, 0x5C, 0x5E, 0x54, 0x55, 0x56, 0x57};
  Vex({.opcode = kOpcodes[inst.sub],
       .map = OpcodeMap::k0F,
       .prefix = inst.size == 16 ? Prefix::kNone : ScalarPrefix(inst.size)},
      to, a, b);
}

void Emitter::EmitSqrtOrRound(const Inst& inst) {
  const Rm from = NextRm(inst);
  const uint8_t to = NextReg();
  const bool sqrt = inst.op == Op::kSqrt;
  Encoding encoding;
  if (sqrt) {
    encoding = {.opcode = 0x51, .map = OpcodeMap::k0F, .prefix = ScalarPrefix(inst.size)};
  } else {
    encoding = {.opcode = static_cast<uint8_t>(inst.size == 4 ? 0x0A : 0x0B),
                .map = OpcodeMap::k0F3A,
                .prefix = Prefix::k66};
  }
  const Immediate imm = sqrt ? Immediate{} : Immediate{static_cast<uint8_t>(inst.imm), 1};
  // What the destination's upper part is taken from is of no interest but must be at hand.
  if (flags_.has_avx()) {
    Vex(encoding, to, from.is_reg ? from.reg : to, from, imm);
  } else {
    Op(encoding, to, from, imm);
  }
}

// Numbers below 2^52 (2^23 for f32) lose their fraction, rounded to even, when that power is
// added and taken away again; a comparison with the operand shows whether this went the wrong
// way. Larger ones are integers.
void Emitter::EmitRoundSse2(const Inst& inst) {
  const uint8_t size = inst.size;
  const uint8_t from = NextReg();
  const uint8_t to = NextReg();
  const uint8_t temp = NextReg();
  const uint64_t limit = PowerOfTwo(size, size == 4 ? 23 : 52);
  const uint64_t one = PowerOfTwo(size, 0);
  const MachLabel large = b_.NewLabel();
  const MachLabel done = b_.NewLabel();
  MoveVector(to, from);
  Sse(SseKind::kAnd, 16, to, ConstantRm(~SignMask(size), 16));
  Ucomis(size, to, ConstantRm(limit, size));
  JumpIf(Cond::kP, large);
  JumpIf(Cond::kAe, large);
  MoveVector(kScratchVector, to);
  Sse(SseKind::kAdd, size, to, ConstantRm(limit, size));
  Sse(SseKind::kSub, size, to, ConstantRm(limit, size));
  // `to` is the operand's magnitude rounded to even, xmm15 the magnitude, temp the sign.
  MoveVector(temp, from);
  Sse(SseKind::kAnd, 16, temp, ConstantRm(SignMask(size), 16));
  const MachLabel rounded = b_.NewLabel();
  switch (inst.imm) {
    case kRoundToZero:
      Ucomis(size, kScratchVector, RegRm(to));
      JumpIf(Cond::kAe, rounded);
      Sse(SseKind::kSub, size, to, ConstantRm(one, size));
      break;
    case kRoundDown:
      Sse(SseKind::kOr, 16, to, RegRm(temp));
      Ucomis(size, from, RegRm(to));
      JumpIf(Cond::kAe, rounded);
      Sse(SseKind::kSub, size, to, ConstantRm(one, size));
      break;
    case kRoundUp:
      Sse(SseKind::kOr, 16, to, RegRm(temp));
      Ucomis(size, to, RegRm(from));
      JumpIf(Cond::kAe, rounded);
      Sse(SseKind::kAdd, size, to, ConstantRm(one, size));
      break;
    default:
      break;
  }
  b_.Bind(rounded);
  // The result has the operand's sign, zero too.
  Sse(SseKind::kOr, 16, to, RegRm(temp));
  JumpToEnd(done);
  b_.Bind(large);
  // An addition makes a signalling NaN quiet and leaves the rest.
  MoveVector(to, from);
  EmitRegisters(b_, {.opcode = 0x57, .map = OpcodeMap::k0F}, kScratchVector, kScratchVector);
  Sse(SseKind::kAdd, size, to, RegRm(kScratchVector));
  b_.Bind(done);
}

// minss and maxss give the second operand for zeroes of different sign and for NaNs, which is
// not what wasm asks.
void Emitter::EmitMinMax(const Inst& inst) {
  const uint8_t size = inst.size;
  const uint8_t to = NextReg();
  const Rm other = RegRm(NextReg());
  const bool max = inst.sub != 0;
  const MachLabel differ = b_.NewLabel();
  const MachLabel nan = b_.NewLabel();
  const MachLabel done = b_.NewLabel();
  Ucomis(size, to, other);
  ShortJumpIf(Cond::kNe, differ);
  ShortJumpIf(Cond::kP, nan);
  // Equal: the same bits, or zeroes.
  Sse(max ? SseKind::kAnd : SseKind::kOr, 16, to, other);
  JumpToEnd(done);
  b_.Bind(nan);
  Sse(SseKind::kAdd, size, to, other);
  JumpToEnd(done);
  b_.Bind(differ);
  Op({.opcode = static_cast<uint8_t>(max ? 0x5F : 0x5D),
      .map = OpcodeMap::k0F,
      .prefix = ScalarPrefix(size)},
     to, other);
  b_.Bind(done);
}

void Emitter::EmitCvtFloat(const Inst& inst) {
  // The source has the other width, a constant too.
  Inst source = inst;
  source.size = inst.size == 8 ? 4 : 8;
  const Rm from = NextRm(source);
  const uint8_t to = NextReg();
  const Encoding encoding = {
      .opcode = 0x5A, .map = OpcodeMap::k0F, .prefix = ScalarPrefix(source.size)};
  if (flags_.has_avx()) {
    Vex(encoding, to, from.is_reg ? from.reg : to, from);
  } else {
    Op(encoding, to, from);
  }
}

// Numbers from 2^63 on are halved, the lost bit kept so that rounding sees it, and doubled
// again.
void Emitter::EmitCvtFromUint64(const Inst& inst) {
  const uint8_t from = NextReg();
  const uint8_t to = NextReg();
  const uint8_t half = NextReg();
  const MachLabel large = b_.NewLabel();
  const MachLabel done = b_.NewLabel();
  Test(8, from, from);
  ShortJumpIf(Cond::kS, large);
  CvtFromInt(inst.size, 8, to, RegRm(from));
  JumpToEnd(done);
  b_.Bind(large);
  MoveRegister(half, from);
  Shift(ShiftKind::kShr, 8, RegRm(half), 1);
  MoveRegister(kScratchEncoding, from);
  AluImm(AluKind::kAnd, 4, RegRm(kScratchEncoding), 1);
  Alu(AluKind::kOr, 8, half, RegRm(kScratchEncoding));
  CvtFromInt(inst.size, 8, to, RegRm(half));
  Sse(SseKind::kAdd, inst.size, to, RegRm(to));
  b_.Bind(done);
}

void Emitter::EmitCvtToInt(const Inst& inst) {
  const uint8_t from = NextReg();
  const uint8_t to = NextReg();
  const bool to64 = (inst.sub & CvtOp::kTo64) != 0;
  if ((inst.sub & CvtOp::kUnsigned) == 0) {
    EmitCvtToSigned(inst, from, to);
  } else if (to64) {
    EmitCvtToUint64(inst, from, to);
  } else {
    EmitCvtToUint32(inst, from, to);
  }
}

// The instruction gives the least integer for all that it can't convert.
void Emitter::EmitCvtToSigned(const Inst& inst, uint8_t from, uint8_t to) {
  const uint8_t size = inst.size;
  const bool to64 = (inst.sub & CvtOp::kTo64) != 0;
  const uint8_t int_size = to64 ? 8 : 4;
  const MachLabel done = b_.NewLabel();
  CvtToInt(size, to64, to, from);
  AluImm(AluKind::kCmp, int_size, RegRm(to), 1);
  JumpToEndIf(Cond::kNo, done);
  const Encoding clear = {.opcode = 0x57, .map = OpcodeMap::k0F};
  Ucomis(size, from, RegRm(from));
  if ((inst.sub & CvtOp::kSaturating) != 0) {
    const MachLabel number = b_.NewLabel();
    ShortJumpIf(Cond::kNp, number);
    EmitRegisters(b_, {.opcode = 0x33}, to, to);
    JumpToEnd(done);
    b_.Bind(number);
    EmitRegisters(b_, clear, kScratchVector, kScratchVector);
    Ucomis(size, from, RegRm(kScratchVector));
    JumpToEndIf(Cond::kBe, done);
    MoveImm(to, to64 ? 0x7FFFFFFFFFFFFFFF : 0x7FFFFFFF);
    b_.Bind(done);
    return;
  }
  TrapIf(Cond::kP, inst.trap);
  // Below the range?
  if (!to64 && size == 8) {
    Ucomis(size, from, ConstantRm(kBelowInt32AsF64, 8));
    TrapIf(Cond::kBe, inst.extra);
  } else {
    Ucomis(size, from, ConstantRm(Negative(size, PowerOfTwo(size, to64 ? 63 : 31)), size));
    TrapIf(Cond::kB, inst.extra);
  }
  // Above it?
  EmitRegisters(b_, clear, kScratchVector, kScratchVector);
  Ucomis(size, from, RegRm(kScratchVector));
  TrapIf(Cond::kA, inst.extra);
  b_.Bind(done);
}

// By way of 64 bits: what fits 32 unsigned ones is its own zero-extension.
void Emitter::EmitCvtToUint32(const Inst& inst, uint8_t from, uint8_t to) {
  const uint8_t size = inst.size;
  const MachLabel done = b_.NewLabel();
  CvtToInt(size, /*to64=*/true, to, from);
  Load(kScratchEncoding, RegRm(to), 4);
  Alu(AluKind::kCmp, 8, kScratchEncoding, RegRm(to));
  JumpToEndIf(Cond::kE, done);
  if ((inst.sub & CvtOp::kSaturating) == 0) {
    Ucomis(size, from, RegRm(from));
    TrapIf(Cond::kP, inst.trap);
    JumpIf(Cond::kNp, TrapLabel(inst.extra));
    b_.Bind(done);
    return;
  }
  EmitRegisters(b_, {.opcode = 0x57, .map = OpcodeMap::k0F}, kScratchVector, kScratchVector);
  Ucomis(size, from, RegRm(kScratchVector));
  MoveImm(to, 0xFFFFFFFF);
  JumpToEndIf(Cond::kA, done);
  MoveImm(to, 0);
  b_.Bind(done);
}

void Emitter::EmitCvtToUint64(const Inst& inst, uint8_t from, uint8_t to) {
  const uint8_t size = inst.size;
  const bool saturating = (inst.sub & CvtOp::kSaturating) != 0;
  const uint64_t limit = PowerOfTwo(size, 63);
  const MachLabel done = b_.NewLabel();
  CvtToInt(size, /*to64=*/true, to, from);
  Test(8, to, to);
  JumpIf(Cond::kNs, done);
  // Negative, a NaN, or at least 2^63.
  Ucomis(size, from, ConstantRm(limit, size));
  if (saturating) {
    // A move leaves the flags alone.
    EmitOpcodeRegister(b_, {.opcode = 0xB8}, to, {0, 4});
    JumpIf(Cond::kB, done);
  } else {
    TrapIf(Cond::kP, inst.trap);
    TrapIf(Cond::kB, inst.extra);
  }
  MoveVector(kScratchVector, from);
  Sse(SseKind::kSub, size, kScratchVector, ConstantRm(limit, size));
  CvtToInt(size, /*to64=*/true, kScratchEncoding, kScratchVector);
  if (saturating) MoveImm(to, ~uint64_t{0});
  Test(8, kScratchEncoding, kScratchEncoding);
  if (saturating) {
    JumpIf(Cond::kS, done);
  } else {
    TrapIf(Cond::kS, inst.extra);
  }
  MoveImm(to, uint64_t{1} << 63);
  Alu(AluKind::kOr, 8, to, RegRm(kScratchEncoding));
  b_.Bind(done);
}

void Emitter::EmitSelectFloat(const Inst& inst) {
  EmitCompare(inst);
  const uint8_t if_true = NextReg();
  const uint8_t to = NextReg();
  const MachLabel done = b_.NewLabel();
  if (inst.cc == Cond::kFloatEq) {
    JumpToEndIf(Cond::kNe, done);
    JumpToEndIf(Cond::kP, done);
    MoveVector(to, if_true);
  } else if (inst.cc == Cond::kFloatNe) {
    const MachLabel move = b_.NewLabel();
    ShortJumpIf(Cond::kNe, move);
    JumpToEndIf(Cond::kNp, done);
    b_.Bind(move);
    MoveVector(to, if_true);
  } else {
    JumpToEndIf(Inverse(inst.cc), done);
    MoveVector(to, if_true);
  }
  b_.Bind(done);
}

void Emitter::EmitConstFloat(const Inst& inst) {
  const uint8_t to = NextReg();
  if (inst.imm64 == 0) {
    EmitRegisters(b_, {.opcode = 0x57, .map = OpcodeMap::k0F}, to, to);
    return;
  }
  LoadFloat(to, ConstantRm(inst.imm64, inst.size), inst.size);
}

void Emitter::EmitBitMove(const Inst& inst) {
  const Rm from = NextRm(inst);
  const uint8_t to = NextReg();
  const bool wide = inst.size == 8;
  if (inst.op == Op::kMoveToInt) {
    if (from.is_reg) {
      EmitRegisters(b_,
                    {.opcode = 0x7E, .map = OpcodeMap::k0F, .prefix = Prefix::k66, .wide = wide},
                    from.reg, to);
    } else {
      Load(to, from, inst.size);
    }
    return;
  }
  if (from.is_reg) {
    EmitRegisters(b_, {.opcode = 0x6E, .map = OpcodeMap::k0F, .prefix = Prefix::k66, .wide = wide},
                  to, from.reg);
  } else {
    LoadFloat(to, from, inst.size);
  }
}

}  // namespace gantry::x64
