// Whether a text is UTF-8, sixteen bytes at a time (Keiser and Lemire, "Validating UTF-8 In Less
// Than One Instruction Per Byte").
//
//   utf8_vector [MEGABYTES]        default 1
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

enum {
  kTooShort = 1 << 0,
  kTooLong = 1 << 1,
  kOverlong3 = 1 << 2,
  kTooLarge = 1 << 3,
  kSurrogate = 1 << 4,
  kOverlong2 = 1 << 5,
  kTooLarge1000 = 1 << 6,
  kOverlong4 = 1 << 6,
  kTwoContinuations = 1 << 7,
  kCarry = kTooShort | kTooLong | kTwoContinuations,
};

struct state {
  v128_t error, previous, incomplete;
};

static inline void check(struct state* state, v128_t input) {
  if (wasm_i8x16_bitmask(input) == 0) {
    state->error = wasm_v128_or(state->error, state->incomplete);
    state->incomplete = wasm_i8x16_splat(0);
    state->previous = input;
    return;
  }
  const v128_t first_high = wasm_i8x16_make(
      kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong,
      (int8_t)kTwoContinuations, (int8_t)kTwoContinuations, (int8_t)kTwoContinuations,
      (int8_t)kTwoContinuations, kTooShort | kOverlong2, kTooShort,
      kTooShort | kOverlong3 | kSurrogate, kTooShort | kTooLarge | kTooLarge1000 | kOverlong4);
  const v128_t first_low = wasm_i8x16_make(
      (int8_t)(kCarry | kOverlong3 | kOverlong2 | kOverlong4), (int8_t)(kCarry | kOverlong2),
      (int8_t)kCarry, (int8_t)kCarry, (int8_t)(kCarry | kTooLarge),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000), (int8_t)(kCarry | kTooLarge | kTooLarge1000),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000), (int8_t)(kCarry | kTooLarge | kTooLarge1000),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000), (int8_t)(kCarry | kTooLarge | kTooLarge1000),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000), (int8_t)(kCarry | kTooLarge | kTooLarge1000),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000 | kSurrogate),
      (int8_t)(kCarry | kTooLarge | kTooLarge1000), (int8_t)(kCarry | kTooLarge | kTooLarge1000));
  const v128_t second_high = wasm_i8x16_make(
      kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort,
      (int8_t)(kTooLong | kOverlong2 | kTwoContinuations | kOverlong3 | kTooLarge1000 | kOverlong4),
      (int8_t)(kTooLong | kOverlong2 | kTwoContinuations | kOverlong3 | kTooLarge),
      (int8_t)(kTooLong | kOverlong2 | kTwoContinuations | kSurrogate | kTooLarge),
      (int8_t)(kTooLong | kOverlong2 | kTwoContinuations | kSurrogate | kTooLarge), kTooShort,
      kTooShort, kTooShort, kTooShort);
  const v128_t behind1 = wasm_i8x16_shuffle(state->previous, input, 15, 16, 17, 18, 19, 20, 21, 22,
                                            23, 24, 25, 26, 27, 28, 29, 30);
  const v128_t behind2 = wasm_i8x16_shuffle(state->previous, input, 14, 15, 16, 17, 18, 19, 20, 21,
                                            22, 23, 24, 25, 26, 27, 28, 29);
  const v128_t behind3 = wasm_i8x16_shuffle(state->previous, input, 13, 14, 15, 16, 17, 18, 19, 20,
                                            21, 22, 23, 24, 25, 26, 27, 28);
  const v128_t low_bits = wasm_i8x16_splat(15);
  const v128_t special =
      wasm_v128_and(wasm_v128_and(wasm_i8x16_swizzle(first_high, wasm_u8x16_shr(behind1, 4)),
                                  wasm_i8x16_swizzle(first_low, wasm_v128_and(behind1, low_bits))),
                    wasm_i8x16_swizzle(second_high, wasm_u8x16_shr(input, 4)));
  const v128_t third = wasm_u8x16_sub_sat(behind2, wasm_i8x16_splat((int8_t)(0xE0 - 0x80)));
  const v128_t fourth = wasm_u8x16_sub_sat(behind3, wasm_i8x16_splat((int8_t)(0xF0 - 0x80)));
  const v128_t must_continue =
      wasm_v128_and(wasm_v128_or(third, fourth), wasm_i8x16_splat((int8_t)0x80));
  state->error = wasm_v128_or(state->error, wasm_v128_xor(must_continue, special));
  const v128_t complete =
      wasm_i8x16_make(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, (int8_t)(0xF0 - 1),
                      (int8_t)(0xE0 - 1), (int8_t)(0xC0 - 1));
  state->incomplete = wasm_u8x16_sub_sat(input, complete);
  state->previous = input;
}

// `size` is a multiple of 16.
static int is_utf8(const unsigned char* bytes, size_t size) {
  const v128_t zero = wasm_i8x16_splat(0);
  struct state state = {zero, zero, zero};
  for (size_t i = 0; i < size; i += 16) check(&state, wasm_v128_load(bytes + i));
  return !wasm_v128_any_true(wasm_v128_or(state.error, state.incomplete));
}

// Characters of one to four bytes, then spaces.
static void fill(unsigned char* bytes, size_t size) {
  struct generator generator = {8};
  size_t at = 0;
  while (at + 40 <= size) {
    // Runs of one kind, as in texts.
    const uint32_t kind = next_random(&generator) % 6;
    for (int i = 0; i < 10; ++i) {
      const uint32_t bits = next_random(&generator);
      if (kind < 3) {
        bytes[at++] = (unsigned char)(32 + bits % 95);
      } else if (kind == 3) {
        const uint32_t code = 0x80 + bits % (0x800 - 0x80);
        bytes[at++] = (unsigned char)(0xC0 | code >> 6);
        bytes[at++] = (unsigned char)(0x80 | (code & 63));
      } else if (kind == 4) {
        const uint32_t code = 0x800 + bits % (0xD800 - 0x800);
        bytes[at++] = (unsigned char)(0xE0 | code >> 12);
        bytes[at++] = (unsigned char)(0x80 | (code >> 6 & 63));
        bytes[at++] = (unsigned char)(0x80 | (code & 63));
      } else {
        const uint32_t code = 0x10000 + bits % 0x100000;
        bytes[at++] = (unsigned char)(0xF0 | code >> 18);
        bytes[at++] = (unsigned char)(0x80 | (code >> 12 & 63));
        bytes[at++] = (unsigned char)(0x80 | (code >> 6 & 63));
        bytes[at++] = (unsigned char)(0x80 | (code & 63));
      }
    }
  }
  memset(bytes + at, ' ', size - at);
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 512) : 1) << 20;
  unsigned char* bytes = allocate(size);
  fill(bytes, size);
  int accepted = 0, refused = 0;
  bench_start();
  for (size_t round = 0; round < 16; ++round) {
    accepted += is_utf8(bytes, size);
    // A byte that is nowhere in UTF-8.
    const size_t at = size / 16 * round + 7 * round;
    const unsigned char saved = bytes[at];
    bytes[at] = 0xFF;
    refused += !is_utf8(bytes, size);
    bytes[at] = saved;
  }
  bench_end();
  printf("%zu bytes, %d accepted, %d refused, %016llx\n", size, accepted, refused,
         (unsigned long long)checksum(checksum_start, bytes, size));
  free(bytes);
  return 0;
}
