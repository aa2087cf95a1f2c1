// Signals that are a guest's traps.
//
// A signal is a trap only if all of this holds: the thread is in an activation, the pc lies in
// code of ours with a trap record for exactly that pc, and (for a fault of memory) the
// address lies in a mapping that the store owns for that purpose. The handler then records
// the trap and continues at the entry trampoline. Everything else goes to the handler that
// was there before.
#ifndef GANTRY_RUNTIME_SIGNAL_HANDLERS_H_
#define GANTRY_RUNTIME_SIGNAL_HANDLERS_H_

namespace gantry::runtime {

// Installs handlers for SIGSEGV, SIGBUS, SIGILL and SIGFPE once per process; later calls do
// nothing. Thread-safe. Each thread that runs compiled code also needs a signal stack
// (thread_stack.h).
void InstallSignalHandlers();

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SIGNAL_HANDLERS_H_
