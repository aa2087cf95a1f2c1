// A program for debugger_test.sh to debug: a guest whose function outer calls its function inner,
// which calls the host.
#include <cstdint>
#include <cstdio>

#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/val.h"
#include "base/check.h"

// Where the script stops.
extern "C" __attribute__((noinline)) void gantry_debugger_stop(int64_t value) {
  asm volatile("" ::"r"(value) : "memory");
}

int main() {
  using namespace gantry;
  Config config;
  // With a frame for each function.
  config.RegisterWithDebuggers(true).CompilerFlag("inlining", "false");
  const auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  const auto module = Module::CompileText(*engine, R"(
    (module $guest
      (import "host" "stop" (func $stop (param i64)))
      (memory 1)
      (func $inner (param i64) (result i64)
        (i64.store (i32.const 0) (local.get 0))
        (call $stop (local.get 0))
        (i64.load (i32.const 0)))
      (func $outer (export "outer") (param i64) (result i64)
        (loop $again (result i64)
          (i64.add (call $inner (local.get 0)) (i64.const 1))))))");
  CHECK_OK(module.status());
  Store store(*engine);
  Linker linker(*engine);
  CHECK_OK(linker.Func("host", "stop", [](int64_t value) { gantry_debugger_stop(value); }));
  const auto instance = linker.Instantiate(store, *module);
  CHECK_OK(instance.status());
  const auto outer = instance->GetFunc(store, "outer");
  CHECK_OK(outer.status());
  const auto results = outer->Call(store, {Val::I64(41)});
  CHECK_OK(results.status());
  std::printf("%lld\n", static_cast<long long>((*results)[0].i64()));
  return 0;
}
