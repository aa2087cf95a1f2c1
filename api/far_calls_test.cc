// Calls whose targets lie out of reach, by padding between the functions: through veneers, with the
// same results. With GANTRY_FAR_CALLS set the text is close to 4 GiB, so that calls reach beyond
// the 2 GiB of x64's; that takes some 12 GiB of memory.
#include <cstdint>
#include <cstdlib>
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

// What "run" gives for 2, and how the trap of "trap" reads.
std::pair<int64_t, std::string> Results(
    const std::vector<std::pair<std::string, std::string>>& flags) {
  Config config;
  config.CompilerFlag("inlining", "false");
  for (const auto& [name, value] : flags) config.CompilerFlag(name, value);
  const auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  const auto module = Module::CompileText(*engine, Guest());
  CHECK_OK(module.status());
  Store store(*engine);
  const auto instance = Linker(*engine).Instantiate(store, *module);
  CHECK_OK(instance.status());
  const auto result = instance->GetFunc(store, "run")->Call(store, {Val::I32(2)});
  CHECK_OK(result.status());
  const auto trap = instance->GetFunc(store, "trap")->Call(store, {Val::I32(-1)});
  return {(*result)[0].i64(), std::string(trap.status().message())};
}

TEST(FarCallsTest, ResultsAreTheSameWithVeneers) {
  const auto expected = Results({});
  EXPECT_NE(expected.second.find("out of bounds"), std::string::npos) << expected.second;
  EXPECT_EQ(Results({{"force_jump_veneer", "true"}}), expected);
  EXPECT_EQ(Results({{"padding", "100000"}}), expected);
  EXPECT_EQ(Results({{"padding", "100000"}, {"force_jump_veneer", "true"}}), expected);
}

TEST(FarCallsTest, BeyondTwoGibibytes) {
  if (std::getenv("GANTRY_FAR_CALLS") == nullptr) {
    GTEST_SKIP() << "GANTRY_FAR_CALLS is not set: it takes 12 GiB of memory";
  }
  const auto expected = Results({});
  EXPECT_EQ(Results({{"padding", "39000000"}, {"unwind_info", "false"}}), expected);
}

}  // namespace
}  // namespace gantry
