// Overlapping moves, copies, fills and comparisons of many sizes, by loops over bytes written
// here, which a compiler may recognise, and by the C library.
//
//   memmove [ROUNDS]        default 20
#include "examples/bench.h"
#include "examples/support.h"

enum { kSize = 1 << 16 };

static void move_bytes(unsigned char* to, const unsigned char* from, size_t count) {
  if (to < from) {
    for (size_t i = 0; i < count; ++i) to[i] = from[i];
  } else {
    for (size_t i = count; i-- > 0;) to[i] = from[i];
  }
}

static int compare_bytes(const unsigned char* a, const unsigned char* b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  const uint64_t rounds = argc > 1 ? parse_size(argv[1], 10000000) : 20;
  unsigned char* bytes = allocate(2 * kSize);
  unsigned char* other = allocate(2 * kSize);
  struct generator generator = {13};
  for (size_t i = 0; i < 2 * kSize; ++i) bytes[i] = (unsigned char)next_random(&generator);
  memcpy(other, bytes, 2 * kSize);
  uint64_t order = 0;
  bench_start();
  for (uint64_t round = 0; round < rounds; ++round) {
    for (size_t size = 1; size <= kSize / 2; size = size * 3 / 2 + 1) {
      const size_t from = next_random(&generator) % kSize, to = next_random(&generator) % kSize;
      move_bytes(bytes + to, bytes + from, size);
      memmove(other + to, other + from, size);
      bytes[(to + size) % kSize] = (unsigned char)round;
      memset(other + (to + size) % kSize, (int)(round & 255), 1);
      order += (uint64_t)(compare_bytes(bytes + from, other + from, size) +
                          (memcmp(bytes + to, other + to, size) != 0));
    }
  }
  bench_end();
  if (order != 0) fail("not the same", "the two ways to move differ");
  printf("%016llx\n", (unsigned long long)checksum(checksum_start, bytes, 2 * kSize));
  free(other);
  free(bytes);
  return 0;
}
