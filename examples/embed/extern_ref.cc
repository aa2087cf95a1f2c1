// Values of the host in the hands of a guest, which can keep them and give them back, and no more.
#include <any>
#include <optional>
#include <string>

#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/typed_func.h"
#include "examples/embed/example.h"

using Reference = std::optional<gantry::ExternRef>;

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (table $kept 8 externref)
      (func (export "keep") (param i32 externref)
        (table.set $kept (local.get 0) (local.get 1)))
      (func (export "give") (param i32) (result externref)
        (table.get $kept (local.get 0)))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const auto keep,
                   (instance.GetTypedFunc<void(int32_t, Reference)>(store, "keep")));
  ASSIGN_OR_RETURN(const auto give, instance.GetTypedFunc<Reference(int32_t)>(store, "give"));
  ASSIGN_OR_RETURN(const gantry::ExternRef session,
                   gantry::ExternRef::Create(store, std::string("session of Ada")));
  RETURN_IF_ERROR(keep.Call(store, 3, session));
  ASSIGN_OR_RETURN(const Reference given, give.Call(store, 3));
  EXAMPLE_EXPECT(given.has_value());
  ASSIGN_OR_RETURN(std::any* const value, given->Get(store));
  EXAMPLE_EXPECT(std::any_cast<std::string>(*value) == "session of Ada");
  ASSIGN_OR_RETURN(const Reference nothing, give.Call(store, 4));
  EXAMPLE_EXPECT(!nothing.has_value());
  return absl::OkStatus();
}
