// Call frame information at every instruction: functions run under single-step, and wherever they
// stand, the unwinder of the C++ runtime has to find the same caller with the same stack. In
// prologues and epilogues and around calls and tail calls, not only where calls return to.
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"
#include "jit/module.h"
#include "jit/module_testing.h"

#if defined(__x86_64__)

// Calls `code` with its argument and the trap flag on, which raises SIGTRAP behind each
// instruction until it is off. The callee-saved registers hold numbers that unwinding must find.
extern "C" int64_t GantryCallStepping(const void* code, int64_t argument);
extern "C" const uint8_t GantrySteppingReturn[];
__asm__(R"(
  .text
  .globl GantryCallStepping
  .type GantryCallStepping, @function
GantryCallStepping:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  push %rbx
  .cfi_def_cfa_offset 24
  .cfi_offset %rbx, -24
  push %r12
  .cfi_def_cfa_offset 32
  .cfi_offset %r12, -32
  push %r13
  .cfi_def_cfa_offset 40
  .cfi_offset %r13, -40
  push %r14
  .cfi_def_cfa_offset 48
  .cfi_offset %r14, -48
  push %r15
  .cfi_def_cfa_offset 56
  .cfi_offset %r15, -56
  sub $8, %rsp
  .cfi_def_cfa_offset 64
  mov %rdi, %rax
  mov %rsi, %rdi
  mov $0x1111, %rbp
  mov $0x2222, %rbx
  mov $0x3333, %r12
  mov $0x4444, %r13
  mov $0x5555, %r14
  mov $0x6666, %r15
  pushfq
  orq $0x100, (%rsp)
  popfq
  call *%rax
  .globl GantrySteppingReturn
GantrySteppingReturn:
  pushfq
  andq $~0x100, (%rsp)
  popfq
  add $8, %rsp
  .cfi_def_cfa_offset 56
  pop %r15
  .cfi_def_cfa_offset 48
  pop %r14
  .cfi_def_cfa_offset 40
  pop %r13
  .cfi_def_cfa_offset 32
  pop %r12
  .cfi_def_cfa_offset 24
  pop %rbx
  .cfi_def_cfa_offset 16
  pop %rbp
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
  .size GantryCallStepping, . - GantryCallStepping
)");

namespace gantry::jit {
namespace {

using codegen::CallConv;
using codegen::FuncId;
using codegen::Linkage;
using codegen::Type;
using codegen::Value;

// What the handler looks at and writes down. It allocates nothing.
struct Stepping {
  uintptr_t code_begin = 0, code_end = 0;
  // The caller's stack pointer behind the call; found with the first step.
  uintptr_t caller_sp = 0;
  size_t steps = 0;
  size_t failures = 0;
  uintptr_t first_failure = 0;
  const char* what = nullptr;
  uint8_t seen[1 << 16] = {};
};
Stepping* stepping = nullptr;

struct Walk {
  int frames_of_ours = 0;
  bool found_caller = false;
  const char* what = "the caller was not reached";
};

// DWARF numbers of rbx, rbp, r12 to r15, and what GantryCallStepping put there.
constexpr std::pair<int, uintptr_t> kSaved[] = {{3, 0x2222},  {6, 0x1111},  {12, 0x3333},
                                                {13, 0x4444}, {14, 0x5555}, {15, 0x6666}};

_Unwind_Reason_Code VisitFrame(_Unwind_Context* context, void* data) {
  Walk& walk = *static_cast<Walk*>(data);
  const uintptr_t pc = _Unwind_GetIP(context);
  if (pc - stepping->code_begin < stepping->code_end - stepping->code_begin) {
    ++walk.frames_of_ours;
    return _URC_NO_REASON;
  }
  if (pc != reinterpret_cast<uintptr_t>(GantrySteppingReturn)) return _URC_NO_REASON;
  walk.found_caller = true;
  walk.what = nullptr;
  // libgcc's CFA of a frame is the stack pointer in it.
  if (_Unwind_GetCFA(context) != stepping->caller_sp) walk.what = "another stack pointer";
  for (const auto& [reg, value] : kSaved) {
    if (_Unwind_GetGR(context, reg) != value) walk.what = "another callee-saved register";
  }
  return _URC_END_OF_STACK;
}

void OnStep(int, siginfo_t*, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
  const uintptr_t pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
  if (pc - stepping->code_begin >= stepping->code_end - stepping->code_begin) return;
  const uintptr_t sp = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RSP]);
  if (stepping->steps++ == 0) stepping->caller_sp = sp + 8;
  stepping->seen[pc - stepping->code_begin] = 1;
  Walk walk;
  _Unwind_Backtrace(VisitFrame, &walk);
  if (walk.what == nullptr && walk.frames_of_ours == 0) walk.what = "no frame of the function";
  if (walk.what == nullptr) return;
  if (stepping->failures++ == 0) {
    stepping->first_failure = pc;
    stepping->what = walk.what;
  }
}

class UnwindTest : public testing::Test {
 protected:
  UnwindTest() {
    auto made = JitModule::Create({.isa = HostIsa(), .register_unwind_info = true});
    CHECK_OK(made.status());
    module_ = *std::move(made);
  }

  FuncId Declare(const char* name, const codegen::Signature& signature) {
    const auto id = module_->DeclareFunction(name, Linkage::kLocal, signature);
    CHECK_OK(id.status());
    return *id;
  }

  // Runs the function step by step; the offsets that it passed.
  std::set<size_t> Step(FuncId id, int64_t argument, int64_t expected) {
    CHECK_OK(module_->Finalize());
    Stepping state;
    state.code_begin = reinterpret_cast<uintptr_t>(module_->Address(id)) & ~uintptr_t{4095};
    state.code_end = state.code_begin + sizeof state.seen;
    // Whatever the unwinder sets up once is not to be set up in the handler.
    Walk unused;
    stepping = &state;
    _Unwind_Backtrace(VisitFrame, &unused);
    struct sigaction action = {}, before = {};
    action.sa_sigaction = OnStep;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGTRAP, &action, &before) == 0);
    const int64_t result = GantryCallStepping(module_->Address(id), argument);
    CHECK(sigaction(SIGTRAP, &before, nullptr) == 0);
    stepping = nullptr;
    EXPECT_EQ(result, expected);
    EXPECT_GE(state.steps, 2u);
    EXPECT_EQ(state.failures, 0u) << "first at offset " << state.first_failure - state.code_begin
                                  << ": " << (state.what == nullptr ? "" : state.what);
    std::set<size_t> seen;
    for (size_t i = 0; i < sizeof state.seen; ++i) {
      if (state.seen[i] != 0) seen.insert(i);
    }
    return seen;
  }

  std::unique_ptr<JitModule> module_;
};

TEST_F(UnwindTest, ALeafWithoutFrame) {
  const FuncId f = Declare("leaf", IntSignature(1));
  FunctionDraft draft(IntSignature(1));
  draft.b.Return({draft.b.Iadd(draft.param(0), draft.b.Iconst(Type::kI64, 5))});
  ASSERT_TRUE(module_->Define(f, draft.func).ok());
  Step(f, 2, 7);
}

TEST_F(UnwindTest, FramesOfARecursion) {
  const FuncId f = Declare("fibonacci", IntSignature(1));
  ASSERT_TRUE(DefineFibonacci(*module_, f).ok());
  const std::set<size_t> seen = Step(f, 5, 5);
  EXPECT_GT(seen.size(), 10u);
}

// Enough values across a call to need every callee-saved register and slots in the frame.
TEST_F(UnwindTest, SavedRegistersAndSpills) {
  const FuncId callee = Declare("callee", IntSignature(1));
  {
    FunctionDraft draft(IntSignature(1));
    draft.b.Return({draft.b.Imul(draft.param(0), draft.b.Iconst(Type::kI64, 3))});
    ASSERT_TRUE(module_->Define(callee, draft.func).ok());
  }
  const FuncId f = Declare("saves", IntSignature(1));
  FunctionDraft draft(IntSignature(1));
  codegen::InstBuilder& b = draft.b;
  const codegen::FuncRef ref = module_->ReferTo(callee, &draft.func);
  std::vector<Value> values = {draft.param(0)};
  for (int i = 1; i < 16; ++i) {
    const codegen::Inst call = b.Call(ref, {values.back()});
    values.push_back(b.Iadd(draft.func.dfg.result(call), b.Iconst(Type::kI64, i)));
  }
  Value sum = values[0];
  int64_t expected = 1, last = 1;
  for (int i = 1; i < 16; ++i) {
    sum = b.Bxor(sum, values[static_cast<size_t>(i)]);
    last = 3 * last + i;
    expected ^= last;
  }
  b.Return({sum});
  ASSERT_TRUE(module_->Define(f, draft.func).ok());
  Step(f, 1, expected);
}

// A frame of more than one page, and an early return around it.
TEST_F(UnwindTest, ALargeFrameBehindAnEarlyReturn) {
  const FuncId callee = Declare("callee", IntSignature(1));
  {
    FunctionDraft draft(IntSignature(1));
    const Value loaded = draft.b.Load(Type::kI64, codegen::MemFlags::Trusted(), draft.param(0), 0);
    draft.b.Return({loaded});
    ASSERT_TRUE(module_->Define(callee, draft.func).ok());
  }
  const FuncId f = Declare("large", IntSignature(1));
  FunctionDraft draft(IntSignature(1));
  codegen::InstBuilder& b = draft.b;
  const codegen::StackSlot slot = draft.func.dfg.MakeStackSlot({.bytes = 20000, .align_log2 = 3});
  const codegen::Block early = b.MakeBlock(), late = b.MakeBlock();
  b.Brif(draft.param(0), late, {}, early, {});
  b.Begin(early);
  b.Return({b.Iconst(Type::kI64, -1)});
  b.Begin(late);
  b.StackStore(draft.param(0), slot, 16000);
  const codegen::Inst call =
      b.Call(module_->ReferTo(callee, &draft.func), {b.StackAddr(slot, 16000)});
  b.Return({draft.func.dfg.result(call)});
  ASSERT_TRUE(module_->Define(f, draft.func).ok());
  Step(f, 0, -1);
  Step(f, 9, 9);
}

// Functions of the wasm convention, which has callees pop their stack arguments, call each other in
// tail position with the numbers of arguments given; the registers that they save are in use.
class TailCallsTest : public UnwindTest, public testing::WithParamInterface<std::vector<size_t>> {
 protected:
  static codegen::Signature Taking(size_t params) {
    codegen::Signature signature(CallConv::kWasm);
    signature.params.assign(params, Type::kI64);
    signature.returns = {Type::kI64};
    return signature;
  }

  // Calls `plain` over and over with values that live across, then what follows.
  void DefineLink(FuncId self, size_t params, FuncId plain, FuncId next, size_t next_params) {
    FunctionDraft draft(Taking(params));
    codegen::InstBuilder& b = draft.b;
    std::vector<Value> values;
    for (size_t i = 0; i < 6; ++i) {
      const codegen::Inst call = b.Call(module_->ReferTo(plain, &draft.func), {draft.param(0)});
      values.push_back(draft.func.dfg.result(call));
    }
    Value sum = draft.param(params - 1);
    for (Value value : values) sum = b.Iadd(sum, value);
    std::vector<Value> arguments = {sum};
    for (size_t i = 1; i < next_params; ++i) arguments.push_back(draft.param((i * 7) % params));
    b.ReturnCall(module_->ReferTo(next, &draft.func), arguments);
    ASSERT_TRUE(module_->Define(self, draft.func).ok());
  }
};

TEST_P(TailCallsTest, EveryInstruction) {
  const std::vector<size_t>& counts = GetParam();
  const FuncId plain = Declare("plain", IntSignature(1));
  {
    FunctionDraft draft(IntSignature(1));
    draft.b.Return({draft.b.Iadd(draft.param(0), draft.b.Iconst(Type::kI64, 1))});
    ASSERT_TRUE(module_->Define(plain, draft.func).ok());
  }
  std::vector<FuncId> links;
  for (size_t i = 0; i < counts.size(); ++i) {
    links.push_back(Declare(("link" + std::to_string(i)).c_str(), Taking(counts[i])));
  }
  // The last one sums its arguments up.
  {
    FunctionDraft draft(Taking(counts.back()));
    Value sum = draft.param(0);
    for (size_t i = 1; i < counts.back(); ++i) sum = draft.b.Iadd(sum, draft.param(i));
    draft.b.Return({sum});
    ASSERT_TRUE(module_->Define(links.back(), draft.func).ok());
  }
  for (size_t i = 0; i + 1 < links.size(); ++i) {
    DefineLink(links[i], counts[i], plain, links[i + 1], counts[i + 1]);
  }
  const FuncId f = Declare("first", IntSignature(1));
  FunctionDraft draft(IntSignature(1));
  std::vector<Value> arguments;
  std::vector<int64_t> values;
  for (size_t i = 0; i < counts[0]; ++i) {
    arguments.push_back(draft.b.Iadd(draft.param(0), draft.b.Iconst(Type::kI64, int64_t(i))));
    values.push_back(100 + static_cast<int64_t>(i));
  }
  const codegen::Inst call = draft.b.Call(module_->ReferTo(links[0], &draft.func), arguments);
  draft.b.Return({draft.func.dfg.result(call)});
  ASSERT_TRUE(module_->Define(f, draft.func).ok());
  for (size_t link = 0; link + 1 < counts.size(); ++link) {
    std::vector<int64_t> next = {values.back() + 6 * (values[0] + 1)};
    for (size_t i = 1; i < counts[link + 1]; ++i) next.push_back(values[(i * 7) % values.size()]);
    values = std::move(next);
  }
  int64_t expected = 0;
  for (int64_t value : values) expected += value;
  Step(f, 100, expected);
}

INSTANTIATE_TEST_SUITE_P(All, TailCallsTest,
                         testing::Values(std::vector<size_t>{20, 20, 20},
                                         std::vector<size_t>{30, 20, 7, 3},
                                         std::vector<size_t>{2, 7, 8, 9, 10, 20, 21, 40},
                                         std::vector<size_t>{1, 60, 2, 61, 40, 80, 5}));

// More than an instruction that returns can take off the stack.
TEST_F(UnwindTest, ManyStackArguments) {
  constexpr size_t kParams = 8300;
  codegen::Signature many(CallConv::kWasm);
  many.params.assign(kParams, Type::kI64);
  many.returns = {Type::kI64};
  const FuncId callee = Declare("callee", many);
  {
    FunctionDraft draft(many);
    draft.b.Return({draft.b.Iadd(draft.param(kParams - 1), draft.param(kParams / 2))});
    ASSERT_TRUE(module_->Define(callee, draft.func).ok());
  }
  const FuncId f = Declare("first", IntSignature(1));
  FunctionDraft draft(IntSignature(1));
  const std::vector<Value> arguments(kParams, draft.param(0));
  const codegen::Inst call = draft.b.Call(module_->ReferTo(callee, &draft.func), arguments);
  draft.b.Return({draft.func.dfg.result(call)});
  ASSERT_TRUE(module_->Define(f, draft.func).ok());
  Step(f, 21, 42);
}

}  // namespace
}  // namespace gantry::jit

#endif  // defined(__x86_64__)
