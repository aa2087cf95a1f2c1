#include "jit/composite_compiler.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "jit/compile.h"
#include "jit/compile_estimate.h"

namespace gantry::jit {
namespace {

// Functions of type [] -> []: the first one is empty, the second one drops twenty constants.
std::vector<uint8_t> SmallAndLarge() {
  std::vector<uint8_t> bytes = {0, 'a', 's', 'm', 1, 0,  0,  0, 1, 4, 1,  0x60, 0, 0,
                                3, 3,   2,   0,   0, 10, 67, 2, 2, 0, 11, 62,   0};
  for (int i = 0; i < 20; ++i) bytes.insert(bytes.end(), {0x41, 0, 0x1A});
  bytes.push_back(11);
  return bytes;
}

std::unique_ptr<environ::Compiler> Build(const CompilerOptions& options) {
  auto builder = NewCompilerBuilder(options);
  EXPECT_TRUE(builder.ok()) << builder.status();
  (*builder)->EnableTiming();
  auto compiler = (*builder)->Build();
  EXPECT_TRUE(compiler.ok()) << compiler.status();
  return *std::move(compiler);
}

CompilerOptions Mixed(uint64_t seed) {
  CompilerOptions options;
  options.strategy = Strategy::kMixed;
  options.mixed_seed = seed;
  return options;
}

CompilerOptions Budget(uint64_t units) {
  CompilerOptions options;
  options.compile_budget = units;
  return options;
}

CompileOptions Threads(uint32_t threads) {
  CompileOptions options;
  options.threads = threads;
  return options;
}

// The functions that Timing says the baseline compiler made, with their estimates.
std::set<std::pair<std::string, uint64_t>> BeyondBudget(const environ::Compiler& compiler) {
  std::set<std::pair<std::string, uint64_t>> functions;
  for (const environ::PhaseTime& phase : compiler.Timing()) {
    if (phase.is_part && !phase.note.empty() && phase.name.rfind("winch: wasm", 0) == 0) {
      functions.emplace(phase.name, phase.work);
    }
  }
  return functions;
}

TEST(CompileEstimateTest, CountsWhatCanBeReached) {
  const std::vector<uint8_t> bytes = SmallAndLarge();
  const auto module = environ::ModuleTranslation::Parse(bytes, environ::ModuleId(0), {});
  ASSERT_TRUE(module.ok()) << module.status();
  const auto& bodies = (*module)->parsed.bodies;
  EXPECT_EQ(CompileEstimate(**module, bodies[wasm::DefinedFuncIndex(0)]), 0u);
  EXPECT_EQ(CompileEstimate(**module, bodies[wasm::DefinedFuncIndex(1)]), 40u);
  for (const wasm::FunctionBody& body : bodies) {
    EXPECT_LE(CompileEstimate(**module, body), MaxCompileEstimate(**module, body));
  }
}

TEST(CompositeCompilerTest, FunctionsBeyondTheBudgetAreTheBaselineCompilers) {
  const std::vector<uint8_t> bytes = SmallAndLarge();
  const auto compiler = Build(Budget(39));
  ASSERT_TRUE(CompileModule(*compiler, bytes, {}).ok());
  EXPECT_EQ(BeyondBudget(*compiler),
            (std::set<std::pair<std::string, uint64_t>>{{"winch: wasm[0]::function[1]", 40}}));

  const auto generous = Build(Budget(40));
  const auto within = CompileModule(*generous, bytes, {});
  ASSERT_TRUE(within.ok()) << within.status();
  EXPECT_TRUE(BeyondBudget(*generous).empty());
  // Within the budget nothing is different.
  const auto alone = Build(Budget(0));
  EXPECT_EQ(*within, *CompileModule(*alone, bytes, {}));
}

TEST(CompositeCompilerTest, MixedModulesAreTheSameForTheSameSeed) {
  const std::vector<uint8_t> bytes = SmallAndLarge();
  std::set<std::vector<uint8_t>> artifacts;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const auto first = CompileModule(*Build(Mixed(seed)), bytes, Threads(1));
    const auto second = CompileModule(*Build(Mixed(seed)), bytes, Threads(2));
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(*first, *second);
    artifacts.insert(*first);
  }
  // Two functions by two compilers.
  EXPECT_EQ(artifacts.size(), 4u);
}

}  // namespace
}  // namespace gantry::jit
