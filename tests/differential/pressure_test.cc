// More operands than there are registers, of every kind and made in every way, over everything that
// changes a local or takes registers of its own: both compilers say the same.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

struct Type {
  absl::string_view name;
  // From an i64, to an i64, and a constant.
  absl::string_view make;
  absl::string_view read;
  absl::string_view constant;
};
constexpr Type kTypes[] = {
    {"i32", "i32.wrap_i64", "i64.extend_i32_u", "i32.const 77"},
    {"i64", "", "", "i64.const 77"},
    {"f32", "f32.convert_i64_s", "i32.reinterpret_f32 i64.extend_i32_u", "f32.const 7.5"},
    {"f64", "f64.convert_i64_s", "i64.reinterpret_f64", "f64.const 7.5"},
    {"v128", "i64x2.splat", "i64x2.extract_lane 1", "v128.const i64x2 7 8"},
    // From tables of which the first entry is null.
    {"funcref", "i32.wrap_i64 i32.const 1 i32.and table.get $functions",
     "ref.is_null i64.extend_i32_u", "ref.null func"},
    {"externref", "i32.wrap_i64 i32.const 1 i32.and table.get $externs",
     "ref.is_null i64.extend_i32_u", "ref.null extern"},
};

// Of the local $x that operands stand for; CONST is the type's constant.
constexpr absl::string_view kChanges[] = {
    "CONST local.set $x",
    "local.get $y local.set $x",
    "CONST local.tee $x drop",
    "local.get $y local.tee $x drop local.get $x local.set $y",
    "block CONST local.set $x end",
    "loop CONST local.set $x end",
    "local.get $p i32.wrap_i64 if CONST local.set $x else local.get $y local.set $x end",
    "call $nothing CONST local.set $x",
    "local.get $p local.get $q i64.const 1 i64.or i64.div_s local.set $p CONST local.set $x",
    "local.get $p local.get $q i64.shl local.set $q CONST local.set $x",
    "i32.const 0 local.get $p i32.wrap_i64 i32.const 16 memory.fill CONST local.set $x",
};

// How the operand at a position is made.
constexpr absl::string_view kOperands[] = {
    "local.get $x",
    "local.get $y",
    "local.get $p i64.const 5 i64.add MAKE",
};
constexpr size_t kWays = 4;
absl::string_view OperandAt(size_t way, int position) {
  return kOperands[way < 3 ? way : static_cast<size_t>(position) % 3];
}

std::vector<int> Counts() {
  std::vector<int> counts;
  for (int count = 1; count <= 40; ++count) counts.push_back(count);
  counts.push_back(100);
  return counts;
}

std::string Replaced(absl::string_view text, const Type& type) {
  std::string out(text.data(), text.size());
  for (const auto& [name, with] :
       {std::pair("CONST", type.constant), std::pair("MAKE", type.make)}) {
    for (size_t at = out.find(name); at != std::string::npos; at = out.find(name)) {
      out.replace(at, std::string(name).size(), std::string(with.data(), with.size()));
    }
  }
  return out;
}

std::string ModuleOf(const Type& type, absl::string_view change, size_t way) {
  std::string text =
      "(module (import \"host\" \"extern\" (func $extern (result externref))) (memory 1)\n"
      "(table $functions 2 funcref) (table $externs 2 externref) (func $nothing)\n"
      "(elem (table $functions) (i32.const 1) func $nothing)\n"
      "(func $start (table.set $externs (i32.const 1) (call $extern))) (start $start)\n";
  for (const int count : Counts()) {
    absl::StrAppend(&text, "(func (export \"f", count, "\") (param $p i64) (param $q i64)",
                    " (result i64) (local $x ", type.name, ") (local $y ", type.name,
                    ") (local $sum i64)\n local.get $p ", type.make, " local.set $x local.get $q ",
                    type.make, " local.set $y\n");
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, Replaced(OperandAt(way, i), type), "\n");
    }
    absl::StrAppend(&text, Replaced(change, type), "\n local.get $x local.get $y\n");
    for (int i = 0; i < count + 2; ++i) {
      absl::StrAppend(&text, type.read,
                      " local.get $sum i64.const 31 i64.mul i64.add local.set $sum\n");
    }
    absl::StrAppend(&text, "local.get $sum local.get $p i64.xor local.get $q i64.add)\n");
  }
  return text + ")";
}

Engine MakeEngine(Strategy strategy) {
  Config config;
  config.Compiler(strategy);
  auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  return *std::move(engine);
}

std::vector<int64_t> ResultsOf(const Engine& engine, const std::string& text) {
  const auto module = Module::CompileText(engine, text);
  CHECK_OK(module.status());
  Store store(engine);
  Linker linker(engine);
  const ExternRef reference = *ExternRef::Create(store, 1);
  CHECK_OK(linker.Func("host", "extern", [&]() { return std::optional(reference); }));
  const auto instance = linker.Instantiate(store, *module);
  CHECK_OK(instance.status());
  std::vector<int64_t> results;
  for (const int count : Counts()) {
    const auto func =
        instance->GetTypedFunc<int64_t(int64_t, int64_t)>(store, absl::StrCat("f", count));
    CHECK_OK(func.status());
    for (const auto& [p, q] :
         {std::pair(int64_t{3}, int64_t{10}), std::pair(int64_t{100}, int64_t{-7}),
          std::pair(int64_t{0}, int64_t{1000})}) {
      const auto result = func->Call(store, p, q);
      CHECK_OK(result.status());
      results.push_back(*result);
    }
  }
  return results;
}

class PressureTest : public ::testing::TestWithParam<Type> {};

TEST_P(PressureTest, BothCompilersSayTheSame) {
  const Engine optimizing = MakeEngine(Strategy::kOptimizing);
  const Engine baseline = MakeEngine(Strategy::kWinch);
  for (const absl::string_view change : kChanges) {
    for (size_t way = 0; way < kWays; ++way) {
      const std::string text = ModuleOf(GetParam(), change, way);
      EXPECT_EQ(ResultsOf(baseline, text), ResultsOf(optimizing, text))
          << change << ", operands made in way " << way;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, PressureTest, ::testing::ValuesIn(kTypes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace gantry
