// Vectors: constants, lanes, shuffles, and relaxed operations.
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::Type;
using codegen::Value;
using Ir = codegen::Opcode;

namespace {

// The shape whose lanes an operator on one lane numbers.
Type ShapeOfLane(Opcode op) {
  switch (op) {
    case Opcode::kI8x16ExtractLaneS:
    case Opcode::kI8x16ExtractLaneU:
    case Opcode::kI8x16ReplaceLane:
      return Type::kI8X16;
    case Opcode::kI16x8ExtractLaneS:
    case Opcode::kI16x8ExtractLaneU:
    case Opcode::kI16x8ReplaceLane:
      return Type::kI16X8;
    case Opcode::kI32x4ExtractLane:
    case Opcode::kI32x4ReplaceLane:
      return Type::kI32X4;
    case Opcode::kI64x2ExtractLane:
    case Opcode::kI64x2ReplaceLane:
      return Type::kI64X2;
    case Opcode::kF32x4ExtractLane:
    case Opcode::kF32x4ReplaceLane:
      return Type::kF32X4;
    default:
      return Type::kF64X2;
  }
}

}  // namespace

void TranslatingVisitor::OnV128Const(const std::array<uint8_t, 16>& bytes) {
  At(Opcode::kV128Const);
  uint64_t halves[2] = {};
  for (size_t i = 0; i < bytes.size(); ++i) halves[i / 8] |= uint64_t{bytes[i]} << 8 * (i % 8);
  Push(builder_.V128const(halves[0], halves[1]));
}

void TranslatingVisitor::OnLane(Opcode op, uint8_t lane) {
  At(op);
  const Type shape = ShapeOfLane(op);
  if (GetOperatorInfo(op).num_params == 2) {
    const Value value = Pop();
    const Value vector = Pop();
    Push(builder_.Vreplace(shape, vector, value, lane));
    return;
  }
  const bool is_signed = op == Opcode::kI8x16ExtractLaneS || op == Opcode::kI16x8ExtractLaneS;
  const Value vector = Pop();
  Push(is_signed ? builder_.VextractS(shape, vector, lane)
                 : builder_.VextractU(shape, vector, lane));
}

void TranslatingVisitor::OnShuffle(const std::array<uint8_t, 16>& lanes) {
  At(Opcode::kI8x16Shuffle);
  const Value right = Pop();
  const Value left = Pop();
  Push(builder_.Vshuffle(left, right, lanes));
}

void TranslatingVisitor::OnVectorTernary(Opcode op) {
  if (op != Opcode::kV128Bitselect) {
    OnUnsupported(op);
    return;
  }
  const auto [if_set, if_clear, mask] = Pop3();
  Push(builder_.Vbitselect(mask, if_set, if_clear));
}

// ---- Relaxed operations. What each may give is a list of functions in the specification ("Relaxed
// Operations"); which one is chosen is the same all over a module. By default it is the first one
// of each list, that of the deterministic profile.

void TranslatingVisitor::OnRelaxed(Opcode op) {
  switch (op) {
    case Opcode::kI8x16RelaxedSwizzle: {
      const Value indices = Pop();
      const Value bytes = Pop();
      Push(Emit(choices_.relaxed.masked_swizzle ? Ir::kVswizzleMasked : Ir::kVswizzle, Type::kI8X16,
                {bytes, indices}));
      return;
    }
    case Opcode::kI32x4RelaxedTruncF32x4S:
      return RelaxedTruncate(Type::kF32X4, /*is_signed=*/true);
    case Opcode::kI32x4RelaxedTruncF32x4U:
      return RelaxedTruncate(Type::kF32X4, /*is_signed=*/false);
    case Opcode::kI32x4RelaxedTruncF64x2SZero:
      return RelaxedTruncate(Type::kF64X2, /*is_signed=*/true);
    case Opcode::kI32x4RelaxedTruncF64x2UZero:
      return RelaxedTruncate(Type::kF64X2, /*is_signed=*/false);
    case Opcode::kF32x4RelaxedMadd:
      return RelaxedMultiplyAdd(Type::kF32X4, /*negated=*/false);
    case Opcode::kF32x4RelaxedNmadd:
      return RelaxedMultiplyAdd(Type::kF32X4, /*negated=*/true);
    case Opcode::kF64x2RelaxedMadd:
      return RelaxedMultiplyAdd(Type::kF64X2, /*negated=*/false);
    case Opcode::kF64x2RelaxedNmadd:
      return RelaxedMultiplyAdd(Type::kF64X2, /*negated=*/true);
    case Opcode::kI8x16RelaxedLaneselect:
      return RelaxedLaneSelect(Type::kI8X16);
    case Opcode::kI16x8RelaxedLaneselect:
      return RelaxedLaneSelect(Type::kI16X8);
    case Opcode::kI32x4RelaxedLaneselect:
      return RelaxedLaneSelect(Type::kI32X4);
    case Opcode::kI64x2RelaxedLaneselect:
      return RelaxedLaneSelect(Type::kI64X2);
    case Opcode::kF32x4RelaxedMin:
      return RelaxedMinMax(Type::kF32X4, Ir::kVfmin, Ir::kVfpmin);
    case Opcode::kF32x4RelaxedMax:
      return RelaxedMinMax(Type::kF32X4, Ir::kVfmax, Ir::kVfpmax);
    case Opcode::kF64x2RelaxedMin:
      return RelaxedMinMax(Type::kF64X2, Ir::kVfmin, Ir::kVfpmin);
    case Opcode::kF64x2RelaxedMax:
      return RelaxedMinMax(Type::kF64X2, Ir::kVfmax, Ir::kVfpmax);
    case Opcode::kI16x8RelaxedDotI8x16I7x16S: {
      const Value right = Pop();
      const Value left = Pop();
      Push(RelaxedDot(left, right));
      return;
    }
    case Opcode::kI32x4RelaxedDotI8x16I7x16AddS: {
      const auto [left, right, addend] = Pop3();
      if (choices_.relaxed.unsigned_dot_add) {
        Push(builder_.VdotUsAdd(Type::kI32X4, right, left, addend));
        return;
      }
      const Value pairs = builder_.VextaddPairwiseS(Type::kI32X4, RelaxedDot(left, right));
      Push(builder_.Vadd(Type::kI32X4, pairs, addend));
      return;
    }
    default:
      OnUnsupported(op);
      return;
  }
}

void TranslatingVisitor::RelaxedTruncate(Type floats, bool is_signed) {
  const Ir saturating = is_signed ? Ir::kVfcvtToSintSat : Ir::kVfcvtToUintSat;
  const Ir indefinite = is_signed ? Ir::kVfcvtToSintIndefinite : Ir::kVfcvtToUintIndefinite;
  Push(Emit(choices_.relaxed.indefinite_conversions ? indefinite : saturating, floats, {Pop()}));
}

void TranslatingVisitor::RelaxedMultiplyAdd(Type floats, bool negated) {
  const auto [left, right, addend] = Pop3();
  if (choices_.relaxed.fused_multiply_add) {
    Push(Emit(negated ? Ir::kVfnma : Ir::kVfma, floats, {left, right, addend}));
    return;
  }
  // -x * y + z is z - x * y but for the sign of a NaN, which is open.
  const Value product = Emit(Ir::kVfmul, floats, {left, right});
  Push(negated ? Emit(Ir::kVfsub, floats, {addend, product})
               : Emit(Ir::kVfadd, floats, {product, addend}));
}

void TranslatingVisitor::RelaxedLaneSelect(Type shape) {
  const auto [if_set, if_clear, mask] = Pop3();
  // No ISA chooses among lanes of 16 bits by their top bit.
  const bool blend = choices_.relaxed.blend_by_top_bit && shape != Type::kI16X8;
  Push(blend ? builder_.Vblend(shape, mask, if_set, if_clear)
             : builder_.Vbitselect(mask, if_set, if_clear));
}

void TranslatingVisitor::RelaxedMinMax(Type floats, codegen::Opcode exact, codegen::Opcode pseudo) {
  const Value right = Pop();
  const Value left = Pop();
  // With the operands swapped, the right one is given where one is a NaN or both are zeros.
  Push(choices_.relaxed.pseudo_min_max ? Emit(pseudo, floats, {right, left})
                                       : Emit(exact, floats, {left, right}));
}

// The left operand's bytes are signed; those of the right one may be taken for either where their
// top bit is set, which it is not meant to be.
Value TranslatingVisitor::RelaxedDot(Value left, Value right) {
  return choices_.relaxed.unsigned_dot ? builder_.VdotUsSat(Type::kI16X8, right, left)
                                       : builder_.VdotS(Type::kI16X8, left, right);
}

}  // namespace gantry::wasm
