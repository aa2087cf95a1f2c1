// Fiber: a function that runs on a stack of its own and can be left in its middle, to be
// continued later, on the same thread or another.
//
//   Fiber fiber;
//   fiber.Start(std::move(stack), [](void* argument) { ... Fiber::Current()->Suspend(); ... }, x);
//   while (!fiber.Resume()) ...                  // false: it suspended itself
//
// A thread runs one fiber at a time, in which it may run another, and so on; each is left to
// where it was resumed. A fiber takes along what threads know of their stack: its end
// (thread_stack.h) and the activations of compiled code on it (activation.h), which go into the
// state of the thread that resumes it.
//
// Nothing may pass out of the function but its return: no exception. A fiber must not be left
// inside of a catch block, whose exception belongs to the thread; nor may code around Suspend
// keep the address of a thread-local variable, errno's included.
#ifndef GANTRY_RUNTIME_FIBER_H_
#define GANTRY_RUNTIME_FIBER_H_

#include <cstddef>
#include <cstdint>

#include "runtime/activation.h"
#include "runtime/stack_pool.h"

namespace gantry::runtime {

class Fiber {
 public:
  using Function = void (*)(void* argument);

  Fiber() = default;
  // It must not be left in its middle.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The fiber that the calling thread runs; null where it is on its own stack.
  static Fiber* Current();

  // Makes it ready to run; only once.
  void Start(FiberStack stack, Function function, void* argument);

  // Runs it until it suspends itself (false) or its function returns (true, and its stack has
  // been given back). It must be ready, and not running.
  bool Resume();

  // On the fiber itself: back to where it was resumed; returns at the next Resume.
  void Suspend();

  // Whether its function was entered and has not returned.
  bool unfinished() const { return state_ == State::kSuspended || state_ == State::kRunning; }
  bool running() const { return state_ == State::kRunning; }

  // The innermost activation below the fiber's own, while it runs.
  const Activation* base() const { return base_; }

 private:
  enum class State : uint8_t { kNew, kReady, kSuspended, kRunning, kFinished };
  friend struct FiberEntry;

  void TakeActivations();
  void PutActivations();

  State state_ = State::kNew;
  FiberStack stack_;
  Function function_ = nullptr;
  void* argument_ = nullptr;
  // Where to go on: in the fiber while it is suspended, in its resumer while it runs.
  void* context_ = nullptr;
  // The activations on the fiber's stack while it is suspended; null where there are none.
  Activation* innermost_ = nullptr;
  Activation* outermost_ = nullptr;
  // What the thread that resumed it was on.
  Activation* base_ = nullptr;

  // For sanitizers, which want to know of each switch.
  void* tsan_fiber_ = nullptr;
  void* tsan_resumer_ = nullptr;
  const void* asan_resumer_bottom_ = nullptr;
  size_t asan_resumer_size_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_FIBER_H_
