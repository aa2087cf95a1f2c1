#include "runtime/shadow_stack.h"

#include <utility>

namespace gantry::runtime {
namespace {

// A call on a stack takes 16 bytes there at least, and stands for a few that were inlined into it.
constexpr uint64_t kBytes = uint64_t{1} << 30;

}  // namespace

ShadowStack::ShadowStack() {
  absl::StatusOr<Mmap> memory = Mmap::Allocate(kBytes);
  CHECK(memory.ok()) << memory.status();
  memory_ = *std::move(memory);
}

bool ShadowStack::IsUnnoted(uintptr_t exit_fp) const {
  for (const Unnoted* unnoted = unnoted_; unnoted != nullptr; unnoted = unnoted->outer_) {
    if (unnoted->exit_fp_ == exit_fp) return true;
  }
  return false;
}

ShadowStack::Comparison::Comparison(ShadowStack& shadow, const ShadowFrame* top)
    : shadow_(shadow), next_(top) {
  CHECK(top >= shadow.bottom() &&
        reinterpret_cast<uintptr_t>(top) - reinterpret_cast<uintptr_t>(shadow.bottom()) < kBytes)
      << "the end of the shadow stack is lost";
}

void ShadowStack::Comparison::Finish() {
  CHECK(next_ == shadow_.bottom())
      << next_ - shadow_.bottom() << " calls more were noted than the " << visited_
      << " of the walk, the innermost of them of " << next_[-1].function;
  ++shadow_.comparisons_;
}

}  // namespace gantry::runtime
