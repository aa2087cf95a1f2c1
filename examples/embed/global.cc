// A global that guest and host share.
#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "counter" (global $counter (mut i64)))
      (func (export "count")
        (global.set $counter (i64.add (global.get $counter) (i64.const 1))))))"));
  gantry::Store store(engine);
  gantry::GlobalType type;
  type.content = gantry::ValType::I64();
  type.is_mutable = true;
  ASSIGN_OR_RETURN(const gantry::Global counter,
                   gantry::Global::Create(store, type, gantry::Val::I64(40)));
  ASSIGN_OR_RETURN(const gantry::Instance instance,
                   gantry::Instance::Create(store, module, {counter}));
  ASSIGN_OR_RETURN(const auto count, instance.GetTypedFunc<void()>(store, "count"));
  RETURN_IF_ERROR(count.Call(store));
  RETURN_IF_ERROR(count.Call(store));
  ASSIGN_OR_RETURN(const gantry::Val value, counter.Get(store));
  EXAMPLE_EXPECT(value.i64() == 42);
  return absl::OkStatus();
}
