// What a call on a fiber costs over a plain one, and a wait in it.
#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/async.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/task.h"
#include "api/val.h"
#include "base/check.h"
#include "benchmark/benchmark.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

constexpr char kModule[] = R"(
  (module
    (import "host" "wait" (func $wait))
    (func (export "nothing"))
    (func (export "wait") (call $wait)))
)";

// Waits to be resumed by hand.
struct Waiting {
  std::coroutine_handle<>* handle;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { *handle = waiting; }
  void await_resume() {}
};

struct Guest {
  Guest() : engine(*Engine::Create(Config())), store(engine) {
    const auto text = wasm::text::ParseText(wasm::text::SourceText("benchmark", kModule));
    CHECK_OK(text.status());
    const Module module = Module::Compile(engine, text->bytes).value();
    Linker linker(engine);
    CHECK_OK(linker.AsyncFunc("host", "wait", [this]() -> Task<absl::Status> {
      co_await Waiting{&handle};
      co_return absl::OkStatus();
    }));
    instance = linker.Instantiate(store, module).value();
  }
  Func Get(const char* name) { return instance->GetFunc(store, name).value(); }

  Engine engine;
  Store store;
  std::coroutine_handle<> handle;
  std::optional<Instance> instance;
};

int64_t Nothing(int64_t x) { return x; }

// The yardstick: an indirect call of C++.
void BM_IndirectCall(benchmark::State& state) {
  int64_t (*function)(int64_t) = Nothing;
  benchmark::DoNotOptimize(function);
  for (auto _ : state) benchmark::DoNotOptimize(function(1));
}
BENCHMARK(BM_IndirectCall);

void BM_Call(benchmark::State& state) {
  Guest guest;
  const Func nothing = guest.Get("nothing");
  for (auto _ : state) benchmark::DoNotOptimize(nothing.Call(guest.store, {}));
}
BENCHMARK(BM_Call);

void BM_CallAsync(benchmark::State& state) {
  Guest guest;
  const Func nothing = guest.Get("nothing");
  for (auto _ : state) {
    auto call = nothing.CallAsync(guest.store, {});
    call.Resume();
    benchmark::DoNotOptimize(call.TakeResult());
  }
}
BENCHMARK(BM_CallAsync);

// A call whose host function, a coroutine, waits once.
void BM_CallAsyncThatWaits(benchmark::State& state) {
  Guest guest;
  const Func wait = guest.Get("wait");
  for (auto _ : state) {
    auto call = wait.CallAsync(guest.store, {});
    call.Resume();
    guest.handle.resume();
    CHECK(call.Resume() == CallState::kDone);
    benchmark::DoNotOptimize(call.TakeResult());
  }
}
BENCHMARK(BM_CallAsyncThatWaits);

void BM_DropWaitingCall(benchmark::State& state) {
  Guest guest;
  const Func wait = guest.Get("wait");
  for (auto _ : state) {
    auto call = wait.CallAsync(guest.store, {});
    call.Resume();
  }
}
BENCHMARK(BM_DropWaitingCall);

}  // namespace
}  // namespace gantry
