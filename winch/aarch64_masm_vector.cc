// Arithmetic on vectors.
#include <array>

#include "base/check.h"
#include "isa_aarch64/asm/immediates.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

using aarch64::Row;
using wasm::Opcode;

namespace {

// Operations that are one instruction on one operand, or on two; `swapped`: on b and a.
struct Simple {
  Opcode op;
  Row row;
  bool swapped = false;
};
constexpr Simple kSimple[] = {
    {Opcode::kV128Not, Row::kVMvn},
    {Opcode::kI8x16Abs, Row::kVAbs16B},
    {Opcode::kI16x8Abs, Row::kVAbs8H},
    {Opcode::kI32x4Abs, Row::kVAbs4S},
    {Opcode::kI64x2Abs, Row::kVAbs2D},
    {Opcode::kI8x16Neg, Row::kVNeg16B},
    {Opcode::kI16x8Neg, Row::kVNeg8H},
    {Opcode::kI32x4Neg, Row::kVNeg4S},
    {Opcode::kI64x2Neg, Row::kVNeg2D},
    {Opcode::kI8x16Popcnt, Row::kVCnt},
    {Opcode::kF32x4Abs, Row::kVFabs4S},
    {Opcode::kF64x2Abs, Row::kVFabs2D},
    {Opcode::kF32x4Neg, Row::kVFneg4S},
    {Opcode::kF64x2Neg, Row::kVFneg2D},
    {Opcode::kF32x4Sqrt, Row::kVFsqrt4S},
    {Opcode::kF64x2Sqrt, Row::kVFsqrt2D},
    {Opcode::kF32x4Ceil, Row::kVFrintp4S},
    {Opcode::kF64x2Ceil, Row::kVFrintp2D},
    {Opcode::kF32x4Floor, Row::kVFrintm4S},
    {Opcode::kF64x2Floor, Row::kVFrintm2D},
    {Opcode::kF32x4Trunc, Row::kVFrintz4S},
    {Opcode::kF64x2Trunc, Row::kVFrintz2D},
    {Opcode::kF32x4Nearest, Row::kVFrintn4S},
    {Opcode::kF64x2Nearest, Row::kVFrintn2D},
    {Opcode::kF32x4DemoteF64x2Zero, Row::kVFcvtn2S},
    {Opcode::kF64x2PromoteLowF32x4, Row::kVFcvtl2D},
    {Opcode::kF32x4ConvertI32x4S, Row::kVScvtf4S},
    {Opcode::kF32x4ConvertI32x4U, Row::kVUcvtf4S},
    {Opcode::kI16x8ExtaddPairwiseI8x16S, Row::kVSaddlp8H},
    {Opcode::kI16x8ExtaddPairwiseI8x16U, Row::kVUaddlp8H},
    {Opcode::kI32x4ExtaddPairwiseI16x8S, Row::kVSaddlp4S},
    {Opcode::kI32x4ExtaddPairwiseI16x8U, Row::kVUaddlp4S},
    // Of two operands.
    {Opcode::kI8x16Eq, Row::kVCmeq16B},
    {Opcode::kI16x8Eq, Row::kVCmeq8H},
    {Opcode::kI32x4Eq, Row::kVCmeq4S},
    {Opcode::kI64x2Eq, Row::kVCmeq2D},
    {Opcode::kI8x16LtS, Row::kVCmgt16B, true},
    {Opcode::kI16x8LtS, Row::kVCmgt8H, true},
    {Opcode::kI32x4LtS, Row::kVCmgt4S, true},
    {Opcode::kI64x2LtS, Row::kVCmgt2D, true},
    {Opcode::kI8x16LtU, Row::kVCmhi16B, true},
    {Opcode::kI16x8LtU, Row::kVCmhi8H, true},
    {Opcode::kI32x4LtU, Row::kVCmhi4S, true},
    {Opcode::kI8x16GtS, Row::kVCmgt16B},
    {Opcode::kI16x8GtS, Row::kVCmgt8H},
    {Opcode::kI32x4GtS, Row::kVCmgt4S},
    {Opcode::kI64x2GtS, Row::kVCmgt2D},
    {Opcode::kI8x16GtU, Row::kVCmhi16B},
    {Opcode::kI16x8GtU, Row::kVCmhi8H},
    {Opcode::kI32x4GtU, Row::kVCmhi4S},
    {Opcode::kI8x16LeS, Row::kVCmge16B, true},
    {Opcode::kI16x8LeS, Row::kVCmge8H, true},
    {Opcode::kI32x4LeS, Row::kVCmge4S, true},
    {Opcode::kI64x2LeS, Row::kVCmge2D, true},
    {Opcode::kI8x16LeU, Row::kVCmhs16B, true},
    {Opcode::kI16x8LeU, Row::kVCmhs8H, true},
    {Opcode::kI32x4LeU, Row::kVCmhs4S, true},
    {Opcode::kI8x16GeS, Row::kVCmge16B},
    {Opcode::kI16x8GeS, Row::kVCmge8H},
    {Opcode::kI32x4GeS, Row::kVCmge4S},
    {Opcode::kI64x2GeS, Row::kVCmge2D},
    {Opcode::kI8x16GeU, Row::kVCmhs16B},
    {Opcode::kI16x8GeU, Row::kVCmhs8H},
    {Opcode::kI32x4GeU, Row::kVCmhs4S},
    {Opcode::kF32x4Eq, Row::kVFcmeq4S},
    {Opcode::kF64x2Eq, Row::kVFcmeq2D},
    {Opcode::kF32x4Lt, Row::kVFcmgt4S, true},
    {Opcode::kF64x2Lt, Row::kVFcmgt2D, true},
    {Opcode::kF32x4Gt, Row::kVFcmgt4S},
    {Opcode::kF64x2Gt, Row::kVFcmgt2D},
    {Opcode::kF32x4Le, Row::kVFcmge4S, true},
    {Opcode::kF64x2Le, Row::kVFcmge2D, true},
    {Opcode::kF32x4Ge, Row::kVFcmge4S},
    {Opcode::kF64x2Ge, Row::kVFcmge2D},
    {Opcode::kV128And, Row::kVAnd},
    {Opcode::kV128Andnot, Row::kVBic},
    {Opcode::kV128Or, Row::kVOrr},
    {Opcode::kV128Xor, Row::kVEor},
    {Opcode::kI8x16Swizzle, Row::kVTbl1},
    {Opcode::kI8x16RelaxedSwizzle, Row::kVTbl1},
    {Opcode::kI8x16Add, Row::kVAdd16B},
    {Opcode::kI8x16AddSatS, Row::kVSqadd16B},
    {Opcode::kI8x16AddSatU, Row::kVUqadd16B},
    {Opcode::kI8x16Sub, Row::kVSub16B},
    {Opcode::kI8x16SubSatS, Row::kVSqsub16B},
    {Opcode::kI8x16SubSatU, Row::kVUqsub16B},
    {Opcode::kI8x16MinS, Row::kVSmin16B},
    {Opcode::kI8x16MinU, Row::kVUmin16B},
    {Opcode::kI8x16MaxS, Row::kVSmax16B},
    {Opcode::kI8x16MaxU, Row::kVUmax16B},
    {Opcode::kI8x16AvgrU, Row::kVUrhadd16B},
    {Opcode::kI16x8Add, Row::kVAdd8H},
    {Opcode::kI16x8AddSatS, Row::kVSqadd8H},
    {Opcode::kI16x8AddSatU, Row::kVUqadd8H},
    {Opcode::kI16x8Sub, Row::kVSub8H},
    {Opcode::kI16x8SubSatS, Row::kVSqsub8H},
    {Opcode::kI16x8SubSatU, Row::kVUqsub8H},
    {Opcode::kI16x8Mul, Row::kVMul8H},
    {Opcode::kI16x8MinS, Row::kVSmin8H},
    {Opcode::kI16x8MinU, Row::kVUmin8H},
    {Opcode::kI16x8MaxS, Row::kVSmax8H},
    {Opcode::kI16x8MaxU, Row::kVUmax8H},
    {Opcode::kI16x8AvgrU, Row::kVUrhadd8H},
    {Opcode::kI16x8Q15mulrSatS, Row::kVSqrdmulh8H},
    {Opcode::kI16x8RelaxedQ15mulrS, Row::kVSqrdmulh8H},
    {Opcode::kI32x4Add, Row::kVAdd4S},
    {Opcode::kI32x4Sub, Row::kVSub4S},
    {Opcode::kI32x4Mul, Row::kVMul4S},
    {Opcode::kI32x4MinS, Row::kVSmin4S},
    {Opcode::kI32x4MinU, Row::kVUmin4S},
    {Opcode::kI32x4MaxS, Row::kVSmax4S},
    {Opcode::kI32x4MaxU, Row::kVUmax4S},
    {Opcode::kI64x2Add, Row::kVAdd2D},
    {Opcode::kI64x2Sub, Row::kVSub2D},
    {Opcode::kF32x4Add, Row::kVFadd4S},
    {Opcode::kF64x2Add, Row::kVFadd2D},
    {Opcode::kF32x4Sub, Row::kVFsub4S},
    {Opcode::kF64x2Sub, Row::kVFsub2D},
    {Opcode::kF32x4Mul, Row::kVFmul4S},
    {Opcode::kF64x2Mul, Row::kVFmul2D},
    {Opcode::kF32x4Div, Row::kVFdiv4S},
    {Opcode::kF64x2Div, Row::kVFdiv2D},
    {Opcode::kF32x4Min, Row::kVFmin4S},
    {Opcode::kF64x2Min, Row::kVFmin2D},
    {Opcode::kF32x4Max, Row::kVFmax4S},
    {Opcode::kF64x2Max, Row::kVFmax2D},
    {Opcode::kF32x4RelaxedMin, Row::kVFmin4S},
    {Opcode::kF64x2RelaxedMin, Row::kVFmin2D},
    {Opcode::kF32x4RelaxedMax, Row::kVFmax4S},
    {Opcode::kF64x2RelaxedMax, Row::kVFmax2D},
    {Opcode::kI16x8ExtmulLowI8x16S, Row::kVSmull8H},
    {Opcode::kI16x8ExtmulHighI8x16S, Row::kVSmull8H_2},
    {Opcode::kI16x8ExtmulLowI8x16U, Row::kVUmull8H},
    {Opcode::kI16x8ExtmulHighI8x16U, Row::kVUmull8H_2},
    {Opcode::kI32x4ExtmulLowI16x8S, Row::kVSmull4S},
    {Opcode::kI32x4ExtmulHighI16x8S, Row::kVSmull4S_2},
    {Opcode::kI32x4ExtmulLowI16x8U, Row::kVUmull4S},
    {Opcode::kI32x4ExtmulHighI16x8U, Row::kVUmull4S_2},
    {Opcode::kI64x2ExtmulLowI32x4S, Row::kVSmull2D},
    {Opcode::kI64x2ExtmulHighI32x4S, Row::kVSmull2D_2},
    {Opcode::kI64x2ExtmulLowI32x4U, Row::kVUmull2D},
    {Opcode::kI64x2ExtmulHighI32x4U, Row::kVUmull2D_2},
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
static_assert(std::size(kSimple) < 0xFF);

const Simple* FindSimple(Opcode op) {
  const uint8_t index = kSimpleIndex[static_cast<uint32_t>(op) - kFirstVectorOp];
  return index == 0 ? nullptr : &kSimple[index - 1];
}

}  // namespace

void AArch64Masm::Vector(uint8_t to, uint64_t low, uint64_t high) {
  if (const auto move = aarch64::VectorMoveBits(low, high)) {
    return as_.Emit(Row::kMovi, {to}, *move);
  }
  uint8_t bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(low >> 8 * i);
    bytes[8 + i] = static_cast<uint8_t>(high >> 8 * i);
  }
  as_.LoadConstant(aarch64::V(to), buffer_.Constant(bytes), 16);
}

void AArch64Masm::VectorUnary(Opcode op, Reg to_reg, Reg a_reg, Reg, Reg) {
  Begin();
  const uint8_t to = E(to_reg);
  const uint8_t a = E(a_reg);
  if (const Simple* simple = FindSimple(op)) return RR(simple->row, to, a);
  // Lanes of `lane` bits, widened.
  const auto extend = [&](Row row, uint32_t lane) {
    RR(row, to, a, aarch64::ShiftLeftBits(lane, 0));
  };
  switch (op) {
    case Opcode::kF64x2ConvertLowI32x4S:
      extend(Row::kVSshll2D, 32);
      return RR(Row::kVScvtf2D, to, to);
    case Opcode::kF64x2ConvertLowI32x4U:
      extend(Row::kVUshll2D, 32);
      return RR(Row::kVUcvtf2D, to, to);
    case Opcode::kI32x4TruncSatF32x4S:
    case Opcode::kI32x4RelaxedTruncF32x4S:
      return RR(Row::kVFcvtzs4S, to, a);
    case Opcode::kI32x4TruncSatF32x4U:
    case Opcode::kI32x4RelaxedTruncF32x4U:
      return RR(Row::kVFcvtzu4S, to, a);
    // Saturating in 64 bits, then in 32; the upper half becomes zero.
    case Opcode::kI32x4TruncSatF64x2SZero:
    case Opcode::kI32x4RelaxedTruncF64x2SZero:
      RR(Row::kVFcvtzs2D, to, a);
      return RR(Row::kVSqxtn2S, to, to);
    case Opcode::kI32x4TruncSatF64x2UZero:
    case Opcode::kI32x4RelaxedTruncF64x2UZero:
      RR(Row::kVFcvtzu2D, to, a);
      return RR(Row::kVUqxtn2S, to, to);
    case Opcode::kI16x8ExtendLowI8x16S:
      return extend(Row::kVSshll8H, 8);
    case Opcode::kI16x8ExtendLowI8x16U:
      return extend(Row::kVUshll8H, 8);
    case Opcode::kI16x8ExtendHighI8x16S:
      return extend(Row::kVSshll8H_2, 8);
    case Opcode::kI16x8ExtendHighI8x16U:
      return extend(Row::kVUshll8H_2, 8);
    case Opcode::kI32x4ExtendLowI16x8S:
      return extend(Row::kVSshll4S, 16);
    case Opcode::kI32x4ExtendLowI16x8U:
      return extend(Row::kVUshll4S, 16);
    case Opcode::kI32x4ExtendHighI16x8S:
      return extend(Row::kVSshll4S_2, 16);
    case Opcode::kI32x4ExtendHighI16x8U:
      return extend(Row::kVUshll4S_2, 16);
    case Opcode::kI64x2ExtendLowI32x4S:
      return extend(Row::kVSshll2D, 32);
    case Opcode::kI64x2ExtendLowI32x4U:
      return extend(Row::kVUshll2D, 32);
    case Opcode::kI64x2ExtendHighI32x4S:
      return extend(Row::kVSshll2D_2, 32);
    case Opcode::kI64x2ExtendHighI32x4U:
      return extend(Row::kVUshll2D_2, 32);
    default:
      UNREACHABLE() << op;
  }
}

void AArch64Masm::VectorBinary(Opcode op, Reg to_reg, Reg a_reg, Reg b_reg, Reg temp1, Reg temp2) {
  Begin();
  const uint8_t to = E(to_reg);
  const uint8_t a = E(a_reg);
  const uint8_t b = E(b_reg);
  if (const Simple* simple = FindSimple(op)) {
    return simple->swapped ? RRR(simple->row, to, b, a) : RRR(simple->row, to, a, b);
  }
  const auto not_equal = [&](Row equal) {
    RRR(equal, to, a, b);
    RR(Row::kVMvn, to, to);
  };
  // `to` may be both operands.
  const auto narrow = [&](Row low, Row high) {
    RR(low, kV1, a);
    as_.Emit(high, {kV1, b, kV1});
    MoveV(to, kV1);
  };
  switch (op) {
    case Opcode::kI8x16Ne:
      return not_equal(Row::kVCmeq16B);
    case Opcode::kI16x8Ne:
      return not_equal(Row::kVCmeq8H);
    case Opcode::kI32x4Ne:
      return not_equal(Row::kVCmeq4S);
    case Opcode::kI64x2Ne:
      return not_equal(Row::kVCmeq2D);
    case Opcode::kF32x4Ne:
      return not_equal(Row::kVFcmeq4S);
    case Opcode::kF64x2Ne:
      return not_equal(Row::kVFcmeq2D);
    case Opcode::kI8x16NarrowI16x8S:
      return narrow(Row::kVSqxtn8B, Row::kVSqxtn16B_2);
    case Opcode::kI8x16NarrowI16x8U:
      return narrow(Row::kVSqxtun8B, Row::kVSqxtun16B_2);
    case Opcode::kI16x8NarrowI32x4S:
      return narrow(Row::kVSqxtn4H, Row::kVSqxtn8H_2);
    case Opcode::kI16x8NarrowI32x4U:
      return narrow(Row::kVSqxtun4H, Row::kVSqxtun8H_2);
    case Opcode::kI64x2Mul:
      return Multiply64(to, a, b, E(temp1), E(temp2));
    case Opcode::kF32x4Pmin:
      return PseudoMinMax(false, false, to, a, b);
    case Opcode::kF32x4Pmax:
      return PseudoMinMax(false, true, to, a, b);
    case Opcode::kF64x2Pmin:
      return PseudoMinMax(true, false, to, a, b);
    case Opcode::kF64x2Pmax:
      return PseudoMinMax(true, true, to, a, b);
    case Opcode::kI32x4DotI16x8S:
      return DotSigned(Row::kVSmull4S, Row::kVSmull4S_2, Row::kVAddp4S, to, a, b);
    case Opcode::kI16x8RelaxedDotI8x16I7x16S:
      return DotSigned(Row::kVSmull8H, Row::kVSmull8H_2, Row::kVAddp8H, to, a, b);
    default:
      UNREACHABLE() << op;
  }
}

// Cross products of the halves, shifted up, and the product of the low halves added.
void AArch64Masm::Multiply64(uint8_t to, uint8_t a, uint8_t b, uint8_t temp1, uint8_t temp2) {
  RR(Row::kVRev64_4S, temp1, b);
  RRR(Row::kVMul4S, temp1, temp1, a);
  RRR(Row::kVAddp4S, temp1, temp1, temp1);
  as_.Emit(Row::kMovi, {temp2}, *aarch64::VectorMoveBits(0, 0));
  RRR(Row::kVZip14S, temp2, temp2, temp1);
  RR(Row::kVXtn2S, kV1, a);
  RR(Row::kVXtn2S, kV2, b);
  Accumulate(Row::kVUmlal2D, temp2, kV1, kV2);
  MoveV(to, temp2);
}

// b < a ? b : a, or a < b ? b : a.
void AArch64Masm::PseudoMinMax(bool is_64, bool max, uint8_t to, uint8_t a, uint8_t b) {
  const Row greater = is_64 ? Row::kVFcmgt2D : Row::kVFcmgt4S;
  RRR(greater, kV1, max ? b : a, max ? a : b);
  Accumulate(Row::kVBsl, kV1, b, a);
  MoveV(to, kV1);
}

// Sums of neighbouring products.
void AArch64Masm::DotSigned(Row low, Row high, Row pairs, uint8_t to, uint8_t a, uint8_t b) {
  RRR(low, kV1, a, b);
  RRR(high, kV2, a, b);
  RRR(pairs, to, kV1, kV2);
}

void AArch64Masm::VectorTernary(Opcode op, Reg to_reg, Reg a_reg, Reg b_reg, Reg c_reg, Reg, Reg) {
  Begin();
  const uint8_t to = E(to_reg);
  const uint8_t a = E(a_reg);
  const uint8_t b = E(b_reg);
  const uint8_t c = E(c_reg);
  const auto multiply_add = [&](bool is_64, bool negated) {
    const uint32_t wide = is_64 ? 1 : 0;
    if (relaxed_.fused_multiply_add) {
      MoveV(kV1, c);
      Accumulate((negated ? Row::kVFmls4S : Row::kVFmla4S) + wide, kV1, a, b);
      return MoveV(to, kV1);
    }
    RRR(Row::kVFmul4S + wide, kV1, a, b);
    if (negated) return RRR(Row::kVFsub4S + wide, to, c, kV1);
    RRR(Row::kVFadd4S + wide, to, kV1, c);
  };
  switch (op) {
    case Opcode::kV128Bitselect:
    case Opcode::kI8x16RelaxedLaneselect:
    case Opcode::kI16x8RelaxedLaneselect:
    case Opcode::kI32x4RelaxedLaneselect:
    case Opcode::kI64x2RelaxedLaneselect:
      MoveV(kV1, c);
      Accumulate(Row::kVBsl, kV1, a, b);
      return MoveV(to, kV1);
    case Opcode::kF32x4RelaxedMadd:
      return multiply_add(false, false);
    case Opcode::kF32x4RelaxedNmadd:
      return multiply_add(false, true);
    case Opcode::kF64x2RelaxedMadd:
      return multiply_add(true, false);
    case Opcode::kF64x2RelaxedNmadd:
      return multiply_add(true, true);
    case Opcode::kI32x4RelaxedDotI8x16I7x16AddS:
      DotSigned(Row::kVSmull8H, Row::kVSmull8H_2, Row::kVAddp8H, kV1, a, b);
      RR(Row::kVSaddlp4S, kV1, kV1);
      return RRR(Row::kVAdd4S, to, kV1, c);
    default:
      UNREACHABLE() << op;
  }
}

void AArch64Masm::VectorTest(Opcode op, Reg to, Reg a_reg) {
  Begin();
  const uint8_t a = E(a_reg);
  const auto set = [&](aarch64::Condition condition) {
    RRR(Row::kCsincW, E(to), kZero, kZero, aarch64::ConditionBits(aarch64::Inverse(condition)));
  };
  // Whether any bit is set: by the greatest lanes of neighbours, which fill half of the register.
  const auto any = [&](uint8_t vector, aarch64::Condition condition) {
    RRR(Row::kVUmaxp4S, kV1, vector, vector);
    RR(Row::kFmovXD, E(to), kV1);
    as_.Emit(Row::kCmpImmX, {E(to)}, *aarch64::AddBits(0));
    set(condition);
  };
  const auto all_true = [&](Row least) {
    RR(least, kV1, a);
    RR(Row::kFmovWS, E(to), kV1);
    as_.Emit(Row::kCmpImmW, {E(to)}, *aarch64::AddBits(0));
    set(aarch64::Condition::kNe);
  };
  // A bit of its own for each lane that is negative, then the sum of all.
  const auto bitmask = [&](Row negative, uint64_t low, uint64_t high) {
    RR(negative, kV1, a);
    Vector(kV2, low, high);
    RRR(Row::kVAnd, kV1, kV1, kV2);
  };
  switch (op) {
    case Opcode::kV128AnyTrue:
      return any(a, aarch64::Condition::kNe);
    case Opcode::kI8x16AllTrue:
      return all_true(Row::kVUminv16B);
    case Opcode::kI16x8AllTrue:
      return all_true(Row::kVUminv8H);
    case Opcode::kI32x4AllTrue:
      return all_true(Row::kVUminv4S);
    case Opcode::kI64x2AllTrue:
      RR(Row::kVCmeqZero2D, kV1, a);
      return any(kV1, aarch64::Condition::kEq);
    case Opcode::kI8x16Bitmask:
      // Both halves' side by side are summed as 16 bits.
      bitmask(Row::kVCmltZero16B, 0x8040201008040201, 0x8040201008040201);
      RRR(Row::kVExt, kV2, kV1, kV1, 8u << 11);
      RRR(Row::kVZip116B, kV1, kV1, kV2);
      RR(Row::kVAddv8H, kV1, kV1);
      return RR(Row::kVUmovH, E(to), kV1, aarch64::LaneBits(1, 0));
    case Opcode::kI16x8Bitmask:
      bitmask(Row::kVCmltZero8H, 0x0008000400020001, 0x0080004000200010);
      RR(Row::kVAddv8H, kV1, kV1);
      return RR(Row::kVUmovH, E(to), kV1, aarch64::LaneBits(1, 0));
    case Opcode::kI32x4Bitmask:
      bitmask(Row::kVCmltZero4S, 0x0000000200000001, 0x0000000800000004);
      RR(Row::kVAddv4S, kV1, kV1);
      return RR(Row::kFmovWS, E(to), kV1);
    case Opcode::kI64x2Bitmask:
      RR(Row::kVUmovD, kS1, a, aarch64::LaneBits(3, 0));
      RR(Row::kVUmovD, kS2, a, aarch64::LaneBits(3, 1));
      RR(Row::kUbfmX, kS1, kS1, aarch64::BitfieldBits(63, 63));
      RR(Row::kUbfmX, kS2, kS2, aarch64::BitfieldBits(63, 63));
      return RRR(Row::kAddW, E(to), kS1, kS2, aarch64::ShiftBits(aarch64::ShiftOp::kLsl, 1));
    default:
      UNREACHABLE() << op;
  }
}

}  // namespace gantry::winch
