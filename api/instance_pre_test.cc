#include "api/instance_pre.h"

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

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
