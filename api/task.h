// Task: a C++20 coroutine that starts when it is awaited, and gives its awaiter one result.
//
//   gantry::Task<absl::StatusOr<int32_t>> Twice(gantry::Store& store, gantry::Func func) {
//     auto call = func.CallAsync(store, {});
//     absl::StatusOr<std::vector<gantry::Val>> once = co_await call;
//     if (!once.ok()) co_return once.status();
//     co_return 2 * once->at(0).i32();
//   }
//   absl::StatusOr<int32_t> result = gantry::Wait(Twice(store, func));
//
// It is what asynchronous host functions return (Linker::AsyncFunc); hosts with coroutine types of
// their own await calls of guests from those. A task is destroyed with everything in it where it
// stands; whoever is going to resume it must have been told before. An exception that leaves it
// comes out at its awaiter.
#ifndef GANTRY_API_TASK_H_
#define GANTRY_API_TASK_H_

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"

namespace gantry {

template <typename T>
class Task;

namespace api_internal {

class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept { return FinalAwaiter(); }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  void set_continuation(std::coroutine_handle<> continuation) { continuation_ = continuation; }
  void set_when_done(std::function<void()> when_done) { when_done_ = std::move(when_done); }

 protected:
  void Rethrow() const {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
  }

 private:
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      TaskPromiseBase& promise = self.promise();
      if (promise.continuation_) return promise.continuation_;
      // The task may be destroyed by what it calls.
      const std::function<void()> when_done = std::move(promise.when_done_);
      if (when_done) when_done();
      return std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  std::coroutine_handle<> continuation_;
  std::function<void()> when_done_;
  std::exception_ptr exception_;
};

template <typename T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object();
  template <typename Value>
  void return_value(Value&& value) {
    result_.emplace(std::forward<Value>(value));
  }
  T Take() {
    Rethrow();
    return *std::move(result_);
  }

 private:
  std::optional<T> result_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() {}
  void Take() { Rethrow(); }
};

}  // namespace api_internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = api_internal::TaskPromise<T>;

  ~Task() {
    if (handle_) handle_.destroy();
  }
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }

  // Awaited once: runs it, and gives its result.
  auto operator co_await() && {
    struct Awaiter {
      std::coroutine_handle<promise_type> task;
      bool await_ready() { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
        task.promise().set_continuation(awaiting);
        return task;
      }
      T await_resume() { return task.promise().Take(); }
    };
    return Awaiter{handle_};
  }

  // From code that is no coroutine: runs it to where it first waits. `when_done` is called once it
  // is done, by whoever resumes it last; it may destroy the task. Instead of awaiting it.
  void Start(std::function<void()> when_done) {
    handle_.promise().set_when_done(std::move(when_done));
    handle_.resume();
  }
  bool done() const { return handle_.done(); }
  // Of a task that is done, once.
  T TakeResult() {
    CHECK(done()) << "a task's result was taken before it was there";
    return handle_.promise().Take();
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// Runs a task to its end; the thread sleeps while the task waits for others.
template <typename T>
T Wait(Task<T> task) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  task.Start([&] {
    // Notified under the lock, since the other side goes as soon as it has it.
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
    changed.notify_one();
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return done; });
  }
  return task.TakeResult();
}

namespace api_internal {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace api_internal
}  // namespace gantry

#endif  // GANTRY_API_TASK_H_
