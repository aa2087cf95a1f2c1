// Activation: one entry from C++ into compiled code that has not returned yet.
//
// Activations form two chains through the C++ stack: of a thread (what a signal handler asks:
// whose code is running?) and of a store (what a stack walk and a collection ask: what is on
// the stack?). A store's registers of the boundaries last crossed are saved here while a
// nested entry overwrites them.
//
// The chain of the thread is reached only through CurrentThreadState(), which is not inlined, so
// that no thread-local address is kept across a switch of stacks.
#ifndef GANTRY_RUNTIME_ACTIVATION_H_
#define GANTRY_RUNTIME_ACTIVATION_H_

#include <cstdint>

#include "environ/core/trap_code.h"
#include "runtime/host_arch.h"
#include "runtime/thread_state.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

class CodeObject;

// What a signal handler needs of a store. All functions are async-signal-safe.
class FaultHandler {
 public:
  // Whether an access to the address may fault on behalf of a guest of the store: it lies in
  // a linear memory or its guard.
  virtual bool OwnsAddress(uintptr_t address) const = 0;
  // Whether the address lies in the page by which the store's code is interrupted.
  virtual bool IsPollPage(uintptr_t address) const = 0;
  // Keeps reason and stack of the trap until the entry trampoline has returned.
  virtual void RecordTrap(environ::TrapCode code, const host_arch::Registers& registers,
                          const CodeObject& object) = 0;

 protected:
  ~FaultHandler() = default;
};

struct Activation {
  VMStoreContext* store;
  FaultHandler* fault_handler;
  Activation* outer_on_thread;
  Activation* outer_in_store;
  // The store's registers when this activation was entered, if another of the store was there.
  BoundaryRegisters outer;
};

// The innermost activation of the calling thread; null outside of compiled code.
inline Activation* CurrentActivation() { return CurrentThreadState().activation; }
inline void SetCurrentActivation(Activation* activation) {
  CurrentThreadState().activation = activation;
}

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_ACTIVATION_H_
