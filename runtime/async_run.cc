#include "runtime/async_run.h"

#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/activation.h"
#include "runtime/thread_stack.h"

namespace gantry::runtime {

AsyncRun::~AsyncRun() { CHECK(!fiber_.unfinished()) << "a suspended run was not cancelled"; }

absl::StatusOr<AsyncRun::State> AsyncRun::Resume() {
  CHECK(state_ != State::kRunning && state_ != State::kDone) << "the run cannot be resumed";
  if (store_->engine().handles_signals()) RETURN_IF_ERROR(EnsureSignalStack());
  if (state_ == State::kNew) {
    ASSIGN_OR_RETURN(FiberStack stack, store_->engine().stacks().Take());
    RETURN_IF_ERROR(store_->AttachFiber(*this));
    fiber_.Start(
        std::move(stack), [](void* run) { static_cast<AsyncRun*>(run)->Run(); }, this);
  }
  Continue();
  return state_;
}

void AsyncRun::Continue() {
  state_ = State::kRunning;
  store_->SetSuspended(false);
  if (fiber_.Resume()) {
    std::exchange(store_, nullptr)->DetachFiber();
    state_ = State::kDone;
  } else {
    store_->SetSuspended(true);
  }
}

void AsyncRun::Cancel() {
  CHECK(state_ != State::kRunning) << "a run was cancelled from inside";
  if (fiber_.unfinished()) {
    cancelled_ = true;
    Continue();
  }
  store_ = nullptr;
  state_ = State::kDone;
}

absl::Status AsyncRun::Suspend(Suspension why) {
  if (cancelled_) return absl::CancelledError("the call was dropped while it was suspended");
  if (Fiber::Current() != &fiber_ || !IsAlone()) {
    return absl::FailedPreconditionError(
        "the call cannot wait here: guests of other stores would be suspended with it");
  }
  state_ = why == Suspension::kWaiting ? State::kWaiting : State::kYielded;
  fiber_.Suspend();
  if (cancelled_) return absl::CancelledError("the call was dropped while it was suspended");
  return absl::OkStatus();
}

bool AsyncRun::IsAlone() const {
  for (const Activation* activation = CurrentActivation(); activation != fiber_.base();
       activation = activation->outer_on_thread) {
    if (activation->store != store_->context()) return false;
  }
  return true;
}

}  // namespace gantry::runtime
