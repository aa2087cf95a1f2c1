// What inlining must not change, nor the choice of compiler: results, traps with every frame, name
// and offset of their backtraces, and fuel, over generated modules whose functions call each other
// in every way.
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry {
namespace {

using wasm::FuncIndex;
using wasm::Opcode;
using wasm::TypeIndex;
using wasm::ValType;
using wasm::testing::CodeBuilder;
using wasm::testing::ModuleBuilder;

// A module of functions of (x, depth), which call each other while depth is not 0, by calls and
// tail calls, trap for some x, and read locals before they write them.
class CallingModule {
 public:
  explicit CallingModule(uint32_t seed) : random_(seed) {
    type_ = builder_.Type({ValType::I32(), ValType::I32()}, {ValType::I32()});
    host_ = builder_.ImportFunc("env", "host", builder_.Type({ValType::I32()}, {ValType::I32()}));
    builder_.Memory(1, 1);
    count_ = 2 + Pick(6);
    wasm::TableType table;
    table.limits = {count_ + 1, count_ + 1};
    builder_.Table(table);
    std::vector<FuncIndex> functions;
    for (uint32_t i = 0; i < count_; ++i) {
      const FuncIndex func = builder_.Func(type_, Body());
      // Some have no names.
      if (Pick(4) != 0) builder_.FunctionName(func, absl::StrCat("f", i));
      builder_.ExportFunc(absl::StrCat("f", i), func);
      functions.push_back(func);
    }
    // The last element is null.
    builder_.ActiveElements(wasm::TableIndex(0), CodeBuilder().I32Const(0), functions);
  }

  uint32_t count() const { return count_; }
  std::vector<uint8_t> Build() const { return builder_.Build(); }

 private:
  uint32_t Pick(uint32_t n) { return random_() % n; }
  int32_t Small() { return static_cast<int32_t>(Pick(16)); }

  // Pushes 1 for one in so many values of x.
  void Sometimes(CodeBuilder& code, uint32_t mask) {
    code.LocalGet(0).I32Const(static_cast<int32_t>(mask)).Op(Opcode::kI32And);
    code.I32Const(static_cast<int32_t>(Pick(mask + 1))).Op(Opcode::kI32Eq);
  }
  void Arguments(CodeBuilder& code) {
    if (Pick(3) == 0) {
      code.I32Const(Small());
    } else {
      code.LocalGet(0).I32Const(Small()).Op(Opcode::kI32Add);
    }
    code.LocalGet(1).I32Const(1).Op(Opcode::kI32Sub);
  }
  void Call(CodeBuilder& code) {
    Arguments(code);
    code.Call(FuncIndex(1 + Pick(count_)));
    code.LocalGet(3).Op(Opcode::kI32Add).LocalSet(3);
  }
  void TailCall(CodeBuilder& code) {
    if (Pick(8) == 0) {
      // The host.
      code.LocalGet(0).Op(Opcode::kReturnCall, {host_.raw()});
      return;
    }
    Arguments(code);
    if (Pick(2) == 0) {
      code.Op(Opcode::kReturnCall, {1 + Pick(count_)});
      return;
    }
    // Some indices are of the null element, or beyond it.
    code.LocalGet(0).I32Const(7).Op(Opcode::kI32And);
    code.Op(Opcode::kReturnCallIndirect, {type_.raw(), 0});
  }
  void Statement(CodeBuilder& code) {
    switch (Pick(11)) {
      case 0:
        code.LocalGet(2).I32Const(3).Op(Opcode::kI32Mul).LocalGet(0).Op(Opcode::kI32Add);
        code.LocalSet(2);
        return;
      case 1:
        code.I32Const(0).LocalSet(4);
        code.Open(Opcode::kLoop);
        Call(code);
        code.LocalGet(4).I32Const(1).Op(Opcode::kI32Add).LocalTee(4);
        code.I32Const(2).Op(Opcode::kI32LtU).BrIf(0).End();
        return;
      case 2:
        Sometimes(code, 15);
        code.Open(Opcode::kIf).Op(Opcode::kUnreachable).End();
        return;
      case 3:
        code.I32Const(100).LocalGet(0).I32Const(15).Op(Opcode::kI32And).I32Const(Small());
        code.Op(Opcode::kI32Sub).Op(Opcode::kI32DivS).LocalSet(2);
        return;
      case 4:
        code.LocalGet(0).I32Const(15).Op(Opcode::kI32And).I32Const(12).Op(Opcode::kI32Shl);
        code.Memory(Opcode::kI32Load, 4094).LocalSet(2);
        return;
      case 5:
        code.Open(Opcode::kBlock);
        Sometimes(code, 3);
        code.Op(Opcode::kI32Eqz).BrIf(0).LocalGet(2).Op(Opcode::kReturn).End();
        return;
      case 6:
        code.LocalGet(0).Call(host_).LocalSet(2);
        return;
      case 7:
        code.Open(Opcode::kBlock, ValType::I32()).LocalGet(2);
        Sometimes(code, 7);
        code.BrTable({0, 1}).End().LocalSet(2);
        return;
      case 8:
        code.Open(Opcode::kBlock);
        Sometimes(code, 3);
        code.Op(Opcode::kI32Eqz).BrIf(0);
        TailCall(code);
        code.End();
        return;
      default:
        Call(code);
        return;
    }
  }
  CodeBuilder Body() {
    CodeBuilder code;
    code.Locals(3, ValType::I32());
    code.LocalGet(1).Op(Opcode::kI32Eqz).Open(Opcode::kIf).LocalGet(0).Op(Opcode::kReturn).End();
    for (uint32_t i = Pick(4); i > 0; --i) Statement(code);
    if (Pick(4) == 0) {
      TailCall(code);
      return code;
    }
    return code.LocalGet(2).LocalGet(3).Op(Opcode::kI32Add);
  }

  std::mt19937 random_;
  ModuleBuilder builder_;
  TypeIndex type_;
  FuncIndex host_;
  uint32_t count_ = 0;
};

Config TestConfig(bool inlining, bool fuel, Strategy strategy) {
  Config config;
  AddTestCompilerFlags(config);
  config.TierUp(false).Compiler(strategy);
  config.CompilerFlag("inlining", inlining ? "true" : "false");
  // Far beyond what pays.
  config.CompilerFlag("inline_cost", "100").CompilerFlag("inline_min_growth", "3000");
  config.CompilerFlag("inline_depth", "6").CompilerFlag("inline_loops", "true");
  config.ConsumeFuel(fuel);
  return config;
}

class Guest {
 public:
  Guest(const std::vector<uint8_t>& bytes, bool inlining, bool fuel,
        Strategy strategy = Strategy::kOptimizing)
      : fuel_(fuel),
        engine_(*Engine::Create(TestConfig(inlining, fuel, strategy))),
        linker_(engine_),
        store_(engine_) {
    CHECK_OK(linker_.Func("env", "host", [](int32_t x) -> absl::StatusOr<int32_t> {
      if ((x & 15) == 5) return absl::DataLossError("the host does not like it");
      return x * 7;
    }));
    const absl::StatusOr<Module> module = Module::Compile(engine_, bytes);
    CHECK_OK(module.status());
    const absl::StatusOr<Instance> instance = linker_.Instantiate(store_, *module);
    CHECK_OK(instance.status());
    instance_.emplace(*instance);
  }

  std::string Call(const std::string& name, std::vector<Val> arguments, uint64_t fuel) {
    if (fuel_) {
      CHECK_OK(store_.SetFuel(fuel));
    }
    const absl::StatusOr<Func> func = instance_->GetFunc(store_, name);
    CHECK_OK(func.status());
    const absl::StatusOr<std::vector<Val>> results = func->Call(store_, arguments);
    std::string text;
    if (results.ok()) {
      text = absl::StrCat("returns ", (*results)[0].i32());
    } else if (const std::optional<Trap> trap = GetTrap(results.status()); !trap.has_value()) {
      // The host's error, where no function of the guest is on the stack any more.
      text = results.status().ToString();
    } else {
      text = trap->ToString();
      for (const Frame& frame : trap->backtrace) absl::StrAppend(&text, " ", frame.func_index);
    }
    if (fuel_) absl::StrAppend(&text, ", fuel ", *store_.GetFuel());
    return text;
  }

 private:
  const bool fuel_;
  Engine engine_;
  Linker linker_;
  Store store_;
  std::optional<Instance> instance_;
};

std::string WithoutInnermostOffset(std::string text) {
  const size_t begin = text.find("  0: 0x");
  if (begin == std::string::npos) return text;
  const size_t end = text.find(" - ", begin);
  return text.erase(begin + 5, end - begin - 5);
}

TEST(InliningTest, ChangesNothingThatAGuestOrAHostSees) {
  size_t traps = 0, deep_traps = 0;
  for (uint32_t seed = 0; seed < 250; ++seed) {
    const CallingModule module(seed);
    const std::vector<uint8_t> bytes = module.Build();
    const bool fuel = seed % 3 == 0;
    Guest with(bytes, true, fuel), without(bytes, false, fuel);
    Guest baseline(bytes, false, fuel, Strategy::kWinch);
    for (uint32_t i = 0; i < 40; ++i) {
      const std::string name = absl::StrCat("f", i % module.count());
      const std::vector<Val> arguments = {Val::I32(static_cast<int32_t>(i * 5)),
                                          Val::I32(static_cast<int32_t>(i % 6))};
      // Enough for most calls; the rest stop somewhere, at the same operator.
      const uint64_t units = i % 2 == 0 ? 1'000'000 : 50 + 13 * i;
      const std::string expected = without.Call(name, arguments, units);
      EXPECT_EQ(with.Call(name, arguments, units), expected) << "seed " << seed << ", call " << i;
      const std::string found = baseline.Call(name, arguments, units);
      // Where no fuel is counted the optimizer may leave an access to the operator that uses it.
      if (fuel) {
        EXPECT_EQ(found, expected) << "seed " << seed << ", call " << i;
      } else {
        EXPECT_EQ(WithoutInnermostOffset(found), WithoutInnermostOffset(expected))
            << "seed " << seed << ", call " << i;
      }
      const bool trapped = expected.find("backtrace") != std::string::npos;
      traps += trapped;
      deep_traps += trapped && expected.find("  3: ") != std::string::npos;
    }
  }
  EXPECT_GT(traps, 500u);
  EXPECT_GT(deep_traps, 50u);
}

// Of a stack of more frames than are kept the innermost are, and the others counted, as if
// nothing had been inlined.
TEST(InliningTest, LongBacktracesAreCutAtTheSameFrame) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  CodeBuilder code;
  code.I32Const(1).LocalGet(0).Op(Opcode::kI32DivU).Op(Opcode::kDrop);
  code.LocalGet(0).I32Const(1).Op(Opcode::kI32Sub).Call(FuncIndex(0)).LocalGet(0);
  builder.ExportFunc("down", builder.Func(type, code.Op(Opcode::kI32Add)));
  const std::vector<uint8_t> bytes = builder.Build();
  Guest with(bytes, true, false), without(bytes, false, false);
  Guest baseline(bytes, false, false, Strategy::kWinch);
  for (const int32_t depth : {0, 1, 2, 3, 4, 5, 100, 126, 127, 128, 129, 130, 131, 132, 1000}) {
    const std::string expected = without.Call("down", {Val::I32(depth)}, 0);
    EXPECT_NE(expected.find("integer divide by zero"), std::string::npos);
    EXPECT_EQ(with.Call("down", {Val::I32(depth)}, 0), expected);
    EXPECT_EQ(baseline.Call("down", {Val::I32(depth)}, 0), expected);
  }
}

}  // namespace
}  // namespace gantry
