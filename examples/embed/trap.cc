// A trap: what went wrong, and where.
#include "api/trap.h"

#include "api/engine.h"
#include "api/instance.h"
#include "api/typed_func.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module $math
      (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
      (func $mean (export "mean") (param $sum i32) (param $count i32) (result i32)
        (call $divide (local.get $sum) (local.get $count)))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const auto mean,
                   (instance.GetTypedFunc<int32_t(int32_t, int32_t)>(store, "mean")));
  const absl::Status status = mean.Call(store, 10, 0).status();
  const std::optional<gantry::Trap> trap = gantry::GetTrap(status);
  EXAMPLE_EXPECT(trap.has_value());
  EXAMPLE_EXPECT(trap->code == "int_divz");
  EXAMPLE_EXPECT(trap->backtrace.size() == 2);
  EXAMPLE_EXPECT(trap->backtrace[0].func_name == "divide");
  std::cout << trap->ToString() << "\n";
  // The store is good for more.
  ASSIGN_OR_RETURN(const int32_t five, mean.Call(store, 10, 2));
  EXAMPLE_EXPECT(five == 5);
  return absl::OkStatus();
}
