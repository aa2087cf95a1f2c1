// How much a store may have: what is refused, what the guest sees of it, and that it is the same
// each time. Linkers, modules from text and from files.
#include "api/limits.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

constexpr char kGuest[] = R"((module
  (memory (export "memory") 1)
  (table (export "table") 2 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow (ref.null extern) (local.get 0)))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))))";

class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() : engine_(MakeEngine()), module_(*Module::CompileText(engine_, kGuest)) {}
  static Engine MakeEngine() {
    Config config;
    AddTestCompilerFlags(config);
    config.WasmFeature(wasm::Feature::kThreads, true);
    return *Engine::Create(config);
  }
  int32_t Call(Store& store, const Instance& instance, const char* name, int32_t argument) {
    auto func = instance.GetTypedFunc<int32_t(int32_t)>(store, name);
    EXPECT_TRUE(func.ok());
    absl::StatusOr<int32_t> result = func->Call(store, argument);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(-100);
  }

  Engine engine_;
  Module module_;
};

TEST_F(LimitsTest, GuestsSeeRefusedGrowth) {
  for (int round = 0; round < 2; ++round) {
    Store store(engine_);
    store.SetLimits(StoreLimits().MemoryBytes(3 << 16).TableElements(5));
    const Instance instance = *Instance::Create(store, module_, {});
    EXPECT_EQ(Call(store, instance, "grow", 3), -1);
    EXPECT_EQ(Call(store, instance, "grow", 2), 1);
    EXPECT_EQ(Call(store, instance, "grow", 1), -1);
    EXPECT_EQ(Call(store, instance, "grow", 0), 3);
    EXPECT_EQ(Call(store, instance, "grow_table", 4), -1);
    EXPECT_EQ(Call(store, instance, "grow_table", 3), 2);
    EXPECT_EQ(Call(store, instance, "grow_table", 1), -1);
    EXPECT_EQ(instance.GetMemory(store, "memory")->Grow(store, 1).status().code(),
              absl::StatusCode::kResourceExhausted);
    // Limits can be changed.
    store.SetLimits(StoreLimits());
    EXPECT_EQ(Call(store, instance, "grow", 1), 3);
  }
}

TEST_F(LimitsTest, NumbersOfThings) {
  Store store(engine_);
  store.SetLimits(StoreLimits().Instances(2).Memories(3).Tables(3));
  ASSERT_TRUE(Instance::Create(store, module_, {}).ok());
  MemoryType memory;
  ASSERT_TRUE(Memory::Create(store, memory).ok());
  ASSERT_TRUE(Instance::Create(store, module_, {}).ok());
  absl::Status status = Instance::Create(store, module_, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("instance"));
  EXPECT_FALSE(Memory::Create(store, memory).ok());
  TableType table;
  EXPECT_TRUE(Table::Create(store, table, Val::FuncRef(std::nullopt)).ok());
  EXPECT_FALSE(Table::Create(store, table, Val::FuncRef(std::nullopt)).ok());
}

TEST_F(LimitsTest, SharedMemoriesCount) {
  MemoryType type;
  type.shared = true;
  type.limits = {2, 4};
  const SharedMemory shared = *SharedMemory::Create(engine_, type);
  const Module module =
      *Module::CompileText(engine_, R"((module (memory (import "env" "m") 1 4 shared)
                    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))");
  Store store(engine_);
  store.SetLimits(StoreLimits().Memories(0));
  EXPECT_EQ(Instance::Create(store, module, {shared}).status().code(),
            absl::StatusCode::kResourceExhausted);
  store.SetLimits(StoreLimits().MemoryBytes(1 << 16));
  EXPECT_EQ(Instance::Create(store, module, {shared}).status().code(),
            absl::StatusCode::kResourceExhausted);
  store.SetLimits(StoreLimits().MemoryBytes(3 << 16));
  const Instance instance = *Instance::Create(store, module, {shared});
  EXPECT_EQ(Call(store, instance, "grow", 1), 2);
  EXPECT_EQ(Call(store, instance, "grow", 1), -1);
}

TEST_F(LimitsTest, StackThroughNestedCalls) {
  Store store(engine_);
  const Instance instance = *Instance::Create(store, module_, {});
  auto deep = *instance.GetTypedFunc<int32_t(int32_t)>(store, "deep");
  const auto depth = [&] {
    int32_t fits = 0;
    for (int32_t step = 1 << 20; step > 0; step /= 2) {
      if (deep.Call(store, fits + step).ok()) fits += step;
    }
    return fits;
  };
  const int32_t most = depth();
  store.SetLimits(StoreLimits().StackBytes(64 << 10));
  const int32_t less = depth();
  EXPECT_GT(less, 0);
  EXPECT_LT(less, most / 2);
  EXPECT_EQ(depth(), less);
  const absl::Status status = deep.Call(store, less + 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetTrap(status)->code, "stk_ovf");
}

class Recorder : public ResourceLimiter {
 public:
  bool AllowMemory(uint64_t current, uint64_t desired) override {
    log += std::to_string(current >> 16) + ">" + std::to_string(desired >> 16) + " ";
    return true;
  }
  bool AllowTable(uint64_t, uint64_t) override { return true; }
  bool AllowInstances(uint64_t count) override { return count < 2; }
  bool AllowMemories(uint64_t) override { return true; }
  bool AllowTables(uint64_t) override { return true; }
  uint64_t MaxStack() override { return ~uint64_t{0}; }
  std::string log;
};

TEST_F(LimitsTest, ALimiterIsAsked) {
  Recorder recorder;
  std::unique_ptr<Store> store = *Store::Create(engine_);
  store->SetLimiter(&recorder);
  const Instance instance = *Instance::Create(*store, module_, {});
  EXPECT_EQ(Call(*store, instance, "grow", 2), 1);
  EXPECT_EQ(recorder.log, "0>1 1>3 ");
  EXPECT_FALSE(Instance::Create(*store, module_, {}).ok());
  store->SetLimiter(nullptr);
  EXPECT_TRUE(Instance::Create(*store, module_, {}).ok());
}

TEST_F(LimitsTest, StoresCarryDataMadeByCreateToo) {
  auto store = *StoreOf<std::string>::Create(engine_, "data");
  EXPECT_EQ(store->data(), "data");
  const Func read = *Func::Wrap(*store, [](Caller& caller) {
    EXPECT_EQ(caller.data<int>(), nullptr);
    return static_cast<int64_t>(caller.data<std::string>()->size());
  });
  EXPECT_EQ(*read.Typed<int64_t()>(*store)->Call(*store), 4);
}

TEST_F(LimitsTest, TextErrorsNameLineAndColumn) {
  absl::Status status = Module::CompileText(engine_, "(module\n  (fun))").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("<text>:2:4"));
  status = Module::CompileText(engine_, "(module\n (func (result i32)\n  i64.const 1))").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("<text>:"));
}

TEST_F(LimitsTest, ArtifactsAreMappedFromFiles) {
  const std::string path = ::testing::TempDir() + "/limits_test.cwasm";
  const std::vector<uint8_t> artifact = *module_.Serialize();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(artifact.data()),
             static_cast<std::streamsize>(artifact.size()));
  absl::StatusOr<Module> module = Module::DeserializeFile(engine_, path);
  ASSERT_TRUE(module.ok()) << module.status();
  // It lives on without its name.
  std::remove(path.c_str());
  EXPECT_EQ(*module->Serialize(), artifact);
  Store store(engine_);
  const Instance instance = *Instance::Create(store, *module, {});
  EXPECT_EQ(Call(store, instance, "grow", 1), 1);
  EXPECT_EQ(Module::DeserializeFile(engine_, path).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(Module::DeserializeFile(engine_, ::testing::TempDir()).ok());
  for (const size_t size : {size_t{0}, size_t{10}, artifact.size() / 2}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(artifact.data()), static_cast<std::streamsize>(size));
    EXPECT_EQ(Module::DeserializeFile(engine_, path).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size;
  }
  std::remove(path.c_str());
}

TEST_F(LimitsTest, UnknownImportsTrapWhenTheyAreCalled) {
  const Module module = *Module::CompileText(engine_, R"((module
    (import "env" "known" (func $known (result i32)))
    (import "env" "unknown" (func $unknown (param i64) (result f32)))
    (func (export "known") (result i32) (call $known))
    (func $outer (export "unknown") (result f32) (call $unknown (i64.const 1)))))");
  Linker linker(engine_);
  ASSERT_TRUE(linker.Func("env", "known", [] { return 5; }).ok());
  Store store(engine_);
  EXPECT_EQ(linker.Instantiate(store, module).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(linker.DefineUnknownImportsAsTraps(module).ok());
  const Instance instance = *linker.Instantiate(store, module);
  EXPECT_EQ(*instance.GetTypedFunc<int32_t()>(store, "known")->Call(store), 5);
  const absl::Status status =
      instance.GetTypedFunc<float()>(store, "unknown")->Call(store).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"env\" \"unknown\""));
  EXPECT_EQ(GetTrap(status)->backtrace[0].func_name, "outer");
}

TEST_F(LimitsTest, LinkersShadowWhereAllowed) {
  Linker linker(engine_);
  Store store(engine_);
  ASSERT_TRUE(linker.Func("env", "f", [] { return 1; }).ok());
  EXPECT_EQ(linker.Func("env", "f", [] { return 2; }).code(), absl::StatusCode::kAlreadyExists);
  const Instance instance = *Instance::Create(store, module_, {});
  ASSERT_TRUE(linker.Func("guest", "deep", [] { return 1; }).ok());
  // All or nothing.
  EXPECT_EQ(linker.DefineInstance(store, "guest", instance).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(linker.Has("guest", "memory"));
  linker.AllowShadowing(true);
  ASSERT_TRUE(linker.Func("env", "f", [] { return 2; }).ok());
  const Func f = std::get<Func>(**linker.Get(store, "env", "f"));
  EXPECT_EQ(*f.Typed<int32_t()>(store)->Call(store), 2);
  ASSERT_TRUE(linker.DefineInstance(store, "guest", instance).ok());
  EXPECT_TRUE(linker.Has("guest", "memory"));
  // What belongs to a store is not given to another.
  Store other(engine_);
  EXPECT_EQ(linker.Get(other, "guest", "memory").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(linker.Get(other, "env", "f").ok());
  const Engine second = MakeEngine();
  Store elsewhere(second);
  EXPECT_EQ(linker.Get(elsewhere, "env", "f").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(linker.DefineInstance(elsewhere, "x", instance).code(),
            absl::StatusCode::kInvalidArgument);
  MemoryType type;
  type.shared = true;
  type.limits = {1, 1};
  EXPECT_EQ(linker.Define("env", "m", *SharedMemory::Create(second, type)).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gantry
