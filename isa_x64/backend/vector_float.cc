// Lowering of vectors of floats, and of conversions to and from them.
#include "absl/status/status.h"
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

constexpr uint64_t kSign32 = uint64_t{1} << 31;
constexpr uint64_t kSign64 = uint64_t{1} << 63;
constexpr uint64_t kTwoTo16F32 = 0x47800000;
constexpr uint64_t kTwoTo31F32 = 0x4F000000;
constexpr uint64_t kTwoTo32F32 = 0x4F800000;
constexpr uint64_t kMinusOneF32 = 0xBF800000;
constexpr uint64_t kTwoTo52F64 = 0x4330000000000000;
// The largest integers of 32 bits.
constexpr uint64_t kMaxInt32F64 = 0x41DFFFFFFFC00000;
constexpr uint64_t kMaxUint32F64 = 0x41EFFFFFFFE00000;

// cmpps's predicates.
constexpr uint8_t kEqual = 0;
constexpr uint8_t kLess = 1;
constexpr uint8_t kLessEqual = 2;
constexpr uint8_t kUnordered = 3;
constexpr uint8_t kNotLess = 5;

}  // namespace

void X64Lowering::LowerVectorFloat(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool single = data.type() == Type::kF32X4;
  const VReg result = ctx_->Result(inst);
  const auto round = [&](int mode) {
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(single ? SseRmImmOp::kRoundps : SseRmImmOp::kRoundpd, x, static_cast<uint8_t>(mode),
        result);
  };
  const auto with_mask = [&](SseRvmOp op, uint64_t mask) {
    Vec(op, VecReg(data.arg(0)), SplatBits(mask, single ? 32 : 64), result);
  };
  // y < x ? y : x is what the instruction does for its operands in this order, NaNs and zeroes
  // included.
  const auto pseudo = [&](SseRvmOp op) {
    const VReg y = VecReg(data.arg(1));
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(op, y, x, result);
  };
  switch (data.opcode()) {
    case Opcode::kVfadd:
      return LowerVector3(inst, single ? SseRvmOp::kAddps : SseRvmOp::kAddpd, true);
    case Opcode::kVfsub:
      return LowerVector3(inst, single ? SseRvmOp::kSubps : SseRvmOp::kSubpd, false);
    case Opcode::kVfmul:
      return LowerVector3(inst, single ? SseRvmOp::kMulps : SseRvmOp::kMulpd, true);
    case Opcode::kVfdiv:
      return LowerVector3(inst, single ? SseRvmOp::kDivps : SseRvmOp::kDivpd, false);
    case Opcode::kVfpmin:
      return pseudo(single ? SseRvmOp::kMinps : SseRvmOp::kMinpd);
    case Opcode::kVfpmax:
      return pseudo(single ? SseRvmOp::kMaxps : SseRvmOp::kMaxpd);
    case Opcode::kVsqrt:
      return LowerVector2(inst, single ? SseRmOp::kSqrtps : SseRmOp::kSqrtpd);
    case Opcode::kVceil:
      return round(kRoundUp);
    case Opcode::kVfloor:
      return round(kRoundDown);
    case Opcode::kVtrunc:
      return round(kRoundToZero);
    case Opcode::kVnearest:
      return round(kRoundNearest);
    case Opcode::kVfabs:
      return with_mask(SseRvmOp::kAndps, single ? kSign32 - 1 : kSign64 - 1);
    case Opcode::kVfneg:
      return with_mask(SseRvmOp::kXorps, single ? kSign32 : kSign64);
    case Opcode::kVfcvtFromSint:
      if (single) return LowerVector2(inst, SseRmOp::kCvtdq2ps);
      Vec(SseRmOp::kCvtdq2pd, VecReg(data.arg(0)), result, 8);
      return;
    case Opcode::kVpromoteLow:
      if (const std::optional<Address> address = SinkScalarLoad(data.arg(0), 8)) {
        Vec(SseRmOp::kCvtps2pd, *address, result, 8);
        return;
      }
      Vec(SseRmOp::kCvtps2pd, VecReg(data.arg(0)), result, 8);
      return;
    default:
      return LowerVector2(inst, SseRmOp::kCvtpd2ps);
  }
}

// minps gives its second operand for zeroes of different sign and where one is a NaN. So both
// orders are computed: they differ for zeroes, whose signs or-ed (and-ed) are right, and for NaNs,
// for which a sum is taken that is one of the NaNs, made quiet.
void X64Lowering::LowerVectorFloatMinMax(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool single = data.type() == Type::kF32X4;
  const bool max = data.opcode() == Opcode::kVfmax;
  const SseRvmOp op = max ? (single ? SseRvmOp::kMaxps : SseRvmOp::kMaxpd)
                          : (single ? SseRvmOp::kMinps : SseRvmOp::kMinpd);
  const VReg x = VecReg(data.arg(0));
  const VReg y = VecReg(data.arg(1));
  const VReg result = ctx_->Result(inst);
  const VReg first = Vec(op, x, y);
  const VReg second = Vec(op, y, x);
  const VReg number = Vec(max ? SseRvmOp::kAndps : SseRvmOp::kOrps, first, second);
  const VReg sum = Vec(single ? SseRvmOp::kAddps : SseRvmOp::kAddpd, x, y);
  const VReg nans = Vec(single ? SseRvmImmOp::kCmpps : SseRvmImmOp::kCmppd, x, y, kUnordered);
  if (flags_.has_avx()) {
    Blendv(single ? BlendvOp::kBlendvps : BlendvOp::kBlendvpd, number, sum, nans, result);
    return;
  }
  const VReg nan = Vec(SseRvmOp::kAndps, sum, nans);
  const VReg other = Vec(SseRvmOp::kAndnps, nans, number);
  Vec(SseRvmOp::kOrps, nan, other, result);
}

void X64Lowering::LowerVectorFma(IrInst inst) {
  if (!flags_.has_fma()) {
    ctx_->Fail(absl::UnimplementedError("vfma needs the x64 flag has_fma"));
    return;
  }
  const InstData& data = ctx_->data(inst);
  const bool single = data.type() == Type::kF32X4;
  const bool negated = data.opcode() == Opcode::kVfnma;
  Value x = data.arg(0);
  Value y = data.arg(1);
  const Value z = data.arg(2);
  // Which operand is overwritten: the sum, unless that is the one in memory.
  const bool sum_in_memory = IsMemoryVector(z) && !IsMemoryVector(x) && !IsMemoryVector(y);
  if (IsMemoryVector(x) && !IsMemoryVector(y)) std::swap(x, y);
  const FmaOp op231 = negated ? (single ? FmaOp::kFnmadd231ps : FmaOp::kFnmadd231pd)
                              : (single ? FmaOp::kFmadd231ps : FmaOp::kFmadd231pd);
  const FmaOp op213 = negated ? (single ? FmaOp::kFnmadd213ps : FmaOp::kFnmadd213pd)
                              : (single ? FmaOp::kFmadd213ps : FmaOp::kFmadd213pd);
  Builder builder(Op::kVecFma, 16);
  builder.inst.sub = static_cast<uint8_t>(sum_in_memory ? op213 : op231);
  const VReg first = VecReg(sum_in_memory ? x : z);
  const VReg second = VecReg(sum_in_memory ? y : x);
  builder.Use(first).Use(second);
  AddVectorRm(builder, VectorRmOf(sum_in_memory ? z : y));
  Emit(builder.Reuse(ctx_->Result(inst)));
}

void X64Lowering::LowerVectorFromUint(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool single = data.type() == Type::kF32X4;
  const VReg result = ctx_->Result(inst);
  if (has_avx512()) {
    if (single) {
      const VectorRm x = VectorRmOf(data.arg(0));
      Vec(EvexRmOp::kVcvtudq2ps, x, result);
    } else {
      Vec(EvexRmOp::kVcvtudq2pd, VecReg(data.arg(0)), result, 8);
    }
    return;
  }
  const VReg x = VecReg(data.arg(0));
  if (!single) {
    // The bits of 2^52 + x, exactly, less 2^52.
    const VReg wide = Vec(SseRvmOp::kPunpckldq, x, SplatBits(kTwoTo52F64 >> 32, 32));
    Vec(SseRvmOp::kSubpd, wide, SplatBits(kTwoTo52F64, 64), result);
    return;
  }
  // Both halves convert exactly, and so does the upper one's scaling; the sum is rounded once.
  const VReg low_bits = Vec(SseRvmOp::kPand, x, SplatBits(0xFFFF, 32));
  const VReg low = Vec(SseRmOp::kCvtdq2ps, low_bits);
  const VReg high_bits = Vec(SseShiftImmOp::kPsrld, x, 16);
  const VReg high = Vec(SseRmOp::kCvtdq2ps, high_bits);
  const VReg scaled = Vec(SseRvmOp::kMulps, high, SplatBits(kTwoTo16F32, 32));
  Vec(SseRvmOp::kAddps, scaled, low, result);
}

void X64Lowering::LowerVectorToInt(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Opcode opcode = data.opcode();
  const bool is_signed =
      opcode == Opcode::kVfcvtToSintSat || opcode == Opcode::kVfcvtToSintIndefinite;
  const bool saturating = opcode == Opcode::kVfcvtToSintSat || opcode == Opcode::kVfcvtToUintSat;
  if (data.type() == Type::kF32X4) {
    LowerVectorF32ToInt(inst, is_signed, saturating);
  } else {
    LowerVectorF64ToInt(inst, is_signed, saturating);
  }
}

// The instructions give the indefinite integer, the least one, for what they can't convert.
void X64Lowering::LowerVectorF32ToInt(IrInst inst, bool is_signed, bool saturating) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  if (is_signed && !saturating) return LowerVector2(inst, SseRmOp::kCvttps2dq);
  if (!is_signed && !saturating && has_avx512()) {
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(EvexRmOp::kVcvttps2udq, x, result);
    return;
  }
  const VReg x = VecReg(data.arg(0));
  if (is_signed) {
    const VReg numbers = Vec(SseRvmImmOp::kCmpps, x, x, kEqual);
    if (has_avx512()) {
      const VReg converted = Vec(SseRmOp::kCvttps2dq, x);
      const VReg above = Vec(SseRvmImmOp::kCmpps, x, SplatBits(kTwoTo31F32, 32), kNotLess);
      Ternlog(0x28, converted, above, numbers, result);  // (converted ^ above) & numbers
      return;
    }
    const VReg value = Vec(SseRvmOp::kAndps, x, numbers);
    const VReg above = Vec(SseRvmImmOp::kCmpps, value, SplatBits(kTwoTo31F32, 32), kNotLess);
    const VReg converted = Vec(SseRmOp::kCvttps2dq, value);
    Vec(SseRvmOp::kPxor, converted, above, result);
    return;
  }
  // NaNs and negative numbers become zero: maxps takes the second operand.
  const VReg zero = Zero();
  const VReg value = Vec(SseRvmOp::kMaxps, x, zero);
  if (has_avx512()) {
    Vec(EvexRmOp::kVcvttps2udq, value, result);
    return;
  }
  // As a signed number, plus what is above 2^31, saturated at 2^31 - 1.
  const VReg limit = VectorConstantReg(SplatBits(kTwoTo31F32, 32));
  const VReg rest = Vec(SseRvmOp::kSubps, value, limit);
  const VReg above = Vec(SseRvmImmOp::kCmpps, limit, rest, kLessEqual);
  const VReg low = Vec(SseRmOp::kCvttps2dq, value);
  const VReg converted = Vec(SseRmOp::kCvttps2dq, rest);
  const VReg saturated = Vec(SseRvmOp::kPxor, converted, above);
  const VReg high = Vec(SseRvmOp::kPmaxsd, saturated, zero);
  if (saturating) {
    Vec(SseRvmOp::kPaddd, low, high, result);
    return;
  }
  // All ones where not -1 < x < 2^32.
  const VReg sum = Vec(SseRvmOp::kPaddd, low, high);
  const VReg minus_one = VectorConstantReg(SplatBits(kMinusOneF32, 32));
  const VReg from_zero = Vec(SseRvmImmOp::kCmpps, minus_one, x, kLess);
  const VReg below = Vec(SseRvmImmOp::kCmpps, x, SplatBits(kTwoTo32F32, 32), kLess);
  const VReg fits = Vec(SseRvmOp::kPand, from_zero, below);
  const VReg fails = VectorNot(fits);
  Vec(SseRvmOp::kPor, sum, fails, result);
}

void X64Lowering::LowerVectorF64ToInt(IrInst inst, bool is_signed, bool saturating) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  if (is_signed && !saturating) return LowerVector2(inst, SseRmOp::kCvttpd2dq);
  if (!is_signed && !saturating && has_avx512()) {
    const VectorRm x = VectorRmOf(data.arg(0));
    Vec(EvexRmOp::kVcvttpd2udq, x, result);
    return;
  }
  const VReg x = VecReg(data.arg(0));
  if (is_signed) {
    // The limit or, for NaNs, zero: what minpd takes for them.
    const VReg numbers = Vec(SseRvmImmOp::kCmppd, x, x, kEqual);
    const VReg limit = Vec(SseRvmOp::kAndps, numbers, SplatBits(kMaxInt32F64, 64));
    const VReg value = Vec(SseRvmOp::kMinpd, x, limit);
    Vec(SseRmOp::kCvttpd2dq, value, result);
    return;
  }
  const VReg zero = Zero();
  const Bits128 two_to_52 = SplatBits(kTwoTo52F64, 64);
  constexpr uint8_t kEvenLanes = 0x88;
  if (saturating) {
    const VReg value = Vec(SseRvmOp::kMaxpd, x, zero);
    if (has_avx512()) {
      Vec(EvexRmOp::kVcvttpd2udq, value, result);
      return;
    }
    // Integers from 0 to 2^32 - 1 are the low bits of their sum with 2^52.
    const VReg limited = Vec(SseRvmOp::kMinpd, value, SplatBits(kMaxUint32F64, 64));
    const VReg whole = Vec(SseRmImmOp::kRoundpd, limited, kRoundToZero);
    const VReg sum = Vec(SseRvmOp::kAddpd, whole, two_to_52);
    Vec(SseRvmImmOp::kShufps, sum, zero, kEvenLanes, result);
    return;
  }
  const VReg whole = Vec(SseRmImmOp::kRoundpd, x, kRoundToZero);
  const VReg from_zero = Vec(SseRvmImmOp::kCmppd, zero, whole, kLessEqual);
  const VReg below = Vec(SseRvmImmOp::kCmppd, whole, SplatBits(kMaxUint32F64, 64), kLessEqual);
  const VReg fits = Vec(SseRvmOp::kPand, from_zero, below);
  const VReg fails = VectorNot(fits);
  const VReg sum = Vec(SseRvmOp::kAddpd, whole, two_to_52);
  const VReg bits = Vec(SseRvmOp::kPor, sum, fails);
  Vec(SseRvmImmOp::kShufps, bits, zero, kEvenLanes, result);
}

}  // namespace gantry::x64
