// Compiled code against the interpreter, for tests that enumerate: collects functions with the
// arguments to try, then compiles all of them under each of a few settings and compares.
//
//   Differential differential;
//   Function& func = differential.NewFunction({Type::kI32}, {Type::kI32});
//   ... InstBuilder(&func) ...
//   differential.Try({RawValue(1)});          // for the function added last
//   differential.Run();                       // EXPECTs for all
#ifndef GANTRY_ISA_X64_BACKEND_TESTING_DIFFERENTIAL_H_
#define GANTRY_ISA_X64_BACKEND_TESTING_DIFFERENTIAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"
#include "codegen/isa.h"

namespace gantry::x64 {

// Settings that a test tries: a name, whether the host's flags are on, and flags.
struct Variant {
  std::string name;
  bool infer_host = true;
  std::vector<std::pair<std::string, std::string>> flags;
};

// Host flags, baseline, forced spilling, and chaos drawn from `seed`.
std::vector<Variant> AllVariants(uint64_t seed);

// Settings that make other code of vectors: all that the host has, AVX-512 off, AVX2 and FMA off
// too, SSE4.1 alone; and forced spilling, and chaos drawn from `seed`.
std::vector<Variant> VectorVariants(uint64_t seed = 0);

// The verifier and the allocation checker are on too.
std::shared_ptr<const codegen::TargetIsa> MakeIsa(const Variant& variant);

class Differential {
 public:
  static constexpr size_t kMemoryBytes = 256;

  Differential();
  ~Differential();

  // A function of the C++ test's making; named %f0, %f1, ... in order. The reference is good
  // until the next call.
  codegen::Function& NewFunction(std::vector<codegen::Type> params,
                                 std::vector<codegen::Type> returns);
  // Arguments for the newest function.
  void Try(std::vector<codegen::RawValue> args);
  // Makes functions callable by each other by name; call Run once at the end. Under
  // AllVariants(), or the variants given.
  void Run();
  void Run(const std::vector<Variant>& variants);

  // The first of kMemoryBytes bytes with no page before or behind them. Filled with the same
  // bytes before each call; what a call leaves there is compared.
  static uint8_t* Memory();

  size_t num_calls() const { return calls_.size(); }

 private:
  struct Call {
    size_t func;
    std::vector<codegen::RawValue> args;
    codegen::Outcome expected;
    std::vector<uint8_t> memory_after;
  };
  static void FillMemory();

  std::vector<std::unique_ptr<codegen::Function>> functions_;
  std::vector<Call> calls_;
};

// The address of Memory(), for a parameter.
codegen::RawValue MemoryAddress();

// The instruction that makes a constant of any type.
codegen::Value MakeConstant(codegen::InstBuilder& builder, codegen::Type type,
                            const codegen::RawValue& value);

// Vectors of edge values: each pair that the lanes of two vectors of `shape` can be stands in some
// lane of some pair (first, second) at the same position of the two lists.
struct VectorPairs {
  std::vector<codegen::RawValue> first;
  std::vector<codegen::RawValue> second;
};
VectorPairs EdgePairs(codegen::Type shape);

// Numbers at which width and sign matter, as bits of the type.
std::vector<uint64_t> EdgeValues(codegen::Type type);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_TESTING_DIFFERENTIAL_H_
