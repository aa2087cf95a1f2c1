// What the baseline compiler hands over beside code that runs: frames at the heads of loops.
#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"
#include "winch/compiler_builder.h"

namespace gantry::winch {
namespace {

using environ::CompiledFunction;
using environ::LoopFrames;
using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;
using wasm::testing::ModuleBuilder;

std::unique_ptr<environ::Compiler> MakeCompiler(bool loop_frames, bool debug_info = false) {
  std::unique_ptr<environ::CompilerBuilder> builder = NewCompilerBuilder();
  if (loop_frames) builder->RecordLoopFrames();
  if (debug_info) {
    CHECK_OK(builder->Enable("debug_info"));
  }
  absl::StatusOr<std::unique_ptr<environ::Compiler>> compiler = builder->Build();
  CHECK_OK(compiler.status());
  return *std::move(compiler);
}

CompiledFunction Compile(const environ::Compiler& compiler, const std::vector<uint8_t>& bytes) {
  environ::TranslationOptions options;
  options.tunables = compiler.tunables();
  const auto module = environ::ModuleTranslation::Parse(bytes, environ::ModuleId(0), options);
  CHECK_OK(module.status());
  CompiledFunction function;
  CHECK_OK(
      compiler.CompileFunction(**module, (*module)->KeyOf(wasm::DefinedFuncIndex(0)), function));
  return function;
}

// --- Reading frames back ----------------------------------------------------------------

// A value's bits; of vectors the lower half.
using Values = std::vector<uint64_t>;

// Locals and operands, from the bottom, at one arrival at a loop's head.
struct Arrival {
  size_t loop;
  Values locals;
  Values operands;

  friend bool operator==(const Arrival&, const Arrival&) = default;
};
void PrintTo(const Arrival& arrival, std::ostream* out) {
  *out << "loop " << arrival.loop << ", locals";
  for (const uint64_t value : arrival.locals) *out << " " << std::hex << value;
  *out << ", operands";
  for (const uint64_t value : arrival.operands) *out << " " << std::hex << value;
}

// Runs code with a breakpoint at every loop's head. One at a time.
class Watched {
 public:
  explicit Watched(const CompiledFunction& function)
      : frames_(*function.loop_frames), debug_area_(function.debug_area) {
    void* const mapping = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapping != MAP_FAILED && function.code.size() <= kBytes);
    code_ = static_cast<uint8_t*>(mapping);
    std::memcpy(code_, function.code.data(), function.code.size());
    for (const LoopFrames::Loop& loop : frames_.loops) heads_.push_back(code_[loop.offset]);
    SetBreakpoints();
    CHECK(watched == nullptr);
    watched = this;
    struct sigaction action = {};
    action.sa_sigaction = &OnSignal;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGTRAP, &action, &previous_) == 0);
  }
  ~Watched() {
    sigaction(SIGTRAP, &previous_, nullptr);
    watched = nullptr;
    munmap(code_, kBytes);
  }

  // Arguments in rax and rcx, xmm0 and xmm1, as far as there are any; the result of rax.
  uint64_t Call(uint64_t rax, uint64_t rcx, double xmm0, double xmm1) {
    register double x0 asm("xmm0") = xmm0;
    register double x1 asm("xmm1") = xmm1;
    // The stack is aligned by hand, below what the compiler may keep under the stack pointer.
    asm volatile(
        "movq %%rsp, %%rbx\n"
        "subq $256, %%rsp\n"
        "andq $-16, %%rsp\n"
        "xorl %%edi, %%edi\n"
        "call *%[code]\n"
        "movq %%rbx, %%rsp\n"
        : "+a"(rax), "+c"(rcx), "+x"(x0), "+x"(x1)
        : [code] "r"(code_)
        : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm2", "xmm3",
          "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
          "xmm14", "xmm15");
    return rax;
  }

  const std::vector<Arrival>& arrivals() const { return arrivals_; }
  // What debuggers would find at each arrival: the context, then the locals.
  const std::vector<Values>& kept() const { return kept_; }

 private:
  static constexpr size_t kBytes = 1 << 16;
  static constexpr uint64_t kTrapFlag = 0x100;
  static Watched* watched;

  void SetBreakpoints() {
    for (const LoopFrames::Loop& loop : frames_.loops) code_[loop.offset] = 0xCC;
  }

  static void OnSignal(int, siginfo_t*, void* ucontext) {
    watched->OnTrap(static_cast<ucontext_t*>(ucontext)->uc_mcontext);
  }

  // At a breakpoint: the instruction in its place is run alone, then the breakpoints are set again.
  void OnTrap(mcontext_t& context) {
    greg_t* const regs = context.gregs;
    if ((regs[REG_EFL] & kTrapFlag) != 0) {
      regs[REG_EFL] &= ~static_cast<greg_t>(kTrapFlag);
      SetBreakpoints();
      return;
    }
    const auto at = static_cast<uint32_t>(regs[REG_RIP] - 1 - reinterpret_cast<greg_t>(code_));
    for (size_t i = 0; i < frames_.loops.size(); ++i) {
      const LoopFrames::Loop& loop = frames_.loops[i];
      code_[loop.offset] = heads_[i];
      if (loop.offset != at) continue;
      arrivals_.push_back(Read(i, context));
      if (debug_area_ != 0) kept_.push_back(ReadKept(context));
    }
    --regs[REG_RIP];
    regs[REG_EFL] |= kTrapFlag;
  }

  static uint64_t ReadRegister(uint8_t reg, const mcontext_t& context) {
    if (reg >= 32) {
      uint64_t bits;
      std::memcpy(&bits, context.fpregs->_xmm[reg - 32].element, sizeof bits);
      return bits;
    }
    constexpr int kRegisters[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<uint64_t>(context.gregs[kRegisters[reg]]);
  }

  static uint64_t Narrow(LoopFrames::Type type, uint64_t bits) {
    const bool is_f32 = type == LoopFrames::Type::kF32;
    return is_f32 ? static_cast<uint32_t>(bits) : bits;
  }

  Values ReadKept(const mcontext_t& context) const {
    Values values(1 + frames_.locals.size());
    std::memcpy(values.data(),
                reinterpret_cast<const uint8_t*>(context.gregs[REG_RBP]) - debug_area_,
                values.size() * sizeof values[0]);
    for (size_t i = 0; i < frames_.locals.size(); ++i) {
      const LoopFrames::Type type = frames_.locals[i].type;
      const bool is_narrow = type == LoopFrames::Type::kI32 || type == LoopFrames::Type::kF32;
      if (is_narrow) values[1 + i] = static_cast<uint32_t>(values[1 + i]);
    }
    return values;
  }

  Arrival Read(size_t number, const mcontext_t& context) const {
    const LoopFrames::Loop& loop = frames_.loops[number];
    const auto slot = [&](LoopFrames::Type type, int32_t offset) {
      uint64_t bits;
      std::memcpy(&bits, reinterpret_cast<const uint8_t*>(context.gregs[REG_RBP]) + offset,
                  sizeof bits);
      return Narrow(type, bits);
    };
    Arrival arrival = {number, {}, {}};
    for (const LoopFrames::Local& local : frames_.locals) {
      arrival.locals.push_back(slot(local.type, local.slot));
    }
    for (uint32_t i = 0; i < loop.register_count; ++i) {
      const LoopFrames::Register& held = frames_.registers[loop.first_register + i];
      arrival.locals[held.local] =
          Narrow(frames_.locals[held.local].type, ReadRegister(held.reg, context));
    }
    for (uint32_t at = loop.top_operand; at != LoopFrames::kNone;) {
      const LoopFrames::Operand& operand = frames_.operands[at];
      arrival.operands.insert(arrival.operands.begin(),
                              operand.place == LoopFrames::Place::kConstant
                                  ? operand.bits
                                  : slot(operand.type, operand.slot));
      at = operand.below;
    }
    return arrival;
  }

  const LoopFrames& frames_;
  const uint32_t debug_area_;
  uint8_t* code_ = nullptr;
  std::vector<uint8_t> heads_;
  std::vector<Arrival> arrivals_;
  std::vector<Values> kept_;
  struct sigaction previous_ = {};
};
Watched* Watched::watched = nullptr;

uint64_t Bits(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Nested loops over locals of each class and operands of each kind of place; the inner loop has a
// parameter and stands on the outer's operands.
std::vector<uint8_t> NestedLoops() {
  ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type(
      {ValType::I32(), ValType::I64(), ValType::F64(), ValType::F64()}, {ValType::I64()});
  const wasm::TypeIndex inner = builder.Type({ValType::I32()}, {});
  CodeBuilder code;
  code.Locals(1, ValType::I32()).Locals(1, ValType::F64());  // 4: the inner counter; 5
  code.I64Const(77).LocalGet(1).LocalGet(2);
  code.Open(Opcode::kLoop);
  {
    code.LocalGet(2).LocalGet(3).Op(Opcode::kF64Add).LocalSet(5);
    code.I32Const(2).LocalSet(4);
    code.LocalGet(0).I32Const(9);
    code.Open(Opcode::kLoop, inner);
    {
      code.LocalSet(0);
      code.LocalGet(0).I32Const(1).Op(Opcode::kI32Add);
      code.LocalGet(4).I32Const(1).Op(Opcode::kI32Sub).LocalTee(4);
      code.BrIf(0).Op(Opcode::kDrop);
    }
    code.End();
    code.I32Const(3).Op(Opcode::kI32Sub).LocalTee(0).BrIf(0);
  }
  code.End();
  code.Op(Opcode::kDrop).Op(Opcode::kI64Add);
  builder.Func(type, code);
  return builder.Build();
}

TEST(LoopFramesTest, AreReadBackAtEachArrival) {
  const CompiledFunction function = Compile(*MakeCompiler(true), NestedLoops());
  ASSERT_NE(function.loop_frames, nullptr);
  ASSERT_EQ(function.loop_frames->loops.size(), 2u);
  ASSERT_TRUE(function.relocations.empty());
  Watched watched(function);
  EXPECT_EQ(watched.Call(6, 1000, 1.5, 2.25), 1077u);
  const uint64_t a = Bits(1.5), b = Bits(2.25), sum = Bits(3.75);
  // Locals: two of integers, two of floats, the inner counter, the sum.
  const std::vector<Arrival> expected = {
      {0, {6, 1000, a, b, 0, 0}, {77, 1000, a}},
      {1, {6, 1000, a, b, 2, sum}, {77, 1000, a, 6, 9}},
      {1, {9, 1000, a, b, 1, sum}, {77, 1000, a, 6, 10}},
      {0, {3, 1000, a, b, 0, sum}, {77, 1000, a}},
      {1, {3, 1000, a, b, 2, sum}, {77, 1000, a, 3, 9}},
      {1, {9, 1000, a, b, 1, sum}, {77, 1000, a, 3, 10}},
  };
  EXPECT_EQ(watched.arrivals(), expected);
}

// The context is null here (Watched::Call).
TEST(DebugInfoTest, LocalsAreKeptWhereDebuggersLook) {
  const CompiledFunction function = Compile(*MakeCompiler(true, true), NestedLoops());
  ASSERT_NE(function.debug_area, 0u);
  Watched watched(function);
  EXPECT_EQ(watched.Call(6, 1000, 1.5, 2.25), 1077u);
  ASSERT_EQ(watched.arrivals().size(), 6u);
  ASSERT_EQ(watched.kept().size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    Values expected = {0};
    for (const uint64_t value : watched.arrivals()[i].locals) expected.push_back(value);
    EXPECT_EQ(watched.kept()[i], expected) << "arrival " << i;
  }
}

TEST(DebugInfoTest, OnlyTheFirstLocalsAreKept) {
  ModuleBuilder builder;
  CodeBuilder code;
  code.Locals(environ::kMaxKeptLocals + 10, ValType::I64()).Locals(1, ValType::V128());
  code.I64Const(1).LocalSet(environ::kMaxKeptLocals + 3);
  builder.Func(builder.Type({}, {}), code);
  const CompiledFunction function = Compile(*MakeCompiler(false, true), builder.Build());
  EXPECT_GE(function.debug_area, 8 * (1 + environ::kMaxKeptLocals));
  EXPECT_LT(function.debug_area, function.frame.frame_size);
  EXPECT_EQ(Compile(*MakeCompiler(false), NestedLoops()).debug_area, 0u);
}

TEST(DebugInfoTest, EveryOperatorHasItsPlace) {
  ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  CodeBuilder code;
  code.LocalGet(0).I32Const(3).Op(Opcode::kI32Mul).I32Const(5).Op(Opcode::kI32Xor);
  code.LocalGet(0).Op(Opcode::kI32Add);
  builder.Func(type, code);
  // The operators that write code: three of arithmetic, and the return; the prologue's none.
  EXPECT_GE(Compile(*MakeCompiler(false, true), builder.Build()).address_map.size(), 5u);
  EXPECT_LE(Compile(*MakeCompiler(false), builder.Build()).address_map.size(), 2u);
}

TEST(LoopFramesTest, AreMadeWhereTheyAreAskedFor) {
  EXPECT_EQ(Compile(*MakeCompiler(false), NestedLoops()).loop_frames, nullptr);
  ModuleBuilder builder;
  builder.Func(builder.Type({}, {}), CodeBuilder());
  EXPECT_EQ(Compile(*MakeCompiler(true), builder.Build()).loop_frames, nullptr);
  // Code is the same with and without.
  EXPECT_EQ(Compile(*MakeCompiler(false), NestedLoops()).code,
            Compile(*MakeCompiler(true), NestedLoops()).code);
}

// Operands that several loops stand on are there once.
TEST(LoopFramesTest, TakeLinearSpace) {
  constexpr int kCount = 1000;
  ModuleBuilder builder;
  CodeBuilder code;
  code.Locals(1, ValType::I64());
  for (int i = 0; i < kCount; ++i) code.LocalGet(0);
  for (int i = 0; i < kCount; ++i) code.Open(Opcode::kLoop).End();
  for (int i = 0; i < kCount; ++i) code.Op(Opcode::kDrop);
  builder.Func(builder.Type({}, {}), code);
  const CompiledFunction function = Compile(*MakeCompiler(true), builder.Build());
  ASSERT_NE(function.loop_frames, nullptr);
  EXPECT_EQ(function.loop_frames->loops.size(), size_t{kCount});
  EXPECT_EQ(function.loop_frames->operands.size(), size_t{kCount});
  EXPECT_LE(function.loop_frames->registers.size(), 2u * kCount);
}

}  // namespace
}  // namespace gantry::winch
