// The embedding API over the optimizing compiler: calls both ways, errors, handles of other
// stores.
#include <any>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "environ/cache/memory_cache.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

std::vector<uint8_t> ReadModule(const std::string& name) {
  std::ifstream file("api/testdata/" + name + ".wasm", std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Notes {
  int64_t integer = 0;
  float single = 0;
  double real = 0;
};

// The checkers on, and what ./test --all adds.
Config TestConfig() {
  Config config;
  AddTestCompilerFlags(config);
  return config;
}

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() : engine_(*Engine::Create(TestConfig())), linker_(engine_) {
    EXPECT_TRUE(linker_.Func("env", "add", [](int32_t a, int32_t b) { return a + b; }).ok());
    EXPECT_TRUE(
        linker_.Func("env", "fail", [] { return absl::DataLossError("the disk is gone"); }).ok());
    EXPECT_TRUE(linker_
                    .Func("env", "note",
                          [](Caller& caller, int64_t a, float b, double c) {
                            *caller.data<Notes>() = {a, b, c};
                          })
                    .ok());
    const FuncType keep({ValType::ExternRef()}, {ValType::ExternRef()});
    EXPECT_TRUE(linker_
                    .Func("env", "keep", keep,
                          [](Caller&, absl::Span<const Val> arguments, absl::Span<Val> results) {
                            results[0] = arguments[0];
                            return absl::OkStatus();
                          })
                    .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "call_back",
                          [](Caller& caller, int32_t depth) -> absl::StatusOr<int32_t> {
                            const Func nested = std::get<Func>(*caller.GetExport("nested"));
                            auto results = nested.Call(caller.store(), {Val::I32(depth)});
                            if (!results.ok()) return results.status();
                            return (*results)[0].i32();
                          })
                    .ok());
    absl::StatusOr<Module> module = Module::Compile(engine_, ReadModule("host"));
    EXPECT_TRUE(module.ok()) << module.status();
    module_.emplace(*module);
  }

  Instance Instantiate(Store& store) {
    absl::StatusOr<Instance> instance = linker_.Instantiate(store, *module_);
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *instance;
  }

  absl::StatusOr<std::vector<Val>> Call(Store& store, const Instance& instance,
                                        absl::string_view name, std::vector<Val> arguments = {}) {
    absl::StatusOr<Func> func = instance.GetFunc(store, name);
    if (!func.ok()) return func.status();
    return func->Call(store, arguments);
  }

  Engine engine_;
  Linker linker_;
  std::optional<Module> module_;
};

TEST_F(ApiTest, CallsGoBothWays) {
  StoreOf<Notes> store(engine_);
  const Instance instance = Instantiate(store);
  EXPECT_EQ((*Call(store, instance, "double", {Val::I32(21)}))[0].i32(), 42);
  ASSERT_TRUE(Call(store, instance, "call_note").ok());
  EXPECT_EQ(store.data().integer, -1);
  EXPECT_EQ(store.data().single, 1.5f);
  EXPECT_EQ(store.data().real, -2.5);
}

TEST_F(ApiTest, AHostErrorComesOutUnchangedWithTheGuestsFrames) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const absl::Status status = Call(store, instance, "call_fail").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "the disk is gone");
  const std::optional<Trap> trap = GetTrap(status);
  ASSERT_TRUE(trap.has_value());
  EXPECT_EQ(trap->code, "");
  ASSERT_EQ(trap->backtrace.size(), 1u);
  EXPECT_EQ(trap->backtrace[0].module_name, "host");
}

// lessons.md row 13: host and guest frames alternate, and the walk passes all of them.
TEST_F(ApiTest, TrapsThroughNestedCallsShowEveryGuestFrame) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const absl::Status status = Call(store, instance, "nested", {Val::I32(3)}).status();
  const std::optional<Trap> trap = GetTrap(status);
  ASSERT_TRUE(trap.has_value()) << status;
  EXPECT_EQ(trap->message, "unreachable");
  ASSERT_EQ(trap->backtrace.size(), 4u) << trap->ToString();
  for (const Frame& frame : trap->backtrace) {
    EXPECT_EQ(frame.func_name, "nested");
    EXPECT_TRUE(frame.module_offset.has_value());
  }
  // The store is good afterwards.
  EXPECT_EQ((*Call(store, instance, "double", {Val::I32(2)}))[0].i32(), 4);
}

TEST_F(ApiTest, ArgumentsAreChecked) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  absl::Status status = Call(store, instance, "double", {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("takes 1 arguments"));
  status = Call(store, instance, "double", {Val::I64(1)}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("i32 is expected, given is one of type i64"));
  status = instance.GetFunc(store, "memory").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is no function but a memory"));
}

TEST_F(ApiTest, MemoryIsSharedWithTheGuest) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const Memory memory = *instance.GetMemory(store, "memory");
  EXPECT_EQ(*memory.size(store), 1u);
  (*memory.data(store))[65535] = 77;
  EXPECT_EQ((*Call(store, instance, "peek", {Val::I32(65535)}))[0].i32(), 77);
  EXPECT_FALSE(Call(store, instance, "peek", {Val::I32(65536)}).ok());
  EXPECT_EQ(*memory.Grow(store, 1), 1u);
  EXPECT_EQ((*Call(store, instance, "peek", {Val::I32(65536)}))[0].i32(), 0);
  EXPECT_EQ((*Call(store, instance, "grow", {Val::I32(1)}))[0].i32(), 2);
  EXPECT_EQ((*Call(store, instance, "grow", {Val::I32(1)}))[0].i32(), -1);
  EXPECT_EQ(memory.Grow(store, 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(memory.data(store)->size(), 3u * 65536);
}

TEST_F(ApiTest, TablesHoldFunctions) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const Table table = *instance.GetTable(store, "table");
  EXPECT_FALSE(table.Get(store, 0)->func_ref().has_value());
  const Func from_table = *table.Get(store, 1)->func_ref();
  EXPECT_EQ((*from_table.Call(store, {Val::I32(4)}))[0].i32(), 8);
  const Func triple =
      *Func::Create(store, FuncType({ValType::I32()}, {ValType::I32()}),
                    [](Caller&, absl::Span<const Val> arguments, absl::Span<Val> results) {
                      results[0] = Val::I32(3 * arguments[0].i32());
                      return absl::OkStatus();
                    });
  ASSERT_TRUE(table.Set(store, 2, Val::FuncRef(triple)).ok());
  EXPECT_EQ((*Call(store, instance, "indirect", {Val::I32(2), Val::I32(5)}))[0].i32(), 15);
  EXPECT_EQ(GetTrap(Call(store, instance, "indirect", {Val::I32(0), Val::I32(5)}).status())->code,
            "uninit_elem");
  EXPECT_EQ(GetTrap(Call(store, instance, "indirect", {Val::I32(4), Val::I32(5)}).status())->code,
            "undef_elem");
  EXPECT_EQ(*table.Grow(store, 4, Val::FuncRef(triple)), 4u);
  EXPECT_EQ((*Call(store, instance, "indirect", {Val::I32(7), Val::I32(5)}))[0].i32(), 15);
  EXPECT_EQ(table.Get(store, 8).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_FALSE(table.Set(store, 0, Val::I32(1)).ok());
  EXPECT_FALSE(table.Grow(store, 1, Val::FuncRef(std::nullopt)).ok());
}

TEST_F(ApiTest, GlobalsAreReadAndWritten) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const Global counter = *instance.GetGlobal(store, "counter");
  ASSERT_TRUE(Call(store, instance, "bump").ok());
  EXPECT_EQ(counter.Get(store)->i64(), 6);
  ASSERT_TRUE(counter.Set(store, Val::I64(40)).ok());
  ASSERT_TRUE(Call(store, instance, "bump").ok());
  EXPECT_EQ(counter.Get(store)->i64(), 41);
  EXPECT_FALSE(counter.Set(store, Val::I32(1)).ok());
  const Global fixed = *instance.GetGlobal(store, "fixed");
  EXPECT_EQ(fixed.Set(store, Val::I32(1)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ApiTest, ExternRefsKeepTheirValue) {
  Store store(engine_);
  const Instance instance = Instantiate(store);
  const ExternRef reference = *ExternRef::Create(store, std::string("payload"));
  const Val echoed = (*Call(store, instance, "echo", {Val::ExternRef(reference)}))[0];
  EXPECT_EQ(*std::any_cast<std::string>(*echoed.extern_ref()->Get(store)), "payload");
  ASSERT_TRUE(Call(store, instance, "stash", {Val::ExternRef(reference)}).ok());
  const Val stashed = (*Call(store, instance, "unstash"))[0];
  EXPECT_EQ(*std::any_cast<std::string>(*stashed.extern_ref()->Get(store)), "payload");
  EXPECT_FALSE(
      (*Call(store, instance, "echo", {Val::ExternRef(std::nullopt)}))[0].extern_ref().has_value());
}

// lessons.md row 19: a handle of another store is an error, whatever is done with it.
TEST_F(ApiTest, HandlesOfAnotherStoreAreRefused) {
  Store store(engine_);
  Store other(engine_);
  const Instance instance = Instantiate(store);
  const auto refused = [](const absl::Status& status) {
    return status.code() == absl::StatusCode::kInvalidArgument;
  };
  const Func func = *instance.GetFunc(store, "double");
  const Memory memory = *instance.GetMemory(store, "memory");
  const Table table = *instance.GetTable(store, "table");
  const Global global = *instance.GetGlobal(store, "counter");
  const ExternRef reference = *ExternRef::Create(store, 1);
  EXPECT_TRUE(refused(func.Call(other, {Val::I32(1)}).status()));
  EXPECT_TRUE(refused(func.type(other).status()));
  EXPECT_TRUE(refused(memory.data(other).status()));
  EXPECT_TRUE(refused(memory.Grow(other, 1).status()));
  EXPECT_TRUE(refused(table.Get(other, 0).status()));
  EXPECT_TRUE(refused(table.Set(other, 0, Val::FuncRef(std::nullopt))));
  EXPECT_TRUE(refused(global.Get(other).status()));
  EXPECT_TRUE(refused(global.Set(other, Val::I64(1))));
  EXPECT_TRUE(refused(reference.Get(other).status()));
  EXPECT_TRUE(refused(instance.GetFunc(other, "double").status()));
  const Instance second = Instantiate(other);
  EXPECT_TRUE(refused(second.GetTable(other, "table")->Set(other, 0, Val::FuncRef(func))));
  EXPECT_TRUE(refused(Call(other, second, "echo", {Val::ExternRef(reference)}).status()));
  const absl::Status status =
      Instance::Create(other, *module_, {func, func, func, func, func}).status();
  EXPECT_TRUE(refused(status)) << status;
}

TEST_F(ApiTest, ModulesOfAnotherEngineAreRefused) {
  const Engine other = *Engine::Create(Config());
  Store store(other);
  EXPECT_EQ(linker_.Instantiate(store, *module_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Instance::Create(store, *module_, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ApiTest, ImportsAreMatchedByType) {
  Store store(engine_);
  const Module module = *Module::Compile(engine_, ReadModule("imports"));
  ASSERT_EQ(module.imports().size(), 3u);
  Linker linker(engine_);
  EXPECT_THAT(std::string(linker.Instantiate(store, module).status().message()),
              HasSubstr("unknown import: \"env\" \"memory\""));
  MemoryType small;
  small.limits.min = 1;
  const Memory one_page = *Memory::Create(store, small);
  GlobalType number;
  number.content = ValType::I64();
  number.is_mutable = true;
  const Global global = *Global::Create(store, number, Val::I64(123));
  TableType functions;
  functions.limits.min = 1;
  const Table table = *Table::Create(store, functions, Val::FuncRef(std::nullopt));
  ASSERT_TRUE(linker.Define("env", "memory", one_page).ok());
  ASSERT_TRUE(linker.Define("env", "global", global).ok());
  ASSERT_TRUE(linker.Define("env", "table", table).ok());
  EXPECT_EQ(linker.Define("env", "table", table).code(), absl::StatusCode::kAlreadyExists);
  absl::Status status = linker.Instantiate(store, module).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("incompatible import type"));
  EXPECT_EQ(*one_page.Grow(store, 1), 1u);
  const Instance instance = *linker.Instantiate(store, module);
  EXPECT_EQ((*Call(store, instance, "get"))[0].i64(), 123);
}

TEST_F(ApiTest, ArtifactsRunLikeWhatTheyWereMadeFrom) {
  const std::vector<uint8_t> artifact = *module_->Serialize();
  EXPECT_TRUE(Module::IsArtifact(artifact));
  EXPECT_FALSE(Module::IsArtifact(ReadModule("host")));
  module_.emplace(*Module::Deserialize(engine_, artifact));
  Store store(engine_);
  const Instance instance = Instantiate(store);
  EXPECT_EQ((*Call(store, instance, "double", {Val::I32(21)}))[0].i32(), 42);
  EXPECT_EQ(*module_->Serialize(), artifact);
}

TEST_F(ApiTest, PrecompilingGivesTheArtifactAndLoadsNothing) {
  const std::vector<uint8_t> bytes = ReadModule("host");
  EXPECT_EQ(*Module::Precompile(engine_, bytes), *Module::Compile(engine_, bytes)->Serialize());
  EXPECT_EQ(Module::Precompile(engine_, {}).status().code(), absl::StatusCode::kInvalidArgument);

  // For another machine.
  for (const char* target : {"x86_64-linux", "aarch64-linux"}) {
    Config config;
    config.Target(target).WasmFeature(wasm::Feature::kSimd, false);
    config.WasmFeature(wasm::Feature::kRelaxedSimd, false);
    const auto engine = Engine::Create(config);
    if (!engine.ok()) {
      EXPECT_THAT(std::string(engine.status().message()), HasSubstr("--//codegen:isas"));
      continue;
    }
    const auto artifact = Module::Precompile(*engine, bytes);
    ASSERT_TRUE(artifact.ok()) << artifact.status();
    const absl::Status loaded = Module::Deserialize(engine_, *artifact).status();
    EXPECT_TRUE(loaded.ok() || absl::IsFailedPrecondition(loaded)) << loaded;
    EXPECT_EQ(Module::Compile(*engine, bytes).status(), loaded);
  }
}

TEST_F(ApiTest, HostCallableTypesAreDerived) {
  Store store(engine_);
  ASSERT_TRUE(linker_
                  .Func("env", "pair",
                        [](uint32_t a, uint64_t b) { return std::tuple<double, int32_t>(b, a); })
                  .ok());
  const Func pair = std::get<Func>(**linker_.Get(store, "env", "pair"));
  EXPECT_EQ(*pair.type(store),
            FuncType({ValType::I32(), ValType::I64()}, {ValType::F64(), ValType::I32()}));
  const std::vector<Val> results = *pair.Call(store, {Val::I32(7), Val::I64(8)});
  EXPECT_EQ(results[0].f64(), 8.0);
  EXPECT_EQ(results[1].i32(), 7);
}

TEST(ApiConfigTest, ConflictsAreNamedWhenTheEngineIsMade) {
  Config config;
  config.MemoryReservation(~uint64_t{0}).MaxWasmStack(1);
  const absl::Status status = Engine::Create(config).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("MemoryReservation"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("MaxWasmStack"));
  Config winch;
  winch.Compiler(Strategy::kWinch).IncrementalCache(std::make_shared<environ::MemoryCache>(1024));
  EXPECT_THAT(std::string(Engine::Create(winch).status().message()), HasSubstr("winch"));
  Config flag;
  flag.CompilerFlag("no_such_flag", "1");
  EXPECT_THAT(std::string(Engine::Create(flag).status().message()), HasSubstr("no_such_flag"));
  Config target;
  target.Target("riscv64-unknown-linux-gnu");
  EXPECT_FALSE(Engine::Create(target).ok());
}

TEST(ApiFuelTest, StopsAndRefills) {
  const Engine engine = *Engine::Create(Config().ConsumeFuel(true));
  Linker linker(engine);
  const Module module = *Module::Compile(engine, ReadModule("spin"));
  Store store(engine);
  const Instance instance = *linker.Instantiate(store, module);
  const Func spin = *instance.GetFunc(store, "spin");
  ASSERT_TRUE(store.SetFuel(10'000).ok());
  EXPECT_EQ(GetTrap(spin.Call(store, {}).status())->code, "out_of_fuel");
  EXPECT_EQ(*store.GetFuel(), 0u);
  const Func count = *instance.GetFunc(store, "count");
  EXPECT_FALSE(count.Call(store, {Val::I32(10)}).ok());
  ASSERT_TRUE(store.SetFuel(1'000'000).ok());
  ASSERT_TRUE(count.Call(store, {Val::I32(10)}).ok());
  const uint64_t used = 1'000'000 - *store.GetFuel();
  ASSERT_TRUE(store.SetFuel(1'000'000).ok());
  ASSERT_TRUE(count.Call(store, {Val::I32(10)}).ok());
  EXPECT_EQ(1'000'000 - *store.GetFuel(), used);
  Store unmetered(*Engine::Create(Config()));
  EXPECT_EQ(unmetered.GetFuel().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace gantry
