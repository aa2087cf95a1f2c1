// The product of two matrices of bytes into one of 32 bits, as inference does: rows by columns (the
// second matrix is kept transposed), sixteen products a step, four columns at once.
//
//   matmul8_vector [SIZE]        default 64: both square; a multiple of 16
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

static inline v128_t products(v128_t a_low, v128_t a_high, const int8_t* b) {
  const v128_t bytes = wasm_v128_load(b);
  return wasm_i32x4_add(wasm_i32x4_dot_i16x8(a_low, wasm_i16x8_extend_low_i8x16(bytes)),
                        wasm_i32x4_dot_i16x8(a_high, wasm_i16x8_extend_high_i8x16(bytes)));
}

static inline int32_t sum_of(v128_t x) {
  return wasm_i32x4_extract_lane(x, 0) + wasm_i32x4_extract_lane(x, 1) +
         wasm_i32x4_extract_lane(x, 2) + wasm_i32x4_extract_lane(x, 3);
}

static void multiply(const int8_t* a, const int8_t* transposed, int32_t* out, size_t size) {
  for (size_t row = 0; row < size; ++row) {
    for (size_t column = 0; column < size; column += 4) {
      const int8_t* b = transposed + column * size;
      v128_t sums[4];
      for (int i = 0; i < 4; ++i) sums[i] = wasm_i32x4_splat(0);
      for (size_t k = 0; k < size; k += 16) {
        const v128_t bytes = wasm_v128_load(a + row * size + k);
        const v128_t low = wasm_i16x8_extend_low_i8x16(bytes);
        const v128_t high = wasm_i16x8_extend_high_i8x16(bytes);
        sums[0] = wasm_i32x4_add(sums[0], products(low, high, b + k));
        sums[1] = wasm_i32x4_add(sums[1], products(low, high, b + size + k));
        sums[2] = wasm_i32x4_add(sums[2], products(low, high, b + 2 * size + k));
        sums[3] = wasm_i32x4_add(sums[3], products(low, high, b + 3 * size + k));
      }
      for (size_t i = 0; i < 4; ++i) out[row * size + column + i] = sum_of(sums[i]);
    }
  }
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 8192) : 64);
  if (size % 16 != 0) fail("not a multiple of 16", argv[1]);
  int8_t* a = allocate(size * size);
  int8_t* b = allocate(size * size);
  int32_t* out = allocate(size * size * sizeof *out);
  struct generator generator = {8};
  for (size_t i = 0; i < size * size; ++i) {
    a[i] = (int8_t)next_random(&generator);
    b[i] = (int8_t)next_random(&generator);
  }
  bench_start();
  multiply(a, b, out, size);
  bench_end();
  printf("%zu, %016llx\n", size,
         (unsigned long long)checksum(checksum_start, out, size * size * sizeof *out));
  free(out);
  free(b);
  free(a);
  return 0;
}
