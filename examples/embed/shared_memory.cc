// One memory for two guests on two threads.
#include <thread>

#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/typed_func.h"
#include "examples/embed/example.h"

absl::Status Example() {
  gantry::Config config;
  config.WasmFeature(gantry::wasm::Feature::kThreads, true);
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(config));
  gantry::MemoryType type;
  type.shared = true;
  type.limits = {1, 1};
  ASSIGN_OR_RETURN(const gantry::SharedMemory memory, gantry::SharedMemory::Create(engine, type));
  gantry::Linker linker(engine);
  RETURN_IF_ERROR(linker.Define("env", "memory", memory));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "memory" (memory 1 1 shared))
      (func (export "count") (param i32)
        (loop $next
          (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
          (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))))"));
  absl::Status outcomes[2];
  const auto work = [&](absl::Status& outcome) {
    outcome = [&]() -> absl::Status {
      gantry::Store store(engine);
      ASSIGN_OR_RETURN(const gantry::Instance instance, linker.Instantiate(store, module));
      ASSIGN_OR_RETURN(const auto count, instance.GetTypedFunc<void(int32_t)>(store, "count"));
      return count.Call(store, 10000);
    }();
  };
  std::thread other(work, std::ref(outcomes[1]));
  work(outcomes[0]);
  other.join();
  RETURN_IF_ERROR(outcomes[0]);
  RETURN_IF_ERROR(outcomes[1]);
  ASSIGN_OR_RETURN(std::atomic_ref<uint32_t> counter, memory.At<uint32_t>(64));
  EXAMPLE_EXPECT(counter.load() == 20000);
  return absl::OkStatus();
}
