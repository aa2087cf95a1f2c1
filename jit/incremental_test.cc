// Incremental compilation end to end: artifacts with a cache are the same bytes as without, what
// did not change is not compiled again, what did is, and no store's contents can do harm.
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "environ/cache/memory_cache.h"
#include "gtest/gtest.h"
#include "jit/compile.h"
#include "jit/incremental_testing.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/module_generator.h"

namespace gantry::jit {
namespace {

using environ::Compiler;
using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;
using wasm::testing::ModuleBuilder;

std::vector<uint8_t> GoldenModule() {
  std::ifstream file("wasm_translate/testdata/translator.wasm", std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<uint8_t> Compiled(const Compiler& compiler, const std::vector<uint8_t>& module,
                              uint32_t threads = 1) {
  auto artifact = CompileWith(compiler, module, threads);
  CHECK_OK(artifact.status());
  return *std::move(artifact);
}

// What a module of a few functions has that a test changes.
struct Shape {
  // Of the function that others inline.
  int64_t inlined_constant = 7;
  // Operators that it has besides; many make it too large to be inlined.
  int inlined_length = 1;
  int64_t other_constant = 11;
  std::string name = "one";
  std::string export_name = "sum";
  bool more_functions = false;
  std::string data = "data";
  std::string custom = "custom";
};

// Functions: 0 a small one, 1 that calls it twice, 2 and 3 equal but for their place, 4 that calls
// itself, 5 that calls 4 with the same code. Since a function that calls itself is inlined into
// itself to another depth, those two take each other's place in the first level.
std::vector<uint8_t> ModuleOf(const Shape& shape) {
  ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I64()}, {ValType::I64()});
  builder.Memory(1);
  CodeBuilder small;
  small.LocalGet(0).I64Const(shape.inlined_constant).Op(Opcode::kI64Add);
  for (int i = 0; i < shape.inlined_length; ++i) {
    small.LocalGet(0).Op(Opcode::kI64Xor).LocalGet(0).Op(Opcode::kI64Mul);
  }
  if (shape.more_functions) builder.Func(type, CodeBuilder().LocalGet(0).Op(Opcode::kI64Clz));
  const wasm::FuncIndex inlined = builder.Func(type, small);
  const wasm::FuncIndex caller = builder.Func(
      type, CodeBuilder().LocalGet(0).Call(inlined).Call(inlined).I64Const(3).Op(Opcode::kI64Or));
  for (int i = 0; i < 2; ++i) {
    CodeBuilder equal;
    equal.LocalGet(0).I64Const(shape.other_constant).Op(Opcode::kI64DivS);
    for (int j = 0; j < 40; ++j)
      equal.LocalGet(0).Op(Opcode::kI64Xor).LocalGet(0).Op(Opcode::kI64Sub);
    builder.Func(type, equal);
  }
  const wasm::FuncIndex self(inlined.raw() + 4);
  for (int i = 0; i < 2; ++i) {
    builder.Func(type, CodeBuilder()
                           .LocalGet(0)
                           .Op(Opcode::kI64Eqz)
                           .Open(Opcode::kIf, ValType::I64())
                           .I64Const(0)
                           .Else()
                           .LocalGet(0)
                           .I64Const(1)
                           .Op(Opcode::kI64Sub)
                           .Call(self)
                           .I64Const(2)
                           .Op(Opcode::kI64Add)
                           .End());
  }
  builder.ExportFunc(shape.export_name, caller);
  builder.ActiveData(wasm::MemoryIndex(0), CodeBuilder().I32Const(0), shape.data);
  builder.FunctionName(caller, shape.name);
  builder.CustomSection("something", shape.custom);
  return builder.Build();
}

TEST(IncrementalTest, ArtifactsAreTheSameBytesWithAndWithoutACache) {
  std::vector<std::vector<uint8_t>> modules = {GoldenModule(), ModuleOf({})};
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const std::vector<uint8_t> random = wasm::testing::RandomBytes(seed, 4096);
    wasm::testing::ByteSource source(random);
    wasm::testing::GeneratorOptions options;
    options.profile = wasm::testing::GeneratorOptions::Profile::kExecutable;
    modules.push_back(wasm::testing::GenerateModule(source, options));
  }
  for (const CompilerSettings& settings :
       {CompilerSettings{}, CompilerSettings{{"opt_level", "none"}},
        CompilerSettings{{"inlining", "false"}, {"force_spilling", "true"}}}) {
    const auto plain = MakeCompiler(nullptr, settings);
    const auto cache = std::make_shared<environ::MemoryCache>(256 << 20);
    const auto first = MakeCompiler(cache, settings);
    const auto second = MakeCompiler(cache, settings);
    for (const std::vector<uint8_t>& module : modules) {
      const auto expected = CompileWith(*plain, module);
      for (const Compiler* compiler : {plain.get(), first.get(), second.get(), second.get()}) {
        for (const uint32_t threads : {1, 2, 8}) {
          const auto actual = CompileWith(*compiler, module, threads);
          ASSERT_EQ(expected.status(), actual.status());
          if (expected.ok()) {
            ASSERT_TRUE(*expected == *actual) << "threads " << threads;
          }
        }
      }
    }
    // Functions that can't be compiled are not kept.
    EXPECT_GT(CountsOf(*second).by_body, 0u);
  }
}

class ChangeTest : public testing::Test {
 protected:
  // Compiles the plain shape, then the changed one: counts of the second.
  CacheCounts After(const Shape& changed, const CompilerSettings& settings = {}) {
    const auto cache = std::make_shared<environ::MemoryCache>(64 << 20);
    Compiled(*MakeCompiler(cache), ModuleOf({}));
    const auto second = MakeCompiler(cache, settings);
    const std::vector<uint8_t> module = ModuleOf(changed);
    EXPECT_TRUE(Compiled(*second, module) == Compiled(*MakeCompiler(nullptr, settings), module));
    return CountsOf(*second);
  }
};

TEST_F(ChangeTest, EqualFunctionsOfAModuleAreCompiledOnce) {
  const auto cache = std::make_shared<environ::MemoryCache>(64 << 20);
  const auto compiler = MakeCompiler(cache);
  Compiled(*compiler, ModuleOf({}));
  const CacheCounts counts = CountsOf(*compiler);
  EXPECT_EQ(counts.lookups, 6u);
  EXPECT_EQ(counts.by_body, 1u) << "the second of the equal ones; of those that call the same "
                                   "function only one calls itself";
  EXPECT_EQ(counts.compiled() + counts.by_stencil, 5u);
}

TEST_F(ChangeTest, WhatIsUnchangedIsFoundByItsBody) {
  for (const Shape& shape :
       {Shape{}, Shape{.name = "another"}, Shape{.custom = "other"}, Shape{.data = "other data"}}) {
    const CacheCounts counts = After(shape);
    EXPECT_EQ(counts.by_body, 4u);
    EXPECT_EQ(counts.compiled(), 0u);
  }
}

TEST_F(ChangeTest, AChangedBodyIsCompiledAndNothingElse) {
  const CacheCounts counts = After({.other_constant = 12});
  EXPECT_EQ(counts.by_body, 3u) << "the second of the two that changed alike is found, too";
  EXPECT_EQ(counts.compiled(), 1u);
}

TEST_F(ChangeTest, AChangedCalleeIsAChangedCallerWhereItIsInlined) {
  CacheCounts counts = After({.inlined_constant = 8});
  EXPECT_EQ(counts.compiled(), 2u);
  EXPECT_EQ(counts.by_body, 2u);
  // Now it is not inlined any more.
  counts = After({.inlined_length = 200});
  EXPECT_EQ(counts.compiled(), 2u);
  EXPECT_EQ(counts.by_body, 2u);
  EXPECT_EQ(After({.inlined_constant = 8}, {{"inlining", "false"}}).compiled(), 4u)
      << "another setting: nothing is found but the second of equal ones";
}

TEST_F(ChangeTest, WhatMovedIsFoundByItsStencil) {
  // Another export name is another module as far as bodies are concerned.
  CacheCounts counts = After({.export_name = "sun"});
  EXPECT_EQ(counts.compiled(), 0u);
  EXPECT_GE(counts.by_stencil, 5u);
  // A function in front moves all, and gives them other numbers.
  counts = After({.more_functions = true});
  EXPECT_EQ(counts.lookups, 7u);
  EXPECT_LE(counts.compiled(), 1u);
}

// Where memory and globals are in the context does not depend on what else a module has.
TEST(IncrementalTest, EqualCodeIsFoundInModulesThatImportMore) {
  const auto module_with = [](bool more) {
    ModuleBuilder builder;
    if (more) builder.Type({ValType::F64()}, {});
    const wasm::TypeIndex type = builder.Type({ValType::I32()}, {ValType::I64()});
    for (int i = 0; more && i < 3; ++i) builder.ImportFunc("host", absl::StrCat(i), type);
    if (more) {
      wasm::TableType table;
      table.element = ValType::FuncRef();
      table.limits.min = 2;
      builder.Table(table);
    }
    builder.Memory(more ? 3 : 1);
    wasm::GlobalType counter;
    counter.content = ValType::I64();
    counter.is_mutable = true;
    for (int i = 0; i < (more ? 3 : 1); ++i) {
      builder.Global(counter, CodeBuilder().I64Const(i));
    }
    const wasm::FuncIndex callee = builder.Func(
        type,
        CodeBuilder().LocalGet(0).Memory(Opcode::kI64Load, 8).GlobalGet(0).Op(Opcode::kI64DivU));
    builder.Func(type, CodeBuilder().LocalGet(0).Call(callee).I64Const(5).Op(Opcode::kI64Mul));
    return builder.Build();
  };
  for (const CompilerSettings& settings :
       {CompilerSettings{}, CompilerSettings{{"inlining", "false"}}}) {
    const auto cache = std::make_shared<environ::MemoryCache>(64 << 20);
    Compiled(*MakeCompiler(cache, settings), module_with(false));
    const auto second = MakeCompiler(cache, settings);
    EXPECT_TRUE(Compiled(*second, module_with(true)) ==
                Compiled(*MakeCompiler(nullptr, settings), module_with(true)));
    const CacheCounts counts = CountsOf(*second);
    EXPECT_EQ(counts.lookups, 2u);
    EXPECT_EQ(counts.by_stencil, 2u);
  }
}

TEST_F(ChangeTest, OtherSettingsAndFeaturesFindNothing) {
  for (const CompilerSettings& settings :
       {CompilerSettings{{"opt_level", "none"}}, CompilerSettings{{"unwind_info", "false"}},
        CompilerSettings{{"has_bmi2", "false"}}, CompilerSettings{{"inline_cost", "0"}}}) {
    const auto fresh = MakeCompiler(std::make_shared<OpenCache>());
    Compiled(*fresh, ModuleOf({}));
    const auto cache = std::make_shared<OpenCache>();
    Compiled(*MakeCompiler(cache, settings), ModuleOf({}));
    const auto other = MakeCompiler(cache);
    Compiled(*other, ModuleOf({}));
    EXPECT_EQ(CountsOf(*other).compiled(), CountsOf(*fresh).compiled()) << settings[0].first;
  }
}

TEST(IncrementalTest, CountingRunsOfPassesDoesNotGoWithIt) {
  auto builder = NewCompilerBuilder(Strategy::kOptimizing);
  ASSERT_TRUE(builder.ok());
  ASSERT_TRUE(
      (*builder)->EnableIncrementalCompilation(std::make_shared<environ::MemoryCache>(1000)).ok());
  ASSERT_TRUE((*builder)->Set("pass_bisect_limit", "10").ok());
  EXPECT_EQ((*builder)->Build().status().code(), absl::StatusCode::kFailedPrecondition);
}

// Damage is found by the digest, or, where the digest fits, by the decoder.
TEST(IncrementalTest, DamagedEntriesAreCompiledAgain) {
  const auto cache = std::make_shared<OpenCache>();
  const std::vector<uint8_t> module = ModuleOf({});
  const std::vector<uint8_t> expected = Compiled(*MakeCompiler(cache), module);
  const std::map<std::string, std::string> good = cache->entries();
  const auto damage = [&](auto change) {
    cache->entries() = good;
    for (auto& [key, value] : cache->entries()) change(value);
    EXPECT_TRUE(Compiled(*MakeCompiler(cache), module) == expected);
  };
  for (size_t at = 0; at < 400; at += 3) {
    damage([&](std::string& value) { value[at % value.size()] ^= static_cast<char>(1 << at % 8); });
  }
  for (size_t size = 0; size < 300; size += 7) {
    damage([&](std::string& value) { value.resize(std::min(size, value.size())); });
  }
  damage([](std::string& value) { value += "x"; });
  // One entry's value under another's key.
  cache->entries() = good;
  std::string first = cache->entries().begin()->second;
  for (auto& [key, value] : cache->entries()) std::swap(value, first);
  EXPECT_TRUE(Compiled(*MakeCompiler(cache), module) == expected);
}

}  // namespace
}  // namespace gantry::jit
