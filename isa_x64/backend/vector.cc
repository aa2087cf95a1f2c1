// Lowering of vectors: the switch by opcode, operands, and a helper per family of instructions.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;
using codegen::regalloc::kCommutative;
using codegen::regalloc::kRematerializable;

namespace {

// Looked through one by one.
constexpr size_t kMaxSharedConstants = 32;

}  // namespace

// --- Operands --------------------------------------------------------------------------

X64Lowering::Bits128 X64Lowering::SplatBits(uint64_t lane, uint32_t lane_bits) {
  if (lane_bits < 64) lane &= (uint64_t{1} << lane_bits) - 1;
  for (uint32_t bits = lane_bits; bits < 64; bits *= 2) lane |= lane << bits;
  return {lane, lane};
}

std::optional<X64Lowering::Bits128> X64Lowering::VectorConstant(Value value) const {
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

bool X64Lowering::IsZeroVector(Value value) const { return VectorConstant(value) == Bits128{0, 0}; }

bool X64Lowering::IsMemoryVector(Value value) const {
  if (const std::optional<Bits128> constant = VectorConstant(value)) {
    return *constant != Bits128{0, 0} && *constant != Bits128{~uint64_t{0}, ~uint64_t{0}};
  }
  if (!flags_.has_avx()) return false;
  const IrInst load = ctx_->SinkableLoad(value);
  if (load.is_none()) return false;
  const Opcode opcode = ctx_->data(load).opcode();
  return opcode == Opcode::kLoad || opcode == Opcode::kStackLoad;
}

X64Lowering::VectorRm X64Lowering::VectorRmOf(Value value, bool path_is_single) {
  if (const std::optional<Bits128> constant = VectorConstant(value)) {
    if (IsMemoryVector(value)) return *constant;
    return VectorConstantReg(*constant);
  }
  // Without AVX an operand in memory has to be aligned, which guest memory does not promise.
  if (flags_.has_avx()) {
    if (const std::optional<Address> address = SinkLoad(value, 16, path_is_single)) return *address;
  }
  return ctx_->Reg(value);
}

X64Lowering::VReg X64Lowering::VecReg(Value value) {
  const std::optional<Bits128> constant = VectorConstant(value);
  return constant.has_value() ? VectorConstantReg(*constant) : ctx_->Reg(value);
}

X64Lowering::VReg X64Lowering::VectorConstantReg(const Bits128& bits) {
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

void X64Lowering::EmitSharedConstants() {
  for (const SharedConstant& constant : shared_constants_) {
    EmitVectorConstant(constant.bits, constant.reg);
  }
}

void X64Lowering::EmitVectorConstant(const Bits128& bits, VReg to) {
  Builder builder(Op::kVecConst, 16);
  VecConstKind kind = VecConstKind::kPool;
  if (bits == Bits128{0, 0}) {
    kind = VecConstKind::kZero;
  } else if (bits == Bits128{~uint64_t{0}, ~uint64_t{0}}) {
    kind = VecConstKind::kOnes;
  } else if (flags_.has_avx() && bits[0] == bits[1]) {
    const bool short_one = static_cast<uint32_t>(bits[0]) == bits[0] >> 32;
    kind = short_one ? VecConstKind::kSplat4 : VecConstKind::kSplat8;
    builder.inst.imm64 = short_one ? static_cast<uint32_t>(bits[0]) : bits[0];
  } else {
    builder.inst.imm64 = ctx_->vcode().AddVectorConstant(bits);
  }
  builder.inst.sub = static_cast<uint8_t>(kind);
  Emit(builder.Def(to), kRematerializable);
}

void X64Lowering::AddVectorRm(Builder& builder, const VectorRm& rm) {
  if (rm.address.has_value()) {
    AddAddress(builder, *rm.address);
  } else if (rm.constant.has_value()) {
    builder.inst.addr = AddrKind::kVector;
    builder.inst.disp = static_cast<int32_t>(ctx_->vcode().AddVectorConstant(*rm.constant));
  } else {
    builder.UseAny(rm.reg);
  }
}

void X64Lowering::DefVector(Builder& builder, VReg to) {
  flags_.has_avx() ? builder.Def(to) : builder.Reuse(to);
}

// --- A helper per family ---------------------------------------------------------------

X64Lowering::VReg X64Lowering::Vec(SseRvmOp op, VReg a, const VectorRm& b, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVec3, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(a);
  AddVectorRm(builder, b);
  DefVector(builder, to);
  Emit(builder);
  return to;
}

X64Lowering::VReg X64Lowering::Vec(SseRvmImmOp op, VReg a, const VectorRm& b, uint8_t imm,
                                   VReg to) {
  to = ToOrNew(to);
  // Of insertps alone the operand in memory is narrower.
  Builder builder(Op::kVec3Imm, op == SseRvmImmOp::kInsertps ? 4 : 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.extra = imm;
  builder.Use(a);
  const bool is_reg = !b.address.has_value() && !b.constant.has_value();
  if (op == SseRvmImmOp::kInsertps && is_reg && imm >> 6 != 0) {
    // From memory, a spill slot too, it takes the four bytes there whatever lane is named.
    builder.Use(b.reg);
  } else {
    AddVectorRm(builder, b);
  }
  DefVector(builder, to);
  Emit(builder);
  return to;
}

X64Lowering::VReg X64Lowering::Vec(VexRvmImmOp op, VReg a, const VectorRm& b, uint8_t imm,
                                   VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVecVex3Imm, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.extra = imm;
  builder.Use(a);
  AddVectorRm(builder, b);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(SseRmOp op, const VectorRm& a, VReg to, uint8_t bytes) {
  to = ToOrNew(to);
  Builder builder(Op::kVec2, bytes);
  builder.inst.sub = static_cast<uint8_t>(op);
  AddVectorRm(builder, a);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(SseRmImmOp op, const VectorRm& a, uint8_t imm, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVec2Imm, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.extra = imm;
  AddVectorRm(builder, a);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(SseShiftImmOp op, VReg a, uint8_t amount, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVecShift, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.extra = amount;
  builder.Use(a);
  DefVector(builder, to);
  Emit(builder);
  return to;
}

X64Lowering::VReg X64Lowering::Vec(VexRmOp op, const VectorRm& a, uint8_t bytes, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVecBroadcast, bytes);
  builder.inst.sub = static_cast<uint8_t>(op);
  AddVectorRm(builder, a);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(EvexRvmOp op, VReg a, const VectorRm& b, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kEvex3, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(a);
  AddVectorRm(builder, b);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(EvexRmOp op, const VectorRm& a, VReg to, uint8_t bytes) {
  to = ToOrNew(to);
  Builder builder(Op::kEvex2, bytes);
  builder.inst.sub = static_cast<uint8_t>(op);
  AddVectorRm(builder, a);
  Emit(builder.Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Vec(EvexShiftImmOp op, VReg a, uint8_t amount, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kEvexShift, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.inst.extra = amount;
  Emit(builder.Use(a).Def(to));
  return to;
}

X64Lowering::VReg X64Lowering::Accumulate(EvexRvmOp op, VReg sum, VReg a, const VectorRm& b,
                                          VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kEvex3Acc, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(sum).Use(a);
  AddVectorRm(builder, b);
  Emit(builder.Reuse(to));
  return to;
}

X64Lowering::VReg X64Lowering::Ternlog(uint8_t table, VReg a, VReg b, const VectorRm& c, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kEvexTernlog, 16);
  builder.inst.extra = table;
  builder.Use(a).Use(b);
  AddVectorRm(builder, c);
  Emit(builder.Reuse(to));
  return to;
}

X64Lowering::VReg X64Lowering::Blendv(BlendvOp op, VReg a, VReg b, VReg mask, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kVecBlendv, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(a).Use(b);
  flags_.has_avx() ? builder.Use(mask) : builder.UseFixed(mask, VectorReg(0));
  DefVector(builder, to);
  Emit(builder);
  return to;
}

X64Lowering::VReg X64Lowering::VectorNot(VReg a, VReg to) {
  return Vec(SseRvmOp::kPxor, a, Bits128{~uint64_t{0}, ~uint64_t{0}}, to);
}

void X64Lowering::MoveVector(VReg from, VReg to) {
  Builder builder(Op::kMove, 16);
  builder.UseAny(from);
  builder.operands.push_back(Operand::Def(to, codegen::regalloc::Constraint::kAny));
  Emit(builder, codegen::regalloc::kMove);
}

void X64Lowering::LowerVector3(IrInst inst, SseRvmOp op, bool commutes) {
  const InstData& data = ctx_->data(inst);
  Value x = data.arg(0);
  Value y = data.arg(1);
  if (commutes && IsMemoryVector(x) && !IsMemoryVector(y)) std::swap(x, y);
  const VReg a = VecReg(x);
  const VectorRm b = VectorRmOf(y);
  Builder builder(Op::kVec3, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  builder.Use(a);
  AddVectorRm(builder, b);
  DefVector(builder, ctx_->Result(inst));
  Emit(builder, commutes && b.reg.is_some() ? kCommutative : codegen::regalloc::kNoFlags);
}

void X64Lowering::LowerVector2(IrInst inst, SseRmOp op) {
  const VectorRm a = VectorRmOf(ctx_->data(inst).arg(0));
  Vec(op, a, ctx_->Result(inst));
}

bool X64Lowering::HasVectors() {
  if (flags_.has_sse41()) return true;
  ctx_->Fail(absl::UnimplementedError("operations on vectors need the x64 flag has_sse41"));
  return false;
}

// --- The switch ------------------------------------------------------------------------

void X64Lowering::LowerVector(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  if (Info(data.opcode()).effects == codegen::kPure && !HasVectors()) return;
  const Type shape = data.type();
  const bool bytes = shape == Type::kI8X16;
  switch (data.opcode()) {
    case Opcode::kVadd:
      return LowerVectorSum(inst, /*subtract=*/false);
    case Opcode::kVsub:
      return LowerVectorSum(inst, /*subtract=*/true);
    case Opcode::kVmul:
      return LowerVectorMul(inst);
    case Opcode::kVneg:
    case Opcode::kVabs:
      return LowerVectorNegAbs(inst);
    case Opcode::kVaddSatS:
      return LowerVector3(inst, bytes ? SseRvmOp::kPaddsb : SseRvmOp::kPaddsw, true);
    case Opcode::kVaddSatU:
      return LowerVector3(inst, bytes ? SseRvmOp::kPaddusb : SseRvmOp::kPaddusw, true);
    case Opcode::kVsubSatS:
      return LowerVector3(inst, bytes ? SseRvmOp::kPsubsb : SseRvmOp::kPsubsw, false);
    case Opcode::kVsubSatU:
      return LowerVector3(inst, bytes ? SseRvmOp::kPsubusb : SseRvmOp::kPsubusw, false);
    case Opcode::kVminS:
    case Opcode::kVminU:
    case Opcode::kVmaxS:
    case Opcode::kVmaxU:
      return LowerVectorMinMax(inst);
    case Opcode::kVavgU:
      return LowerVector3(inst, bytes ? SseRvmOp::kPavgb : SseRvmOp::kPavgw, true);
    case Opcode::kVpopcnt:
      return LowerVectorPopcnt(inst);
    case Opcode::kVshl:
    case Opcode::kVshrS:
    case Opcode::kVshrU:
      return LowerVectorShift(inst);
    case Opcode::kVicmp:
      return LowerVectorCompare(data, data.int_cc(), ctx_->Result(inst));
    case Opcode::kVfcmp:
      return LowerVectorFloatCompare(data, data.float_cc(), ctx_->Result(inst));
    case Opcode::kVand:
    case Opcode::kVor:
    case Opcode::kVxor:
    case Opcode::kVandNot:
    case Opcode::kVnot:
      return LowerVectorLogic(inst);
    case Opcode::kVbitselect:
      return LowerVectorBitselect(inst);
    case Opcode::kVblend:
      return LowerVectorBlend(inst);
    case Opcode::kVanyTrue:
    case Opcode::kVallTrue:
      return LowerVectorTest(inst);
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
    case Opcode::kVswizzleMasked:
      return LowerVectorSwizzle(inst);
    case Opcode::kVnarrowS:
    case Opcode::kVnarrowU:
      return LowerVectorNarrow(inst);
    case Opcode::kVextendLowS:
    case Opcode::kVextendLowU:
    case Opcode::kVextendHighS:
    case Opcode::kVextendHighU:
      return LowerVectorExtend(inst);
    case Opcode::kVextaddPairwiseS:
    case Opcode::kVextaddPairwiseU:
      return LowerVectorExtadd(inst);
    case Opcode::kVextmulLowS:
    case Opcode::kVextmulLowU:
    case Opcode::kVextmulHighS:
    case Opcode::kVextmulHighU:
      return LowerVectorExtmul(inst);
    case Opcode::kVdotS:
    case Opcode::kVdotUsSat:
    case Opcode::kVdotUsAdd:
      return LowerVectorDot(inst);
    case Opcode::kVq15mulrSat:
      return LowerVectorQ15(inst);
    case Opcode::kVfadd:
    case Opcode::kVfsub:
    case Opcode::kVfmul:
    case Opcode::kVfdiv:
    case Opcode::kVfpmin:
    case Opcode::kVfpmax:
    case Opcode::kVsqrt:
    case Opcode::kVceil:
    case Opcode::kVfloor:
    case Opcode::kVtrunc:
    case Opcode::kVnearest:
    case Opcode::kVfabs:
    case Opcode::kVfneg:
    case Opcode::kVfcvtFromSint:
    case Opcode::kVpromoteLow:
    case Opcode::kVdemote:
      return LowerVectorFloat(inst);
    case Opcode::kVfmin:
    case Opcode::kVfmax:
      return LowerVectorFloatMinMax(inst);
    case Opcode::kVfma:
    case Opcode::kVfnma:
      return LowerVectorFma(inst);
    case Opcode::kVfcvtFromUint:
      return LowerVectorFromUint(inst);
    case Opcode::kVfcvtToSintSat:
    case Opcode::kVfcvtToUintSat:
    case Opcode::kVfcvtToSintIndefinite:
    case Opcode::kVfcvtToUintIndefinite:
      return LowerVectorToInt(inst);
    default:
      ctx_->Fail(absl::UnimplementedError(
          absl::StrCat("the x64 backend does not compile ", Info(data.opcode()).name)));
      return;
  }
}

}  // namespace gantry::x64
