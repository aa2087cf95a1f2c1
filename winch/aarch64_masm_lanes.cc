// Vectors: shifts, lanes, shuffles, and their memory.
#include "base/check.h"
#include "isa_aarch64/asm/immediates.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

using aarch64::MemOp;
using aarch64::Row;
using wasm::Opcode;

namespace {

// What an operator shifts: the logarithm of the lanes' bytes, and which way.
struct ShiftShape {
  uint32_t lane;
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

}  // namespace

// The machine shifts by signed bytes, to the right if they are negative.
void AArch64Masm::VectorShift(Opcode op, Reg to, Reg a, Reg amount, Reg, Reg) {
  Begin();
  const ShiftShape shape = ShapeOf(op);
  RR(Row::kAndImmW, kS1, E(amount), aarch64::LogicalBits((8u << shape.lane) - 1, 32).value());
  if (shape.direction != ShiftOp::kShl) RR(Row::kNegX, kS1, kS1);
  RR(Row::kVDupGpr16B + shape.lane, kV1, kS1);
  const Row row = shape.direction == ShiftOp::kShrS ? Row::kVSshl16B : Row::kVUshl16B;
  RRR(row + shape.lane, E(to), E(a), kV1);
}

void AArch64Masm::VectorShiftImmediate(Opcode op, Reg to, Reg a, uint8_t amount, Reg) {
  Begin();
  const ShiftShape shape = ShapeOf(op);
  const uint32_t lane = 8u << shape.lane;
  amount &= static_cast<uint8_t>(lane - 1);
  if (amount == 0) return MoveV(E(to), E(a));
  if (shape.direction == ShiftOp::kShl) {
    return RR(Row::kVShl16B + shape.lane, E(to), E(a), aarch64::ShiftLeftBits(lane, amount));
  }
  const Row row = shape.direction == ShiftOp::kShrS ? Row::kVSshr16B : Row::kVUshr16B;
  RR(row + shape.lane, E(to), E(a), aarch64::ShiftRightBits(lane, amount));
}

void AArch64Masm::Splat(Opcode op, Reg to, Reg from) {
  Begin();
  switch (op) {
    case Opcode::kI8x16Splat:
      return RR(Row::kVDupGpr16B, E(to), E(from));
    case Opcode::kI16x8Splat:
      return RR(Row::kVDupGpr8H, E(to), E(from));
    case Opcode::kI32x4Splat:
      return RR(Row::kVDupGpr4S, E(to), E(from));
    case Opcode::kI64x2Splat:
      return RR(Row::kVDupGpr2D, E(to), E(from));
    case Opcode::kF32x4Splat:
      return RR(Row::kVDup4S, E(to), E(from), aarch64::LaneBits(2, 0));
    case Opcode::kF64x2Splat:
      return RR(Row::kVDup2D, E(to), E(from), aarch64::LaneBits(3, 0));
    default:
      UNREACHABLE() << op;
  }
}

void AArch64Masm::ExtractLane(Opcode op, Reg to, Reg vector, uint8_t lane) {
  Begin();
  const auto extract = [&](Row row, uint32_t log2) {
    RR(row, E(to), E(vector), aarch64::LaneBits(log2, lane));
  };
  switch (op) {
    case Opcode::kI8x16ExtractLaneS:
      return extract(Row::kVSmovB, 0);
    case Opcode::kI8x16ExtractLaneU:
      return extract(Row::kVUmovB, 0);
    case Opcode::kI16x8ExtractLaneS:
      return extract(Row::kVSmovH, 1);
    case Opcode::kI16x8ExtractLaneU:
      return extract(Row::kVUmovH, 1);
    case Opcode::kI32x4ExtractLane:
      return extract(Row::kVUmovS, 2);
    case Opcode::kI64x2ExtractLane:
      return extract(Row::kVUmovD, 3);
    case Opcode::kF32x4ExtractLane:
      return extract(Row::kVMovS, 2);
    case Opcode::kF64x2ExtractLane:
      return extract(Row::kVMovD, 3);
    default:
      UNREACHABLE() << op;
  }
}

void AArch64Masm::ReplaceLane(Opcode op, Reg to, Reg vector, Reg value, uint8_t lane) {
  Begin();
  MoveV(E(to), E(vector));
  const auto insert = [&](Row row, uint32_t log2) {
    as_.Emit(row, {E(to), E(value), E(to)}, aarch64::LaneBits(log2, lane));
  };
  switch (op) {
    case Opcode::kI8x16ReplaceLane:
      return insert(Row::kVInsGprB, 0);
    case Opcode::kI16x8ReplaceLane:
      return insert(Row::kVInsGprH, 1);
    case Opcode::kI32x4ReplaceLane:
      return insert(Row::kVInsGprS, 2);
    case Opcode::kI64x2ReplaceLane:
      return insert(Row::kVInsGprD, 3);
    case Opcode::kF32x4ReplaceLane:
      return insert(Row::kVInsS, 2);
    case Opcode::kF64x2ReplaceLane:
      return insert(Row::kVInsD, 3);
    default:
      UNREACHABLE() << op;
  }
}

void AArch64Masm::Shuffle(Reg to, Reg a, Reg b, const std::array<uint8_t, 16>& lanes) {
  Begin();
  bool uses_a = false;
  bool uses_b = false;
  std::array<uint8_t, 16> selected = lanes;
  for (uint8_t& lane : selected) {
    // Of a vector with itself lane 16 is lane 0 (lessons row 9).
    if (a == b) lane &= 15;
    (lane < 16 ? uses_a : uses_b) = true;
  }
  const bool one = !uses_a || !uses_b;
  uint64_t control[2] = {};
  for (size_t i = 0; i < selected.size(); ++i) {
    const uint64_t lane = one ? selected[i] & 15 : selected[i];
    control[i / 8] |= lane << (8 * (i % 8));
  }
  if (one) {
    Vector(kV1, control[0], control[1]);
    return RRR(Row::kVTbl1, E(to), E(uses_a ? a : b), kV1);
  }
  // A table of two registers takes neighbours.
  static_assert(kV1 == kV2 + 1);
  MoveV(kV2, E(a));
  MoveV(kV1, E(b));
  const uint8_t index = E(kVectorScratch);
  Vector(index, control[0], control[1]);
  as_.Word(0x4E002000 | uint32_t{index} << 16 | uint32_t{kV2} << 5 | E(to));
}

void AArch64Masm::LoadLane(Opcode op, Reg to, const MemOperand& from, uint8_t lane) {
  Begin();
  const auto insert = [&](MemOp load, Row row, uint32_t log2) {
    Access(load, kS1, from);
    as_.Emit(row, {E(to), kS1, E(to)}, aarch64::LaneBits(log2, lane));
  };
  switch (op) {
    case Opcode::kV128Load8Lane:
      return insert(MemOp::kLdrb, Row::kVInsGprB, 0);
    case Opcode::kV128Load16Lane:
      return insert(MemOp::kLdrh, Row::kVInsGprH, 1);
    case Opcode::kV128Load32Lane:
      return insert(MemOp::kLdrW, Row::kVInsGprS, 2);
    default:
      return insert(MemOp::kLdrX, Row::kVInsGprD, 3);
  }
}

void AArch64Masm::StoreLane(Opcode op, const MemOperand& to, Reg vector, uint8_t lane) {
  Begin();
  const auto extract = [&](Row row, uint32_t log2, MemOp store) {
    RR(row, kS1, E(vector), aarch64::LaneBits(log2, lane));
    Access(store, kS1, to);
  };
  switch (op) {
    case Opcode::kV128Store8Lane:
      return extract(Row::kVUmovB, 0, MemOp::kStrb);
    case Opcode::kV128Store16Lane:
      return extract(Row::kVUmovH, 1, MemOp::kStrh);
    case Opcode::kV128Store32Lane:
      return extract(Row::kVUmovS, 2, MemOp::kStrW);
    default:
      return extract(Row::kVUmovD, 3, MemOp::kStrX);
  }
}

}  // namespace gantry::winch
