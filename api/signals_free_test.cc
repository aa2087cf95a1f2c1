// Without signals-based traps the process's signals are its own: every kind of trap, and no
// handler.
#include <csignal>
#include <string>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

class SignalsFreeTest : public ::testing::TestWithParam<Strategy> {};

TEST_P(SignalsFreeTest, TrapsWithoutHandlers) {
  // What the process has, whoever gave it.
  constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  struct sigaction before[std::size(kSignals)];
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    ASSERT_EQ(sigaction(kSignals[i], nullptr, &before[i]), 0);
  }
  stack_t stack_before, stack_after;
  ASSERT_EQ(sigaltstack(nullptr, &stack_before), 0);

  Config config;
  AddTestCompilerFlags(config);
  config.SignalsBasedTraps(false).Compiler(GetParam());
  const Engine engine = *Engine::Create(config);
  const Module module = *Module::Compile(engine, Assemble(R"((module
    (type $t (func (param i32) (result i32)))
    (memory 1)
    (table 4 funcref)
    (elem (i32.const 0) $other)
    (func $other)
    (func (export "unreachable") (param i32) (result i32) (unreachable))
    (func (export "heap_oob") (param i32) (result i32) (i32.load offset=70000 (local.get 0)))
    (func (export "heap_oob_far") (param i32) (result i32) (i32.load (i32.const -1)))
    (func (export "int_divz") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
    (func (export "int_ovf") (param i32) (result i32)
      (i32.div_s (i32.const 0x80000000) (i32.sub (local.get 0) (i32.const 1))))
    (func (export "bad_toint") (param i32) (result i32) (i32.trunc_f32_s (f32.const nan)))
    (func $rec (export "stk_ovf") (param i32) (result i32)
      (i32.add (i32.const 1) (call $rec (local.get 0))))
    (func (export "undef_elem") (param i32) (result i32)
      (call_indirect (type $t) (local.get 0) (i32.const 9)))
    (func (export "uninit_elem") (param i32) (result i32)
      (call_indirect (type $t) (local.get 0) (i32.const 1)))
    (func (export "bad_sig") (param i32) (result i32)
      (call_indirect (type $t) (local.get 0) (i32.const 0)))
    (func (export "null_func") (param i32) (result i32)
      (call_ref $t (local.get 0) (ref.null $t)))
    (func (export "table_oob") (param i32) (result i32) (ref.is_null (table.get (i32.const 8))))
    (func (export "null_ref") (param i32) (result i32)
      (ref.is_null (ref.as_non_null (ref.null func))))
  ))"));
  Store store(engine);
  const Instance instance = *Instance::Create(store, module, {});
  size_t traps = 0;
  for (const ExportType& e : module.exports()) {
    const absl::Status status =
        instance.GetFunc(store, e.name)->Call(store, {Val::I32(0)}).status();
    const std::optional<Trap> trap = GetTrap(status);
    ASSERT_TRUE(trap.has_value()) << e.name << ": " << status;
    EXPECT_EQ(trap->code, e.name == "heap_oob_far" ? "heap_oob" : e.name);
    EXPECT_FALSE(trap->backtrace.empty());
    ++traps;
  }
  EXPECT_EQ(traps, 13u);

  for (size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction after;
    ASSERT_EQ(sigaction(kSignals[i], nullptr, &after), 0);
    EXPECT_EQ(after.sa_sigaction, before[i].sa_sigaction) << kSignals[i];
  }
  ASSERT_EQ(sigaltstack(nullptr, &stack_after), 0);
  EXPECT_EQ(stack_after.ss_sp, stack_before.ss_sp);
}

INSTANTIATE_TEST_SUITE_P(Compilers, SignalsFreeTest,
                         ::testing::Values(Strategy::kOptimizing, Strategy::kWinch));

}  // namespace
}  // namespace gantry
