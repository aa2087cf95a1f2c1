// A store with data of the host, which host functions reach through Caller.
#include "api/store.h"

#include <string>

#include "api/engine.h"
#include "api/linker.h"
#include "examples/embed/example.h"

struct Request {
  std::string log;
};

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  gantry::Linker linker(engine);
  RETURN_IF_ERROR(linker.Func("env", "log", [](gantry::Caller& caller, int32_t number) {
    caller.data<Request>()->log += std::to_string(number) + ";";
  }));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "log" (func $log (param i32)))
      (func (export "run") (call $log (i32.const 1)) (call $log (i32.const 2)))))"));
  // One request, one store: everything that belongs to it goes with it.
  for (int request = 0; request < 2; ++request) {
    gantry::StoreOf<Request> store(engine);
    ASSIGN_OR_RETURN(const gantry::Instance instance, linker.Instantiate(store, module));
    ASSIGN_OR_RETURN(const auto run, instance.GetTypedFunc<void()>(store, "run"));
    RETURN_IF_ERROR(run.Call(store));
    EXAMPLE_EXPECT(store.data().log == "1;2;");
  }
  return absl::OkStatus();
}
