// BitVector: up to 128 bits with a width, and the concrete domain over which
// semantics.h is evaluated.
//
//   ConcreteDomain::Add(BitVector(8, 0xFF), BitVector(8, 1)) == BitVector(8, 0)
//
// A domain is what definitions of opcodes need of bits and truth values; another one may
// build formulas for a solver instead of numbers.
#ifndef GANTRY_CODEGEN_INTERP_BIT_VECTOR_H_
#define GANTRY_CODEGEN_INTERP_BIT_VECTOR_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>

#include "base/check.h"

namespace gantry::codegen {

class BitVector {
 public:
  using Word = unsigned __int128;
  static constexpr uint32_t kMaxWidth = 128;

  BitVector() = default;
  // Bits of `word` above `width` are dropped.
  BitVector(uint32_t width, Word word) : word_(word & Mask(width)), width_(width) {
    DCHECK(width <= kMaxWidth);
  }

  uint32_t width() const { return width_; }
  Word word() const { return word_; }
  uint64_t low() const { return static_cast<uint64_t>(word_); }
  uint64_t high() const { return static_cast<uint64_t>(word_ >> 64); }
  __int128 Signed() const {
    if (width_ == 0) return 0;
    const uint32_t unused = kMaxWidth - width_;
    return static_cast<__int128>(word_ << unused) >> unused;
  }

  static Word Mask(uint32_t width) {
    return width >= kMaxWidth ? ~Word{0} : (Word{1} << width) - 1;
  }

  friend bool operator==(const BitVector&, const BitVector&) = default;
  friend std::ostream& operator<<(std::ostream& out, const BitVector& x) {
    return out << "i" << x.width_ << ":" << std::hex << "0x" << x.high() << "'" << x.low()
               << std::dec;
  }

 private:
  Word word_ = 0;
  uint32_t width_ = 0;
};

// The result of rounding a float toward zero to an integer.
template <typename Bits, typename Bool>
struct FloatToInt {
  Bits saturated;  // Clamped to the integer's range; 0 for a NaN.
  Bool is_nan;
  Bool out_of_range;  // Not a NaN and the rounded value does not fit.
};

// Bits are numbers. Operands of one call have the same width unless stated otherwise.
struct ConcreteDomain {
  using Bits = BitVector;
  using Bool = bool;

  static Bits Constant(uint32_t width, uint64_t value) { return Bits(width, value); }
  static uint32_t Width(const Bits& x) { return x.width(); }

  static Bits Add(Bits x, Bits y) { return Bits(x.width(), x.word() + y.word()); }
  static Bits Sub(Bits x, Bits y) { return Bits(x.width(), x.word() - y.word()); }
  static Bits Mul(Bits x, Bits y) { return Bits(x.width(), x.word() * y.word()); }
  // Division: y is not zero; the quotient of the least number by -1 wraps to itself.
  static Bits UDiv(Bits x, Bits y) { return Bits(x.width(), x.word() / y.word()); }
  static Bits URem(Bits x, Bits y) { return Bits(x.width(), x.word() % y.word()); }
  static Bits SDiv(Bits x, Bits y) {
    return Bits(x.width(), static_cast<BitVector::Word>(x.Signed() / y.Signed()));
  }
  static Bits SRem(Bits x, Bits y) {
    return Bits(x.width(), static_cast<BitVector::Word>(x.Signed() % y.Signed()));
  }
  static Bits And(Bits x, Bits y) { return Bits(x.width(), x.word() & y.word()); }
  static Bits Or(Bits x, Bits y) { return Bits(x.width(), x.word() | y.word()); }
  static Bits Xor(Bits x, Bits y) { return Bits(x.width(), x.word() ^ y.word()); }
  static Bits Not(Bits x) { return Bits(x.width(), ~x.word()); }
  // The amount is less than the width.
  static Bits Shl(Bits x, Bits amount) { return Bits(x.width(), x.word() << amount.low()); }
  static Bits LShr(Bits x, Bits amount) { return Bits(x.width(), x.word() >> amount.low()); }
  static Bits AShr(Bits x, Bits amount) {
    return Bits(x.width(), static_cast<BitVector::Word>(x.Signed() >> amount.low()));
  }
  static Bits ZExt(uint32_t width, Bits x) { return Bits(width, x.word()); }
  static Bits SExt(uint32_t width, Bits x) {
    return Bits(width, static_cast<BitVector::Word>(x.Signed()));
  }
  // `width` bits from bit `low` up.
  static Bits Extract(Bits x, uint32_t low, uint32_t width) { return Bits(width, x.word() >> low); }
  static Bits Concat(Bits high, Bits low) {
    return Bits(high.width() + low.width(), high.word() << low.width() | low.word());
  }

  static Bool Eq(Bits x, Bits y) { return x == y; }
  static Bool Ult(Bits x, Bits y) { return x.word() < y.word(); }
  static Bool Slt(Bits x, Bits y) { return x.Signed() < y.Signed(); }
  static Bool BoolNot(Bool x) { return !x; }
  static Bool BoolAnd(Bool x, Bool y) { return x && y; }
  static Bool BoolOr(Bool x, Bool y) { return x || y; }
  static Bits Ite(Bool condition, Bits x, Bits y) { return condition ? x : y; }

  // ---- Floats, IEEE 754 binary32 and binary64 by width, rounding to nearest even. The
  // bits of a NaN result are arbitrary here; semantics.h decides them.
  static Bits FAdd(Bits x, Bits y) {
    return Float2(x, y, [](auto a, auto b) { return a + b; });
  }
  static Bits FSub(Bits x, Bits y) {
    return Float2(x, y, [](auto a, auto b) { return a - b; });
  }
  static Bits FMul(Bits x, Bits y) {
    return Float2(x, y, [](auto a, auto b) { return a * b; });
  }
  static Bits FDiv(Bits x, Bits y) {
    return Float2(x, y, [](auto a, auto b) { return a / b; });
  }
  // x * y + z, rounded once.
  static Bits FFma(Bits x, Bits y, Bits z) {
    return x.width() == 32 ? FromF32(std::fma(F32(x), F32(y), F32(z)))
                           : FromF64(std::fma(F64(x), F64(y), F64(z)));
  }
  static Bits FSqrt(Bits x) {
    return Float1(x, [](auto a) { return std::sqrt(a); });
  }
  static Bits FCeil(Bits x) {
    return Float1(x, [](auto a) { return std::ceil(a); });
  }
  static Bits FFloor(Bits x) {
    return Float1(x, [](auto a) { return std::floor(a); });
  }
  static Bits FTrunc(Bits x) {
    return Float1(x, [](auto a) { return std::trunc(a); });
  }
  // Ties to even.
  static Bits FNearest(Bits x) {
    return Float1(x, [](auto a) { return std::nearbyint(a); });
  }
  static Bool FLt(Bits x, Bits y) { return x.width() == 32 ? F32(x) < F32(y) : F64(x) < F64(y); }
  static Bool FEq(Bits x, Bits y) { return x.width() == 32 ? F32(x) == F32(y) : F64(x) == F64(y); }
  static Bits FPromote(Bits x) { return FromF64(F32(x)); }
  static Bits FDemote(Bits x) { return FromF32(static_cast<float>(F64(x))); }
  static Bits FFromUint(uint32_t width, Bits x) {
    return width == 32 ? FromF32(static_cast<float>(x.low()))
                       : FromF64(static_cast<double>(x.low()));
  }
  static Bits FFromSint(uint32_t width, Bits x) {
    const int64_t value = static_cast<int64_t>(x.Signed());
    return width == 32 ? FromF32(static_cast<float>(value)) : FromF64(static_cast<double>(value));
  }
  static FloatToInt<Bits, Bool> FToUint(uint32_t width, Bits x) {
    return ToInt(width, x, 0.0, std::ldexp(1.0, static_cast<int>(width)), false);
  }
  static FloatToInt<Bits, Bool> FToSint(uint32_t width, Bits x) {
    const double bound = std::ldexp(1.0, static_cast<int>(width) - 1);
    return ToInt(width, x, -bound, bound, true);
  }

 private:
  static float F32(Bits x) { return std::bit_cast<float>(static_cast<uint32_t>(x.low())); }
  static double F64(Bits x) { return std::bit_cast<double>(x.low()); }
  static Bits FromF32(float x) { return Bits(32, std::bit_cast<uint32_t>(x)); }
  static Bits FromF64(double x) { return Bits(64, std::bit_cast<uint64_t>(x)); }
  template <typename Op>
  static Bits Float1(Bits x, Op op) {
    return x.width() == 32 ? FromF32(op(F32(x))) : FromF64(op(F64(x)));
  }
  template <typename Op>
  static Bits Float2(Bits x, Bits y, Op op) {
    return x.width() == 32 ? FromF32(op(F32(x), F32(y))) : FromF64(op(F64(x), F64(y)));
  }
  // Fits if low <= trunc(x) < high; both bounds are exact doubles, and so is every f32.
  static FloatToInt<Bits, Bool> ToInt(uint32_t width, Bits x, double low, double high,
                                      bool is_signed) {
    const double value = x.width() == 32 ? double{F32(x)} : F64(x);
    if (std::isnan(value)) return {Bits(width, 0), true, false};
    const double whole = std::trunc(value);
    if (whole < low)
      return {Bits(width, is_signed ? BitVector::Word{1} << (width - 1) : 0), false, true};
    if (whole >= high) {
      return {Bits(width, BitVector::Mask(is_signed ? width - 1 : width)), false, true};
    }
    return {Bits(width, static_cast<BitVector::Word>(static_cast<__int128>(whole))), false, false};
  }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_INTERP_BIT_VECTOR_H_
