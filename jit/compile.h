// Compiling: from the bytes of a module to the bytes of an artifact, by whichever compiler
// the strategy picks, in parallel.
//
//   ASSIGN_OR_RETURN(auto builder, NewCompilerBuilder(Strategy::kAuto));
//   ...                                            // set it up
//   ASSIGN_OR_RETURN(auto compiler, builder->Build());
//   ASSIGN_OR_RETURN(std::vector<uint8_t> artifact, CompileModule(*compiler, bytes, {}));
//
// The same module, settings and version give the same bytes whatever the number of threads.
#ifndef GANTRY_JIT_COMPILE_H_
#define GANTRY_JIT_COMPILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/translation/compiler.h"
#include "environ/translation/module_translation.h"

namespace gantry::jit {

enum class Strategy : uint8_t {
  kAuto,        // the optimizing compiler
  kOptimizing,  // cranelift_shared
  kWinch,       // the baseline compiler
  kMixed,       // each function by one of both, drawn by a seed; for tests
};

struct CompilerOptions {
  Strategy strategy = Strategy::kAuto;
  // kMixed: which function is whose.
  uint64_t mixed_seed = 0;
  // kAuto and kOptimizing: functions whose estimate (compile_estimate.h) is beyond this are the
  // baseline compiler's; 0: none.
  uint64_t compile_budget = 0;
};

// A builder of the compiler that the strategy names.
absl::StatusOr<std::unique_ptr<environ::CompilerBuilder>> NewCompilerBuilder(
    const CompilerOptions& options);
inline absl::StatusOr<std::unique_ptr<environ::CompilerBuilder>> NewCompilerBuilder(
    Strategy strategy) {
  CompilerOptions options;
  options.strategy = strategy;
  return NewCompilerBuilder(options);
}

struct CompileOptions {
  environ::TranslationOptions translation;
  // 0: as many as the machine has processors.
  uint32_t threads = 0;
  // Called for each function in order, with the forms asked for, before it is compiled; one
  // thread then compiles all.
  std::vector<environ::Form> explain;
  std::function<void(environ::Form form, const environ::FuncKey& key, absl::string_view text)>
      explain_sink;
};

struct CompileStats {
  uint64_t functions = 0;
  uint64_t code_bytes = 0;
  uint64_t inlined_calls = 0;
  // What this function does around the compiler, in order.
  struct Phase {
    std::string name;
    uint64_t nanoseconds = 0;
    uint64_t work = 0;  // bytes, or steps where some are counted
  };
  std::vector<Phase> phases;
};

// Parses, validates and compiles a module. `stats` may be null.
// Errors: kInvalidArgument with the lowest offset of what is malformed or invalid,
// kUnimplemented for what the compiler cannot make, kResourceExhausted past a limit or when
// memory runs out.
absl::StatusOr<std::vector<uint8_t>> CompileModule(const environ::Compiler& compiler,
                                                   absl::Span<const uint8_t> bytes,
                                                   const CompileOptions& options,
                                                   CompileStats* stats = nullptr);

// An artifact with nothing but the trampolines of these signatures, for functions of the
// host: entry and exit trampolines are keyed by position in `types`.
absl::StatusOr<std::vector<uint8_t>> CompileTrampolines(const environ::Compiler& compiler,
                                                        absl::Span<const wasm::FuncType> types);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_COMPILE_H_
