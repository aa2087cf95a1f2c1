// The spectral norm of an infinite matrix by the power method (the benchmarks game's problem).
//
//   spectralnorm [SIZE]        default 100
#include <math.h>

#include "examples/bench.h"
#include "examples/support.h"

static double entry(size_t i, size_t j) {
  return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double* v, double* out, size_t n, int transposed) {
  for (size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (size_t j = 0; j < n; ++j) sum += (transposed ? entry(j, i) : entry(i, j)) * v[j];
    out[i] = sum;
  }
}

int main(int argc, char** argv) {
  const size_t n = (size_t)(argc > 1 ? parse_size(argv[1], 100000) : 100);
  double* u = allocate(n * sizeof *u);
  double* v = allocate(n * sizeof *v);
  double* w = allocate(n * sizeof *w);
  for (size_t i = 0; i < n; ++i) u[i] = 1;
  bench_start();
  for (int round = 0; round < 10; ++round) {
    times(u, w, n, 0);
    times(w, v, n, 1);
    times(v, w, n, 0);
    times(w, u, n, 1);
  }
  bench_end();
  double uv = 0, vv = 0;
  for (size_t i = 0; i < n; ++i) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("%.9f\n", sqrt(uv / vv));
  free(w);
  free(v);
  free(u);
  return 0;
}
