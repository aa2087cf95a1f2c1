#include "api/async.h"

#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/task.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using testing::HasSubstr;
using Results = absl::StatusOr<std::vector<Val>>;

// What a host function waits for: opened once, on any thread.
class Gate {
 public:
  void Open() {
    std::coroutine_handle<> waiting;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      open_ = true;
      waiting = std::exchange(waiting_, nullptr);
    }
    if (waiting) waiting.resume();
  }
  auto operator co_await() {
    class Awaiter {
     public:
      explicit Awaiter(Gate& gate) : gate_(gate) {}
      Awaiter(const Awaiter&) = delete;
      // Who no longer waits is not to be woken.
      ~Awaiter() {
        std::lock_guard<std::mutex> lock(gate_.mutex_);
        if (handle_ && gate_.waiting_ == handle_) gate_.waiting_ = nullptr;
      }
      bool await_ready() { return false; }
      bool await_suspend(std::coroutine_handle<> handle) {
        std::lock_guard<std::mutex> lock(gate_.mutex_);
        if (gate_.open_) return false;
        gate_.waiting_ = handle_ = handle;
        return true;
      }
      void await_resume() {}

     private:
      Gate& gate_;
      std::coroutine_handle<> handle_;
    };
    return Awaiter(*this);
  }

 private:
  std::mutex mutex_;
  bool open_ = false;
  std::coroutine_handle<> waiting_;
};

// Threads that do what they are given.
class Workers {
 public:
  explicit Workers(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Workers() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void Post(std::function<void()> work) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_.push_back(std::move(work));
    }
    changed_.notify_one();
  }
  Executor executor() {
    return [this](std::function<void()> work) { Post(std::move(work)); };
  }

 private:
  void Run() {
    while (true) {
      std::function<void()> work;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return stop_ || !work_.empty(); });
        if (work_.empty()) return;
        work = std::move(work_.front());
        work_.pop_front();
      }
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

constexpr char kModule[] = R"(
  (module $guest
    (import "host" "wait" (func $wait (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))
    (func $once (export "once") (param i32) (result i32)
      (i32.add (call $wait (local.get 0)) (i32.const 1000)))
    (func $tail (export "tail") (param i32) (result i32)
      (return_call $once (local.get 0)))
    (func (export "many") (param $n i32) (param $x i32) (result i32)
      (local $sum i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $x))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n)))
      (local.get $sum))
    (func (export "trap") (param i32) (result i32)
      (drop (call $wait (local.get 0)))
      (i32.load (i32.const 65536))))
)";

class AsyncTest : public testing::Test {
 protected:
  void SetUp() override {
    Config config;
    AddTestCompilerFlags(config);
    engine_ = Engine::Create(config).value();
    linker_.emplace(*engine_);
    module_ = Compile(kModule);
  }
  Module Compile(const char* text) {
    return Module::Compile(
               *engine_, wasm::text::ParseText(wasm::text::SourceText("test", text)).value().bytes)
        .value();
  }
  // The host function waits for the gate and returns its argument; negative ones fail.
  void DefineWait(Gate& gate) {
    ASSERT_TRUE(linker_
                    ->AsyncFunc("host", "wait",
                                [&gate](int32_t x) -> Task<absl::StatusOr<int32_t>> {
                                  co_await gate;
                                  if (x < 0) co_return absl::NotFoundError("no such thing");
                                  co_return x;
                                })
                    .ok());
  }
  Func Get(Store& store, const char* name) {
    return linker_->Instantiate(store, *module_)->GetFunc(store, name).value();
  }

  std::optional<Engine> engine_;
  std::optional<Linker> linker_;
  std::optional<Module> module_;
};

Task<Results> CallTwice(Store& store, Func func, int32_t x) {
  AsyncCall<Results> call = func.CallAsync(store, {Val::I32(x)});
  Results first = co_await call;
  if (!first.ok()) co_return first;
  co_return co_await func.CallAsync(store, std::vector<Val>(1, first->at(0)));
}

TEST_F(AsyncTest, ACallIsAwaited) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  Task<Results> task = CallTwice(store, Get(store, "once"), 5);
  bool done = false;
  task.Start([&] { done = true; });
  EXPECT_FALSE(done);
  std::thread([&] { gate.Open(); }).join();
  EXPECT_TRUE(done);
  EXPECT_EQ(task.TakeResult()->at(0).i32(), 2005);
}

TEST_F(AsyncTest, ACallIsDrivenByHand) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  AsyncCall<Results> call = Get(store, "many").CallAsync(store, {Val::I32(3), Val::I32(7)});
  EXPECT_EQ(call.state(), CallState::kNew);
  int ready = 0;
  call.OnReady([&] { ++ready; });
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  // Nothing is there yet.
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  EXPECT_EQ(ready, 0);
  gate.Open();
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(call.state(), CallState::kReady);
  // The gate stays open.
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 21);
}

TEST_F(AsyncTest, AThreadWaits) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  std::thread opener([&] { gate.Open(); });
  EXPECT_EQ(Get(store, "once").CallAsync(store, {Val::I32(1)}).Wait()->at(0).i32(), 1001);
  opener.join();
  EXPECT_EQ(Wait(CallTwice(store, Get(store, "tail"), 1))->at(0).i32(), 2001);
}

TEST_F(AsyncTest, TypedCallsToo) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  const auto once = Get(store, "once").Typed<int32_t(int32_t)>(store).value();
  AsyncCall<absl::StatusOr<int32_t>> call = once.CallAsync(store, 5);
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  gate.Open();
  EXPECT_EQ(std::move(call).Wait().value(), 1005);
}

TEST_F(AsyncTest, WithoutAsyncWaitingFailsAndReadyThingsDoNot) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  const Func once = Get(store, "once");
  const absl::Status status = once.Call(store, {Val::I32(1)}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("asynchronously"));
  gate.Open();
  EXPECT_EQ(once.Call(store, {Val::I32(1)})->at(0).i32(), 1001);
}

TEST_F(AsyncTest, ErrorsAndTrapsComeOutWithFrames) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  AsyncCall<Results> call = Get(store, "once").CallAsync(store, {Val::I32(-1)});
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  std::thread([&] { gate.Open(); }).join();
  EXPECT_EQ(call.Resume(), CallState::kDone);
  absl::Status status = call.TakeResult().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetTrap(status)->backtrace.at(0).func_name, "once");
  status = Get(store, "trap").CallAsync(store, {Val::I32(1)}).Wait().status();
  EXPECT_EQ(GetTrap(status)->code, "heap_oob");
  // Wrong arguments are told as by a plain call.
  EXPECT_EQ(Get(store, "once").CallAsync(store, {}).Wait().status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Without an executor a call that yields goes on at once; with one, when its turn comes.
TEST_F(AsyncTest, HostFunctionsYield) {
  ASSERT_TRUE(linker_
                  ->Func("host", "wait",
                         [](Caller& caller, int32_t x) -> absl::StatusOr<int32_t> {
                           const absl::Status status = Yield(caller.store());
                           if (!status.ok()) return status;
                           return x;
                         })
                  .ok());
  Store store(*engine_);
  const Func once = Get(store, "once");
  // Not asynchronous.
  EXPECT_EQ(once.Call(store, {Val::I32(1)})->at(0).i32(), 1001);
  AsyncCall<Results> call = once.CallAsync(store, {Val::I32(1)});
  EXPECT_EQ(call.Resume(), CallState::kReady);
  EXPECT_EQ(call.state(), CallState::kReady);
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 1001);
  EXPECT_EQ(Wait(CallTwice(store, once, 1))->at(0).i32(), 2001);
  std::deque<std::function<void()>> turns;
  const auto run = [&](Store& store, Func func) -> Task<Results> {
    AsyncCall<Results> call = func.CallAsync(store, {Val::I32(3), Val::I32(7)});
    co_return co_await std::move(call).Via(
        [&](std::function<void()> work) { turns.push_back(std::move(work)); });
  };
  Task<Results> task = run(store, Get(store, "many"));
  task.Start([] {});
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_FALSE(task.done());
    ASSERT_EQ(turns.size(), 1u);
    const std::function<void()> work = std::move(turns.front());
    turns.pop_front();
    work();
  }
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.TakeResult()->at(0).i32(), 21);
  // One that yielded is dropped like one that waits.
  AsyncCall<Results> dropped = once.CallAsync(store, {Val::I32(1)});
  EXPECT_EQ(dropped.Resume(), CallState::kReady);
  dropped.Cancel();
  EXPECT_EQ(dropped.TakeResult().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(AsyncTest, AStoreIsUsedByOneCallAtATime) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  const Func add = Get(store, "add");
  AsyncCall<Results> call = Get(store, "once").CallAsync(store, {Val::I32(1)});
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  EXPECT_EQ(add.Call(store, {Val::I32(1), Val::I32(2)}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  AsyncCall<Results> second = add.CallAsync(store, {Val::I32(1), Val::I32(2)});
  EXPECT_EQ(second.Resume(), CallState::kDone);
  EXPECT_EQ(second.TakeResult().status().code(), absl::StatusCode::kFailedPrecondition);
  gate.Open();
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_TRUE(add.Call(store, {Val::I32(1), Val::I32(2)}).ok());
}

TEST_F(AsyncTest, DroppingACallEndsIt) {
  Gate gate;
  auto token = std::make_shared<int>(0);
  ASSERT_TRUE(linker_
                  ->AsyncFunc("host", "wait",
                              [&gate, token](int32_t x) -> Task<absl::StatusOr<int32_t>> {
                                const std::shared_ptr<int> held = token;
                                co_await gate;
                                co_return x;
                              })
                  .ok());
  Store store(*engine_);
  const Instance instance = linker_->Instantiate(store, *module_).value();
  const Func once = instance.GetFunc(store, "once").value();
  const Func add = instance.GetFunc(store, "add").value();
  const int64_t holders = token.use_count();
  {
    AsyncCall<Results> call = once.CallAsync(store, {Val::I32(1)});
    EXPECT_EQ(call.Resume(), CallState::kWaiting);
    EXPECT_EQ(token.use_count(), holders + 1);
  }
  EXPECT_EQ(token.use_count(), holders);
  AsyncCall<Results> call = once.CallAsync(store, {Val::I32(1)});
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  call.Cancel();
  EXPECT_EQ(call.state(), CallState::kDone);
  const absl::Status status = call.TakeResult().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(GetTrap(status)->backtrace.size(), 1u);
  EXPECT_EQ(token.use_count(), holders);
  // One that was never begun.
  AsyncCall<Results> never = once.CallAsync(store, {Val::I32(1)});
  never.Cancel();
  EXPECT_EQ(never.TakeResult().status().code(), absl::StatusCode::kCancelled);
  // The store is as good as before.

  EXPECT_EQ(add.Call(store, {Val::I32(1), Val::I32(2)})->at(0).i32(), 3);
  // An awaiting task that goes takes its call along.
  {
    Task<Results> task = CallTwice(store, once, 1);
    task.Start([] { FAIL(); });
    EXPECT_EQ(token.use_count(), holders + 1);
  }
  EXPECT_EQ(token.use_count(), holders);
}

TEST_F(AsyncTest, AStoreThatGoesEndsItsCall) {
  Gate gate;
  DefineWait(gate);
  std::optional<AsyncCall<Results>> call;
  {
    StoreOf<std::string> store(*engine_, "data");
    call.emplace(Get(store, "once").CallAsync(store, {Val::I32(1)}));
    EXPECT_EQ(call->Resume(), CallState::kWaiting);
  }
  EXPECT_EQ(call->state(), CallState::kDone);
  EXPECT_EQ(call->TakeResult().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(AsyncTest, AStartFunctionMayWait) {
  Gate gate;
  DefineWait(gate);
  const Module module = Compile(R"(
      (module (import "host" "wait" (func $wait (param i32) (result i32)))
        (global $g (export "g") (mut i32) (i32.const 0))
        (func $start (global.set $g (call $wait (i32.const 7))))
        (start $start)))");
  Store store(*engine_);
  EXPECT_EQ(linker_->Instantiate(store, module).status().code(),
            absl::StatusCode::kFailedPrecondition);
  AsyncCall<absl::StatusOr<Instance>> call = linker_->InstantiateAsync(store, module);
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  gate.Open();
  EXPECT_EQ(call.Resume(), CallState::kDone);
  const Instance instance = call.TakeResult().value();
  EXPECT_EQ(instance.GetGlobal(store, "g")->Get(store)->i32(), 7);
}

// A plain host function waits and calls the guest in turns.
TEST_F(AsyncTest, AHostFunctionWaitsAndCallsBack) {
  Gate gates[2];
  std::optional<Func> add;
  ASSERT_TRUE(linker_
                  ->Func("host", "wait",
                         [&](Caller& caller, int32_t x) -> absl::StatusOr<int32_t> {
                           for (Gate& gate : gates) {
                             const auto pass = [](Gate& gate) -> Task<absl::Status> {
                               co_await gate;
                               co_return absl::OkStatus();
                             };
                             absl::Status waited = Await(caller.store(), pass(gate));
                             if (!waited.ok()) return waited;
                             Results sum = add->Call(caller.store(), {Val::I32(x), Val::I32(1)});
                             if (!sum.ok()) return sum.status();
                             x = sum->at(0).i32();
                           }
                           return x;
                         })
                  .ok());
  Store store(*engine_);
  const Instance instance = linker_->Instantiate(store, *module_).value();
  add = instance.GetFunc(store, "add").value();
  AsyncCall<Results> call = instance.GetFunc(store, "tail")->CallAsync(store, {Val::I32(1)});
  for (Gate& gate : gates) {
    EXPECT_EQ(call.Resume(), CallState::kWaiting);
    std::thread([&] { gate.Open(); }).join();
  }
  EXPECT_EQ(call.Resume(), CallState::kDone);
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 1003);
}

TEST_F(AsyncTest, ACallableOfTheHostRunsOnAFiber) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  const Func once = Get(store, "once");
  auto call = RunAsync(store, [&]() -> absl::StatusOr<int32_t> {
    int32_t x = 0;
    for (int i = 0; i < 3; ++i) {
      Results results = once.Call(store, {Val::I32(x)});
      if (!results.ok()) return results.status();
      x = results->at(0).i32();
    }
    return x;
  });
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  gate.Open();
  EXPECT_EQ(std::move(call).Wait().value(), 3000);
  auto throws = RunAsync(store, []() -> absl::Status { throw 7; });
  EXPECT_EQ(std::move(throws).Wait().code(), absl::StatusCode::kInternal);
}

// While a call is suspended the host reads and writes what the store has, and grows memories.
TEST_F(AsyncTest, TheHostReachesASuspendedStore) {
  Gate gate;
  DefineWait(gate);
  Store store(*engine_);
  const Instance instance = linker_->Instantiate(store, *module_).value();
  const Memory memory = instance.GetMemory(store, "memory").value();
  AsyncCall<Results> call = instance.GetFunc(store, "trap")->CallAsync(store, {Val::I32(1)});
  EXPECT_EQ(call.Resume(), CallState::kWaiting);
  EXPECT_EQ(memory.Grow(store, 1).value(), 1u);
  memory.data(store).value()[65536] = 42;
  gate.Open();
  EXPECT_EQ(call.Resume(), CallState::kDone);
  // What was past the end no longer is.
  EXPECT_EQ(call.TakeResult()->at(0).i32(), 42);
}

TEST_F(AsyncTest, StacksAreLimitedAndChecked) {
  Config config;
  AddTestCompilerFlags(config);
  config.AsyncStackSize(4 << 20).AsyncStackTotal(4 << 20);
  config.AsyncStackKeepResident(16 << 10).AsyncStackZeroing(true);
  engine_ = Engine::Create(config).value();
  linker_.emplace(*engine_);
  module_ = Compile(kModule);
  Gate gate;
  DefineWait(gate);
  Store one(*engine_), two(*engine_);
  AsyncCall<Results> first = Get(one, "once").CallAsync(one, {Val::I32(1)});
  EXPECT_EQ(first.Resume(), CallState::kWaiting);
  EXPECT_EQ(Get(two, "add").CallAsync(two, {Val::I32(1), Val::I32(2)}).Wait().status().code(),
            absl::StatusCode::kResourceExhausted);
  gate.Open();
  EXPECT_EQ(first.Resume(), CallState::kDone);
  EXPECT_TRUE(Get(two, "add").CallAsync(two, {Val::I32(1), Val::I32(2)}).Wait().ok());

  const absl::Status status =
      Engine::Create(Config().AsyncStackSize(64 << 10).AsyncStackZeroing(true)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("AsyncStackSize"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("AsyncStackZeroing"));
  EXPECT_FALSE(Engine::Create(Config().AsyncStackSize(0)).ok());
  EXPECT_FALSE(Engine::Create(Config().AsyncStackSize(uint64_t{1} << 40)).ok());
  // One that is not said fits.
  EXPECT_TRUE(Engine::Create(Config().MaxWasmStack(16 << 20)).ok());
  EXPECT_TRUE(Engine::Create(Config().MaxWasmStack(~uint64_t{0})).ok());
}

// Many guests of many stores, their waits ended by other threads, their code on any.
TEST_F(AsyncTest, GuestsGoOnWhereTheExecutorSays) {
  constexpr int kCalls = 40;
  Workers workers(3);
  ASSERT_TRUE(linker_
                  ->AsyncFunc("host", "wait",
                              [&](int32_t x) -> Task<absl::StatusOr<int32_t>> {
                                Gate gate;
                                workers.Post([&] { gate.Open(); });
                                co_await gate;
                                co_return x;
                              })
                  .ok());
  std::vector<std::unique_ptr<Store>> stores;
  std::vector<Task<Results>> tasks;
  std::mutex mutex;
  std::condition_variable changed;
  int done = 0;
  for (int i = 0; i < kCalls; ++i) {
    stores.push_back(std::make_unique<Store>(*engine_));
    const auto run = [](Store& store, Func func, int i, Executor executor) -> Task<Results> {
      AsyncCall<Results> call = func.CallAsync(store, {Val::I32(10), Val::I32(i)});
      if (i % 2 == 0) co_return co_await call;
      co_return co_await std::move(call).Via(executor);
    };
    tasks.push_back(run(*stores[i], Get(*stores[i], "many"), i, workers.executor()));
  }
  for (Task<Results>& task : tasks) {
    task.Start([&] {
      std::lock_guard<std::mutex> lock(mutex);
      ++done;
      changed.notify_one();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return done == kCalls; });
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(tasks[i].TakeResult()->at(0).i32(), 10 * i);
}

TEST(TaskTest, ExceptionsComeOutAtTheAwaiter) {
  const auto throws = []() -> Task<int> {
    throw std::string("thrown");
    co_return 1;
  };
  const auto catches = [&]() -> Task<std::string> {
    std::string caught;
    try {
      (void)co_await throws();
    } catch (const std::string& text) {
      caught = text;
    }
    co_return caught;
  };
  EXPECT_EQ(Wait(catches()), "thrown");
  EXPECT_THROW((void)Wait(throws()), std::string);
}

TEST(TaskTest, TasksOfNothing) {
  int ran = 0;
  const auto inner = [&]() -> Task<void> {
    ++ran;
    co_return;
  };
  const auto outer = [&]() -> Task<void> {
    co_await inner();
    co_await inner();
  };
  Wait(outer());
  EXPECT_EQ(ran, 2);
  // One that is not awaited does not run.
  (void)outer();
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace gantry
