// The vector operations that kernels use, under the names of clang's wasm_simd128.h: those in
// WebAssembly, the same by GCC's vectors natively, so that a kernel's result can be compared.
#ifndef GANTRY_BENCH_KERNELS_VECTORS_H_
#define GANTRY_BENCH_KERNELS_VECTORS_H_

#ifdef __wasm_simd128__

#include <wasm_simd128.h>

#else

#include <stdint.h>
#include <string.h>

typedef uint8_t v128_t __attribute__((vector_size(16)));
typedef int8_t vectors_i8 __attribute__((vector_size(16)));
typedef int16_t vectors_i16 __attribute__((vector_size(16)));
typedef uint16_t vectors_u16 __attribute__((vector_size(16)));
typedef int32_t vectors_i32 __attribute__((vector_size(16)));
typedef uint32_t vectors_u32 __attribute__((vector_size(16)));
typedef float vectors_f32 __attribute__((vector_size(16)));

static inline v128_t wasm_v128_load(const void* from) {
  v128_t result;
  memcpy(&result, from, sizeof result);
  return result;
}
static inline v128_t wasm_v128_load64_zero(const void* from) {
  v128_t result = {0};
  memcpy(&result, from, 8);
  return result;
}
static inline void wasm_v128_store(void* to, v128_t value) { memcpy(to, &value, sizeof value); }
static inline void wasm_v128_store64_lane0(void* to, v128_t value) { memcpy(to, &value, 8); }

#define VECTORS_BINARY(name, type, operator)             \
  static inline v128_t wasm_##name(v128_t x, v128_t y) { \
    return (v128_t)((type)x operator(type) y);           \
  }
VECTORS_BINARY(v128_and, v128_t, &)
VECTORS_BINARY(v128_or, v128_t, |)
VECTORS_BINARY(v128_xor, v128_t, ^)
VECTORS_BINARY(i8x16_add, v128_t, +)
VECTORS_BINARY(i8x16_sub, v128_t, -)
VECTORS_BINARY(i8x16_eq, v128_t, ==)
VECTORS_BINARY(i8x16_gt, vectors_i8, >)
VECTORS_BINARY(i8x16_lt, vectors_i8, <)
VECTORS_BINARY(u8x16_gt, v128_t, >)
VECTORS_BINARY(i16x8_add, vectors_u16, +)
VECTORS_BINARY(i16x8_mul, vectors_u16, *)
VECTORS_BINARY(i32x4_add, vectors_u32, +)
VECTORS_BINARY(i32x4_sub, vectors_u32, -)
VECTORS_BINARY(f32x4_add, vectors_f32, +)
VECTORS_BINARY(f32x4_sub, vectors_f32, -)
VECTORS_BINARY(f32x4_mul, vectors_f32, *)
VECTORS_BINARY(f32x4_le, vectors_f32, <=)
#undef VECTORS_BINARY

static inline v128_t wasm_u8x16_sub_sat(v128_t x, v128_t y) {
  return (v128_t)((x - y) & (v128_t)(x > y));
}
static inline v128_t wasm_u8x16_shr(v128_t x, uint32_t by) { return x >> (by & 7); }
static inline v128_t wasm_u16x8_shr(v128_t x, uint32_t by) {
  return (v128_t)((vectors_u16)x >> (by & 15));
}
static inline v128_t wasm_i32x4_shl(v128_t x, uint32_t by) {
  return (v128_t)((vectors_u32)x << (by & 31));
}
static inline v128_t wasm_u32x4_shr(v128_t x, uint32_t by) {
  return (v128_t)((vectors_u32)x >> (by & 31));
}
static inline v128_t wasm_i8x16_splat(int8_t x) { return (v128_t)((vectors_i8){0} + x); }
static inline v128_t wasm_i16x8_splat(int16_t x) { return (v128_t)((vectors_i16){0} + x); }
static inline v128_t wasm_i32x4_splat(int32_t x) { return (v128_t)((vectors_i32){0} + x); }
static inline v128_t wasm_f32x4_splat(float x) { return (v128_t)((vectors_f32){0} + x); }
static inline v128_t wasm_i32x4_make(int32_t a, int32_t b, int32_t c, int32_t d) {
  return (v128_t)(vectors_i32){a, b, c, d};
}
static inline v128_t wasm_f32x4_make(float a, float b, float c, float d) {
  return (v128_t)(vectors_f32){a, b, c, d};
}
#define wasm_i8x16_make(...) ((v128_t)(vectors_i8){__VA_ARGS__})
#define wasm_i8x16_const(...) ((v128_t)(vectors_i8){__VA_ARGS__})
#define wasm_i32x4_extract_lane(x, lane) (((vectors_i32)(x))[lane])
#define wasm_i8x16_extract_lane(x, lane) (((vectors_i8)(x))[lane])
#define wasm_i8x16_shuffle(x, y, ...) \
  __builtin_shufflevector((v128_t)(x), (v128_t)(y), __VA_ARGS__)
#define wasm_i32x4_shuffle(x, y, ...) \
  ((v128_t)__builtin_shufflevector((vectors_u32)(x), (vectors_u32)(y), __VA_ARGS__))

static inline v128_t wasm_i8x16_swizzle(v128_t x, v128_t at) {
  v128_t result;
  for (int i = 0; i < 16; ++i) result[i] = at[i] < 16 ? x[at[i]] : 0;
  return result;
}
static inline int wasm_v128_any_true(v128_t x) {
  int any = 0;
  for (int i = 0; i < 16; ++i) any |= x[i];
  return any != 0;
}
static inline int wasm_i8x16_bitmask(v128_t x) {
  int mask = 0;
  for (int i = 0; i < 16; ++i) mask |= x[i] >> 7 << i;
  return mask;
}
static inline v128_t wasm_i16x8_extend_low_i8x16(v128_t x) {
  vectors_i16 result;
  for (int i = 0; i < 8; ++i) result[i] = (int8_t)x[i];
  return (v128_t)result;
}
static inline v128_t wasm_i16x8_extend_high_i8x16(v128_t x) {
  vectors_i16 result;
  for (int i = 0; i < 8; ++i) result[i] = (int8_t)x[8 + i];
  return (v128_t)result;
}
static inline v128_t wasm_u16x8_extend_low_u8x16(v128_t x) {
  vectors_i16 result;
  for (int i = 0; i < 8; ++i) result[i] = x[i];
  return (v128_t)result;
}
static inline v128_t wasm_u16x8_extend_high_u8x16(v128_t x) {
  vectors_i16 result;
  for (int i = 0; i < 8; ++i) result[i] = x[8 + i];
  return (v128_t)result;
}
static inline v128_t wasm_i32x4_dot_i16x8(v128_t x, v128_t y) {
  const vectors_i16 a = (vectors_i16)x, b = (vectors_i16)y;
  vectors_u32 result;
  for (int i = 0; i < 4; ++i) {
    result[i] = (uint32_t)(a[2 * i] * b[2 * i]) + (uint32_t)(a[2 * i + 1] * b[2 * i + 1]);
  }
  return (v128_t)result;
}
static inline v128_t wasm_u8x16_narrow_i16x8(v128_t x, v128_t y) {
  v128_t result;
  for (int i = 0; i < 16; ++i) {
    const int16_t wide = i < 8 ? ((vectors_i16)x)[i] : ((vectors_i16)y)[i - 8];
    result[i] = (uint8_t)(wide < 0 ? 0 : wide > 255 ? 255 : wide);
  }
  return result;
}
static inline v128_t wasm_v128_andnot(v128_t x, v128_t y) { return x & ~y; }
static inline v128_t wasm_v128_bitselect(v128_t x, v128_t y, v128_t mask) {
  return (x & mask) | (y & ~mask);
}

#endif

#endif  // GANTRY_BENCH_KERNELS_VECTORS_H_
