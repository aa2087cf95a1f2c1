// A memory of the guest: read, written and grown by the host.
#include <cstring>
#include <string>

#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/typed_func.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module
      (memory (export "memory") 1 4)
      (func (export "upper") (param $at i32) (param $size i32)
        (loop $next
          (if (local.get $size)
            (then
              (i32.store8 (local.get $at)
                (i32.and (i32.load8_u (local.get $at)) (i32.const 0xDF)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $size (i32.sub (local.get $size) (i32.const 1)))
              (br $next)))))))"));
  gantry::Store store(engine);
  ASSIGN_OR_RETURN(const gantry::Instance instance, gantry::Instance::Create(store, module, {}));
  ASSIGN_OR_RETURN(const gantry::Memory memory, instance.GetMemory(store, "memory"));
  ASSIGN_OR_RETURN(const uint64_t pages_before, memory.Grow(store, 1));
  EXAMPLE_EXPECT(pages_before == 1);
  // Good until the next growth.
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, memory.data(store));
  const std::string word = "gantry";
  std::memcpy(bytes.data() + 70000, word.data(), word.size());
  ASSIGN_OR_RETURN(const auto upper,
                   (instance.GetTypedFunc<void(uint32_t, uint32_t)>(store, "upper")));
  RETURN_IF_ERROR(upper.Call(store, 70000, 6));
  EXAMPLE_EXPECT(std::memcmp(bytes.data() + 70000, "GANTRY", 6) == 0);
  EXAMPLE_EXPECT(absl::IsResourceExhausted(memory.Grow(store, 10).status()));
  return absl::OkStatus();
}
