// What rules may say of constants beyond opcodes: guards, and the numbers behind division by
// constants. Guards are defined over a domain (codegen/interp/bit_vector.h), so that the
// matcher and the solver share them; the numbers of division exist for given constants only.
#ifndef GANTRY_CODEGEN_REWRITE_CONSTANT_FUNCTIONS_H_
#define GANTRY_CODEGEN_REWRITE_CONSTANT_FUNCTIONS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "codegen/interp/bit_vector.h"

namespace gantry::codegen::rewrite {

// What a guard takes.
enum class GuardShape {
  kOneConstant,       // power_of_2(C)
  kTwoConstants,      // ult(C, D)
  kValueAndConstant,  // zero(x, C): the bits of x that C has are known to be 0
  kValue,             // arithmetic(x): a float that is no signalling NaN
  kTypes,             // narrower(u, t), is_width(t, 32)
  kConditions,        // cc_in(cc, eq, ne)
};

// Name in rules, enumerator, what it takes.
#define GANTRY_REWRITE_GUARDS(G)                      \
  G(eq, kEq, kTwoConstants)                           \
  G(ne, kNe, kTwoConstants)                           \
  G(ult, kUlt, kTwoConstants)                         \
  G(ule, kUle, kTwoConstants)                         \
  G(ugt, kUgt, kTwoConstants)                         \
  G(uge, kUge, kTwoConstants)                         \
  G(slt, kSlt, kTwoConstants)                         \
  G(sle, kSle, kTwoConstants)                         \
  G(sgt, kSgt, kTwoConstants)                         \
  G(sge, kSge, kTwoConstants)                         \
  G(power_of_2, kPowerOf2, kOneConstant)              \
  G(low_mask, kLowMask, kOneConstant)                 \
  G(shifted_mask, kShiftedMask, kOneConstant)         \
  G(high_mask, kHighMask, kOneConstant)               \
  G(fits_offset, kFitsOffset, kOneConstant)           \
  G(exact_reciprocal, kExactReciprocal, kOneConstant) \
  G(sign_clear, kSignClear, kOneConstant)             \
  G(udiv_short, kUdivShort, kOneConstant)             \
  G(zero, kZero, kValueAndConstant)                   \
  G(arithmetic, kArithmetic, kValue)                  \
  G(narrower, kNarrower, kTypes)                      \
  G(is_width, kIsWidth, kTypes)                       \
  G(cc_in, kCcIn, kConditions)

enum class GuardKind : uint8_t {
#define GANTRY_REWRITE_GUARD(name, enumerator, shape) enumerator,
  GANTRY_REWRITE_GUARDS(GANTRY_REWRITE_GUARD)
#undef GANTRY_REWRITE_GUARD
};
std::optional<GuardKind> GuardFromName(absl::string_view name);
GuardShape ShapeOf(GuardKind guard);
// "kPowerOf2".
absl::string_view EnumeratorOf(GuardKind guard);
// Functions of a constant, of its type: udiv_magic and the like.
bool IsConstantFunction(absl::string_view name);

// A guard over constants; guards of one do not look at `y`.
template <typename D>
typename D::Bool EvaluateGuard(GuardKind guard, const typename D::Bits& x,
                               const typename D::Bits& y) {
  using Bits = typename D::Bits;
  const uint32_t width = D::Width(x);
  const auto number = [&](uint64_t value) { return D::Constant(width, value); };
  const auto is_zero = [&](const Bits& bits) { return D::Eq(bits, number(0)); };
  // Ones from bit 0 up, at least one.
  const auto is_low_mask = [&](const Bits& bits) {
    return D::BoolAnd(D::BoolNot(is_zero(bits)), is_zero(D::And(bits, D::Add(bits, number(1)))));
  };
  switch (guard) {
    case GuardKind::kEq:
      return D::Eq(x, y);
    case GuardKind::kNe:
      return D::BoolNot(D::Eq(x, y));
    case GuardKind::kUlt:
      return D::Ult(x, y);
    case GuardKind::kUle:
      return D::BoolNot(D::Ult(y, x));
    case GuardKind::kUgt:
      return D::Ult(y, x);
    case GuardKind::kUge:
      return D::BoolNot(D::Ult(x, y));
    case GuardKind::kSlt:
      return D::Slt(x, y);
    case GuardKind::kSle:
      return D::BoolNot(D::Slt(y, x));
    case GuardKind::kSgt:
      return D::Slt(y, x);
    case GuardKind::kSge:
      return D::BoolNot(D::Slt(x, y));
    case GuardKind::kPowerOf2:
      return D::BoolAnd(D::BoolNot(is_zero(x)), is_zero(D::And(x, D::Sub(x, number(1)))));
    case GuardKind::kLowMask:
      return is_low_mask(x);
    // Ones in one run.
    case GuardKind::kShiftedMask:
      return D::BoolAnd(D::BoolNot(is_zero(x)), is_low_mask(D::Or(x, D::Sub(x, number(1)))));
    // Ones from some bit up to the top, with zeros below.
    case GuardKind::kHighMask:
      return is_low_mask(D::Not(x));
    case GuardKind::kSignClear:
      return D::BoolNot(D::Slt(x, number(0)));
    case GuardKind::kFitsOffset:
      return D::Eq(D::SExt(width, D::Extract(x, 0, 32)), x);
    // A float whose reciprocal is exact: a power of two that is normal, as its inverse is.
    case GuardKind::kExactReciprocal: {
      const uint32_t fraction = width == 32 ? 23 : 52;
      const uint32_t exponent = width == 32 ? 8 : 11;
      const Bits bits = D::Extract(x, fraction, exponent);
      const uint64_t greatest = (uint64_t{1} << exponent) - 1;
      const typename D::Bool normal =
          D::BoolAnd(D::Ult(D::Constant(exponent, 0), bits),
                     // The inverse's exponent is greatest - 1 less this one.
                     D::Ult(bits, D::Constant(exponent, greatest - 1)));
      return D::BoolAnd(D::Eq(D::Extract(x, 0, fraction), D::Constant(fraction, 0)), normal);
    }
    default:
      break;
  }
  CHECK(false) << "a guard that is not over constants of a domain";
  return D::Eq(x, x);
}

// floor(x / d) = (x * m) >> (w + s) for all x of w bits, m being magic + 2^w if !udiv_short and
// magic if it is. Granlund and Montgomery, "Division by Invariant Integers using Multiplication"
// (1994). d is neither 0 nor 1.
struct UnsignedMagic {
  BitVector magic;
  uint32_t shift = 0;
  bool is_short = false;
};
// For x below 2^(w - known_zeros).
UnsignedMagic FindUnsignedMagic(const BitVector& d, uint32_t known_zeros = 0);

// For d > 1: floor(x / d) = ((x * m) >> (w + s)) + (x < 0), x signed, m unsigned of w bits.
struct SignedMagic {
  BitVector magic;
  uint32_t shift = 0;
};
SignedMagic FindSignedMagic(const BitVector& d);

// The constant function `name` of `x`.
//   udiv_magic, udiv_shift      FindUnsignedMagic
//   udiv_even_magic, udiv_even_shift   for x / 2^k divided by d / 2^k, k being d's trailing zeros
//   sdiv_magic, sdiv_shift      FindSignedMagic of the magnitude of d
BitVector EvaluateFunction(absl::string_view name, const BitVector& x);

// Guards of this kind are evaluated for given constants only.
constexpr bool IsConcreteGuard(GuardKind guard) { return guard == GuardKind::kUdivShort; }
bool EvaluateConcreteGuard(GuardKind guard, const BitVector& x);

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_CONSTANT_FUNCTIONS_H_
