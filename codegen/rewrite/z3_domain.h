// The solver's domain for codegen/interp/semantics.h: bits are bit-vector formulas of Z3, truth
// values its booleans.
//
//   z3::context context;
//   Z3Domain::Use use(&context);
//   z3::expr sum = Semantics<Z3Domain>::Iadd(Type::kI8, x, y);
#ifndef GANTRY_CODEGEN_REWRITE_Z3_DOMAIN_H_
#define GANTRY_CODEGEN_REWRITE_Z3_DOMAIN_H_

#include <cmath>
#include <cstdint>

#include "codegen/interp/bit_vector.h"
#include "z3++.h"

namespace gantry::codegen::rewrite {

struct Z3Domain {
  using Bits = z3::expr;
  using Bool = z3::expr;

  // Makes a context the one that formulas of this thread are made in.
  class Use {
   public:
    explicit Use(z3::context* context) : before_(current_) { current_ = context; }
    ~Use() { current_ = before_; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    z3::context* before_;
  };
  static z3::context& Context() { return *current_; }

  static Bits Constant(uint32_t width, uint64_t value) {
    return Context().bv_val(static_cast<uint64_t>(value), width);
  }
  static uint32_t Width(const Bits& x) { return x.get_sort().bv_size(); }

  static Bits Add(const Bits& x, const Bits& y) { return x + y; }
  static Bits Sub(const Bits& x, const Bits& y) { return x - y; }
  static Bits Mul(const Bits& x, const Bits& y) { return x * y; }
  static Bits UDiv(const Bits& x, const Bits& y) { return z3::udiv(x, y); }
  static Bits URem(const Bits& x, const Bits& y) { return z3::urem(x, y); }
  static Bits SDiv(const Bits& x, const Bits& y) { return x / y; }
  static Bits SRem(const Bits& x, const Bits& y) { return z3::srem(x, y); }
  static Bits And(const Bits& x, const Bits& y) { return x & y; }
  static Bits Or(const Bits& x, const Bits& y) { return x | y; }
  static Bits Xor(const Bits& x, const Bits& y) { return x ^ y; }
  static Bits Not(const Bits& x) { return ~x; }
  static Bits Shl(const Bits& x, const Bits& amount) { return z3::shl(x, amount); }
  static Bits LShr(const Bits& x, const Bits& amount) { return z3::lshr(x, amount); }
  static Bits AShr(const Bits& x, const Bits& amount) { return z3::ashr(x, amount); }
  static Bits ZExt(uint32_t width, const Bits& x) { return z3::zext(x, width - Width(x)); }
  static Bits SExt(uint32_t width, const Bits& x) { return z3::sext(x, width - Width(x)); }
  static Bits Extract(const Bits& x, uint32_t low, uint32_t width) {
    return x.extract(low + width - 1, low);
  }
  static Bits Concat(const Bits& high, const Bits& low) { return z3::concat(high, low); }

  static Bool Eq(const Bits& x, const Bits& y) { return x == y; }
  static Bool Ult(const Bits& x, const Bits& y) { return z3::ult(x, y); }
  static Bool Slt(const Bits& x, const Bits& y) { return x < y; }
  static Bool BoolNot(const Bool& x) { return !x; }
  static Bool BoolAnd(const Bool& x, const Bool& y) { return x && y; }
  static Bool BoolOr(const Bool& x, const Bool& y) { return x || y; }
  static Bits Ite(const Bool& condition, const Bits& x, const Bits& y) {
    return z3::ite(condition, x, y);
  }

  // ---- Floats: through the solver's theory of IEEE 754 and back to bits.
  static Bits FAdd(const Bits& x, const Bits& y) {
    return ToBits(Make(Z3_mk_fpa_add(Context(), Nearest(), Fp(x), Fp(y))));
  }
  static Bits FSub(const Bits& x, const Bits& y) {
    return ToBits(Make(Z3_mk_fpa_sub(Context(), Nearest(), Fp(x), Fp(y))));
  }
  static Bits FMul(const Bits& x, const Bits& y) {
    return ToBits(Make(Z3_mk_fpa_mul(Context(), Nearest(), Fp(x), Fp(y))));
  }
  static Bits FDiv(const Bits& x, const Bits& y) {
    return ToBits(Make(Z3_mk_fpa_div(Context(), Nearest(), Fp(x), Fp(y))));
  }
  static Bits FFma(const Bits& x, const Bits& y, const Bits& z) {
    return ToBits(Make(Z3_mk_fpa_fma(Context(), Nearest(), Fp(x), Fp(y), Fp(z))));
  }
  static Bits FSqrt(const Bits& x) {
    return ToBits(Make(Z3_mk_fpa_sqrt(Context(), Nearest(), Fp(x))));
  }
  static Bits FCeil(const Bits& x) { return Round(x, Make(Z3_mk_fpa_rtp(Context()))); }
  static Bits FFloor(const Bits& x) { return Round(x, Make(Z3_mk_fpa_rtn(Context()))); }
  static Bits FTrunc(const Bits& x) { return Round(x, Make(Z3_mk_fpa_rtz(Context()))); }
  static Bits FNearest(const Bits& x) { return Round(x, Nearest()); }
  static Bool FLt(const Bits& x, const Bits& y) {
    return Make(Z3_mk_fpa_lt(Context(), Fp(x), Fp(y)));
  }
  static Bool FEq(const Bits& x, const Bits& y) {
    return Make(Z3_mk_fpa_eq(Context(), Fp(x), Fp(y)));
  }
  static Bits FPromote(const Bits& x) {
    return ToBits(Make(Z3_mk_fpa_to_fp_float(Context(), Nearest(), Fp(x), Sort(64))));
  }
  static Bits FDemote(const Bits& x) {
    return ToBits(Make(Z3_mk_fpa_to_fp_float(Context(), Nearest(), Fp(x), Sort(32))));
  }
  static Bits FFromUint(uint32_t width, const Bits& x) {
    return ToBits(Make(Z3_mk_fpa_to_fp_unsigned(Context(), Nearest(), x, Sort(width))));
  }
  static Bits FFromSint(uint32_t width, const Bits& x) {
    return ToBits(Make(Z3_mk_fpa_to_fp_signed(Context(), Nearest(), x, Sort(width))));
  }
  static FloatToInt<Bits, Bool> FToUint(uint32_t width, const Bits& x) {
    return ToInt(width, x, 0.0, std::ldexp(1.0, static_cast<int>(width)), false);
  }
  static FloatToInt<Bits, Bool> FToSint(uint32_t width, const Bits& x) {
    const double bound = std::ldexp(1.0, static_cast<int>(width) - 1);
    return ToInt(width, x, -bound, bound, true);
  }

 private:
  static z3::expr Make(Z3_ast ast) {
    Context().check_error();
    return z3::expr(Context(), ast);
  }
  static z3::expr Nearest() { return Make(Z3_mk_fpa_rne(Context())); }
  static z3::sort Sort(uint32_t width) {
    return width == 32 ? Context().fpa_sort(8, 24) : Context().fpa_sort(11, 53);
  }
  static z3::expr Fp(const Bits& x) {
    return Make(Z3_mk_fpa_to_fp_bv(Context(), x, Sort(Width(x))));
  }
  static Bits ToBits(const z3::expr& fp) { return Make(Z3_mk_fpa_to_ieee_bv(Context(), fp)); }
  static Bits Round(const Bits& x, const z3::expr& mode) {
    return ToBits(Make(Z3_mk_fpa_round_to_integral(Context(), mode, Fp(x))));
  }
  static FloatToInt<Bits, Bool> ToInt(uint32_t width, const Bits& x, double low, double high,
                                      bool is_signed) {
    const z3::expr value = Fp(x);
    const z3::sort sort = Sort(Width(x));
    const z3::expr zero_mode = Make(Z3_mk_fpa_rtz(Context()));
    const z3::expr whole = Make(Z3_mk_fpa_round_to_integral(Context(), zero_mode, value));
    const Bool nan = Make(Z3_mk_fpa_is_nan(Context(), value));
    const Bool below =
        Make(Z3_mk_fpa_lt(Context(), whole, Make(Z3_mk_fpa_numeral_double(Context(), low, sort))));
    const Bool above = Make(
        Z3_mk_fpa_geq(Context(), whole, Make(Z3_mk_fpa_numeral_double(Context(), high, sort))));
    const Bits number = is_signed ? Make(Z3_mk_fpa_to_sbv(Context(), zero_mode, value, width))
                                  : Make(Z3_mk_fpa_to_ubv(Context(), zero_mode, value, width));
    const uint64_t all = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
    const Bits least = Constant(width, is_signed ? uint64_t{1} << (width - 1) : 0);
    const Bits most = Constant(width, is_signed ? all >> 1 : all);
    const Bits saturated =
        Ite(nan, Constant(width, 0), Ite(below, least, Ite(above, most, number)));
    return {saturated, nan, !nan && (below || above)};
  }

  static inline thread_local z3::context* current_ = nullptr;
};

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_Z3_DOMAIN_H_
