// Arithmetic on vectors: what SSE4.1 has, which operations on vectors are refused without.
#include "base/check.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

using wasm::Opcode;
using x64::Gpr;
using x64::SseRmOp;
using x64::SseRvmImmOp;
using x64::SseRvmOp;
using x64::SseShiftImmOp;
using x64::Width;
using x64::Xmm;
using x64::xmm15;

namespace {

// Predicates of cmpps and cmppd.
constexpr uint8_t kCmpEqual = 0;
constexpr uint8_t kCmpLess = 1;
constexpr uint8_t kCmpLessOrEqual = 2;
constexpr uint8_t kCmpUnordered = 3;
constexpr uint8_t kCmpNotEqual = 4;
constexpr uint8_t kCmpNotLess = 5;

constexpr uint8_t kNearest = 8;
constexpr uint8_t kFloor = 9;
constexpr uint8_t kCeil = 10;
constexpr uint8_t kTrunc = 11;

constexpr uint64_t kTwoTo52F64 = 0x4330000000000000;
constexpr uint64_t kMaxUint32F64 = 0x41EFFFFFFFE00000;
constexpr uint64_t kMaxInt32F64 = 0x41DFFFFFFFC00000;
constexpr uint32_t kTwoTo31F32 = 0x4F000000;
constexpr uint32_t kTwoTo32F32 = 0x4F800000;
constexpr uint32_t kTwoTo16F32 = 0x47800000;
constexpr uint32_t kMinusOneF32 = 0xBF800000;

// pshufd's immediate for the lanes given, lowest first.
constexpr uint8_t Dwords(int a, int b, int c, int d) {
  return static_cast<uint8_t>(a | b << 2 | c << 4 | d << 6);
}

// Operations that are one instruction on two operands.
struct Simple {
  Opcode op;
  SseRvmOp instruction;
  bool commutes;
};
constexpr Simple kSimple[] = {
    {Opcode::kI8x16Eq, SseRvmOp::kPcmpeqb, true},
    {Opcode::kI16x8Eq, SseRvmOp::kPcmpeqw, true},
    {Opcode::kI32x4Eq, SseRvmOp::kPcmpeqd, true},
    {Opcode::kI64x2Eq, SseRvmOp::kPcmpeqq, true},
    {Opcode::kI8x16GtS, SseRvmOp::kPcmpgtb, false},
    {Opcode::kI16x8GtS, SseRvmOp::kPcmpgtw, false},
    {Opcode::kI32x4GtS, SseRvmOp::kPcmpgtd, false},
    {Opcode::kV128And, SseRvmOp::kPand, true},
    {Opcode::kV128Or, SseRvmOp::kPor, true},
    {Opcode::kV128Xor, SseRvmOp::kPxor, true},
    {Opcode::kI8x16Add, SseRvmOp::kPaddb, true},
    {Opcode::kI8x16AddSatS, SseRvmOp::kPaddsb, true},
    {Opcode::kI8x16AddSatU, SseRvmOp::kPaddusb, true},
    {Opcode::kI8x16Sub, SseRvmOp::kPsubb, false},
    {Opcode::kI8x16SubSatS, SseRvmOp::kPsubsb, false},
    {Opcode::kI8x16SubSatU, SseRvmOp::kPsubusb, false},
    {Opcode::kI8x16MinS, SseRvmOp::kPminsb, true},
    {Opcode::kI8x16MinU, SseRvmOp::kPminub, true},
    {Opcode::kI8x16MaxS, SseRvmOp::kPmaxsb, true},
    {Opcode::kI8x16MaxU, SseRvmOp::kPmaxub, true},
    {Opcode::kI8x16AvgrU, SseRvmOp::kPavgb, true},
    {Opcode::kI8x16NarrowI16x8S, SseRvmOp::kPacksswb, false},
    {Opcode::kI8x16NarrowI16x8U, SseRvmOp::kPackuswb, false},
    {Opcode::kI16x8NarrowI32x4S, SseRvmOp::kPackssdw, false},
    {Opcode::kI16x8NarrowI32x4U, SseRvmOp::kPackusdw, false},
    {Opcode::kI16x8Add, SseRvmOp::kPaddw, true},
    {Opcode::kI16x8AddSatS, SseRvmOp::kPaddsw, true},
    {Opcode::kI16x8AddSatU, SseRvmOp::kPaddusw, true},
    {Opcode::kI16x8Sub, SseRvmOp::kPsubw, false},
    {Opcode::kI16x8SubSatS, SseRvmOp::kPsubsw, false},
    {Opcode::kI16x8SubSatU, SseRvmOp::kPsubusw, false},
    {Opcode::kI16x8Mul, SseRvmOp::kPmullw, true},
    {Opcode::kI16x8MinS, SseRvmOp::kPminsw, true},
    {Opcode::kI16x8MinU, SseRvmOp::kPminuw, true},
    {Opcode::kI16x8MaxS, SseRvmOp::kPmaxsw, true},
    {Opcode::kI16x8MaxU, SseRvmOp::kPmaxuw, true},
    {Opcode::kI16x8AvgrU, SseRvmOp::kPavgw, true},
    {Opcode::kI32x4Add, SseRvmOp::kPaddd, true},
    {Opcode::kI32x4Sub, SseRvmOp::kPsubd, false},
    {Opcode::kI32x4Mul, SseRvmOp::kPmulld, true},
    {Opcode::kI32x4MinS, SseRvmOp::kPminsd, true},
    {Opcode::kI32x4MinU, SseRvmOp::kPminud, true},
    {Opcode::kI32x4MaxS, SseRvmOp::kPmaxsd, true},
    {Opcode::kI32x4MaxU, SseRvmOp::kPmaxud, true},
    {Opcode::kI32x4DotI16x8S, SseRvmOp::kPmaddwd, true},
    {Opcode::kI64x2Add, SseRvmOp::kPaddq, true},
    {Opcode::kI64x2Sub, SseRvmOp::kPsubq, false},
    {Opcode::kF32x4Add, SseRvmOp::kAddps, true},
    {Opcode::kF32x4Sub, SseRvmOp::kSubps, false},
    {Opcode::kF32x4Mul, SseRvmOp::kMulps, true},
    {Opcode::kF32x4Div, SseRvmOp::kDivps, false},
    {Opcode::kF64x2Add, SseRvmOp::kAddpd, true},
    {Opcode::kF64x2Sub, SseRvmOp::kSubpd, false},
    {Opcode::kF64x2Mul, SseRvmOp::kMulpd, true},
    {Opcode::kF64x2Div, SseRvmOp::kDivpd, false},
};

// By the operator's number under its prefix, the index in kSimple plus one.
constexpr uint32_t kFirstVectorOp = static_cast<uint32_t>(Opcode::kV128Load);
constexpr std::array<uint8_t, 0x200> MakeSimpleIndex() {
  std::array<uint8_t, 0x200> index = {};
  for (size_t i = 0; i < std::size(kSimple); ++i) {
    index[static_cast<uint32_t>(kSimple[i].op) - kFirstVectorOp] = static_cast<uint8_t>(i + 1);
  }
  return index;
}
constexpr std::array<uint8_t, 0x200> kSimpleIndex = MakeSimpleIndex();

const Simple* FindSimple(Opcode op) {
  const uint8_t index = kSimpleIndex[static_cast<uint32_t>(op) - kFirstVectorOp];
  return index == 0 ? nullptr : &kSimple[index - 1];
}

}  // namespace

void X64Masm::Not(Xmm reg) {
  as_.pcmpeqd(xmm15, xmm15);
  as_.pxor(reg, xmm15);
}

void X64Masm::BitSelect(Xmm to, Xmm a, Xmm b, Xmm mask) {
  as_.movaps(xmm15, mask);
  as_.pandn(xmm15, b);
  MoveVector(to, mask);
  as_.pand(to, a);
  as_.por(to, xmm15);
}

void X64Masm::VectorUnary(Opcode op, Reg to_reg, Reg a_reg, Reg temp1_reg, Reg temp2_reg) {
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm temp1 = X(temp1_reg);
  const Xmm temp2 = X(temp2_reg);
  const auto negate = [&](SseRvmOp sub) {
    as_.pxor(xmm15, xmm15);
    as_.sse(sub, xmm15, a);
    as_.movaps(to, xmm15);
  };
  const auto round = [&](bool is_64, uint8_t mode) {
    as_.sse(is_64 ? x64::SseRmImmOp::kRoundpd : x64::SseRmImmOp::kRoundps, to, a, mode);
  };
  switch (op) {
    case Opcode::kV128Not:
      MoveVector(to, a);
      return Not(to);
    case Opcode::kI8x16Abs:
      return as_.pabsb(to, a);
    case Opcode::kI16x8Abs:
      return as_.pabsw(to, a);
    case Opcode::kI32x4Abs:
      return as_.pabsd(to, a);
    case Opcode::kI64x2Abs:
      // (x ^ sign) - sign
      as_.movaps(xmm15, a);
      as_.psrad(xmm15, 31);
      as_.pshufd(xmm15, xmm15, Dwords(1, 1, 3, 3));
      MoveVector(to, a);
      as_.pxor(to, xmm15);
      return as_.psubq(to, xmm15);
    case Opcode::kI8x16Neg:
      return negate(SseRvmOp::kPsubb);
    case Opcode::kI16x8Neg:
      return negate(SseRvmOp::kPsubw);
    case Opcode::kI32x4Neg:
      return negate(SseRvmOp::kPsubd);
    case Opcode::kI64x2Neg:
      return negate(SseRvmOp::kPsubq);
    case Opcode::kI8x16Popcnt: {
      // Both halves of each byte, looked up among the counts of 0 to 15.
      as_.movaps(temp1, a);
      as_.psrlw(temp1, 4);
      as_.pand(temp1, Splat8(0x0F));
      as_.movaps(xmm15, a);
      as_.pand(xmm15, Splat8(0x0F));
      as_.movaps(temp2, Constant128(0x0302020102010100, 0x0403030203020201));
      as_.movaps(to, temp2);
      as_.pshufb(to, xmm15);
      as_.pshufb(temp2, temp1);
      return as_.paddb(to, temp2);
    }
    case Opcode::kF32x4Abs:
      MoveVector(to, a);
      return as_.andps(to, Splat32(0x7FFFFFFF));
    case Opcode::kF64x2Abs:
      MoveVector(to, a);
      return as_.andps(to, Splat64(0x7FFFFFFFFFFFFFFF));
    case Opcode::kF32x4Neg:
      MoveVector(to, a);
      return as_.xorps(to, Splat32(0x80000000));
    case Opcode::kF64x2Neg:
      MoveVector(to, a);
      return as_.xorps(to, Splat64(0x8000000000000000));
    case Opcode::kF32x4Sqrt:
      return as_.sqrtps(to, a);
    case Opcode::kF64x2Sqrt:
      return as_.sqrtpd(to, a);
    case Opcode::kF32x4Ceil:
      return round(false, kCeil);
    case Opcode::kF32x4Floor:
      return round(false, kFloor);
    case Opcode::kF32x4Trunc:
      return round(false, kTrunc);
    case Opcode::kF32x4Nearest:
      return round(false, kNearest);
    case Opcode::kF64x2Ceil:
      return round(true, kCeil);
    case Opcode::kF64x2Floor:
      return round(true, kFloor);
    case Opcode::kF64x2Trunc:
      return round(true, kTrunc);
    case Opcode::kF64x2Nearest:
      return round(true, kNearest);
    case Opcode::kF32x4DemoteF64x2Zero:
      return as_.cvtpd2ps(to, a);
    case Opcode::kF64x2PromoteLowF32x4:
      return as_.cvtps2pd(to, a);
    case Opcode::kF32x4ConvertI32x4S:
      return as_.cvtdq2ps(to, a);
    case Opcode::kF64x2ConvertLowI32x4S:
      return as_.cvtdq2pd(to, a);
    case Opcode::kF32x4ConvertI32x4U:
      // Both halves convert exactly, and so does the upper one's scaling; the sum is rounded once.
      as_.movaps(xmm15, a);
      as_.pand(xmm15, Splat32(0xFFFF));
      as_.cvtdq2ps(xmm15, xmm15);
      MoveVector(to, a);
      as_.psrld(to, 16);
      as_.cvtdq2ps(to, to);
      as_.mulps(to, Splat32(kTwoTo16F32));
      return as_.addps(to, xmm15);
    case Opcode::kF64x2ConvertLowI32x4U:
      // The bits of 2^52 + x, exactly, less 2^52.
      MoveVector(to, a);
      as_.punpckldq(to, Splat32(kTwoTo52F64 >> 32));
      return as_.subpd(to, Splat64(kTwoTo52F64));
    case Opcode::kI32x4TruncSatF32x4S:
      return TruncateLanesF32(true, true, to, a, temp1, temp2);
    case Opcode::kI32x4TruncSatF32x4U:
      return TruncateLanesF32(false, true, to, a, temp1, temp2);
    case Opcode::kI32x4TruncSatF64x2SZero:
      return TruncateLanesF64(true, true, to, a, temp1, temp2);
    case Opcode::kI32x4TruncSatF64x2UZero:
      return TruncateLanesF64(false, true, to, a, temp1, temp2);
    case Opcode::kI32x4RelaxedTruncF32x4S:
      return TruncateLanesF32(true, !relaxed_.indefinite_conversions, to, a, temp1, temp2);
    case Opcode::kI32x4RelaxedTruncF32x4U:
      return TruncateLanesF32(false, !relaxed_.indefinite_conversions, to, a, temp1, temp2);
    case Opcode::kI32x4RelaxedTruncF64x2SZero:
      return TruncateLanesF64(true, !relaxed_.indefinite_conversions, to, a, temp1, temp2);
    case Opcode::kI32x4RelaxedTruncF64x2UZero:
      return TruncateLanesF64(false, !relaxed_.indefinite_conversions, to, a, temp1, temp2);
    case Opcode::kI16x8ExtendLowI8x16S:
      return as_.pmovsxbw(to, a);
    case Opcode::kI16x8ExtendLowI8x16U:
      return as_.pmovzxbw(to, a);
    case Opcode::kI32x4ExtendLowI16x8S:
      return as_.pmovsxwd(to, a);
    case Opcode::kI32x4ExtendLowI16x8U:
      return as_.pmovzxwd(to, a);
    case Opcode::kI64x2ExtendLowI32x4S:
      return as_.pmovsxdq(to, a);
    case Opcode::kI64x2ExtendLowI32x4U:
      return as_.pmovzxdq(to, a);
    case Opcode::kI16x8ExtendHighI8x16S:
      return ExtendHigh(0, true, to, a);
    case Opcode::kI16x8ExtendHighI8x16U:
      return ExtendHigh(0, false, to, a);
    case Opcode::kI32x4ExtendHighI16x8S:
      return ExtendHigh(1, true, to, a);
    case Opcode::kI32x4ExtendHighI16x8U:
      return ExtendHigh(1, false, to, a);
    case Opcode::kI64x2ExtendHighI32x4S:
      return ExtendHigh(2, true, to, a);
    case Opcode::kI64x2ExtendHighI32x4U:
      return ExtendHigh(2, false, to, a);
    case Opcode::kI16x8ExtaddPairwiseI8x16S:
      // Products with one: pmaddubsw takes its first operand as unsigned.
      as_.movaps(xmm15, Splat8(1));
      as_.pmaddubsw(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kI16x8ExtaddPairwiseI8x16U:
      MoveVector(to, a);
      return as_.pmaddubsw(to, Splat8(1));
    case Opcode::kI32x4ExtaddPairwiseI16x8S:
      MoveVector(to, a);
      return as_.pmaddwd(to, Splat16(1));
    case Opcode::kI32x4ExtaddPairwiseI16x8U:
      as_.movaps(xmm15, a);
      as_.psrld(xmm15, 16);
      MoveVector(to, a);
      as_.pand(to, Splat32(0xFFFF));
      return as_.paddd(to, xmm15);
    default:
      UNREACHABLE() << op;
  }
}

// `lane`: the logarithm of the bytes of the narrow lanes.
void X64Masm::ExtendHigh(int lane, bool is_signed, Xmm to, Xmm from) {
  if (is_signed) {
    constexpr SseRmOp kExtend[] = {SseRmOp::kPmovsxbw, SseRmOp::kPmovsxwd, SseRmOp::kPmovsxdq};
    as_.pshufd(to, from, Dwords(2, 3, 2, 3));
    as_.sse(kExtend[lane], to, to);
    return;
  }
  constexpr SseRvmOp kUnpack[] = {SseRvmOp::kPunpckhbw, SseRvmOp::kPunpckhwd, SseRvmOp::kPunpckhdq};
  as_.pxor(xmm15, xmm15);
  MoveVector(to, from);
  as_.sse(kUnpack[lane], to, xmm15);
}

// The instructions give the least integer for what they cannot convert.
void X64Masm::TruncateLanesF32(bool is_signed, bool saturating, Xmm to, Xmm a, Xmm temp1,
                               Xmm temp2) {
  if (is_signed && !saturating) return as_.cvttps2dq(to, a);
  if (is_signed) {
    // NaNs become zero; where the number is at least 2^31 all bits are flipped.
    as_.movaps(xmm15, a);
    as_.cmpps(xmm15, a, kCmpEqual);
    as_.andps(xmm15, a);
    as_.movaps(temp1, xmm15);
    as_.cmpps(temp1, Splat32(kTwoTo31F32), kCmpNotLess);
    as_.cvttps2dq(to, xmm15);
    return as_.pxor(to, temp1);
  }
  // NaNs and negative numbers become zero: maxps takes the second operand. Then as a signed
  // number, plus what is above 2^31, saturated at 2^31 - 1.
  as_.movaps(temp2, a);
  as_.pxor(xmm15, xmm15);
  as_.maxps(temp2, xmm15);
  as_.movaps(temp1, temp2);
  as_.subps(temp1, Splat32(kTwoTo31F32));  // the rest
  as_.movaps(xmm15, Splat32(kTwoTo31F32));
  as_.cmpps(xmm15, temp1, kCmpLessOrEqual);
  as_.cvttps2dq(temp1, temp1);
  as_.pxor(temp1, xmm15);
  as_.pxor(xmm15, xmm15);
  as_.pmaxsd(temp1, xmm15);
  as_.cvttps2dq(temp2, temp2);
  as_.paddd(temp1, temp2);
  if (saturating) return as_.movaps(to, temp1);
  // All ones where not -1 < x < 2^32.
  as_.movaps(xmm15, a);
  as_.cmpps(xmm15, Splat32(kTwoTo32F32), kCmpLess);
  as_.movaps(temp2, Splat32(kMinusOneF32));
  as_.cmpps(temp2, a, kCmpLess);
  as_.pand(temp2, xmm15);
  Not(temp2);
  as_.por(temp1, temp2);
  as_.movaps(to, temp1);
}

void X64Masm::TruncateLanesF64(bool is_signed, bool saturating, Xmm to, Xmm a, Xmm temp1,
                               Xmm temp2) {
  if (is_signed && !saturating) return as_.cvttpd2dq(to, a);
  if (is_signed) {
    // The limit or, for NaNs, zero: what minpd takes for them.
    as_.movaps(xmm15, a);
    as_.cmppd(xmm15, a, kCmpEqual);
    as_.andps(xmm15, Splat64(kMaxInt32F64));
    as_.movaps(temp1, a);
    as_.minpd(temp1, xmm15);
    return as_.cvttpd2dq(to, temp1);
  }
  constexpr uint8_t kEvenLanes = 0x88;
  if (saturating) {
    // Integers from 0 to 2^32 - 1 are the low bits of their sum with 2^52.
    as_.movaps(temp1, a);
    as_.pxor(xmm15, xmm15);
    as_.maxpd(temp1, xmm15);
    as_.minpd(temp1, Splat64(kMaxUint32F64));
    as_.roundpd(temp1, temp1, kTrunc);
    as_.addpd(temp1, Splat64(kTwoTo52F64));
    as_.shufps(temp1, xmm15, kEvenLanes);
    return as_.movaps(to, temp1);
  }
  as_.roundpd(temp1, a, kTrunc);
  as_.pxor(temp2, temp2);
  as_.cmppd(temp2, temp1, kCmpLessOrEqual);
  as_.movaps(xmm15, temp1);
  as_.cmppd(xmm15, Splat64(kMaxUint32F64), kCmpLessOrEqual);
  as_.pand(temp2, xmm15);
  Not(temp2);
  as_.addpd(temp1, Splat64(kTwoTo52F64));
  as_.por(temp1, temp2);
  as_.pxor(xmm15, xmm15);
  as_.shufps(temp1, xmm15, kEvenLanes);
  as_.movaps(to, temp1);
}

void X64Masm::VectorBinary(Opcode op, Reg to_reg, Reg a_reg, Reg b_reg, Reg temp1_reg,
                           Reg temp2_reg) {
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm b = X(b_reg);
  const Xmm temp1 = X(temp1_reg);
  const Xmm temp2 = X(temp2_reg);
  DCHECK(to != b || a == b);
  if (const Simple* simple = FindSimple(op)) {
    return simple->commutes ? SseCommutative(simple->instruction, to, a, b)
                            : Sse(simple->instruction, to, a, b);
  }
  switch (op) {
    case Opcode::kV128Andnot:
      as_.movaps(xmm15, b);
      as_.pandn(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kI8x16Swizzle:
    case Opcode::kI8x16RelaxedSwizzle:
      // From 16 on the sum has the top bit, on which the instruction gives zero.
      as_.movaps(xmm15, b);
      if (op == Opcode::kI8x16Swizzle || !relaxed_.masked_swizzle) as_.paddusb(xmm15, Splat8(0x70));
      MoveVector(to, a);
      return as_.pshufb(to, xmm15);
    case Opcode::kI16x8Q15mulrSatS:
    case Opcode::kI16x8RelaxedQ15mulrS:
      // Of -1 times -1 the instruction gives -1, and it alone gives that.
      as_.movaps(xmm15, a);
      as_.pmulhrsw(xmm15, b);
      as_.movaps(to, xmm15);
      as_.pcmpeqw(xmm15, Splat16(0x8000));
      return as_.pxor(to, xmm15);
    case Opcode::kI64x2Mul:
      return Multiply64(to, a, b, temp1, temp2);
    case Opcode::kF32x4Min:
      return VectorFloatMinMax(false, false, to, a, b, temp1, temp2);
    case Opcode::kF32x4Max:
      return VectorFloatMinMax(false, true, to, a, b, temp1, temp2);
    case Opcode::kF64x2Min:
      return VectorFloatMinMax(true, false, to, a, b, temp1, temp2);
    case Opcode::kF64x2Max:
      return VectorFloatMinMax(true, true, to, a, b, temp1, temp2);
    case Opcode::kF32x4RelaxedMin:
      if (!relaxed_.pseudo_min_max) return VectorFloatMinMax(false, false, to, a, b, temp1, temp2);
      return Sse(SseRvmOp::kMinps, to, a, b);
    case Opcode::kF32x4RelaxedMax:
      if (!relaxed_.pseudo_min_max) return VectorFloatMinMax(false, true, to, a, b, temp1, temp2);
      return Sse(SseRvmOp::kMaxps, to, a, b);
    case Opcode::kF64x2RelaxedMin:
      if (!relaxed_.pseudo_min_max) return VectorFloatMinMax(true, false, to, a, b, temp1, temp2);
      return Sse(SseRvmOp::kMinpd, to, a, b);
    case Opcode::kF64x2RelaxedMax:
      if (!relaxed_.pseudo_min_max) return VectorFloatMinMax(true, true, to, a, b, temp1, temp2);
      return Sse(SseRvmOp::kMaxpd, to, a, b);
    // b < a ? b : a, which is what the instruction does with the operands turned around.
    case Opcode::kF32x4Pmin:
      as_.movaps(xmm15, b);
      as_.minps(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kF32x4Pmax:
      as_.movaps(xmm15, b);
      as_.maxps(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kF64x2Pmin:
      as_.movaps(xmm15, b);
      as_.minpd(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kF64x2Pmax:
      as_.movaps(xmm15, b);
      as_.maxpd(xmm15, a);
      return as_.movaps(to, xmm15);
    case Opcode::kI16x8RelaxedDotI8x16I7x16S:
      return RelaxedDot(to, a, b, temp1, temp2);
    case Opcode::kI16x8ExtmulLowI8x16S:
    case Opcode::kI16x8ExtmulHighI8x16S:
    case Opcode::kI16x8ExtmulLowI8x16U:
    case Opcode::kI16x8ExtmulHighI8x16U:
    case Opcode::kI32x4ExtmulLowI16x8S:
    case Opcode::kI32x4ExtmulHighI16x8S:
    case Opcode::kI32x4ExtmulLowI16x8U:
    case Opcode::kI32x4ExtmulHighI16x8U:
    case Opcode::kI64x2ExtmulLowI32x4S:
    case Opcode::kI64x2ExtmulHighI32x4S:
    case Opcode::kI64x2ExtmulLowI32x4U:
    case Opcode::kI64x2ExtmulHighI32x4U:
      return ExtendedMultiply(op, to, a, b, temp1);
    default:
      return VectorCompare(op, to, a, b, temp1, temp2);
  }
}

void X64Masm::VectorCompare(Opcode op, Xmm to, Xmm a, Xmm b, Xmm temp1, Xmm temp2) {
  const auto not_equal = [&](SseRvmOp equal) {
    SseCommutative(equal, to, a, b);
    Not(to);
  };
  // a > b, or with the operands turned around a < b, or the opposites.
  const auto greater = [&](SseRvmOp instruction, Xmm x, Xmm y, bool inverted) {
    as_.movaps(xmm15, x);
    as_.sse(instruction, xmm15, y);
    as_.movaps(to, xmm15);
    if (inverted) Not(to);
  };
  // Unsigned: x >= y where the greater of both is x.
  const auto unsigned_compare = [&](SseRvmOp extreme, SseRvmOp equal, bool inverted) {
    as_.movaps(xmm15, a);
    as_.sse(extreme, xmm15, b);
    as_.sse(equal, xmm15, a);
    as_.movaps(to, xmm15);
    if (inverted) Not(to);
  };
  const auto greater64 = [&](Xmm x, Xmm y, bool inverted) {
    CompareGreater64(temp1, x, y, temp2);
    as_.movaps(to, temp1);
    if (inverted) Not(to);
  };
  const auto floats = [&](SseRvmImmOp instruction, Xmm x, Xmm y, uint8_t predicate) {
    as_.movaps(xmm15, x);
    as_.sse(instruction, xmm15, y, predicate);
    as_.movaps(to, xmm15);
  };
  switch (op) {
    case Opcode::kI8x16Ne:
      return not_equal(SseRvmOp::kPcmpeqb);
    case Opcode::kI16x8Ne:
      return not_equal(SseRvmOp::kPcmpeqw);
    case Opcode::kI32x4Ne:
      return not_equal(SseRvmOp::kPcmpeqd);
    case Opcode::kI64x2Ne:
      return not_equal(SseRvmOp::kPcmpeqq);
    case Opcode::kI8x16LtS:
      return greater(SseRvmOp::kPcmpgtb, b, a, false);
    case Opcode::kI16x8LtS:
      return greater(SseRvmOp::kPcmpgtw, b, a, false);
    case Opcode::kI32x4LtS:
      return greater(SseRvmOp::kPcmpgtd, b, a, false);
    case Opcode::kI8x16LeS:
      return greater(SseRvmOp::kPcmpgtb, a, b, true);
    case Opcode::kI16x8LeS:
      return greater(SseRvmOp::kPcmpgtw, a, b, true);
    case Opcode::kI32x4LeS:
      return greater(SseRvmOp::kPcmpgtd, a, b, true);
    case Opcode::kI8x16GeS:
      return greater(SseRvmOp::kPcmpgtb, b, a, true);
    case Opcode::kI16x8GeS:
      return greater(SseRvmOp::kPcmpgtw, b, a, true);
    case Opcode::kI32x4GeS:
      return greater(SseRvmOp::kPcmpgtd, b, a, true);
    case Opcode::kI8x16GeU:
      return unsigned_compare(SseRvmOp::kPmaxub, SseRvmOp::kPcmpeqb, false);
    case Opcode::kI16x8GeU:
      return unsigned_compare(SseRvmOp::kPmaxuw, SseRvmOp::kPcmpeqw, false);
    case Opcode::kI32x4GeU:
      return unsigned_compare(SseRvmOp::kPmaxud, SseRvmOp::kPcmpeqd, false);
    case Opcode::kI8x16LeU:
      return unsigned_compare(SseRvmOp::kPminub, SseRvmOp::kPcmpeqb, false);
    case Opcode::kI16x8LeU:
      return unsigned_compare(SseRvmOp::kPminuw, SseRvmOp::kPcmpeqw, false);
    case Opcode::kI32x4LeU:
      return unsigned_compare(SseRvmOp::kPminud, SseRvmOp::kPcmpeqd, false);
    case Opcode::kI8x16LtU:
      return unsigned_compare(SseRvmOp::kPmaxub, SseRvmOp::kPcmpeqb, true);
    case Opcode::kI16x8LtU:
      return unsigned_compare(SseRvmOp::kPmaxuw, SseRvmOp::kPcmpeqw, true);
    case Opcode::kI32x4LtU:
      return unsigned_compare(SseRvmOp::kPmaxud, SseRvmOp::kPcmpeqd, true);
    case Opcode::kI8x16GtU:
      return unsigned_compare(SseRvmOp::kPminub, SseRvmOp::kPcmpeqb, true);
    case Opcode::kI16x8GtU:
      return unsigned_compare(SseRvmOp::kPminuw, SseRvmOp::kPcmpeqw, true);
    case Opcode::kI32x4GtU:
      return unsigned_compare(SseRvmOp::kPminud, SseRvmOp::kPcmpeqd, true);
    case Opcode::kI64x2GtS:
      return greater64(a, b, false);
    case Opcode::kI64x2LtS:
      return greater64(b, a, false);
    case Opcode::kI64x2LeS:
      return greater64(a, b, true);
    case Opcode::kI64x2GeS:
      return greater64(b, a, true);
    case Opcode::kF32x4Eq:
      return floats(SseRvmImmOp::kCmpps, a, b, kCmpEqual);
    case Opcode::kF32x4Ne:
      return floats(SseRvmImmOp::kCmpps, a, b, kCmpNotEqual);
    case Opcode::kF32x4Lt:
      return floats(SseRvmImmOp::kCmpps, a, b, kCmpLess);
    case Opcode::kF32x4Le:
      return floats(SseRvmImmOp::kCmpps, a, b, kCmpLessOrEqual);
    case Opcode::kF32x4Gt:
      return floats(SseRvmImmOp::kCmpps, b, a, kCmpLess);
    case Opcode::kF32x4Ge:
      return floats(SseRvmImmOp::kCmpps, b, a, kCmpLessOrEqual);
    case Opcode::kF64x2Eq:
      return floats(SseRvmImmOp::kCmppd, a, b, kCmpEqual);
    case Opcode::kF64x2Ne:
      return floats(SseRvmImmOp::kCmppd, a, b, kCmpNotEqual);
    case Opcode::kF64x2Lt:
      return floats(SseRvmImmOp::kCmppd, a, b, kCmpLess);
    case Opcode::kF64x2Le:
      return floats(SseRvmImmOp::kCmppd, a, b, kCmpLessOrEqual);
    case Opcode::kF64x2Gt:
      return floats(SseRvmImmOp::kCmppd, b, a, kCmpLess);
    case Opcode::kF64x2Ge:
      return floats(SseRvmImmOp::kCmppd, b, a, kCmpLessOrEqual);
    default:
      UNREACHABLE() << op;
  }
}

// `to` is no operand. Without an instruction: where the high halves are equal the sign of the
// difference decides, else the comparison of the high halves.
void X64Masm::CompareGreater64(Xmm to, Xmm a, Xmm b, Xmm temp) {
  if (features_.sse42) {
    as_.movaps(to, a);
    return as_.pcmpgtq(to, b);
  }
  as_.movaps(temp, a);
  as_.pcmpeqd(temp, b);
  as_.movaps(xmm15, b);
  as_.psubq(xmm15, a);
  as_.pand(temp, xmm15);
  as_.movaps(to, a);
  as_.pcmpgtd(to, b);
  as_.por(to, temp);
  as_.psrad(to, 31);
  as_.pshufd(to, to, Dwords(1, 1, 3, 3));
}

// minps gives its second operand for zeroes of different sign and where one is a NaN. So both
// orders are computed: they differ for zeroes, whose signs or-ed (and-ed) are right, and for NaNs,
// for which a sum is taken that is one of the NaNs, made quiet.
void X64Masm::VectorFloatMinMax(bool is_64, bool max, Xmm to, Xmm a, Xmm b, Xmm temp1, Xmm temp2) {
  const SseRvmOp op = max ? (is_64 ? SseRvmOp::kMaxpd : SseRvmOp::kMaxps)
                          : (is_64 ? SseRvmOp::kMinpd : SseRvmOp::kMinps);
  as_.movaps(temp1, a);
  as_.sse(op, temp1, b);
  as_.movaps(temp2, b);
  as_.sse(op, temp2, a);
  as_.sse(max ? SseRvmOp::kAndps : SseRvmOp::kOrps, temp1, temp2);  // of numbers
  as_.movaps(temp2, a);
  as_.sse(is_64 ? SseRvmImmOp::kCmppd : SseRvmImmOp::kCmpps, temp2, b, kCmpUnordered);
  SseCommutative(is_64 ? SseRvmOp::kAddpd : SseRvmOp::kAddps, to, a, b);
  as_.andps(to, temp2);
  as_.andnps(temp2, temp1);
  as_.orps(to, temp2);
}

// low(a) * low(b) + (high(a) * low(b) + low(a) * high(b)) * 2^32
void X64Masm::Multiply64(Xmm to, Xmm a, Xmm b, Xmm temp1, Xmm temp2) {
  as_.movaps(temp1, a);
  as_.psrlq(temp1, 32);
  as_.pmuludq(temp1, b);
  as_.movaps(temp2, b);
  as_.psrlq(temp2, 32);
  as_.pmuludq(temp2, a);
  as_.paddq(temp1, temp2);
  as_.psllq(temp1, 32);
  SseCommutative(SseRvmOp::kPmuludq, to, a, b);
  as_.paddq(to, temp1);
}

void X64Masm::ExtendedMultiply(Opcode op, Xmm to, Xmm a, Xmm b, Xmm temp) {
  switch (op) {
    case Opcode::kI16x8ExtmulLowI8x16S:
      as_.pmovsxbw(temp, a);
      as_.pmovsxbw(xmm15, b);
      break;
    case Opcode::kI16x8ExtmulLowI8x16U:
      as_.pmovzxbw(temp, a);
      as_.pmovzxbw(xmm15, b);
      break;
    case Opcode::kI16x8ExtmulHighI8x16S:
      ExtendHigh(0, true, temp, a);
      ExtendHigh(0, true, xmm15, b);
      break;
    case Opcode::kI16x8ExtmulHighI8x16U:
      ExtendHigh(0, false, temp, a);
      // In two steps, as ExtendHigh needs a register of zeroes.
      as_.pshufd(xmm15, b, Dwords(2, 3, 2, 3));
      as_.pmovzxbw(xmm15, xmm15);
      break;
    case Opcode::kI32x4ExtmulLowI16x8S:
    case Opcode::kI32x4ExtmulHighI16x8S:
    case Opcode::kI32x4ExtmulLowI16x8U:
    case Opcode::kI32x4ExtmulHighI16x8U: {
      const bool is_signed =
          op == Opcode::kI32x4ExtmulLowI16x8S || op == Opcode::kI32x4ExtmulHighI16x8S;
      const bool high =
          op == Opcode::kI32x4ExtmulHighI16x8S || op == Opcode::kI32x4ExtmulHighI16x8U;
      as_.movaps(temp, a);
      as_.sse(is_signed ? SseRvmOp::kPmulhw : SseRvmOp::kPmulhuw, temp, b);
      SseCommutative(SseRvmOp::kPmullw, to, a, b);
      return as_.sse(high ? SseRvmOp::kPunpckhwd : SseRvmOp::kPunpcklwd, to, temp);
    }
    default: {
      const bool is_signed =
          op == Opcode::kI64x2ExtmulLowI32x4S || op == Opcode::kI64x2ExtmulHighI32x4S;
      const bool high =
          op == Opcode::kI64x2ExtmulHighI32x4S || op == Opcode::kI64x2ExtmulHighI32x4U;
      const uint8_t lanes = high ? Dwords(2, 2, 3, 3) : Dwords(0, 0, 1, 1);
      as_.pshufd(temp, a, lanes);
      as_.pshufd(xmm15, b, lanes);
      as_.sse(is_signed ? SseRvmOp::kPmuldq : SseRvmOp::kPmuludq, temp, xmm15);
      return as_.movaps(to, temp);
    }
  }
  as_.pmullw(temp, xmm15);
  as_.movaps(to, temp);
}

// The left operand's bytes are signed; those of the right one may be taken for either.
void X64Masm::RelaxedDot(Xmm to, Xmm a, Xmm b, Xmm temp1, Xmm temp2) {
  if (relaxed_.unsigned_dot) {
    as_.movaps(temp1, b);
    as_.pmaddubsw(temp1, a);
    return as_.movaps(to, temp1);
  }
  // Products of the even and of the odd bytes, in words.
  as_.movaps(temp1, a);
  as_.psllw(temp1, 8);
  as_.psraw(temp1, 8);
  as_.movaps(temp2, b);
  as_.psllw(temp2, 8);
  as_.psraw(temp2, 8);
  as_.pmullw(temp1, temp2);
  as_.movaps(temp2, a);
  as_.psraw(temp2, 8);
  as_.movaps(xmm15, b);
  as_.psraw(xmm15, 8);
  as_.pmullw(temp2, xmm15);
  as_.paddw(temp1, temp2);
  as_.movaps(to, temp1);
}

// Sums of four products each, of unsigned bytes with signed ones, none of them cut.
void X64Masm::DotUnsignedPairs(Xmm to, Xmm unsigned_bytes, Xmm signed_bytes, Xmm temp1, Xmm temp2) {
  as_.movaps(temp1, unsigned_bytes);
  as_.pand(temp1, Splat16(0xFF));
  as_.movaps(temp2, signed_bytes);
  as_.psllw(temp2, 8);
  as_.psraw(temp2, 8);
  as_.pmaddwd(temp1, temp2);
  as_.movaps(temp2, unsigned_bytes);
  as_.psrlw(temp2, 8);
  as_.movaps(xmm15, signed_bytes);
  as_.psraw(xmm15, 8);
  as_.pmaddwd(temp2, xmm15);
  as_.paddd(temp1, temp2);
  as_.movaps(to, temp1);
}

void X64Masm::VectorTernary(Opcode op, Reg to_reg, Reg a_reg, Reg b_reg, Reg c_reg, Reg temp1_reg,
                            Reg temp2_reg) {
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm b = X(b_reg);
  const Xmm c = X(c_reg);
  const Xmm temp1 = X(temp1_reg);
  const Xmm temp2 = X(temp2_reg);
  const auto multiply_add = [&](bool is_64, bool negated) {
    if (relaxed_.fused_multiply_add) {
      const x64::FmaOp fma = negated ? (is_64 ? x64::FmaOp::kFnmadd231pd : x64::FmaOp::kFnmadd231ps)
                                     : (is_64 ? x64::FmaOp::kFmadd231pd : x64::FmaOp::kFmadd231ps);
      as_.movaps(xmm15, c);
      as_.fma(fma, xmm15, a, b);
      return as_.movaps(to, xmm15);
    }
    as_.movaps(xmm15, a);
    as_.sse(is_64 ? SseRvmOp::kMulpd : SseRvmOp::kMulps, xmm15, b);
    if (negated) {
      as_.movaps(temp1, c);
      as_.sse(is_64 ? SseRvmOp::kSubpd : SseRvmOp::kSubps, temp1, xmm15);
      return as_.movaps(to, temp1);
    }
    as_.sse(is_64 ? SseRvmOp::kAddpd : SseRvmOp::kAddps, xmm15, c);
    as_.movaps(to, xmm15);
  };
  // By the top bit of each lane: that bit spread over the lane.
  const auto lane_select = [&](int lane_bytes) {
    if (!relaxed_.blend_by_top_bit || lane_bytes == 2) return BitSelect(to, a, b, c);
    if (lane_bytes == 1) {
      as_.pxor(temp1, temp1);
      as_.pcmpgtb(temp1, c);
    } else {
      as_.movaps(temp1, c);
      as_.psrad(temp1, 31);
      if (lane_bytes == 8) as_.pshufd(temp1, temp1, Dwords(1, 1, 3, 3));
    }
    BitSelect(temp1, a, b, temp1);
    as_.movaps(to, temp1);
  };
  switch (op) {
    case Opcode::kV128Bitselect:
      as_.movaps(temp1, c);
      BitSelect(temp1, a, b, temp1);
      return as_.movaps(to, temp1);
    case Opcode::kI8x16RelaxedLaneselect:
    case Opcode::kI16x8RelaxedLaneselect:
    case Opcode::kI32x4RelaxedLaneselect:
    case Opcode::kI64x2RelaxedLaneselect: {
      const int bytes = op == Opcode::kI8x16RelaxedLaneselect   ? 1
                        : op == Opcode::kI16x8RelaxedLaneselect ? 2
                        : op == Opcode::kI32x4RelaxedLaneselect ? 4
                                                                : 8;
      if (!relaxed_.blend_by_top_bit || bytes == 2) {
        as_.movaps(temp1, c);
        BitSelect(temp1, a, b, temp1);
        return as_.movaps(to, temp1);
      }
      return lane_select(bytes);
    }
    case Opcode::kF32x4RelaxedMadd:
      return multiply_add(false, false);
    case Opcode::kF32x4RelaxedNmadd:
      return multiply_add(false, true);
    case Opcode::kF64x2RelaxedMadd:
      return multiply_add(true, false);
    case Opcode::kF64x2RelaxedNmadd:
      return multiply_add(true, true);
    case Opcode::kI32x4RelaxedDotI8x16I7x16AddS:
      if (relaxed_.unsigned_dot_add) {
        DotUnsignedPairs(temp1, b, a, temp1, temp2);
      } else {
        RelaxedDot(temp1, a, b, temp1, temp2);
        as_.pmaddwd(temp1, Splat16(1));
      }
      as_.paddd(temp1, c);
      return as_.movaps(to, temp1);
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::VectorTest(Opcode op, Reg to, Reg a_reg) {
  const Xmm a = X(a_reg);
  const auto all_true = [&](SseRvmOp equal) {
    as_.pxor(xmm15, xmm15);
    as_.sse(equal, xmm15, a);
    as_.ptest(xmm15, xmm15);
    as_.setcc(x64::Condition::kEqual, x64::Gpr8(to.encoding()));
    as_.movzx(Width::k32, G(to), Width::k8, G(to));
  };
  switch (op) {
    case Opcode::kV128AnyTrue:
      as_.ptest(a, a);
      as_.setcc(x64::Condition::kNotEqual, x64::Gpr8(to.encoding()));
      return as_.movzx(Width::k32, G(to), Width::k8, G(to));
    case Opcode::kI8x16AllTrue:
      return all_true(SseRvmOp::kPcmpeqb);
    case Opcode::kI16x8AllTrue:
      return all_true(SseRvmOp::kPcmpeqw);
    case Opcode::kI32x4AllTrue:
      return all_true(SseRvmOp::kPcmpeqd);
    case Opcode::kI64x2AllTrue:
      return all_true(SseRvmOp::kPcmpeqq);
    case Opcode::kI8x16Bitmask:
      return as_.pmovmskb(G32(to), a);
    case Opcode::kI16x8Bitmask:
      as_.movaps(xmm15, a);
      as_.packsswb(xmm15, xmm15);
      as_.pmovmskb(G32(to), xmm15);
      return as_.movzx(Width::k32, G(to), Width::k8, G(to));
    case Opcode::kI32x4Bitmask:
      return as_.movmskps(G32(to), a);
    case Opcode::kI64x2Bitmask:
      return as_.movmskpd(G32(to), a);
    default:
      UNREACHABLE() << op;
  }
}

}  // namespace gantry::winch
