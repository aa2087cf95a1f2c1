// Recursive Fibonacci numbers: nothing but calls.
//
//   fib [N]        default 20
#include "examples/bench.h"
#include "examples/support.h"

static uint32_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(int argc, char** argv) {
  const uint32_t n = (uint32_t)(argc > 1 ? parse_size(argv[1], 47) : 20);
  bench_start();
  const uint32_t result = fib(n);
  bench_end();
  printf("fib(%u) = %u\n", n, result);
  return 0;
}
