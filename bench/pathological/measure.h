// What compiling one module takes. `linear_test` is made of it.
#ifndef GANTRY_BENCH_PATHOLOGICAL_MEASURE_H_
#define GANTRY_BENCH_PATHOLOGICAL_MEASURE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "api/config.h"
#include "api/module.h"

namespace gantry::bench {

struct Measurement {
  // All phases from parsing to loading, with their times and counts of steps.
  CompileTiming timing;
  // The most bytes that were allocated at once, beyond the module itself.
  size_t peak_bytes = 0;

  // Steps of all phases together.
  uint64_t work() const;
};

// Compiles and loads the module by one compiler, without a budget, with RaisedLimits and else the
// default settings. Steps do not depend on the number of threads, nor on the machine.
absl::StatusOr<Measurement> Measure(absl::Span<const uint8_t> module, uint32_t threads = 1,
                                    Strategy strategy = Strategy::kOptimizing);

}  // namespace gantry::bench

#endif  // GANTRY_BENCH_PATHOLOGICAL_MEASURE_H_
