#include "codegen/rewrite/constant_functions.h"

#include <iterator>

#include "base/check.h"

namespace gantry::codegen::rewrite {
namespace {

using Word = BitVector::Word;

constexpr struct {
  absl::string_view name;
  absl::string_view enumerator;
  GuardShape shape;
} kGuards[] = {
#define GANTRY_REWRITE_GUARD(name, enumerator, shape) {#name, #enumerator, GuardShape::shape},
    GANTRY_REWRITE_GUARDS(GANTRY_REWRITE_GUARD)
#undef GANTRY_REWRITE_GUARD
};

constexpr absl::string_view kFunctions[] = {
    "udiv_magic", "udiv_shift", "udiv_even_magic", "udiv_even_shift", "sdiv_magic", "sdiv_shift",
};

}  // namespace

std::optional<GuardKind> GuardFromName(absl::string_view name) {
  for (size_t i = 0; i < std::size(kGuards); ++i) {
    if (kGuards[i].name == name) return static_cast<GuardKind>(i);
  }
  return std::nullopt;
}

GuardShape ShapeOf(GuardKind guard) { return kGuards[static_cast<size_t>(guard)].shape; }

absl::string_view EnumeratorOf(GuardKind guard) {
  return kGuards[static_cast<size_t>(guard)].enumerator;
}

bool IsConstantFunction(absl::string_view name) {
  for (absl::string_view function : kFunctions) {
    if (function == name) return true;
  }
  return false;
}

UnsignedMagic FindUnsignedMagic(const BitVector& d, uint32_t known_zeros) {
  const uint32_t w = d.width();
  const Word divisor = d.word();
  // m = floor(2^(w+s) / d) + 1 will do if m * d - 2^(w+s) <= 2^(s + known_zeros): the product's
  // error then stays below a d-th for every x. 2^(w+s) itself may not fit: it is divided as
  // (2^(w+s) - 1) and its rest looked at.
  for (uint32_t s = 0;; ++s) {
    const Word below = BitVector::Mask(w + s);
    Word quotient = below / divisor;
    Word rest = below % divisor + 1;
    if (rest == divisor) {
      ++quotient;
      rest = 0;
    }
    const Word error = divisor - rest;
    if (error > Word{1} << (s + known_zeros)) continue;
    const Word m = quotient + 1;
    return {BitVector(w, m), s, m <= BitVector::Mask(w)};
  }
}

SignedMagic FindSignedMagic(const BitVector& d) {
  const uint32_t w = d.width();
  const Word divisor = d.word();
  // The same for magnitudes up to 2^(w-1).
  for (uint32_t s = 0;; ++s) {
    const Word power = Word{1} << (w + s - 1);
    // 2^(w+s) = 2 * power, which may not fit for w = 64 and s = 63; no d needs that s.
    const Word quotient = (power + power - 1) / divisor;
    const Word rest = (power + power - 1) % divisor + 1;
    const Word error = rest == divisor ? divisor : divisor - rest;
    const Word m = (rest == divisor ? quotient + 1 : quotient) + 1;
    if (error > Word{1} << (s + 1)) continue;
    return {BitVector(w, m), s};
  }
}

BitVector EvaluateFunction(absl::string_view name, const BitVector& x) {
  const uint32_t w = x.width();
  const Word sign = Word{1} << (w - 1);
  const auto magnitude = [&] {
    return (x.word() & sign) != 0 ? BitVector(w, Word{0} - x.word()) : x;
  };
  // Rules do not use these for 0 and units; guards are evaluated all the same.
  const bool is_signed = name == "sdiv_magic" || name == "sdiv_shift";
  if ((is_signed ? magnitude() : x).word() < 2) return BitVector(w, 0);
  if (name == "udiv_magic") return FindUnsignedMagic(x).magic;
  if (name == "udiv_shift") return BitVector(w, FindUnsignedMagic(x).shift);
  if (name == "udiv_even_magic" || name == "udiv_even_shift") {
    uint32_t zeros = 0;
    while ((x.word() >> zeros & 1) == 0) ++zeros;
    const UnsignedMagic found = FindUnsignedMagic(BitVector(w, x.word() >> zeros), zeros);
    return name == "udiv_even_magic" ? found.magic : BitVector(w, found.shift);
  }
  if (name == "sdiv_magic") return FindSignedMagic(magnitude()).magic;
  if (name == "sdiv_shift") return BitVector(w, FindSignedMagic(magnitude()).shift);
  CHECK(false) << name;
  return x;
}

bool EvaluateConcreteGuard(GuardKind guard, const BitVector& x) {
  CHECK(guard == GuardKind::kUdivShort);
  return x.word() > 1 && FindUnsignedMagic(x).is_short;
}

}  // namespace gantry::codegen::rewrite
