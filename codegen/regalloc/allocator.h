// Register allocation. An Allocator is a context that is used for one function after another:
// its arrays keep their memory, so that in steady state no function allocates any.
//
//   Allocator allocator;
//   Output output;
//   for (...) RETURN_IF_ERROR(allocator.Allocate(input, env, options, &output));
//
// The same input, environment and options give the same output, whatever was allocated before.
#ifndef GANTRY_CODEGEN_REGALLOC_ALLOCATOR_H_
#define GANTRY_CODEGEN_REGALLOC_ALLOCATOR_H_

#include <memory>

#include "absl/status/status.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

class AllocatorState;

class Allocator {
 public:
  Allocator();
  ~Allocator();
  Allocator(Allocator&&) noexcept;
  Allocator& operator=(Allocator&&) noexcept;

  // Fills `output`, whose former content is dropped. kResourceExhausted "function too large" if
  // the function is past Limits; kInvalidArgument if the constraints of some instruction can't
  // be met together (a fault of the lowering: more register operands than registers, say). The
  // input is trusted to be well-formed otherwise; ValidateInput checks it.
  absl::Status Allocate(const Input& input, const MachineEnv& env, const Options& options,
                        Output* output);

 private:
  std::unique_ptr<AllocatorState> state_;
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_ALLOCATOR_H_
