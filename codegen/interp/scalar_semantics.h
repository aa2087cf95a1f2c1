// What the opcodes that compute with scalars mean: the part of semantics.h that is about them.
//
// Definitions are branch-free over bits (Ite instead of if), with loops only over the width.
#ifndef GANTRY_CODEGEN_INTERP_SCALAR_SEMANTICS_H_
#define GANTRY_CODEGEN_INTERP_SCALAR_SEMANTICS_H_

#include <cstdint>
#include <utility>

#include "codegen/interp/bit_vector.h"
#include "codegen/ir/conditions.h"
#include "codegen/ir/types.h"

namespace gantry::codegen {

template <typename D>
struct ScalarSemantics {
  using Bits = typename D::Bits;
  using Bool = typename D::Bool;

  struct Pair {
    Bits first;
    Bits second;
  };
  // A value, or one of two traps of which the first has precedence.
  struct Guarded {
    Bits value;
    Bool first_trap;
    Bool second_trap;
  };

  // ---- Integer arithmetic.
  static Bits Iadd(Type, Bits x, Bits y) { return D::Add(x, y); }
  static Bits Isub(Type, Bits x, Bits y) { return D::Sub(x, y); }
  static Bits Imul(Type, Bits x, Bits y) { return D::Mul(x, y); }
  static Bits Ineg(Type t, Bits x) { return D::Sub(Zero(t), x); }
  static Bits Umulhi(Type t, Bits x, Bits y) { return UmulWide(t, x, y).second; }
  static Bits Smulhi(Type t, Bits x, Bits y) { return SmulWide(t, x, y).second; }
  // The divisor is made 1 where the division traps, so that the value is defined.
  static Guarded Udiv(Type t, Bits x, Bits y) {
    const Bool zero = IsZero(y);
    return {D::UDiv(x, D::Ite(zero, One(t), y)), zero, False(t)};
  }
  static Guarded Urem(Type t, Bits x, Bits y) {
    const Bool zero = IsZero(y);
    return {D::URem(x, D::Ite(zero, One(t), y)), zero, False(t)};
  }
  static Guarded Sdiv(Type t, Bits x, Bits y) {
    const Bool zero = IsZero(y);
    const Bool overflow = D::BoolAnd(D::Eq(x, Least(t)), D::Eq(y, Ones(t)));
    return {D::SDiv(x, D::Ite(D::BoolOr(zero, overflow), One(t), y)), zero, overflow};
  }
  // The least number modulo -1 is 0.
  static Guarded Srem(Type t, Bits x, Bits y) {
    const Bool zero = IsZero(y);
    const Bool minus_one = D::Eq(y, Ones(t));
    const Bits rest = D::SRem(x, D::Ite(D::BoolOr(zero, minus_one), One(t), y));
    return {rest, zero, False(t)};
  }

  // ---- Pairs.
  static Pair UmulWide(Type t, Bits x, Bits y) {
    const uint32_t w = TypeBits(t);
    return Halves(w, D::Mul(D::ZExt(2 * w, x), D::ZExt(2 * w, y)));
  }
  static Pair SmulWide(Type t, Bits x, Bits y) {
    const uint32_t w = TypeBits(t);
    return Halves(w, D::Mul(D::SExt(2 * w, x), D::SExt(2 * w, y)));
  }
  static Pair UaddOverflow(Type, Bits x, Bits y) {
    const Bits sum = D::Add(x, y);
    return {sum, Flag(D::Ult(sum, x))};
  }
  static Pair UsubOverflow(Type, Bits x, Bits y) { return {D::Sub(x, y), Flag(D::Ult(x, y))}; }
  static Pair SaddOverflow(Type t, Bits x, Bits y) {
    const uint32_t w = TypeBits(t) + 1;
    const Bits sum = D::Add(x, y);
    return {sum, Flag(D::BoolNot(D::Eq(D::SExt(w, sum), D::Add(D::SExt(w, x), D::SExt(w, y)))))};
  }
  static Pair SsubOverflow(Type t, Bits x, Bits y) {
    const uint32_t w = TypeBits(t) + 1;
    const Bits difference = D::Sub(x, y);
    return {difference,
            Flag(D::BoolNot(D::Eq(D::SExt(w, difference), D::Sub(D::SExt(w, x), D::SExt(w, y)))))};
  }
  static Pair UaddCarry(Type t, Bits x, Bits y, Bits carry) {
    const uint32_t w = TypeBits(t);
    const Bits in = D::ZExt(w + 1, D::Extract(Flag(IsTrue(carry)), 0, 1));
    const Bits sum = D::Add(D::Add(D::ZExt(w + 1, x), D::ZExt(w + 1, y)), in);
    return {D::Extract(sum, 0, w), D::ZExt(32, D::Extract(sum, w, 1))};
  }
  static Pair UsubBorrow(Type t, Bits x, Bits y, Bits borrow) {
    const uint32_t w = TypeBits(t);
    const Bits in = D::ZExt(w + 1, D::Extract(Flag(IsTrue(borrow)), 0, 1));
    const Bits difference = D::Sub(D::Sub(D::ZExt(w + 1, x), D::ZExt(w + 1, y)), in);
    return {D::Extract(difference, 0, w), D::ZExt(32, D::Extract(difference, w, 1))};
  }

  // ---- Bits.
  static Bits Band(Type, Bits x, Bits y) { return D::And(x, y); }
  static Bits Bor(Type, Bits x, Bits y) { return D::Or(x, y); }
  static Bits Bxor(Type, Bits x, Bits y) { return D::Xor(x, y); }
  static Bits BandNot(Type, Bits x, Bits y) { return D::And(x, D::Not(y)); }
  static Bits Bnot(Type, Bits x) { return D::Not(x); }
  // Amounts count modulo the width.
  static Bits Ishl(Type t, Bits x, Bits y) { return D::Shl(x, Amount(t, y)); }
  static Bits Ushr(Type t, Bits x, Bits y) { return D::LShr(x, Amount(t, y)); }
  static Bits Sshr(Type t, Bits x, Bits y) { return D::AShr(x, Amount(t, y)); }
  static Bits Rotl(Type t, Bits x, Bits y) {
    const Bits amount = Amount(t, y);
    return D::Or(D::Shl(x, amount), D::LShr(x, Amount(t, D::Sub(Zero(t), amount))));
  }
  static Bits Rotr(Type t, Bits x, Bits y) {
    const Bits amount = Amount(t, y);
    return D::Or(D::LShr(x, amount), D::Shl(x, Amount(t, D::Sub(Zero(t), amount))));
  }
  static Bits Clz(Type t, Bits x) {
    const uint32_t w = TypeBits(t);
    Bits count = D::Constant(w, w);
    for (uint32_t i = 0; i < w; ++i) {
      count = D::Ite(BitAt(x, i), D::Constant(w, w - 1 - i), count);
    }
    return count;
  }
  static Bits Ctz(Type t, Bits x) {
    const uint32_t w = TypeBits(t);
    Bits count = D::Constant(w, w);
    for (uint32_t i = w; i-- > 0;) count = D::Ite(BitAt(x, i), D::Constant(w, i), count);
    return count;
  }
  static Bits Popcnt(Type t, Bits x) {
    const uint32_t w = TypeBits(t);
    Bits count = Zero(t);
    for (uint32_t i = 0; i < w; ++i) count = D::Add(count, D::ZExt(w, D::Extract(x, i, 1)));
    return count;
  }
  static Bits Bswap(Type t, Bits x) {
    Bits swapped = D::Extract(x, 0, 8);
    for (uint32_t i = 8; i < TypeBits(t); i += 8) swapped = D::Concat(swapped, D::Extract(x, i, 8));
    return swapped;
  }

  // ---- Comparison and choice.
  static Bits Icmp(Type, IntCC cc, Bits x, Bits y) {
    switch (cc) {
      case IntCC::kEq:
        return Flag(D::Eq(x, y));
      case IntCC::kNe:
        return Flag(D::BoolNot(D::Eq(x, y)));
      case IntCC::kSlt:
        return Flag(D::Slt(x, y));
      case IntCC::kSge:
        return Flag(D::BoolNot(D::Slt(x, y)));
      case IntCC::kSgt:
        return Flag(D::Slt(y, x));
      case IntCC::kSle:
        return Flag(D::BoolNot(D::Slt(y, x)));
      case IntCC::kUlt:
        return Flag(D::Ult(x, y));
      case IntCC::kUge:
        return Flag(D::BoolNot(D::Ult(x, y)));
      case IntCC::kUgt:
        return Flag(D::Ult(y, x));
      case IntCC::kUle:
        return Flag(D::BoolNot(D::Ult(y, x)));
    }
    UNREACHABLE();
  }
  static Bits Fcmp(Type t, FloatCC cc, Bits x, Bits y) {
    const Bool unordered = D::BoolOr(IsNan(t, x), IsNan(t, y));
    switch (cc) {
      case FloatCC::kOrdered:
        return Flag(D::BoolNot(unordered));
      case FloatCC::kUnordered:
        return Flag(unordered);
      case FloatCC::kEq:
        return Flag(D::FEq(x, y));
      case FloatCC::kNe:
        return Flag(D::BoolNot(D::FEq(x, y)));
      case FloatCC::kLt:
        return Flag(D::FLt(x, y));
      case FloatCC::kLe:
        return Flag(D::BoolOr(D::FLt(x, y), D::FEq(x, y)));
      case FloatCC::kGt:
        return Flag(D::FLt(y, x));
      case FloatCC::kGe:
        return Flag(D::BoolOr(D::FLt(y, x), D::FEq(x, y)));
      case FloatCC::kUeq:
        return Flag(D::BoolOr(unordered, D::FEq(x, y)));
      case FloatCC::kOne:
        return Flag(D::BoolOr(D::FLt(x, y), D::FLt(y, x)));
      case FloatCC::kUlt:
        return Flag(D::BoolOr(unordered, D::FLt(x, y)));
      case FloatCC::kUle:
        return Flag(D::BoolNot(D::FLt(y, x)));
      case FloatCC::kUgt:
        return Flag(D::BoolOr(unordered, D::FLt(y, x)));
      case FloatCC::kUge:
        return Flag(D::BoolNot(D::FLt(x, y)));
    }
    UNREACHABLE();
  }
  static Bits Select(Type, Bits condition, Bits x, Bits y) {
    return D::Ite(IsTrue(condition), x, y);
  }
  static Bits SelectSpectreGuard(Type, Bits condition, Bits x, Bits y) {
    return D::Ite(IsTrue(condition), x, y);
  }

  // ---- Changes of width and kind.
  static Bits Uextend(Type to, Type, Bits x) { return D::ZExt(TypeBits(to), x); }
  static Bits Sextend(Type to, Type, Bits x) { return D::SExt(TypeBits(to), x); }
  static Bits Ireduce(Type to, Type, Bits x) { return D::Extract(x, 0, TypeBits(to)); }
  static Bits Bitcast(Type, Type, Bits x) { return x; }
  static Bits Fpromote(Type to, Type from, Bits x) {
    return D::Ite(IsNan(from, x), CanonicalNan(to), D::FPromote(x));
  }
  static Bits Fdemote(Type to, Type from, Bits x) {
    return D::Ite(IsNan(from, x), CanonicalNan(to), D::FDemote(x));
  }
  static Bits FcvtFromUint(Type to, Type, Bits x) { return D::FFromUint(TypeBits(to), x); }
  static Bits FcvtFromSint(Type to, Type, Bits x) { return D::FFromSint(TypeBits(to), x); }
  static Guarded FcvtToUint(Type to, Type, Bits x) {
    const FloatToInt<Bits, Bool> r = D::FToUint(TypeBits(to), x);
    return {r.saturated, r.is_nan, r.out_of_range};
  }
  static Guarded FcvtToSint(Type to, Type, Bits x) {
    const FloatToInt<Bits, Bool> r = D::FToSint(TypeBits(to), x);
    return {r.saturated, r.is_nan, r.out_of_range};
  }
  static Bits FcvtToUintSat(Type to, Type, Bits x) { return D::FToUint(TypeBits(to), x).saturated; }
  static Bits FcvtToSintSat(Type to, Type, Bits x) { return D::FToSint(TypeBits(to), x).saturated; }

  // ---- Floats. A NaN result of arithmetic is the canonical one.
  static Bits Fadd(Type t, Bits x, Bits y) { return Canonical(t, D::FAdd(x, y)); }
  static Bits Fsub(Type t, Bits x, Bits y) { return Canonical(t, D::FSub(x, y)); }
  static Bits Fmul(Type t, Bits x, Bits y) { return Canonical(t, D::FMul(x, y)); }
  static Bits Fdiv(Type t, Bits x, Bits y) { return Canonical(t, D::FDiv(x, y)); }
  // -0 is less than +0; a NaN operand gives a NaN.
  static Bits Fmin(Type t, Bits x, Bits y) {
    const Bits least = D::Ite(D::FEq(x, y), D::Or(x, y), D::Ite(D::FLt(x, y), x, y));
    return D::Ite(D::BoolOr(IsNan(t, x), IsNan(t, y)), CanonicalNan(t), least);
  }
  static Bits Fmax(Type t, Bits x, Bits y) {
    const Bits most = D::Ite(D::FEq(x, y), D::And(x, y), D::Ite(D::FLt(x, y), y, x));
    return D::Ite(D::BoolOr(IsNan(t, x), IsNan(t, y)), CanonicalNan(t), most);
  }
  static Bits Fcopysign(Type t, Bits x, Bits y) {
    return D::Or(D::And(x, D::Not(Least(t))), D::And(y, Least(t)));
  }
  static Bits Sqrt(Type t, Bits x) { return Canonical(t, D::FSqrt(x)); }
  static Bits Ceil(Type t, Bits x) { return Canonical(t, D::FCeil(x)); }
  static Bits Floor(Type t, Bits x) { return Canonical(t, D::FFloor(x)); }
  static Bits Trunc(Type t, Bits x) { return Canonical(t, D::FTrunc(x)); }
  static Bits Nearest(Type t, Bits x) { return Canonical(t, D::FNearest(x)); }
  static Bits Fabs(Type t, Bits x) { return D::And(x, D::Not(Least(t))); }
  static Bits Fneg(Type t, Bits x) { return D::Xor(x, Least(t)); }

  // ---- Helpers.
  static Bool IsTrue(Bits condition) { return D::BoolNot(IsZero(condition)); }
  static Bool IsZero(Bits x) { return D::Eq(x, D::Constant(D::Width(x), 0)); }
  static Bool IsNan(Type t, Bits x) {
    const uint64_t infinity = t == Type::kF32 ? 0x7F800000 : 0x7FF0000000000000;
    return D::Ult(D::Constant(TypeBits(t), infinity), Fabs(t, x));
  }
  // Positive, quiet, no other payload.
  static Bits CanonicalNan(Type t) {
    return D::Constant(TypeBits(t), t == Type::kF32 ? 0x7FC00000 : 0x7FF8000000000000);
  }

 protected:
  static Bits Zero(Type t) { return D::Constant(TypeBits(t), 0); }
  static Bits One(Type t) { return D::Constant(TypeBits(t), 1); }
  static Bits Ones(Type t) { return D::Constant(TypeBits(t), TypeMask(t)); }
  // Only the top bit set: the least signed number, a float's sign.
  static Bits Least(Type t) { return D::Constant(TypeBits(t), uint64_t{1} << (TypeBits(t) - 1)); }
  static Bool False(Type t) { return D::Eq(Zero(t), One(t)); }
  static Bits Flag(Bool b) { return D::Ite(b, D::Constant(32, 1), D::Constant(32, 0)); }
  static Bool BitAt(Bits x, uint32_t i) { return D::Eq(D::Extract(x, i, 1), D::Constant(1, 1)); }
  static Bits Amount(Type t, Bits y) {
    return D::And(y, D::Constant(TypeBits(t), TypeBits(t) - 1));
  }
  static Pair Halves(uint32_t w, Bits product) {
    return {D::Extract(product, 0, w), D::Extract(product, w, w)};
  }
  static Bits Canonical(Type t, Bits x) { return D::Ite(IsNan(t, x), CanonicalNan(t), x); }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_INTERP_SCALAR_SEMANTICS_H_
