// Lowering of shifts and rotations of vectors.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;

namespace {

struct Shifts {
  SseShiftImmOp imm;
  SseRvmOp variable;
};

// Of lanes of 16 to 64 bits; of 64-bit ones not the signed shift to the right.
Shifts ShiftsOf(Opcode opcode, uint32_t lane_bits) {
  constexpr Shifts kLeft[] = {{SseShiftImmOp::kPsllw, SseRvmOp::kPsllw},
                              {SseShiftImmOp::kPslld, SseRvmOp::kPslld},
                              {SseShiftImmOp::kPsllq, SseRvmOp::kPsllq}};
  constexpr Shifts kRight[] = {{SseShiftImmOp::kPsrlw, SseRvmOp::kPsrlw},
                               {SseShiftImmOp::kPsrld, SseRvmOp::kPsrld},
                               {SseShiftImmOp::kPsrlq, SseRvmOp::kPsrlq}};
  constexpr Shifts kSigned[] = {{SseShiftImmOp::kPsraw, SseRvmOp::kPsraw},
                                {SseShiftImmOp::kPsrad, SseRvmOp::kPsrad}};
  const int index = lane_bits == 16 ? 0 : lane_bits == 32 ? 1 : 2;
  switch (opcode) {
    case Opcode::kVshl:
      return kLeft[index];
    case Opcode::kVshrU:
      return kRight[index];
    default:
      return kSigned[index];
  }
}

}  // namespace

void X64Lowering::LowerVectorShift(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  const uint32_t lane_bits = codegen::LaneBits(data.type());
  const bool is_bytes = lane_bits == 8;
  const VReg value = VecReg(data.arg(0));
  if (const std::optional<uint64_t> constant = ctx_->IntConstant(data.arg(1))) {
    const uint8_t amount = static_cast<uint8_t>(*constant % lane_bits);
    if (amount == 0) {
      MoveVector(value, result);
    } else if (is_bytes) {
      ShiftBytesConstant(result, value, data.opcode(), amount);
    } else {
      ShiftConstant(result, value, data.type(), data.opcode(), amount);
    }
    return;
  }
  const VReg amount = Low32(data.arg(1));
  if (is_bytes) {
    ShiftBytesVariable(result, value, data.opcode(), amount);
  } else {
    ShiftVariable(result, value, data.type(), data.opcode(), amount);
  }
}

void X64Lowering::ShiftConstant(VReg result, VReg value, Type shape, Opcode op, uint8_t amount) {
  if (op != Opcode::kVshrS || shape != Type::kI64X2) {
    Vec(ShiftsOf(op, codegen::LaneBits(shape)).imm, value, amount, result);
    return;
  }
  if (has_avx512()) {
    Vec(EvexShiftImmOp::kVpsraq, value, amount, result);
    return;
  }
  if (amount == 63 && flags_.has_sse42()) {
    const VReg zero = Zero();
    Vec(SseRvmOp::kPcmpgtq, zero, value, result);
    return;
  }
  // The high halves by signed shifts of 32 bits, and the low halves by a shift of 64 bits; from 32
  // on (lessons row 10) these are what was shifted out of the high halves.
  VReg low;
  VReg high;
  if (amount < 32) {
    low = Vec(SseShiftImmOp::kPsrlq, value, amount);
    high = Vec(SseShiftImmOp::kPsrad, value, amount);
  } else {
    const VReg shifted =
        amount == 32 ? value : Vec(SseShiftImmOp::kPsrad, value, static_cast<uint8_t>(amount - 32));
    low = Vec(SseRmImmOp::kPshufd, shifted, 0xF5);
    high = Vec(SseShiftImmOp::kPsrad, value, 31);
  }
  Vec(SseRvmImmOp::kPblendw, low, high, 0xCC, result);
}

// Words are shifted, and what came from the neighbour is masked away.
void X64Lowering::ShiftBytesConstant(VReg result, VReg value, Opcode op, uint8_t amount) {
  if (op == Opcode::kVshl) {
    if (amount == 1) {
      Vec(SseRvmOp::kPaddb, value, value, result);
      return;
    }
    const VReg shifted = Vec(SseShiftImmOp::kPsllw, value, amount);
    Vec(SseRvmOp::kPand, shifted, SplatBits(0xFFu << amount, 8), result);
    return;
  }
  if (op == Opcode::kVshrS && amount == 7) {
    const VReg zero = Zero();
    Vec(SseRvmOp::kPcmpgtb, zero, value, result);
    return;
  }
  const VReg shifted = Vec(SseShiftImmOp::kPsrlw, value, amount);
  const Bits128 kept = SplatBits(0xFFu >> amount, 8);
  if (op == Opcode::kVshrU) {
    Vec(SseRvmOp::kPand, shifted, kept, result);
    return;
  }
  // (x ^ sign) - sign extends the sign to the left.
  const Bits128 sign_bits = SplatBits(0x80u >> amount, 8);
  const VReg sign = VectorConstantReg(sign_bits);
  VReg flipped;
  if (has_avx512()) {
    flipped = Ternlog(0x6C, shifted, sign, kept);  // (shifted & kept) ^ sign
  } else {
    const VReg masked = Vec(SseRvmOp::kPand, shifted, kept);
    flipped = Vec(SseRvmOp::kPxor, masked, sign);
  }
  Vec(SseRvmOp::kPsubb, flipped, sign, result);
}

X64Lowering::VReg X64Lowering::ShiftCount(VReg amount, uint32_t lane_bits, int32_t add) {
  VReg count = EmitAluImmediate(AluKind::kAnd, amount, static_cast<int32_t>(lane_bits - 1), 4);
  if (add != 0) count = EmitAluImmediate(AluKind::kAdd, count, add, 4);
  const VReg vector = NewVector();
  Builder move(Op::kMoveToFloat, 4);
  move.UseAny(count);
  Emit(move.Def(vector));
  return vector;
}

void X64Lowering::ShiftVariable(VReg result, VReg value, Type shape, Opcode op, VReg amount) {
  const uint32_t lane_bits = codegen::LaneBits(shape);
  const VReg count = ShiftCount(amount, lane_bits, 0);
  if (op != Opcode::kVshrS || shape != Type::kI64X2) {
    Vec(ShiftsOf(op, lane_bits).variable, value, count, result);
    return;
  }
  if (has_avx512()) {
    Vec(EvexRvmOp::kVpsraq, value, count, result);
    return;
  }
  const VReg signs = VectorConstantReg(SplatBits(uint64_t{1} << 63, 64));
  const VReg sign = Vec(SseRvmOp::kPsrlq, signs, count);
  const VReg shifted = Vec(SseRvmOp::kPsrlq, value, count);
  const VReg flipped = Vec(SseRvmOp::kPxor, shifted, sign);
  Vec(SseRvmOp::kPsubq, flipped, sign, result);
}

void X64Lowering::ShiftBytesVariable(VReg result, VReg value, Opcode op, VReg amount) {
  if (op == Opcode::kVshrS) {
    // In the upper halves of words.
    const VReg count = ShiftCount(amount, 8, 8);
    const VReg low = Vec(SseRvmOp::kPunpcklbw, value, value);
    const VReg high = Vec(SseRvmOp::kPunpckhbw, value, value);
    const VReg shifted_low = Vec(SseRvmOp::kPsraw, low, count);
    const VReg shifted_high = Vec(SseRvmOp::kPsraw, high, count);
    Vec(SseRvmOp::kPacksswb, shifted_low, shifted_high, result);
    return;
  }
  // The bits that stay within their byte: 0xFF >> amount in all bytes.
  const VReg count = ShiftCount(amount, 8, 0);
  const VReg bytes = VectorConstantReg(SplatBits(0xFF, 16));
  const VReg words = Vec(SseRvmOp::kPsrlw, bytes, count);
  const VReg mask = Vec(SseRvmOp::kPackuswb, words, words);
  if (op == Opcode::kVshl) {
    const VReg kept = Vec(SseRvmOp::kPand, value, mask);
    Vec(SseRvmOp::kPsllw, kept, count, result);
    return;
  }
  const VReg shifted = Vec(SseRvmOp::kPsrlw, value, count);
  Vec(SseRvmOp::kPand, shifted, mask, result);
}

// (x << c) | (x >>u w - c), of lanes of 32 or 64 bits: by an instruction with AVX-512, by bytes
// where c is a multiple of 8, by words where it is 16.
bool X64Lowering::LowerVectorRotate(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  for (int i = 0; i < 2; ++i) {
    const IrInst left = ctx_->DefInst(data.arg(i), Opcode::kVshl);
    const IrInst right = ctx_->DefInst(data.arg(1 - i), Opcode::kVshrU);
    if (left.is_none() || right.is_none()) continue;
    const InstData& left_data = ctx_->data(left);
    const InstData& right_data = ctx_->data(right);
    const uint32_t bits = codegen::LaneBits(left_data.type());
    const std::optional<uint64_t> left_amount = ctx_->IntConstant(left_data.arg(1));
    const std::optional<uint64_t> right_amount = ctx_->IntConstant(right_data.arg(1));
    if (left_data.type() != right_data.type() || !left_amount.has_value() ||
        !right_amount.has_value() || !ctx_->IsSame(left_data.arg(0), right_data.arg(0))) {
      return false;
    }
    const uint32_t amount = static_cast<uint32_t>(*left_amount % bits);
    if (amount == 0 || (amount + *right_amount) % bits != 0) return false;
    const VReg result = ctx_->Result(inst);
    if (bits >= 32 && has_avx512()) {
      const VReg value = VecReg(left_data.arg(0));
      Vec(bits == 32 ? EvexShiftImmOp::kVprold : EvexShiftImmOp::kVprolq, value,
          static_cast<uint8_t>(amount), result);
      return true;
    }
    if (amount % 8 != 0) return false;
    // Byte k of a lane comes from byte k - amount / 8.
    ShuffleBytes lanes;
    const int bytes = static_cast<int>(bits / 8);
    for (int k = 0; k < 16; ++k) {
      const int within = (k + bytes - static_cast<int>(amount / 8)) % bytes;
      lanes[k] = static_cast<int8_t>(k / bytes * bytes + within);
    }
    ShuffleOne(VecReg(left_data.arg(0)), lanes, result);
    return true;
  }
  return false;
}

}  // namespace gantry::x64
