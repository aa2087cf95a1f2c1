// Engines with a pool: what one instance leaves, the next does not find; limits by name; sequences
// of everything that a pool sees.
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

// Small enough for every host, sanitizers included.
PoolingOptions SmallPool(uint32_t instances) {
  PoolingOptions options;
  options.total_instances = instances;
  options.max_memory_size = uint64_t{4} << 20;
  options.max_table_elements = 1000;
  return options;
}

Engine EngineWith(const PoolingOptions& options) {
  Config config;
  AddTestCompilerFlags(config);
  config.PoolingAllocation(options);
  absl::StatusOr<Engine> engine = Engine::Create(config);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *engine;
}

Module Compile(const Engine& engine, const std::string& text) {
  const auto parsed = wasm::text::ParseText(wasm::text::SourceText("test", text));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  absl::StatusOr<Module> module = Module::Compile(engine, parsed->bytes);
  EXPECT_TRUE(module.ok()) << module.status();
  return *module;
}

int32_t CallI32(Store& store, const Instance& instance, const char* name,
                std::vector<Val> arguments = {}) {
  const auto results = instance.GetFunc(store, name)->Call(store, arguments);
  EXPECT_TRUE(results.ok()) << results.status();
  return results.ok() && !results->empty() ? results->front().i32() : 0;
}

// Memory of one page with data, a table with a preset, a global; functions to soil them, and to
// tell whether they are as they start.
std::string ModuleText(uint32_t pages, const std::string& data, uint32_t preset_at) {
  return absl::StrCat(R"((module
    (memory (export "memory") )",
                      pages, R"( 32)
    (table $t 300 500 funcref)
    (table $handles 20 externref)
    (global $g (mut i32) (i32.const 7))
    (data (i32.const 100) ")",
                      data, R"(")
    (func $one (result i32) (i32.const 1))
    (elem (table $t) (i32.const )",
                      preset_at, R"() func $one)
    ;; Reads all of the memory: the sum of all bytes.
    (func (export "sum") (result i32) (local $i i32) (local $sum i32)
      (loop $l
        (if (i32.lt_u (local.get $i) (i32.mul (memory.size) (i32.const 65536)))
          (then
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $l))))
      (local.get $sum))
    (func (export "functions") (result i32) (local $i i32) (local $n i32)
      (loop $l
        (if (i32.lt_u (local.get $i) (table.size $t))
          (then
            (local.set $n (i32.add (local.get $n)
              (i32.eqz (ref.is_null (table.get $t (local.get $i))))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $l))))
      (local.get $n))
    (func (export "call") (param i32) (result i32)
      (call_indirect $t (result i32) (local.get 0)))
    (func (export "handles") (result i32) (local $i i32) (local $n i32)
      (loop $l
        (if (i32.lt_u (local.get $i) (table.size $handles))
          (then
            (local.set $n (i32.add (local.get $n)
              (i32.eqz (ref.is_null (table.get $handles (local.get $i))))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $l))))
      (local.get $n))
    (func (export "global") (result i32) (global.get $g))
    (func (export "pages") (result i32) (memory.size))
    (func (export "soil") (param $seed i32) (param $handle externref) (local $i i32)
      (global.set $g (i32.const -1))
      (drop (memory.grow (i32.and (local.get $seed) (i32.const 3))))
      (memory.fill (i32.const 0) (i32.const 0xEE)
        (i32.rem_u (local.get $seed) (i32.mul (memory.size) (i32.const 65536))))
      (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4))
        (i32.const -1))
      (drop (table.grow $t (ref.func $one) (i32.and (local.get $seed) (i32.const 63))))
      (table.fill $t (i32.rem_u (local.get $seed) (i32.const 300)) (ref.func $one)
        (i32.sub (table.size $t) (i32.rem_u (local.get $seed) (i32.const 300))))
      (table.set $handles (i32.rem_u (local.get $seed) (i32.const 20)) (local.get $handle))))
  )");
}

void ExpectFresh(Store& store, const Instance& instance, uint32_t pages, int32_t data_sum,
                 uint32_t preset_at) {
  EXPECT_EQ(CallI32(store, instance, "pages"), static_cast<int32_t>(pages));
  EXPECT_EQ(CallI32(store, instance, "sum"), data_sum);
  EXPECT_EQ(CallI32(store, instance, "functions"), 1);
  EXPECT_EQ(CallI32(store, instance, "call", {Val::I32(static_cast<int32_t>(preset_at))}), 1);
  EXPECT_EQ(CallI32(store, instance, "handles"), 0);
  EXPECT_EQ(CallI32(store, instance, "global"), 7);
}

void Soil(Store& store, const Instance& instance, uint32_t seed) {
  const Val handle = Val::ExternRef(*ExternRef::Create(store, std::any(1)));
  const auto done = instance.GetFunc(store, "soil")
                        ->Call(store, {Val::I32(static_cast<int32_t>(seed & 0x7FFFFFFF)), handle});
  EXPECT_TRUE(done.ok()) << done.status();
}

TEST(PoolingTest, TheNextInstanceFindsNothing) {
  for (const uint64_t keep : {uint64_t{0}, uint64_t{8192}, uint64_t{64} << 20}) {
    PoolingOptions options = SmallPool(1);
    options.total_tables = 2;
    options.memory_keep_resident = options.table_keep_resident = keep;
    options.instance_keep_resident = keep;
    const Engine engine = EngineWith(options);
    const Module module = Compile(engine, ModuleText(1, "abc", 7));
    const Module other = Compile(engine, ModuleText(2, "", 9));
    const Linker linker(engine);
    for (uint32_t round = 0; round < 6; ++round) {
      Store store(engine);
      const bool is_other = round % 3 == 2;
      const absl::StatusOr<Instance> instance =
          linker.Instantiate(store, is_other ? other : module);
      ASSERT_TRUE(instance.ok()) << instance.status();
      ExpectFresh(store, *instance, is_other ? 2 : 1, is_other ? 0 : 'a' + 'b' + 'c',
                  is_other ? 9 : 7);
      Soil(store, *instance, 0x1234567 * (round + 1));
    }
  }
}

TEST(PoolingTest, LimitsAreNamed) {
  PoolingOptions options = SmallPool(2);
  options.total_memories = 1;
  options.total_tables = 3;
  options.max_instance_size = 4096;
  const Engine engine = EngineWith(options);
  const Linker linker(engine);
  const auto error = [&](Store& store, const std::string& text) {
    const absl::Status status = linker.Instantiate(store, Compile(engine, text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    return std::string(status.message());
  };
  Store store(engine);
  EXPECT_THAT(error(store, "(module (memory 1) (memory 1))"), HasSubstr("total_memories is 1"));
  EXPECT_THAT(error(store, "(module (memory 65))"), HasSubstr("max_memory_size of 4194304"));
  EXPECT_THAT(error(store, "(module (table 1001 funcref))"),
              HasSubstr("max_table_elements of 1000"));
  EXPECT_THAT(error(store,
                    "(module (table 1 funcref) (table 1 funcref) (table 1 externref) "
                    "(table 1 externref))"),
              HasSubstr("total_tables is 3"));
  std::string globals = "(module ";
  for (int i = 0; i < 300; ++i) absl::StrAppend(&globals, "(global i32 (i32.const 1))");
  EXPECT_THAT(error(store, globals + ")"), HasSubstr("max_instance_size of 4096"));
  // Nothing of all that was lost; what fails leaves no slot behind.
  ASSERT_TRUE(linker.Instantiate(store, Compile(engine, ModuleText(1, "", 0))).ok());
  ASSERT_TRUE(linker.Instantiate(store, Compile(engine, "(module)")).ok());
  EXPECT_THAT(error(store, "(module)"), HasSubstr("total_instances is 2"));
}

// A shared memory is one of the pool's, for as long as anyone holds it.
TEST(PoolingTest, SharedMemoriesCount) {
  PoolingOptions options = SmallPool(4);
  options.total_memories = 1;
  const Engine engine = EngineWith(options);
  MemoryType type;
  type.limits = {1, 2};
  type.shared = true;
  {
    const absl::StatusOr<SharedMemory> shared = SharedMemory::Create(engine, type);
    ASSERT_TRUE(shared.ok()) << shared.status();
    ASSERT_TRUE(shared->Grow(1).ok());
    const uint8_t byte[] = {7};
    ASSERT_TRUE(shared->Write(65536, byte).ok());
    EXPECT_THAT(std::string(SharedMemory::Create(engine, type).status().message()),
                HasSubstr("total_memories is 1"));
    Store store(engine);
    type.shared = false;
    EXPECT_EQ(Memory::Create(store, type).status().code(), absl::StatusCode::kResourceExhausted);
    type.shared = true;
  }
  const absl::StatusOr<SharedMemory> again = SharedMemory::Create(engine, type);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->size(), 1u);
  ASSERT_TRUE(again->Grow(1).ok());
  uint8_t byte[] = {9};
  ASSERT_TRUE(again->Read(65536, absl::MakeSpan(byte)).ok());
  EXPECT_EQ(byte[0], 0);
}

// Growth past what a slot has is refused as growth is: the guest sees -1.
TEST(PoolingTest, GrowthEndsWithTheSlot) {
  const Engine engine = EngineWith(SmallPool(1));
  Store store(engine);
  const Instance instance = *Linker(engine).Instantiate(store, Compile(engine, R"((module
    (memory 1)
    (table 1 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow_table") (param i32) (result i32)
      (table.grow (ref.null func) (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))))"));
  EXPECT_EQ(CallI32(store, instance, "grow", {Val::I32(64)}), -1);
  EXPECT_EQ(CallI32(store, instance, "grow", {Val::I32(63)}), 1);
  EXPECT_EQ(CallI32(store, instance, "load", {Val::I32((4 << 20) - 4)}), 0);
  EXPECT_EQ(CallI32(store, instance, "grow_table", {Val::I32(1200)}), -1);
  EXPECT_EQ(CallI32(store, instance, "grow_table", {Val::I32(999)}), 1);
  const auto trap = instance.GetFunc(store, "load")->Call(store, {Val::I32(4 << 20)});
  EXPECT_EQ(GetTrap(trap.status())->message, "out of bounds memory access");
}

TEST(PoolingTest, ImpossiblePoolsAreRefusedByName) {
  PoolingOptions options;
  options.total_instances = 1'000'000;
  options.max_memory_size = uint64_t{1} << 40;
  Config config;
  config.PoolingAllocation(options);
  const absl::Status status = Engine::Create(config).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("PoolingAllocation"));
  options.max_memory_size = uint64_t{1} << 60;
  EXPECT_EQ(Engine::Create(config.PoolingAllocation(options)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Engine::Create(config.OnDemandAllocation()).ok());
}

// A segment that traps in front of the data leaves a memory as if no data had come.
TEST(PoolingTest, ATrapInFrontOfThePresetData) {
  for (const bool pooled : {false, true}) {
    Config config;
    AddTestCompilerFlags(config);
    if (pooled) config.PoolingAllocation(SmallPool(4));
    const Engine engine = *Engine::Create(config);
    Store store(engine);
    Linker linker(engine);
    const Instance host = *linker.Instantiate(store, Compile(engine, R"((module
      (table (export "table") 1 funcref)
      (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0)))))"));
    ASSERT_TRUE(linker.DefineInstance(store, "host", host).ok());
    const absl::StatusOr<Instance> failed = linker.Instantiate(store, Compile(engine, R"((module
      (import "host" "table" (table 1 funcref))
      (memory 1)
      (func $peek (result i32) (i32.load8_u (i32.const 0)))
      (elem (i32.const 0) $peek)
      (elem (i32.const 1) $peek)
      (data (i32.const 0) "a")))"));
    EXPECT_FALSE(failed.ok());
    EXPECT_EQ(CallI32(store, host, "call"), 0);
  }
}

// lessons.md rows 6 and 17: random sequences over pools, limits and images.
TEST(PoolingTest, RandomSequences) {
  std::mt19937 random(29);
  for (int round = 0; round < 8; ++round) {
    PoolingOptions options = SmallPool(1 + random() % 4);
    options.total_memories = 1 + random() % 4;
    options.total_tables = 2 + random() % 8;
    options.memory_keep_resident = (random() % 3) * 4096 * (random() % 30);
    options.table_keep_resident = (random() % 3) * 4096;
    options.max_warm_slots = random() % 3;
    const Engine engine = EngineWith(options);
    const Linker linker(engine);
    struct Kind {
      std::optional<Module> module;
      uint32_t pages;
      int32_t sum;
      uint32_t preset_at;
    };
    std::vector<Kind> kinds;
    const auto make_kind = [&](uint32_t which) {
      const uint32_t pages = 1 + which % 2;
      const bool has_data = which % 3 != 0;
      return Kind{Compile(engine, ModuleText(pages, has_data ? "xyz" : "", 3 + which)), pages,
                  has_data ? 'x' + 'y' + 'z' : 0, 3 + which};
    };
    for (uint32_t i = 0; i < 3; ++i) kinds.push_back(make_kind(i));
    std::vector<std::pair<std::unique_ptr<Store>, Instance>> live;
    for (int step = 0; step < 40; ++step) {
      switch (random() % 5) {
        case 0:
          if (!live.empty()) live.erase(live.begin() + random() % live.size());
          break;
        case 1:
          // A module goes, and its image with it.
          kinds[random() % kinds.size()] = make_kind(random() % 6);
          break;
        case 2:
          for (auto& [store, instance] : live) Soil(*store, instance, random());
          break;
        default: {
          const Kind& kind = kinds[random() % kinds.size()];
          auto store = std::make_unique<Store>(engine);
          const absl::StatusOr<Instance> instance = linker.Instantiate(*store, *kind.module);
          if (!instance.ok()) {
            ASSERT_EQ(instance.status().code(), absl::StatusCode::kResourceExhausted)
                << instance.status();
            break;
          }
          ExpectFresh(*store, *instance, kind.pages, kind.sum, kind.preset_at);
          Soil(*store, *instance, random());
          live.emplace_back(std::move(store), *instance);
        }
      }
    }
  }
}

// Threads take and give slots of one pool, while modules come and go.
TEST(PoolingTest, ThreadsShareAPool) {
  constexpr int kThreads = 4;
  // Each thread has one instance at a time: there is always a slot.
  PoolingOptions options = SmallPool(kThreads);
  options.total_tables = 2 * kThreads;
  options.max_warm_slots = 1;
  const Engine engine = EngineWith(options);
  const auto text = [](int which) {
    return absl::StrCat(R"((module (memory 1 2) (table 200 funcref) (table 10 externref)
      (data (i32.const 5000) "\)",
                        which + 10, R"(")
      (func $one (result i32) (i32.const 1))
      (elem (table 0) (i32.const )",
                        which, R"() func $one)
      (func (export "look") (param i32) (result i32)
        (i32.add (i32.load (i32.const 5000))
          (i32.add (i32.load (local.get 0))
            (i32.add (call_indirect (result i32) (i32.const )",
                        which, R"())
              (ref.is_null (table.get 0 (local.get 0)))))))
      (func (export "soil") (param i32)
        (memory.fill (i32.const 0) (i32.const 0xEE) (i32.const 65536))
        (drop (memory.grow (i32.and (local.get 0) (i32.const 1))))
        (table.fill 0 (i32.const 0) (ref.func $one) (i32.const 200)))))");
  };
  const Module shared = Compile(engine, text(0));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const Linker linker(engine);
      for (int round = 0; round < 30; ++round) {
        const bool own = round % 3 == 1;
        const Module module = own ? Compile(engine, text(1 + t)) : shared;
        Store store(engine);
        const absl::StatusOr<Instance> instance = linker.Instantiate(store, module);
        ASSERT_TRUE(instance.ok()) << instance.status();
        const int which = own ? 1 + t : 0;
        // "\1x" is hexadecimal.
        EXPECT_EQ(CallI32(store, *instance, "look", {Val::I32(100 + round)}), 0x10 + which + 1 + 1);
        const auto soiled = instance->GetFunc(store, "soil")->Call(store, {Val::I32(round)});
        EXPECT_TRUE(soiled.ok()) << soiled.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gantry
