// Vectors as semantics.h defines them, against arithmetic on int written apart, and against the
// processor's instructions where the host has them.
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "codegen/interp/interpreter.h"
#include "codegen/interp/semantics.h"
#include "gtest/gtest.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gantry::codegen {
namespace {

using Sem = Semantics<ConcreteDomain>;

BitVector Vector(uint64_t low, uint64_t high) {
  return BitVector(128, BitVector::Word{high} << 64 | low);
}
RawValue Raw(const BitVector& x) { return RawValue(x.low(), x.high()); }
int64_t SignedLane(Type shape, const BitVector& x, uint32_t i) {
  return static_cast<int64_t>(Sem::Lane(shape, x, i).Signed());
}
int64_t UnsignedLane(Type shape, const BitVector& x, uint32_t i) {
  return static_cast<int64_t>(Sem::Lane(shape, x, i).low());
}
int64_t Clamp(int64_t x, int64_t least, int64_t most) {
  return x < least ? least : x > most ? most : x;
}

// All pairs of bytes, sixteen at a time, whichever lanes they fall into.
TEST(VectorSemanticsTest, BytesAgreeWithIntegers) {
  constexpr Type t = Type::kI8X16;
  using Compute = std::function<int64_t(int64_t, int64_t, int64_t, int64_t)>;
  struct Operation {
    const char* name;
    BitVector (*actual)(Type, BitVector, BitVector);
    Compute expected;  // Of x and y, unsigned, then signed.
  };
  const Operation operations[] = {
      {"vadd", Sem::Vadd, [](int64_t x, int64_t y, int64_t, int64_t) { return x + y; }},
      {"vsub", Sem::Vsub, [](int64_t x, int64_t y, int64_t, int64_t) { return x - y; }},
      {"vadd_sat_s", Sem::VaddSatS,
       [](int64_t, int64_t, int64_t x, int64_t y) { return Clamp(x + y, -128, 127); }},
      {"vadd_sat_u", Sem::VaddSatU,
       [](int64_t x, int64_t y, int64_t, int64_t) { return Clamp(x + y, 0, 255); }},
      {"vsub_sat_s", Sem::VsubSatS,
       [](int64_t, int64_t, int64_t x, int64_t y) { return Clamp(x - y, -128, 127); }},
      {"vsub_sat_u", Sem::VsubSatU,
       [](int64_t x, int64_t y, int64_t, int64_t) { return Clamp(x - y, 0, 255); }},
      {"vmin_s", Sem::VminS, [](int64_t, int64_t, int64_t x, int64_t y) { return x < y ? x : y; }},
      {"vmin_u", Sem::VminU, [](int64_t x, int64_t y, int64_t, int64_t) { return x < y ? x : y; }},
      {"vmax_s", Sem::VmaxS, [](int64_t, int64_t, int64_t x, int64_t y) { return x > y ? x : y; }},
      {"vmax_u", Sem::VmaxU, [](int64_t x, int64_t y, int64_t, int64_t) { return x > y ? x : y; }},
      {"vavg_u", Sem::VavgU,
       [](int64_t x, int64_t y, int64_t, int64_t) { return (x + y + 1) / 2; }},
      {"vabs", [](Type type, BitVector x, BitVector) { return Sem::Vabs(type, x); },
       [](int64_t, int64_t, int64_t x, int64_t) { return x < 0 ? -x : x; }},
      {"vneg", [](Type type, BitVector x, BitVector) { return Sem::Vneg(type, x); },
       [](int64_t x, int64_t, int64_t, int64_t) { return -x; }},
      {"vpopcnt", [](Type type, BitVector x, BitVector) { return Sem::Vpopcnt(type, x); },
       [](int64_t x, int64_t, int64_t, int64_t) { return __builtin_popcountll(x); }},
      {"vicmp slt",
       [](Type type, BitVector x, BitVector y) { return Sem::Vicmp(type, IntCC::kSlt, x, y); },
       [](int64_t, int64_t, int64_t x, int64_t y) { return x < y ? -1 : 0; }},
      {"vicmp uge",
       [](Type type, BitVector x, BitVector y) { return Sem::Vicmp(type, IntCC::kUge, x, y); },
       [](int64_t x, int64_t y, int64_t, int64_t) { return x >= y ? -1 : 0; }},
  };
  for (uint32_t first = 0; first < 65536; first += 16) {
    BitVector::Word x = 0, y = 0;
    for (uint32_t i = 0; i < 16; ++i) {
      x |= BitVector::Word{(first + i) & 255} << 8 * i;
      y |= BitVector::Word{(first + i) >> 8} << 8 * i;
    }
    const BitVector a(128, x), b(128, y);
    for (const Operation& operation : operations) {
      const BitVector result = operation.actual(t, a, b);
      for (uint32_t i = 0; i < 16; ++i) {
        const int64_t expected = operation.expected(UnsignedLane(t, a, i), UnsignedLane(t, b, i),
                                                    SignedLane(t, a, i), SignedLane(t, b, i)) &
                                 255;
        ASSERT_EQ(UnsignedLane(t, result, i), expected) << operation.name << " " << a << " " << b;
      }
    }
  }
}

TEST(VectorSemanticsTest, LanesAreCountedFromTheLowBits) {
  const BitVector x = Vector(0x0706050403020100, 0x0F0E0D0C0B0A0908);
  EXPECT_EQ(Sem::VextractU(Type::kI8X16, 9, x).low(), 9u);
  EXPECT_EQ(Sem::VextractU(Type::kI16X8, 1, x).low(), 0x0302u);
  EXPECT_EQ(Sem::VextractU(Type::kI64X2, 1, x).low(), 0x0F0E0D0C0B0A0908u);
  EXPECT_EQ(Sem::VextractS(Type::kI8X16, 0, Sem::Vnot(Type::kV128, x)).low(), 0xFFFFFFFFu);
  EXPECT_EQ(Sem::Vreplace(Type::kI32X4, 2, x, BitVector(32, 0xABCD)),
            Vector(0x0706050403020100, 0x0F0E0D0C0000ABCD));
  EXPECT_EQ(Sem::Vsplat(Type::kI8X16, BitVector(32, 0x1234)),
            Vector(0x3434343434343434, 0x3434343434343434));
  EXPECT_EQ(Sem::Vscalar(Type::kF32X4, BitVector(32, 5)), Vector(5, 0));
  EXPECT_EQ(Sem::Vbitmask(Type::kI32X4, Vector(0x80000000, 0x8000000000000000)).low(), 9u);
  EXPECT_EQ(Sem::VallTrue(Type::kI16X8, x).low(), 1u);
  EXPECT_EQ(Sem::VallTrue(Type::kI8X16, x).low(), 0u);
  EXPECT_EQ(Sem::VanyTrue(Type::kV128, Vector(0, 1)).low(), 1u);
  EXPECT_EQ(Sem::VanyTrue(Type::kV128, Vector(0, 0)).low(), 0u);
}

// Each byte of the result from each byte of both operands, and of one operand twice (lessons.md
// row 9).
TEST(VectorSemanticsTest, ShufflesTakeEveryByteFromEveryPlace) {
  const BitVector x = Vector(0x0706050403020100, 0x0F0E0D0C0B0A0908);
  const BitVector y = Sem::Vadd(Type::kI8X16, x, Sem::Vsplat(Type::kI8X16, BitVector(32, 16)));
  for (uint32_t to = 0; to < 16; ++to) {
    for (uint8_t from = 0; from < 32; ++from) {
      ShuffleLanes lanes = {};
      lanes[to] = from;
      const BitVector two = Sem::Vshuffle(Type::kI8X16, lanes, x, y);
      const BitVector same = Sem::Vshuffle(Type::kI8X16, lanes, x, x);
      for (uint32_t i = 0; i < 16; ++i) {
        ASSERT_EQ(UnsignedLane(Type::kI8X16, two, i), i == to ? from : 0);
        ASSERT_EQ(UnsignedLane(Type::kI8X16, same, i), i == to ? from % 16 : 0);
      }
    }
  }
  for (uint32_t index = 0; index < 256; ++index) {
    const BitVector indices = Sem::Vsplat(Type::kI8X16, BitVector(32, index));
    EXPECT_EQ(UnsignedLane(Type::kI8X16, Sem::Vswizzle(Type::kI8X16, y, indices), 5),
              index < 16 ? 16 + index : 0);
    EXPECT_EQ(UnsignedLane(Type::kI8X16, Sem::VswizzleMasked(Type::kI8X16, y, indices), 5),
              index < 128 ? 16 + index % 16 : 0);
  }
}

// Amounts from 0 to beyond twice the width (lessons.md row 10).
TEST(VectorSemanticsTest, ShiftAmountsCountModuloTheLane) {
  for (Type t : {Type::kI8X16, Type::kI16X8, Type::kI32X4, Type::kI64X2}) {
    const uint32_t w = LaneBits(t);
    const BitVector x = Vector(0x8123456789ABCDEF, 0x76543210FEDCBA98);
    for (uint32_t amount = 0; amount <= 2 * w + 1; ++amount) {
      const BitVector by(32, amount);
      for (uint32_t i = 0; i < LaneCount(t); ++i) {
        const uint64_t mask = ~uint64_t{0} >> (64 - w);
        const uint64_t lane = Sem::Lane(t, x, i).low();
        const uint32_t s = amount % w;
        ASSERT_EQ(Sem::Lane(t, Sem::Vshl(t, x, by), i).low(), lane << s & mask);
        ASSERT_EQ(Sem::Lane(t, Sem::VshrU(t, x, by), i).low(), lane >> s);
        ASSERT_EQ(SignedLane(t, Sem::VshrS(t, x, by), i), SignedLane(t, x, i) >> s);
      }
    }
  }
}

#if defined(__x86_64__)

#define GANTRY_NATIVE __attribute__((target("sse4.1,avx,fma")))

// X(operation, shape, what the processor computes of __m128i x, y, z).
#define GANTRY_NATIVE_OPERATIONS(X)                                                          \
  X(Vadd, kI8X16, _mm_add_epi8(x, y))                                                        \
  X(Vadd, kI16X8, _mm_add_epi16(x, y))                                                       \
  X(Vadd, kI32X4, _mm_add_epi32(x, y))                                                       \
  X(Vadd, kI64X2, _mm_add_epi64(x, y))                                                       \
  X(Vsub, kI8X16, _mm_sub_epi8(x, y))                                                        \
  X(Vsub, kI64X2, _mm_sub_epi64(x, y))                                                       \
  X(Vmul, kI16X8, _mm_mullo_epi16(x, y))                                                     \
  X(Vmul, kI32X4, _mm_mullo_epi32(x, y))                                                     \
  X(VaddSatS, kI16X8, _mm_adds_epi16(x, y))                                                  \
  X(VaddSatU, kI16X8, _mm_adds_epu16(x, y))                                                  \
  X(VsubSatS, kI16X8, _mm_subs_epi16(x, y))                                                  \
  X(VsubSatU, kI16X8, _mm_subs_epu16(x, y))                                                  \
  X(VminS, kI16X8, _mm_min_epi16(x, y))                                                      \
  X(VminU, kI16X8, _mm_min_epu16(x, y))                                                      \
  X(VmaxS, kI32X4, _mm_max_epi32(x, y))                                                      \
  X(VmaxU, kI32X4, _mm_max_epu32(x, y))                                                      \
  X(VavgU, kI16X8, _mm_avg_epu16(x, y))                                                      \
  X(VandNot, kV128, _mm_andnot_si128(y, x))                                                  \
  X(VswizzleMasked, kI8X16, _mm_shuffle_epi8(x, y))                                          \
  X(VnarrowS, kI8X16, _mm_packs_epi16(x, y))                                                 \
  X(VnarrowS, kI16X8, _mm_packs_epi32(x, y))                                                 \
  X(VnarrowU, kI8X16, _mm_packus_epi16(x, y))                                                \
  X(VnarrowU, kI16X8, _mm_packus_epi32(x, y))                                                \
  X(VextmulLowS, kI16X8, _mm_mullo_epi16(_mm_cvtepi8_epi16(x), _mm_cvtepi8_epi16(y)))        \
  X(VextmulLowU, kI32X4, _mm_mullo_epi32(_mm_cvtepu16_epi32(x), _mm_cvtepu16_epi32(y)))      \
  X(VextmulHighU, kI64X2, _mm_mul_epu32(_mm_unpackhi_epi32(x, x), _mm_unpackhi_epi32(y, y))) \
  X(VextmulHighS, kI64X2, _mm_mul_epi32(_mm_unpackhi_epi32(x, x), _mm_unpackhi_epi32(y, y))) \
  X(VdotS, kI32X4, _mm_madd_epi16(x, y))                                                     \
  X(VdotUsSat, kI16X8, _mm_maddubs_epi16(x, y))                                              \
  X(Vq15mulrSat, kI16X8,                                                                     \
    _mm_xor_si128(_mm_mulhrs_epi16(x, y),                                                    \
                  _mm_cmpeq_epi16(_mm_mulhrs_epi16(x, y), _mm_set1_epi16(-32768))))          \
  X(Vabs, kI16X8, _mm_abs_epi16(x))                                                          \
  X(Vabs, kI32X4, _mm_abs_epi32(x))                                                          \
  X(VextendLowS, kI16X8, _mm_cvtepi8_epi16(x))                                               \
  X(VextendLowU, kI32X4, _mm_cvtepu16_epi32(x))                                              \
  X(VextendLowS, kI64X2, _mm_cvtepi32_epi64(x))                                              \
  X(VextendHighU, kI16X8, _mm_unpackhi_epi8(x, _mm_setzero_si128()))                         \
  X(VextendHighS, kI32X4, _mm_cvtepi16_epi32(_mm_srli_si128(x, 8)))                          \
  X(VextaddPairwiseS, kI32X4, _mm_madd_epi16(x, _mm_set1_epi16(1)))                          \
  X(VextaddPairwiseU, kI16X8, _mm_maddubs_epi16(x, _mm_set1_epi8(1)))                        \
  X(Vblend, kI8X16, _mm_blendv_epi8(z, y, x))                                                \
  X(Vblend, kI32X4, I(_mm_blendv_ps(F(z), F(y), F(x))))                                      \
  X(Vblend, kI64X2, I(_mm_blendv_pd(D(z), D(y), D(x))))                                      \
  X(Vfadd, kF32X4, I(_mm_add_ps(F(x), F(y))))                                                \
  X(Vfadd, kF64X2, I(_mm_add_pd(D(x), D(y))))                                                \
  X(Vfsub, kF32X4, I(_mm_sub_ps(F(x), F(y))))                                                \
  X(Vfmul, kF64X2, I(_mm_mul_pd(D(x), D(y))))                                                \
  X(Vfdiv, kF32X4, I(_mm_div_ps(F(x), F(y))))                                                \
  X(Vfdiv, kF64X2, I(_mm_div_pd(D(x), D(y))))                                                \
  X(Vfpmin, kF32X4, I(_mm_min_ps(F(y), F(x))))                                               \
  X(Vfpmin, kF64X2, I(_mm_min_pd(D(y), D(x))))                                               \
  X(Vfpmax, kF32X4, I(_mm_max_ps(F(y), F(x))))                                               \
  X(Vfpmax, kF64X2, I(_mm_max_pd(D(y), D(x))))                                               \
  X(Vfma, kF32X4, I(_mm_fmadd_ps(F(x), F(y), F(z))))                                         \
  X(Vfma, kF64X2, I(_mm_fmadd_pd(D(x), D(y), D(z))))                                         \
  X(Vfnma, kF32X4, I(_mm_fnmadd_ps(F(x), F(y), F(z))))                                       \
  X(Vfnma, kF64X2, I(_mm_fnmadd_pd(D(x), D(y), D(z))))                                       \
  X(Vsqrt, kF32X4, I(_mm_sqrt_ps(F(x))))                                                     \
  X(Vsqrt, kF64X2, I(_mm_sqrt_pd(D(x))))                                                     \
  X(Vceil, kF32X4, I(_mm_ceil_ps(F(x))))                                                     \
  X(Vfloor, kF64X2, I(_mm_floor_pd(D(x))))                                                   \
  X(Vtrunc, kF32X4, I(_mm_round_ps(F(x), _MM_FROUND_TO_ZERO)))                               \
  X(Vnearest, kF32X4, I(_mm_round_ps(F(x), _MM_FROUND_TO_NEAREST_INT)))                      \
  X(Vnearest, kF64X2, I(_mm_round_pd(D(x), _MM_FROUND_TO_NEAREST_INT)))                      \
  X(VfcvtFromSint, kF32X4, I(_mm_cvtepi32_ps(x)))                                            \
  X(VfcvtFromSint, kF64X2, I(_mm_cvtepi32_pd(x)))                                            \
  X(VfcvtToSintIndefinite, kF32X4, _mm_cvttps_epi32(F(x)))                                   \
  X(VfcvtToSintIndefinite, kF64X2, _mm_cvttpd_epi32(D(x)))                                   \
  X(VpromoteLow, kV128, I(_mm_cvtps_pd(F(x))))                                               \
  X(Vdemote, kV128, I(_mm_cvtpd_ps(D(x))))

GANTRY_NATIVE __m128 F(__m128i x) { return _mm_castsi128_ps(x); }
GANTRY_NATIVE __m128d D(__m128i x) { return _mm_castsi128_pd(x); }
GANTRY_NATIVE __m128i I(__m128 x) { return _mm_castps_si128(x); }
GANTRY_NATIVE __m128i I(__m128d x) { return _mm_castpd_si128(x); }

#define GANTRY_DEFINE(Operation, shape, computed)                                       \
  GANTRY_NATIVE __m128i Native##Operation##shape(__m128i x, [[maybe_unused]] __m128i y, \
                                                 [[maybe_unused]] __m128i z) {          \
    return computed;                                                                    \
  }
GANTRY_NATIVE_OPERATIONS(GANTRY_DEFINE)
#undef GANTRY_DEFINE

BitVector Apply(BitVector (*op)(Type, BitVector), Type t, const BitVector* x) {
  return op(t, x[0]);
}
BitVector Apply(BitVector (*op)(Type, BitVector, BitVector), Type t, const BitVector* x) {
  return op(t, x[0], x[1]);
}
BitVector Apply(BitVector (*op)(Type, BitVector, BitVector, BitVector), Type t,
                const BitVector* x) {
  return op(t, x[0], x[1], x[2]);
}

struct NativeOperation {
  const char* name;
  Type shape;
  // How the result's lanes are compared.
  Type result;
  std::function<BitVector(const BitVector*)> semantics;
  __m128i (*native)(__m128i, __m128i, __m128i);
};

std::vector<NativeOperation> NativeOperations() {
  std::vector<NativeOperation> operations;
  const auto add = [&](const char* name, Opcode opcode, Type shape, auto semantics, auto native) {
    const Type nans = NansMadeBy(opcode, shape);
    operations.push_back({name, shape, nans == Type::kInvalid ? Type::kI64X2 : nans,
                          [=](const BitVector* x) { return Apply(semantics, shape, x); }, native});
  };
#define GANTRY_ADD(Operation, shape, computed) \
  add(#Operation, Opcode::k##Operation, Type::shape, &Sem::Operation, Native##Operation##shape);
  GANTRY_NATIVE_OPERATIONS(GANTRY_ADD)
#undef GANTRY_ADD
  return operations;
}

BitVector FromNative(__m128i x) {
  uint64_t halves[2];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(halves), x);
  return Vector(halves[0], halves[1]);
}
__m128i ToNative(const BitVector& x) {
  return _mm_set_epi64x(static_cast<int64_t>(x.high()), static_cast<int64_t>(x.low()));
}

bool HostHasAll() {
  return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("avx") &&
         __builtin_cpu_supports("fma");
}

// Lanes of edge values, floats and integers, with some random bits.
BitVector RandomVector(std::mt19937_64* random) {
  static constexpr uint32_t kEdges32[] = {
      0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000,
      0x7F800001, 0x00000001, 0x4F000000, 0xCF000000, 0x4B800001, 0x3F000000, 0xBFC00000,
      0x80008000, 0x7FFF7FFF, 0xFFFFFFFF, 0x00FF00FF, 0x7F807F80, 0x01FFFE00};
  static constexpr uint64_t kEdges64[] = {0,
                                          0x8000000000000000,
                                          0x3FF0000000000000,
                                          0xFFF0000000000000,
                                          0x7FF8000000000000,
                                          0x7FF0000000000001,
                                          0x41DFFFFFFFC00000,
                                          0xC1E0000000200000,
                                          0x3FE0000000000000,
                                          0xBFF8000000000000,
                                          0x380FFFFFF0000000,
                                          0x47EFFFFFF0000000};
  BitVector::Word word = 0;
  const bool wide = (*random)() % 3 == 0;
  for (uint32_t at = 0; at < 128; at += wide ? 64 : 32) {
    uint64_t lane = (*random)();
    if ((*random)() % 2 == 0) lane = wide ? kEdges64[lane % 12] : kEdges32[lane % 20];
    word |= BitVector::Word{wide ? lane : lane & 0xFFFFFFFF} << at;
  }
  return BitVector(128, word);
}

TEST(VectorSemanticsTest, AgreesWithTheProcessor) {
  if (!HostHasAll()) GTEST_SKIP() << "the host lacks instructions to compare with";
  std::mt19937_64 random(1);
  for (const NativeOperation& operation : NativeOperations()) {
    for (int i = 0; i < 2000; ++i) {
      BitVector x[3] = {RandomVector(&random), RandomVector(&random), RandomVector(&random)};
      if (i % 10 == 0) x[1] = x[0];
      const BitVector expected = operation.semantics(x);
      const BitVector actual =
          FromNative(operation.native(ToNative(x[0]), ToNative(x[1]), ToNative(x[2])));
      ASSERT_TRUE(LanesAgree(operation.result, Raw(expected), Raw(actual)))
          << operation.name << "." << operation.shape << " of " << x[0] << ", " << x[1] << ", "
          << x[2] << ": " << expected << ", the processor says " << actual;
    }
  }
}

template <int kPredicate>
GANTRY_NATIVE __m128i Compare(Type t, __m128i x, __m128i y) {
  return t == Type::kF32X4 ? I(_mm_cmp_ps(F(x), F(y), kPredicate))
                           : I(_mm_cmp_pd(D(x), D(y), kPredicate));
}

TEST(VectorSemanticsTest, FloatComparisonsAgreeWithTheProcessor) {
  if (!HostHasAll()) GTEST_SKIP() << "the host lacks instructions to compare with";
  using Native = __m128i (*)(Type, __m128i, __m128i);
  struct Condition {
    FloatCC cc;
    Native native;
  };
  const Condition conditions[] = {
      {FloatCC::kOrdered, Compare<_CMP_ORD_Q>}, {FloatCC::kUnordered, Compare<_CMP_UNORD_Q>},
      {FloatCC::kEq, Compare<_CMP_EQ_OQ>},      {FloatCC::kNe, Compare<_CMP_NEQ_UQ>},
      {FloatCC::kLt, Compare<_CMP_LT_OQ>},      {FloatCC::kLe, Compare<_CMP_LE_OQ>},
      {FloatCC::kGt, Compare<_CMP_GT_OQ>},      {FloatCC::kGe, Compare<_CMP_GE_OQ>},
      {FloatCC::kUeq, Compare<_CMP_EQ_UQ>},     {FloatCC::kOne, Compare<_CMP_NEQ_OQ>},
      {FloatCC::kUlt, Compare<_CMP_NGE_UQ>},    {FloatCC::kUle, Compare<_CMP_NGT_UQ>},
      {FloatCC::kUgt, Compare<_CMP_NLE_UQ>},    {FloatCC::kUge, Compare<_CMP_NLT_UQ>},
  };
  static_assert(std::size(conditions) == kNumFloatCCs);
  std::mt19937_64 random(2);
  for (const auto& [cc, native] : conditions) {
    for (Type t : {Type::kF32X4, Type::kF64X2}) {
      for (int i = 0; i < 1000; ++i) {
        const BitVector x = RandomVector(&random);
        const BitVector y = i % 10 == 0 ? x : RandomVector(&random);
        ASSERT_EQ(Sem::Vfcmp(t, cc, x, y), FromNative(native(t, ToNative(x), ToNative(y))))
            << t << " " << cc << " " << x << ", " << y;
      }
    }
  }
}

#endif  // defined(__x86_64__)

}  // namespace
}  // namespace gantry::codegen
