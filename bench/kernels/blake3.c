// BLAKE3 in its default mode, portable form (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3:
// one function, fast everywhere", section 2).
//
//   blake3 [MEGABYTES]        default 1
#include "examples/bench.h"
#include "examples/support.h"

enum { kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8, kChunk = 1024, kBlock = 64 };

static const uint32_t iv[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                               0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
static const unsigned char permutation[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

static inline uint32_t rotate_right(uint32_t x, int by) { return x >> by | x << (32 - by); }

static inline void mix(uint32_t* s, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  s[a] += s[b] + x;
  s[d] = rotate_right(s[d] ^ s[a], 16);
  s[c] += s[d];
  s[b] = rotate_right(s[b] ^ s[c], 12);
  s[a] += s[b] + y;
  s[d] = rotate_right(s[d] ^ s[a], 8);
  s[c] += s[d];
  s[b] = rotate_right(s[b] ^ s[c], 7);
}

// The first half of the output, which is all that hashing to 32 bytes needs.
static void compress(const uint32_t chaining[8], const uint32_t words[16], uint64_t counter,
                     uint32_t size, uint32_t flags, uint32_t out[8]) {
  uint32_t s[16], m[16], permuted[16];
  memcpy(s, chaining, 32);
  memcpy(s + 8, iv, 16);
  s[12] = (uint32_t)counter;
  s[13] = (uint32_t)(counter >> 32);
  s[14] = size;
  s[15] = flags;
  memcpy(m, words, sizeof m);
  for (int round = 0; round < 7; ++round) {
    mix(s, 0, 4, 8, 12, m[0], m[1]);
    mix(s, 1, 5, 9, 13, m[2], m[3]);
    mix(s, 2, 6, 10, 14, m[4], m[5]);
    mix(s, 3, 7, 11, 15, m[6], m[7]);
    mix(s, 0, 5, 10, 15, m[8], m[9]);
    mix(s, 1, 6, 11, 12, m[10], m[11]);
    mix(s, 2, 7, 8, 13, m[12], m[13]);
    mix(s, 3, 4, 9, 14, m[14], m[15]);
    for (int i = 0; i < 16; ++i) permuted[i] = m[permutation[i]];
    memcpy(m, permuted, sizeof m);
  }
  for (int i = 0; i < 8; ++i) out[i] = s[i] ^ s[i + 8];
}

static void chunk_value(const unsigned char* bytes, size_t size, uint64_t index,
                        uint32_t last_flags, uint32_t value[8]) {
  memcpy(value, iv, 32);
  size_t at = 0;
  uint32_t start = kChunkStart;
  do {
    const size_t length = size - at < kBlock ? size - at : kBlock;
    uint32_t words[16] = {0};
    memcpy(words, bytes + at, length);
    at += length;
    compress(value, words, index, (uint32_t)length,
             start | (at == size ? kChunkEnd | last_flags : 0), value);
    start = 0;
  } while (at < size);
}

static void parent_value(const uint32_t left[8], const uint32_t right[8], uint32_t flags,
                         uint32_t value[8]) {
  uint32_t words[16];
  memcpy(words, left, 32);
  memcpy(words + 8, right, 32);
  compress(iv, words, 0, kBlock, kParent | flags, value);
}

static void blake3(const unsigned char* bytes, size_t size, uint32_t digest[8]) {
  // Roots of finished subtrees, one for each one bit of the number of chunks so far.
  uint32_t stack[54][8];
  int depth = 0;
  uint64_t index = 0;
  for (; size > kChunk; bytes += kChunk, size -= kChunk) {
    uint32_t value[8];
    chunk_value(bytes, kChunk, index++, 0, value);
    for (uint64_t total = index; total % 2 == 0; total /= 2) {
      parent_value(stack[--depth], value, 0, value);
    }
    memcpy(stack[depth++], value, 32);
  }
  chunk_value(bytes, size, index, depth == 0 ? kRoot : 0, digest);
  while (depth > 0) {
    --depth;
    parent_value(stack[depth], digest, depth == 0 ? kRoot : 0, digest);
  }
}

static void print_digest(const char* what, const uint32_t digest[8]) {
  for (int i = 0; i < 32; ++i) printf("%02x", ((const unsigned char*)digest)[i]);
  printf("  %s\n", what);
}

int main(int argc, char** argv) {
  const size_t size = ((size_t)(argc > 1 ? parse_size(argv[1], 1024) : 1) << 20) + 17;
  unsigned char* bytes = allocate(size);
  struct generator generator = {3};
  for (size_t i = 0; i < size; ++i) bytes[i] = (unsigned char)next_random(&generator);
  uint32_t digest[8];
  blake3((const unsigned char*)"", 0, digest);
  print_digest("nothing", digest);
  bench_start();
  blake3(bytes, size, digest);
  bench_end();
  print_digest("generated", digest);
  free(bytes);
  return 0;
}
