// A host function that reads the memory of the guest that calls it.
#include <string>

#include "absl/strings/string_view.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/store.h"
#include "examples/embed/example.h"

struct Output {
  std::string text;
};

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  gantry::Linker linker(engine);
  RETURN_IF_ERROR(linker.Func(
      "env", "print", [](gantry::Caller& caller, uint32_t at, uint32_t size) -> absl::Status {
        const absl::Span<uint8_t> memory = caller.MemoryBytes();
        // What a guest says of its memory is checked before it is used.
        if (at > memory.size() || size > memory.size() - at) {
          return absl::OutOfRangeError("the text is not in the memory");
        }
        caller.data<Output>()->text.append(reinterpret_cast<const char*>(memory.data()) + at, size);
        return absl::OkStatus();
      }));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (import "env" "print" (func $print (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 8) "hello")
      (func (export "run") (param i32) (call $print (i32.const 8) (local.get 0)))))"));
  gantry::StoreOf<Output> store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, linker.Instantiate(store, module));
  ASSIGN_OR_RETURN(const auto run, instance.GetTypedFunc<void(uint32_t)>(store, "run"));
  RETURN_IF_ERROR(run.Call(store, 5));
  EXAMPLE_EXPECT(store.data().text == "hello");
  EXAMPLE_EXPECT(absl::IsOutOfRange(run.Call(store, 1 << 20)));
  return absl::OkStatus();
}
