// Blurs a grey picture by the binomial weights 1 4 6 4 1, down the columns and along the rows,
// sixteen points at a time.
//
//   blur_vector [SIZE]        default 64: a square of that many points a side, a multiple of 16
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

// (a + 4 b + 6 c + 4 d + e + 8) / 16 of words.
static inline v128_t weigh(v128_t a, v128_t b, v128_t c, v128_t d, v128_t e) {
  const v128_t ends = wasm_i16x8_add(a, e);
  const v128_t four = wasm_i16x8_mul(wasm_i16x8_add(b, d), wasm_i16x8_splat(4));
  const v128_t six = wasm_i16x8_mul(c, wasm_i16x8_splat(6));
  const v128_t sum = wasm_i16x8_add(wasm_i16x8_add(ends, four), six);
  return wasm_u16x8_shr(wasm_i16x8_add(sum, wasm_i16x8_splat(8)), 4);
}

static inline v128_t weigh_bytes(v128_t a, v128_t b, v128_t c, v128_t d, v128_t e) {
  const v128_t low = weigh(wasm_u16x8_extend_low_u8x16(a), wasm_u16x8_extend_low_u8x16(b),
                           wasm_u16x8_extend_low_u8x16(c), wasm_u16x8_extend_low_u8x16(d),
                           wasm_u16x8_extend_low_u8x16(e));
  const v128_t high = weigh(wasm_u16x8_extend_high_u8x16(a), wasm_u16x8_extend_high_u8x16(b),
                            wasm_u16x8_extend_high_u8x16(c), wasm_u16x8_extend_high_u8x16(d),
                            wasm_u16x8_extend_high_u8x16(e));
  return wasm_u8x16_narrow_i16x8(low, high);
}

// Rows have two more points on both sides, and the picture two more rows above and below.
static void blur(const unsigned char* from, unsigned char* between, unsigned char* to,
                 size_t size) {
  const size_t stride = size + 4;
  // Down the columns: row r of `between` is row r of the picture, with its margins.
  for (size_t row = 0; row < size; ++row) {
    const unsigned char* at = from + row * stride;
    unsigned char* out = between + row * stride;
    for (size_t i = 0; i < size; i += 16) {
      wasm_v128_store(out + i, weigh_bytes(wasm_v128_load(at + i), wasm_v128_load(at + stride + i),
                                           wasm_v128_load(at + 2 * stride + i),
                                           wasm_v128_load(at + 3 * stride + i),
                                           wasm_v128_load(at + 4 * stride + i)));
    }
    memcpy(out + size, at + 2 * stride + size, 4);
  }
  for (size_t row = 0; row < size; ++row) {
    const unsigned char* at = between + row * stride;
    unsigned char* out = to + (row + 2) * stride + 2;
    for (size_t i = 0; i < size; i += 16) {
      wasm_v128_store(out + i, weigh_bytes(wasm_v128_load(at + i), wasm_v128_load(at + i + 1),
                                           wasm_v128_load(at + i + 2), wasm_v128_load(at + i + 3),
                                           wasm_v128_load(at + i + 4)));
    }
  }
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 16384) : 64);
  if (size % 16 != 0) fail("not a multiple of 16", argv[1]);
  const size_t bytes = (size + 4) * (size + 4);
  unsigned char* picture = allocate(bytes);
  unsigned char* between = allocate(bytes);
  unsigned char* other = allocate(bytes);
  struct generator generator = {5};
  for (size_t i = 0; i < bytes; ++i) picture[i] = (unsigned char)next_random(&generator);
  memcpy(other, picture, bytes);
  bench_start();
  for (int round = 0; round < 64; ++round) {
    blur(picture, between, other, size);
    blur(other, between, picture, size);
  }
  bench_end();
  printf("%zu, %016llx\n", size, (unsigned long long)checksum(checksum_start, picture, bytes));
  free(other);
  free(between);
  free(picture);
  return 0;
}
