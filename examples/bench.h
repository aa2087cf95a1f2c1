// Marks the part of a program that is to be measured.
//
// With GANTRY_BENCH defined, a WebAssembly build imports bench.start and bench.end, which
// `gantry bench` times, and a native build prints the milliseconds between the two on stderr.
// Without it both are nothing.
#ifndef GANTRY_EXAMPLES_BENCH_H_
#define GANTRY_EXAMPLES_BENCH_H_

#if defined(GANTRY_BENCH) && defined(__wasm__)

__attribute__((import_module("bench"), import_name("start"))) void bench_start(void);
__attribute__((import_module("bench"), import_name("end"))) void bench_end(void);

#elif defined(GANTRY_BENCH)

#include <stdio.h>
#include <time.h>

static struct timespec bench_started;

static inline void bench_start(void) { clock_gettime(CLOCK_MONOTONIC, &bench_started); }

static inline void bench_end(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  fprintf(stderr, "bench_ms %.3f\n",
          (double)(now.tv_sec - bench_started.tv_sec) * 1e3 +
              (double)(now.tv_nsec - bench_started.tv_nsec) * 1e-6);
}

#else

static inline void bench_start(void) {}
static inline void bench_end(void) {}

#endif

#endif  // GANTRY_EXAMPLES_BENCH_H_
