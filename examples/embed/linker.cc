// A linker: names for what modules import, from callables, instances, or nothing.
#include "api/linker.h"

#include "api/engine.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  gantry::Store store(engine);
  gantry::Linker linker(engine);
  // The type (i32, i32) -> (i32) is derived from the callable's.
  RETURN_IF_ERROR(linker.Func(
      "env", "add", [](int32_t a, int32_t b) -> absl::StatusOr<int32_t> { return a + b; }));

  ASSIGN_OR_RETURN(const gantry::Module library, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "add" (func $add (param i32 i32) (result i32)))
      (func (export "double") (param i32) (result i32)
        (call $add (local.get 0) (local.get 0)))))"));
  ASSIGN_OR_RETURN(const gantry::Instance instance, linker.Instantiate(store, library));
  // All its exports under the name "library".
  RETURN_IF_ERROR(linker.DefineInstance(store, "library", instance));

  ASSIGN_OR_RETURN(const gantry::Module program, gantry::Module::CompileText(engine, R"(
    (module
      (import "library" "double" (func $double (param i32) (result i32)))
      (import "env" "rarely" (func (param i64)))
      (func (export "run") (result i32) (call $double (i32.const 21)))))"));
  EXAMPLE_EXPECT(absl::IsNotFound(linker.Instantiate(store, program).status()));
  // What nobody defines fails when it is called, not before.
  RETURN_IF_ERROR(linker.DefineUnknownImportsAsTraps(program));
  ASSIGN_OR_RETURN(const gantry::Instance running, linker.Instantiate(store, program));
  ASSIGN_OR_RETURN(const auto run, running.GetTypedFunc<int32_t()>(store, "run"));
  ASSIGN_OR_RETURN(const int32_t answer, run.Call(store));
  EXAMPLE_EXPECT(answer == 42);
  return absl::OkStatus();
}
