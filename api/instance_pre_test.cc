#include "api/instance_pre.h"

#include <malloc.h>

#include <cstdint>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/store.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

class InstancePreTest : public ::testing::Test {
 protected:
  InstancePreTest() : engine_(*Engine::Create(TestConfig())), linker_(engine_) {}
  static Config TestConfig() {
    Config config;
    AddTestCompilerFlags(config);
    return config;
  }
  Module Compile(const char* text) {
    absl::StatusOr<Module> module = Module::CompileText(engine_, text);
    EXPECT_TRUE(module.ok()) << module.status();
    return *module;
  }
  static int32_t Run(Store& store, const Instance& instance) {
    const auto results = instance.GetFunc(store, "run")->Call(store, {});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? results->front().i32() : -1;
  }

  Engine engine_;
  Linker linker_;
};

TEST_F(InstancePreTest, HostFunctionsServeEveryStore) {
  ASSERT_TRUE(
      linker_
          .Func("env", "add", [](Caller& caller, int32_t a) { return *caller.data<int32_t>() + a; })
          .ok());
  ASSERT_TRUE(linker_
                  .Func("env", "dynamic", FuncType({}, {ValType::I32()}),
                        [](Caller&, absl::Span<const Val>, absl::Span<Val> results) {
                          results[0] = Val::I32(1000);
                          return absl::OkStatus();
                        })
                  .ok());
  const absl::StatusOr<InstancePre> pre = linker_.InstantiatePre(Compile(R"((module
    (import "env" "add" (func $add (param i32) (result i32)))
    (import "env" "dynamic" (func $dynamic (result i32)))
    (func (export "run") (result i32) (i32.add (call $add (i32.const 5)) (call $dynamic)))))"));
  ASSERT_TRUE(pre.ok()) << pre.status();
  for (int32_t i = 0; i < 3; ++i) {
    StoreOf<int32_t> store(engine_, 10 * i);
    for (int round = 0; round < 2; ++round) {
      const absl::StatusOr<Instance> instance = pre->Instantiate(store);
      ASSERT_TRUE(instance.ok()) << instance.status();
      EXPECT_EQ(Run(store, *instance), 1005 + 10 * i);
    }
  }
}

// A store has one function of each definition, however often it is linked; instances are what grows
// with their number, for they live as long as the store.
TEST_F(InstancePreTest, HostFunctionsAreMadeOncePerStore) {
  int32_t copies = 0;
  struct CountsCopies {
    explicit CountsCopies(int32_t* c) : count(c) {}
    CountsCopies(const CountsCopies& other) : count(other.count) { ++*count; }
    CountsCopies(CountsCopies&& other) noexcept : count(other.count) {}
    int32_t* count;
  };
  ASSERT_TRUE(linker_
                  .Func("env", "next",
                        [counts = CountsCopies(&copies), calls = 0]() mutable { return ++calls; })
                  .ok());
  ASSERT_TRUE(linker_
                  .Func("env", "dynamic", FuncType({}, {ValType::I32()}),
                        [](Caller&, absl::Span<const Val>, absl::Span<Val> results) {
                          results[0] = Val::I32(1000);
                          return absl::OkStatus();
                        })
                  .ok());
  const Module module = Compile(R"((module
    (import "env" "next" (func $next (result i32)))
    (import "env" "dynamic" (func $dynamic (result i32)))
    (import "env" "next" (func $again (result i32)))
    (func (export "run") (result i32)
      (i32.add (call $dynamic) (i32.add (call $next) (i32.mul (i32.const 0) (call $again)))))))");
  const InstancePre pre = *linker_.InstantiatePre(module);
  Store store(engine_);
  int32_t calls = 0;
  copies = 0;
  for (int i = 0; i < 1000; ++i) {
    const Instance instance =
        i % 2 == 0 ? *linker_.Instantiate(store, module) : *pre.Instantiate(store);
    // The function's own count goes on from instance to instance.
    EXPECT_EQ(Run(store, instance), 1000 + calls + 1);
    calls += 2;
  }
  EXPECT_EQ(copies, 1);
  EXPECT_EQ(store.runtime().num_host_functions(), 2u);
  EXPECT_EQ(store.runtime().num_instances(), 1000u);
  // The same one is got by its name; another store has its own.
  const Func next = std::get<Func>(**linker_.Get(store, "env", "next"));
  EXPECT_EQ((*next.Call(store, {}))[0].i32(), calls + 1);
  Store other(engine_);
  EXPECT_EQ(Run(other, *pre.Instantiate(other)), 1001);
  EXPECT_EQ(copies, 2);
  // A definition that replaces another is one of its own.
  linker_.AllowShadowing(true);
  ASSERT_TRUE(linker_.Func("env", "next", [] { return 50; }).ok());
  EXPECT_EQ(Run(store, *linker_.Instantiate(store, module)), 1050);
  EXPECT_EQ(Run(store, *pre.Instantiate(store)), 1000 + calls + 2);
  EXPECT_EQ(store.runtime().num_host_functions(), 3u);
}

// What 100,000 instantiations take is what the instances take: no more with imported functions than
// without.
TEST_F(InstancePreTest, InstantiationsTakeNothingButTheInstance) {
  ASSERT_TRUE(linker_.Func("env", "f", [] { return 1; }).ok());
  const char* const texts[] = {R"((module (func (export "run") (result i32) (i32.const 1))))",
                               R"((module (import "env" "f" (func $f (result i32)))
        (func (export "run") (result i32) (call $f))))"};
  int64_t bytes[2];
  constexpr int kTimes = 100'000;
  for (int i = 0; i < 2; ++i) {
    const Module module = Compile(texts[i]);
    Store store(engine_);
    ASSERT_TRUE(linker_.Instantiate(store, module).ok());
    const size_t before = mallinfo2().uordblks;
    for (int n = 0; n < kTimes; ++n) ASSERT_TRUE(linker_.Instantiate(store, module).ok());
    bytes[i] = static_cast<int64_t>(mallinfo2().uordblks - before) / kTimes;
    EXPECT_EQ(store.runtime().num_host_functions(), static_cast<size_t>(i));
  }
  // The import's place in the VMContext; a host function alone would take twice as much.
  EXPECT_LE(bytes[1], bytes[0] + 100);
}

TEST_F(InstancePreTest, ErrorsComeWhenImportsAreResolved) {
  ASSERT_TRUE(linker_.Func("env", "f", [](int32_t) {}).ok());
  const absl::Status other_type =
      linker_.InstantiatePre(Compile(R"((module (import "env" "f" (func (param i64)))))")).status();
  EXPECT_EQ(other_type.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other_type.message()),
              HasSubstr("expected function (i64) -> (), found function (i32) -> ()"));
  const absl::Status other_kind =
      linker_.InstantiatePre(Compile(R"((module (import "env" "f" (memory 1))))")).status();
  EXPECT_EQ(other_kind.code(), absl::StatusCode::kInvalidArgument);
  const absl::Status missing =
      linker_.InstantiatePre(Compile(R"((module (import "env" "g" (func))))")).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("\"env\" \"g\""));
}

TEST_F(InstancePreTest, WhatLivesInAStoreServesThatStore) {
  Store store(engine_), other(engine_);
  MemoryType type;
  type.limits = {1, 4};
  const Memory memory = *Memory::Create(store, type);
  ASSERT_TRUE(linker_.Define("env", "memory", memory).ok());
  const InstancePre pre = *linker_.InstantiatePre(Compile(R"((module
    (import "env" "memory" (memory 1))
    (func (export "run") (result i32) (memory.size))))"));
  EXPECT_EQ(Run(store, *pre.Instantiate(store)), 1);
  ASSERT_TRUE(memory.Grow(store, 1).ok());
  EXPECT_EQ(Run(store, *pre.Instantiate(store)), 2);
  EXPECT_EQ(pre.Instantiate(other).status().code(), absl::StatusCode::kInvalidArgument);
  const Engine another = *Engine::Create(TestConfig());
  Store foreign(another);
  EXPECT_EQ(pre.Instantiate(foreign).status().code(), absl::StatusCode::kInvalidArgument);
}

// What is known to match when it is resolved is still looked at where it can change.
TEST_F(InstancePreTest, FunctionsOfAStoreAreCompared) {
  Store store(engine_);
  const Instance exporter = *linker_.Instantiate(
      store, Compile(R"((module (func (export "f") (result i64) (i64.const 1))))"));
  ASSERT_TRUE(linker_.DefineInstance(store, "env", exporter).ok());
  const absl::StatusOr<InstancePre> pre =
      linker_.InstantiatePre(Compile(R"((module (import "env" "f" (func (result i32)))))"));
  ASSERT_TRUE(pre.ok());
  EXPECT_EQ(pre->Instantiate(store).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(InstancePreTest, ManyThreadsInstantiate) {
  ASSERT_TRUE(linker_.Func("env", "one", [] { return int32_t{1}; }).ok());
  const InstancePre pre = *linker_.InstantiatePre(Compile(R"((module
    (import "env" "one" (func $one (result i32)))
    (memory 1) (data (i32.const 0) "\02")
    (func (export "run") (result i32) (i32.add (call $one) (i32.load (i32.const 0))))))"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Store store(engine_);
        EXPECT_EQ(Run(store, *pre.Instantiate(store)), 3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gantry
