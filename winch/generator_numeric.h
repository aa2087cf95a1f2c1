// Part of the generator: arithmetic on numbers and vectors.
#ifndef GANTRY_WINCH_GENERATOR_NUMERIC_H_
#define GANTRY_WINCH_GENERATOR_NUMERIC_H_

#include <array>
#include <bit>
#include <limits>

#include "winch/generator.h"

namespace gantry::winch {

// --- Integers ---------------------------------------------------------------------------

namespace generator_internal {

// The operand as an immediate of the machine's.
template <typename Operand>
std::optional<int32_t> ImmediateOf(const Operand& operand) {
  if (!operand.is_constant()) return std::nullopt;
  if (Is32(operand.kind)) return static_cast<int32_t>(static_cast<uint32_t>(operand.bits));
  const int64_t value = static_cast<int64_t>(operand.bits);
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(value);
}

inline IntCond Swapped(IntCond cond) {
  constexpr IntCond kSwapped[] = {IntCond::kEq,  IntCond::kNe,  IntCond::kGtS, IntCond::kGtU,
                                  IntCond::kLtS, IntCond::kLtU, IntCond::kGeS, IntCond::kGeU,
                                  IntCond::kLeS, IntCond::kLeU};
  return kSwapped[static_cast<int>(cond)];
}

}  // namespace generator_internal

template <class Masm>
template <typename Emit>
void Generator<Masm>::Unary(ValueKind from_kind, ValueKind to_kind, Emit emit) {
  static_cast<void>(from_kind);
  const Operand operand = Pop();
  const Reg from = Use(operand);
  const Reg to = ResultReg(to_kind, from);
  emit(to, from);
  PushReg(to_kind, to);
  Release();
}

template <class Masm>
void Generator<Masm>::IntBinary(IntOp op, ValueKind kind, bool commutes) {
  Operand right = Pop();
  Operand left = Pop();
  if (commutes && left.is_constant()) std::swap(left, right);
  const auto immediate = generator_internal::ImmediateOf(right);
  if (immediate.has_value()) {
    const Reg a = Use(left);
    const Reg to = ResultReg(kind, a);
    masm_.IntImmediate(op, kind, to, a, *immediate);
    PushReg(kind, to);
    Release();
    return;
  }
  const Reg a = Use(left);
  const Reg b = Use(right);
  const Reg to = ResultReg(kind, a);
  masm_.Int(op, kind, to, a, b);
  PushReg(kind, to);
  Release();
}

template <class Masm>
void Generator<Masm>::IntMultiply(ValueKind kind) {
  Operand right = Pop();
  Operand left = Pop();
  if (left.is_constant()) std::swap(left, right);
  const auto immediate = generator_internal::ImmediateOf(right);
  const Reg a = Use(left);
  if (immediate.has_value()) {
    const Reg to = ResultReg(kind, a);
    masm_.MultiplyImmediate(kind, to, a, *immediate);
    PushReg(kind, to);
  } else {
    const Reg b = Use(right);
    const Reg to = ResultReg(kind, a);
    masm_.Multiply(kind, to, a, b);
    PushReg(kind, to);
  }
  Release();
}

// x + (y << 1..3) is one instruction: where an addition follows, it is made here.
template <class Masm>
bool Generator<Masm>::FuseShiftedAdd(ValueKind kind, uint8_t amount, const Operand& value) {
  const absl::Span<const uint8_t> next = state_->upcoming();
  const wasm::Opcode add = kind == ValueKind::kI32 ? wasm::Opcode::kI32Add : wasm::Opcode::kI64Add;
  if (amount == 0 || amount > 3 || next.empty() || next[0] != static_cast<uint8_t>(add) ||
      stack_.size() <= frames_.back().height || stack_.back().is_constant()) {
    return false;
  }
  const Operand other = Pop();
  const Reg a = Use(other);
  const Reg b = Use(value);
  const Reg to = ResultReg(kind, a, RegSet(), /*lookahead=*/1);
  masm_.AddScaled(kind, to, a, b, amount);
  PushReg(kind, to);
  fused_ = true;
  Release();
  return true;
}

template <class Masm>
void Generator<Masm>::IntShift(ShiftOp op, ValueKind kind) {
  Operand amount = Pop();
  Operand value = Pop();
  if (amount.is_constant()) {
    const uint8_t count = static_cast<uint8_t>(amount.bits & (Is32(kind) ? 31 : 63));
    if (op == ShiftOp::kShl && FuseShiftedAdd(kind, count, value)) return;
    const Reg a = Use(value);
    const Reg to = ResultReg(kind, a);
    masm_.ShiftImmediate(op, kind, to, a, count);
    PushReg(kind, to);
    Release();
    return;
  }
  if (!masm_.ShiftWantsRegister(op)) {
    const Reg a = Use(value);
    const Reg b = Use(amount);
    const Reg to = ResultReg(kind, a);
    masm_.Shift(op, kind, to, a, b);
    PushReg(kind, to);
    Release();
    return;
  }
  const Reg fixed = Masm::kShiftAmount;
  MoveAway(value, fixed);
  const bool in_place = amount.where == Where::kReg
                            ? amount.reg == fixed.code()
                            : amount.where == Where::kLocal && locals_[amount.local()].reg == fixed;
  if (!in_place) {
    Vacate(fixed);
    PlaceIn(amount, fixed);
  }
  const Reg a = Use(value);
  const Reg to = ResultReg(kind, a, RegSet::Of(fixed));
  masm_.Shift(op, kind, to, a, fixed);
  PushReg(kind, to);
  Release();
}

template <class Masm>
void Generator<Masm>::IntDivide(ValueKind kind, bool is_signed, bool remainder) {
  Locate();
  Operand right = Pop();
  Operand left = Pop();
  if (!is_signed && right.is_constant() && std::has_single_bit(right.bits)) {
    const int log2 = std::countr_zero(right.bits);
    const bool fits = right.bits - 1 <= uint64_t{std::numeric_limits<int32_t>::max()};
    if (!remainder || fits) {
      const Reg a = Use(left);
      const Reg to = ResultReg(kind, a);
      if (remainder) {
        masm_.IntImmediate(IntOp::kAnd, kind, to, a, static_cast<int32_t>(right.bits - 1));
      } else {
        masm_.ShiftImmediate(ShiftOp::kShrU, kind, to, a, static_cast<uint8_t>(log2));
      }
      PushReg(kind, to);
      Release();
      return;
    }
  }
  constexpr uint8_t kZero = TrapNumber(environ::TrapCode::kIntegerDivideByZero);
  constexpr uint8_t kOverflow = TrapNumber(environ::TrapCode::kIntegerOverflow);
  if constexpr (Masm::kDividesAnyRegisters) {
    const Reg a = Use(left);
    const Reg b = Use(right);
    const Reg to = ResultReg(kind, a);
    masm_.Divide(kind, is_signed, remainder, to, a, b, kZero, kOverflow);
    PushReg(kind, to);
    Release();
    return;
  } else {
    DivideFixed(kind, is_signed, remainder, left, right, kZero, kOverflow);
  }
}

// By an instruction that has its operands in registers of its own.
template <class Masm>
void Generator<Masm>::DivideFixed(ValueKind kind, bool is_signed, bool remainder, Operand left,
                                  Operand right, uint8_t zero_trap, uint8_t overflow_trap) {
  const Reg quotient = Masm::kQuotient;
  const Reg rest = Masm::kRemainder;
  const RegSet both = RegSet::Of(quotient, rest);
  MoveAway(right, quotient, both);
  MoveAway(right, rest, both);
  if (left.where != Where::kReg || left.reg != quotient.code()) {
    Vacate(quotient);
    PlaceIn(left, quotient);
  }
  Vacate(rest);
  Reg divisor = Use(right);
  masm_.Divide(kind, is_signed, remainder, divisor, zero_trap, overflow_trap);
  PushReg(kind, remainder ? rest : quotient);
  Release();
}

template <class Masm>
void Generator<Masm>::IntCompare(IntCond cond, ValueKind kind) {
  FlushFlags();
  Operand right = Pop();
  Operand left = Pop();
  if (left.is_constant() && !right.is_constant()) {
    std::swap(left, right);
    cond = generator_internal::Swapped(cond);
  }
  const auto immediate = generator_internal::ImmediateOf(right);
  const Reg a = Use(left);
  const Condition condition = immediate.has_value()
                                  ? masm_.CompareImmediate(cond, kind, a, *immediate)
                                  : masm_.Compare(cond, kind, a, Use(right));
  PushFlags(condition);
  Release();
}

template <class Masm>
void Generator<Masm>::IntEqualsZero(ValueKind kind) {
  if (has_flags_) {
    stack_.back().reg = Masm::Inverse({stack_.back().reg}).code;
    return;
  }
  const Operand operand = Pop();
  const Condition condition = masm_.CompareImmediate(IntCond::kEq, kind, Use(operand), 0);
  PushFlags(condition);
  Release();
}

template <class Masm>
void Generator<Masm>::FloatCompare(FloatCond cond, ValueKind kind) {
  const Operand right = Pop();
  const Operand left = Pop();
  const Reg a = Use(left);
  const Condition condition = masm_.CompareFloat(cond, kind, a, Use(right));
  PushFlags(condition);
  Release();
}

// --- Operators --------------------------------------------------------------------------

template <class Masm>
void Generator<Masm>::OnSimple(wasm::Opcode op) {
  At(op);
  using wasm::Opcode;
  if (fused_) {
    fused_ = false;
    return;
  }
  if (op == Opcode::kI32Eqz) return IntEqualsZero(ValueKind::kI32);
  FlushFlags();
  const uint32_t number = static_cast<uint32_t>(op);
  const auto past = [&](Opcode first) { return number - static_cast<uint32_t>(first); };
  if (op < Opcode::kI64Eqz)
    return IntCompare(static_cast<IntCond>(past(Opcode::kI32Eq)), ValueKind::kI32);
  if (op == Opcode::kI64Eqz) return IntEqualsZero(ValueKind::kI64);
  if (op < Opcode::kF32Eq)
    return IntCompare(static_cast<IntCond>(past(Opcode::kI64Eq)), ValueKind::kI64);
  if (op < Opcode::kF64Eq)
    return FloatCompare(static_cast<FloatCond>(past(Opcode::kF32Eq)), ValueKind::kF32);
  if (op < Opcode::kI32Clz)
    return FloatCompare(static_cast<FloatCond>(past(Opcode::kF64Eq)), ValueKind::kF64);
  if (op < Opcode::kF32Abs) return OnInteger(op);
  if (op < Opcode::kI32WrapI64) return OnFloat(op);
  if (op <= Opcode::kI64Extend32S) return OnConversion(op);
  switch (wasm::GetOperatorInfo(op).feature) {
    case wasm::Feature::kSimd:
    case wasm::Feature::kRelaxedSimd:
      return OnVector(op);
    case wasm::Feature::kWideArithmetic:
      return OnWide(op);
    case wasm::Feature::kSaturatingFloatToInt:
      return OnConversion(op);
    default:
      return OnUnsupported(op);
  }
}

template <class Masm>
void Generator<Masm>::OnInteger(wasm::Opcode op) {
  using wasm::Opcode;
  const bool is_64 = op >= Opcode::kI64Clz;
  const ValueKind kind = is_64 ? ValueKind::kI64 : ValueKind::kI32;
  // Both widths are in the same order.
  const uint32_t number =
      static_cast<uint32_t>(op) -
      (is_64 ? static_cast<uint32_t>(Opcode::kI64Clz) - static_cast<uint32_t>(Opcode::kI32Clz) : 0);
  switch (static_cast<Opcode>(number)) {
    case Opcode::kI32Clz:
      return Unary(kind, kind, [&](Reg to, Reg from) { masm_.CountLeadingZeros(kind, to, from); });
    case Opcode::kI32Ctz:
      return Unary(kind, kind, [&](Reg to, Reg from) { masm_.CountTrailingZeros(kind, to, from); });
    case Opcode::kI32Popcnt:
      return Unary(kind, kind, [&](Reg to, Reg from) {
        const Reg temp = Allocate(RegClass::kInt);
        masm_.CountOnes(kind, to, from, temp);
      });
    case Opcode::kI32Add:
      return IntBinary(IntOp::kAdd, kind, true);
    case Opcode::kI32Sub:
      return IntBinary(IntOp::kSub, kind, false);
    case Opcode::kI32Mul:
      return IntMultiply(kind);
    case Opcode::kI32DivS:
      return IntDivide(kind, true, false);
    case Opcode::kI32DivU:
      return IntDivide(kind, false, false);
    case Opcode::kI32RemS:
      return IntDivide(kind, true, true);
    case Opcode::kI32RemU:
      return IntDivide(kind, false, true);
    case Opcode::kI32And:
      return IntBinary(IntOp::kAnd, kind, true);
    case Opcode::kI32Or:
      return IntBinary(IntOp::kOr, kind, true);
    case Opcode::kI32Xor:
      return IntBinary(IntOp::kXor, kind, true);
    case Opcode::kI32Shl:
      return IntShift(ShiftOp::kShl, kind);
    case Opcode::kI32ShrS:
      return IntShift(ShiftOp::kShrS, kind);
    case Opcode::kI32ShrU:
      return IntShift(ShiftOp::kShrU, kind);
    case Opcode::kI32Rotl:
      return IntShift(ShiftOp::kRotl, kind);
    default:
      return IntShift(ShiftOp::kRotr, kind);
  }
}

template <class Masm>
void Generator<Masm>::OnFloat(wasm::Opcode op) {
  using wasm::Opcode;
  const bool is_64 = op >= Opcode::kF64Abs;
  const ValueKind kind = is_64 ? ValueKind::kF64 : ValueKind::kF32;
  const bool is_unary = op <= Opcode::kF32Sqrt || (is_64 && op <= Opcode::kF64Sqrt);
  const bool fresh = Masm::WantsFreshResult(op);
  const bool makes_nans = op != Opcode::kF32Abs && op != Opcode::kF64Abs && op != Opcode::kF32Neg &&
                          op != Opcode::kF64Neg && op != Opcode::kF32Copysign &&
                          op != Opcode::kF64Copysign;
  const Operand right = Pop();
  const Operand left = is_unary ? right : Pop();
  const Reg a = Use(left);
  const Reg b = is_unary ? a : Use(right);
  const Reg to = fresh ? ResultReg(kind, Reg(), RegSet::Of(a, b)) : ResultReg(kind, a);
  if (is_unary) {
    masm_.FloatUnary(op, to, a);
  } else {
    masm_.FloatBinary(op, to, a, b);
  }
  if (makes_nans && tunables_.nan_canonicalization) masm_.CanonicalizeNan(kind, to);
  PushReg(kind, to);
  Release();
}

template <class Masm>
void Generator<Masm>::OnConversion(wasm::Opcode op) {
  using wasm::Opcode;
  const wasm::OperatorInfo& info = wasm::GetOperatorInfo(op);
  const ValueKind from_kind = static_cast<ValueKind>(info.params[0]);
  const ValueKind to_kind = static_cast<ValueKind>(info.results[0]);
  switch (op) {
    case Opcode::kI32WrapI64:
      return Unary(from_kind, to_kind, [&](Reg to, Reg from) { masm_.ZeroExtend32(to, from); });
    case Opcode::kI64ExtendI32U: {
      // An i32 is zero-extended where it is.
      const Operand operand = Pop();
      if (operand.is_constant()) {
        Push(Where::kConstant, ValueKind::kI64).bits = operand.bits;
      } else if (operand.where == Where::kReg) {
        PushReg(ValueKind::kI64, Reg::FromCode(operand.reg));
      } else {
        const Reg from = Use(operand);
        const Reg to = ResultReg(ValueKind::kI64, from);
        masm_.Move(ValueKind::kI32, to, from);
        PushReg(ValueKind::kI64, to);
      }
      Release();
      return;
    }
    case Opcode::kI64ExtendI32S:
      return Unary(from_kind, to_kind,
                   [&](Reg to, Reg from) { masm_.ExtendSigned(ValueKind::kI64, to, from, 32); });
    case Opcode::kI32Extend8S:
    case Opcode::kI64Extend8S:
      return Unary(from_kind, to_kind,
                   [&](Reg to, Reg from) { masm_.ExtendSigned(to_kind, to, from, 8); });
    case Opcode::kI32Extend16S:
    case Opcode::kI64Extend16S:
      return Unary(from_kind, to_kind,
                   [&](Reg to, Reg from) { masm_.ExtendSigned(to_kind, to, from, 16); });
    case Opcode::kI64Extend32S:
      return Unary(from_kind, to_kind,
                   [&](Reg to, Reg from) { masm_.ExtendSigned(to_kind, to, from, 32); });
    default:
      break;
  }
  Locate();
  Unary(from_kind, to_kind, [&](Reg to, Reg from) {
    masm_.Convert(op, to, from);
    const bool makes_nans = op == Opcode::kF32DemoteF64 || op == Opcode::kF64PromoteF32;
    if (makes_nans && tunables_.nan_canonicalization) masm_.CanonicalizeNan(to_kind, to);
  });
}

template <class Masm>
void Generator<Masm>::OnWide(wasm::Opcode op) {
  using wasm::Opcode;
  const Reg low = Masm::kQuotient;
  const Reg high = Masm::kRemainder;
  if (op == Opcode::kI64MulWideS || op == Opcode::kI64MulWideU) {
    Operand right = Pop();
    Operand left = Pop();
    const RegSet both = RegSet::Of(low, high);
    MoveAway(right, low, both);
    if (left.where != Where::kReg || left.reg != low.code()) {
      Vacate(low);
      PlaceIn(left, low);
    }
    // The high half's register may hold the right operand: it is read before it is written.
    if (right.where != Where::kReg || right.reg != high.code()) Vacate(high);
    masm_.MultiplyWide(op == Opcode::kI64MulWideS, Use(right));
    PushReg(ValueKind::kI64, low);
    PushReg(ValueKind::kI64, high);
    Release();
    return;
  }
  const Operand right_high = Pop();
  const Operand right_low = Pop();
  const Operand left_high = Pop();
  const Operand left_low = Pop();
  const Reg a_low = UseOwned(left_low);
  const Reg a_high = UseOwned(left_high);
  const Reg b_low = Use(right_low);
  const Reg b_high = Use(right_high);
  masm_.AddWide(op == Opcode::kI64Sub128, a_low, a_high, b_low, b_high);
  PushReg(ValueKind::kI64, a_low);
  PushReg(ValueKind::kI64, a_high);
  Release();
}

// --- Vectors ----------------------------------------------------------------------------

namespace generator_internal {

// The bytes of the float lanes in which the operator makes NaNs; 0: in none.
inline int NanLanes(wasm::Opcode op, const codegen::RelaxedChoices& relaxed) {
  using wasm::Opcode;
  switch (op) {
    case Opcode::kF32x4Add:
    case Opcode::kF32x4Sub:
    case Opcode::kF32x4Mul:
    case Opcode::kF32x4Div:
    case Opcode::kF32x4Min:
    case Opcode::kF32x4Max:
    case Opcode::kF32x4Sqrt:
    case Opcode::kF32x4Ceil:
    case Opcode::kF32x4Floor:
    case Opcode::kF32x4Trunc:
    case Opcode::kF32x4Nearest:
    case Opcode::kF32x4DemoteF64x2Zero:
    case Opcode::kF32x4RelaxedMadd:
    case Opcode::kF32x4RelaxedNmadd:
      return 4;
    case Opcode::kF64x2Add:
    case Opcode::kF64x2Sub:
    case Opcode::kF64x2Mul:
    case Opcode::kF64x2Div:
    case Opcode::kF64x2Min:
    case Opcode::kF64x2Max:
    case Opcode::kF64x2Sqrt:
    case Opcode::kF64x2Ceil:
    case Opcode::kF64x2Floor:
    case Opcode::kF64x2Trunc:
    case Opcode::kF64x2Nearest:
    case Opcode::kF64x2PromoteLowF32x4:
    case Opcode::kF64x2RelaxedMadd:
    case Opcode::kF64x2RelaxedNmadd:
      return 8;
    case Opcode::kF32x4RelaxedMin:
    case Opcode::kF32x4RelaxedMax:
      return relaxed.pseudo_min_max ? 0 : 4;
    case Opcode::kF64x2RelaxedMin:
    case Opcode::kF64x2RelaxedMax:
      return relaxed.pseudo_min_max ? 0 : 8;
    default:
      return 0;
  }
}

inline bool IsVectorShift(wasm::Opcode op) {
  const wasm::OperatorInfo& info = wasm::GetOperatorInfo(op);
  return info.num_params == 2 && info.params[1] == static_cast<uint8_t>(wasm::ValType::Kind::kI32);
}

}  // namespace generator_internal

template <class Masm>
void Generator<Masm>::OnVector(wasm::Opcode op) {
  constexpr ValueKind kVector = ValueKind::kV128;
  const wasm::OperatorInfo& info = wasm::GetOperatorInfo(op);
  const ValueKind result = static_cast<ValueKind>(info.results[0]);
  if (info.num_params == 1 && static_cast<ValueKind>(info.params[0]) != kVector) {
    return Unary(static_cast<ValueKind>(info.params[0]), kVector,
                 [&](Reg to, Reg from) { masm_.Splat(op, to, from); });
  }
  if (result != kVector) {
    return Unary(kVector, result, [&](Reg to, Reg from) { masm_.VectorTest(op, to, from); });
  }
  if (generator_internal::IsVectorShift(op)) {
    const Operand amount = Pop();
    const Operand vector = Pop();
    const Reg a = Use(vector);
    const Reg to = ResultReg(kVector, a);
    const Reg temp1 = Allocate(RegClass::kVector);
    if (amount.is_constant()) {
      masm_.VectorShiftImmediate(op, to, a, static_cast<uint8_t>(amount.bits & 63), temp1);
    } else {
      const Reg count = UseOwned(amount);
      masm_.VectorShift(op, to, a, count, temp1, Allocate(RegClass::kVector));
    }
    PushReg(kVector, to);
    Release();
    return;
  }
  const Operand third = info.num_params == 3 ? Pop() : Operand();
  const Operand second = info.num_params >= 2 ? Pop() : Operand();
  const Operand first = Pop();
  const Reg a = Use(first);
  Reg b;
  Reg c;
  // The result is no operand but perhaps the first.
  RegSet avoid;
  if (info.num_params >= 2) {
    b = Use(second);
    avoid.add(b);
  }
  if (info.num_params == 3) {
    c = Use(third);
    avoid.add(c);
  }
  const Reg to = ResultReg(kVector, a, avoid);
  // Allocated, never the operator's own that are free to be taken: those may be operands.
  const Reg temp1 = Allocate(RegClass::kVector);
  const Reg temp2 = Allocate(RegClass::kVector);
  switch (info.num_params) {
    case 1:
      masm_.VectorUnary(op, to, a, temp1, temp2);
      break;
    case 2:
      masm_.VectorBinary(op, to, a, b, temp1, temp2);
      break;
    default:
      masm_.VectorTernary(op, to, a, b, c, temp1, temp2);
      break;
  }
  if (tunables_.nan_canonicalization) {
    if (const int lanes = generator_internal::NanLanes(op, masm_.relaxed())) {
      masm_.CanonicalizeLanes(lanes, to);
    }
  }
  PushReg(kVector, to);
  Release();
}

template <class Masm>
void Generator<Masm>::OnV128Const(const std::array<uint8_t, 16>& bytes) {
  At(wasm::Opcode::kV128Const);
  FlushFlags();
  uint64_t halves[2] = {};
  for (size_t i = 0; i < bytes.size(); ++i) halves[i / 8] |= uint64_t{bytes[i]} << 8 * (i % 8);
  const Reg reg = ResultReg(ValueKind::kV128);
  masm_.LoadVectorConstant(reg, halves[0], halves[1]);
  PushReg(ValueKind::kV128, reg);
  Release();
}

template <class Masm>
void Generator<Masm>::OnLane(wasm::Opcode op, uint8_t lane) {
  At(op);
  FlushFlags();
  const wasm::OperatorInfo& info = wasm::GetOperatorInfo(op);
  if (info.num_params == 1) {
    return Unary(ValueKind::kV128, static_cast<ValueKind>(info.results[0]),
                 [&](Reg to, Reg from) { masm_.ExtractLane(op, to, from, lane); });
  }
  const Operand value = Pop();
  const Operand vector = Pop();
  const Reg a = Use(vector);
  const Reg b = Use(value);
  const Reg to = ResultReg(ValueKind::kV128, a, b.is_vector() ? RegSet::Of(b) : RegSet());
  masm_.ReplaceLane(op, to, a, b, lane);
  PushReg(ValueKind::kV128, to);
  Release();
}

template <class Masm>
void Generator<Masm>::OnShuffle(const std::array<uint8_t, 16>& lanes) {
  At(wasm::Opcode::kI8x16Shuffle);
  FlushFlags();
  const Operand second = Pop();
  const Operand first = Pop();
  const Reg a = Use(first);
  const Reg b = Use(second);
  const Reg to = ResultReg(ValueKind::kV128, a, RegSet::Of(b));
  masm_.Shuffle(to, a, b, lanes);
  PushReg(ValueKind::kV128, to);
  Release();
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_NUMERIC_H_
