// Tables that are filled as they are used: what a guest sees is what it would see if they were
// filled at once.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

class LazyTablesTest : public ::testing::Test {
 protected:
  LazyTablesTest() : engine_(*Engine::Create(TestConfig())), store_(engine_), linker_(engine_) {
    linker_.AllowShadowing(true);
  }

  static Config TestConfig() {
    Config config;
    AddTestCompilerFlags(config);
    return config;
  }

  absl::StatusOr<Instance> TryInstantiate(const char* text) {
    const auto parsed = wasm::text::ParseText(wasm::text::SourceText("test", text));
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    const absl::StatusOr<Module> module = Module::Compile(engine_, parsed->bytes);
    EXPECT_TRUE(module.ok()) << module.status();
    return linker_.Instantiate(store_, *module);
  }
  Instance Instantiate(const char* text) {
    absl::StatusOr<Instance> instance = TryInstantiate(text);
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *std::move(instance);
  }
  // The result as text, or the trap's message.
  std::string Call(const Instance& instance, const char* name,
                   std::vector<int32_t> arguments = {}) {
    std::vector<Val> values;
    for (const int32_t argument : arguments) values.push_back(Val::I32(argument));
    const absl::StatusOr<std::vector<Val>> results =
        instance.GetFunc(store_, name)->Call(store_, values);
    if (!results.ok()) {
      const std::optional<Trap> trap = GetTrap(results.status());
      return trap.has_value() ? trap->message : results.status().ToString();
    }
    return results->empty() ? "" : std::to_string(results->front().i32());
  }

  Engine engine_;
  Store store_;
  Linker linker_;
};

constexpr char kModule[] = R"((module
  (type $number (func (result i32)))
  (type $other (func (param i32) (result i32)))
  (table $t (export "table") 10 20 funcref)
  (table $u 10 funcref)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (func $three (result i32) (i32.const 3))
  (func $takes (param i32) (result i32) (local.get 0))
  (elem (table $t) (i32.const 1) func $one $two $takes)
  (elem (table $t) (i32.const 2) func $three)
  (elem (table $u) (i32.const 0) func $three $three)
  (elem $passive func $one)
  (func (export "call") (param i32) (result i32)
    (call_indirect $t (type $number) (local.get 0)))
  (func (export "call_first") (result i32) (call_indirect $t (type $number) (i32.const 1)))
  (func (export "tail_call") (param i32) (result i32)
    (return_call_indirect $t (type $number) (local.get 0)))
  (func (export "call_u") (param i32) (result i32)
    (call_indirect $u (type $number) (local.get 0)))
  (func (export "is_null") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "set_null") (param i32) (table.set $t (local.get 0) (ref.null func)))
  (func (export "set_two") (param i32) (table.set $t (local.get 0) (ref.func $two)))
  (func (export "move") (param i32 i32)
    (table.set $t (local.get 1) (table.get $t (local.get 0))))
  (func (export "copy") (param i32 i32 i32)
    (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy_to_u") (param i32 i32 i32)
    (table.copy $u $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill_null") (param i32 i32)
    (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
  (func (export "grow") (param i32) (result i32)
    (table.grow $t (ref.null func) (local.get 0)))
  (func (export "init") (param i32) (table.init $t $passive (local.get 0) (i32.const 0) (i32.const 1)))
  (func (export "init_dropped") (table.init $t 0 (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "empty_init_dropped") (table.init $t 0 (i32.const 0) (i32.const 0) (i32.const 0)))
))";

constexpr char kNull[] = "uninitialized element";
constexpr char kMismatch[] = "indirect call type mismatch";

TEST_F(LazyTablesTest, CallsOfUntouchedElements) {
  for (const char* name : {"call", "tail_call"}) {
    const Instance instance = Instantiate(kModule);
    // The first call touches, the second finds what is there.
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(Call(instance, name, {1}), "1");
      EXPECT_EQ(Call(instance, name, {2}), "3");
      EXPECT_EQ(Call(instance, name, {3}), kMismatch);
      EXPECT_EQ(Call(instance, name, {0}), kNull);
      EXPECT_EQ(Call(instance, name, {9}), kNull);
      EXPECT_EQ(Call(instance, name, {10}), "undefined element");
      EXPECT_EQ(Call(instance, name, {-1}), "undefined element");
    }
  }
  EXPECT_EQ(Call(Instantiate(kModule), "call_first"), "1");
}

// A null that the guest wrote is no untouched element.
TEST_F(LazyTablesTest, WrittenNullsStay) {
  const Instance instance = Instantiate(kModule);
  Call(instance, "set_null", {1});
  EXPECT_EQ(Call(instance, "call", {1}), kNull);
  EXPECT_EQ(Call(instance, "is_null", {1}), "1");
  EXPECT_EQ(Call(instance, "call_first"), kNull);
  Call(instance, "fill_null", {2, 1});
  EXPECT_EQ(Call(instance, "call", {2}), kNull);
  EXPECT_EQ(Call(instance, "is_null", {3}), "0");
  // Over null, over what was touched, and over what was not.
  for (const int32_t element : {1, 3, 9}) {
    Call(instance, "set_two", {element});
    EXPECT_EQ(Call(instance, "call", {element}), "2");
    Call(instance, "set_null", {element});
    EXPECT_EQ(Call(instance, "call", {element}), kNull);
  }
  EXPECT_EQ(Call(instance, "set_two", {10}), "out of bounds table access");
  EXPECT_EQ(Call(instance, "set_null", {-1}), "out of bounds table access");
}

TEST_F(LazyTablesTest, ReadsOfUntouchedElements) {
  const Instance instance = Instantiate(kModule);
  EXPECT_EQ(Call(instance, "is_null", {1}), "0");
  EXPECT_EQ(Call(instance, "is_null", {0}), "1");
  EXPECT_EQ(Call(instance, "is_null", {10}), "out of bounds table access");
  Call(instance, "move", {2, 7});
  EXPECT_EQ(Call(instance, "call", {7}), "3");
  Call(instance, "move", {8, 2});
  EXPECT_EQ(Call(instance, "call", {2}), kNull);
  // From C++.
  const Instance again = Instantiate(kModule);
  const Table table = *again.GetTable(store_, "table");
  const Val function = *table.Get(store_, 2);
  EXPECT_EQ(function.func_ref()->Call(store_, {})->front().i32(), 3);
  EXPECT_TRUE(table.Get(store_, 9)->is_null());
  ASSERT_TRUE(table.Set(store_, 1, Val::FuncRef(std::nullopt)).ok());
  EXPECT_EQ(Call(again, "call", {1}), kNull);
}

// An untouched element stands for what its own place has, not for that to which it is copied.
TEST_F(LazyTablesTest, CopiesOfUntouchedElements) {
  const Instance instance = Instantiate(kModule);
  Call(instance, "copy", {0, 1, 3});  // overlapping, downwards
  EXPECT_EQ(Call(instance, "call", {0}), "1");
  EXPECT_EQ(Call(instance, "call", {1}), "3");
  EXPECT_EQ(Call(instance, "call", {2}), kMismatch);
  EXPECT_EQ(Call(instance, "call", {3}), kMismatch);
  Call(instance, "copy_to_u", {0, 8, 2});  // nulls over a preset
  EXPECT_EQ(Call(instance, "call_u", {0}), kNull);
  EXPECT_EQ(Call(instance, "call_u", {1}), kNull);
  const Instance again = Instantiate(kModule);
  Call(again, "copy_to_u", {1, 2, 1});
  EXPECT_EQ(Call(again, "call_u", {1}), "3");
  EXPECT_EQ(Call(again, "call_u", {0}), "3");
}

TEST_F(LazyTablesTest, GrowthKeepsUntouchedElements) {
  const Instance instance = Instantiate(kModule);
  EXPECT_EQ(Call(instance, "grow", {10}), "10");
  EXPECT_EQ(Call(instance, "call", {2}), "3");
  EXPECT_EQ(Call(instance, "call", {15}), kNull);
  Call(instance, "init", {15});
  EXPECT_EQ(Call(instance, "call", {15}), "1");
  EXPECT_EQ(Call(instance, "grow", {1}), "-1");
}

TEST_F(LazyTablesTest, PresetSegmentsAreDropped) {
  const Instance instance = Instantiate(kModule);
  EXPECT_EQ(Call(instance, "init_dropped"), "out of bounds table access");
  EXPECT_EQ(Call(instance, "empty_init_dropped"), "");
}

// The importer's code knows nothing of the preset.
TEST_F(LazyTablesTest, AnotherInstanceTouches) {
  const Instance owner = Instantiate(kModule);
  ASSERT_TRUE(linker_.DefineInstance(store_, "owner", owner).ok());
  const Instance user = Instantiate(R"((module
    (type $number (func (result i32)))
    (import "owner" "table" (table 1 funcref))
    (func $mine (result i32) (i32.const 100))
    (elem (i32.const 5) func $mine)
    (func (export "call") (param i32) (result i32)
      (call_indirect (type $number) (local.get 0)))))");
  EXPECT_EQ(Call(user, "call", {1}), "1");
  EXPECT_EQ(Call(user, "call", {3}), kMismatch);
  EXPECT_EQ(Call(user, "call", {4}), kNull);
  EXPECT_EQ(Call(owner, "call", {5}), "100");
  EXPECT_EQ(Call(owner, "call", {2}), "3");
}

TEST_F(LazyTablesTest, SubtypesAreCalled) {
  const Instance instance = Instantiate(R"((module
    (type $super (sub (func (result i32))))
    (type $sub (sub $super (func (result i32))))
    (type $final (sub final $super (func (result i32))))
    (table 4 funcref)
    (func $a (type $super) (i32.const 1))
    (func $b (type $sub) (i32.const 2))
    (func $c (type $final) (i32.const 3))
    (elem (i32.const 0) $a $b $c)
    (func (export "super") (param i32) (result i32)
      (call_indirect (type $super) (local.get 0)))
    (func (export "sub") (param i32) (result i32)
      (call_indirect (type $sub) (local.get 0)))
    (func (export "final") (param i32) (result i32)
      (call_indirect (type $final) (local.get 0)))))");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Call(instance, "super", {0}), "1");
    EXPECT_EQ(Call(instance, "super", {1}), "2");
    EXPECT_EQ(Call(instance, "super", {2}), "3");
    EXPECT_EQ(Call(instance, "super", {3}), kNull);
    EXPECT_EQ(Call(instance, "sub", {0}), kMismatch);
    EXPECT_EQ(Call(instance, "sub", {1}), "2");
    EXPECT_EQ(Call(instance, "sub", {2}), kMismatch);
    EXPECT_EQ(Call(instance, "final", {1}), kMismatch);
    EXPECT_EQ(Call(instance, "final", {2}), "3");
  }
}

// Segments take effect in order: one that waits is not overtaken by a preset one, and where one
// traps, those behind it have done nothing.
TEST_F(LazyTablesTest, OrderOfEffects) {
  const Instance instance = Instantiate(R"((module
    (type $number (func (result i32)))
    (global $zero i32 (i32.const 0))
    (table 4 funcref)
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func $three (result i32) (i32.const 3))
    (elem (i32.const 0) $one $one $one)
    (elem (global.get $zero) $two $two)
    (elem (i32.const 1) $three)
    (func (export "call") (param i32) (result i32)
      (call_indirect (type $number) (local.get 0)))))");
  EXPECT_EQ(Call(instance, "call", {0}), "2");
  EXPECT_EQ(Call(instance, "call", {1}), "3");
  EXPECT_EQ(Call(instance, "call", {2}), "1");

  const Instance host = Instantiate(R"((module
    (type $number (func (result i32)))
    (table (export "table") 4 funcref)
    (func (export "call") (param i32) (result i32)
      (call_indirect (type $number) (local.get 0)))))");
  ASSERT_TRUE(linker_.DefineInstance(store_, "host", host).ok());
  const absl::StatusOr<Instance> failed = TryInstantiate(R"((module
    (type $number (func (result i32)))
    (import "host" "table" (table $theirs 1 funcref))
    (table $mine 4 funcref)
    (func $one (result i32) (i32.const 1))
    (func $through (result i32)
      (i32.add (call_indirect $mine (type $number) (i32.const 0))
               (ref.is_null (table.get $mine (i32.const 1)))))
    (elem (table $mine) (i32.const 0) func $one)
    (elem (table $theirs) (i32.const 0) func $through)
    (elem (table $theirs) (i32.const 4) func $one)
    (elem (table $mine) (i32.const 1) func $one)))");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(GetTrap(failed.status())->message, "out of bounds table access");
  // What came in front of the trap stands, in both tables.
  EXPECT_EQ(Call(host, "call", {0}), "2");
}

// Serialised presets are the same.
TEST_F(LazyTablesTest, ArtifactsCarryPresets) {
  const auto parsed = wasm::text::ParseText(wasm::text::SourceText("test", kModule));
  ASSERT_TRUE(parsed.ok());
  const Module compiled = *Module::Compile(engine_, parsed->bytes);
  const absl::StatusOr<Module> loaded = Module::Deserialize(engine_, *compiled.Serialize());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const Instance instance = *linker_.Instantiate(store_, *loaded);
  EXPECT_EQ(Call(instance, "call", {2}), "3");
  EXPECT_EQ(Call(instance, "call", {0}), kNull);
}

}  // namespace
}  // namespace gantry
