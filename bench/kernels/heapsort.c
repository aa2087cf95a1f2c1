// Heapsort of doubles.
//
//   heapsort [COUNT [ROUNDS]]        default 20000, once
#include "examples/bench.h"
#include "examples/support.h"

static void sift_down(double* values, size_t at, size_t count) {
  const double moving = values[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && values[child] < values[child + 1]) ++child;
    if (!(moving < values[child])) break;
    values[at] = values[child];
    at = child;
  }
  values[at] = moving;
}

static void heap_sort(double* values, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sift_down(values, i, count);
  for (size_t end = count; end-- > 1;) {
    const double top = values[0];
    values[0] = values[end];
    values[end] = top;
    sift_down(values, 0, end);
  }
}

int main(int argc, char** argv) {
  const size_t count = (size_t)(argc > 1 ? parse_size(argv[1], 100000000) : 20000);
  const size_t rounds = (size_t)(argc > 2 ? parse_size(argv[2], 1000000) : 1);
  double* values = allocate(count * sizeof *values);
  struct generator generator = {5};
  bench_start();
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < count; ++i) values[i] = next_random(&generator) / 4294967296.0;
    heap_sort(values, count);
  }
  bench_end();
  for (size_t i = 1; i < count; ++i) {
    if (values[i] < values[i - 1]) fail("not sorted", "heapsort");
  }
  printf("min %.10f median %.10f max %.10f\n", values[0], values[count / 2], values[count - 1]);
  free(values);
  return 0;
}
