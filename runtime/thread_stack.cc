#include "runtime/thread_stack.h"

#include <pthread.h>
#include <signal.h>

#include "absl/base/optimization.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/mmap.h"
#include "runtime/thread_state.h"

namespace gantry::runtime {
namespace {

constexpr uint64_t kSignalStackSize = uint64_t{64} << 10;
// An unlimited stack has no end that could be found; this much of it is used.
constexpr uintptr_t kAssumedStack = uintptr_t{8} << 20;

uintptr_t FindThreadStackLow() {
  pthread_attr_t attributes;
  CHECK_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  void* low = nullptr;
  size_t size = 0;
  CHECK_EQ(pthread_attr_getstack(&attributes, &low, &size), 0);
  size_t guard = 0;
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);
  const uintptr_t here = reinterpret_cast<uintptr_t>(&attributes);
  const uintptr_t found = reinterpret_cast<uintptr_t>(low) + guard;
  if (found < here && here - found <= (uintptr_t{1} << 32)) return found;
  return here - kAssumedStack;
}

// Owns the signal stack of one thread.
class SignalStack {
 public:
  ~SignalStack() {
    if (!installed_) return;
    stack_t off = {};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
  }

  absl::Status Ensure() {
    if (ready_) return absl::OkStatus();
    stack_t current = {};
    CHECK_EQ(sigaltstack(nullptr, &current), 0);
    if ((current.ss_flags & SS_DISABLE) == 0 && current.ss_size >= kSignalStackSize) {
      ready_ = true;
      return absl::OkStatus();
    }
    // A page below that faults, for a handler that needs more.
    const uint64_t guard = HostPageSize();
    ASSIGN_OR_RETURN(memory_, Mmap::Reserve(guard + kSignalStackSize));
    RETURN_IF_ERROR(memory_.MakeAccessible(guard, kSignalStackSize));
    stack_t stack = {};
    stack.ss_sp = memory_.data() + guard;
    stack.ss_size = kSignalStackSize;
    if (sigaltstack(&stack, nullptr) != 0) {
      return absl::ResourceExhaustedError("the thread cannot be given a signal stack");
    }
    installed_ = ready_ = true;
    return absl::OkStatus();
  }

 private:
  bool ready_ = false;
  bool installed_ = false;
  Mmap memory_;
};

}  // namespace

uintptr_t CurrentStackLow() {
  ThreadState& thread = CurrentThreadState();
  if (ABSL_PREDICT_FALSE(thread.stack_low == 0)) thread.stack_low = FindThreadStackLow();
  return thread.stack_low;
}

uintptr_t ExchangeStackLow(uintptr_t low) {
  const uintptr_t old = CurrentStackLow();
  ThreadState& thread = CurrentThreadState();
  thread.stack_low = low;
  if (thread.prepared_stack_low != 0) thread.prepared_stack_low = low;
  return old;
}

absl::Status EnsureSignalStack() {
  thread_local SignalStack stack;
  return stack.Ensure();
}

absl::Status PrepareThreadStack() {
  RETURN_IF_ERROR(EnsureSignalStack());
  const uintptr_t low = CurrentStackLow();
  CurrentThreadState().prepared_stack_low = low;
  return absl::OkStatus();
}

}  // namespace gantry::runtime
