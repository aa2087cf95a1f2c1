// What calls between C++ and WebAssembly cost, beside an indirect call of C++ in the same run. Of
// the counters `each` is the processor time of one call or trap, and `indirect_calls` the same as a
// multiple of an indirect call (Google Benchmark prints its unit as s, too).
//
//   bazel run //api:call_benchmark
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "base/check.h"
#include "benchmark/benchmark.h"

namespace gantry {
namespace {

// `loop` calls the host so often in one entry; `loop_empty` does the same work without. `deep`
// traps so many frames down.
constexpr char kGuest[] = R"((module $guest
  (import "env" "typed" (func $typed (param i32 i32) (result i32)))
  (import "env" "dynamic" (func $dynamic (param i32 i32) (result i32)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "call_typed") (param i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $typed (local.get $sum) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "call_dynamic") (param i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $dynamic (local.get $sum) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func $deep (export "deep") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))";

struct Guest {
  Guest() : engine(*Engine::Create(Config().CompilerFlag("inlining", "false"))), store(engine) {
    Linker linker(engine);
    CHECK_OK(linker.Func("env", "typed", [](int32_t a, int32_t b) { return a ^ b; }));
    CHECK_OK(linker.Func("env", "dynamic",
                         FuncType({ValType::I32(), ValType::I32()}, {ValType::I32()}),
                         [](Caller&, absl::Span<const Val> arguments, absl::Span<Val> results) {
                           results[0] = Val::I32(arguments[0].i32() ^ arguments[1].i32());
                           return absl::OkStatus();
                         }));
    absl::StatusOr<Module> module = Module::CompileText(engine, kGuest);
    CHECK_OK(module.status());
    instance.emplace(*linker.Instantiate(store, *module));
  }
  Engine engine;
  Store store;
  std::optional<Instance> instance;
};

__attribute__((noinline)) int32_t Add(int32_t a, int32_t b) { return a + b; }

// Nanoseconds of an indirect call, measured once.
double IndirectCall() {
  static const double nanoseconds = [] {
    int32_t (*function)(int32_t, int32_t) = Add;
    benchmark::DoNotOptimize(function);
    double best = 1e9;
    for (int round = 0; round < 10; ++round) {
      constexpr int kCalls = 1'000'000;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kCalls; ++i) benchmark::DoNotOptimize(function(i, 1));
      const std::chrono::duration<double, std::nano> spent =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, spent.count() / kCalls);
    }
    return best;
  }();
  return nanoseconds;
}

// Reports `per_iteration` things in the time of one iteration.
void Report(benchmark::State& state, double per_iteration = 1) {
  using benchmark::Counter;
  state.counters["each"] =
      Counter(per_iteration, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["indirect_calls"] = Counter(per_iteration * IndirectCall() * 1e-9,
                                             Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void BM_IndirectCall(benchmark::State& state) {
  int32_t (*function)(int32_t, int32_t) = Add;
  benchmark::DoNotOptimize(function);
  for (auto _ : state) benchmark::DoNotOptimize(function(1, 2));
  Report(state);
}
BENCHMARK(BM_IndirectCall);

void BM_TypedHostToWasm(benchmark::State& state) {
  Guest guest;
  auto add = *guest.instance->GetTypedFunc<int32_t(int32_t, int32_t)>(guest.store, "add");
  for (auto _ : state) benchmark::DoNotOptimize(add.Call(guest.store, 1, 2));
  Report(state);
}
BENCHMARK(BM_TypedHostToWasm);

void BM_DynamicHostToWasm(benchmark::State& state) {
  Guest guest;
  const Func add = *guest.instance->GetFunc(guest.store, "add");
  for (auto _ : state) {
    benchmark::DoNotOptimize(add.Call(guest.store, {Val::I32(1), Val::I32(2)}));
  }
  Report(state);
}
BENCHMARK(BM_DynamicHostToWasm);

// Many calls in one entry, so that the entry is lost among them.
void WasmToHost(benchmark::State& state, const char* name) {
  constexpr int32_t kCalls = 10'000;
  Guest guest;
  auto call = *guest.instance->GetTypedFunc<int32_t(int32_t)>(guest.store, name);
  for (auto _ : state) benchmark::DoNotOptimize(call.Call(guest.store, kCalls));
  Report(state, kCalls);
}
void BM_TypedWasmToHost(benchmark::State& state) { WasmToHost(state, "call_typed"); }
BENCHMARK(BM_TypedWasmToHost);
void BM_DynamicWasmToHost(benchmark::State& state) { WasmToHost(state, "call_dynamic"); }
BENCHMARK(BM_DynamicWasmToHost);

// A trap so many frames down.
void BM_Trap(benchmark::State& state) {
  Guest guest;
  auto deep = *guest.instance->GetTypedFunc<int32_t(int32_t)>(guest.store, "deep");
  const int32_t frames = static_cast<int32_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(deep.Call(guest.store, frames - 1));
  Report(state);
}
BENCHMARK(BM_Trap)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace gantry
