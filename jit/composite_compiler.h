// Two compilers as one: each function is made by the optimizing or by the baseline compiler, and
// their functions call each other as those of one do (docs/abi.md).
//
//   MIXED: which one makes a function is drawn by a seed, for tests.
//   BUDGET: a function whose estimate (compile_estimate.h) is beyond the budget, or that is too
//   large for the optimizing compiler, is the baseline compiler's, so that a module with one
//   monstrous function compiles in time proportional to its size. Timing names such functions.
#ifndef GANTRY_JIT_COMPOSITE_COMPILER_H_
#define GANTRY_JIT_COMPOSITE_COMPILER_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "environ/translation/compiler.h"

namespace gantry::jit {

struct CompositeOptions {
  // Mixed, by this seed; else by budget.
  std::optional<uint64_t> mixed_seed;
  // In units of the estimate.
  uint64_t budget = 0;
};

// A builder that sets up both; what only the optimizing compiler can honour is an error for
// mixed, and by budget means that there is none.
std::unique_ptr<environ::CompilerBuilder> NewCompositeBuilder(
    std::unique_ptr<environ::CompilerBuilder> optimizing,
    std::unique_ptr<environ::CompilerBuilder> baseline, const CompositeOptions& options);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_COMPOSITE_COMPILER_H_
