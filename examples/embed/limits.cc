// What a guest may have: a refusal is an answer to the guest, not the end of it.
#include "api/limits.h"

#include "api/engine.h"
#include "api/instance.h"
#include "api/store.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (memory 1)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))"));
  gantry::Store store(engine);
  store.SetLimits(gantry::StoreLimits().MemoryBytes(3 << 16).Instances(1));
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const auto grow, instance.GetTypedFunc<int32_t(int32_t)>(store, "grow"));
  ASSIGN_OR_RETURN(const int32_t pages, grow.Call(store, 2));
  EXAMPLE_EXPECT(pages == 1);
  ASSIGN_OR_RETURN(const int32_t refused, grow.Call(store, 1));
  EXAMPLE_EXPECT(refused == -1);
  EXAMPLE_EXPECT(absl::IsResourceExhausted(gantry::Instance::Create(store, module, {}).status()));
  return absl::OkStatus();
}
