// AsyncCall: a call into a guest on a stack of its own (a fiber), which gives its thread back while
// a host function waits, and where the guest is to yield.
//
//   RETURN_IF_ERROR(linker.AsyncFunc("env", "read", [](Caller&, int32_t id)
//       -> Task<absl::StatusOr<int32_t>> { co_return co_await ReadFromSomewhere(id); }));
//   ...
//   auto call = func.CallAsync(store, {Val::I32(1)});     // (GCC 12 takes no list in a co_await)
//   absl::StatusOr<std::vector<Val>> results = co_await call;
//
// Without coroutines the host drives the call itself:
//
//   AsyncCall<absl::StatusOr<std::vector<Val>>> call = func.CallAsync(store, {});
//   call.OnReady([&] { queue.Push(&call); });          // for the next wait, from any thread
//   if (call.Resume() == CallState::kDone) Use(call.TakeResult());
//
// Nothing runs before a call is awaited, resumed or waited for. A store is used by one call at a
// time: while one is suspended, others of the same store are kFailedPrecondition; what does not
// call guests (reading a memory, say) is possible. Each part of a call runs on the thread that
// resumes it, one after the other. RunAsync runs a callable of the host this way: everything that
// it calls in the store may suspend.
//
// Dropping a suspended call ends it: the wait of the host function fails with kCancelled, the task
// that it waits for is destroyed, and the guest stops as by any error. The destructor does it on
// the calling thread; what would complete the wait must not do so at the same time. The store has
// to outlive its call, or ends it likewise.
//
// Inside of a suspended call, on its stack, there must be no catch block and no address of a
// thread-local variable (errno's included) that is used afterwards: the thread may be another.
#ifndef GANTRY_API_ASYNC_H_
#define GANTRY_API_ASYNC_H_

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/store.h"
#include "api/task.h"
#include "base/check.h"
#include "runtime/async_run.h"

namespace gantry {

enum class CallState : uint8_t {
  kNew,      // not begun
  kWaiting,  // for a host function
  kReady,    // what it waited for is there, or it yielded: it can be resumed
  kRunning,
  kDone,
};

// Where work goes on: is given a function to be called once, on a thread of its choice.
using Executor = std::function<void(std::function<void()> work)>;

namespace api_internal {

class AsyncCallState;

// One wait of a fiber for something that another thread may bring. The two sides meet in either
// order.
class FiberWait {
 public:
  // For the guest of the store that called the host function which makes this.
  explicit FiberWait(Store& store);
  // Suspends the guest. Error: kCancelled, or kFailedPrecondition where it cannot be suspended.
  absl::Status Suspend();
  // What was waited for is there. Called once; the wait may be gone when it returns.
  void End();
  // Whether End was called. Whoever did has nothing more to do with the wait.
  bool ended() const { return state_.load(std::memory_order_acquire) == State::kEnded; }

 private:
  friend class AsyncCallState;
  enum class State : uint8_t {
    kRunning,  // the fiber has not been left
    kParked,   // it has
    kEnded,    // what it waits for is there
  };
  Store& store_;
  AsyncCallState* const call_;
  std::atomic<State> state_{State::kRunning};
};

class AsyncCallState : public runtime::AsyncRun {
 public:
  explicit AsyncCallState(Store& store);
  virtual ~AsyncCallState() = default;

  CallState state() const;
  CallState Resume();
  void set_on_ready(std::function<void()> on_ready) { on_ready_ = std::move(on_ready); }
  void set_executor(Executor executor) { executor_ = std::move(executor); }

  // True once the call is done; otherwise `continuation` is resumed when it is, and nothing here
  // is to be touched before.
  bool Await(std::coroutine_handle<> continuation);
  // Runs to the end; the thread sleeps while the call waits.
  void RunToEnd();

 protected:
  virtual void Fail(absl::Status status) = 0;

 private:
  friend class FiberWait;
  bool Advance();
  void Continue();
  void CallOnReady();

  // What the suspended fiber waits for.
  FiberWait* wait_ = nullptr;
  std::function<void()> on_ready_;
  Executor executor_;
  std::coroutine_handle<> continuation_;
};

template <typename R>
class AsyncCallStateFor : public AsyncCallState {
 public:
  using AsyncCallState::AsyncCallState;
  std::optional<R> result;

 protected:
  void Fail(absl::Status status) override { result.emplace(std::move(status)); }
};

template <typename R, typename F>
class AsyncCallStateOf final : public AsyncCallStateFor<R> {
 public:
  AsyncCallStateOf(Store& store, F function)
      : AsyncCallStateFor<R>(store), function_(std::move(function)) {}
  // Before the function and the result go.
  ~AsyncCallStateOf() override { this->Cancel(); }

 private:
  void Run() override {
    try {
      this->result.emplace(function_());
    } catch (const std::bad_alloc&) {
      this->result.emplace(absl::ResourceExhaustedError("out of memory"));
    } catch (...) {
      this->result.emplace(absl::InternalError("an asynchronous call threw an exception"));
    }
  }
  F function_;
};

}  // namespace api_internal

// A call that was begun or is to be; R is absl::Status or a StatusOr.
template <typename R>
class [[nodiscard]] AsyncCall {
  static_assert(std::is_constructible_v<R, absl::Status>);

 public:
  // Ends the call where it is.
  ~AsyncCall() = default;
  AsyncCall(AsyncCall&&) noexcept = default;
  AsyncCall& operator=(AsyncCall&&) noexcept = default;

  CallState state() const { return state_ == nullptr ? CallState::kDone : state_->state(); }

  // Begins or continues the guest, until it is done (kDone), waits (kWaiting) or yields (kReady).
  // Does nothing while what it waits for is not there, or once it is done. An error that kept it
  // from running is its result.
  CallState Resume() { return state_ == nullptr ? CallState::kDone : state_->Resume(); }

  // Called once, when the next wait is over, on the thread that completes it: to be set in front
  // of each Resume. It may resume the call.
  void OnReady(std::function<void()> on_ready) {
    if (state_ != nullptr) state_->set_on_ready(std::move(on_ready));
  }

  // Where the guest of an awaited call goes on after a wait or a yield. Without, it goes on where
  // the wait is completed, and after a yield at once. For `co_await std::move(call).Via(executor)`.
  AsyncCall Via(Executor executor) && {
    if (state_ != nullptr) state_->set_executor(std::move(executor));
    return std::move(*this);
  }

  auto operator co_await() & { return Awaiter{this}; }
  auto operator co_await() && { return OwningAwaiter{std::move(*this)}; }

  // Runs the call to its end on this thread, which sleeps while the guest waits.
  R Wait() && {
    if (state_ != nullptr) state_->RunToEnd();
    return TakeResult();
  }

  // The result of a call that is done, once.
  R TakeResult() {
    if (state_ == nullptr) return R(absl::ResourceExhaustedError("no memory for a call"));
    CHECK(state() == CallState::kDone) << "a call's result was taken before it was there";
    if (!state_->result) return R(absl::CancelledError("the call was dropped"));
    return *std::move(state_->result);
  }

  // Ends the call where it is; the result says what became of it.
  void Cancel() {
    if (state_ != nullptr && state() != CallState::kDone) state_->Cancel();
  }

 private:
  template <typename F>
  friend AsyncCall<std::invoke_result_t<F&>> RunAsync(Store& store, F function);

  struct Awaiter {
    AsyncCall* call;
    bool await_ready() { return call->state() == CallState::kDone; }
    bool await_suspend(std::coroutine_handle<> awaiting) { return !call->state_->Await(awaiting); }
    R await_resume() { return call->TakeResult(); }
  };
  struct OwningAwaiter {
    AsyncCall call;
    bool await_ready() { return call.state() == CallState::kDone; }
    bool await_suspend(std::coroutine_handle<> awaiting) { return !call.state_->Await(awaiting); }
    R await_resume() { return call.TakeResult(); }
  };

  explicit AsyncCall(std::unique_ptr<api_internal::AsyncCallStateFor<R>> state)
      : state_(std::move(state)) {}

  // Null where there was no memory for it.
  std::unique_ptr<api_internal::AsyncCallStateFor<R>> state_;
};

// In a host function that was called by a guest: waits for a task, the guest being suspended
// meanwhile. R is absl::Status or a StatusOr. Errors besides the task's: kFailedPrecondition where
// the task waits and the guest was not called asynchronously, or guests of other stores are on the
// same stack; kCancelled where the call was dropped, which is to be returned to the guest.
//
// What an asynchronous host function (Linker::AsyncFunc) does after its first wait happens on the
// stack of whoever resumes it, and cannot call into the suspended store. A plain host function that
// waits by this can, in between.
template <typename R>
R Await(Store& store, Task<R> task) {
  static_assert(std::is_constructible_v<R, absl::Status>);
  api_internal::FiberWait wait(store);
  // Goes before the wait that it would end.
  Task<R> running = std::move(task);
  running.Start([&wait] { wait.End(); });
  // Not until the task is done: where that happens on another thread, that is to say so first.
  while (!wait.ended()) {
    absl::Status status = wait.Suspend();
    if (!status.ok()) return status;
  }
  return running.TakeResult();
}

// A callable without arguments on a fiber of the store, its result a Status or StatusOr.
template <typename F>
AsyncCall<std::invoke_result_t<F&>> RunAsync(Store& store, F function) {
  using R = std::invoke_result_t<F&>;
  std::unique_ptr<api_internal::AsyncCallStateFor<R>> state;
  try {
    state = std::make_unique<api_internal::AsyncCallStateOf<R, F>>(store, std::move(function));
  } catch (const std::bad_alloc&) {
  }
  return AsyncCall<R>(std::move(state));
}

// In a host function, or a callback of an interrupt: lets others run where the guest was called
// asynchronously; the call is then kReady, and goes on when it is resumed. Nothing happens where
// the guest cannot be suspended. Error: kCancelled where the call was dropped, which is to be
// returned to the guest.
//
//   store.SetFuelInterval(100'000, [](Store& store) { return Yield(store); });
absl::Status Yield(Store& store);

namespace api_internal {

// The plain host function that a callable which returns a Task amounts to.
template <typename Member>
struct AsyncHostFuncTraits;
template <typename C, typename R, typename... Args>
struct AsyncHostFuncTraits<Task<R> (C::*)(Caller&, Args...) const> {
  template <typename F>
  static auto Plain(F callable) {
    return [callable = std::move(callable)](Caller& caller, std::decay_t<Args>... args) -> R {
      return Await<R>(caller.store(), callable(caller, std::move(args)...));
    };
  }
};
template <typename C, typename R, typename... Args>
struct AsyncHostFuncTraits<Task<R> (C::*)(Args...) const> {
  template <typename F>
  static auto Plain(F callable) {
    return [callable = std::move(callable)](Caller& caller, std::decay_t<Args>... args) -> R {
      return Await<R>(caller.store(), callable(std::move(args)...));
    };
  }
};

template <typename F>
auto PlainHostFunc(F callable) {
  return AsyncHostFuncTraits<decltype(&F::operator())>::Plain(std::move(callable));
}

}  // namespace api_internal
}  // namespace gantry

#endif  // GANTRY_API_ASYNC_H_
