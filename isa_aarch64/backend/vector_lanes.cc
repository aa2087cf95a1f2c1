// Lowering of vectors: lanes, shuffles, and what is told of a whole vector.
#include <array>
#include <bit>

#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/backend/lowering.h"

namespace gantry::aarch64 {

using codegen::Opcode;

namespace {

using Lanes = std::array<uint8_t, 16>;

uint32_t LaneLog2(codegen::Type shape) {
  return static_cast<uint32_t>(std::countr_zero(codegen::LaneBits(shape) / 8));
}

// The bytes that a permutation of lanes of 1 << `log2` bytes takes of x and y behind each other,
// lane i of the result being `lane(i)`.
template <typename Lane>
Lanes BytesOf(uint32_t log2, Lane&& lane) {
  Lanes bytes{};
  const uint32_t size = 1u << log2;
  for (uint32_t i = 0; i < 16; ++i) {
    bytes[i] = static_cast<uint8_t>(lane(i / size) * size + i % size);
  }
  return bytes;
}

struct Permutation {
  Row row;
  Lanes bytes;
};

// The instructions of two operands that permute lanes.
std::array<Permutation, 24> Permutations() {
  std::array<Permutation, 24> all;
  size_t next = 0;
  for (uint32_t log2 = 0; log2 < 4; ++log2) {
    const uint32_t count = 16u >> log2;
    all[next++] = {Row::kVUzp116B + log2, BytesOf(log2, [](uint32_t i) { return 2 * i; })};
    all[next++] = {Row::kVUzp216B + log2, BytesOf(log2, [](uint32_t i) { return 2 * i + 1; })};
    all[next++] = {Row::kVTrn116B + log2,
                   BytesOf(log2, [=](uint32_t i) { return (i & ~1u) + (i % 2 != 0 ? count : 0); })};
    all[next++] = {Row::kVTrn216B + log2,
                   BytesOf(log2, [=](uint32_t i) { return (i | 1u) + (i % 2 != 0 ? count : 0); })};
    all[next++] = {Row::kVZip116B + log2,
                   BytesOf(log2, [=](uint32_t i) { return i / 2 + (i % 2 != 0 ? count : 0); })};
    all[next++] = {Row::kVZip216B + log2, BytesOf(log2, [=](uint32_t i) {
                     return count / 2 + i / 2 + (i % 2 != 0 ? count : 0);
                   })};
  }
  return all;
}

struct Reversal {
  Row row;
  uint32_t log2;   // Of a lane's bytes.
  uint32_t lanes;  // That are reversed together.
};
constexpr Reversal kReversals[] = {{Row::kVRev64_16B, 0, 8}, {Row::kVRev64_8H, 1, 4},
                                   {Row::kVRev64_4S, 2, 2},  {Row::kVRev32_16B, 0, 4},
                                   {Row::kVRev32_8H, 1, 2},  {Row::kVRev16_16B, 0, 2}};

// Equal where both are of one operand.
bool IsSame(const Lanes& a, const Lanes& b, bool one_operand) {
  for (int i = 0; i < 16; ++i) {
    const uint8_t difference = a[i] ^ b[i];
    if ((one_operand ? difference & 15 : difference) != 0) return false;
  }
  return true;
}

}  // namespace

AArch64Lowering::VReg AArch64Lowering::EmitAnyTrue(VReg vector) {
  return IntRow(Row::kFmovXD, {VecRow(Row::kVUmaxp4S, {vector, vector})});
}

AArch64Lowering::Compare AArch64Lowering::MatchVectorTest(IrInst test) {
  const InstData& data = ctx_->data(test);
  const VReg vector = VecReg(data.arg(0));
  Compare result;
  if (data.opcode() == Opcode::kVanyTrue) {
    result.n = EmitAnyTrue(vector);
    return result;
  }
  if (data.type() == Type::kI64X2) {
    // No lane that is zero.
    result.n = EmitAnyTrue(VecRow(Row::kVCmeqZero2D, {vector}));
    result.cc = Cond::kEq;
    return result;
  }
  result.size = 4;
  result.n = IntRow(Row::kFmovWS, {VecRow(Row::kVUminv16B + LaneLog2(data.type()), {vector})});
  return result;
}

void AArch64Lowering::LowerVectorBitmask(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg vector = VecReg(data.arg(0));
  const VReg result = ctx_->Result(inst);
  switch (data.type()) {
    case Type::kI8X16: {
      // A bit of its own for each byte of a half; both halves' side by side are summed as 16 bits.
      VReg bits = VecRow(Row::kVCmltZero16B, {vector});
      bits =
          VecRow(Row::kVAnd, {bits, VectorConstantReg({0x8040201008040201, 0x8040201008040201})});
      const VReg high = VecRow(Row::kVExt, {bits, bits}, 8u << 11);
      const VReg pairs = VecRow(Row::kVZip116B, {bits, high});
      return EmitRow(Row::kVUmovH, result, {VecRow(Row::kVAddv8H, {pairs})}, LaneBits(1, 0));
    }
    case Type::kI16X8: {
      VReg bits = VecRow(Row::kVCmltZero8H, {vector});
      bits =
          VecRow(Row::kVAnd, {bits, VectorConstantReg({0x0008000400020001, 0x0080004000200010})});
      return EmitRow(Row::kVUmovH, result, {VecRow(Row::kVAddv8H, {bits})}, LaneBits(1, 0));
    }
    case Type::kI32X4: {
      VReg bits = VecRow(Row::kVCmltZero4S, {vector});
      bits =
          VecRow(Row::kVAnd, {bits, VectorConstantReg({0x0000000200000001, 0x0000000800000004})});
      return EmitRow(Row::kFmovWS, result, {VecRow(Row::kVAddv4S, {bits})});
    }
    default: {
      const VReg low = IntRow(Row::kUbfmX, {IntRow(Row::kVUmovD, {vector}, LaneBits(3, 0))},
                              BitfieldBits(63, 63));
      const VReg high = IntRow(Row::kUbfmX, {IntRow(Row::kVUmovD, {vector}, LaneBits(3, 1))},
                               BitfieldBits(63, 63));
      return EmitRow(Row::kAddW, result, {low, high}, ShiftBits(ShiftOp::kLsl, 1));
    }
  }
}

void AArch64Lowering::LowerVectorSplat(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  if (const auto constant = VectorConstant(ctx_->dfg().result(inst))) {
    return EmitVectorConstant(*constant, result);
  }
  const uint32_t log2 = LaneLog2(data.type());
  switch (data.type()) {
    case Type::kF32X4:
    case Type::kF64X2:
      return EmitRow(Row::kVDup16B + log2, result, {ctx_->Reg(data.arg(0))}, LaneBits(log2, 0));
    case Type::kI64X2:
      return EmitRow(Row::kVDupGpr2D, result, {ctx_->Reg(data.arg(0))});
    default:
      return EmitRow(Row::kVDupGpr16B + log2, result, {Low32(data.arg(0))});
  }
}

// All else becomes zero.
void AArch64Lowering::LowerVectorScalar(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  switch (data.type()) {
    case Type::kI32X4:
      return EmitRow(Row::kFmovSW, result, {Low32(data.arg(0))});
    case Type::kI64X2:
      return EmitRow(Row::kFmovDX, result, {ctx_->Reg(data.arg(0))});
    case Type::kF32X4:
      return EmitRow(Row::kFmovS, result, {ctx_->Reg(data.arg(0))});
    default:
      return EmitRow(Row::kFmovD, result, {ctx_->Reg(data.arg(0))});
  }
}

void AArch64Lowering::LowerVectorExtract(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const VReg vector = VecReg(data.arg(0));
  const uint32_t log2 = LaneLog2(data.type());
  const uint32_t bits = LaneBits(log2, data.lane());
  if (data.opcode() == Opcode::kVextractS) {
    return EmitRow(Row::kVSmovB + log2, result, {vector}, bits);
  }
  const bool is_float = data.type() == Type::kF32X4 || data.type() == Type::kF64X2;
  if (!is_float) return EmitRow(Row::kVUmovB + log2, result, {vector}, bits);
  // What a register has above a float does not count.
  if (data.lane() == 0) return EmitMove(result, vector);
  EmitRow(log2 == 2 ? Row::kVMovS : Row::kVMovD, result, {vector}, bits);
}

void AArch64Lowering::LowerVectorReplace(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const uint32_t log2 = LaneLog2(data.type());
  const uint32_t bits = LaneBits(log2, data.lane());
  const VReg vector = VecReg(data.arg(0));
  Row row = Row::kVInsGprB + log2;
  if (data.type() == Type::kF32X4) row = Row::kVInsS;
  if (data.type() == Type::kF64X2) row = Row::kVInsD;
  const bool low = codegen::IsInt(ctx_->type(data.arg(1))) && log2 < 3;
  const VReg lane = low ? Low32(data.arg(1)) : ctx_->Reg(data.arg(1));
  EmitRow(row, ctx_->Result(inst), {vector, lane}, bits);
}

void AArch64Lowering::LowerVectorShuffle(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const codegen::ShuffleLanes of = data.shuffle_lanes();
  Lanes lanes;
  std::copy(of.begin(), of.end(), lanes.begin());
  Value x = data.arg(0), y = data.arg(1);
  const VReg result = ctx_->Result(inst);
  bool from_x = false, from_y = false;
  for (uint8_t lane : lanes) (lane < 16 ? from_x : from_y) = true;
  if (!from_x) {
    x = y;
    for (uint8_t& lane : lanes) lane &= 15;
  }
  const bool one = !from_x || !from_y || ctx_->IsSame(x, y);
  if (one) {
    for (uint8_t& lane : lanes) lane &= 15;
  }
  const VReg a = VecReg(x);
  if (one) {
    if (IsSame(lanes, BytesOf(0, [](uint32_t i) { return i; }), true)) return EmitMove(result, a);
    for (uint32_t log2 = 0; log2 < 4; ++log2) {
      const uint32_t lane = lanes[0] >> log2;
      if (IsSame(lanes, BytesOf(log2, [=](uint32_t) { return lane; }), true)) {
        return EmitRow(Row::kVDup16B + log2, result, {a}, LaneBits(log2, lane));
      }
    }
    for (const Reversal& reversal : kReversals) {
      const auto reversed = [&](uint32_t i) { return i ^ (reversal.lanes - 1); };
      if (IsSame(lanes, BytesOf(reversal.log2, reversed), true)) {
        return EmitRow(reversal.row, result, {a});
      }
    }
  }
  const VReg b = one ? a : VecReg(y);
  // Bytes behind each other, from some place on.
  const uint32_t first = lanes[0];
  if (IsSame(lanes, BytesOf(0, [=](uint32_t i) { return (first + i) % 32; }), one)) {
    const bool turned = first >= 16;
    return EmitRow(Row::kVExt, result, {turned ? b : a, turned ? a : b}, (first & 15) << 11);
  }
  static const std::array<Permutation, 24> permutations = Permutations();
  for (const Permutation& permutation : permutations) {
    if (IsSame(lanes, permutation.bytes, one)) return EmitRow(permutation.row, result, {a, b});
    Lanes exchanged = permutation.bytes;
    for (uint8_t& lane : exchanged) lane ^= 16;
    if (!one && IsSame(lanes, exchanged, false)) return EmitRow(permutation.row, result, {b, a});
  }
  Bits128 bits = {0, 0};
  for (int i = 0; i < 16; ++i) bits[i / 8] |= uint64_t{lanes[i]} << (8 * (i % 8));
  const VReg table = VectorConstantReg(bits);
  if (one) return EmitRow(Row::kVTbl1, result, {a, table});
  Builder builder(Op::kTbl2, 16);
  builder.UseFixed(a, VectorReg(29)).UseFixed(b, VectorReg(30)).Use(table);
  Emit(builder.Def(result));
}

}  // namespace gantry::aarch64
