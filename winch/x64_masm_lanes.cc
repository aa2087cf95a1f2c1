// Vectors: shifts, lanes, shuffles, and their memory.
#include "base/check.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

using wasm::Opcode;
using x64::SseRvmOp;
using x64::SseShiftImmOp;
using x64::Width;
using x64::Xmm;
using x64::xmm15;

namespace {

// pshufb's control where the lane is from one operand: from `first` on; others become zero.
void ControlOf(const std::array<uint8_t, 16>& lanes, uint8_t first, uint64_t (&control)[2]) {
  control[0] = control[1] = 0;
  for (int i = 0; i < 16; ++i) {
    const int lane = lanes[i] - first;
    const uint64_t byte = lane >= 0 && lane < 16 ? static_cast<uint64_t>(lane) : 0x80;
    control[i / 8] |= byte << (8 * (i % 8));
  }
}

// What an operator shifts: the logarithm of the lanes' bytes, and which way.
struct ShiftShape {
  int lane;
  ShiftOp direction;
};
ShiftShape ShapeOf(Opcode op) {
  switch (op) {
    case Opcode::kI8x16Shl:
      return {0, ShiftOp::kShl};
    case Opcode::kI8x16ShrS:
      return {0, ShiftOp::kShrS};
    case Opcode::kI8x16ShrU:
      return {0, ShiftOp::kShrU};
    case Opcode::kI16x8Shl:
      return {1, ShiftOp::kShl};
    case Opcode::kI16x8ShrS:
      return {1, ShiftOp::kShrS};
    case Opcode::kI16x8ShrU:
      return {1, ShiftOp::kShrU};
    case Opcode::kI32x4Shl:
      return {2, ShiftOp::kShl};
    case Opcode::kI32x4ShrS:
      return {2, ShiftOp::kShrS};
    case Opcode::kI32x4ShrU:
      return {2, ShiftOp::kShrU};
    case Opcode::kI64x2Shl:
      return {3, ShiftOp::kShl};
    case Opcode::kI64x2ShrS:
      return {3, ShiftOp::kShrS};
    default:
      return {3, ShiftOp::kShrU};
  }
}

constexpr SseRvmOp kVariable[4][3] = {
    {SseRvmOp::kPsllw, SseRvmOp::kPsraw, SseRvmOp::kPsrlw},
    {SseRvmOp::kPsllw, SseRvmOp::kPsraw, SseRvmOp::kPsrlw},
    {SseRvmOp::kPslld, SseRvmOp::kPsrad, SseRvmOp::kPsrld},
    {SseRvmOp::kPsllq, SseRvmOp::kPsrlq, SseRvmOp::kPsrlq},
};
constexpr SseShiftImmOp kConstant[4][3] = {
    {SseShiftImmOp::kPsllw, SseShiftImmOp::kPsraw, SseShiftImmOp::kPsrlw},
    {SseShiftImmOp::kPsllw, SseShiftImmOp::kPsraw, SseShiftImmOp::kPsrlw},
    {SseShiftImmOp::kPslld, SseShiftImmOp::kPsrad, SseShiftImmOp::kPsrld},
    {SseShiftImmOp::kPsllq, SseShiftImmOp::kPsrlq, SseShiftImmOp::kPsrlq},
};

}  // namespace

void X64Masm::VectorShift(Opcode op, Reg to_reg, Reg a_reg, Reg amount, Reg temp1_reg,
                          Reg temp2_reg) {
  const ShiftShape shape = ShapeOf(op);
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm temp1 = X(temp1_reg);
  const Xmm temp2 = X(temp2_reg);
  const SseRvmOp shift = kVariable[shape.lane][static_cast<int>(shape.direction)];
  as_.alu(x64::AluOp::kAnd, Width::k32, G(amount), (8 << shape.lane) - 1);
  if (shape.lane == 0 && shape.direction == ShiftOp::kShrS) {
    // In the upper halves of words.
    as_.alu(x64::AluOp::kAdd, Width::k32, G(amount), 8);
    as_.movd(xmm15, G32(amount));
    as_.movaps(temp1, a);
    as_.punpckhbw(temp1, a);
    as_.psraw(temp1, xmm15);
    MoveVector(to, a);
    as_.punpcklbw(to, to);
    as_.psraw(to, xmm15);
    return as_.packsswb(to, temp1);
  }
  as_.movd(xmm15, G32(amount));
  if (shape.lane == 0) {
    // The bits that stay within their byte: 0xFF >> amount in all bytes.
    as_.movaps(temp1, Splat16(0xFF));
    as_.psrlw(temp1, xmm15);
    as_.packuswb(temp1, temp1);
    MoveVector(to, a);
    if (shape.direction == ShiftOp::kShl) {
      as_.pand(to, temp1);
      return as_.psllw(to, xmm15);
    }
    as_.psrlw(to, xmm15);
    return as_.pand(to, temp1);
  }
  if (shape.lane == 3 && shape.direction == ShiftOp::kShrS) {
    // The sign bit travels along, and is extended from where it arrives.
    as_.movaps(temp2, Splat64(uint64_t{1} << 63));
    as_.psrlq(temp2, xmm15);
    MoveVector(to, a);
    as_.psrlq(to, xmm15);
    as_.pxor(to, temp2);
    return as_.psubq(to, temp2);
  }
  MoveVector(to, a);
  as_.sse(shift, to, xmm15);
}

void X64Masm::VectorShiftImmediate(Opcode op, Reg to_reg, Reg a_reg, uint8_t amount, Reg temp_reg) {
  const ShiftShape shape = ShapeOf(op);
  const Xmm to = X(to_reg);
  const Xmm a = X(a_reg);
  const Xmm temp = X(temp_reg);
  amount &= static_cast<uint8_t>((8 << shape.lane) - 1);
  if (amount == 0) return MoveVector(to, a);
  const SseShiftImmOp shift = kConstant[shape.lane][static_cast<int>(shape.direction)];
  if (shape.lane == 0) {
    MoveVector(to, a);
    if (shape.direction == ShiftOp::kShl) {
      as_.psllw(to, amount);
      return as_.pand(to, Splat8(static_cast<uint8_t>(0xFF << amount)));
    }
    as_.psrlw(to, amount);
    as_.pand(to, Splat8(static_cast<uint8_t>(0xFF >> amount)));
    if (shape.direction == ShiftOp::kShrU) return;
    // (x ^ sign) - sign extends the sign to the left.
    as_.movaps(temp, Splat8(static_cast<uint8_t>(0x80 >> amount)));
    as_.pxor(to, temp);
    return as_.psubb(to, temp);
  }
  if (shape.lane == 3 && shape.direction == ShiftOp::kShrS) {
    // By the sign bit where it arrives (lessons row 10: amounts over 32 are no other case).
    MoveVector(to, a);
    as_.psrlq(to, amount);
    as_.movaps(temp, Splat64(uint64_t{1} << (63 - amount)));
    as_.pxor(to, temp);
    return as_.psubq(to, temp);
  }
  MoveVector(to, a);
  as_.sse(shift, to, amount);
}

void X64Masm::Splat(Opcode op, Reg to_reg, Reg from) {
  const Xmm to = X(to_reg);
  switch (op) {
    case Opcode::kI8x16Splat:
      as_.movd(to, G32(from));
      as_.pxor(xmm15, xmm15);
      return as_.pshufb(to, xmm15);
    case Opcode::kI16x8Splat:
      as_.movd(to, G32(from));
      as_.pshuflw(to, to, 0);
      return as_.pshufd(to, to, 0);
    case Opcode::kI32x4Splat:
      as_.movd(to, G32(from));
      return as_.pshufd(to, to, 0);
    case Opcode::kI64x2Splat:
      as_.movq(to, G64(from));
      return as_.punpcklqdq(to, to);
    case Opcode::kF32x4Splat:
      return as_.pshufd(to, X(from), 0);
    case Opcode::kF64x2Splat:
      return as_.movddup(to, X(from));
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::ExtractLane(Opcode op, Reg to, Reg vector, uint8_t lane) {
  switch (op) {
    case Opcode::kI8x16ExtractLaneS:
      as_.pextrb(G32(to), X(vector), lane);
      return as_.movsx(Width::k32, G(to), Width::k8, G(to));
    case Opcode::kI8x16ExtractLaneU:
      return as_.pextrb(G32(to), X(vector), lane);
    case Opcode::kI16x8ExtractLaneS:
      as_.pextrw(G32(to), X(vector), lane);
      return as_.movsx(Width::k32, G(to), Width::k16, G(to));
    case Opcode::kI16x8ExtractLaneU:
      return as_.pextrw(G32(to), X(vector), lane);
    case Opcode::kI32x4ExtractLane:
      return as_.pextrd(G32(to), X(vector), lane);
    case Opcode::kI64x2ExtractLane:
      return as_.pextrq(G64(to), X(vector), lane);
    case Opcode::kF32x4ExtractLane:
      return as_.pshufd(X(to), X(vector), lane);
    case Opcode::kF64x2ExtractLane:
      return as_.pshufd(X(to), X(vector), lane == 0 ? 0x44 : 0xEE);
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::ReplaceLane(Opcode op, Reg to_reg, Reg vector, Reg value, uint8_t lane) {
  const Xmm to = X(to_reg);
  MoveVector(to, X(vector));
  switch (op) {
    case Opcode::kI8x16ReplaceLane:
      return as_.pinsrb(to, G32(value), lane);
    case Opcode::kI16x8ReplaceLane:
      return as_.pinsrw(to, G32(value), lane);
    case Opcode::kI32x4ReplaceLane:
      return as_.pinsrd(to, G32(value), lane);
    case Opcode::kI64x2ReplaceLane:
      return as_.pinsrq(to, G64(value), lane);
    case Opcode::kF32x4ReplaceLane:
      return as_.insertps(to, X(value), static_cast<uint8_t>(lane << 4));
    case Opcode::kF64x2ReplaceLane:
      if (lane == 0) return as_.blendpd(to, X(value), 1);
      return as_.unpcklpd(to, X(value));
    default:
      UNREACHABLE() << op;
  }
}

void X64Masm::Shuffle(Reg to_reg, Reg a, Reg b, const std::array<uint8_t, 16>& lanes) {
  const Xmm to = X(to_reg);
  bool uses_a = false;
  bool uses_b = false;
  std::array<uint8_t, 16> selected = lanes;
  for (uint8_t& lane : selected) {
    // Of a vector with itself lane 16 is lane 0 (lessons row 9).
    if (a == b) lane &= 15;
    (lane < 16 ? uses_a : uses_b) = true;
  }
  uint64_t control[2];
  if (!uses_a || !uses_b) {
    ControlOf(selected, uses_a ? 0 : 16, control);
    MoveVector(to, X(uses_a ? a : b));
    return as_.pshufb(to, Constant128(control[0], control[1]));
  }
  ControlOf(selected, 16, control);
  as_.movaps(xmm15, X(b));
  as_.pshufb(xmm15, Constant128(control[0], control[1]));
  ControlOf(selected, 0, control);
  MoveVector(to, X(a));
  as_.pshufb(to, Constant128(control[0], control[1]));
  as_.por(to, xmm15);
}

void X64Masm::LoadLane(Opcode op, Reg to_reg, const MemOperand& from, uint8_t lane) {
  const Xmm to = X(to_reg);
  const x64::Address address = Access(from);
  switch (op) {
    case Opcode::kV128Load8Lane:
      return as_.pinsrb(to, x64::Mem8(address), lane);
    case Opcode::kV128Load16Lane:
      return as_.pinsrw(to, x64::Mem16(address), lane);
    case Opcode::kV128Load32Lane:
      return as_.pinsrd(to, x64::Mem32(address), lane);
    default:
      return as_.pinsrq(to, x64::Mem64(address), lane);
  }
}

void X64Masm::StoreLane(Opcode op, const MemOperand& to, Reg vector, uint8_t lane) {
  const x64::Address address = Access(to);
  switch (op) {
    case Opcode::kV128Store8Lane:
      return as_.pextrb(x64::Mem8(address), X(vector), lane);
    case Opcode::kV128Store16Lane:
      return as_.pextrw(x64::Mem16(address), X(vector), lane);
    case Opcode::kV128Store32Lane:
      return as_.pextrd(x64::Mem32(address), X(vector), lane);
    default:
      return as_.pextrq(x64::Mem64(address), X(vector), lane);
  }
}

}  // namespace gantry::winch
