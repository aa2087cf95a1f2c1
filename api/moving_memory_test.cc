// A memory that has moved is found where it is: its base and length are read again behind whatever
// can make it grow, with and without optimization (lessons.md row 18).
#include <string>
#include <vector>

#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/val.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

// Each function writes to memory, lets it grow by a page, and writes to the last word of it and
// beside what it wrote before. $small is inlined.
constexpr char kModule[] = R"((module
  (type $nothing (func))
  (import "host" "grow" (func $host_grow))
  (memory (export "memory") 1 200)
  (table 2 funcref)
  (elem (i32.const 0) $large $host_grow)
  (func $small (drop (memory.grow (i32.const 1))))
  (func $large (local i32)
    (loop $again
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get 0) (i32.const 3))))
    (drop (memory.grow (i32.const 1))))
  (func $end (result i32) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 4)))
  (func (export "by_operator") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.const 11))
    (drop (memory.grow (i32.const 1)))
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))
  (func (export "by_inlined_call") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.const 11))
    (call $small)
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))
  (func (export "by_call") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.const 11))
    (call $large)
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))
  (func (export "by_host") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.const 11))
    (call $host_grow)
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))
  (func (export "through_table") (param $p i32) (result i32)
    (i32.store (local.get $p) (i32.const 11))
    (call_indirect (type $nothing) (i32.and (local.get $p) (i32.const 1)))
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))
  (func (export "in_a_loop") (param $p i32) (result i32) (local $i i32)
    (i32.store (local.get $p) (i32.const 0))
    (i32.store offset=4 (local.get $p) (i32.const 22))
    (loop $again
      (i32.store (local.get $p) (i32.add (i32.load (local.get $p)) (i32.const 1)))
      (if (i32.eq (local.get $i) (i32.const 5)) (then (call $small)))
      (br_if $again
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 11))))
    (i32.store (call $end) (i32.const 33))
    (i32.add (i32.load (local.get $p)) (i32.load offset=4 (local.get $p))))))";

void RunWith(OptLevel level) {
  Config config;
  AddTestCompilerFlags(config);
  // Nothing reserved: each page more may be somewhere else.
  config.OptLevel(level).MemoryReservation(0).MemoryGuardSize(0);
  const absl::StatusOr<Engine> engine = Engine::Create(config);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto binary = wasm::text::ParseText(wasm::text::SourceText("moving.wat", kModule));
  ASSERT_TRUE(binary.ok()) << binary.status();
  const absl::StatusOr<Module> module = Module::Compile(*engine, binary->bytes);
  ASSERT_TRUE(module.ok()) << module.status();
  Linker linker(*engine);
  ASSERT_TRUE(linker
                  .Func("host", "grow",
                        [](Caller& caller) -> absl::Status {
                          const Memory memory = std::get<Memory>(*caller.GetExport("memory"));
                          return memory.Grow(caller.store(), 1).status();
                        })
                  .ok());
  Store store(*engine);
  const absl::StatusOr<Instance> instance = linker.Instantiate(store, *module);
  ASSERT_TRUE(instance.ok()) << instance.status();
  const Memory memory = *instance->GetMemory(store, "memory");
  uint64_t pages = 1;
  for (const char* name : {"by_operator", "by_inlined_call", "by_call", "by_host", "through_table",
                           "through_table", "in_a_loop"}) {
    for (int32_t address : {0, 40001, 65528}) {
      const auto results = instance->GetFunc(store, name)->Call(store, {Val::I32(address)});
      ASSERT_TRUE(results.ok()) << name << ": " << results.status();
      EXPECT_EQ((*results)[0].i32(), 33) << name << " at " << address;
      ++pages;
      const auto bytes = memory.data(store);
      ASSERT_EQ(bytes->size(), pages << 16) << name;
      EXPECT_EQ((*bytes)[bytes->size() - 4], 33) << name;
      EXPECT_EQ((*bytes)[static_cast<size_t>(address)], 11) << name;
      EXPECT_EQ((*bytes)[static_cast<size_t>(address) + 4], 22) << name;
    }
  }
}

TEST(MovingMemoryTest, Optimized) { RunWith(OptLevel::kSpeed); }
TEST(MovingMemoryTest, NotOptimized) { RunWith(OptLevel::kNone); }

}  // namespace
}  // namespace gantry
