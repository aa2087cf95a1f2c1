// AsyncRun: code of a store on a stack of its own, which it leaves while it waits.
//
//   class Call : public AsyncRun {
//    public:
//     explicit Call(Store& store) : AsyncRun(store) {}
//     ~Call() { Cancel(); }
//    private:
//     void Run() override { status = store().Call(func_ref, values); }
//   };
//   Call call(store);
//   ASSIGN_OR_RETURN(AsyncRun::State state, call.Resume());     // until it is kDone
//
// What runs inside suspends by Store::Suspend. A store is used by one run at a time: while one is
// suspended, calls of the store from elsewhere are refused. Each Resume may come from another
// thread than the last, but not from two at once.
//
// A run that is not to be finished is cancelled: its suspension fails with kCancelled, which the
// host function or built-in passes on, so that the guest stops at its entry as by any error and
// everything on the stack is left in order.
//
// Tested by tests/runtime:async_run_test.
#ifndef GANTRY_RUNTIME_ASYNC_RUN_H_
#define GANTRY_RUNTIME_ASYNC_RUN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/fiber.h"
#include "runtime/store.h"

namespace gantry::runtime {

class AsyncRun : private StoreFiber {
 public:
  enum class State : uint8_t { kNew, kRunning, kWaiting, kYielded, kDone };

  explicit AsyncRun(Store& store) : store_(&store) {}
  // The one that a store's code runs in; null where there is none.
  static AsyncRun* Of(const Store& store) { return static_cast<AsyncRun*>(store.fiber()); }
  AsyncRun(const AsyncRun&) = delete;
  AsyncRun& operator=(const AsyncRun&) = delete;

  // Runs until it is done or suspends. It must be neither running nor done. Errors, after which
  // the state is as before: kFailedPrecondition where the store is in use; kResourceExhausted
  // where there is no stack.
  absl::StatusOr<State> Resume();

  State state() const { return state_; }

  // Ends it where it is, to be called before anything that Run uses goes: at the latest by the
  // destructor of the class that has it. It must not be running.
  void Cancel() override;

 protected:
  ~AsyncRun();

  // The work, on a stack of its own. Throws nothing.
  virtual void Run() = 0;

  // Not after Cancel.
  Store& store() const { return *store_; }

 private:
  absl::Status Suspend(Suspension why) override;
  // Whether all guests on the fiber's stack are the store's.
  bool IsAlone() const;
  void Continue();

  // Null once the run is over and the store may go.
  Store* store_;
  Fiber fiber_;
  State state_ = State::kNew;
  bool cancelled_ = false;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_ASYNC_RUN_H_
