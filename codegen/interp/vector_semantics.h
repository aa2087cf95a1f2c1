// What the opcodes that compute with vectors mean: the part of semantics.h that is about them.
//
// A vector is 128 bits, lane 0 the lowest. Each definition takes lanes apart, says in terms of
// scalars what becomes of each, and puts them together; nothing is clever here, for this is what
// compiled code is compared with.
#ifndef GANTRY_CODEGEN_INTERP_VECTOR_SEMANTICS_H_
#define GANTRY_CODEGEN_INTERP_VECTOR_SEMANTICS_H_

#include <cstdint>

#include "codegen/interp/scalar_semantics.h"
#include "codegen/ir/conditions.h"
#include "codegen/ir/types.h"

namespace gantry::codegen {

template <typename D>
struct VectorSemantics : ScalarSemantics<D> {
  using S = ScalarSemantics<D>;
  using typename S::Bits;
  using typename S::Bool;

  // ---- Integer arithmetic, lane by lane.
  static Bits Vadd(Type t, Bits x, Bits y) { return Map(t, &S::Iadd, x, y); }
  static Bits Vsub(Type t, Bits x, Bits y) { return Map(t, &S::Isub, x, y); }
  static Bits Vmul(Type t, Bits x, Bits y) { return Map(t, &S::Imul, x, y); }
  static Bits Vneg(Type t, Bits x) { return Map(t, &S::Ineg, x); }
  // The least number stays what it is.
  static Bits Vabs(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) {
      const Bits a = Lane(t, x, i);
      return D::Ite(D::Slt(a, S::Zero(LaneType(t))), S::Ineg(LaneType(t), a), a);
    });
  }
  static Bits VaddSatS(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return SaturateS(LaneBits(t), D::Add(WideS(t, x, i), WideS(t, y, i)));
    });
  }
  static Bits VaddSatU(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return SaturateU(LaneBits(t), D::Add(WideU(t, x, i), WideU(t, y, i)));
    });
  }
  static Bits VsubSatS(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return SaturateS(LaneBits(t), D::Sub(WideS(t, x, i), WideS(t, y, i)));
    });
  }
  static Bits VsubSatU(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return SaturateU(LaneBits(t), D::Sub(WideU(t, x, i), WideU(t, y, i)));
    });
  }
  static Bits VminS(Type t, Bits x, Bits y) {
    return Choose(t, x, y, [](Bits a, Bits b) { return D::Slt(a, b); });
  }
  static Bits VminU(Type t, Bits x, Bits y) {
    return Choose(t, x, y, [](Bits a, Bits b) { return D::Ult(a, b); });
  }
  static Bits VmaxS(Type t, Bits x, Bits y) {
    return Choose(t, x, y, [](Bits a, Bits b) { return D::Slt(b, a); });
  }
  static Bits VmaxU(Type t, Bits x, Bits y) {
    return Choose(t, x, y, [](Bits a, Bits b) { return D::Ult(b, a); });
  }
  // Rounded up.
  static Bits VavgU(Type t, Bits x, Bits y) {
    const uint32_t w = LaneBits(t);
    return MapLanes(t, [&](uint32_t i) {
      const Bits sum = D::Add(WideU(t, x, i), WideU(t, y, i));
      return D::Extract(D::Add(sum, D::Constant(2 * w, 1)), 1, w);
    });
  }
  static Bits Vpopcnt(Type t, Bits x) { return Map(t, &S::Popcnt, x); }
  // One amount for all lanes, modulo their width.
  static Bits Vshl(Type t, Bits x, Bits amount) { return MapAmount(t, &S::Ishl, x, amount); }
  static Bits VshrS(Type t, Bits x, Bits amount) { return MapAmount(t, &S::Sshr, x, amount); }
  static Bits VshrU(Type t, Bits x, Bits amount) { return MapAmount(t, &S::Ushr, x, amount); }
  static Bits Vicmp(Type t, IntCC cc, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return Truth(t, S::Icmp(LaneType(t), cc, Lane(t, x, i), Lane(t, y, i)));
    });
  }
  static Bits Vfcmp(Type t, FloatCC cc, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return Truth(t, S::Fcmp(LaneType(t), cc, Lane(t, x, i), Lane(t, y, i)));
    });
  }

  // ---- All bits.
  static Bits Vand(Type, Bits x, Bits y) { return D::And(x, y); }
  static Bits Vor(Type, Bits x, Bits y) { return D::Or(x, y); }
  static Bits Vxor(Type, Bits x, Bits y) { return D::Xor(x, y); }
  static Bits VandNot(Type, Bits x, Bits y) { return D::And(x, D::Not(y)); }
  static Bits Vnot(Type, Bits x) { return D::Not(x); }
  static Bits Vbitselect(Type, Bits mask, Bits x, Bits y) {
    return D::Or(D::And(x, mask), D::And(y, D::Not(mask)));
  }
  static Bits Vblend(Type t, Bits mask, Bits x, Bits y) {
    return MapLanes(
        t, [&](uint32_t i) { return D::Ite(TopBit(t, mask, i), Lane(t, x, i), Lane(t, y, i)); });
  }
  static Bits VanyTrue(Type, Bits x) { return S::Flag(D::BoolNot(S::IsZero(x))); }
  static Bits VallTrue(Type t, Bits x) {
    Bool all = D::BoolNot(S::IsZero(Lane(t, x, 0)));
    for (uint32_t i = 1; i < LaneCount(t); ++i) {
      all = D::BoolAnd(all, D::BoolNot(S::IsZero(Lane(t, x, i))));
    }
    return S::Flag(all);
  }
  // Bit i is lane i's top bit.
  static Bits Vbitmask(Type t, Bits x) {
    Bits mask = D::Constant(32, 0);
    for (uint32_t i = 0; i < LaneCount(t); ++i) {
      mask = D::Or(mask,
                   D::Ite(TopBit(t, x, i), D::Constant(32, uint64_t{1} << i), D::Constant(32, 0)));
    }
    return mask;
  }

  // ---- Lanes.
  static Bits Vsplat(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t) { return D::Extract(x, 0, LaneBits(t)); });
  }
  static Bits Vscalar(Type, Bits x) { return D::ZExt(128, x); }
  static Bits VextractU(Type t, uint32_t lane, Bits x) {
    return D::ZExt(TypeBits(LaneScalar(t)), Lane(t, x, lane));
  }
  static Bits VextractS(Type t, uint32_t lane, Bits x) {
    return D::SExt(TypeBits(LaneScalar(t)), Lane(t, x, lane));
  }
  static Bits Vreplace(Type t, uint32_t lane, Bits x, Bits y) {
    return MapLanes(
        t, [&](uint32_t i) { return i == lane ? D::Extract(y, 0, LaneBits(t)) : Lane(t, x, i); });
  }
  static Bits Vshuffle(Type t, const ShuffleLanes& lanes, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return lanes[i] < 16 ? Lane(t, x, lanes[i]) : Lane(t, y, lanes[i] - 16u);
    });
  }
  static Bits Vswizzle(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) { return ByteAt(x, Lane(t, y, i)); });
  }
  static Bits VswizzleMasked(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      const Bits index = Lane(t, y, i);
      return D::Ite(TopBit(t, y, i), D::Constant(8, 0),
                    ByteAt(x, D::And(index, D::Constant(8, 15))));
    });
  }

  // ---- Changes of lane width. The shape is the result's.
  static Bits VnarrowS(Type t, Bits x, Bits y) {
    return Narrow(t, x, y, [&](Bits wide) { return SaturateS(LaneBits(t), wide); });
  }
  static Bits VnarrowU(Type t, Bits x, Bits y) {
    return Narrow(t, x, y, [&](Bits wide) { return SaturateU(LaneBits(t), wide); });
  }
  static Bits VextendLowS(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) { return ExtendS(t, x, i); });
  }
  static Bits VextendLowU(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) { return ExtendU(t, x, i); });
  }
  static Bits VextendHighS(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) { return ExtendS(t, x, LaneCount(t) + i); });
  }
  static Bits VextendHighU(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) { return ExtendU(t, x, LaneCount(t) + i); });
  }
  static Bits VextaddPairwiseS(Type t, Bits x) {
    return MapLanes(
        t, [&](uint32_t i) { return D::Add(ExtendS(t, x, 2 * i), ExtendS(t, x, 2 * i + 1)); });
  }
  static Bits VextaddPairwiseU(Type t, Bits x) {
    return MapLanes(
        t, [&](uint32_t i) { return D::Add(ExtendU(t, x, 2 * i), ExtendU(t, x, 2 * i + 1)); });
  }
  static Bits VextmulLowS(Type t, Bits x, Bits y) {
    return Vmul(t, VextendLowS(t, x), VextendLowS(t, y));
  }
  static Bits VextmulLowU(Type t, Bits x, Bits y) {
    return Vmul(t, VextendLowU(t, x), VextendLowU(t, y));
  }
  static Bits VextmulHighS(Type t, Bits x, Bits y) {
    return Vmul(t, VextendHighS(t, x), VextendHighS(t, y));
  }
  static Bits VextmulHighU(Type t, Bits x, Bits y) {
    return Vmul(t, VextendHighU(t, x), VextendHighU(t, y));
  }
  static Bits VdotS(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return D::Add(D::Mul(ExtendS(t, x, 2 * i), ExtendS(t, y, 2 * i)),
                    D::Mul(ExtendS(t, x, 2 * i + 1), ExtendS(t, y, 2 * i + 1)));
    });
  }
  static Bits VdotUsSat(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      return SaturateS(16, D::Add(ProductUs(x, y, 2 * i), ProductUs(x, y, 2 * i + 1)));
    });
  }
  static Bits VdotUsAdd(Type t, Bits x, Bits y, Bits z) {
    return MapLanes(t, [&](uint32_t i) {
      Bits sum = Lane(t, z, i);
      for (uint32_t k = 0; k < 4; ++k) sum = D::Add(sum, ProductUs(x, y, 4 * i + k));
      return sum;
    });
  }
  static Bits Vq15mulrSat(Type t, Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) {
      const Bits product = D::Mul(WideS(t, x, i), WideS(t, y, i));
      const Bits rounded = D::Add(product, D::Constant(32, 1 << 14));
      return SaturateS(16, D::AShr(rounded, D::Constant(32, 15)));
    });
  }

  // ---- Floats.
  static Bits Vfadd(Type t, Bits x, Bits y) { return Map(t, &S::Fadd, x, y); }
  static Bits Vfsub(Type t, Bits x, Bits y) { return Map(t, &S::Fsub, x, y); }
  static Bits Vfmul(Type t, Bits x, Bits y) { return Map(t, &S::Fmul, x, y); }
  static Bits Vfdiv(Type t, Bits x, Bits y) { return Map(t, &S::Fdiv, x, y); }
  static Bits Vfmin(Type t, Bits x, Bits y) { return Map(t, &S::Fmin, x, y); }
  static Bits Vfmax(Type t, Bits x, Bits y) { return Map(t, &S::Fmax, x, y); }
  // The first operand, bits and all, unless the second is less, or greater.
  static Bits Vfpmin(Type t, Bits x, Bits y) {
    return Choose(t, y, x, [](Bits b, Bits a) { return D::FLt(b, a); });
  }
  static Bits Vfpmax(Type t, Bits x, Bits y) {
    return Choose(t, y, x, [](Bits b, Bits a) { return D::FLt(a, b); });
  }
  static Bits Vfma(Type t, Bits x, Bits y, Bits z) {
    return MapLanes(t, [&](uint32_t i) {
      return S::Canonical(LaneType(t), D::FFma(Lane(t, x, i), Lane(t, y, i), Lane(t, z, i)));
    });
  }
  static Bits Vfnma(Type t, Bits x, Bits y, Bits z) { return Vfma(t, Vfneg(t, x), y, z); }
  static Bits Vsqrt(Type t, Bits x) { return Map(t, &S::Sqrt, x); }
  static Bits Vceil(Type t, Bits x) { return Map(t, &S::Ceil, x); }
  static Bits Vfloor(Type t, Bits x) { return Map(t, &S::Floor, x); }
  static Bits Vtrunc(Type t, Bits x) { return Map(t, &S::Trunc, x); }
  static Bits Vnearest(Type t, Bits x) { return Map(t, &S::Nearest, x); }
  static Bits Vfabs(Type t, Bits x) { return Map(t, &S::Fabs, x); }
  static Bits Vfneg(Type t, Bits x) { return Map(t, &S::Fneg, x); }
  static Bits VfcvtFromSint(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) {
      return S::FcvtFromSint(LaneType(t), Type::kI32, Lane(Type::kI32X4, x, i));
    });
  }
  static Bits VfcvtFromUint(Type t, Bits x) {
    return MapLanes(t, [&](uint32_t i) {
      return S::FcvtFromUint(LaneType(t), Type::kI32, Lane(Type::kI32X4, x, i));
    });
  }
  static Bits VfcvtToSintSat(Type t, Bits x) {
    return ToInts(t, [&](uint32_t i) { return D::FToSint(32, Lane(t, x, i)).saturated; });
  }
  static Bits VfcvtToUintSat(Type t, Bits x) {
    return ToInts(t, [&](uint32_t i) { return D::FToUint(32, Lane(t, x, i)).saturated; });
  }
  static Bits VfcvtToSintIndefinite(Type t, Bits x) {
    return ToInts(t, [&](uint32_t i) {
      return Indefinite(D::FToSint(32, Lane(t, x, i)), D::Constant(32, 0x80000000));
    });
  }
  static Bits VfcvtToUintIndefinite(Type t, Bits x) {
    return ToInts(t, [&](uint32_t i) {
      return Indefinite(D::FToUint(32, Lane(t, x, i)), D::Constant(32, 0xFFFFFFFF));
    });
  }
  static Bits VpromoteLow(Type, Bits x) {
    return MapLanes(Type::kF64X2, [&](uint32_t i) {
      return S::Fpromote(Type::kF64, Type::kF32, Lane(Type::kF32X4, x, i));
    });
  }
  static Bits Vdemote(Type, Bits x) {
    return MapLanes(Type::kF32X4, [&](uint32_t i) {
      return i < 2 ? S::Fdemote(Type::kF32, Type::kF64, Lane(Type::kF64X2, x, i))
                   : D::Constant(32, 0);
    });
  }

  // ---- Taking apart and putting together.
  static Bits Lane(Type shape, Bits x, uint32_t i) {
    return D::Extract(x, i * LaneBits(shape), LaneBits(shape));
  }
  // The vector whose lane i is of(i).
  template <typename Of>
  static Bits MapLanes(Type shape, Of of) {
    Bits all = of(0);
    for (uint32_t i = 1; i < LaneCount(shape); ++i) all = D::Concat(of(i), all);
    return all;
  }

 private:
  static Bits Map(Type t, Bits (*op)(Type, Bits), Bits x) {
    return MapLanes(t, [&](uint32_t i) { return op(LaneType(t), Lane(t, x, i)); });
  }
  static Bits Map(Type t, Bits (*op)(Type, Bits, Bits), Bits x, Bits y) {
    return MapLanes(t, [&](uint32_t i) { return op(LaneType(t), Lane(t, x, i), Lane(t, y, i)); });
  }
  static Bits MapAmount(Type t, Bits (*op)(Type, Bits, Bits), Bits x, Bits amount) {
    const uint32_t w = LaneBits(t);
    const Bits fitted = w > 32 ? D::ZExt(w, amount) : D::Extract(amount, 0, w);
    return MapLanes(t, [&](uint32_t i) { return op(LaneType(t), Lane(t, x, i), fitted); });
  }
  // Lanes of x where first(lane of x, lane of y), else of y.
  template <typename First>
  static Bits Choose(Type t, Bits x, Bits y, First first) {
    return MapLanes(t, [&](uint32_t i) {
      return D::Ite(first(Lane(t, x, i), Lane(t, y, i)), Lane(t, x, i), Lane(t, y, i));
    });
  }
  static Bits Truth(Type t, Bits flag) {
    return D::Ite(S::IsTrue(flag), S::Ones(LaneType(t)), S::Zero(LaneType(t)));
  }
  static Bool TopBit(Type t, Bits x, uint32_t i) {
    return S::BitAt(x, i * LaneBits(t) + LaneBits(t) - 1);
  }
  // Byte `index` of x, an 8-bit number; 0 if there is none.
  static Bits ByteAt(Bits x, Bits index) {
    Bits byte = D::Constant(8, 0);
    for (uint32_t k = 0; k < 16; ++k) {
      byte = D::Ite(D::Eq(index, D::Constant(8, k)), Lane(Type::kI8X16, x, k), byte);
    }
    return byte;
  }

  // Lane i in twice the bits.
  static Bits WideS(Type t, Bits x, uint32_t i) { return D::SExt(2 * LaneBits(t), Lane(t, x, i)); }
  static Bits WideU(Type t, Bits x, uint32_t i) { return D::ZExt(2 * LaneBits(t), Lane(t, x, i)); }
  // Lane i of those half as wide as t's, as wide as t's.
  static Bits ExtendS(Type t, Bits x, uint32_t i) {
    return D::SExt(LaneBits(t), D::Extract(x, i * LaneBits(t) / 2, LaneBits(t) / 2));
  }
  static Bits ExtendU(Type t, Bits x, uint32_t i) {
    return D::ZExt(LaneBits(t), D::Extract(x, i * LaneBits(t) / 2, LaneBits(t) / 2));
  }
  // Byte i of x, unsigned, by that of y, signed.
  static Bits ProductUs(Bits x, Bits y, uint32_t i) {
    return D::Mul(D::ZExt(32, Lane(Type::kI8X16, x, i)), D::SExt(32, Lane(Type::kI8X16, y, i)));
  }
  // The nearest number of w bits to a signed one of more.
  static Bits SaturateS(uint32_t w, Bits wide) {
    const uint32_t all = D::Width(wide);
    const Bits least = D::SExt(all, D::Constant(w, uint64_t{1} << (w - 1)));
    const Bits most = D::Constant(all, (uint64_t{1} << (w - 1)) - 1);
    return D::Extract(Clamp(wide, least, most), 0, w);
  }
  static Bits SaturateU(uint32_t w, Bits wide) {
    const uint32_t all = D::Width(wide);
    return D::Extract(Clamp(wide, D::Constant(all, 0), D::Constant(all, (uint64_t{1} << w) - 1)), 0,
                      w);
  }
  static Bits Clamp(Bits x, Bits least, Bits most) {
    return D::Ite(D::Slt(x, least), least, D::Ite(D::Slt(most, x), most, x));
  }
  // The lanes of x, twice as wide as t's, then those of y.
  template <typename Make>
  static Bits Narrow(Type t, Bits x, Bits y, Make make) {
    const uint32_t w = 2 * LaneBits(t);
    const uint32_t half = LaneCount(t) / 2;
    return MapLanes(t, [&](uint32_t i) {
      return make(i < half ? D::Extract(x, i * w, w) : D::Extract(y, (i - half) * w, w));
    });
  }
  template <typename Of>
  static Bits ToInts(Type from, Of of) {
    return MapLanes(Type::kI32X4,
                    [&](uint32_t i) { return i < LaneCount(from) ? of(i) : D::Constant(32, 0); });
  }
  template <typename Converted>
  static Bits Indefinite(const Converted& x, Bits otherwise) {
    return D::Ite(D::BoolOr(x.is_nan, x.out_of_range), otherwise, x.saturated);
  }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_INTERP_VECTOR_SEMANTICS_H_
