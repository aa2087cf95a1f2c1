// Floats and conversions.
#include "base/check.h"
#include "environ/core/trap_code.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

using codegen::MachLabel;
using wasm::Opcode;
using x64::AluOp;
using x64::AnyMem;
using x64::Gpr;
using x64::Mem64;
using x64::SseRvmImmOp;
using x64::SseRvmOp;
using x64::Width;
using x64::Xmm;

namespace {

constexpr uint64_t kSign64 = uint64_t{1} << 63;
constexpr uint32_t kSign32 = uint32_t{1} << 31;

// Modes of roundss and roundsd; exceptions are masked anyway.
constexpr int kNearest = 8;
constexpr int kFloor = 9;
constexpr int kCeil = 10;
constexpr int kTrunc = 11;

// A power of two as f32 or f64.
constexpr uint64_t PowerOfTwo(bool is_64, int exponent) {
  return is_64 ? uint64_t(1023 + exponent) << 52 : uint64_t(127 + exponent) << 23;
}
constexpr uint64_t Negative(bool is_64, uint64_t bits) {
  return bits | (is_64 ? kSign64 : kSign32);
}
// -2147483649.0: the largest f64 whose integer part is below the range of i32.
constexpr uint64_t kBelowInt32AsF64 = 0xC1E0000000200000;

constexpr uint8_t Number(environ::TrapCode code) { return static_cast<uint8_t>(code); }

Width FloatWidth(bool is_64) { return is_64 ? Width::k64 : Width::k32; }
Gpr Scratch() { return x64::r11.gpr(); }

}  // namespace

void X64Masm::Sse(SseRvmOp op, Xmm to, Xmm a, Xmm b) {
  if (to == b && to != a) {
    as_.movaps(x64::xmm15, b);
    b = x64::xmm15;
  }
  MoveVector(to, a);
  as_.sse(op, to, b);
}

void X64Masm::SseCommutative(SseRvmOp op, Xmm to, Xmm a, Xmm b) {
  if (to == b) return as_.sse(op, to, a);
  MoveVector(to, a);
  as_.sse(op, to, b);
}

AnyMem X64Masm::FloatConstant(bool is_64, uint64_t bits) {
  if (is_64) return AnyMem(Mem64(buffer_.Constant8(bits)));
  return AnyMem(x64::Mem32(buffer_.Constant4(static_cast<uint32_t>(bits))));
}

void X64Masm::Ucomis(bool is_64, Xmm a, Xmm b) {
  as_.sse(is_64 ? x64::SseRmOp::kUcomisd : x64::SseRmOp::kUcomiss, a, b);
}
void X64Masm::UcomisConstant(bool is_64, Xmm a, uint64_t bits) {
  as_.sse(is_64 ? x64::SseRmOp::kUcomisd : x64::SseRmOp::kUcomiss, a, FloatConstant(is_64, bits));
}

bool X64Masm::WantsFreshResult(Opcode op) {
  switch (op) {
    case Opcode::kF32Min:
    case Opcode::kF32Max:
    case Opcode::kF64Min:
    case Opcode::kF64Max:
    case Opcode::kF32Copysign:
    case Opcode::kF64Copysign:
    case Opcode::kF32Ceil:
    case Opcode::kF32Floor:
    case Opcode::kF32Trunc:
    case Opcode::kF32Nearest:
    case Opcode::kF64Ceil:
    case Opcode::kF64Floor:
    case Opcode::kF64Trunc:
    case Opcode::kF64Nearest:
    case Opcode::kF32ConvertI64U:
    case Opcode::kF64ConvertI64U:
      return true;
    default:
      return false;
  }
}

void X64Masm::FloatUnary(Opcode op, Reg to_reg, Reg from_reg) {
  const Xmm to = X(to_reg);
  const Xmm from = X(from_reg);
  switch (op) {
    case Opcode::kF32Abs:
      MoveVector(to, from);
      return as_.andps(to, Splat32(kSign32 - 1));
    case Opcode::kF64Abs:
      MoveVector(to, from);
      return as_.andps(to, Splat64(kSign64 - 1));
    case Opcode::kF32Neg:
      MoveVector(to, from);
      return as_.xorps(to, Splat32(kSign32));
    case Opcode::kF64Neg:
      MoveVector(to, from);
      return as_.xorps(to, Splat64(kSign64));
    case Opcode::kF32Sqrt:
      return as_.sqrtss(to, from);
    case Opcode::kF64Sqrt:
      return as_.sqrtsd(to, from);
    case Opcode::kF32Ceil:
      return Round(false, kCeil, to, from);
    case Opcode::kF32Floor:
      return Round(false, kFloor, to, from);
    case Opcode::kF32Trunc:
      return Round(false, kTrunc, to, from);
    case Opcode::kF32Nearest:
      return Round(false, kNearest, to, from);
    case Opcode::kF64Ceil:
      return Round(true, kCeil, to, from);
    case Opcode::kF64Floor:
      return Round(true, kFloor, to, from);
    case Opcode::kF64Trunc:
      return Round(true, kTrunc, to, from);
    case Opcode::kF64Nearest:
      return Round(true, kNearest, to, from);
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::Round(bool is_64, int mode, Xmm to, Xmm from) {
  if (!features_.sse41) return RoundWithoutSse41(is_64, mode, to, from);
  as_.sse(is_64 ? SseRvmImmOp::kRoundsd : SseRvmImmOp::kRoundss, to, from,
          static_cast<uint8_t>(mode));
}

// A number below 2^52 (2^23 for f32) loses its fraction, rounded to even, when that power is
// added and taken away again; a comparison shows whether that went the wrong way. Larger ones are
// integers already.
void X64Masm::RoundWithoutSse41(bool is_64, int mode, Xmm to, Xmm from) {
  const SseRvmOp add = is_64 ? SseRvmOp::kAddsd : SseRvmOp::kAddss;
  const SseRvmOp sub = is_64 ? SseRvmOp::kSubsd : SseRvmOp::kSubss;
  const uint64_t limit = PowerOfTwo(is_64, is_64 ? 52 : 23);
  const uint64_t one = PowerOfTwo(is_64, 0);
  const auto magnitude = [&] { return is_64 ? Splat64(kSign64 - 1) : Splat32(kSign32 - 1); };
  const auto sign = [&] { return is_64 ? Splat64(kSign64) : Splat32(kSign32); };
  const MachLabel large = buffer_.NewLabel();
  const MachLabel rounded = buffer_.NewLabel();
  const MachLabel done = buffer_.NewLabel();
  as_.movaps(to, from);
  as_.andps(to, magnitude());
  UcomisConstant(is_64, to, limit);
  as_.jcc(x64::Condition::kParity, large);
  as_.jcc(x64::Condition::kAboveOrEqual, large);
  as_.sse(add, to, FloatConstant(is_64, limit));
  as_.sse(sub, to, FloatConstant(is_64, limit));
  // The magnitude rounded to even; with the sign, the number.
  as_.movaps(x64::xmm15, from);
  as_.andps(x64::xmm15, sign());
  as_.orps(to, x64::xmm15);
  switch (mode) {
    case kFloor:
      Ucomis(is_64, from, to);
      as_.jcc(x64::Condition::kAboveOrEqual, rounded);
      as_.sse(sub, to, FloatConstant(is_64, one));
      break;
    case kCeil:
      Ucomis(is_64, to, from);
      as_.jcc(x64::Condition::kAboveOrEqual, rounded);
      as_.sse(add, to, FloatConstant(is_64, one));
      break;
    case kTrunc: {
      // Compared by magnitude.
      as_.movaps(x64::xmm15, from);
      as_.andps(x64::xmm15, magnitude());
      as_.andps(to, magnitude());
      Ucomis(is_64, x64::xmm15, to);
      const MachLabel kept = buffer_.NewLabel();
      as_.jcc(x64::Condition::kAboveOrEqual, kept);
      as_.sse(sub, to, FloatConstant(is_64, one));
      as_.bind(kept);
      break;
    }
    default:
      break;
  }
  as_.bind(rounded);
  // The result has the operand's sign, zero too.
  as_.movaps(x64::xmm15, from);
  as_.andps(x64::xmm15, sign());
  as_.orps(to, x64::xmm15);
  as_.jmp(done);
  as_.bind(large);
  // An addition makes a signalling NaN quiet and leaves the rest.
  as_.movaps(to, from);
  as_.xorps(x64::xmm15, x64::xmm15);
  as_.sse(add, to, x64::xmm15);
  as_.bind(done);
}

void X64Masm::FloatBinary(Opcode op, Reg to_reg, Reg a_reg, Reg b_reg) {
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm b = X(b_reg);
  switch (op) {
    case Opcode::kF32Add:
      return SseCommutative(SseRvmOp::kAddss, to, a, b);
    case Opcode::kF32Sub:
      return Sse(SseRvmOp::kSubss, to, a, b);
    case Opcode::kF32Mul:
      return SseCommutative(SseRvmOp::kMulss, to, a, b);
    case Opcode::kF32Div:
      return Sse(SseRvmOp::kDivss, to, a, b);
    case Opcode::kF64Add:
      return SseCommutative(SseRvmOp::kAddsd, to, a, b);
    case Opcode::kF64Sub:
      return Sse(SseRvmOp::kSubsd, to, a, b);
    case Opcode::kF64Mul:
      return SseCommutative(SseRvmOp::kMulsd, to, a, b);
    case Opcode::kF64Div:
      return Sse(SseRvmOp::kDivsd, to, a, b);
    case Opcode::kF32Min:
      return FloatMinMax(false, false, to, a, b);
    case Opcode::kF32Max:
      return FloatMinMax(false, true, to, a, b);
    case Opcode::kF64Min:
      return FloatMinMax(true, false, to, a, b);
    case Opcode::kF64Max:
      return FloatMinMax(true, true, to, a, b);
    case Opcode::kF32Copysign:
      as_.movaps(x64::xmm15, b);
      as_.andps(x64::xmm15, Splat32(kSign32));
      as_.movaps(to, a);
      as_.andps(to, Splat32(kSign32 - 1));
      return as_.orps(to, x64::xmm15);
    case Opcode::kF64Copysign:
      as_.movaps(x64::xmm15, b);
      as_.andps(x64::xmm15, Splat64(kSign64));
      as_.movaps(to, a);
      as_.andps(to, Splat64(kSign64 - 1));
      return as_.orps(to, x64::xmm15);
    default:
      UNREACHABLE() << op;
  }
}

// The instructions give the second operand for zeroes of different sign and for NaNs, which is not
// what WebAssembly asks.
void X64Masm::FloatMinMax(bool is_64, bool max, Xmm to, Xmm a, Xmm b) {
  const MachLabel differ = buffer_.NewLabel();
  const MachLabel nan = buffer_.NewLabel();
  const MachLabel done = buffer_.NewLabel();
  MoveVector(to, a);
  Ucomis(is_64, to, b);
  as_.jcc_short(x64::Condition::kNotEqual, differ);
  as_.jcc_short(x64::Condition::kParity, nan);
  // Equal: the same bits, or zeroes.
  as_.sse(max ? SseRvmOp::kAndps : SseRvmOp::kOrps, to, b);
  as_.jmp(done);
  as_.bind(nan);
  as_.sse(is_64 ? SseRvmOp::kAddsd : SseRvmOp::kAddss, to, b);
  as_.jmp(done);
  as_.bind(differ);
  if (max) {
    as_.sse(is_64 ? SseRvmOp::kMaxsd : SseRvmOp::kMaxss, to, b);
  } else {
    as_.sse(is_64 ? SseRvmOp::kMinsd : SseRvmOp::kMinss, to, b);
  }
  as_.bind(done);
}

void X64Masm::CanonicalizeNan(ValueKind kind, Reg reg) {
  const bool is_64 = kind == ValueKind::kF64;
  const MachLabel done = buffer_.NewLabel();
  Ucomis(is_64, X(reg), X(reg));
  as_.jcc(x64::Condition::kNotParity, done);
  LoadConstant(kind, reg, is_64 ? 0x7FF8000000000000 : 0x7FC00000);
  as_.bind(done);
}

void X64Masm::CanonicalizeLanes(int lane_bytes, Reg reg) {
  constexpr uint8_t kUnordered = 3;
  // The mask of the NaNs: (x & ~mask) | (nan & mask).
  as_.movaps(x64::xmm15, X(reg));
  as_.sse(lane_bytes == 8 ? SseRvmImmOp::kCmppd : SseRvmImmOp::kCmpps, x64::xmm15, x64::xmm15,
          kUnordered);
  // Ones in a NaN first, so that the canonical one's bits can be left by an and.
  as_.orps(X(reg), x64::xmm15);
  if (lane_bytes == 8) {
    as_.andps(x64::xmm15, Splat64(~uint64_t{0x7FF8000000000000}));
  } else {
    as_.andps(x64::xmm15, Splat32(~uint32_t{0x7FC00000}));
  }
  as_.andnps(x64::xmm15, X(reg));
  as_.movaps(X(reg), x64::xmm15);
}

void X64Masm::Convert(Opcode op, Reg to, Reg from) {
  switch (op) {
    case Opcode::kF32DemoteF64:
      return as_.cvtsd2ss(X(to), X(from));
    case Opcode::kF64PromoteF32:
      return as_.cvtss2sd(X(to), X(from));
    case Opcode::kI32ReinterpretF32:
      return as_.movd(G32(to), X(from));
    case Opcode::kI64ReinterpretF64:
      return as_.movq(G64(to), X(from));
    case Opcode::kF32ReinterpretI32:
      return as_.movd(X(to), G32(from));
    case Opcode::kF64ReinterpretI64:
      return as_.movq(X(to), G64(from));
    // The destination's upper part is an operand: cleared, so that none waits for what it was.
    case Opcode::kF32ConvertI32S:
      as_.xorps(X(to), X(to));
      return as_.cvtsi2ss(X(to), G32(from));
    case Opcode::kF32ConvertI32U:
    case Opcode::kF32ConvertI64S:
      as_.xorps(X(to), X(to));
      return as_.cvtsi2ss(X(to), G64(from));
    case Opcode::kF64ConvertI32S:
      as_.xorps(X(to), X(to));
      return as_.cvtsi2sd(X(to), G32(from));
    case Opcode::kF64ConvertI32U:
    case Opcode::kF64ConvertI64S:
      as_.xorps(X(to), X(to));
      return as_.cvtsi2sd(X(to), G64(from));
    case Opcode::kF32ConvertI64U:
      return ConvertUnsigned64(false, X(to), G(from));
    case Opcode::kF64ConvertI64U:
      return ConvertUnsigned64(true, X(to), G(from));
    case Opcode::kI32TruncF32S:
      return TruncateSigned(false, false, false, G(to), X(from));
    case Opcode::kI32TruncF64S:
      return TruncateSigned(true, false, false, G(to), X(from));
    case Opcode::kI64TruncF32S:
      return TruncateSigned(false, true, false, G(to), X(from));
    case Opcode::kI64TruncF64S:
      return TruncateSigned(true, true, false, G(to), X(from));
    case Opcode::kI32TruncSatF32S:
      return TruncateSigned(false, false, true, G(to), X(from));
    case Opcode::kI32TruncSatF64S:
      return TruncateSigned(true, false, true, G(to), X(from));
    case Opcode::kI64TruncSatF32S:
      return TruncateSigned(false, true, true, G(to), X(from));
    case Opcode::kI64TruncSatF64S:
      return TruncateSigned(true, true, true, G(to), X(from));
    case Opcode::kI32TruncF32U:
      return TruncateUnsigned32(false, false, G(to), X(from));
    case Opcode::kI32TruncF64U:
      return TruncateUnsigned32(true, false, G(to), X(from));
    case Opcode::kI32TruncSatF32U:
      return TruncateUnsigned32(false, true, G(to), X(from));
    case Opcode::kI32TruncSatF64U:
      return TruncateUnsigned32(true, true, G(to), X(from));
    case Opcode::kI64TruncF32U:
      return TruncateUnsigned64(false, false, G(to), X(from));
    case Opcode::kI64TruncF64U:
      return TruncateUnsigned64(true, false, G(to), X(from));
    case Opcode::kI64TruncSatF32U:
      return TruncateUnsigned64(false, true, G(to), X(from));
    case Opcode::kI64TruncSatF64U:
      return TruncateUnsigned64(true, true, G(to), X(from));
    default:
      UNREACHABLE() << op;
  }
}

// A number from 2^63 on is halved, the lost bit kept so that rounding sees it, and doubled again.
void X64Masm::ConvertUnsigned64(bool to_64, Xmm to, Gpr from) {
  const x64::CvtFromGprOp convert =
      to_64 ? x64::CvtFromGprOp::kCvtsi2sd : x64::CvtFromGprOp::kCvtsi2ss;
  const MachLabel large = buffer_.NewLabel();
  const MachLabel done = buffer_.NewLabel();
  as_.xorps(to, to);
  as_.test(Width::k64, from, from);
  as_.jcc_short(x64::Condition::kNegative, large);
  as_.cvt_from_gpr(convert, Width::k64, to, from);
  as_.jmp(done);
  as_.bind(large);
  as_.mov(Width::k64, Scratch(), from);
  as_.shift_imm(x64::ShiftOp::kShr, Width::k64, Scratch(), 1);
  // The lowest bit goes into the carry, and from there into the half.
  const MachLabel even = buffer_.NewLabel();
  as_.jcc_short(x64::Condition::kAboveOrEqual, even);
  as_.alu(AluOp::kOr, Width::k64, Scratch(), 1);
  as_.bind(even);
  as_.cvt_from_gpr(convert, Width::k64, to, Scratch());
  as_.sse(to_64 ? SseRvmOp::kAddsd : SseRvmOp::kAddss, to, to);
  as_.bind(done);
}

// The instruction gives the least integer for all that it cannot convert.
void X64Masm::TruncateSigned(bool from_64, bool to_64, bool saturating, Gpr to, Xmm from) {
  constexpr uint8_t kInvalid = Number(environ::TrapCode::kInvalidConversionToInteger);
  constexpr uint8_t kOverflow = Number(environ::TrapCode::kIntegerOverflow);
  const Width width = FloatWidth(to_64);
  const MachLabel done = buffer_.NewLabel();
  as_.cvt_to_gpr(from_64 ? x64::CvtToGprOp::kCvttsd2si : x64::CvtToGprOp::kCvttss2si, width, to,
                 from);
  as_.alu(AluOp::kCmp, width, to, 1);
  as_.jcc(x64::Condition::kNotOverflow, done);
  Ucomis(from_64, from, from);
  if (saturating) {
    const MachLabel number = buffer_.NewLabel();
    as_.jcc_short(x64::Condition::kNotParity, number);
    as_.mov_imm(Width::k32, to, 0);
    as_.jmp(done);
    as_.bind(number);
    as_.xorps(x64::xmm15, x64::xmm15);
    Ucomis(from_64, from, x64::xmm15);
    as_.jcc(x64::Condition::kBelowOrEqual, done);
    as_.mov_imm(width, to, to_64 ? 0x7FFFFFFFFFFFFFFF : 0x7FFFFFFF);
    as_.bind(done);
    return;
  }
  TrapIf(x64::Condition::kParity, kInvalid);
  if (from_64 && !to_64) {
    UcomisConstant(true, from, kBelowInt32AsF64);
    TrapIf(x64::Condition::kBelowOrEqual, kOverflow);
  } else {
    UcomisConstant(from_64, from, Negative(from_64, PowerOfTwo(from_64, to_64 ? 63 : 31)));
    TrapIf(x64::Condition::kBelow, kOverflow);
  }
  as_.xorps(x64::xmm15, x64::xmm15);
  Ucomis(from_64, from, x64::xmm15);
  TrapIf(x64::Condition::kAbove, kOverflow);
  as_.bind(done);
}

// By way of 64 bits: what fits 32 unsigned ones is its own zero-extension.
void X64Masm::TruncateUnsigned32(bool from_64, bool saturating, Gpr to, Xmm from) {
  constexpr uint8_t kInvalid = Number(environ::TrapCode::kInvalidConversionToInteger);
  constexpr uint8_t kOverflow = Number(environ::TrapCode::kIntegerOverflow);
  const MachLabel done = buffer_.NewLabel();
  as_.cvt_to_gpr(from_64 ? x64::CvtToGprOp::kCvttsd2si : x64::CvtToGprOp::kCvttss2si, Width::k64,
                 to, from);
  as_.mov(Width::k32, Scratch(), to);
  as_.alu(AluOp::kCmp, Width::k64, Scratch(), to);
  as_.jcc(x64::Condition::kEqual, done);
  if (!saturating) {
    Ucomis(from_64, from, from);
    TrapIf(x64::Condition::kParity, kInvalid);
    Trap(kOverflow);
    as_.bind(done);
    return;
  }
  as_.xorps(x64::xmm15, x64::xmm15);
  Ucomis(from_64, from, x64::xmm15);
  as_.mov_imm(Width::k32, to, 0xFFFFFFFF);
  as_.jcc(x64::Condition::kAbove, done);
  as_.mov_imm(Width::k32, to, 0);
  as_.bind(done);
}

void X64Masm::TruncateUnsigned64(bool from_64, bool saturating, Gpr to, Xmm from) {
  constexpr uint8_t kInvalid = Number(environ::TrapCode::kInvalidConversionToInteger);
  constexpr uint8_t kOverflow = Number(environ::TrapCode::kIntegerOverflow);
  const x64::CvtToGprOp convert =
      from_64 ? x64::CvtToGprOp::kCvttsd2si : x64::CvtToGprOp::kCvttss2si;
  const uint64_t limit = PowerOfTwo(from_64, 63);
  const MachLabel done = buffer_.NewLabel();
  as_.cvt_to_gpr(convert, Width::k64, to, from);
  as_.test(Width::k64, to, to);
  as_.jcc(x64::Condition::kNotNegative, done);
  // Negative, a NaN, or at least 2^63.
  UcomisConstant(from_64, from, limit);
  if (saturating) {
    as_.mov_imm(Width::k32, to, 0);
    as_.jcc(x64::Condition::kBelow, done);
  } else {
    TrapIf(x64::Condition::kParity, kInvalid);
    TrapIf(x64::Condition::kBelow, kOverflow);
  }
  as_.movaps(x64::xmm15, from);
  as_.sse(from_64 ? SseRvmOp::kSubsd : SseRvmOp::kSubss, x64::xmm15, FloatConstant(from_64, limit));
  as_.cvt_to_gpr(convert, Width::k64, Scratch(), x64::xmm15);
  if (saturating) as_.mov_imm(Width::k64, to, -1);
  as_.test(Width::k64, Scratch(), Scratch());
  if (saturating) {
    as_.jcc(x64::Condition::kNegative, done);
  } else {
    TrapIf(x64::Condition::kNegative, kOverflow);
  }
  as_.mov_imm(Width::k64, to, static_cast<int64_t>(kSign64));
  as_.alu(AluOp::kOr, Width::k64, to, Scratch());
  as_.bind(done);
}

}  // namespace gantry::winch
