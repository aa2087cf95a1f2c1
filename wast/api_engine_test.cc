// What the official scripts don't have: threads, and every kind of value through the API.
#include "wast/api_engine.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "api/config.h"
#include "api/engine.h"
#include "gtest/gtest.h"
#include "wast/script_parser.h"
#include "wast/script_runner.h"

namespace gantry::wast {
namespace {

std::string Outcome(absl::string_view text) {
  Config config;
  config.WasmFeature(wasm::Feature::kThreads, true);
  const auto engine = Engine::Create(config);
  if (!engine.ok()) return engine.status().ToString();
  const auto script_engine = ApiEngine::Create(*engine);
  if (!script_engine.ok()) return script_engine.status().ToString();
  const Report report = RunScript(ParseScript("t.wast", text), **script_engine, Lists());
  std::string out = report.Summary();
  for (const std::string& failure : report.failures) absl::StrAppend(&out, "\n", failure);
  return out;
}

TEST(ApiEngine, ThreadsShareAMemory) {
  EXPECT_EQ(Outcome(R"(
    (module $mem (memory (export "shared") 1 1 shared))
    (thread $t (shared (module $mem))
      (register "mem" $mem)
      (module
        (memory (import "mem" "shared") 1 10 shared)
        (func (export "run") (i32.store (i32.const 0) (i32.const 42)))
        (func (export "trap") (unreachable))
        (func $deep (export "deep") (call $deep)))
      (invoke "run")
      (assert_trap (invoke "trap") "unreachable")
      (assert_exhaustion (invoke "deep") "call stack exhausted")
      (assert_trap (invoke "run_out") "never")
      (assert_return (invoke $mem "no function"))
      (thread $inner (shared (module $mem))
        (register "m" $mem)
        (module (memory (import "m" "shared") 1 10 shared)
          (func (export "run") (i32.store (i32.const 8) (i32.const 44))))
        (invoke "run"))
      (wait $inner))
    (thread $u (shared (module $mem))
      (register "mem" $mem)
      (assert_unlinkable (module (import "other" "x" (func))) "unknown import")
      (module
        (memory (import "mem" "shared") 1 10 shared)
        (func (export "run") (i32.store (i32.const 4) (i32.const 43))))
      (invoke "run"))
    (wait $t)
    (wait $u)
    (register "mem" $mem)
    (module $check (memory (import "mem" "shared") 1 1 shared)
      (func (export "check") (param i32) (result i32) (i32.load (local.get 0))))
    (assert_return (invoke $check "check" (i32.const 0)) (i32.const 42))
    (assert_return (invoke $check "check" (i32.const 4)) (i32.const 43))
    (assert_return (invoke $check "check" (i32.const 8)) (i32.const 44)))"),
            "24 passed, 2 failed, 0 skipped\n"
            "t.wast:13: assert_trap: expected a trap (never), came: NOT_FOUND: there is no export "
            "\"run_out\"; the module exports run, trap, deep\n"
            "t.wast:14: assert_return: expected [], came: NOT_FOUND: the instance lives in another "
            "thread, and only its shared memories are here");
}

// Growth in one thread is seen in another, which waits for it.
TEST(ApiEngine, ThreadsRunAtTheSameTime) {
  EXPECT_EQ(Outcome(R"(
    (module $mem (memory (export "shared") 1 5 shared))
    (thread $t (shared (module $mem))
      (register "mem" $mem)
      (module
        (memory (import "mem" "shared") 1 5 shared)
        (func (export "wait") (loop $again
          (br_if $again (i32.eq (memory.size) (i32.const 1))))))
      (invoke "wait"))
    (register "mem" $mem)
    (module
      (memory (import "mem" "shared") 1 5 shared)
      (func (export "grow") (result i32) (memory.grow (i32.const 1))))
    (assert_return (invoke "grow") (i32.const 1))
    (wait $t))"),
            "9 passed, 0 failed, 0 skipped");
}

TEST(ApiEngine, Spectest) {
  const char* const kImports = R"(
    (module
      (import "spectest" "print" (func))
      (import "spectest" "print_i32" (func (param i32)))
      (import "spectest" "print_i64" (func (param i64)))
      (import "spectest" "print_f32" (func (param f32)))
      (import "spectest" "print_f64" (func (param f64)))
      (import "spectest" "print_i32_f32" (func (param i32 f32)))
      (import "spectest" "print_f64_f64" (func (param f64 f64)))
      (import "spectest" "global_i32" (global i32))
      (import "spectest" "global_i64" (global i64))
      (import "spectest" "global_f32" (global f32))
      (import "spectest" "global_f64" (global f64))
      (import "spectest" "table" (table 10 20 funcref))
      (import "spectest" "table64" (table i64 10 20 funcref))
      (import "spectest" "memory" (memory 1 2))
      (func (export "i32") (result i32) (global.get 0))
      (func (export "i64") (result i64) (global.get 1))
      (func (export "f32") (result f32) (global.get 2))
      (func (export "f64") (result f64) (global.get 3)))
    (assert_return (invoke "i32") (i32.const 666))
    (assert_return (invoke "i64") (i64.const 666))
    (assert_return (invoke "f32") (f32.const 666.6))
    (assert_return (invoke "f64") (f64.const 666.6)))";
  EXPECT_EQ(Outcome(kImports), "5 passed, 0 failed, 0 skipped");
  EXPECT_EQ(Outcome("(module (import \"spectest\" \"shared_memory\" (memory 1 2 shared)))"),
            "1 passed, 0 failed, 0 skipped");
}

TEST(ApiEngine, Values) {
  EXPECT_EQ(Outcome(R"(
    (module
      (func (export "i31") (result i31ref) (ref.i31 (i32.const -1)))
      (func (export "func") (result funcref) (ref.func 0))
      (func (export "any") (param anyref) (result anyref) (local.get 0))
      (func (export "extern") (param externref) (result externref) (local.get 0))
      (func (export "exn") (param exnref) (result exnref) (local.get 0))
      (func (export "in") (param externref) (result anyref) (any.convert_extern (local.get 0)))
      (func (export "out") (param anyref) (result externref) (extern.convert_any (local.get 0)))
      (global (export "g") f64 (f64.const -0)))
    (assert_return (invoke "func") (ref.func))
    (assert_return (invoke "extern" (ref.extern 4)) (ref.extern 4))
    (assert_return (invoke "extern" (ref.null extern)) (ref.null extern))
    (assert_return (invoke "any" (ref.host 4)) (ref.host 4))
    (assert_return (invoke "any" (ref.null any)) (ref.null))
    (assert_return (invoke "exn" (ref.null exn)) (ref.null exn))
    (assert_return (invoke "i31") (ref.i31))
    (assert_return (invoke "in" (ref.extern 5)) (ref.host 5))
    (assert_return (invoke "out" (ref.host 6)) (ref.extern 6))
    (assert_return (get "g") (f64.const -0))
    (assert_return (invoke "extern" (ref.extern 4)) (ref.extern 5)))"),
            "11 passed, 1 failed, 0 skipped\n"
            "t.wast:21: assert_return: extern: expected [ref.extern:5], came [ref.extern:4]");
}

}  // namespace
}  // namespace gantry::wast
