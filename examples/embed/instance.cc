// An instance, its imports given in the module's order, and its exports.
#include "api/instance.h"

#include "api/engine.h"
#include "api/val.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "limit" (global $limit i32))
      (memory (export "memory") 1)
      (func (export "limit") (result i32) (global.get $limit))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(
      const gantry::Global limit,
      gantry::Global::Create(store, {gantry::ValType::I32(), false}, gantry::Val::I32(9)));
  ASSIGN_OR_RETURN(const gantry::Instance instance,
                   gantry::Instance::Create(store, module, {limit}));
  ASSIGN_OR_RETURN(const auto exports, instance.Exports(store));
  for (const auto& [name, unused] : exports) std::cout << "exports " << name << "\n";
  ASSIGN_OR_RETURN(const gantry::Func func, instance.GetFunc(store, "limit"));
  ASSIGN_OR_RETURN(const std::vector<gantry::Val> results, func.Call(store, {}));
  EXAMPLE_EXPECT(results[0].i32() == 9);
  // What is not there is an error that says what there is.
  std::cout << instance.GetFunc(store, "limits").status() << "\n";
  return absl::OkStatus();
}
