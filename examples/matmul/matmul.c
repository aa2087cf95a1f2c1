// The product of two square matrices of doubles, in blocks, and of 32-bit integers, plainly.
//
//   matmul [SIZE]            default 96
#include "examples/bench.h"
#include "examples/support.h"

enum { block = 32 };

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void multiply_doubles(size_t n, const double* a, const double* b, double* c) {
  for (size_t ii = 0; ii < n; ii += block) {
    for (size_t kk = 0; kk < n; kk += block) {
      for (size_t jj = 0; jj < n; jj += block) {
        const size_t i_end = smaller(ii + block, n), k_end = smaller(kk + block, n),
                     j_end = smaller(jj + block, n);
        for (size_t i = ii; i < i_end; ++i) {
          for (size_t k = kk; k < k_end; ++k) {
            const double factor = a[i * n + k];
            for (size_t j = jj; j < j_end; ++j) c[i * n + j] += factor * b[k * n + j];
          }
        }
      }
    }
  }
}

static void multiply_integers(size_t n, const int32_t* a, const int32_t* b, int32_t* c) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      uint32_t sum = 0;
      for (size_t k = 0; k < n; ++k) sum += (uint32_t)a[i * n + k] * (uint32_t)b[k * n + j];
      c[i * n + j] = (int32_t)sum;
    }
  }
}

int main(int argc, char** argv) {
  const size_t n = (size_t)(argc > 1 ? parse_size(argv[1], 8192) : 96);
  const size_t count = n * n;
  double* a = allocate(count * sizeof(double));
  double* b = allocate(count * sizeof(double));
  double* c = allocate(count * sizeof(double));
  int32_t* p = allocate(count * sizeof(int32_t));
  int32_t* q = allocate(count * sizeof(int32_t));
  int32_t* r = allocate(count * sizeof(int32_t));
  struct generator generator = {12345};
  for (size_t i = 0; i < count; ++i) {
    a[i] = (double)next_random(&generator) / 4294967296.0;
    b[i] = (double)next_random(&generator) / 4294967296.0 - 0.5;
    c[i] = 0;
    p[i] = (int32_t)next_random(&generator);
    q[i] = (int32_t)next_random(&generator);
  }
  bench_start();
  multiply_doubles(n, a, b, c);
  multiply_integers(n, p, q, r);
  bench_end();
  double trace = 0;
  uint32_t integer_trace = 0;
  for (size_t i = 0; i < n; ++i) {
    trace += c[i * n + i];
    integer_trace += (uint32_t)r[i * n + i];
  }
  printf("size %zu\ntrace %.17g\nchecksum %016llx\n", n, trace,
         (unsigned long long)checksum(checksum_start, c, count * sizeof(double)));
  printf("integer trace %u\nchecksum %016llx\n", integer_trace,
         (unsigned long long)checksum(checksum_start, r, count * sizeof(int32_t)));
  return 0;
}
