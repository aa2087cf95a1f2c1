// Counts primes with the sieve of Eratosthenes, a byte a number and a bit a number.
//
//   sieve [LIMIT]        default 200000
#include "examples/bench.h"
#include "examples/support.h"

static uint32_t count_by_bytes(unsigned char* composite, uint32_t limit) {
  memset(composite, 0, limit + 1);
  uint32_t count = 0;
  for (uint32_t i = 2; i <= limit; ++i) {
    if (composite[i]) continue;
    ++count;
    if (i > limit / i) continue;
    for (uint32_t j = i * i; j <= limit; j += i) composite[j] = 1;
  }
  return count;
}

static uint32_t count_by_bits(uint32_t* composite, uint32_t limit) {
  memset(composite, 0, (limit / 64 + 1) * sizeof *composite);
  uint32_t count = limit >= 2;
  for (uint32_t i = 3; i <= limit; i += 2) {
    if (composite[i / 64] >> (i / 2 % 32) & 1) continue;
    ++count;
    if (i > limit / i) continue;
    for (uint32_t j = i * i; j <= limit; j += 2 * i) composite[j / 64] |= 1u << (j / 2 % 32);
  }
  return count;
}

int main(int argc, char** argv) {
  const uint32_t limit = (uint32_t)(argc > 1 ? parse_size(argv[1], 1000000000) : 200000);
  unsigned char* bytes = allocate((size_t)limit + 1);
  uint32_t* bits = allocate((limit / 64 + 1) * sizeof *bits);
  uint32_t by_bytes = 0, by_bits = 0;
  bench_start();
  for (int round = 0; round < 4; ++round) {
    by_bytes = count_by_bytes(bytes, limit);
    by_bits = count_by_bits(bits, limit);
  }
  bench_end();
  if (by_bytes != by_bits) fail("not the same", "the two sieves differ");
  printf("%u primes up to %u\n", by_bytes, limit);
  free(bits);
  free(bytes);
  return 0;
}
