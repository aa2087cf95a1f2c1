#include "codegen/interp/interpreter.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "codegen/ir/parse.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr TrapCode kTrap1 = static_cast<TrapCode>(1);

Function Parse(absl::string_view text) {
  absl::StatusOr<Function> func = ParseFunction(text);
  CHECK_OK(func.status());
  return *std::move(func);
}

UserExternalName Name(const std::string& text) {
  UserExternalName name;
  name.text = text;
  return name;
}

TEST(InterpreterTest, ReadsAndWritesHostMemory) {
  const Function func = Parse(R"(function %f(i64, i32) -> i32 {
    block0(v0: i64, v1: i32):
      store.i32 tc1 v1, v0+4
      v2 = uload8.i32 tc1 v0+5
      return v2
  })");
  std::vector<uint8_t> memory(8);
  Interpreter interpreter;
  interpreter.AddMemory(absl::MakeSpan(memory));
  const uint64_t base = reinterpret_cast<uint64_t>(memory.data());
  EXPECT_EQ(*interpreter.Run(func, {base, 0x11223344}), Outcome::Returned({0x33}));
  EXPECT_EQ(memory[7], 0x11);
  // The last byte is one too far, and nothing is written.
  EXPECT_EQ(*interpreter.Run(func, {base + 1, 0xFFFFFFFF}), Outcome::Trapped(kTrap1));
  EXPECT_EQ(memory[7], 0x11);
}

TEST(InterpreterTest, SaysWhatHasNoMeaning) {
  const Function load =
      Parse("function %f(i64) -> i64 {\nblock0(v0: i64):\n v1 = load.i64 v0\n return v1\n}");
  Interpreter interpreter;
  absl::Status status = interpreter.Run(load, {16}).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "out of all memories")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "v1 = load.i64 v0")) << status;
  const Function call = Parse(
      "function %g(i64) {\nsig0 = ()\nblock0(v0: i64):\n call_indirect sig0, v0()\n return\n}");
  status = interpreter.Run(call, {16}).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "which is no function")) << status;
  EXPECT_FALSE(interpreter.Run(call, {}).ok());
}

TEST(InterpreterTest, CallsHostFunctions) {
  const Function func = Parse(R"(function %f(i32) -> i32 {
      fn0 = %host(i32) -> i32
    block0(v0: i32):
      v1 = call fn0(v0)
      return_call fn0(v1)
  })");
  Interpreter interpreter;
  interpreter.AddHostFunction(Name("host"), [](absl::Span<const RawValue> args) {
    return args[0].lo == 3 ? Outcome::Trapped(kTrap1) : Outcome::Returned({args[0].lo + 1});
  });
  EXPECT_EQ(*interpreter.Run(func, {5}), Outcome::Returned({7}));
  EXPECT_EQ(*interpreter.Run(func, {3}), Outcome::Trapped(kTrap1));
  EXPECT_EQ(*interpreter.Run(func, {2}), Outcome::Trapped(kTrap1));
}

TEST(InterpreterTest, CountsFuel) {
  const Function func = Parse("function %f() {\nblock0:\n jump block1\nblock1:\n jump block1\n}");
  Interpreter interpreter;
  interpreter.set_fuel(100);
  EXPECT_EQ(interpreter.Run(func, {})->kind, Outcome::Kind::kOutOfFuel);
  EXPECT_EQ(interpreter.executed(), 100u);
}

TEST(InterpreterTest, NansAgreeWhereTheyMay) {
  Signature signature;
  signature.returns = {Type::kF32};
  const Outcome canonical = Outcome::Returned({0x7FC00000});
  EXPECT_TRUE(OutcomesAgree(canonical, Outcome::Returned({0xFFC00123}), signature));
  EXPECT_FALSE(OutcomesAgree(canonical, Outcome::Returned({0x7F800001}), signature));
  EXPECT_FALSE(OutcomesAgree(Outcome::Returned({0x7FC00001}), canonical, signature));
  signature.returns = {Type::kI32};
  EXPECT_FALSE(OutcomesAgree(canonical, Outcome::Returned({0xFFC00123}), signature));
}

}  // namespace
}  // namespace gantry::codegen
