// Guests on fibers, in code by hand: suspended in host calls, moved between threads, trapping,
// walked, dropped.
#include "runtime/async_run.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/instance.h"
#include "runtime/module.h"
#include "runtime/store.h"
#include "runtime/trap.h"
#include "tests/runtime/native_code.h"

namespace gantry::runtime {
namespace {

using environ::TrapCode;

environ::MemoryPlan SmallGuardedPlan() {
  environ::MemoryPlan plan;
  plan.reservation = uint64_t{1} << 20;
  plan.guard = uint64_t{1} << 20;
  plan.bounds = environ::MemoryPlan::Bounds::kNone;
  plan.may_move = false;
  return plan;
}

class FunctionRun final : public AsyncRun {
 public:
  FunctionRun(Store& store, std::function<void()> function)
      : AsyncRun(store), function_(std::move(function)) {}
  ~FunctionRun() { Cancel(); }

 private:
  void Run() override { function_(); }
  std::function<void()> function_;
};

struct Guest {
  std::unique_ptr<Store> store;
  Instance* instance = nullptr;

  absl::StatusOr<int64_t> Call(const char* name, int64_t a = 0, int64_t b = 0) {
    ValRaw values[2] = {ValRaw::I64(a), ValRaw::I64(b)};
    absl::Status status =
        store->Call(std::get<VMFuncRef*>(instance->GetExport(name).value()), values);
    if (!status.ok()) return status;
    return values[0].i64;
  }
};

// A call on a fiber, and its result.
struct AsyncCall {
  AsyncCall(Guest& guest, const char* name, int64_t a = 0, int64_t b = 0)
      : run(*guest.store, [=, this, &guest] { result = guest.Call(name, a, b); }) {}
  AsyncRun::State Resume() { return run.Resume().value(); }

  absl::StatusOr<int64_t> result = absl::UnknownError("no result");
  FunctionRun run;
};

class AsyncRunTest : public testing::Test {
 protected:
  void SetUp() override {
    code_ = NativeCode(SmallGuardedPlan());
    if (code_ == nullptr) GTEST_SKIP() << "no native code for " << host_arch::Name();
    Engine::Options options;
    options.max_wasm_stack = 64 << 10;
    options.stacks.total_size = 4 * options.stacks.stack_size;
    engine_ = Engine::Create(options);
    module_ = *Module::Create(engine_, code_, environ::ModuleId(0));
  }
  Guest MakeGuest(HostCallback callback) {
    Guest guest;
    guest.store = Store::Create(engine_, {});
    VMFuncRef* host = guest.store->AddHostFunction(NativeType(), std::move(callback)).value();
    guest.instance = Instance::Create(*guest.store, module_, {host}).value();
    return guest;
  }
  // Its host function waits as often as its first argument says and returns the second.
  std::unique_ptr<Guest> MakeWaitingGuest() {
    auto guest = std::make_unique<Guest>();
    *guest = MakeGuest([guest = guest.get()](VMContext*, ValRaw* values) -> absl::Status {
      for (int64_t i = values[0].i64; i > 0; --i) {
        const absl::Status status = guest->store->Suspend(Suspension::kWaiting);
        if (!status.ok()) return status;
      }
      values[0] = values[1];
      return absl::OkStatus();
    });
    return guest;
  }

  std::shared_ptr<const CodeObject> code_;
  std::shared_ptr<Engine> engine_;
  std::shared_ptr<const Module> module_;
};

using State = AsyncRun::State;

TEST_F(AsyncRunTest, ACallSuspendsWhileItsHostFunctionWaits) {
  auto guest = MakeWaitingGuest();
  AsyncCall call(*guest, "CallTailCallHost", 3, 42);
  EXPECT_EQ(call.run.state(), State::kNew);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call.Resume(), State::kWaiting);
  EXPECT_EQ(call.Resume(), State::kDone);
  EXPECT_EQ(call.result.value(), 42);
  EXPECT_EQ(engine_->stacks().num_idle(), 1u);
  EXPECT_EQ(guest->Call("Add", 1, 2).value(), 3);
}

TEST_F(AsyncRunTest, WithoutAFiberNothingWaits) {
  auto guest = MakeWaitingGuest();
  EXPECT_EQ(guest->Call("CallHost", 0, 7).value(), 7);
  EXPECT_EQ(guest->Call("CallHost", 1, 7).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AsyncRunTest, AStoreIsUsedByOneFiberAtATime) {
  auto guest = MakeWaitingGuest();
  AsyncCall call(*guest, "CallHost", 1, 42);
  EXPECT_EQ(call.Resume(), State::kWaiting);
  EXPECT_EQ(guest->Call("Add", 1, 2).status().code(), absl::StatusCode::kFailedPrecondition);
  AsyncCall second(*guest, "Add", 1, 2);
  EXPECT_EQ(second.run.Resume().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->stacks().num_idle(), 1u);
  EXPECT_EQ(call.Resume(), State::kDone);
  EXPECT_EQ(call.result.value(), 42);
  // What was refused can be tried again.
  EXPECT_EQ(second.Resume(), State::kDone);
  EXPECT_EQ(second.result.value(), 3);
}

TEST_F(AsyncRunTest, StacksRunOut) {
  std::vector<std::unique_ptr<Guest>> guests;
  std::vector<std::unique_ptr<AsyncCall>> calls;
  for (int i = 0; i < 4; ++i) {
    guests.push_back(MakeWaitingGuest());
    calls.push_back(std::make_unique<AsyncCall>(*guests.back(), "CallHost", 1, i));
    EXPECT_EQ(calls.back()->Resume(), State::kWaiting);
  }
  auto guest = MakeWaitingGuest();
  AsyncCall call(*guest, "CallHost", 1, 42);
  EXPECT_EQ(call.run.Resume().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(calls[2]->Resume(), State::kDone);
  EXPECT_EQ(calls[2]->result.value(), 2);
  EXPECT_EQ(call.Resume(), State::kWaiting);
  EXPECT_EQ(call.Resume(), State::kDone);
}

// After each wait on another thread: results, faults, traps and the frames of all of them.
// lessons.md row 13: with a tail call under the wait.
TEST_F(AsyncRunTest, CallsMoveBetweenThreads) {
  Guest* self = nullptr;
  Guest guest = MakeGuest([&](VMContext*, ValRaw* values) -> absl::Status {
    const absl::Status waited = self->store->Suspend(Suspension::kWaiting);
    if (!waited.ok()) return waited;
    if (values[0].i64 == 0) return self->Call("Load", 65536).status();
    if (values[0].i64 == 1) return self->Call("Outer").status();
    if (values[0].i64 == 2) return self->Call("Recurse").status();
    return self->Call("CallTailCallHost", values[0].i64 - 3).status();
  });
  self = &guest;
  const struct {
    int64_t argument;
    int waits;
    TrapCode code;
    size_t frames;  // the least
  } kCases[] = {{0, 1, TrapCode::kMemoryOutOfBounds, 2},
                {1, 1, TrapCode::kUnreachable, 4},
                {2, 1, TrapCode::kCallStackExhausted, 100},
                {4, 2, TrapCode::kUnreachable, 5}};
  for (const auto& c : kCases) {
    AsyncCall call(guest, "CallHost", c.argument);
    EXPECT_EQ(call.Resume(), State::kWaiting);
    for (int i = 1; i < c.waits; ++i) {
      std::thread([&] { EXPECT_EQ(call.Resume(), State::kWaiting); }).join();
    }
    std::thread([&] { EXPECT_EQ(call.Resume(), State::kDone); }).join();
    const std::optional<TrapInfo> trap = GetTrapInfo(call.result.status());
    ASSERT_TRUE(trap.has_value()) << call.result.status();
    EXPECT_EQ(trap->code, c.code);
    EXPECT_GE(trap->frames.size(), c.frames) << BacktraceToString(*trap);
    EXPECT_EQ(guest.Call("Add", 1, 2).value(), 3);
  }
}

// The end of the stack is the fiber's, also for a store that a host function there enters.
TEST_F(AsyncRunTest, TheStackEndsInATrapOnFibersToo) {
  Guest inner = MakeGuest([](VMContext*, ValRaw*) { return absl::OkStatus(); });
  Guest outer = MakeGuest([&](VMContext*, ValRaw*) { return inner.Call("Recurse").status(); });
  for (int round = 0; round < 2; ++round) {
    for (const char* name : {"Recurse", "CallHost"}) {
      AsyncCall call(outer, name);
      EXPECT_EQ(call.Resume(), State::kDone);
      const std::optional<TrapInfo> trap = GetTrapInfo(call.result.status());
      ASSERT_TRUE(trap.has_value()) << call.result.status();
      EXPECT_EQ(trap->code, TrapCode::kCallStackExhausted);
    }
  }
}

// A store that is entered on the thread's stack, and again from a fiber that runs on top.
TEST_F(AsyncRunTest, AStoreIsEnteredAgainFromAnothersFiber) {
  Guest* outer = nullptr;
  Guest inner = MakeGuest([&](VMContext*, ValRaw*) { return outer->Call("Recurse").status(); });
  Guest guest = MakeGuest([&](VMContext*, ValRaw* values) -> absl::Status {
    if (values[0].i64 == 1) return outer->Call("Recurse").status();
    AsyncCall call(inner, "CallHost");
    EXPECT_EQ(call.Resume(), State::kDone);
    EXPECT_EQ(GetTrapInfo(call.result.status())->code, TrapCode::kCallStackExhausted);
    // Back on the thread's stack, whose end is another.
    return outer->Call("Recurse").status();
  });
  outer = &guest;
  const std::optional<TrapInfo> trap = GetTrapInfo(guest.Call("CallHost").status());
  ASSERT_TRUE(trap.has_value());
  EXPECT_EQ(trap->code, TrapCode::kCallStackExhausted);
}

// What would suspend a guest of another store that is in the way is refused.
TEST_F(AsyncRunTest, NobodyElseIsSuspended) {
  Guest* first = nullptr;
  Guest* second = nullptr;
  // first -> its host function -> second -> its host function: waits.
  Guest b =
      MakeGuest([&](VMContext*, ValRaw*) { return second->store->Suspend(Suspension::kWaiting); });
  Guest a = MakeGuest([&](VMContext*, ValRaw*) { return b.Call("CallHost").status(); });
  first = &a;
  second = &b;
  // The second store has no fiber.
  AsyncCall call(*first, "CallHost");
  EXPECT_EQ(call.Resume(), State::kDone);
  EXPECT_EQ(call.result.status().code(), absl::StatusCode::kFailedPrecondition);
  // It has the one on which the first store's guest is in the way.
  Guest c = MakeGuest([&](VMContext*, ValRaw*) { return a.Call("CallHost").status(); });
  second = &c;
  AsyncCall other(c, "CallHost");
  EXPECT_EQ(other.Resume(), State::kDone);
  EXPECT_EQ(other.result.status().code(), absl::StatusCode::kFailedPrecondition);
}

// A fiber in a fiber, each left on its own.
TEST_F(AsyncRunTest, RunsNest) {
  auto inner = MakeWaitingGuest();
  std::optional<AsyncCall> inner_call;
  Guest outer = MakeGuest([&](VMContext*, ValRaw*) -> absl::Status {
    inner_call.emplace(*inner, "CallHost", 2, 42);
    EXPECT_EQ(inner_call->Resume(), State::kWaiting);
    return outer.store->Suspend(Suspension::kYielded);
  });
  AsyncCall outer_call(outer, "CallTailCallHost");
  EXPECT_EQ(outer_call.Resume(), State::kYielded);
  EXPECT_EQ(inner_call->Resume(), State::kWaiting);
  EXPECT_EQ(outer_call.Resume(), State::kDone);
  EXPECT_EQ(inner_call->Resume(), State::kDone);
  EXPECT_EQ(inner_call->result.value(), 42);
}

class Marked {
 public:
  explicit Marked(int* destroyed) : destroyed_(destroyed) {}
  ~Marked() { ++*destroyed_; }
  Marked(const Marked&) = delete;

 private:
  int* const destroyed_;
};

// Dropping a suspended call ends its guests and host functions in order.
TEST_F(AsyncRunTest, ADroppedCallUnwinds) {
  int destroyed = 0;
  Guest* self = nullptr;
  Guest guest = MakeGuest([&](VMContext*, ValRaw* values) -> absl::Status {
    Marked mark(&destroyed);
    if (values[0].i64 > 0) return self->Call("CallTailCallHost", values[0].i64 - 1).status();
    absl::Status status = self->store->Suspend(Suspension::kWaiting);
    // A second attempt fails as well, without suspending.
    EXPECT_EQ(self->store->Suspend(Suspension::kYielded), status);
    return status;
  });
  self = &guest;
  {
    AsyncCall call(guest, "CallHost", 3);
    EXPECT_EQ(call.Resume(), State::kWaiting);
    EXPECT_EQ(destroyed, 0);
    call.run.Cancel();
    EXPECT_EQ(destroyed, 4);
    EXPECT_EQ(call.result.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(call.run.state(), State::kDone);
  }
  EXPECT_EQ(engine_->stacks().num_idle(), engine_->stacks().num_stacks());
  EXPECT_EQ(guest.Call("Add", 1, 2).value(), 3);
  // On another thread, by the destructor.
  auto call = std::make_unique<AsyncCall>(guest, "CallHost", 1);
  EXPECT_EQ(call->Resume(), State::kWaiting);
  std::thread([&] { call.reset(); }).join();
  EXPECT_EQ(destroyed, 6);
  EXPECT_EQ(guest.Call("Divide", 1, 0).status().code(), absl::StatusCode::kAborted);
}

TEST_F(AsyncRunTest, AStoreThatGoesEndsItsCall) {
  auto guest = MakeWaitingGuest();
  AsyncCall call(*guest, "CallHost", 1, 42);
  EXPECT_EQ(call.Resume(), State::kWaiting);
  guest->store.reset();
  EXPECT_EQ(call.run.state(), State::kDone);
  EXPECT_EQ(call.result.status().code(), absl::StatusCode::kCancelled);
}

// lessons.md row 3: a collection from outside finds the references of a suspended guest.
TEST_F(AsyncRunTest, CollectionsSeeSuspendedGuests) {
  Guest* self = nullptr;
  Guest guest =
      MakeGuest([&](VMContext*, ValRaw*) { return self->store->Suspend(Suspension::kWaiting); });
  self = &guest;
  ReferenceHeap& heap = guest.store->references();
  ValRaw values[2];
  {
    ReferenceHeap::Scope scope(heap);
    values[0] = ValRaw::Reference(heap.Add(std::string("held")).value());
    heap.Add(std::string("not held")).value();
  }
  VMFuncRef* hold = std::get<VMFuncRef*>(guest.instance->GetExport("HoldReference").value());
  FunctionRun run(*guest.store, [&] { EXPECT_TRUE(guest.store->Call(hold, values).ok()); });
  EXPECT_EQ(run.Resume().value(), State::kWaiting);
  std::thread([&] { heap.Collect(); }).join();
  EXPECT_EQ(heap.live_count(), 1u);
  EXPECT_EQ(run.Resume().value(), State::kDone);
  EXPECT_EQ(std::any_cast<std::string>(*heap.Get(values[0].reference)), "held");
}

// lessons.md row 13: walks through suspended and continued fibers agree with the unwinder.
TEST_F(AsyncRunTest, TheOracleAgreesOnFibers) {
  if (!GANTRY_DCHECK_IS_ON()) GTEST_SKIP() << "the oracle is asked in debug builds alone";
  Guest* self = nullptr;
  Guest guest = MakeGuest([&](VMContext*, ValRaw* values) -> absl::Status {
    const absl::Status waited = self->store->Suspend(Suspension::kWaiting);
    if (!waited.ok()) return waited;
    if (values[0].i64 == 0) return absl::NotFoundError("no more");
    return self->Call("CallTailCallHost", values[0].i64 - 1).status();
  });
  self = &guest;
  AsyncCall call(guest, "CallHost", 2);
  for (int i = 0; i < 3; ++i) {
    std::thread([&] { EXPECT_EQ(call.Resume(), State::kWaiting); }).join();
    EXPECT_EQ(guest.store->oracle_comparisons(), static_cast<uint64_t>(i + 1));
  }
  EXPECT_EQ(call.Resume(), State::kDone);
  // At each of the three errors, too.
  EXPECT_EQ(guest.store->oracle_comparisons(), 6u);
}

// Many stores on few threads, each continued by whoever comes.
TEST_F(AsyncRunTest, ManyGuestsWanderOverThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 50;
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < kThreads; ++i) guests.push_back(MakeWaitingGuest());
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<AsyncCall>> calls;
    for (int i = 0; i < kThreads; ++i) {
      calls.push_back(std::make_unique<AsyncCall>(*guests[i], "CallTailCallHost", kThreads, i));
    }
    for (int shift = 0; shift <= kThreads; ++shift) {
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] { (void)calls[(t + shift) % kThreads]->Resume(); });
      }
      for (std::thread& thread : threads) thread.join();
    }
    for (int i = 0; i < kThreads; ++i) {
      ASSERT_EQ(calls[i]->run.state(), State::kDone);
      ASSERT_EQ(calls[i]->result.value(), i);
    }
  }
  EXPECT_EQ(engine_->stacks().num_stacks(), 4u);
}

}  // namespace
}  // namespace gantry::runtime
