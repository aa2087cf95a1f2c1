// Compiled code against the interpreter, for tests that enumerate: collects functions with the
// arguments to try, then compiles all of them under each of a few settings and compares. The tests
// in this folder are run for each ISA (tests.bzl).
//
//   Differential differential;
//   Function& func = differential.NewFunction({Type::kI32}, {Type::kI32});
//   ... InstBuilder(&func) ...
//   differential.Try({RawValue(1)});          // for the function added last
//   differential.Run();                       // EXPECTs for all
#ifndef GANTRY_CODEGEN_DIFFERENTIAL_DIFFERENTIAL_H_
#define GANTRY_CODEGEN_DIFFERENTIAL_DIFFERENTIAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "codegen/differential/backend.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class Differential {
 public:
  static constexpr size_t kMemoryBytes = 256;

  Differential();
  ~Differential();

  // A function of the C++ test's making; named %f0, %f1, ... in order. The reference is good
  // until the next call.
  Function& NewFunction(std::vector<Type> params, std::vector<Type> returns);
  // Arguments for the newest function.
  void Try(std::vector<RawValue> args);
  // Makes functions callable by each other by name; call Run once at the end. Under
  // DifferentialBackend::AllVariants, or the variants given.
  void Run();
  void Run(const std::vector<Variant>& variants);

  // The first of kMemoryBytes bytes with no page before or behind them. Filled with the same
  // bytes before each call; what a call leaves there is compared.
  static uint8_t* Memory();

  size_t num_calls() const { return calls_.size(); }

 private:
  struct Call {
    size_t func;
    std::vector<RawValue> args;
    Outcome expected;
    std::vector<uint8_t> memory_after;
  };
  static void FillMemory();

  std::vector<std::unique_ptr<Function>> functions_;
  std::vector<Call> calls_;
};

// The address of Memory(), for a parameter.
RawValue MemoryAddress();

// The instruction that makes a constant of any type.
Value MakeConstant(InstBuilder& builder, Type type, const RawValue& value);

// Vectors of edge values: each pair that the lanes of two vectors of `shape` can be stands in some
// lane of some pair (first, second) at the same position of the two lists.
struct VectorPairs {
  std::vector<RawValue> first;
  std::vector<RawValue> second;
};
VectorPairs EdgePairs(Type shape);

// Numbers at which width and sign matter, as bits of the type.
std::vector<uint64_t> EdgeValues(Type type);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_DIFFERENTIAL_DIFFERENTIAL_H_
