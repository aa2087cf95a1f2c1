// Modules that engines have been seen to take more than linear time or memory for, each of a
// shape that grows with a number.
//
//   for (const Case& c : Cases()) Compile(c.make(c.size));
//
// Locals and bodies may be larger than the default limits allow (RaisedLimits). `linear_test`
// compiles every case.
#ifndef GANTRY_BENCH_PATHOLOGICAL_CASES_H_
#define GANTRY_BENCH_PATHOLOGICAL_CASES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "wasm_translate/limits.h"

namespace gantry::bench {

struct Case {
  const char* name;
  // What there are `size` of.
  const char* what;
  // The size that issue and figures are about; smaller ones show the growth.
  uint32_t size;
  // A valid module. Everything in it can be run, and nothing is known of its arguments.
  std::vector<uint8_t> (*make)(uint32_t size);
};

// In an order of kinds: whole modules, straight code, branches, loops, calls.
absl::Span<const Case> Cases();

// The default limits with room for the largest of the cases.
wasm::ValidatorLimits RaisedLimits();

}  // namespace gantry::bench

#endif  // GANTRY_BENCH_PATHOLOGICAL_CASES_H_
