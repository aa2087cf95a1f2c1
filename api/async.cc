// Tested by async_test.cc.
#include "api/async.h"

#include "api/store_state.h"

namespace gantry::api_internal {

FiberWait::FiberWait(Store& store)
    : store_(store),
      // Whatever runs a store of the API on a fiber is one of these.
      call_(static_cast<AsyncCallState*>(runtime::AsyncRun::Of(store.state().runtime()))) {}

absl::Status FiberWait::Suspend() {
  if (call_ != nullptr) call_->wait_ = this;
  return store_.state().runtime().Suspend(runtime::Suspension::kWaiting);
}

void FiberWait::End() {
  AsyncCallState* const call = call_;
  // Not parked: the side that leaves the fiber sees it, and may be gone already.
  if (state_.exchange(State::kEnded, std::memory_order_acq_rel) != State::kParked) return;
  call->CallOnReady();
}

AsyncCallState::AsyncCallState(Store& store) : AsyncRun(store.state().runtime()) {}

CallState AsyncCallState::state() const {
  switch (AsyncRun::state()) {
    case State::kNew:
      return CallState::kNew;
    case State::kRunning:
      return CallState::kRunning;
    case State::kDone:
      return CallState::kDone;
    case State::kYielded:
      return CallState::kReady;
    case State::kWaiting:
      break;
  }
  return wait_->state_.load(std::memory_order_acquire) == FiberWait::State::kEnded
             ? CallState::kReady
             : CallState::kWaiting;
}

CallState AsyncCallState::Resume() {
  while (true) {
    const CallState before = state();
    CHECK(before != CallState::kRunning) << "a call was resumed from inside";
    if (before == CallState::kDone || before == CallState::kWaiting) return before;
    const absl::StatusOr<State> after = AsyncRun::Resume();
    if (!after.ok()) {
      // Whatever the guest makes of the end, the reason for it is the result.
      Cancel();
      Fail(after.status());
      return CallState::kDone;
    }
    if (*after == State::kDone) return CallState::kDone;
    if (*after == State::kYielded) return CallState::kReady;
    FiberWait::State running = FiberWait::State::kRunning;
    // From here on another thread may continue the call, or even end it.
    if (wait_->state_.compare_exchange_strong(running, FiberWait::State::kParked,
                                              std::memory_order_acq_rel)) {
      return CallState::kWaiting;
    }
  }
}

void AsyncCallState::CallOnReady() {
  // It may set itself anew, or destroy all this.
  const std::function<void()> on_ready = std::exchange(on_ready_, nullptr);
  if (on_ready) on_ready();
}

bool AsyncCallState::Await(std::coroutine_handle<> continuation) {
  continuation_ = continuation;
  return Advance();
}

bool AsyncCallState::Advance() {
  while (true) {
    on_ready_ = [this] {
      if (executor_) {
        executor_([this] { Continue(); });
      } else {
        Continue();
      }
    };
    switch (Resume()) {
      case CallState::kDone:
        return true;
      case CallState::kReady:
        if (!executor_) continue;
        executor_([this] { Continue(); });
        return false;
      default:
        return false;
    }
  }
}

void AsyncCallState::Continue() {
  if (Advance()) continuation_.resume();
}

void AsyncCallState::RunToEnd() {
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
  while (true) {
    on_ready_ = [&] {
      // Notified under the lock, since the other side goes as soon as it has it.
      std::lock_guard<std::mutex> lock(mutex);
      ready = true;
      changed.notify_one();
    };
    const CallState state = Resume();
    if (state == CallState::kDone) return;
    if (state == CallState::kReady) continue;
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return ready; });
    ready = false;
  }
}

}  // namespace gantry::api_internal

namespace gantry {

absl::Status Yield(Store& store) {
  runtime::Store& runtime = store.state().runtime();
  if (runtime.fiber() == nullptr) return absl::OkStatus();
  absl::Status status = runtime.Suspend(runtime::Suspension::kYielded);
  // A guest of another store is in the way.
  return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
}

}  // namespace gantry
