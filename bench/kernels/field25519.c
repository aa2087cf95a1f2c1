// Arithmetic modulo 2^255 - 19 in five limbs of 51 bits: powers and inverses, as signatures and key
// exchange do them (RFC 7748 names the field; limbs as in Bernstein et al., "High-speed
// high-security signatures").
//
//   field25519 [INVERSIONS]        default 50
#include "examples/bench.h"
#include "examples/support.h"

typedef unsigned __int128 uint128_t;
typedef struct {
  uint64_t limb[5];
} element;

static const uint64_t mask51 = ((uint64_t)1 << 51) - 1;

static void carry(element* out, const uint128_t wide[5]) {
  uint128_t over = 0;
  for (int i = 0; i < 5; ++i) {
    const uint128_t sum = wide[i] + over;
    out->limb[i] = (uint64_t)sum & mask51;
    over = sum >> 51;
  }
  out->limb[0] += (uint64_t)over * 19;
  out->limb[1] += out->limb[0] >> 51;
  out->limb[0] &= mask51;
}

static void multiply(element* out, const element* a, const element* b) {
  uint128_t wide[5];
  for (int i = 0; i < 5; ++i) {
    uint128_t low = 0, high = 0;
    for (int j = 0; j <= i; ++j) low += (uint128_t)a->limb[j] * b->limb[i - j];
    for (int j = i + 1; j < 5; ++j) high += (uint128_t)a->limb[j] * (19 * b->limb[5 + i - j]);
    wide[i] = low + high;
  }
  carry(out, wide);
}

static void square_times(element* out, const element* a, int times) {
  *out = *a;
  for (; times > 0; --times) {
    const element e = *out;
    multiply(out, &e, &e);
  }
}

// a to the power p - 2, by the usual chain of 254 squarings and 11 products.
static void invert(element* out, const element* a) {
  element t0, t1, t2, t3;
  square_times(&t0, a, 1);
  square_times(&t1, &t0, 2);
  multiply(&t1, a, &t1);
  multiply(&t0, &t0, &t1);
  square_times(&t2, &t0, 1);
  multiply(&t1, &t1, &t2);
  square_times(&t2, &t1, 5);
  multiply(&t1, &t2, &t1);
  square_times(&t2, &t1, 10);
  multiply(&t2, &t2, &t1);
  square_times(&t3, &t2, 20);
  multiply(&t2, &t3, &t2);
  square_times(&t2, &t2, 10);
  multiply(&t1, &t2, &t1);
  square_times(&t2, &t1, 50);
  multiply(&t2, &t2, &t1);
  square_times(&t3, &t2, 100);
  multiply(&t2, &t3, &t2);
  square_times(&t2, &t2, 50);
  multiply(&t1, &t2, &t1);
  square_times(&t1, &t1, 5);
  multiply(out, &t1, &t0);
}

// The least representative.
static void reduce(element* a) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 4; ++i) {
      a->limb[i + 1] += a->limb[i] >> 51;
      a->limb[i] &= mask51;
    }
    a->limb[0] += 19 * (a->limb[4] >> 51);
    a->limb[4] &= mask51;
  }
  uint64_t over = (a->limb[0] + 19) >> 51;
  for (int i = 1; i < 5; ++i) over = (a->limb[i] + over) >> 51;
  a->limb[0] += 19 * over;
  for (int i = 0; i < 4; ++i) {
    a->limb[i + 1] += a->limb[i] >> 51;
    a->limb[i] &= mask51;
  }
  a->limb[4] &= mask51;
}

int main(int argc, char** argv) {
  const uint64_t count = argc > 1 ? parse_size(argv[1], 10000000) : 50;
  element x = {{9, 0, 0, 0, 0}};
  struct generator generator = {25519};
  for (int i = 0; i < 5; ++i) {
    x.limb[i] += ((uint64_t)next_random(&generator) << 19 ^ next_random(&generator)) & mask51;
  }
  bench_start();
  for (uint64_t i = 0; i < count; ++i) {
    element inverse, product;
    invert(&inverse, &x);
    multiply(&product, &inverse, &x);
    reduce(&product);
    if (product.limb[0] != 1 ||
        (product.limb[1] | product.limb[2] | product.limb[3] | product.limb[4]) != 0) {
      fail("no inverse", "an element times its inverse is not 1");
    }
    multiply(&x, &inverse, &inverse);
    x.limb[0] += i;
  }
  bench_end();
  reduce(&x);
  for (int i = 4; i >= 0; --i) printf("%013llx ", (unsigned long long)x.limb[i]);
  printf("\n");
  return 0;
}
