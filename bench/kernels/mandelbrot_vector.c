// The Mandelbrot set, four points of 32 bits at a time: how many steps each takes to leave the
// circle of radius two.
//
//   mandelbrot_vector [SIZE]        default 128: a square of that many points a side, a multiple of
//   4
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

enum { limit = 200 };

static v128_t escape_times(v128_t cx, v128_t cy) {
  const v128_t four = wasm_f32x4_splat(4);
  v128_t x = wasm_f32x4_splat(0), y = x;
  v128_t times = wasm_i32x4_splat(0);
  for (int i = 0; i < limit; ++i) {
    const v128_t xx = wasm_f32x4_mul(x, x);
    const v128_t yy = wasm_f32x4_mul(y, y);
    const v128_t inside = wasm_f32x4_le(wasm_f32x4_add(xx, yy), four);
    if (!wasm_v128_any_true(inside)) break;
    times = wasm_i32x4_sub(times, inside);
    const v128_t xy = wasm_f32x4_mul(x, y);
    y = wasm_f32x4_add(wasm_f32x4_add(xy, xy), cy);
    x = wasm_f32x4_add(wasm_f32x4_sub(xx, yy), cx);
  }
  return times;
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 20000) : 128);
  if (size % 4 != 0) fail("not a multiple of 4", argv[1]);
  int32_t* times = allocate(size * sizeof *times);
  uint64_t hash = checksum_start;
  uint64_t inside = 0;
  bench_start();
  for (size_t row = 0; row < size; ++row) {
    const v128_t cy = wasm_f32x4_splat(3.0f * (float)row / (float)size - 1.5f);
    for (size_t column = 0; column < size; column += 4) {
      const float step = 3.0f / (float)size;
      const float left = step * (float)column - 2.25f;
      const v128_t cx = wasm_f32x4_make(left, left + step, left + 2 * step, left + 3 * step);
      wasm_v128_store(times + column, escape_times(cx, cy));
    }
    for (size_t column = 0; column < size; ++column) inside += times[column] == limit;
    hash = checksum(hash, times, 64 < size ? 64 : size);
  }
  bench_end();
  printf("%llu of %llu inside, %016llx\n", (unsigned long long)inside,
         (unsigned long long)(size * size), (unsigned long long)hash);
  free(times);
  return 0;
}
