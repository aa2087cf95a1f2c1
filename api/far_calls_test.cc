// Calls and branches whose targets lie out of reach: through veneers, with the same results. Calls
// by padding between the functions, beyond the 128 MiB of AArch64's; with GANTRY_FAR_CALLS set the
// text is close to 4 GiB, so that they reach beyond the 2 GiB of x64's, which takes some 12 GiB of
// memory. Branches by functions of more than 1 MiB, beyond every conditional form of AArch64's.
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

constexpr int kFunctions = 60;

// Each calls all the others, forth and back, down to a depth; through a table too, and traps.
std::string Guest() {
  std::string text = "(module (type $t (func (param i32) (result i64)))\n(table funcref (elem";
  for (int i = 0; i < kFunctions; ++i) absl::StrAppend(&text, " $f", i);
  text += "))\n(memory 1)\n";
  for (int i = 0; i < kFunctions; ++i) {
    absl::StrAppend(&text, "(func $f", i, i == 0 ? " (export \"run\")" : "",
                    " (type $t) (local $sum i64)\n(if (i32.eqz (local.get 0)) (then (return "
                    "(i64.const ",
                    i + 1, "))))\n");
    for (int j = 0; j < kFunctions; ++j) {
      absl::StrAppend(&text,
                      "(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (call $f",
                      j, " (i32.sub (local.get 0) (i32.const 1)))))\n");
    }
    absl::StrAppend(&text,
                    "(i64.xor (local.get $sum) (call_indirect (type $t) (i32.const 0) (i32.const ",
                    kFunctions - 1 - i, "))))\n");
  }
  return text + "(func (export \"trap\") (param i32) (result i64) (i64.load (local.get 0))))";
}

using Flags = std::vector<std::pair<std::string, std::string>>;

// Sections of relocations in an artifact.
int RelocationSections(const std::vector<uint8_t>& artifact) {
  Elf64_Ehdr header;
  CHECK_LE(sizeof header, artifact.size());
  std::memcpy(&header, artifact.data(), sizeof header);
  int count = 0;
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    CHECK_LE(header.e_shoff + (i + 1) * sizeof section, artifact.size());
    std::memcpy(&section, artifact.data() + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type == SHT_REL || section.sh_type == SHT_RELA) ++count;
  }
  return count;
}

// What "run" gives for 2, and how the trap of "trap" reads.
std::pair<int64_t, std::string> Results(Strategy compiler, const Flags& flags) {
  Config config;
  config.Compiler(compiler);
  if (compiler == Strategy::kOptimizing) config.CompilerFlag("inlining", "false");
  for (const auto& [name, value] : flags) config.CompilerFlag(name, value);
  const auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  const auto module = Module::CompileText(*engine, Guest());
  CHECK_OK(module.status());
  // Calls are resolved where the text is built: nothing is left for whoever loads it.
  EXPECT_EQ(RelocationSections(*module->Serialize()), 0);
  Store store(*engine);
  const auto instance = Linker(*engine).Instantiate(store, *module);
  CHECK_OK(instance.status());
  const auto result = instance->GetFunc(store, "run")->Call(store, {Val::I32(2)});
  CHECK_OK(result.status());
  const auto trap = instance->GetFunc(store, "trap")->Call(store, {Val::I32(-1)});
  return {(*result)[0].i64(), std::string(trap.status().message())};
}

class FarCallsTest : public testing::TestWithParam<Strategy> {};

TEST_P(FarCallsTest, ResultsAreTheSameWithVeneers) {
  const auto expected = Results(GetParam(), {});
  EXPECT_NE(expected.second.find("out of bounds"), std::string::npos) << expected.second;
  EXPECT_EQ(Results(GetParam(), {{"force_jump_veneer", "true"}}), expected);
  EXPECT_EQ(Results(GetParam(), {{"padding", "100000"}}), expected);
  EXPECT_EQ(Results(GetParam(), {{"padding", "100000"}, {"force_jump_veneer", "true"}}), expected);
}

TEST_P(FarCallsTest, BeyondTheReachOfABranch) {
#if defined(__x86_64__)
  GTEST_SKIP() << "everything up to 2 GiB is within reach of x64's";
#endif
  // 142 MiB in all.
  EXPECT_EQ(Results(GetParam(), {{"padding", "2400000"}}), Results(GetParam(), {}));
}

TEST_P(FarCallsTest, BeyondTwoGibibytes) {
  if (std::getenv("GANTRY_FAR_CALLS") == nullptr) {
    GTEST_SKIP() << "GANTRY_FAR_CALLS is not set: it takes 12 GiB of memory";
  }
  EXPECT_EQ(Results(GetParam(), {{"padding", "39000000"}, {"unwind_info", "false"}}),
            Results(GetParam(), {}));
}

// One step of what the large functions below do, in text and here.
constexpr uint32_t kFactor = 0x9E3779B1;
uint32_t Constant(uint32_t step) { return (step * 2654435761u) | 0x01010101; }

std::string Steps(uint32_t count) {
  std::string text;
  for (uint32_t step = 0; step < count; ++step) {
    absl::StrAppend(&text,
                    "(local.set $a (i32.xor (i32.mul (local.get $a) (local.get $f)) (i32.const ",
                    static_cast<int32_t>(Constant(step)), ")))\n");
  }
  return text;
}

uint32_t AfterSteps(uint32_t a, uint32_t count) {
  for (uint32_t step = 0; step < count; ++step) a = (a * kFactor) ^ Constant(step);
  return a;
}

// A way around `count` steps, forward, and back over them, by each kind of condition that has a
// short form: (export "run") (param i32 x, i32 y) -> i32.
struct FarBranch {
  std::string name;
  // Of $x and $y.
  std::string condition;
  uint32_t count;
  bool (*holds)(uint32_t x, uint32_t y);
};

const FarBranch kFarBranches[] = {
    // 14 bits: 32 KiB.
    {"bit", "(i32.and (local.get $x) (i32.const 8))", 6'000,
     [](uint32_t x, uint32_t) { return (x & 8) != 0; }},
    {"sign", "(i32.lt_s (local.get $x) (i32.const 0))", 6'000,
     [](uint32_t x, uint32_t) { return x >> 31 != 0; }},
    // 19 bits: 1 MiB.
    {"zero", "(local.get $x)", 90'000, [](uint32_t x, uint32_t) { return x != 0; }},
    {"flags", "(i32.lt_u (local.get $x) (local.get $y))", 90'000,
     [](uint32_t x, uint32_t y) { return x < y; }},
};

// Steps are passed by where the condition holds; then done, and done again once more where it
// holds.
std::string Branches(const FarBranch& branch) {
  const std::string steps = Steps(branch.count);
  return absl::StrCat(
      "(module (func (export \"run\") (param $x i32) (param $y i32) (result i32)\n"
      "(local $a i32) (local $f i32) (local $again i32)\n(local.set $f (i32.const ",
      static_cast<int32_t>(kFactor), "))\n(block (br_if 0 ", branch.condition, ")\n", steps,
      ")\n(loop\n", steps,
      "(local.set $again (i32.add (local.get $again) (i32.const 1)))\n(if (i32.lt_u (local.get "
      "$again) "
      "(i32.const 2)) (then (br_if 1 ",
      branch.condition, "))))\n(local.get $a)))");
}

TEST_P(FarCallsTest, BranchesBeyondTheirReach) {
  Config config;
  config.Compiler(GetParam());
  const auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  for (const FarBranch& branch : kFarBranches) {
    const auto module = Module::CompileText(*engine, Branches(branch));
    ASSERT_TRUE(module.ok()) << branch.name << ": " << module.status();
    Store store(*engine);
    const auto instance = Linker(*engine).Instantiate(store, *module);
    CHECK_OK(instance.status());
    for (const auto& [x, y] : {std::pair(0u, 0u), std::pair(8u, 9u), std::pair(9u, 8u),
                               std::pair(0x80000000u, 1u), std::pair(7u, 0xFFFFFFFFu)}) {
      const bool holds = branch.holds(x, y);
      uint32_t expected = 0;
      if (!holds) expected = AfterSteps(expected, branch.count);
      for (int round = 0; round < (holds ? 2 : 1); ++round) {
        expected = AfterSteps(expected, branch.count);
      }
      const auto result =
          instance->GetFunc(store, "run")
              ->Call(store, {Val::I32(static_cast<int32_t>(x)), Val::I32(static_cast<int32_t>(y))});
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(static_cast<uint32_t>((*result)[0].i32()), expected)
          << branch.name << " of " << x << " and " << y;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Compilers, FarCallsTest,
                         testing::Values(Strategy::kOptimizing, Strategy::kWinch),
                         [](const auto& info) {
                           return info.param == Strategy::kWinch ? "Winch" : "Optimizing";
                         });

}  // namespace
}  // namespace gantry
