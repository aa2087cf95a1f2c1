#include "codegen/regalloc/allocator.h"

#include <memory>

#include "base/status_macros.h"
#include "codegen/regalloc/assign.h"
#include "codegen/regalloc/liveness.h"
#include "codegen/regalloc/resolve.h"

namespace gantry::codegen::regalloc {

class AllocatorState {
 public:
  Liveness liveness;
  Assigner assigner;
  Assignment assignment;
  Resolver resolver;
};

Allocator::Allocator() : state_(std::make_unique<AllocatorState>()) {}
Allocator::~Allocator() = default;
Allocator::Allocator(Allocator&&) noexcept = default;
Allocator& Allocator::operator=(Allocator&&) noexcept = default;

absl::Status Allocator::Allocate(const Input& input, const MachineEnv& env, const Options& options,
                                 Output* output) {
  output->Clear();
  AllocatorState& s = *state_;
  RETURN_IF_ERROR(s.liveness.Compute(input));
  RETURN_IF_ERROR(s.assigner.Run(input, env, options, s.liveness, &s.assignment, output));
  RETURN_IF_ERROR(s.resolver.Run(input, env, s.liveness, &s.assignment, output));
  output->statistics.live_ranges = static_cast<uint32_t>(s.liveness.num_ranges());
  output->statistics.work = s.liveness.work() + s.assignment.work + input.edges.size() +
                            s.assignment.residences.size() + output->edits.size() +
                            s.resolver.work();
  return absl::OkStatus();
}

}  // namespace gantry::codegen::regalloc
