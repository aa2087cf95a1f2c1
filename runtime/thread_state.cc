#include "runtime/thread_state.h"

#include "absl/base/attributes.h"

namespace gantry::runtime {
namespace {

// No constructor and no destructor, so that finding it runs nothing.
constinit thread_local ThreadState thread_state;

}  // namespace

ABSL_ATTRIBUTE_NOINLINE ThreadState& CurrentThreadState() { return thread_state; }

}  // namespace gantry::runtime
