// Floats and conversions.
#include <bit>

#include "base/check.h"
#include "environ/core/trap_code.h"
#include "isa_aarch64/asm/immediates.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

using aarch64::Row;
using codegen::MachLabel;
using wasm::Opcode;

namespace {

constexpr uint8_t Number(environ::TrapCode code) { return static_cast<uint8_t>(code); }

struct OpRow {
  Row row;
  bool is_64;
};

// A float operator's instruction: rows of S, D is behind each.
OpRow UnaryRow(Opcode op) {
  switch (op) {
    case Opcode::kF32Abs:
      return {Row::kFabsS, false};
    case Opcode::kF64Abs:
      return {Row::kFabsS, true};
    case Opcode::kF32Neg:
      return {Row::kFnegS, false};
    case Opcode::kF64Neg:
      return {Row::kFnegS, true};
    case Opcode::kF32Sqrt:
      return {Row::kFsqrtS, false};
    case Opcode::kF64Sqrt:
      return {Row::kFsqrtS, true};
    case Opcode::kF32Ceil:
      return {Row::kFrintpS, false};
    case Opcode::kF64Ceil:
      return {Row::kFrintpS, true};
    case Opcode::kF32Floor:
      return {Row::kFrintmS, false};
    case Opcode::kF64Floor:
      return {Row::kFrintmS, true};
    case Opcode::kF32Trunc:
      return {Row::kFrintzS, false};
    case Opcode::kF64Trunc:
      return {Row::kFrintzS, true};
    case Opcode::kF32Nearest:
      return {Row::kFrintnS, false};
    case Opcode::kF64Nearest:
      return {Row::kFrintnS, true};
    default:
      UNREACHABLE() << op;
  }
}

OpRow BinaryRow(Opcode op) {
  switch (op) {
    case Opcode::kF32Add:
      return {Row::kFaddS, false};
    case Opcode::kF64Add:
      return {Row::kFaddS, true};
    case Opcode::kF32Sub:
      return {Row::kFsubS, false};
    case Opcode::kF64Sub:
      return {Row::kFsubS, true};
    case Opcode::kF32Mul:
      return {Row::kFmulS, false};
    case Opcode::kF64Mul:
      return {Row::kFmulS, true};
    case Opcode::kF32Div:
      return {Row::kFdivS, false};
    case Opcode::kF64Div:
      return {Row::kFdivS, true};
    case Opcode::kF32Min:
      return {Row::kFminS, false};
    case Opcode::kF64Min:
      return {Row::kFminS, true};
    case Opcode::kF32Max:
      return {Row::kFmaxS, false};
    case Opcode::kF64Max:
      return {Row::kFmaxS, true};
    default:
      UNREACHABLE() << op;
  }
}

}  // namespace

void AArch64Masm::FloatConstant(bool is_64, uint8_t to, uint64_t bits) {
  if (bits == 0) return as_.Emit(Row::kMovi, {to}, *aarch64::VectorMoveBits(0, 0));
  if (const auto imm = aarch64::FloatBits8(bits, is_64 ? 64 : 32)) {
    return as_.Emit(is_64 ? Row::kFmovImmD : Row::kFmovImmS, {to}, *imm);
  }
  const uint64_t twice = is_64 ? bits : bits * 0x100000001;
  if (const auto move = aarch64::VectorMoveBits(twice, twice)) {
    return as_.Emit(Row::kMovi, {to}, *move);
  }
  as_.LoadConstant(aarch64::V(to),
                   is_64 ? buffer_.Constant8(bits) : buffer_.Constant4(static_cast<uint32_t>(bits)),
                   is_64 ? 8 : 4);
}

void AArch64Masm::FloatUnary(Opcode op, Reg to, Reg from) {
  Begin();
  const OpRow row = UnaryRow(op);
  RR(row.row + (row.is_64 ? 1 : 0), E(to), E(from));
}

void AArch64Masm::FloatBinary(Opcode op, Reg to, Reg a, Reg b) {
  Begin();
  if (op == Opcode::kF32Copysign) return Copysign(false, E(to), E(a), E(b));
  if (op == Opcode::kF64Copysign) return Copysign(true, E(to), E(a), E(b));
  const OpRow row = BinaryRow(op);
  RRR(row.row + (row.is_64 ? 1 : 0), E(to), E(a), E(b));
}

void AArch64Masm::Copysign(bool is_64, uint8_t to, uint8_t a, uint8_t b) {
  if (is_64) {
    // The sign of -0.0.
    as_.Emit(Row::kMovi, {kV1}, *aarch64::VectorMoveBits(0, 0));
    RR(Row::kVFneg2D, kV1, kV1);
  } else {
    constexpr uint64_t kSigns = 0x8000000080000000;
    as_.Emit(Row::kMovi, {kV1}, aarch64::VectorMoveBits(kSigns, kSigns).value());
  }
  Accumulate(Row::kVBsl, kV1, b, a);
  MoveV(to, kV1);
}

void AArch64Masm::CanonicalizeNan(ValueKind kind, Reg reg) {
  Begin();
  const bool is_64 = kind == ValueKind::kF64;
  const MachLabel done = buffer_.NewLabel();
  as_.Emit(is_64 ? Row::kFcmpD : Row::kFcmpS, {E(reg), E(reg)});
  as_.b(aarch64::Condition::kVc, done);
  FloatConstant(is_64, E(reg), is_64 ? 0x7FF8000000000000 : 0x7FC00000);
  as_.bind(done);
}

void AArch64Masm::CanonicalizeLanes(int lane_bytes, Reg reg) {
  Begin();
  const uint64_t nan = lane_bytes == 8 ? 0x7FF8000000000000 : 0x7FC000007FC00000;
  RRR(lane_bytes == 8 ? Row::kVFcmeq2D : Row::kVFcmeq4S, kV1, E(reg), E(reg));
  Vector(kV2, nan, nan);
  // Where the lane equals itself it stays.
  Accumulate(Row::kVBif, E(reg), kV2, kV1);
}

// --- Conversions ------------------------------------------------------------------------

// The bounds are exact floats: the least one too large, and the greatest one too small or, where
// that is none, the least one that still fits.
void AArch64Masm::CheckToInt(bool from_64, bool to_64, bool is_signed, uint8_t from) {
  constexpr uint8_t kInvalid = Number(environ::TrapCode::kInvalidConversionToInteger);
  constexpr uint8_t kOverflow = Number(environ::TrapCode::kIntegerOverflow);
  const auto bits = [&](double value) -> uint64_t {
    if (from_64) return std::bit_cast<uint64_t>(value);
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  };
  const double width = to_64 ? 18446744073709551616.0 : 4294967296.0;
  const double too_large = is_signed ? width / 2 : width;
  double least = is_signed ? -width / 2 : -1.0;
  bool least_fits = is_signed;
  if (is_signed && !to_64 && from_64) {
    least = -2147483649.0;
    least_fits = false;
  }
  const Row compare = from_64 ? Row::kFcmpD : Row::kFcmpS;
  as_.Emit(compare, {from, from});
  TrapIf(aarch64::Condition::kVs, kInvalid);
  FloatConstant(from_64, kV1, bits(least));
  as_.Emit(compare, {from, kV1});
  TrapIf(least_fits ? aarch64::Condition::kMi : aarch64::Condition::kLs, kOverflow);
  FloatConstant(from_64, kV1, bits(too_large));
  as_.Emit(compare, {from, kV1});
  TrapIf(aarch64::Condition::kGe, kOverflow);
}

void AArch64Masm::Convert(Opcode op, Reg to, Reg from) {
  Begin();
  // The machine's conversions to integers saturate and make 0 of a NaN.
  const auto to_int = [&](Row row, bool from_64, bool to_64, bool saturating) {
    if (!saturating) CheckToInt(from_64, to_64, row == Row::kFcvtzsWS, E(from));
    RR(row + (from_64 ? 2 : 0) + (to_64 ? 1 : 0), E(to), E(from));
  };
  const auto move = [&](Row row) { RR(row, E(to), E(from)); };
  switch (op) {
    case Opcode::kF32DemoteF64:
      return move(Row::kFcvtSD);
    case Opcode::kF64PromoteF32:
      return move(Row::kFcvtDS);
    case Opcode::kI32ReinterpretF32:
      return move(Row::kFmovWS);
    case Opcode::kI64ReinterpretF64:
      return move(Row::kFmovXD);
    case Opcode::kF32ReinterpretI32:
      return move(Row::kFmovSW);
    case Opcode::kF64ReinterpretI64:
      return move(Row::kFmovDX);
    case Opcode::kF32ConvertI32S:
      return move(Row::kScvtfSW);
    case Opcode::kF32ConvertI32U:
      return move(Row::kUcvtfSW);
    case Opcode::kF32ConvertI64S:
      return move(Row::kScvtfSX);
    case Opcode::kF32ConvertI64U:
      return move(Row::kUcvtfSX);
    case Opcode::kF64ConvertI32S:
      return move(Row::kScvtfDW);
    case Opcode::kF64ConvertI32U:
      return move(Row::kUcvtfDW);
    case Opcode::kF64ConvertI64S:
      return move(Row::kScvtfDX);
    case Opcode::kF64ConvertI64U:
      return move(Row::kUcvtfDX);
    case Opcode::kI32TruncF32S:
      return to_int(Row::kFcvtzsWS, false, false, false);
    case Opcode::kI32TruncF32U:
      return to_int(Row::kFcvtzuWS, false, false, false);
    case Opcode::kI32TruncF64S:
      return to_int(Row::kFcvtzsWS, true, false, false);
    case Opcode::kI32TruncF64U:
      return to_int(Row::kFcvtzuWS, true, false, false);
    case Opcode::kI64TruncF32S:
      return to_int(Row::kFcvtzsWS, false, true, false);
    case Opcode::kI64TruncF32U:
      return to_int(Row::kFcvtzuWS, false, true, false);
    case Opcode::kI64TruncF64S:
      return to_int(Row::kFcvtzsWS, true, true, false);
    case Opcode::kI64TruncF64U:
      return to_int(Row::kFcvtzuWS, true, true, false);
    case Opcode::kI32TruncSatF32S:
      return to_int(Row::kFcvtzsWS, false, false, true);
    case Opcode::kI32TruncSatF32U:
      return to_int(Row::kFcvtzuWS, false, false, true);
    case Opcode::kI32TruncSatF64S:
      return to_int(Row::kFcvtzsWS, true, false, true);
    case Opcode::kI32TruncSatF64U:
      return to_int(Row::kFcvtzuWS, true, false, true);
    case Opcode::kI64TruncSatF32S:
      return to_int(Row::kFcvtzsWS, false, true, true);
    case Opcode::kI64TruncSatF32U:
      return to_int(Row::kFcvtzuWS, false, true, true);
    case Opcode::kI64TruncSatF64S:
      return to_int(Row::kFcvtzsWS, true, true, true);
    case Opcode::kI64TruncSatF64U:
      return to_int(Row::kFcvtzuWS, true, true, true);
    default:
      UNREACHABLE() << op;
  }
}

}  // namespace gantry::winch
