// Functions whose type is known at run time alone: arguments and results as Val.
#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/store.h"
#include "api/val.h"
#include "examples/embed/example.h"

using gantry::Val;
using gantry::ValType;

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  gantry::Store store(engine);
  const gantry::FuncType type({ValType::I32(), ValType::F64()}, {ValType::F64()});
  ASSIGN_OR_RETURN(const gantry::Func scale,
                   gantry::Func::Create(store, type,
                                        [](gantry::Caller&, absl::Span<const Val> arguments,
                                           absl::Span<Val> results) -> absl::Status {
                                          if (arguments[0].i32() < 0) {
                                            return absl::InvalidArgumentError("a negative factor");
                                          }
                                          results[0] =
                                              Val::F64(arguments[0].i32() * arguments[1].f64());
                                          return absl::OkStatus();
                                        }));
  ASSIGN_OR_RETURN(const std::vector<Val> results, scale.Call(store, {Val::I32(3), Val::F64(1.5)}));
  EXAMPLE_EXPECT(results[0].f64() == 4.5);
  // A wrong type is an error that names both.
  std::cout << scale.Call(store, {Val::I64(3), Val::F64(1.5)}).status() << "\n";
  // The host function's own error comes out as it is.
  EXAMPLE_EXPECT(
      absl::IsInvalidArgument(scale.Call(store, {Val::I32(-1), Val::F64(1.5)}).status()));
  return absl::OkStatus();
}
