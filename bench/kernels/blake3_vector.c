// BLAKE3 with four chunks side by side, a lane each (the paper's section 5.3), then the tree of
// parents one by one; digests are those of blake3.c.
//
//   blake3_vector [MEGABYTES]        default 1
#include "bench/kernels/vectors.h"
#include "examples/bench.h"
#include "examples/support.h"

enum { kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8, kChunk = 1024, kBlock = 64 };

static const uint32_t iv[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                               0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
// The message's words in each round.
static const unsigned char schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static inline v128_t rotate_right(v128_t x, uint32_t by) {
  return wasm_v128_or(wasm_u32x4_shr(x, by), wasm_i32x4_shl(x, 32 - by));
}

static inline void mix(v128_t* s, int a, int b, int c, int d, v128_t x, v128_t y) {
  s[a] = wasm_i32x4_add(wasm_i32x4_add(s[a], s[b]), x);
  s[d] = rotate_right(wasm_v128_xor(s[d], s[a]), 16);
  s[c] = wasm_i32x4_add(s[c], s[d]);
  s[b] = rotate_right(wasm_v128_xor(s[b], s[c]), 12);
  s[a] = wasm_i32x4_add(wasm_i32x4_add(s[a], s[b]), y);
  s[d] = rotate_right(wasm_v128_xor(s[d], s[a]), 8);
  s[c] = wasm_i32x4_add(s[c], s[d]);
  s[b] = rotate_right(wasm_v128_xor(s[b], s[c]), 7);
}

static inline void round_of(v128_t* s, const v128_t* m, const unsigned char* at) {
  mix(s, 0, 4, 8, 12, m[at[0]], m[at[1]]);
  mix(s, 1, 5, 9, 13, m[at[2]], m[at[3]]);
  mix(s, 2, 6, 10, 14, m[at[4]], m[at[5]]);
  mix(s, 3, 7, 11, 15, m[at[6]], m[at[7]]);
  mix(s, 0, 5, 10, 15, m[at[8]], m[at[9]]);
  mix(s, 1, 6, 11, 12, m[at[10]], m[at[11]]);
  mix(s, 2, 7, 8, 13, m[at[12]], m[at[13]]);
  mix(s, 3, 4, 9, 14, m[at[14]], m[at[15]]);
}

// Four vectors of four words each: rows become columns.
static inline void transpose(v128_t* rows) {
  const v128_t low01 = wasm_i32x4_shuffle(rows[0], rows[1], 0, 4, 1, 5);
  const v128_t high01 = wasm_i32x4_shuffle(rows[0], rows[1], 2, 6, 3, 7);
  const v128_t low23 = wasm_i32x4_shuffle(rows[2], rows[3], 0, 4, 1, 5);
  const v128_t high23 = wasm_i32x4_shuffle(rows[2], rows[3], 2, 6, 3, 7);
  rows[0] = wasm_i32x4_shuffle(low01, low23, 0, 1, 4, 5);
  rows[1] = wasm_i32x4_shuffle(low01, low23, 2, 3, 6, 7);
  rows[2] = wasm_i32x4_shuffle(high01, high23, 0, 1, 4, 5);
  rows[3] = wasm_i32x4_shuffle(high01, high23, 2, 3, 6, 7);
}

// One block of each of four inputs, `stride` bytes apart.
static void compress4(v128_t chaining[8], const unsigned char* bytes, size_t stride,
                      v128_t counters, uint32_t flags) {
  v128_t s[16], m[16];
  for (int part = 0; part < 4; ++part) {
    for (size_t input = 0; input < 4; ++input) {
      m[part * 4 + (int)input] = wasm_v128_load(bytes + input * stride + part * 16);
    }
    transpose(m + part * 4);
  }
  for (int i = 0; i < 8; ++i) s[i] = chaining[i];
  for (int i = 0; i < 4; ++i) s[8 + i] = wasm_i32x4_splat((int32_t)iv[i]);
  s[12] = counters;
  s[13] = wasm_i32x4_splat(0);
  s[14] = wasm_i32x4_splat(kBlock);
  s[15] = wasm_i32x4_splat((int32_t)flags);
#pragma GCC unroll 7
  for (int round = 0; round < 7; ++round) round_of(s, m, schedule[round]);
  for (int i = 0; i < 8; ++i) chaining[i] = wasm_v128_xor(s[i], s[i + 8]);
}

// The values of `count` inputs of `blocks` blocks each, four at a time; the rest is the caller's.
static void values4(const unsigned char* bytes, size_t stride, int blocks, uint64_t index,
                    int counts, uint32_t flags, uint32_t first_flags, uint32_t last_flags,
                    uint32_t out[4][8]) {
  v128_t chaining[8];
  for (int i = 0; i < 8; ++i) chaining[i] = wasm_i32x4_splat((int32_t)iv[i]);
  v128_t counters = wasm_i32x4_splat(0);
  if (counts) {
    const int32_t at = (int32_t)index;
    counters = wasm_i32x4_make(at, at + 1, at + 2, at + 3);
  }
  for (int block = 0; block < blocks; ++block) {
    compress4(chaining, bytes + block * kBlock, stride, counters,
              flags | (block == 0 ? first_flags : 0) | (block + 1 == blocks ? last_flags : 0));
  }
  transpose(chaining);
  transpose(chaining + 4);
  for (int i = 0; i < 4; ++i) {
    wasm_v128_store(out[i], chaining[i]);
    wasm_v128_store(out[i] + 4, chaining[4 + i]);
  }
}

// Of a power of two of chunks, four at least.
static void blake3(const unsigned char* bytes, size_t size, uint32_t digest[8]) {
  size_t count = size / kChunk;
  uint32_t(*values)[8] = allocate(count * 32);
  for (size_t i = 0; i < count; i += 4) {
    values4(bytes + i * kChunk, kChunk, kChunk / kBlock, i, 1, 0, kChunkStart, kChunkEnd,
            values + i);
  }
  uint32_t some[4][8];
  for (; count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; i += 4) {
      const uint32_t flags = kParent | (count == 2 ? kRoot : 0);
      // What is computed beyond the count, from what stands behind, is left out.
      unsigned char blocks[4][kBlock];
      const size_t there = count / 2 - i < 4 ? count / 2 - i : 4;
      memset(blocks, 0, sizeof blocks);
      memcpy(blocks, values + 2 * i, there * kBlock);
      values4(blocks[0], kBlock, 1, 0, 0, flags, 0, 0, some);
      memcpy(values + i, some, there * 32);
    }
  }
  memcpy(digest, values, 32);
  free(values);
}

int main(int argc, char** argv) {
  const size_t megabytes = (size_t)(argc > 1 ? parse_size(argv[1], 1024) : 1);
  const size_t size = (size_t)1 << 20;
  unsigned char* bytes = allocate(size);
  struct generator generator = {3};
  for (size_t i = 0; i < size; ++i) bytes[i] = (unsigned char)next_random(&generator);
  uint32_t digest[8];
  uint64_t hash = checksum_start;
  bench_start();
  for (size_t i = 0; i < megabytes; ++i) {
    bytes[i] ^= 1;
    blake3(bytes, size, digest);
    hash = checksum(hash, digest, sizeof digest);
  }
  bench_end();
  for (int i = 0; i < 32; ++i) printf("%02x", ((const unsigned char*)digest)[i]);
  printf("  the last of %zu, %016llx\n", megabytes, (unsigned long long)hash);
  free(bytes);
  return 0;
}
