// A function that makes its frame late (it may return before its first call) traps in front of it:
// the walk finds its caller, and everyone behind.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
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

// "walk" (address, depth): in front of anything else it loads a word, and returns if that is not 0;
// with depth left it calls itself through "hand_on", without it divides by 0.
std::vector<uint8_t> WalkingModule() {
  ModuleBuilder builder;
  builder.Memory(1, 1);
  const TypeIndex type = builder.Type({ValType::I32(), ValType::I32()}, {ValType::I32()});
  const FuncIndex walk(0), hand_on(1);
  CodeBuilder code;
  code.LocalGet(0).Memory(Opcode::kI32Load, 8).Open(Opcode::kIf);
  code.I32Const(7).Op(Opcode::kReturn).End();
  code.LocalGet(1).Op(Opcode::kI32Eqz).Open(Opcode::kIf);
  code.LocalGet(0).LocalGet(1).Op(Opcode::kI32DivU).Op(Opcode::kReturn).End();
  code.LocalGet(0).LocalGet(1).I32Const(1).Op(Opcode::kI32Sub).Call(hand_on);
  code.LocalGet(0).Op(Opcode::kI32Add);
  builder.FunctionName(builder.Func(type, code), "walk");
  CodeBuilder pass;
  // The last step leads out of memory where the address is odd.
  pass.LocalGet(0).LocalGet(0).I32Const(1).Op(Opcode::kI32And).LocalGet(1).Op(Opcode::kI32Eqz);
  pass.Op(Opcode::kI32And).I32Const(31).Op(Opcode::kI32Shl).Op(Opcode::kI32Or).LocalGet(1);
  pass.Call(walk).I32Const(1).Op(Opcode::kI32Add);
  builder.FunctionName(builder.Func(type, pass), "hand_on");
  builder.ExportFunc("walk", walk);
  return builder.Build();
}

std::string Frames(const absl::Status& status) {
  const std::optional<Trap> trap = GetTrap(status);
  CHECK(trap.has_value()) << status;
  std::string text = trap->message;
  for (const Frame& frame : trap->backtrace) {
    absl::StrAppend(&text, " ", frame.func_name, frame.module_offset.has_value() ? "" : "?");
  }
  return text;
}

TEST(EarlyFrameTest, TrapsInFrontOfTheFrameShowAllCallers) {
  for (const char* inlining : {"false", "true"}) {
    Config config;
    AddTestCompilerFlags(config);
    config.CompilerFlag("inlining", inlining);
    const Engine engine = *Engine::Create(config);
    Store store(engine);
    const Module module = *Module::Compile(engine, WalkingModule());
    const Instance instance = *Linker(engine).Instantiate(store, module);
    const Func walk = *instance.GetFunc(store, "walk");
    const auto call = [&](int32_t address, int32_t depth) {
      return walk.Call(store, {Val::I32(address), Val::I32(depth)});
    };
    EXPECT_EQ(Frames(call(65536, 3).status()), "out of bounds memory access walk");
    EXPECT_EQ(Frames(call(1, 2).status()),
              "out of bounds memory access walk hand_on walk hand_on walk");
    EXPECT_EQ(Frames(call(16, 1).status()), "integer divide by zero walk hand_on walk");
    // The store is good afterwards.
    EXPECT_EQ(Frames(call(1, 1).status()), "out of bounds memory access walk hand_on walk");
  }
}

}  // namespace
}  // namespace gantry
