#include "runtime/fiber.h"

#include <boost/context/detail/fcontext.hpp>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "runtime/sanitizers.h"
#include "runtime/thread_stack.h"

#if GANTRY_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#if GANTRY_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace gantry::runtime {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

thread_local Fiber* current_fiber = nullptr;

// Not inlined, so that the address is found anew after each switch.
ABSL_ATTRIBUTE_NOINLINE Fiber* GetCurrent() { return current_fiber; }
ABSL_ATTRIBUTE_NOINLINE Fiber* ExchangeCurrent(Fiber* fiber) {
  return std::exchange(current_fiber, fiber);
}

// What AddressSanitizer is told in front of a switch and behind it. `fake_stack` is null for a
// stack that is left for good.
void AsanLeave([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* to_bottom,
               [[maybe_unused]] size_t to_size) {
#if GANTRY_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(fake_stack, to_bottom, to_size);
#endif
}
void AsanArrive([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** from_bottom,
                [[maybe_unused]] size_t* from_size) {
#if GANTRY_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(fake_stack, from_bottom, from_size);
#endif
}

void* TsanCreate() {
#if GANTRY_THREAD_SANITIZER
  return __tsan_create_fiber(0);
#else
  return nullptr;
#endif
}
void TsanDestroy([[maybe_unused]] void* fiber) {
#if GANTRY_THREAD_SANITIZER
  if (fiber != nullptr) __tsan_destroy_fiber(fiber);
#endif
}
void* TsanCurrent() {
#if GANTRY_THREAD_SANITIZER
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}
// Directly in front of the switch.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void TsanSwitch([[maybe_unused]] void* fiber) {
#if GANTRY_THREAD_SANITIZER
  __tsan_switch_to_fiber(fiber, 0);
#endif
}

}  // namespace

struct FiberEntry {
  // The first frame of every fiber's stack.
  static void Main(transfer_t transfer) {
    Fiber& fiber = *static_cast<Fiber*>(transfer.data);
    fiber.context_ = transfer.fctx;
    AsanArrive(nullptr, &fiber.asan_resumer_bottom_, &fiber.asan_resumer_size_);
    fiber.function_(fiber.argument_);
    fiber.state_ = Fiber::State::kFinished;
    AsanLeave(nullptr, fiber.asan_resumer_bottom_, fiber.asan_resumer_size_);
    TsanSwitch(fiber.tsan_resumer_);
    jump_fcontext(fiber.context_, nullptr);
    CHECK(false) << "a fiber was resumed after its end";
  }
};

Fiber::~Fiber() {
  CHECK(!unfinished()) << "a fiber was destroyed in its middle";
  TsanDestroy(tsan_fiber_);
}

Fiber* Fiber::Current() { return GetCurrent(); }

void Fiber::Start(FiberStack stack, Function function, void* argument) {
  CHECK(state_ == State::kNew) << "a fiber was started twice";
  CHECK(!stack.empty());
  stack_ = std::move(stack);
  function_ = function;
  argument_ = argument;
  context_ = make_fcontext(stack_.low() + stack_.size(), stack_.size(), FiberEntry::Main);
  tsan_fiber_ = TsanCreate();
  state_ = State::kReady;
}

void Fiber::PutActivations() {
  base_ = CurrentActivation();
  if (innermost_ == nullptr) return;
  outermost_->outer_on_thread = base_;
  SetCurrentActivation(innermost_);
}

void Fiber::TakeActivations() {
  Activation* const top = CurrentActivation();
  innermost_ = outermost_ = nullptr;
  if (top == base_) return;
  innermost_ = outermost_ = top;
  while (outermost_->outer_on_thread != base_) outermost_ = outermost_->outer_on_thread;
  SetCurrentActivation(base_);
}

bool Fiber::Resume() {
  CHECK(state_ == State::kReady || state_ == State::kSuspended) << "the fiber cannot be resumed";
  Fiber* const outer = ExchangeCurrent(this);
  const uintptr_t outer_stack_low = ExchangeStackLow(reinterpret_cast<uintptr_t>(stack_.low()));
  PutActivations();
  state_ = State::kRunning;
  tsan_resumer_ = TsanCurrent();
  void* fake_stack = nullptr;
  AsanLeave(&fake_stack, stack_.low(), stack_.size());
  TsanSwitch(tsan_fiber_);
  const transfer_t transfer = jump_fcontext(context_, this);
  // The thread is the same: this stack has not been continued by any other.
  AsanArrive(fake_stack, nullptr, nullptr);
  context_ = transfer.fctx;
  TakeActivations();
  ExchangeStackLow(outer_stack_low);
  ExchangeCurrent(outer);
  if (state_ != State::kFinished) return false;
  TsanDestroy(std::exchange(tsan_fiber_, nullptr));
  stack_.Release();
  return true;
}

void Fiber::Suspend() {
  CHECK(GetCurrent() == this && state_ == State::kRunning) << "the fiber does not run here";
  state_ = State::kSuspended;
  void* fake_stack = nullptr;
  AsanLeave(&fake_stack, asan_resumer_bottom_, asan_resumer_size_);
  TsanSwitch(tsan_resumer_);
  const transfer_t transfer = jump_fcontext(context_, nullptr);
  // From here on it may be another thread.
  AsanArrive(fake_stack, &asan_resumer_bottom_, &asan_resumer_size_);
  context_ = transfer.fctx;
}

}  // namespace gantry::runtime
