// Lowering of vectors: the switch by opcode, constants, arithmetic, comparisons, conversions.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

using codegen::FloatCC;
using codegen::IntCC;
using codegen::Opcode;
using codegen::regalloc::kRematerializable;

namespace {

// Looked through one by one.
constexpr size_t kMaxSharedConstants = 32;

// Of a shape's rows: 16B, 8H, 4S, 2D.
uint32_t LaneIndex(codegen::Type shape) {
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
// Of a shape of floats: 4S, 2D.
uint32_t FloatIndex(codegen::Type shape) { return shape == codegen::Type::kF64X2 ? 1 : 0; }

}  // namespace

// --- Constants -------------------------------------------------------------------------

AArch64Lowering::Bits128 AArch64Lowering::SplatBits(uint64_t lane, uint32_t lane_bits) {
  if (lane_bits < 64) lane &= (uint64_t{1} << lane_bits) - 1;
  for (uint32_t bits = lane_bits; bits < 64; bits *= 2) lane |= lane << bits;
  return {lane, lane};
}

std::optional<AArch64Lowering::Bits128> AArch64Lowering::VectorConstant(Value value) const {
  const IrInst def = ctx_->DefInst(value);
  if (def.is_none()) return std::nullopt;
  const InstData& data = ctx_->data(def);
  if (data.opcode() == Opcode::kV128const) return Bits128{data.v128_low(), data.v128_high()};
  if (data.opcode() != Opcode::kVsplat) return std::nullopt;
  const IrInst lane = ctx_->DefInst(data.arg(0));
  if (lane.is_none()) return std::nullopt;
  switch (ctx_->data(lane).opcode()) {
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
      return SplatBits(ctx_->data(lane).const_bits(), codegen::LaneBits(data.type()));
    default:
      return std::nullopt;
  }
}

bool AArch64Lowering::IsZeroVector(Value value) const {
  return VectorConstant(value) == Bits128{0, 0};
}

AArch64Lowering::VReg AArch64Lowering::VecReg(Value value) {
  const std::optional<Bits128> constant = VectorConstant(value);
  return constant.has_value() ? VectorConstantReg(*constant) : ctx_->Reg(value);
}

AArch64Lowering::VReg AArch64Lowering::VectorConstantReg(const Bits128& bits) {
  if (!ctx_->InLoop()) {
    const VReg reg = NewVector();
    EmitVectorConstant(bits, reg);
    return reg;
  }
  for (const SharedConstant& constant : shared_constants_) {
    if (constant.bits == bits) return constant.reg;
  }
  const VReg reg = NewVector();
  if (shared_constants_.size() < kMaxSharedConstants) {
    shared_constants_.push_back({bits, reg});
  } else {
    EmitVectorConstant(bits, reg);
  }
  return reg;
}

void AArch64Lowering::EmitSharedConstants() {
  for (const SharedConstant& constant : shared_constants_) {
    EmitVectorConstant(constant.bits, constant.reg);
  }
  for (const std::vector<SharedScalar>* scalars : {&shared_ints_, &shared_floats_}) {
    for (const SharedScalar& scalar : *scalars) {
      LowerConstant(*ctx_, scalar.reg, scalar.type, scalar.bits);
    }
  }
}

void AArch64Lowering::EmitVectorConstant(const Bits128& bits, VReg to) {
  const std::optional<uint32_t> move = VectorMoveBits(bits[0], bits[1]);
  Builder builder(move.has_value() ? Op::kRow : Op::kVecConst, 16);
  if (move.has_value()) {
    builder.SetRow(Row::kMovi, *move);
  } else {
    builder.inst.imm64 = ctx_->vcode().AddVectorConstant(bits);
  }
  Emit(builder.Def(to), kRematerializable);
}

// --- Families --------------------------------------------------------------------------

void AArch64Lowering::LowerVector3(IrInst inst, Row row) {
  const InstData& data = ctx_->data(inst);
  EmitRow(row, ctx_->Result(inst), {VecReg(data.arg(0)), VecReg(data.arg(1))});
}

void AArch64Lowering::LowerVector2(IrInst inst, Row row) {
  EmitRow(row, ctx_->Result(inst), {VecReg(ctx_->data(inst).arg(0))});
}

// Cross products of the halves, shifted up, and the product of the low halves added.
void AArch64Lowering::LowerVectorMul64(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg x = VecReg(data.arg(0)), y = VecReg(data.arg(1));
  const VReg crossed = VecRow(Row::kVMul4S, {VecRow(Row::kVRev64_4S, {y}), x});
  const VReg sums = VecRow(Row::kVAddp4S, {crossed, crossed});
  const VReg upper = VecRow(Row::kVZip14S, {VectorConstantReg({0, 0}), sums});
  EmitRow(Row::kVUmlal2D, ctx_->Result(inst),
          {upper, VecRow(Row::kVXtn2S, {x}), VecRow(Row::kVXtn2S, {y})});
}

void AArch64Lowering::LowerVectorShift(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type shape = data.type();
  const uint32_t index = LaneIndex(shape);
  const uint32_t lane = codegen::LaneBits(shape);
  const bool left = data.opcode() == Opcode::kVshl;
  const bool is_signed = data.opcode() == Opcode::kVshrS;
  const VReg value = VecReg(data.arg(0));
  const VReg result = ctx_->Result(inst);
  if (const std::optional<uint64_t> constant = Constant(data.arg(1))) {
    const uint32_t amount = static_cast<uint32_t>(*constant) & (lane - 1);
    if (left) return EmitRow(Row::kVShl16B + index, result, {value}, ShiftLeftBits(lane, amount));
    if (amount == 0) return EmitMove(result, value);
    return EmitRow((is_signed ? Row::kVSshr16B : Row::kVUshr16B) + index, result, {value},
                   ShiftRightBits(lane, amount));
  }
  // The machine shifts by signed bytes, to the right if they are negative.
  VReg amount = IntRow(Row::kAndImmW, {Low32(data.arg(1))}, LogicalBits(lane - 1, 32).value());
  if (!left) amount = IntRow(Row::kNegX, {amount});
  const VReg amounts = VecRow(Row::kVDupGpr16B + index, {amount});
  EmitRow((is_signed ? Row::kVSshl16B : Row::kVUshl16B) + index, result, {value, amounts});
}

void AArch64Lowering::LowerVectorCompare(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint32_t index = LaneIndex(data.type());
  IntCC cc = data.int_cc();
  Value a = data.arg(0), b = data.arg(1);
  const VReg result = ctx_->Result(inst);
  if (IsZeroVector(a)) {
    std::swap(a, b);
    cc = Swapped(cc);
  }
  if (IsZeroVector(b)) {
    std::optional<Row> row;
    if (cc == IntCC::kEq) row = Row::kVCmeqZero16B;
    if (cc == IntCC::kSgt) row = Row::kVCmgtZero16B;
    if (cc == IntCC::kSge) row = Row::kVCmgeZero16B;
    if (cc == IntCC::kSlt) row = Row::kVCmltZero16B;
    if (cc == IntCC::kSle) row = Row::kVCmleZero16B;
    if (row.has_value()) return EmitRow(*row + index, result, {VecReg(a)});
    if (cc == IntCC::kNe) {
      const VReg x = VecReg(a);
      return EmitRow(Row::kVCmtst16B + index, result, {x, x});
    }
  }
  const VReg x = VecReg(a), y = VecReg(b);
  switch (cc) {
    case IntCC::kEq:
      return EmitRow(Row::kVCmeq16B + index, result, {x, y});
    case IntCC::kNe:
      return EmitRow(Row::kVMvn, result, {VecRow(Row::kVCmeq16B + index, {x, y})});
    case IntCC::kSgt:
      return EmitRow(Row::kVCmgt16B + index, result, {x, y});
    case IntCC::kSge:
      return EmitRow(Row::kVCmge16B + index, result, {x, y});
    case IntCC::kSlt:
      return EmitRow(Row::kVCmgt16B + index, result, {y, x});
    case IntCC::kSle:
      return EmitRow(Row::kVCmge16B + index, result, {y, x});
    case IntCC::kUgt:
      return EmitRow(Row::kVCmhi16B + index, result, {x, y});
    case IntCC::kUge:
      return EmitRow(Row::kVCmhs16B + index, result, {x, y});
    case IntCC::kUlt:
      return EmitRow(Row::kVCmhi16B + index, result, {y, x});
    case IntCC::kUle:
      return EmitRow(Row::kVCmhs16B + index, result, {y, x});
  }
}

void AArch64Lowering::LowerVectorFloatCompare(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint32_t index = FloatIndex(data.type());
  const VReg x = VecReg(data.arg(0)), y = VecReg(data.arg(1));
  const Row eq = Row::kVFcmeq4S + index, gt = Row::kVFcmgt4S + index, ge = Row::kVFcmge4S + index;
  // What is true of unordered lanes is the opposite of what is false of them.
  FloatCC cc = data.float_cc();
  const bool inverted = cc == FloatCC::kUnordered || cc == FloatCC::kNe || cc == FloatCC::kUeq ||
                        cc == FloatCC::kUlt || cc == FloatCC::kUle || cc == FloatCC::kUgt ||
                        cc == FloatCC::kUge;
  if (inverted) cc = Inverse(cc);
  const VReg result = ctx_->Result(inst);
  const VReg to = inverted ? NewVector() : result;
  switch (cc) {
    case FloatCC::kEq:
      EmitRow(eq, to, {x, y});
      break;
    case FloatCC::kLt:
      EmitRow(gt, to, {y, x});
      break;
    case FloatCC::kLe:
      EmitRow(ge, to, {y, x});
      break;
    case FloatCC::kGt:
      EmitRow(gt, to, {x, y});
      break;
    case FloatCC::kGe:
      EmitRow(ge, to, {x, y});
      break;
    case FloatCC::kOne:
      EmitRow(Row::kVOrr, to, {VecRow(gt, {x, y}), VecRow(gt, {y, x})});
      break;
    default:
      EmitRow(Row::kVAnd, to, {VecRow(eq, {x, x}), VecRow(eq, {y, y})});
      break;
  }
  if (inverted) EmitRow(Row::kVMvn, result, {to});
}

void AArch64Lowering::LowerVectorBlend(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  VReg mask = VecReg(data.arg(0));
  if (data.opcode() == Opcode::kVblend) {
    mask = VecRow(Row::kVCmltZero16B + LaneIndex(data.type()), {mask});
  }
  EmitRow(Row::kVBsl, ctx_->Result(inst), {mask, VecReg(data.arg(1)), VecReg(data.arg(2))});
}

void AArch64Lowering::LowerVectorNarrow(IrInst inst, Row row) {
  const InstData& data = ctx_->data(inst);
  const uint32_t index = LaneIndex(data.type());
  const VReg low = VecRow(row + index, {VecReg(data.arg(0))});
  EmitRow(row + (index + 3), ctx_->Result(inst), {low, VecReg(data.arg(1))});
}

void AArch64Lowering::LowerVectorDot(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg x = VecReg(data.arg(0)), y = VecReg(data.arg(1));
  const VReg result = ctx_->Result(inst);
  if (data.opcode() == Opcode::kVdotS) {
    const uint32_t index = LaneIndex(data.type());  // 8H or 4S: the products.
    const VReg low = VecRow(Row::kVSmull8H + (index - 1), {x, y});
    const VReg high = VecRow(Row::kVSmull8H_2 + (index - 1), {x, y});
    return EmitRow(Row::kVAddp16B + index, result, {low, high});
  }
  // A product of an unsigned and a signed byte fits 16 bits.
  const auto product = [&](uint32_t half) {
    const VReg a = VecRow(Row::kVUshll8H + half, {x}, ShiftLeftBits(8, 0));
    const VReg b = VecRow(Row::kVSshll8H + half, {y}, ShiftLeftBits(8, 0));
    return VecRow(Row::kVMul8H, {a, b});
  };
  const VReg low = product(0), high = product(3);
  if (data.opcode() == Opcode::kVdotUsSat) {
    return EmitRow(Row::kVSqadd8H, result,
                   {VecRow(Row::kVUzp18H, {low, high}), VecRow(Row::kVUzp28H, {low, high})});
  }
  const VReg sums =
      VecRow(Row::kVAddp4S, {VecRow(Row::kVSaddlp4S, {low}), VecRow(Row::kVSaddlp4S, {high})});
  EmitRow(Row::kVAdd4S, result, {sums, VecReg(data.arg(2))});
}

void AArch64Lowering::LowerVectorPseudoMinMax(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg x = VecReg(data.arg(0)), y = VecReg(data.arg(1));
  const Row gt = Row::kVFcmgt4S + FloatIndex(data.type());
  const VReg mask = data.opcode() == Opcode::kVfpmin ? VecRow(gt, {x, y}) : VecRow(gt, {y, x});
  EmitRow(Row::kVBsl, ctx_->Result(inst), {mask, y, x});
}

void AArch64Lowering::LowerVectorFma(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Row row = data.opcode() == Opcode::kVfma ? Row::kVFmla4S : Row::kVFmls4S;
  EmitRow(row + FloatIndex(data.type()), ctx_->Result(inst),
          {VecReg(data.arg(2)), VecReg(data.arg(0)), VecReg(data.arg(1))});
}

void AArch64Lowering::LowerVectorFromInt(IrInst inst, bool is_signed) {
  const InstData& data = ctx_->data(inst);
  const uint32_t index = FloatIndex(data.type());
  VReg value = VecReg(data.arg(0));
  if (index == 1) {
    value = VecRow(is_signed ? Row::kVSshll2D : Row::kVUshll2D, {value}, ShiftLeftBits(32, 0));
  }
  EmitRow((is_signed ? Row::kVScvtf4S : Row::kVUcvtf4S) + index, ctx_->Result(inst), {value});
}

// The machine's conversion saturates in lanes as wide as the floats; narrowing saturates again.
void AArch64Lowering::LowerVectorToInt(IrInst inst, bool is_signed, bool saturating) {
  const InstData& data = ctx_->data(inst);
  const uint32_t index = FloatIndex(data.type());
  const bool is_double = index == 1;
  const VReg value = VecReg(data.arg(0));
  const VReg result = ctx_->Result(inst);
  const Row convert = (is_signed ? Row::kVFcvtzs4S : Row::kVFcvtzu4S) + index;
  const Row compare = Row::kVFcmgt4S + index;
  const auto constant = [&](uint64_t single, uint64_t bits) {
    return VectorConstantReg(is_double ? Bits128{bits, bits} : SplatBits(single, 32));
  };
  VReg converted;
  const bool last = saturating && !is_double;
  if (last) return EmitRow(convert, result, {value});
  converted = VecRow(convert, {value});
  if (!saturating && is_signed) {
    // Below 2^31, or what is wanted of all else.
    const VReg fits = VecRow(compare, {constant(0x4F000000, 0x41E0000000000000), value});
    const VReg other = constant(0x80000000, 0xFFFFFFFF80000000);
    const VReg to = is_double ? NewVector() : result;
    EmitRow(Row::kVBsl, to, {fits, converted, other});
    converted = to;
  } else if (!saturating) {
    // Above -1, or all ones.
    const VReg fits = VecRow(compare, {value, constant(0xBF800000, 0xBFF0000000000000)});
    const VReg to = is_double ? NewVector() : result;
    EmitRow(Row::kVOrn, to, {converted, fits});
    converted = to;
  }
  if (is_double) EmitRow(is_signed ? Row::kVSqxtn2S : Row::kVUqxtn2S, result, {converted});
}

// --- The switch ------------------------------------------------------------------------

void AArch64Lowering::LowerVector(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type shape = data.type();
  const auto by_lane = [&](Row row) { return row + LaneIndex(shape); };
  const auto by_float = [&](Row row) { return row + FloatIndex(shape); };
  // Rows of lanes that were widened, to 8H, 4S, 2D.
  const auto by_long = [&](Row row) { return row + (LaneIndex(shape) - 1); };
  switch (data.opcode()) {
    case Opcode::kVadd:
      return LowerVector3(inst, by_lane(Row::kVAdd16B));
    case Opcode::kVsub:
      return LowerVector3(inst, by_lane(Row::kVSub16B));
    case Opcode::kVmul:
      if (shape == Type::kI64X2) return LowerVectorMul64(inst);
      return LowerVector3(inst, by_lane(Row::kVMul16B));
    case Opcode::kVneg:
      return LowerVector2(inst, by_lane(Row::kVNeg16B));
    case Opcode::kVabs:
      return LowerVector2(inst, by_lane(Row::kVAbs16B));
    case Opcode::kVaddSatS:
      return LowerVector3(inst, by_lane(Row::kVSqadd16B));
    case Opcode::kVaddSatU:
      return LowerVector3(inst, by_lane(Row::kVUqadd16B));
    case Opcode::kVsubSatS:
      return LowerVector3(inst, by_lane(Row::kVSqsub16B));
    case Opcode::kVsubSatU:
      return LowerVector3(inst, by_lane(Row::kVUqsub16B));
    case Opcode::kVminS:
      return LowerVector3(inst, by_lane(Row::kVSmin16B));
    case Opcode::kVminU:
      return LowerVector3(inst, by_lane(Row::kVUmin16B));
    case Opcode::kVmaxS:
      return LowerVector3(inst, by_lane(Row::kVSmax16B));
    case Opcode::kVmaxU:
      return LowerVector3(inst, by_lane(Row::kVUmax16B));
    case Opcode::kVavgU:
      return LowerVector3(inst, by_lane(Row::kVUrhadd16B));
    case Opcode::kVpopcnt:
      return LowerVector2(inst, Row::kVCnt);
    case Opcode::kVshl:
    case Opcode::kVshrS:
    case Opcode::kVshrU:
      return LowerVectorShift(inst);
    case Opcode::kVicmp:
      return LowerVectorCompare(inst);
    case Opcode::kVfcmp:
      return LowerVectorFloatCompare(inst);
    case Opcode::kVand:
      return LowerVector3(inst, Row::kVAnd);
    case Opcode::kVor:
      return LowerVector3(inst, Row::kVOrr);
    case Opcode::kVxor:
      return LowerVector3(inst, Row::kVEor);
    case Opcode::kVandNot:
      return LowerVector3(inst, Row::kVBic);
    case Opcode::kVnot:
      return LowerVector2(inst, Row::kVMvn);
    case Opcode::kVbitselect:
    case Opcode::kVblend:
      return LowerVectorBlend(inst);
    case Opcode::kVanyTrue:
    case Opcode::kVallTrue: {
      Builder builder(Op::kCset);
      AddCompare(builder, MatchVectorTest(inst));
      Emit(builder.Def(ctx_->Result(inst)));
      return;
    }
    case Opcode::kVbitmask:
      return LowerVectorBitmask(inst);
    case Opcode::kVsplat:
      return LowerVectorSplat(inst);
    case Opcode::kVscalar:
      return LowerVectorScalar(inst);
    case Opcode::kVextractU:
    case Opcode::kVextractS:
      return LowerVectorExtract(inst);
    case Opcode::kVreplace:
      return LowerVectorReplace(inst);
    case Opcode::kVshuffle:
      return LowerVectorShuffle(inst);
    case Opcode::kVswizzle:
      return LowerVector3(inst, Row::kVTbl1);
    case Opcode::kVswizzleMasked: {
      const VReg index =
          VecRow(Row::kVAnd, {VecReg(data.arg(1)), VectorConstantReg(SplatBits(0x8F, 8))});
      return EmitRow(Row::kVTbl1, ctx_->Result(inst), {VecReg(data.arg(0)), index});
    }
    case Opcode::kVnarrowS:
      return LowerVectorNarrow(inst, Row::kVSqxtn8B);
    case Opcode::kVnarrowU:
      return LowerVectorNarrow(inst, Row::kVSqxtun8B);
    case Opcode::kVextendLowS:
    case Opcode::kVextendLowU:
    case Opcode::kVextendHighS:
    case Opcode::kVextendHighU: {
      const bool is_signed =
          data.opcode() == Opcode::kVextendLowS || data.opcode() == Opcode::kVextendHighS;
      const bool high =
          data.opcode() == Opcode::kVextendHighS || data.opcode() == Opcode::kVextendHighU;
      const Row row = is_signed ? high ? Row::kVSshll8H_2 : Row::kVSshll8H
                      : high    ? Row::kVUshll8H_2
                                : Row::kVUshll8H;
      return EmitRow(by_long(row), ctx_->Result(inst), {VecReg(data.arg(0))},
                     ShiftLeftBits(codegen::LaneBits(shape) / 2, 0));
    }
    case Opcode::kVextaddPairwiseS:
      return LowerVector2(inst, by_long(Row::kVSaddlp8H));
    case Opcode::kVextaddPairwiseU:
      return LowerVector2(inst, by_long(Row::kVUaddlp8H));
    case Opcode::kVextmulLowS:
      return LowerVector3(inst, by_long(Row::kVSmull8H));
    case Opcode::kVextmulLowU:
      return LowerVector3(inst, by_long(Row::kVUmull8H));
    case Opcode::kVextmulHighS:
      return LowerVector3(inst, by_long(Row::kVSmull8H_2));
    case Opcode::kVextmulHighU:
      return LowerVector3(inst, by_long(Row::kVUmull8H_2));
    case Opcode::kVdotS:
    case Opcode::kVdotUsSat:
    case Opcode::kVdotUsAdd:
      return LowerVectorDot(inst);
    case Opcode::kVq15mulrSat:
      return LowerVector3(inst, Row::kVSqrdmulh8H);
    case Opcode::kVfadd:
      return LowerVector3(inst, by_float(Row::kVFadd4S));
    case Opcode::kVfsub:
      return LowerVector3(inst, by_float(Row::kVFsub4S));
    case Opcode::kVfmul:
      return LowerVector3(inst, by_float(Row::kVFmul4S));
    case Opcode::kVfdiv:
      return LowerVector3(inst, by_float(Row::kVFdiv4S));
    case Opcode::kVfmin:
      return LowerVector3(inst, by_float(Row::kVFmin4S));
    case Opcode::kVfmax:
      return LowerVector3(inst, by_float(Row::kVFmax4S));
    case Opcode::kVfpmin:
    case Opcode::kVfpmax:
      return LowerVectorPseudoMinMax(inst);
    case Opcode::kVfma:
    case Opcode::kVfnma:
      return LowerVectorFma(inst);
    case Opcode::kVsqrt:
      return LowerVector2(inst, by_float(Row::kVFsqrt4S));
    case Opcode::kVceil:
      return LowerVector2(inst, by_float(Row::kVFrintp4S));
    case Opcode::kVfloor:
      return LowerVector2(inst, by_float(Row::kVFrintm4S));
    case Opcode::kVtrunc:
      return LowerVector2(inst, by_float(Row::kVFrintz4S));
    case Opcode::kVnearest:
      return LowerVector2(inst, by_float(Row::kVFrintn4S));
    case Opcode::kVfabs:
      return LowerVector2(inst, by_float(Row::kVFabs4S));
    case Opcode::kVfneg:
      return LowerVector2(inst, by_float(Row::kVFneg4S));
    case Opcode::kVfcvtFromSint:
      return LowerVectorFromInt(inst, /*is_signed=*/true);
    case Opcode::kVfcvtFromUint:
      return LowerVectorFromInt(inst, /*is_signed=*/false);
    case Opcode::kVfcvtToSintSat:
      return LowerVectorToInt(inst, /*is_signed=*/true, /*saturating=*/true);
    case Opcode::kVfcvtToUintSat:
      return LowerVectorToInt(inst, /*is_signed=*/false, /*saturating=*/true);
    case Opcode::kVfcvtToSintIndefinite:
      return LowerVectorToInt(inst, /*is_signed=*/true, /*saturating=*/false);
    case Opcode::kVfcvtToUintIndefinite:
      return LowerVectorToInt(inst, /*is_signed=*/false, /*saturating=*/false);
    case Opcode::kVpromoteLow:
      return LowerVector2(inst, Row::kVFcvtl2D);
    case Opcode::kVdemote:
      return LowerVector2(inst, Row::kVFcvtn2S);
    default:
      ctx_->Fail(absl::UnimplementedError(
          absl::StrCat("the AArch64 backend does not compile ", Info(data.opcode()).name)));
      return;
  }
}

}  // namespace gantry::aarch64
