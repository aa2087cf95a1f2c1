// Eight threads do everything at once over four engines: compile, load, instantiate, call, grow,
// trap, run out of fuel, meet deadlines of epochs that another thread counts, yield, drop what is
// suspended; modules go from thread to thread and die where their last user does.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/async.h"
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

// How guests of an engine are interrupted.
struct Mode {
  bool fuel = false;
  EpochInterruption epochs = EpochInterruption::kNone;
  bool pool = false;
};
constexpr Mode kModes[] = {{},
                           {.fuel = true},
                           {.epochs = EpochInterruption::kCounter, .pool = true},
                           {.fuel = true, .epochs = EpochInterruption::kPage}};

Config ConfigFor(const Mode& mode) {
  Config config;
  AddTestCompilerFlags(config);
  config.CompilationThreads(2).ConsumeFuel(mode.fuel).EpochInterruption(mode.epochs);
  if (mode.pool) {
    PoolingOptions options;
    options.total_instances = 3 * kThreads;
    options.max_memory_size = 4 << 16;
    options.max_warm_slots = 2;
    config.PoolingAllocation(options);
  }
  return config;
}

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
  Worker(Shop& shop, const Mode& mode, uint32_t seed) : shop_(shop), mode_(mode), random_(seed) {}

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
    Refuel(store);
    if (HasEpochs()) {
      // What is called is interrupted again and again, and goes on.
      store.SetEpochCallback([](Store&) -> absl::StatusOr<uint64_t> { return 1; });
      ASSERT_TRUE(store.SetEpochDeadline(1).ok());
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
    if (mode_.fuel) RunOutOfFuel(store, instance);
    if (HasEpochs()) MeetDeadlines(store, instance);
  }

  void RunOutOfFuel(Store& store, const Instance& instance) {
    ASSERT_TRUE(store.SetFuel(10'000).ok());
    EXPECT_EQ(instance.GetTypedFunc<void()>(store, "spin")->Call(store).code(),
              absl::StatusCode::kResourceExhausted);
    ASSERT_TRUE(store.SetFuel(100'000'000).ok());
    // The same that was consumed without yielding is consumed with it.
    const auto fib = *instance.GetTypedFunc<int32_t(int32_t)>(store, "fib");
    const uint64_t before = *store.GetFuel();
    EXPECT_EQ(*fib.Call(store, 8), 21);
    const uint64_t cost = before - *store.GetFuel();
    ASSERT_TRUE(store.SetFuelInterval(cost / 4, [](Store& s) { return Yield(s); }).ok());
    auto call = fib.CallAsync(store, 8);
    int yields = 0;
    const int resumes = static_cast<int>(random_() % 8);
    for (int i = 0; i < resumes && call.Resume() != CallState::kDone; ++i) ++yields;
    if (call.state() == CallState::kDone) {
      EXPECT_EQ(*call.TakeResult(), 21);
      EXPECT_GE(yields, 3);
      EXPECT_EQ(before - *store.GetFuel(), 2 * cost);
    } else {
      call.Cancel();
      EXPECT_EQ(call.TakeResult().status().code(), absl::StatusCode::kCancelled);
    }
    ASSERT_TRUE(store.SetFuelInterval(0, nullptr).ok());
  }

  void MeetDeadlines(Store& store, const Instance& instance) {
    const auto spin = *instance.GetTypedFunc<void()>(store, "spin");
    int times = 3;
    store.SetEpochCallback([&](Store& s) -> absl::StatusOr<uint64_t> {
      Refuel(s);
      return --times > 0 ? 1 : 0;
    });
    ASSERT_TRUE(store.SetEpochDeadline(1).ok());
    EXPECT_EQ(GetTrap(spin.Call(store))->code, "interrupt");
    EXPECT_EQ(times, 0);
    store.SetEpochCallback([](Store& s) -> absl::StatusOr<uint64_t> {
      const absl::Status status = Yield(s);
      if (!status.ok()) return status;
      return 1;
    });
    ASSERT_TRUE(store.SetEpochDeadline(1).ok());
    {
      auto call = spin.CallAsync(store);
      EXPECT_EQ(call.Resume(), CallState::kReady);
      EXPECT_EQ(call.Resume(), CallState::kReady);
      // Dropped where it is.
    }
    store.SetEpochCallback([](Store&) -> absl::StatusOr<uint64_t> { return 1; });
    ASSERT_TRUE(store.SetEpochDeadline(1).ok());
    Refuel(store);
  }
  void Refuel(Store& store) {
    if (mode_.fuel) {
      EXPECT_TRUE(store.SetFuel(100'000'000).ok());
    }
  }

  bool HasEpochs() const { return mode_.epochs != EpochInterruption::kNone; }

  Shop& shop_;
  const Mode mode_;
  std::mt19937 random_;
};

TEST(ApiStressTest, EightThreads) {
  std::vector<std::unique_ptr<Shop>> shops;
  for (const Mode& mode : kModes) shops.push_back(std::make_unique<Shop>(ConfigFor(mode)));
  std::atomic<bool> done{false};
  std::thread ticker([&] {
    while (!done.load()) {
      for (const auto& shop : shops) shop->engine().IncrementEpoch();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    const size_t which = i % std::size(kModes);
    threads.emplace_back([&, i, which] { Worker(*shops[which], kModes[which], i).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  done.store(true);
  ticker.join();
}

}  // namespace
}  // namespace gantry
