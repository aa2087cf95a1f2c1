// Base 64 (RFC 4648), twelve bytes to sixteen characters and back at a time (Mula and Lemire,
// "Faster Base64 Encoding and Decoding Using AVX2 Instructions").
//
//   base64_vector [MEGABYTES]        default 1
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

// Sixteen and 256, for the words of a lane of 32 bits. Read at run time: clang turns products with
// such constants into shifts of one lane after the other.
static volatile int32_t multipliers = 0x01000010;

// Reads 16 bytes for each 12; `size` is a multiple of 12 and 4 more bytes are there.
static size_t encode(const unsigned char* in, size_t size, char* out) {
  const v128_t spread = wasm_i8x16_make(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  // What to add to values 52 to 61, 62, 63, 0 to 25 and 26 to 51.
  const v128_t offsets =
      wasm_i8x16_make('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
  const v128_t factors = wasm_i32x4_splat(multipliers);
  char* at = out;
  for (size_t i = 0; i < size; i += 12) {
    const v128_t bytes = wasm_i8x16_swizzle(wasm_v128_load(in + i), spread);
    // Four times six bits of each 32, one to a byte.
    const v128_t high = wasm_v128_and(bytes, wasm_i32x4_splat(0x0FC0FC00));
    const v128_t first =
        wasm_v128_or(wasm_u16x8_shr(wasm_v128_and(high, wasm_i32x4_splat(0xFC00)), 10),
                     wasm_u32x4_shr(wasm_v128_and(high, wasm_i32x4_splat(0x0FC00000)), 6));
    const v128_t low = wasm_v128_and(bytes, wasm_i32x4_splat(0x003F03F0));
    const v128_t second = wasm_i16x8_mul(low, factors);
    const v128_t values = wasm_v128_or(first, second);
    v128_t classes = wasm_u8x16_sub_sat(values, wasm_i8x16_splat(51));
    const v128_t upper = wasm_i8x16_gt(wasm_i8x16_splat(26), values);
    classes = wasm_v128_or(classes, wasm_v128_and(upper, wasm_i8x16_splat(13)));
    wasm_v128_store(at, wasm_i8x16_add(values, wasm_i8x16_swizzle(offsets, classes)));
    at += 16;
  }
  return (size_t)(at - out);
}

// Stores 16 bytes for each 12. The size, or SIZE_MAX for a text that is not base 64.
static size_t decode(const char* in, size_t size, unsigned char* out) {
  const v128_t low_table = wasm_i8x16_make(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                           0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  const v128_t high_table = wasm_i8x16_make(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
                                            0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const v128_t shifts = wasm_i8x16_make(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t pack = wasm_i8x16_make(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 16, 16, 16, 16);
  unsigned char* at = out;
  for (size_t i = 0; i < size; i += 16) {
    const v128_t text = wasm_v128_load(in + i);
    const v128_t high_half = wasm_u8x16_shr(text, 4);
    const v128_t low_half = wasm_v128_and(text, wasm_i8x16_splat(15));
    const v128_t low = wasm_i8x16_swizzle(low_table, low_half);
    const v128_t high = wasm_i8x16_swizzle(high_table, high_half);
    if (wasm_v128_any_true(wasm_v128_and(low, high))) return SIZE_MAX;
    const v128_t slash = wasm_i8x16_eq(text, wasm_i8x16_splat('/'));
    const v128_t shift = wasm_i8x16_swizzle(shifts, wasm_i8x16_add(slash, high_half));
    const v128_t values = wasm_i8x16_add(text, shift);
    // Two times twelve bits of each 32, then 24.
    const v128_t even = wasm_v128_and(values, wasm_i32x4_splat(0x003F003F));
    const v128_t odd = wasm_u16x8_shr(values, 8);
    const v128_t pairs = wasm_v128_or(wasm_i16x8_mul(even, wasm_i16x8_splat(64)), odd);
    const v128_t words = wasm_i32x4_dot_i16x8(pairs, wasm_i32x4_splat(0x00011000));
    wasm_v128_store(at, wasm_i8x16_swizzle(words, pack));
    at += 12;
  }
  return (size_t)(at - out);
}

int main(int argc, char** argv) {
  const size_t size = ((size_t)(argc > 1 ? parse_size(argv[1], 512) : 1) << 20) / 12 * 12;
  unsigned char* bytes = allocate(size + 4);
  unsigned char* back = allocate(size + 4);
  char* text = allocate(size / 3 * 4);
  struct generator generator = {64};
  for (size_t i = 0; i < size + 4; ++i) bytes[i] = (unsigned char)next_random(&generator);
  uint64_t hash = checksum_start;
  bench_start();
  for (int round = 0; round < 16; ++round) {
    const size_t length = encode(bytes, size, text);
    if (decode(text, length, back) != size)
      fail("not base 64", "decoding refuses what was encoded");
    bytes[round] ^= (unsigned char)length;
    hash = hash * 31 + (unsigned char)text[length / 2 + (size_t)round] + back[size / 3];
  }
  bench_end();
  text[5] = '*';
  printf("%zu bytes, %016llx, %s\n", size, (unsigned long long)checksum(hash, text, size / 3 * 4),
         decode(text, 16, back) == SIZE_MAX ? "refused" : "accepted");
  free(text);
  free(back);
  free(bytes);
  return 0;
}
