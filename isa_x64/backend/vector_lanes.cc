// Lowering of lanes of vectors: into and out of them, and shuffles.
#include "isa_x64/backend/lowering.h"
#include "isa_x64/backend/shuffle.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

uint8_t Log2(uint32_t bytes) { return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3; }

// pshufb's control.
codegen::VCode::VectorConstant ControlOf(const ShuffleBytes& lanes) {
  codegen::VCode::VectorConstant control = {0, 0};
  for (int i = 0; i < 16; ++i) {
    const uint64_t byte = lanes[i] < 0 ? 0x80 : static_cast<uint64_t>(lanes[i]);
    control[i / 8] |= byte << (8 * (i % 8));
  }
  return control;
}

// What pmovzx reads.
uint8_t BytesExtended(SseRmOp op) {
  switch (op) {
    case SseRmOp::kPmovzxbw:
    case SseRmOp::kPmovzxwd:
    case SseRmOp::kPmovzxdq:
      return 8;
    case SseRmOp::kPmovzxbd:
    case SseRmOp::kPmovzxwq:
      return 4;
    default:
      return 2;
  }
}

}  // namespace

// --- Loads and stores of lanes ---------------------------------------------------------

std::optional<X64Lowering::Address> X64Lowering::SinkLane(Value value, uint32_t bytes) {
  const IrInst load = ctx_->SinkableLoad(value);
  if (load.is_none()) return std::nullopt;
  const InstData& data = ctx_->data(load);
  switch (data.opcode()) {
    case Opcode::kUload8:
    case Opcode::kSload8:
      if (bytes != 1) return std::nullopt;
      break;
    case Opcode::kUload16:
    case Opcode::kSload16:
      if (bytes != 2) return std::nullopt;
      break;
    case Opcode::kLoad:
    case Opcode::kStackLoad:
      if (codegen::TypeBytes(data.type()) != bytes) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }
  ctx_->Sink(load);
  return AddressOf(data);
}

std::optional<X64Lowering::Address> X64Lowering::SinkScalarLoad(Value value, uint32_t bytes) {
  const IrInst scalar = ctx_->DefInst(value, Opcode::kVscalar);
  if (scalar.is_none() || !ctx_->HasOneUse(value)) return std::nullopt;
  const InstData& data = ctx_->data(scalar);
  if (codegen::LaneBits(data.type()) != 8 * bytes) return std::nullopt;
  return SinkLane(data.arg(0), bytes);
}

bool X64Lowering::LowerLaneStore(IrInst inst, uint8_t bytes) {
  const InstData& store = ctx_->data(inst);
  const IrInst extract = ctx_->DefInst(store.arg(0));
  if (extract.is_none() || !ctx_->HasOneUse(store.arg(0))) return false;
  const InstData& data = ctx_->data(extract);
  if (data.opcode() != Opcode::kVextractU && data.opcode() != Opcode::kVextractS) return false;
  if (codegen::LaneBits(data.type()) != 8u * bytes || !HasVectors()) return false;
  const uint32_t lane = data.lane();
  const VReg vector = VecReg(data.arg(0));
  const Address address = AddressOf(store);
  if (lane == 0 && bytes >= 4) {
    EmitStore(vector, bytes == 4 ? Type::kF32 : Type::kF64, address);
    return true;
  }
  Builder builder(bytes == 8 ? Op::kVecStoreHalf : Op::kVecExtractStore, bytes);
  builder.inst.sub = bytes == 8 ? static_cast<uint8_t>(SseHalfOp::kMovhps) : Log2(bytes);
  builder.inst.extra = static_cast<uint8_t>(lane);
  builder.Use(vector);
  AddAddress(builder, address);
  Emit(builder);
  return true;
}

// --- Scalars to vectors and back -------------------------------------------------------

X64Lowering::VReg X64Lowering::MoveToVector(VReg from, uint8_t bytes, VReg to) {
  to = ToOrNew(to);
  Builder builder(Op::kMoveToFloat, bytes);
  builder.UseAny(from);
  Emit(builder.Def(to));
  return to;
}

void X64Lowering::LowerVectorSplat(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const Value lane = data.arg(0);
  if (const std::optional<Bits128> constant = VectorConstant(ctx_->dfg().result(inst))) {
    EmitVectorConstant(*constant, result);
    return;
  }
  const uint8_t bytes = static_cast<uint8_t>(codegen::LaneBits(data.type()) / 8);
  const bool is_float = codegen::IsFloat(codegen::LaneType(data.type()));
  constexpr VexRmOp kBroadcasts[] = {VexRmOp::kVpbroadcastb, VexRmOp::kVpbroadcastw,
                                     VexRmOp::kVbroadcastss, VexRmOp::kVpbroadcastq};
  const VexRmOp broadcast = kBroadcasts[Log2(bytes)];
  if (bytes == 8) {
    if (const std::optional<Address> address = SinkLane(lane, 8)) {
      Vec(SseRmOp::kMovddup, *address, result, 8);
      return;
    }
  } else if (bytes == 4 ? flags_.has_avx() : flags_.has_avx2()) {
    if (const std::optional<Address> address = SinkLane(lane, bytes)) {
      Vec(broadcast, *address, bytes, result);
      return;
    }
  }
  if (is_float) {
    const VReg value = VecReg(lane);
    if (bytes == 8) {
      Vec(SseRmOp::kMovddup, value, result, 8);
    } else if (flags_.has_avx2()) {
      Vec(broadcast, value, 4, result);
    } else {
      Vec(SseRmImmOp::kPshufd, value, 0, result);
    }
    return;
  }
  const VReg value = MoveToVector(bytes == 8 ? VecReg(lane) : Low32(lane), bytes == 8 ? 8 : 4);
  switch (bytes) {
    case 8:
      Vec(SseRvmOp::kPunpcklqdq, value, value, result);
      return;
    case 4:
      Vec(SseRmImmOp::kPshufd, value, 0, result);
      return;
    default:
      break;
  }
  if (flags_.has_avx2()) {
    Vec(broadcast, value, bytes, result);
  } else if (bytes == 1) {
    const VReg zero = Zero();
    Vec(SseRvmOp::kPshufb, value, zero, result);
  } else {
    const VReg words = Vec(SseRmImmOp::kPshuflw, value, 0);
    Vec(SseRmImmOp::kPshufd, words, 0, result);
  }
}

void X64Lowering::LowerVectorScalar(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const Value lane = data.arg(0);
  const uint8_t bytes = static_cast<uint8_t>(codegen::LaneBits(data.type()) / 8);
  if (const IrInst def = ctx_->DefInst(lane); def.is_some()) {
    const Opcode opcode = ctx_->data(def).opcode();
    if (opcode == Opcode::kIconst || opcode == Opcode::kF32const || opcode == Opcode::kF64const) {
      EmitVectorConstant({ctx_->data(def).const_bits(), 0}, result);
      return;
    }
  }
  if (const std::optional<Address> address = SinkLane(lane, bytes)) {
    EmitLoad(result, bytes == 4 ? Type::kF32 : Type::kF64, *address);
    return;
  }
  if (codegen::IsInt(codegen::LaneType(data.type()))) {
    MoveToVector(bytes == 8 ? VecReg(lane) : Low32(lane), bytes, result);
    return;
  }
  const VReg value = VecReg(lane);
  if (bytes == 4) {
    // Lane 0 to lane 0, and zeroes to the others.
    Vec(SseRvmImmOp::kInsertps, value, value, 0x0E, result);
    return;
  }
  MoveLow64(value, result);
}

void X64Lowering::MoveLow64(VReg from, VReg to) {
  Builder builder(Op::kVecLow64, 8);
  builder.UseAny(from);
  Emit(builder.Def(to));
}

void X64Lowering::LowerVectorExtract(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const VReg vector = VecReg(data.arg(0));
  const uint8_t lane = static_cast<uint8_t>(data.lane());
  const uint8_t bytes = static_cast<uint8_t>(codegen::LaneBits(data.type()) / 8);
  if (codegen::IsFloat(codegen::LaneType(data.type()))) {
    // Bits of a register above a scalar are unspecified.
    if (lane == 0) {
      MoveVector(vector, result);
    } else if (bytes == 4) {
      Vec(SseRmImmOp::kPshufd, vector, lane, result);
    } else {
      Vec(SseRmImmOp::kPshufd, vector, 0xEE, result);
    }
    return;
  }
  if (lane == 0 && bytes >= 4) {
    Builder builder(Op::kMoveToInt, bytes);
    builder.UseAny(vector);
    Emit(builder.Def(result));
    return;
  }
  const bool is_signed = data.opcode() == Opcode::kVextractS;
  const VReg extracted = is_signed ? NewInt() : result;
  Builder builder(Op::kVecExtract, bytes);
  builder.inst.sub = Log2(bytes);
  builder.inst.extra = lane;
  Emit(builder.Use(vector).Def(extracted));
  if (!is_signed) return;
  Builder extend(Op::kExtend, 4);
  extend.inst.sub = bytes;
  extend.inst.flags |= Inst::kSigned;
  extend.UseAny(extracted);
  Emit(extend.Def(result));
}

void X64Lowering::LowerVectorReplace(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const VReg vector = VecReg(data.arg(0));
  const Value value = data.arg(1);
  const uint8_t lane = static_cast<uint8_t>(data.lane());
  const uint8_t bytes = static_cast<uint8_t>(codegen::LaneBits(data.type()) / 8);
  if (bytes == 8) {
    if (const std::optional<Address> address = SinkLane(value, 8)) {
      Builder builder(Op::kVecLoadHalf, 8);
      builder.inst.sub = static_cast<uint8_t>(lane == 0 ? SseHalfOp::kMovlps : SseHalfOp::kMovhps);
      builder.Use(vector);
      AddAddress(builder, *address);
      DefVector(builder, result);
      Emit(builder);
      return;
    }
  }
  if (data.type() == Type::kF64X2) {
    const VReg scalar = VecReg(value);
    if (lane == 0) {
      Vec(SseRvmImmOp::kBlendpd, vector, scalar, 1, result);
    } else {
      Vec(SseRvmOp::kUnpcklpd, vector, scalar, result);
    }
    return;
  }
  if (data.type() == Type::kF32X4) {
    const uint8_t imm = static_cast<uint8_t>(lane << 4);
    if (const std::optional<Address> address = SinkLane(value, 4)) {
      Vec(SseRvmImmOp::kInsertps, vector, *address, imm, result);
    } else {
      Vec(SseRvmImmOp::kInsertps, vector, VecReg(value), imm, result);
    }
    return;
  }
  Builder builder(Op::kVecInsert, bytes);
  builder.inst.sub = Log2(bytes);
  builder.inst.extra = lane;
  builder.Use(vector);
  if (const std::optional<Address> address = SinkLane(value, bytes)) {
    AddAddress(builder, *address);
  } else {
    builder.UseAny(bytes == 8 ? VecReg(value) : Low32(value));
  }
  DefVector(builder, result);
  Emit(builder);
}

// --- Shuffles --------------------------------------------------------------------------

void X64Lowering::ShuffleOne(VReg value, const ShuffleBytes& lanes, VReg to) {
  const ShuffleMatch match = MatchShuffleOne(lanes, flags_.has_avx2());
  EmitShuffle(match, value, value, to);
  if (match.kind == ShuffleMatch::Kind::kNone) {
    Vec(SseRvmOp::kPshufb, value, ControlOf(lanes), to);
  }
}

// Emits nothing for kNone.
void X64Lowering::EmitShuffle(const ShuffleMatch& match, VReg x, const VectorRm& y, VReg to) {
  switch (match.kind) {
    case ShuffleMatch::Kind::kNone:
      return;
    case ShuffleMatch::Kind::kMove:
      MoveVector(x, to);
      return;
    case ShuffleMatch::Kind::kRm:
      Vec(static_cast<SseRmOp>(match.op), x, to, BytesExtended(static_cast<SseRmOp>(match.op)));
      return;
    case ShuffleMatch::Kind::kRmImm:
      Vec(static_cast<SseRmImmOp>(match.op), x, match.imm, to);
      return;
    case ShuffleMatch::Kind::kShiftImm:
      Vec(static_cast<SseShiftImmOp>(match.op), x, match.imm, to);
      return;
    case ShuffleMatch::Kind::kBroadcast: {
      const auto op = static_cast<VexRmOp>(match.op);
      Vec(op, x, op == VexRmOp::kVpbroadcastb ? 1 : 2, to);
      return;
    }
    case ShuffleMatch::Kind::kLow64:
      MoveLow64(x, to);
      return;
    case ShuffleMatch::Kind::kRvm:
      Vec(static_cast<SseRvmOp>(match.op), x, y, to);
      return;
    case ShuffleMatch::Kind::kRvmImm:
      Vec(static_cast<SseRvmImmOp>(match.op), x, y, match.imm, to);
      return;
    case ShuffleMatch::Kind::kVexRvmImm:
      Vec(static_cast<VexRvmImmOp>(match.op), x, y, match.imm, to);
      return;
  }
}

void X64Lowering::LowerVectorShuffle(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  Value x = data.arg(0);
  Value y = data.arg(1);
  const codegen::ShuffleLanes selected = data.shuffle_lanes();
  const bool same = ctx_->IsSame(x, y);
  const bool zero_x = IsZeroVector(x);
  const bool zero_y = IsZeroVector(y);
  ShuffleBytes lanes;
  bool uses_x = false;
  bool uses_y = false;
  for (int i = 0; i < 16; ++i) {
    // Of a vector with itself lane 16 is lane 0 (lessons row 9).
    lanes[i] = static_cast<int8_t>(same ? selected[i] & 15 : selected[i]);
    if (lanes[i] < 16 ? zero_x : zero_y) lanes[i] = kZeroLane;
    uses_x = uses_x || (lanes[i] >= 0 && lanes[i] < 16);
    uses_y = uses_y || lanes[i] >= 16;
  }
  if (!uses_x && !uses_y) {
    EmitVectorConstant({0, 0}, result);
    return;
  }
  if (!uses_x || !uses_y) {
    if (uses_y) {
      for (int8_t& lane : lanes) lane = lane < 0 ? lane : static_cast<int8_t>(lane - 16);
    }
    ShuffleOne(VecReg(uses_x ? x : y), lanes, result);
    return;
  }
  if (const ShuffleMatch match = MatchShuffleTwo(lanes, flags_.has_avx2());
      match.kind != ShuffleMatch::Kind::kNone) {
    const VReg first = VecReg(match.swap ? y : x);
    const Value other = match.swap ? x : y;
    // insertps reads but four bytes of memory.
    const bool narrow = match.kind == ShuffleMatch::Kind::kRvmImm &&
                        match.op == static_cast<uint8_t>(SseRvmImmOp::kInsertps);
    const VectorRm second = narrow ? VectorRm(VecReg(other)) : VectorRmOf(other);
    EmitShuffle(match, first, second, result);
    return;
  }
  LowerGeneralShuffle(x, y, lanes, result);
}

// Lanes of both operands in any order.
void X64Lowering::LowerGeneralShuffle(Value x, Value y, const ShuffleBytes& lanes, VReg result) {
  bool x_stays = true;
  bool y_stays = true;
  for (int i = 0; i < 16; ++i) {
    x_stays = x_stays && (lanes[i] >= 16 || lanes[i] == i);
    y_stays = y_stays && (lanes[i] < 16 || lanes[i] == i + 16);
  }
  if (x_stays && y_stays) {
    // A blend by bytes. The mask says where y is taken.
    Bits128 mask = {0, 0};
    for (int i = 0; i < 16; ++i) {
      if (lanes[i] >= 16) mask[i / 8] |= uint64_t{0xFF} << (8 * (i % 8));
    }
    const VReg a = VecReg(x);
    const VReg b = VecReg(y);
    if (has_avx512()) {
      Ternlog(0xD8, a, b, mask, result);
    } else {
      const VReg mask_reg = VectorConstantReg(mask);
      Blendv(BlendvOp::kPblendvb, a, b, mask_reg, result);
    }
    return;
  }
  if (has_avx512() && flags_.has_avx512vbmi()) {
    Bits128 index = ControlOf(lanes);
    const VReg a = VecReg(x);
    const VectorRm b = VectorRmOf(y);
    const VReg control = VectorConstantReg(index);
    Accumulate(EvexRvmOp::kVpermi2b, control, a, b, result);
    return;
  }
  ShuffleBytes of_x;
  ShuffleBytes of_y;
  for (int i = 0; i < 16; ++i) {
    of_x[i] = lanes[i] < 16 ? lanes[i] : kZeroLane;
    of_y[i] = lanes[i] < 16 ? kZeroLane : static_cast<int8_t>(lanes[i] - 16);
  }
  const VReg a = VecReg(x);
  const VReg b = VecReg(y);
  const VReg from_x = Vec(SseRvmOp::kPshufb, a, ControlOf(of_x));
  const VReg from_y = Vec(SseRvmOp::kPshufb, b, ControlOf(of_y));
  Vec(SseRvmOp::kPor, from_x, from_y, result);
}

bool X64Lowering::BytesBelow16(Value value) const {
  const IrInst def = ctx_->DefInst(value);
  if (def.is_none()) return false;
  const InstData& data = ctx_->data(def);
  if (data.opcode() == Opcode::kVshrU && data.type() == Type::kI8X16) {
    const std::optional<uint64_t> amount = ctx_->IntConstant(data.arg(1));
    return amount.has_value() && *amount % 8 >= 4;
  }
  if (data.opcode() != Opcode::kVand) return false;
  for (Value operand : data.args()) {
    const std::optional<Bits128> mask = VectorConstant(operand);
    constexpr uint64_t kHighHalves = 0xF0F0F0F0F0F0F0F0;
    if (mask.has_value() && (((*mask)[0] | (*mask)[1]) & kHighHalves) == 0) return true;
  }
  return false;
}

void X64Lowering::LowerVectorSwizzle(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const bool masked = data.opcode() == Opcode::kVswizzleMasked;
  const Value index = data.arg(1);
  if (const std::optional<Bits128> constant = VectorConstant(index)) {
    ShuffleBytes lanes;
    for (int i = 0; i < 16; ++i) {
      const uint8_t byte = static_cast<uint8_t>((*constant)[i / 8] >> (8 * (i % 8)));
      const bool zero = masked ? byte >= 0x80 : byte > 15;
      lanes[i] = zero ? kZeroLane : static_cast<int8_t>(byte & 15);
    }
    ShuffleOne(VecReg(data.arg(0)), lanes, result);
    return;
  }
  const VReg table = VecReg(data.arg(0));
  if (masked || BytesBelow16(index)) {
    const VectorRm control = VectorRmOf(index);
    Vec(SseRvmOp::kPshufb, table, control, result);
    return;
  }
  // From 16 on the sum has the top bit, on which the instruction gives zero.
  const VReg control = Vec(SseRvmOp::kPaddusb, VecReg(index), SplatBits(0x70, 8));
  Vec(SseRvmOp::kPshufb, table, control, result);
}

}  // namespace gantry::x64
