// A function whose type is checked once: calls are then as cheap as an entry can be.
#include "api/typed_func.h"

#include <tuple>

#include "api/engine.h"
#include "api/instance.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (func (export "gcd") (param i64 i64) (result i64)
        (loop $again (result i64)
          (if (result i64) (i64.eqz (local.get 1))
            (then (local.get 0))
            (else
              (local.get 1)
              (local.set 1 (i64.rem_u (local.get 0) (local.get 1)))
              (local.set 0)
              (br $again)))))
      (func (export "divide") (param i32 i32) (result i32 i32)
        (i32.div_u (local.get 0) (local.get 1))
        (i32.rem_u (local.get 0) (local.get 1)))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const auto gcd,
                   instance.GetTypedFunc<uint64_t(uint64_t, uint64_t)>(store, "gcd"));
  ASSIGN_OR_RETURN(const uint64_t common, gcd.Call(store, 1071, 462));
  EXAMPLE_EXPECT(common == 21);
  // Several results are a tuple.
  using Pair = std::tuple<uint32_t, uint32_t>;
  ASSIGN_OR_RETURN(const auto divide,
                   (instance.GetTypedFunc<Pair(uint32_t, uint32_t)>(store, "divide")));
  ASSIGN_OR_RETURN(const Pair both, divide.Call(store, 17, 5));
  EXAMPLE_EXPECT(both == Pair(3, 2));
  EXAMPLE_EXPECT(!instance.GetTypedFunc<void()>(store, "gcd").ok());
  return absl::OkStatus();
}
