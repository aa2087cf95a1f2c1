// Eight threads do everything at once over two engines: compile, load, instantiate, call, grow,
// trap, run out of fuel, drop; modules go from thread to thread and die where their last user does.
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
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
#include "api/typed_func.h"
#include "api/val.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

constexpr int kThreads = 8;
constexpr int kRounds = 40;

// Modules differ in their types, so that the registry of types is always in motion.
std::string Text(uint32_t variant) {
  const std::string extra = variant % 2 == 0 ? "i64" : "f32";
  return absl::StrCat(R"((module
    (type $own (func (param i32 )",
                      extra, R"( i64) (result )", extra, R"()))
    (import "env" "add" (func $add (param i32 i32) (result i32)))
    (memory (export "memory") 1 4)
    (table 2 funcref)
    (elem (i32.const 0) func $own)
    (func $own (type $own) (local.get 1))
    (func (export "variant") (result i32) (i32.const )",
                      variant, R"())
    (func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
        (then (local.get 0))
        (else (call $add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                         (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "trap") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func (export "spin") (loop (br 0)))
    (func $deep (export "deep") (param i32) (result i32)
      (i32.add (i32.const 1) (call $deep (local.get 0))))))");
}

// An engine and the modules that threads hand each other.
class Shop {
 public:
  explicit Shop(const Config& config) : engine_(*Engine::Create(config)), linker_(engine_) {
    EXPECT_TRUE(linker_.Func("env", "add", [](int32_t a, int32_t b) { return a + b; }).ok());
    for (uint32_t i = 0; i < 4; ++i)
      modules_.push_back({*Module::CompileText(engine_, Text(i)), i});
  }

  struct Item {
    Module module;
    uint32_t variant;
  };
  Item Take(uint32_t which) {
    std::lock_guard<std::mutex> lock(mutex_);
    return modules_[which % modules_.size()];
  }
  void Replace(uint32_t which, Item item) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::swap(modules_[which % modules_.size()], item);
  }
  const Engine& engine() const { return engine_; }
  // Read by all threads at once.
  const Linker& linker() const { return linker_; }

 private:
  const Engine engine_;
  Linker linker_;
  std::mutex mutex_;
  std::vector<Item> modules_;
};

class Worker {
 public:
  Worker(Shop& shop, bool fuel, uint32_t seed) : shop_(shop), fuel_(fuel), random_(seed) {}

  void Run() {
    for (int round = 0; round < kRounds; ++round) {
      if (random_() % 4 == 0) MakeModule();
      UseStore();
    }
  }

 private:
  void MakeModule() {
    const uint32_t which = random_();
    if (random_() % 2 == 0) {
      const uint32_t variant = random_() % 1000;
      absl::StatusOr<Module> module = Module::CompileText(shop_.engine(), Text(variant));
      ASSERT_TRUE(module.ok()) << module.status();
      shop_.Replace(which, {*module, variant});
    } else {
      const Shop::Item item = shop_.Take(which);
      const std::vector<uint8_t> artifact = *item.module.Serialize();
      absl::StatusOr<Module> module = Module::Deserialize(shop_.engine(), artifact);
      ASSERT_TRUE(module.ok()) << module.status();
      shop_.Replace(which, {*module, item.variant});
    }
  }

  void UseStore() {
    Store store(shop_.engine());
    store.SetLimits(StoreLimits().MemoryBytes(3 << 16));
    if (fuel_) {
      ASSERT_TRUE(store.SetFuel(100'000'000).ok());
    }
    for (int i = 0; i < 3; ++i) {
      const Shop::Item item = shop_.Take(random_());
      absl::StatusOr<Instance> instance = shop_.linker().Instantiate(store, item.module);
      ASSERT_TRUE(instance.ok()) << instance.status();
      UseInstance(store, *instance, item.variant);
    }
  }

  void UseInstance(Store& store, const Instance& instance, uint32_t variant) {
    const auto get = [&](const char* name) {
      return *instance.GetTypedFunc<int32_t(int32_t)>(store, name);
    };
    EXPECT_EQ(*instance.GetTypedFunc<uint32_t()>(store, "variant")->Call(store), variant);
    EXPECT_EQ(*get("fib").Call(store, 10), 55);
    EXPECT_EQ(*get("load").Call(store, 65532), 0);
    EXPECT_EQ(GetTrap(get("load").Call(store, 65536).status())->code, "heap_oob");
    EXPECT_EQ(*get("grow").Call(store, 2), 1);
    EXPECT_EQ(*get("grow").Call(store, 1), -1);
    EXPECT_EQ(*get("load").Call(store, 65536), 0);
    EXPECT_EQ(GetTrap(get("trap").Call(store, 0).status())->code, "int_divz");
    EXPECT_EQ(get("deep").Call(store, 0).status().code(), absl::StatusCode::kResourceExhausted);
    if (!fuel_) return;
    ASSERT_TRUE(store.SetFuel(10'000).ok());
    EXPECT_EQ(instance.GetTypedFunc<void()>(store, "spin")->Call(store).code(),
              absl::StatusCode::kResourceExhausted);
    ASSERT_TRUE(store.SetFuel(100'000'000).ok());
  }

  Shop& shop_;
  const bool fuel_;
  std::mt19937 random_;
};

TEST(ApiStressTest, EightThreads) {
  Config plain;
  AddTestCompilerFlags(plain);
  plain.CompilationThreads(2);
  Config fuel = plain;
  fuel.ConsumeFuel(true);
  Shop shops[2] = {Shop(plain), Shop(fuel)};
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shops, i] { Worker(shops[i % 2], i % 2 == 1, i).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gantry
