// What the runtime's borders cost, with code by hand so that no compiler has a part in it.
#include <memory>

#include "benchmark/benchmark.h"
#include "runtime/async_run.h"
#include "runtime/host_arch.h"
#include "runtime/instance.h"
#include "runtime/module.h"
#include "runtime/store.h"
#include "tests/runtime/native_code.h"

namespace gantry::runtime {
namespace {

class Guest {
 public:
  explicit Guest(bool backtrace = true) {
    environ::MemoryPlan plan;
    plan.reservation = plan.guard = uint64_t{1} << 20;
    plan.bounds = environ::MemoryPlan::Bounds::kNone;
    plan.may_move = false;
    Engine::Options options;
    options.backtrace = backtrace;
    engine = Engine::Create(options);
    module = *Module::Create(engine, NativeCode(plan), environ::ModuleId(0));
    store = Store::Create(engine, {});
    host =
        store->AddHostFunction(NativeType(), [](VMContext*, ValRaw*) { return absl::OkStatus(); })
            .value();
    instance = Instance::Create(*store, module, {host}).value();
  }
  VMFuncRef* Function(const char* name) {
    return std::get<VMFuncRef*>(instance->GetExport(name).value());
  }

  std::shared_ptr<Engine> engine;
  std::shared_ptr<const Module> module;
  std::unique_ptr<Store> store;
  VMFuncRef* host;
  Instance* instance;
};

// The yardstick: an indirect call of C++.
void BM_IndirectCall(benchmark::State& state) {
  int64_t (*function)(int64_t, int64_t) = [](int64_t a, int64_t b) { return a + b; };
  benchmark::DoNotOptimize(function);
  for (auto _ : state) benchmark::DoNotOptimize(function(1, 2));
}
BENCHMARK(BM_IndirectCall);

void BM_HostToWasm(benchmark::State& state) {
  Guest guest;
  VMFuncRef* add = guest.Function("Add");
  ValRaw values[2];
  for (auto _ : state) {
    values[0] = values[1] = ValRaw::I64(1);
    benchmark::DoNotOptimize(guest.store->Call(add, values));
  }
}
BENCHMARK(BM_HostToWasm);

// Into wasm, out to the host and back: less BM_HostToWasm, a host call.
void BM_HostToWasmToHost(benchmark::State& state) {
  Guest guest;
  VMFuncRef* call = guest.Function("CallHost");
  ValRaw values[2];
  for (auto _ : state) benchmark::DoNotOptimize(guest.store->Call(call, values));
}
BENCHMARK(BM_HostToWasmToHost);

// A trap three frames deep, with and without the frames.
void BM_Trap(benchmark::State& state) {
  Guest guest(state.range(0) != 0);
  VMFuncRef* outer = guest.Function("Outer");
  ValRaw values[2];
  for (auto _ : state) benchmark::DoNotOptimize(guest.store->Call(outer, values));
}
BENCHMARK(BM_Trap)->Arg(0)->Arg(1);

void BM_StoreAndInstance(benchmark::State& state) {
  Guest guest;
  for (auto _ : state) {
    std::unique_ptr<Store> store = Store::Create(guest.engine, {});
    VMFuncRef* host =
        store->AddHostFunction(NativeType(), [](VMContext*, ValRaw*) { return absl::OkStatus(); })
            .value();
    benchmark::DoNotOptimize(Instance::Create(*store, guest.module, {host}));
  }
}
BENCHMARK(BM_StoreAndInstance);

class CallRun final : public AsyncRun {
 public:
  CallRun(Store& store, VMFuncRef* function, ValRaw* values)
      : AsyncRun(store), function_(function), values_(values) {}
  ~CallRun() { Cancel(); }

 private:
  void Run() override { benchmark::DoNotOptimize(store().Call(function_, values_)); }
  VMFuncRef* const function_;
  ValRaw* const values_;
};

// BM_HostToWasm on a fiber whose stack comes from the pool.
void BM_AsyncCall(benchmark::State& state) {
  Guest guest;
  VMFuncRef* add = guest.Function("Add");
  ValRaw values[2];
  for (auto _ : state) {
    values[0] = values[1] = ValRaw::I64(1);
    CallRun run(*guest.store, add, values);
    benchmark::DoNotOptimize(run.Resume());
  }
}
BENCHMARK(BM_AsyncCall);

// Away from a fiber and back to it.
void BM_FiberSwitch(benchmark::State& state) {
  StackPool pool({});
  Fiber fiber;
  bool stop = false;
  fiber.Start(
      pool.Take().value(),
      [](void* stop) {
        while (!*static_cast<volatile bool*>(stop)) Fiber::Current()->Suspend();
      },
      &stop);
  for (auto _ : state) fiber.Resume();
  stop = true;
  fiber.Resume();
}
BENCHMARK(BM_FiberSwitch);

}  // namespace
}  // namespace gantry::runtime
