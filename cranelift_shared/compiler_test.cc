#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/pass/passes.h"
#include "codegen/settings.h"
#include "cranelift_shared/compiler_builder.h"
#include "environ/core/builtins.h"
#include "environ/core/trap_code.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::cranelift {
namespace {

using environ::CompiledFunction;
using environ::Compiler;
using environ::CompilerBuilder;
using environ::FuncKey;
using environ::LinkedText;
using environ::ModuleTranslation;
using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;
using wasm::testing::ModuleBuilder;

using Settings = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Compiler> MakeCompiler(const Settings& settings,
                                       const environ::Tunables& tunables = {}) {
  std::unique_ptr<CompilerBuilder> builder = NewCompilerBuilder();
  CHECK_OK(builder->Set("enable_verifier", "true"));
  CHECK_OK(builder->Set("regalloc_checker", "true"));
  for (const auto& [name, value] : settings) CHECK_OK(builder->Set(name, value));
  CHECK_OK(builder->SetTunables(tunables));
  absl::StatusOr<std::unique_ptr<Compiler>> compiler = builder->Build();
  CHECK_OK(compiler.status());
  return *std::move(compiler);
}

std::vector<uint8_t> GoldenModule() {
  std::ifstream file("wasm_translate/testdata/translator.wasm", std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

// Bulk operations, tables, references, globals: whatever goes through the environment.
std::vector<uint8_t> SurroundingsModule() {
  ModuleBuilder builder;
  const wasm::TypeIndex none = builder.Type({}, {});
  const wasm::TypeIndex ref = builder.Type({ValType::ExternRef()}, {ValType::ExternRef()});
  const wasm::FuncIndex host = builder.ImportFunc("env", "host", ref);
  builder.Memory(1, 10);
  wasm::TableType table;
  table.limits = {4, 8};
  builder.Table(table);
  table.element = ValType::ExternRef();
  builder.Table(table);
  wasm::GlobalType global;
  global.content = ValType::I64();
  global.is_mutable = true;
  builder.Global(global, CodeBuilder().I64Const(7));
  CodeBuilder code;
  code.I32Const(1).I32Const(2).I32Const(3).Op(Opcode::kMemoryCopy, {0, 0});
  code.I32Const(1).I32Const(2).I32Const(3).Op(Opcode::kMemoryFill, {0});
  code.I32Const(1).Op(Opcode::kMemoryGrow, {0}).Op(Opcode::kDrop);
  code.I32Const(0).I32Const(1).Op(Opcode::kTableGet, {0}).Op(Opcode::kTableSet, {0});
  code.I32Const(0).I32Const(1).Op(Opcode::kTableGet, {1}).Op(Opcode::kTableSet, {1});
  code.Op(Opcode::kTableSize, {0}).Op(Opcode::kDrop);
  code.GlobalGet(0).I64Const(1).Op(Opcode::kI64Add).GlobalSet(0);
  code.I32Const(2).CallIndirect(none);
  builder.Func(none, code);
  // References live across calls lie in stack maps.
  builder.Func(
      ref,
      CodeBuilder().LocalGet(0).Call(host).LocalTee(0).Call(host).Op(Opcode::kDrop).LocalGet(0));
  return builder.Build();
}

struct Compiled {
  std::vector<FuncKey> keys;
  std::vector<CompiledFunction> functions;
  LinkedText text;
};

// Everything of the module, on so many threads, linked.
Compiled CompileAll(const Compiler& compiler, const std::vector<uint8_t>& bytes, int threads = 1) {
  environ::TranslationOptions options;
  options.tunables = compiler.tunables();
  const auto module = ModuleTranslation::Parse(bytes, environ::ModuleId(0), options);
  CHECK_OK(module.status());
  Compiled out;
  for (const wasm::DefinedFuncIndex f : (*module)->parsed.bodies.ids()) {
    out.keys.push_back((*module)->KeyOf(f));
  }
  for (const wasm::TypeIndex type : (*module)->signatures()) {
    out.keys.push_back(FuncKey::EntryTrampoline(environ::ModuleId(0), type));
    out.keys.push_back(FuncKey::ExitTrampoline(environ::ModuleId(0), type));
  }
  for (uint32_t i = 0; i < environ::kBuiltinCount; ++i) out.keys.push_back(FuncKey::BuiltinShim(i));
  out.functions.resize(out.keys.size());
  std::vector<absl::Status> statuses(threads);
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (size_t i = t; i < out.keys.size(); i += threads) {
        const FuncKey& key = out.keys[i];
        absl::Status status;
        switch (key.kind()) {
          case environ::FuncKeyKind::kWasmFunction:
            status = compiler.CompileFunction(**module, key, out.functions[i]);
            break;
          case environ::FuncKeyKind::kBuiltinShim:
            status = compiler.CompileBuiltinShim(key, out.functions[i]);
            break;
          default:
            status = compiler.CompileTrampoline(**module, key, out.functions[i]);
            break;
        }
        if (!status.ok()) statuses[t] = status;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (const absl::Status& status : statuses) EXPECT_TRUE(status.ok()) << status;
  std::vector<environ::NamedFunction> named;
  for (size_t i = 0; i < out.keys.size(); ++i) {
    EXPECT_FALSE(out.functions[i].code.empty()) << out.keys[i];
    named.push_back({out.keys[i], &out.functions[i]});
  }
  absl::StatusOr<LinkedText> text = compiler.AppendText(named);
  EXPECT_TRUE(text.ok()) << text.status();
  if (text.ok()) out.text = *std::move(text);
  return out;
}

class CompilerTest : public testing::TestWithParam<Settings> {};

TEST_P(CompilerTest, WholeModulesCompileUnderEveryChecker) {
  const std::unique_ptr<Compiler> compiler = MakeCompiler(GetParam());
  for (const std::vector<uint8_t>& bytes : {GoldenModule(), SurroundingsModule()}) {
    const Compiled compiled = CompileAll(*compiler, bytes);
    const LinkedText& text = compiled.text;
    EXPECT_EQ(text.functions.size(), compiled.keys.size());
    const auto ascending = [](const std::vector<uint32_t>& v) {
      return std::adjacent_find(v.begin(), v.end(), std::greater_equal<>()) == v.end();
    };
    EXPECT_TRUE(ascending(text.trap_offsets));
    EXPECT_TRUE(ascending(text.address_offsets));
    EXPECT_TRUE(ascending(text.stack_map_offsets));
    EXPECT_FALSE(text.eh_frame.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, CompilerTest,
                         testing::Values(Settings{}, Settings{{"opt_level", "none"}},
                                         Settings{{"force_spilling", "true"}},
                                         Settings{{"force_islands", "true"}},
                                         Settings{{"chaos_seed", "7"}},
                                         Settings{{"padding", "5000"}},
                                         Settings{{"force_jump_veneer", "true"}}));

TEST(CompilerTunablesTest, EveryModeCompiles) {
  environ::Tunables fuel;
  fuel.consume_fuel = true;
  environ::Tunables epochs;
  epochs.epoch_interruption = environ::EpochInterruption::kCounter;
  environ::Tunables pages;
  pages.epoch_interruption = environ::EpochInterruption::kPage;
  environ::Tunables signals_free;
  signals_free.signals_based_traps = false;
  environ::Tunables unmasked = environ::Tunables::SmallReservations();
  unmasked.spectre_masking = false;
  for (const environ::Tunables& tunables :
       {fuel, epochs, pages, signals_free, unmasked, environ::Tunables::SmallReservations()}) {
    const std::unique_ptr<Compiler> compiler = MakeCompiler({}, tunables);
    CompileAll(*compiler, GoldenModule());
    CompileAll(*compiler, SurroundingsModule());
  }
}

// Code knows of no interrupts that it is not compiled for, and has no trapping instructions for what
// cold code raises.
TEST(CompilerTunablesTest, WhatIsOffLeavesNothingBehind) {
  const std::vector<uint8_t> bytes = GoldenModule();
  const auto explain = [&](const environ::Tunables& tunables, environ::Form form) {
    environ::TranslationOptions options;
    options.tunables = tunables;
    const auto module = ModuleTranslation::Parse(bytes, environ::ModuleId(0), options);
    CHECK(module.ok()) << module.status();
    const std::unique_ptr<Compiler> compiler = MakeCompiler({}, tunables);
    std::string all;
    for (const wasm::DefinedFuncIndex f : (*module)->parsed.bodies.ids()) {
      const auto text = compiler->Explain(**module, (*module)->KeyOf(f), form);
      CHECK(text.ok()) << text.status();
      all += *text;
    }
    return all;
  };
  environ::Tunables off, costs;
  // What fuel would cost changes nothing where none is counted.
  costs.operator_costs = "call=7";
  costs.fuel_bulk_bytes = 1;
  for (const environ::Form form : {environ::Form::kIr, environ::Form::kVcode,
                                   environ::Form::kAssembly}) {
    const std::string text = explain(off, form);
    EXPECT_EQ(text, explain(costs, form));
    for (const char* trace : {"fuel_", "poll_", "ud2"}) {
      EXPECT_FALSE(absl::StrContains(text, trace)) << trace;
    }
  }
  environ::Tunables fuel, page;
  fuel.consume_fuel = true;
  page.epoch_interruption = environ::EpochInterruption::kPage;
  const std::string counted = explain(fuel, environ::Form::kIr);
  EXPECT_TRUE(absl::StrContains(counted, "fuel_check"));
  EXPECT_TRUE(absl::StrContains(counted, "fuel_charge"));
  EXPECT_TRUE(absl::StrContains(explain(page, environ::Form::kIr), "poll_page"));
  // Only the check of what is left uses the register.
  const std::string vcode = explain(fuel, environ::Form::kVcode);
  EXPECT_FALSE(absl::StrContains(vcode, "r15"));
}

// The checks that speculation could pass carry a mask, exactly where the tunables ask.
TEST(CompilerTunablesTest, ExplicitBoundsAreMasked) {
  const std::vector<uint8_t> bytes = GoldenModule();
  for (const bool mask : {true, false}) {
    environ::Tunables tunables = environ::Tunables::SmallReservations();
    tunables.spectre_masking = mask;
    environ::TranslationOptions options;
    options.tunables = tunables;
    const auto module = ModuleTranslation::Parse(bytes, environ::ModuleId(0), options);
    ASSERT_TRUE(module.ok()) << module.status();
    const std::unique_ptr<Compiler> compiler = MakeCompiler({{"opt_level", "none"}}, tunables);
    bool masked = false, checked = false;
    for (const wasm::DefinedFuncIndex f : (*module)->parsed.bodies.ids()) {
      const auto ir = compiler->Explain(**module, (*module)->KeyOf(f), environ::Form::kIr);
      ASSERT_TRUE(ir.ok()) << ir.status();
      masked |= absl::StrContains(*ir, "select_spectre_guard");
      checked |= absl::StrContains(*ir, "trapnz");
    }
    EXPECT_TRUE(checked);
    EXPECT_EQ(masked, mask);
  }
}

// The flag's words are the passes, in their order.
TEST(CompilerPassesTest, PassSkipNamesEveryPass) {
  std::string all;
  for (const char* name : codegen::PassNames()) absl::StrAppend(&all, all.empty() ? "" : "+", name);
  codegen::SharedFlags flags;
  ASSERT_TRUE(flags.Set("pass_skip", all).ok()) << all;
  EXPECT_EQ(flags.set().Get("pass_skip"), all);
  EXPECT_EQ(flags.pass_skip(), (uint64_t{1} << codegen::PassNames().size()) - 1);
}

// Without passes the IR stays as translated; with a bisect limit, from the function on whose runs
// have the greater numbers.
TEST(CompilerPassesTest, PassesAreShownSkippedAndBisected) {
  const std::vector<uint8_t> bytes = GoldenModule();
  const auto module = ModuleTranslation::Parse(bytes, environ::ModuleId(0), {});
  ASSERT_TRUE(module.ok()) << module.status();
  const size_t count = (*module)->parsed.bodies.size();
  const size_t half = count / 2;
  const std::string limit = std::to_string(half * codegen::PassNames().size());
  const std::unique_ptr<Compiler> compiler = MakeCompiler({});
  const std::unique_ptr<Compiler> bisected = MakeCompiler({{"pass_bisect_limit", limit}});
  const std::unique_ptr<Compiler> skipping = MakeCompiler({{"pass_skip", "gvn"}});
  size_t shown = 0, shown_behind = 0;
  for (const wasm::DefinedFuncIndex f : (*module)->parsed.bodies.ids()) {
    const FuncKey key = (*module)->KeyOf(f);
    const auto all = compiler->Explain(**module, key, environ::Form::kIrPasses);
    const auto some = bisected->Explain(**module, key, environ::Form::kIrPasses);
    const auto without = skipping->Explain(**module, key, environ::Form::kIrPasses);
    ASSERT_TRUE(all.ok() && some.ok() && without.ok());
    EXPECT_TRUE(absl::StartsWith(*all, "; as translated\n"));
    EXPECT_FALSE(absl::StrContains(*without, "; after gvn"));
    if (f.index() < half) {
      EXPECT_EQ(*some, *all);
    } else {
      EXPECT_FALSE(absl::StrContains(*some, "; after"));
      shown_behind += absl::StrContains(*all, "; after gvn") ? 1 : 0;
    }
    shown += absl::StrContains(*all, "; after gvn") ? 1 : 0;
  }
  EXPECT_GT(shown, 0u);
  EXPECT_GT(shown_behind, 0u);
}

TEST(CompilerTunablesTest, PaddingAndVeneersComeFromTheTunables) {
  environ::Tunables tunables;
  tunables.force_jump_veneer = true;
  // With its calls.
  const Settings calls = {{"inlining", "false"}};
  EXPECT_FALSE(CompileAll(*MakeCompiler(calls, tunables), GoldenModule()).text.veneers.empty());
  tunables = environ::Tunables();
  tunables.padding_between_functions = 100'000;
  const Compiled padded = CompileAll(*MakeCompiler({}, tunables), GoldenModule());
  EXPECT_GT(padded.text.text.size(), 100'000 * padded.keys.size());
}

// design.md, determinism: the same bytes whatever the number of threads, and whatever was
// compiled before with the same objects.
TEST(CompilerDeterminismTest, ThreadsDoNotChangeTheBytes) {
  const std::unique_ptr<Compiler> compiler = MakeCompiler({});
  const Compiled first = CompileAll(*compiler, GoldenModule());
  CompileAll(*compiler, SurroundingsModule());
  for (const int threads : {1, 2, 8}) {
    const Compiled again = CompileAll(*compiler, GoldenModule(), threads);
    EXPECT_EQ(again.text.text, first.text.text) << threads;
    EXPECT_EQ(again.text.address_offsets, first.text.address_offsets) << threads;
    EXPECT_EQ(again.text.inline_sites, first.text.inline_sites) << threads;
    EXPECT_EQ(again.text.eh_frame, first.text.eh_frame) << threads;
  }
}

// Of wasm functions, not of what traps call.
int CallsOf(const CompiledFunction& function) {
  return static_cast<int>(std::count_if(
      function.relocations.begin(), function.relocations.end(), [](const auto& relocation) {
        return relocation.target.kind() == environ::FuncKeyKind::kWasmFunction;
      }));
}

TEST(CompilerInliningTest, CodeOfACalleeKnowsItsCall) {
  ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  const wasm::FuncIndex callee =
      builder.Func(type, CodeBuilder().I32Const(7).LocalGet(0).Op(Opcode::kI32DivU));
  builder.Func(type, CodeBuilder().LocalGet(0).Call(callee));
  const Compiled compiled = CompileAll(*MakeCompiler({}), builder.Build());
  EXPECT_TRUE(compiled.functions[0].inline_sites.empty());
  const CompiledFunction& caller = compiled.functions[1];
  EXPECT_EQ(CallsOf(caller), 0);
  ASSERT_EQ(caller.inline_sites.size(), 1u);
  EXPECT_EQ(caller.inline_sites[0].parent, environ::kNoInlineSite);
  EXPECT_EQ(caller.inline_sites[0].function, callee.raw());
  ASSERT_FALSE(caller.inline_ranges.empty());
  EXPECT_EQ(caller.inline_ranges[0].site, 0u);
  for (const Settings& off : {Settings{{"inlining", "false"}}, Settings{{"opt_level", "none"}},
                              Settings{{"inline_depth", "0"}}}) {
    const Compiled plain = CompileAll(*MakeCompiler(off), builder.Build());
    EXPECT_EQ(CallsOf(plain.functions[1]), 1);
    EXPECT_TRUE(plain.text.inline_sites.empty());
  }
}

// The limits are part of what code depends on.
TEST(CompilerInliningTest, LimitsAreFlags) {
  const environ::SettingValues flags =
      MakeCompiler({{"inline_cost", "17"}, {"inline_growth", "5"}})->flags();
  const auto has = [&](const char* name, const char* value) {
    return std::find(flags.begin(), flags.end(),
                     std::pair<std::string, std::string>(name, value)) != flags.end();
  };
  EXPECT_TRUE(has("inline_cost", "17"));
  EXPECT_TRUE(has("inline_growth", "5"));
  EXPECT_TRUE(has("inlining", "true"));
}

TEST(CompilerStackMapTest, EverySafepointHasAMap) {  // lessons.md row 3
  const std::unique_ptr<Compiler> compiler = MakeCompiler({});
  const Compiled compiled = CompileAll(*compiler, SurroundingsModule());
  const CompiledFunction& function = compiled.functions[1];
  ASSERT_EQ(function.stack_maps.size(), 2u);
  EXPECT_EQ(function.stack_maps[0].slot_count, 0u);  // nothing is live across the first call
  EXPECT_EQ(function.stack_maps[1].slot_count, 1u);
}

TEST(CompilerErrorTest, InvalidBodyIsRefusedWithItsOffset) {
  ModuleBuilder builder;
  builder.Func(builder.Type({}, {ValType::I32()}), CodeBuilder().I64Const(1));
  const std::vector<uint8_t> bytes = builder.Build();
  const auto module = ModuleTranslation::Parse(bytes, environ::ModuleId(0), {});
  ASSERT_TRUE(module.ok()) << module.status();
  CompiledFunction out;
  const absl::Status status =
      MakeCompiler({})->CompileFunction(**module, (*module)->KeyOf(wasm::DefinedFuncIndex(0)), out);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "offset")) << status;
}

TEST(CompilerErrorTest, UnsupportedBodyTrapsWhenCalled) {
  ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({}, {});
  // Of the type of all functions.
  builder.Func(type, CodeBuilder()
                         .Op(Opcode::kRefNull, {0x70})
                         .Op(Opcode::kRefTestNull, {0x70})
                         .Op(Opcode::kDrop));
  const std::vector<uint8_t> bytes = builder.Build();
  const Compiled compiled = CompileAll(*MakeCompiler({}), bytes);
  ASSERT_EQ(compiled.functions[0].traps.size(), 1u);
  EXPECT_EQ(compiled.functions[0].traps[0].code,
            static_cast<uint8_t>(environ::TrapCode::kCannotCompile));
}

TEST(CompilerBuilderTest, WhatCannotBeDoneIsSaidWhenAsked) {
  const std::unique_ptr<CompilerBuilder> builder = NewCompilerBuilder();
  EXPECT_EQ(builder->Target("riscv64-unknown-linux-gnu").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(builder->Set("no_such_flag", "1").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(builder->Set("opt_level", "fastest").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(builder->Enable("opt_level").code(), absl::StatusCode::kInvalidArgument);
}

TEST(CompilerBuilderTest, VectorsNeedFlagsOfTheirTarget) {
  const std::unique_ptr<CompilerBuilder> builder = NewCompilerBuilder();
  ASSERT_TRUE(builder->Target("x86_64-unknown-linux-gnu").ok());
  EXPECT_TRUE(builder->Build().ok());
  builder->RequireVectors();
  const absl::Status status = builder->Build().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(status.message(), "has_sse41")) << status;
  for (const char* flag : {"has_sse3", "has_ssse3", "has_sse41"}) {
    ASSERT_TRUE(builder->Enable(flag).ok());
  }
  EXPECT_TRUE(builder->Build().ok());
}

TEST(CompilerBuilderTest, ExplicitTargetInfersNothing) {
  const std::unique_ptr<CompilerBuilder> builder = NewCompilerBuilder();
  ASSERT_TRUE(builder->Target("x86_64-unknown-linux-gnu").ok());
  bool any_isa_setting = false;
  for (const environ::SettingInfo& setting : builder->Settings()) {
    EXPECT_EQ(setting.value, setting.default_value);
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    if (setting.group == "shared") continue;
    any_isa_setting = true;
    EXPECT_EQ(setting.value, "false") << setting.name;
  }
  EXPECT_TRUE(any_isa_setting);
}

}  // namespace
}  // namespace gantry::cranelift
