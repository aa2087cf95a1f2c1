// A table of functions that guest and host share.
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
      (type $unary (func (param i32) (result i32)))
      (table (export "handlers") 2 10 funcref)
      (func (export "handle") (param $which i32) (param i32) (result i32)
        (call_indirect (type $unary) (local.get 1) (local.get $which)))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const gantry::Table handlers, instance.GetTable(store, "handlers"));
  ASSIGN_OR_RETURN(const gantry::Func twice,
                   gantry::Func::Wrap(store, [](int32_t x) { return 2 * x; }));
  RETURN_IF_ERROR(handlers.Set(store, 1, gantry::Val::FuncRef(twice)));
  ASSIGN_OR_RETURN(const auto handle,
                   (instance.GetTypedFunc<int32_t(int32_t, int32_t)>(store, "handle")));
  ASSIGN_OR_RETURN(const int32_t doubled, handle.Call(store, 1, 21));
  EXAMPLE_EXPECT(doubled == 42);
  // Element 0 is still null, and there is no element 5: both are traps.
  EXAMPLE_EXPECT(!handle.Call(store, 0, 1).ok() && !handle.Call(store, 5, 1).ok());
  return absl::OkStatus();
}
