// The manager without guests: requests, publication, refusals, failures of memory, dropping. What
// guests see of it is in //api:tier_up_test.
#include "jit/tier_manager.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/testing/failures.h"
#include "gtest/gtest.h"
#include "jit/compile.h"
#include "jit/load.h"
#include "runtime/engine.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::jit {
namespace {

using runtime::CodeObject;
using runtime::TierTable;
using wasm::DefinedFuncIndex;
using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;

constexpr uint32_t kFunctions = 5;

environ::Tunables TestTunables() {
  environ::Tunables tunables = runtime::HostTunables();
  tunables.tier_up = true;
  return tunables;
}

std::unique_ptr<environ::Compiler> MakeCompiler(Strategy strategy) {
  auto builder = NewCompilerBuilder(strategy);
  CHECK_OK(builder.status());
  CHECK_OK((*builder)->SetTunables(TestTunables()));
  auto compiler = (*builder)->Build();
  CHECK_OK(compiler.status());
  return *std::move(compiler);
}

// Functions that call the one before, divide, and name themselves.
std::vector<uint8_t> ModuleBytes() {
  wasm::testing::ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  builder.Memory(1);
  for (uint32_t i = 0; i < kFunctions; ++i) {
    CodeBuilder code;
    code.LocalGet(0);
    if (i > 0) code.Call(wasm::FuncIndex(i - 1));
    code.LocalGet(0).Op(Opcode::kI32DivU).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Add);
    builder.ExportFunc(std::string(1, static_cast<char>('a' + i)), builder.Func(type, code));
  }
  return builder.Build();
}

TierOptions TestOptions() {
  TierOptions options;
  options.translation.tunables = TestTunables();
  options.threads = TierOptions::kNoThreads;
  options.register_unwind_info = true;
  return options;
}

// A module as an engine loads it.
struct Loaded {
  explicit Loaded(const TierManager& manager, absl::Span<const uint8_t> artifact) {
    const environ::Tunables tunables = TestTunables();
    auto loaded = LoadArtifact(artifact, {.tunables = &tunables});
    CHECK_OK(loaded.status());
    code = *std::move(loaded);
    std::vector<const void*> codes;
    for (uint32_t i = 0; i < kFunctions; ++i) codes.push_back(Baseline(i));
    table = *TierTable::Create(codes, 1);
    tier_up = manager.NewModule(code, environ::ModuleId(0));
    tier_up->Start(table);
  }
  const void* Baseline(uint32_t function) const {
    return code->FunctionByKey(
        environ::FuncKey::WasmFunction(environ::ModuleId(0), DefinedFuncIndex(function)));
  }
  bool IsOptimized(uint32_t function) const {
    return table->Code(DefinedFuncIndex(function)) != Baseline(function);
  }

  std::shared_ptr<const CodeObject> code;
  std::shared_ptr<TierTable> table;
  std::shared_ptr<runtime::TierUp> tier_up;
};

class TierManagerTest : public testing::Test {
 protected:
  TierManagerTest() {
    CompileOptions options;
    options.translation.tunables = TestTunables();
    auto artifact = CompileModule(*MakeCompiler(Strategy::kWinch), ModuleBytes(), options);
    CHECK_OK(artifact.status());
    artifact_ = *std::move(artifact);
  }

  std::vector<uint8_t> artifact_;
};

TEST_F(TierManagerTest, PublishesRegisteredCodeWithItsTables) {
  TierManager manager(MakeCompiler(Strategy::kOptimizing), TestOptions());
  Loaded module(manager, artifact_);
  std::vector<const CodeObject*> heard;
  module.tier_up->Listen([&](const CodeObject& code) { heard.push_back(&code); });
  for (const uint32_t function : {1, 3, 3}) module.tier_up->Request(DefinedFuncIndex(function));
  EXPECT_EQ(manager.stats().requested, 2u);
  EXPECT_FALSE(module.IsOptimized(1));
  manager.CompileNow();
  manager.Wait();
  EXPECT_EQ(manager.stats().optimized, 2u);
  for (uint32_t i = 0; i < kFunctions; ++i) EXPECT_EQ(module.IsOptimized(i), i == 1 || i == 3) << i;

  const void* entry = module.table->Code(DefinedFuncIndex(3));
  const uintptr_t pc = reinterpret_cast<uintptr_t>(entry);
  const CodeObject* code = CodeObject::Find(pc);
  ASSERT_NE(code, nullptr);
  EXPECT_EQ(heard, std::vector<const CodeObject*>({code}));
  EXPECT_TRUE(code->is_added());
  EXPECT_EQ(code->num_modules(), 1u);
  EXPECT_EQ(&code->module(environ::ModuleId(0)), &module.code->module(environ::ModuleId(0)));
  const environ::FunctionRecord* record = code->FindFunction(pc);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->func_key(),
            environ::FuncKey::WasmFunction(environ::ModuleId(0), DefinedFuncIndex(3)));
  EXPECT_FALSE(code->tables().trap_offsets.empty());
  EXPECT_FALSE(code->tables().address_offsets.empty());
  EXPECT_EQ(manager.stats().code_bytes, code->text().size());

  // All that is asked for later, and a listener that comes later hears of everything.
  heard.clear();
  module.tier_up->Request(DefinedFuncIndex(0));
  manager.CompileNow();
  module.tier_up->Listen([&](const CodeObject& added) { heard.push_back(&added); });
  EXPECT_EQ(heard.size(), 1u + 2u);
}

TEST_F(TierManagerTest, WhatIsDroppedIsRefused) {
  std::optional<TierManager> manager(std::in_place, MakeCompiler(Strategy::kOptimizing),
                                     TestOptions());
  Loaded first(*manager, artifact_);
  Loaded second(*manager, artifact_);
  for (uint32_t i = 0; i < kFunctions; ++i) {
    first.tier_up->Request(DefinedFuncIndex(i));
    second.tier_up->Request(DefinedFuncIndex(i));
  }
  first.tier_up->Stop();
  EXPECT_EQ(manager->stats().refused, kFunctions);
  manager->CompileNow();
  EXPECT_EQ(manager->stats().optimized, kFunctions);
  Loaded third(*manager, artifact_);
  third.tier_up->Request(DefinedFuncIndex(0));
  manager.reset();
  // Nobody is there any more.
  third.tier_up->Request(DefinedFuncIndex(0));
  third.tier_up->Request(DefinedFuncIndex(1));
  EXPECT_FALSE(third.IsOptimized(0));
  EXPECT_TRUE(second.IsOptimized(0));
}

TEST_F(TierManagerTest, AnArtifactWithoutItsModuleStaysAsItIs) {
  TierManager manager(MakeCompiler(Strategy::kOptimizing), TestOptions());
  CodeObject::Parts parts;
  Loaded module(manager, artifact_);
  // The same code as if its artifact had not kept the bytes.
  parts.text = module.code->text().first(0);
  parts.modules = module.code->modules();
  parts.data = {module.code->data(environ::ModuleId(0))};
  parts.owner = module.code;
  const std::shared_ptr<const CodeObject> stripped = *CodeObject::Create(std::move(parts));
  EXPECT_TRUE(stripped->wasm(environ::ModuleId(0)).empty());
  module.tier_up = manager.NewModule(stripped, environ::ModuleId(0));
  module.tier_up->Start(module.table);
  module.tier_up->Request(DefinedFuncIndex(0));
  manager.CompileNow();
  EXPECT_EQ(manager.stats().refused, 1u);
  EXPECT_FALSE(module.IsOptimized(0));
}

class TierFailuresTest : public TierManagerTest,
                         public testing::WithParamInterface<FailureKinds> {};

TEST_P(TierFailuresTest, EachLeavesBaselineCodeAndNothingLeaks) {
  uint64_t refused = 0, optimized = 0;
  const auto run = [&](FailureKinds kinds, uint64_t n) {
    TierManager manager(MakeCompiler(Strategy::kOptimizing), TestOptions());
    Loaded module(manager, artifact_);
    bool happened = false;
    {
      FailNth fail(kinds, n);
      for (uint32_t i = 0; i < kFunctions; ++i) module.tier_up->Request(DefinedFuncIndex(i));
      manager.CompileNow();
      happened = fail.happened();
    }
    const TierStats stats = manager.stats();
    EXPECT_EQ(stats.requested, kFunctions);
    EXPECT_EQ(stats.optimized + stats.refused, kFunctions);
    uint64_t published = 0;
    for (uint32_t i = 0; i < kFunctions; ++i) published += module.IsOptimized(i);
    EXPECT_EQ(published, stats.optimized);
    refused += stats.refused;
    optimized += stats.optimized;
    return happened;
  };
  // What is made once for the process.
  run(0, 0);
  run(0, 0);
  const int64_t mapped = CurrentHoldings().mapped_bytes;
  refused = optimized = 0;
  uint64_t failures = 0;
  while (run(GetParam(), failures + 1)) ++failures;
  EXPECT_GT(failures, 0u);
  EXPECT_GT(refused, 0u);
  EXPECT_GT(optimized, 0u);
  EXPECT_EQ(CurrentHoldings().mapped_bytes, mapped);
}

INSTANTIATE_TEST_SUITE_P(All, TierFailuresTest, testing::Values(kAllocations, kMappings));

}  // namespace
}  // namespace gantry::jit
