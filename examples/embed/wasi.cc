// A program that expects a system: it gets what it is given, and nothing else.
#include <memory>

#include "api/engine.h"
#include "api/linker.h"
#include "api/store.h"
#include "api/trap.h"
#include "examples/embed/example.h"
#include "wasi/context.h"
#include "wasi/link.h"

struct Guest {
  std::unique_ptr<gantry::wasi::Context> wasi;
};

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  gantry::Linker linker(engine);
  RETURN_IF_ERROR(
      gantry::wasi::AddToLinker(linker, [](gantry::Caller& caller) -> gantry::wasi::Context& {
        return *caller.data<Guest>()->wasi;
      }));
  // Ends itself with the number of its arguments.
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "wasi_snapshot_preview1" "args_sizes_get"
        (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $sizes (i32.const 0) (i32.const 4)))
        (call $exit (i32.load (i32.const 0))))))"));
  ASSIGN_OR_RETURN(std::unique_ptr<gantry::wasi::Context> context,
                   gantry::wasi::ContextBuilder().Args({"program", "a", "b"}).Build());
  gantry::StoreOf<Guest> store(engine, Guest{std::move(context)});
  ASSIGN_OR_RETURN(const gantry::Instance instance, linker.Instantiate(store, module));
  ASSIGN_OR_RETURN(const auto start, instance.GetTypedFunc<void()>(store, "_start"));
  EXAMPLE_EXPECT(gantry::GetExitCode(start.Call(store)) == 3);
  return absl::OkStatus();
}
