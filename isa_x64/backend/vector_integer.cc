// Lowering of vectors of integers: sums, products, minima, changes of lane width.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

// By the logarithm of the bytes of a lane.
int LaneIndex(codegen::Type shape) {
  switch (codegen::LaneBits(shape)) {
    case 8:
      return 0;
    case 16:
      return 1;
    case 32:
      return 2;
    default:
      return 3;
  }
}

constexpr SseRvmOp kAdds[] = {SseRvmOp::kPaddb, SseRvmOp::kPaddw, SseRvmOp::kPaddd,
                              SseRvmOp::kPaddq};
constexpr SseRvmOp kSubs[] = {SseRvmOp::kPsubb, SseRvmOp::kPsubw, SseRvmOp::kPsubd,
                              SseRvmOp::kPsubq};
// Interleave the high halves, of lanes half as wide as the index says.
constexpr SseRvmOp kUnpackHigh[] = {SseRvmOp::kPunpckhbw, SseRvmOp::kPunpckhbw,
                                    SseRvmOp::kPunpckhwd, SseRvmOp::kPunpckhdq};
constexpr SseRmOp kExtendSigned[] = {SseRmOp::kPmovsxbw, SseRmOp::kPmovsxbw, SseRmOp::kPmovsxwd,
                                     SseRmOp::kPmovsxdq};
constexpr SseRmOp kExtendUnsigned[] = {SseRmOp::kPmovzxbw, SseRmOp::kPmovzxbw, SseRmOp::kPmovzxwd,
                                       SseRmOp::kPmovzxdq};

// pshufd's immediate for the lanes given, lowest first.
constexpr uint8_t Dwords(int a, int b, int c, int d) {
  return static_cast<uint8_t>(a | b << 2 | c << 4 | d << 6);
}

}  // namespace

void X64Lowering::LowerVectorSum(IrInst inst, bool subtract) {
  if (!subtract && LowerVectorDotAdd(inst)) return;
  const int lane = LaneIndex(ctx_->data(inst).type());
  LowerVector3(inst, subtract ? kSubs[lane] : kAdds[lane], !subtract);
}

void X64Lowering::LowerVectorMul(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  if (data.type() == Type::kI16X8) return LowerVector3(inst, SseRvmOp::kPmullw, true);
  if (data.type() == Type::kI32X4) return LowerVector3(inst, SseRvmOp::kPmulld, true);
  const VReg x = VecReg(data.arg(0));
  const VReg result = ctx_->Result(inst);
  if (has_avx512() && flags_.has_avx512dq()) {
    const VectorRm y = VectorRmOf(data.arg(1));
    Vec(EvexRvmOp::kVpmullq, x, y, result);
    return;
  }
  const VReg y = VecReg(data.arg(1));
  // low(x) * low(y) + (high(x) * low(y) + low(x) * high(y)) * 2^32
  const VReg high_x = Vec(SseShiftImmOp::kPsrlq, x, 32);
  const VReg first = Vec(SseRvmOp::kPmuludq, high_x, y);
  const VReg high_y = Vec(SseShiftImmOp::kPsrlq, y, 32);
  const VReg second = Vec(SseRvmOp::kPmuludq, high_y, x);
  const VReg sum = Vec(SseRvmOp::kPaddq, first, second);
  const VReg high = Vec(SseShiftImmOp::kPsllq, sum, 32);
  const VReg low = Vec(SseRvmOp::kPmuludq, x, y);
  Vec(SseRvmOp::kPaddq, low, high, result);
}

void X64Lowering::LowerVectorNegAbs(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const int lane = LaneIndex(data.type());
  const VReg result = ctx_->Result(inst);
  if (data.opcode() == Opcode::kVneg) {
    const VReg zero = Zero();
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(kSubs[lane], zero, x, result);
    return;
  }
  if (lane < 3) {
    constexpr SseRmOp kAbs[] = {SseRmOp::kPabsb, SseRmOp::kPabsw, SseRmOp::kPabsd};
    return LowerVector2(inst, kAbs[lane]);
  }
  if (has_avx512()) {
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(EvexRmOp::kVpabsq, x, result);
    return;
  }
  const VReg x = VecReg(data.arg(0));
  if (flags_.has_avx()) {
    const VReg zero = Zero();
    const VReg negated = Vec(SseRvmOp::kPsubq, zero, x);
    Blendv(BlendvOp::kBlendvpd, x, negated, x, result);
    return;
  }
  const VReg signs = Vec(SseShiftImmOp::kPsrad, x, 31);
  const VReg mask = Vec(SseRmImmOp::kPshufd, signs, Dwords(1, 1, 3, 3));
  const VReg flipped = Vec(SseRvmOp::kPxor, x, mask);
  Vec(SseRvmOp::kPsubq, flipped, mask, result);
}

void X64Lowering::LowerVectorMinMax(IrInst inst) {
  constexpr SseRvmOp kOps[4][3] = {
      {SseRvmOp::kPminsb, SseRvmOp::kPminsw, SseRvmOp::kPminsd},
      {SseRvmOp::kPminub, SseRvmOp::kPminuw, SseRvmOp::kPminud},
      {SseRvmOp::kPmaxsb, SseRvmOp::kPmaxsw, SseRvmOp::kPmaxsd},
      {SseRvmOp::kPmaxub, SseRvmOp::kPmaxuw, SseRvmOp::kPmaxud},
  };
  const InstData& data = ctx_->data(inst);
  const int kind = data.opcode() == Opcode::kVminS   ? 0
                   : data.opcode() == Opcode::kVminU ? 1
                   : data.opcode() == Opcode::kVmaxS ? 2
                                                     : 3;
  LowerVector3(inst, kOps[kind][LaneIndex(data.type())], true);
}

void X64Lowering::LowerVectorPopcnt(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  if (has_avx512() && flags_.has_avx512bitalg()) {
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(EvexRmOp::kVpopcntb, x, result);
    return;
  }
  // Both halves of each byte, looked up among the counts of 0 to 15.
  constexpr Bits128 kCounts = {0x0302020102010100, 0x0403030203020201};
  const Bits128 low_half = SplatBits(0x0F, 8);
  const VReg x = VecReg(data.arg(0));
  const VReg low = Vec(SseRvmOp::kPand, x, low_half);
  const VReg shifted = Vec(SseShiftImmOp::kPsrlw, x, 4);
  const VReg high = Vec(SseRvmOp::kPand, shifted, low_half);
  const VReg table = VectorConstantReg(kCounts);
  const VReg of_low = Vec(SseRvmOp::kPshufb, table, low);
  const VReg of_high = Vec(SseRvmOp::kPshufb, table, high);
  Vec(SseRvmOp::kPaddb, of_low, of_high, result);
}

void X64Lowering::LowerVectorNarrow(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool to_bytes = data.type() == Type::kI8X16;
  if (data.opcode() == Opcode::kVnarrowS) {
    return LowerVector3(inst, to_bytes ? SseRvmOp::kPacksswb : SseRvmOp::kPackssdw, false);
  }
  LowerVector3(inst, to_bytes ? SseRvmOp::kPackuswb : SseRvmOp::kPackusdw, false);
}

void X64Lowering::LowerVectorExtend(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const int lane = LaneIndex(data.type());
  const Opcode opcode = data.opcode();
  const bool is_signed = opcode == Opcode::kVextendLowS || opcode == Opcode::kVextendHighS;
  const VReg result = ctx_->Result(inst);
  if (opcode == Opcode::kVextendHighS || opcode == Opcode::kVextendHighU) {
    ExtendHigh(VecReg(data.arg(0)), data.type(), is_signed, result);
    return;
  }
  const SseRmOp op = is_signed ? kExtendSigned[lane] : kExtendUnsigned[lane];
  // Of memory the instruction reads eight bytes: a load of so many that became a vector.
  if (const std::optional<Address> address = SinkScalarLoad(data.arg(0), 8)) {
    Vec(op, *address, result, 8);
    return;
  }
  Vec(op, VecReg(data.arg(0)), result, 8);
}

X64Lowering::VReg X64Lowering::ExtendHigh(VReg value, Type shape, bool is_signed, VReg to) {
  const int lane = LaneIndex(shape);
  if (!is_signed) {
    const VReg zero = Zero();
    return Vec(kUnpackHigh[lane], value, zero, to);
  }
  const VReg low = Vec(SseRmImmOp::kPshufd, value, Dwords(2, 3, 2, 3));
  return Vec(kExtendSigned[lane], low, to, 8);
}

void X64Lowering::LowerVectorExtadd(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool is_signed = data.opcode() == Opcode::kVextaddPairwiseS;
  const VReg result = ctx_->Result(inst);
  if (data.type() == Type::kI16X8) {
    const Bits128 ones = SplatBits(1, 8);
    // Products with one; the instruction takes its first operand as unsigned bytes.
    if (is_signed) {
      const VReg first = VectorConstantReg(ones);
      const VectorRm x = VectorRmOf(data.arg(0));
      Vec(SseRvmOp::kPmaddubsw, first, x, result);
    } else {
      Vec(SseRvmOp::kPmaddubsw, VecReg(data.arg(0)), ones, result);
    }
    return;
  }
  const VReg x = VecReg(data.arg(0));
  if (is_signed) {
    Vec(SseRvmOp::kPmaddwd, x, SplatBits(1, 16), result);
    return;
  }
  const VReg high = Vec(SseShiftImmOp::kPsrld, x, 16);
  const VReg low = Vec(SseRvmOp::kPand, x, SplatBits(0xFFFF, 32));
  Vec(SseRvmOp::kPaddd, low, high, result);
}

void X64Lowering::LowerVectorExtmul(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Opcode opcode = data.opcode();
  const bool is_signed = opcode == Opcode::kVextmulLowS || opcode == Opcode::kVextmulHighS;
  const bool high = opcode == Opcode::kVextmulHighS || opcode == Opcode::kVextmulHighU;
  const VReg x = VecReg(data.arg(0));
  const VReg y = VecReg(data.arg(1));
  const VReg result = ctx_->Result(inst);
  switch (data.type()) {
    case Type::kI16X8: {
      VReg wide_x;
      VReg wide_y;
      if (high) {
        wide_x = ExtendHigh(x, data.type(), is_signed);
        wide_y = ExtendHigh(y, data.type(), is_signed);
      } else {
        const SseRmOp op = is_signed ? SseRmOp::kPmovsxbw : SseRmOp::kPmovzxbw;
        wide_x = Vec(op, x, VReg(), 8);
        wide_y = Vec(op, y, VReg(), 8);
      }
      Vec(SseRvmOp::kPmullw, wide_x, wide_y, result);
      return;
    }
    case Type::kI32X4: {
      const VReg lower = Vec(SseRvmOp::kPmullw, x, y);
      const VReg upper = Vec(is_signed ? SseRvmOp::kPmulhw : SseRvmOp::kPmulhuw, x, y);
      Vec(high ? SseRvmOp::kPunpckhwd : SseRvmOp::kPunpcklwd, lower, upper, result);
      return;
    }
    default: {
      const uint8_t lanes = high ? Dwords(2, 2, 3, 3) : Dwords(0, 0, 1, 1);
      const VReg spread_x = Vec(SseRmImmOp::kPshufd, x, lanes);
      const VReg spread_y = Vec(SseRmImmOp::kPshufd, y, lanes);
      Vec(is_signed ? SseRvmOp::kPmuldq : SseRvmOp::kPmuludq, spread_x, spread_y, result);
      return;
    }
  }
}

X64Lowering::VReg X64Lowering::SignedLowBytes(VReg value) {
  const VReg up = Vec(SseShiftImmOp::kPsllw, value, 8);
  return Vec(SseShiftImmOp::kPsraw, up, 8);
}

void X64Lowering::LowerVectorDot(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  if (data.opcode() == Opcode::kVdotUsSat) return LowerVector3(inst, SseRvmOp::kPmaddubsw, false);
  if (data.opcode() == Opcode::kVdotS && data.type() == Type::kI32X4) {
    return LowerVector3(inst, SseRvmOp::kPmaddwd, true);
  }
  const VReg result = ctx_->Result(inst);
  const VReg x = VecReg(data.arg(0));
  if (data.opcode() == Opcode::kVdotUsAdd && has_avx512() && flags_.has_avx512vnni()) {
    const VReg sum = VecReg(data.arg(2));
    const VectorRm y = VectorRmOf(data.arg(1));
    Accumulate(EvexRvmOp::kVpdpbusd, sum, x, y, result);
    return;
  }
  // Products of the even and of the odd bytes, in words.
  const VReg y = VecReg(data.arg(1));
  const VReg even_y = SignedLowBytes(y);
  const VReg odd_y = Vec(SseShiftImmOp::kPsraw, y, 8);
  if (data.opcode() == Opcode::kVdotS) {
    const VReg even_x = SignedLowBytes(x);
    const VReg odd_x = Vec(SseShiftImmOp::kPsraw, x, 8);
    const VReg even = Vec(SseRvmOp::kPmullw, even_x, even_y);
    const VReg odd = Vec(SseRvmOp::kPmullw, odd_x, odd_y);
    Vec(SseRvmOp::kPaddw, even, odd, result);
    return;
  }
  const VReg even_x = Vec(SseRvmOp::kPand, x, SplatBits(0xFF, 16));
  const VReg odd_x = Vec(SseShiftImmOp::kPsrlw, x, 8);
  const VReg even = Vec(SseRvmOp::kPmaddwd, even_x, even_y);
  const VReg odd = Vec(SseRvmOp::kPmaddwd, odd_x, odd_y);
  const VReg products = Vec(SseRvmOp::kPaddd, even, odd);
  const VectorRm sum = VectorRmOf(data.arg(2));
  Vec(SseRvmOp::kPaddd, products, sum, result);
}

// vadd.i32x4 of a vdot_s that has no other user.
bool X64Lowering::LowerVectorDotAdd(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  if (data.type() != Type::kI32X4 || !has_avx512() || !flags_.has_avx512vnni()) return false;
  for (int i = 0; i < 2; ++i) {
    const IrInst dot = ctx_->DefInst(data.arg(i), Opcode::kVdotS);
    if (dot.is_none() || ctx_->data(dot).type() != Type::kI32X4 || !ctx_->HasOneUse(data.arg(i))) {
      continue;
    }
    const InstData& products = ctx_->data(dot);
    const VReg sum = VecReg(data.arg(1 - i));
    const VReg x = VecReg(products.arg(0));
    const VectorRm y = VectorRmOf(products.arg(1));
    Accumulate(EvexRvmOp::kVpdpwssd, sum, x, y, ctx_->Result(inst));
    return true;
  }
  return false;
}

// The instruction does not saturate the one product that needs it, of -2^15 with itself: that comes
// out as -2^15, as no other does.
void X64Lowering::LowerVectorQ15(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg x = VecReg(data.arg(0));
  const VectorRm y = VectorRmOf(data.arg(1));
  const VReg product = Vec(SseRvmOp::kPmulhrsw, x, y);
  const VReg wrapped = Vec(SseRvmOp::kPcmpeqw, product, SplatBits(0x8000, 16));
  Vec(SseRvmOp::kPxor, product, wrapped, ctx_->Result(inst));
}

}  // namespace gantry::x64
