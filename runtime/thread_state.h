// What the runtime keeps for each thread and every entry into compiled code needs: one block, found
// by one call. Tests: fiber_test, tests/runtime/native_test.
#ifndef GANTRY_RUNTIME_THREAD_STATE_H_
#define GANTRY_RUNTIME_THREAD_STATE_H_

#include <cstdint>

namespace gantry::runtime {

struct Activation;

struct ThreadState {
  // The innermost activation (activation.h); null outside of compiled code.
  Activation* activation = nullptr;
  // The lowest address of the stack in use (thread_stack.h); 0 until it was asked for.
  uintptr_t stack_low = 0;
  // The same on a thread that is prepared for compiled code, else 0.
  uintptr_t prepared_stack_low = 0;
};

// The calling thread's. Not inlined, and not to be kept over anything that can switch stacks: what
// runs afterwards may be on another thread. Async-signal-safe.
ThreadState& CurrentThreadState();

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_THREAD_STATE_H_
