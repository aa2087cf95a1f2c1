// Call frame information of guests, at every instruction of either compiler, of trampolines and
// shims: a guest is called under single-step, and wherever it stands the unwinder of the C++
// runtime finds the way to the function that called it.
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"

#if defined(__x86_64__)

namespace gantry {
namespace {

struct Range {
  uintptr_t begin, end;
};

// What the handler looks at and writes down. It allocates nothing.
struct Stepping {
  std::vector<Range> code;
  uintptr_t caller = 0;
  uintptr_t caller_cfa = 0;
  size_t steps = 0;
  size_t failures = 0;
  uintptr_t first_failure = 0;
  std::vector<uint8_t> seen;
};
Stepping* stepping = nullptr;

// Executable memory that is no file's.
std::vector<Range> GeneratedCode() {
  std::vector<Range> ranges;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    char* end = nullptr;
    const uintptr_t first = std::strtoull(line.c_str(), &end, 16);
    const uintptr_t last = std::strtoull(end + 1, &end, 16);
    if (end[3] != 'x' || line.find('/') != std::string::npos) continue;
    if (line.find('[') == std::string::npos) ranges.push_back({first, last});
  }
  return ranges;
}

struct Walk {
  uintptr_t cfa = 0;
};

_Unwind_Reason_Code FindCaller(_Unwind_Context* context, void* data) {
  if (_Unwind_GetRegionStart(context) != stepping->caller) return _URC_NO_REASON;
  static_cast<Walk*>(data)->cfa = _Unwind_GetCFA(context);
  return _URC_END_OF_STACK;
}

void OnStep(int, siginfo_t*, void* raw) {
  const auto* context = static_cast<ucontext_t*>(raw);
  const uintptr_t pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
  size_t at = 0;
  bool ours = false;
  for (const Range& range : stepping->code) {
    ours = pc >= range.begin && pc < range.end;
    if (ours) {
      at += pc - range.begin;
      break;
    }
    at += range.end - range.begin;
  }
  if (!ours) return;
  ++stepping->steps;
  stepping->seen[at] = 1;
  Walk walk;
  _Unwind_Backtrace(FindCaller, &walk);
  if (walk.cfa == stepping->caller_cfa) return;
  if (stepping->failures++ == 0) stepping->first_failure = at;
}

#define GANTRY_STEPPING(operation)                            \
  asm volatile("sub $128, %%rsp\n pushfq\n " operation        \
               ", (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" :: \
                   : "memory", "cc")

// The function that walks have to find.
__attribute__((noinline)) int64_t CallStepping(const Func& func, Store& store, int64_t argument) {
  Walk walk;
  stepping->caller = reinterpret_cast<uintptr_t>(&CallStepping);
  _Unwind_Backtrace(FindCaller, &walk);
  CHECK(walk.cfa != 0);
  stepping->caller_cfa = walk.cfa;
  const std::vector<Val> arguments = {Val::I64(argument)};
  GANTRY_STEPPING("orq $0x100");
  const auto results = func.Call(store, arguments);
  GANTRY_STEPPING("andq $~0x100");
  CHECK_OK(results.status());
  return (*results)[0].i64();
}

// Functions link0, link1, ... of these numbers of parameters, each of which calls the host and the
// runtime, keeps values over the calls, and goes to the next in tail position, in turns directly,
// through a table and through a reference.
std::string Guest(const std::vector<int>& counts) {
  std::string text = "(module (import \"host\" \"inc\" (func $inc (param i64) (result i64)))\n";
  text +=
      "(memory 1) (table $t " + std::to_string(counts.size()) + " funcref)\n(elem (i32.const 0)";
  for (size_t i = 0; i < counts.size(); ++i) text += " $link" + std::to_string(i);
  text += ")\n";
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::string n = std::to_string(i);
    std::string params;
    for (int p = 0; p < counts[i]; ++p) params += " i64";
    text += "(type $t" + n + " (func (param" + params + ") (result i64)))\n";
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::string n = std::to_string(i);
    text += "(func $link" + n + (i == 0 ? " (export \"run\")" : "") + " (type $t" + n +
            ") (local $a i64) (local $b i64) (local $c i32)\n";
    text += "(local.set $a (call $inc (local.get 0)))\n";
    text += "(local.set $c (memory.grow (i32.const 1)))\n";
    text += "(local.set $b (call $inc (local.get " + std::to_string(counts[i] - 1) + ")))\n";
    text += "(i64.store (i32.const 8) (i64.add (local.get $a) (local.get $b)))\n";
    const std::string sum =
        "(i64.add (i64.load (i32.const 8)) (i64.add (local.get $a) (i64.extend_i32_u (local.get "
        "$c))))";
    if (i + 1 == counts.size()) {
      text += sum + ")\n";
      continue;
    }
    std::string arguments = sum;
    for (int p = 1; p < counts[i + 1]; ++p) {
      arguments += " (local.get " + std::to_string(p % counts[i]) + ")";
    }
    const std::string next = std::to_string(i + 1);
    switch (i % 3) {
      case 0:
        text += "(return_call $link" + next + " " + arguments + "))\n";
        break;
      case 1:
        text += "(return_call_indirect $t (type $t" + next + ") " + arguments + " (i32.const " +
                next + ")))\n";
        break;
      default:
        text +=
            "(return_call_ref $t" + next + " " + arguments + " (ref.func $link" + next + ")))\n";
    }
  }
  return text + ")";
}

// A compiler; or, with a threshold, baseline code that is replaced when it is entered that often.
struct Code {
  Strategy strategy;
  uint32_t tier_up_threshold = 0;
};

class SteppingTest : public testing::TestWithParam<Code> {};

TEST_P(SteppingTest, EveryInstructionOfAGuest) {
  Config config;
  config.RegisterUnwindInfo(true).Compiler(GetParam().strategy);
  if (GetParam().strategy != Strategy::kWinch) config.CompilerFlag("inlining", "false");
  if (const uint32_t threshold = GetParam().tier_up_threshold; threshold != 0) {
    config.TierUp(true).TierUpThreshold(threshold).TierUpSynchronously(true);
  }
  const auto engine = Engine::Create(config);
  CHECK_OK(engine.status());
  int64_t expected = -1;
  for (const std::vector<int>& counts : {std::vector<int>{1},
                                         {1, 20, 20, 20},
                                         {1, 30, 20, 7, 3},
                                         {1, 9, 12, 15, 40, 41, 14, 8},
                                         {1, 60, 2, 61, 3, 20, 24}}) {
    const auto module = Module::CompileText(*engine, Guest(counts));
    CHECK_OK(module.status());
    const auto run = [&](bool step) {
      Store store(*engine);
      Linker linker(*engine);
      CHECK_OK(linker.Func("host", "inc", [](int64_t value) { return value + 1; }));
      const auto instance = linker.Instantiate(store, *module);
      CHECK_OK(instance.status());
      const auto func = instance->GetFunc(store, "run");
      CHECK_OK(func.status());
      if (!step) return (*func->Call(store, {Val::I64(100)}))[0].i64();
      Stepping state;
      state.code = GeneratedCode();
      size_t bytes = 0;
      for (const Range& range : state.code) bytes += range.end - range.begin;
      CHECK(bytes > 0 && bytes < size_t{64} << 20);
      state.seen.resize(bytes);
      stepping = &state;
      struct sigaction action = {}, before = {};
      action.sa_sigaction = OnStep;
      action.sa_flags = SA_SIGINFO;
      CHECK(sigaction(SIGTRAP, &action, &before) == 0);
      const int64_t result = CallStepping(*func, store, 100);
      CHECK(sigaction(SIGTRAP, &before, nullptr) == 0);
      stepping = nullptr;
      EXPECT_EQ(state.failures, 0u)
          << "of " << state.steps << ", first at offset " << state.first_failure << " with "
          << counts.size() << " functions";
      EXPECT_GT(state.steps, 50 * counts.size());
      return result;
    };
    expected = run(false);
    EXPECT_EQ(run(true), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Compilers, SteppingTest,
                         testing::Values(Code{Strategy::kOptimizing}, Code{Strategy::kWinch}));
// Each function is called once, then once under single-step: from baseline to optimized code that
// is there; and by way of the runtime, where its counter runs out.
INSTANTIATE_TEST_SUITE_P(TierUp, SteppingTest,
                         testing::Values(Code{Strategy::kAuto, 1}, Code{Strategy::kAuto, 2}));

}  // namespace
}  // namespace gantry

#endif  // defined(__x86_64__)
