#include "runtime/thread_stack.h"

#include <pthread.h>
#include <signal.h>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

constexpr uint64_t kSignalStackSize = uint64_t{64} << 10;
// An unlimited stack has no end that could be found; this much of it is used.
constexpr uintptr_t kAssumedStack = uintptr_t{8} << 20;

// 0 until it is asked for.
thread_local uintptr_t stack_low = 0;

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

// Whether the thread has its signal stack. Like the number above no object, so that reading it
// calls nothing.
thread_local bool prepared = false;

}  // namespace

// Not inlined, so that no thread-local address is kept over a switch of stacks.
ABSL_ATTRIBUTE_NOINLINE uintptr_t CurrentStackLow() {
  if (ABSL_PREDICT_FALSE(stack_low == 0)) stack_low = FindThreadStackLow();
  return stack_low;
}

ABSL_ATTRIBUTE_NOINLINE uintptr_t ExchangeStackLow(uintptr_t low) {
  const uintptr_t old = CurrentStackLow();
  stack_low = low;
  return old;
}

absl::Status EnsureSignalStack() {
  thread_local SignalStack stack;
  return stack.Ensure();
}

ABSL_ATTRIBUTE_NOINLINE uintptr_t PreparedStackLow() { return prepared ? stack_low : 0; }

absl::Status PrepareThreadStack() {
  RETURN_IF_ERROR(EnsureSignalStack());
  CurrentStackLow();
  prepared = true;
  return absl::OkStatus();
}

}  // namespace gantry::runtime
