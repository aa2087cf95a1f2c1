// What marking the measured part costs by itself.
#include "examples/bench.h"

int main(void) {
  bench_start();
  bench_end();
  return 0;
}
