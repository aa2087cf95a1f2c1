// The stack that the calling thread runs on: where it ends, and a second one for signal handlers.
#ifndef GANTRY_RUNTIME_THREAD_STACK_H_
#define GANTRY_RUNTIME_THREAD_STACK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "runtime/sanitizers.h"

namespace gantry::runtime {

// The lowest address that the stack in use can grow to: the thread's own, found once per thread,
// or that of the fiber which it runs.
uintptr_t CurrentStackLow();

// For switches of stacks: names the lowest address of the one used from now on, and returns
// that of the one used until now.
uintptr_t ExchangeStackLow(uintptr_t low);

// What wasm must leave for the host functions and built-ins that it calls, and for what they
// call: the stack limit never comes closer to the end of the stack.
inline constexpr uint64_t HostStackReserve() {
  return kSanitized ? uint64_t{1} << 20 : uint64_t{256} << 10;
}

// Gives the thread a stack for signal handlers, unless it has one that is large enough; it is
// taken back when the thread ends. Cheap after the first call.
// Error: kResourceExhausted.
absl::Status EnsureSignalStack();

// EnsureSignalStack, once for the thread, which has ThreadState::prepared_stack_low then.
// Error: kResourceExhausted.
absl::Status PrepareThreadStack();

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_THREAD_STACK_H_
