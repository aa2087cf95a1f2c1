#include "wasm_translate/translator.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/plain_environment.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Every function of the module, translated and verified, as text.
std::string TranslateAll(const Module& module, bool check_bounds = false) {
  testing::PlainEnvironment environment(module);
  environment.set_check_bounds(check_bounds);
  const ValidatorLimits limits;
  FunctionTranslator translator(module, Features::Default(), limits);
  codegen::Function func;
  std::string text;
  for (const FunctionBody& body : module.bodies) {
    const absl::Status status = translator.Translate(body, environment, &func);
    EXPECT_TRUE(status.ok()) << body.func << ": " << status;
    if (!status.ok()) continue;
    const absl::Status verified = codegen::VerifyFunction(func);
    EXPECT_TRUE(verified.ok()) << body.func << ": " << verified << "\n"
                               << codegen::PrintFunction(func);
    absl::StrAppend(&text, ";; ", std::string(module.names.function(body.func)), "\n",
                    codegen::PrintFunction(func, {.renumber = true, .locations = false}), "\n");
  }
  return text;
}

// tools/rewrite_goldens rewrites the file.
TEST(TranslatorTest, Goldens) {
  const std::string wasm = ReadFile("wasm_translate/testdata/translator.wasm");
  const absl::Span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(wasm.data()), wasm.size());
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  const std::string text = TranslateAll(*module);
  if (const char* folder = std::getenv("GANTRY_REWRITE_GOLDENS")) {
    std::ofstream(absl::StrCat(folder, "/wasm_translate/testdata/translator.ir")) << text;
  }
  EXPECT_EQ(text, ReadFile("wasm_translate/testdata/translator.ir"));
  TranslateAll(*module, /*check_bounds=*/true);
}

// A random body of nested control with reads and writes of locals everywhere, as a tree that
// can be written as wasm and executed directly by the rules of the specification.
class RandomBody {
 public:
  RandomBody(uint32_t seed, uint32_t locals) : random_(seed), locals_(locals) {
    depth_ = 1;
    for (int i = 0; i < 6; ++i) body_.push_back(Make(5));
    result_ = Pick(locals_);
  }

  CodeBuilder Emit() const {
    CodeBuilder code;
    code.Locals(locals_ - 1, ValType::I32());
    for (const Statement& s : body_) EmitStatement(s, code);
    return code.LocalGet(result_);
  }

  // The result for an argument; nothing if it takes more than so many statements.
  std::optional<uint32_t> Execute(uint32_t argument, int steps) const {
    std::vector<uint32_t> values(locals_, 0);
    values[0] = argument;
    if (ExecuteAll(body_, values, steps) == kStopped) return std::nullopt;
    return values[result_];
  }

 private:
  enum class Kind { kAssign, kBlock, kLoop, kIf, kBr, kBrIf, kBrTable };
  struct Statement {
    Kind kind;
    // Locals read, and the one written or the constant added.
    uint32_t a = 0, b = 0, target = 0;
    std::vector<uint32_t> depths;
    std::vector<Statement> body, else_body;
    bool has_else = false;
  };
  // How control leaves statements: to what follows, out of steps, or to a label.
  static constexpr int kNext = -1;
  static constexpr int kStopped = -2;

  uint32_t Pick(uint32_t n) { return random_() % n; }
  std::vector<Statement> MakeBody(int budget) {
    ++depth_;
    std::vector<Statement> body;
    for (uint32_t i = Pick(4); i > 0; --i) body.push_back(Make(budget - 1));
    --depth_;
    return body;
  }
  Statement Make(int budget) {
    Statement s{Kind::kAssign, Pick(locals_), Pick(locals_), Pick(locals_), {}, {}, {}, false};
    // The label of the function's frame takes a value along; none of these does.
    const uint32_t labels = depth_ - 1;
    switch (budget == 0 ? 0 : Pick(10)) {
      case 2:
        s.kind = Kind::kBlock;
        s.body = MakeBody(budget);
        break;
      case 3:
      case 4:
        s.kind = Kind::kLoop;
        s.body = MakeBody(budget);
        break;
      case 5:
        s.kind = Kind::kIf;
        s.body = MakeBody(budget);
        s.has_else = Pick(2) == 0;
        if (s.has_else) s.else_body = MakeBody(budget);
        break;
      case 6:
      case 7:
        if (labels == 0) break;
        s.kind = Kind::kBrIf;
        s.depths = {Pick(labels)};
        break;
      case 8:
        if (labels < 2) break;
        s.kind = Kind::kBrTable;
        s.depths = {Pick(labels), Pick(labels), Pick(labels)};
        break;
      case 9:
        if (labels == 0 || Pick(4) != 0) break;
        s.kind = Kind::kBr;
        s.depths = {Pick(labels)};
        break;
      default:
        break;
    }
    return s;
  }

  static void EmitStatement(const Statement& s, CodeBuilder& code) {
    switch (s.kind) {
      case Kind::kAssign:
        code.LocalGet(s.a).LocalGet(s.b).Op(Opcode::kI32Add).I32Const(1).Op(Opcode::kI32Add);
        code.LocalSet(s.target);
        return;
      case Kind::kBlock:
      case Kind::kLoop:
        code.Open(s.kind == Kind::kBlock ? Opcode::kBlock : Opcode::kLoop);
        for (const Statement& inner : s.body) EmitStatement(inner, code);
        code.End();
        return;
      case Kind::kIf:
        EmitCondition(s, code);
        code.Open(Opcode::kIf);
        for (const Statement& inner : s.body) EmitStatement(inner, code);
        if (s.has_else) {
          code.Else();
          for (const Statement& inner : s.else_body) EmitStatement(inner, code);
        }
        code.End();
        return;
      case Kind::kBr:
        code.Br(s.depths[0]);
        return;
      case Kind::kBrIf:
        EmitCondition(s, code);
        code.BrIf(s.depths[0]);
        return;
      case Kind::kBrTable:
        code.LocalGet(s.a).I32Const(3).Op(Opcode::kI32And);
        code.BrTable({s.depths[0], s.depths[1], s.depths[2]});
        return;
    }
  }
  // Bit 1 of a local: neither always set nor always clear.
  static void EmitCondition(const Statement& s, CodeBuilder& code) {
    code.LocalGet(s.a).I32Const(2).Op(Opcode::kI32And);
  }

  static int ExecuteAll(const std::vector<Statement>& body, std::vector<uint32_t>& values,
                        int& steps) {
    for (const Statement& s : body) {
      const int where = ExecuteOne(s, values, steps);
      if (where != kNext) return where;
    }
    return kNext;
  }
  static int ExecuteOne(const Statement& s, std::vector<uint32_t>& values, int& steps) {
    if (--steps < 0) return kStopped;
    const bool condition = (values[s.a] & 2) != 0;
    switch (s.kind) {
      case Kind::kAssign:
        values[s.target] = values[s.a] + values[s.b] + 1;
        return kNext;
      case Kind::kBlock:
        return Leave(ExecuteAll(s.body, values, steps));
      case Kind::kLoop:
        for (;;) {
          const int where = ExecuteAll(s.body, values, steps);
          if (where != 0) return Leave(where);
          if (--steps < 0) return kStopped;
        }
      case Kind::kIf:
        return Leave(ExecuteAll(condition ? s.body : s.else_body, values, steps));
      case Kind::kBr:
        return static_cast<int>(s.depths[0]);
      case Kind::kBrIf:
        return condition ? static_cast<int>(s.depths[0]) : kNext;
      case Kind::kBrTable:
        return static_cast<int>(s.depths[std::min(values[s.a] & 3, 2u)]);
    }
    return kNext;
  }
  // Control that leaves a frame: its own label leads to what follows.
  static int Leave(int where) { return where <= 0 ? std::min(where, kNext) : where - 1; }

  std::mt19937 random_;
  uint32_t locals_;
  uint32_t depth_ = 0;
  uint32_t result_ = 0;
  std::vector<Statement> body_;
};

TEST(TranslatorTest, RandomControlFlowMeansTheSame) {
  int executed = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const RandomBody body(seed, 2 + seed % 7);
    ModuleBuilder builder;
    builder.Func(builder.Type({ValType::I32()}, {ValType::I32()}), body.Emit());
    const std::vector<uint8_t> bytes = builder.Build();
    const absl::StatusOr<Module> module = ParseModule(bytes, {});
    ASSERT_TRUE(module.ok()) << module.status();
    testing::PlainEnvironment environment(*module);
    const ValidatorLimits limits;
    FunctionTranslator translator(*module, Features::Default(), limits);
    codegen::Function func;
    const absl::Status status =
        translator.Translate(module->bodies[DefinedFuncIndex(0)], environment, &func);
    ASSERT_TRUE(status.ok()) << status;
    const absl::Status verified = codegen::VerifyFunction(func);
    ASSERT_TRUE(verified.ok()) << "seed " << seed << ": " << verified << "\n"
                               << codegen::PrintFunction(func);
    codegen::Interpreter interpreter;
    for (const uint32_t argument : {0u, 1u, 2u, 77u}) {
      const std::optional<uint32_t> expected = body.Execute(argument, 2000);
      if (!expected.has_value()) continue;
      ++executed;
      const absl::StatusOr<codegen::Outcome> outcome = interpreter.Run(func, {0, argument});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      ASSERT_EQ(outcome->values, std::vector<codegen::RawValue>{*expected})
          << "seed " << seed << ", argument " << argument << "\n"
          << codegen::PrintFunction(func);
    }
  }
  EXPECT_GT(executed, 5000);
}

// The same bodies in place of calls of them, in a loop and one within the other:
//   f(x) = the sum over i = 0, 1, 2 of a(b(x + i)) + b(i)
TEST(TranslatorTest, InlinedBodiesMeanTheSame) {
  int executed = 0;
  size_t inlined = 0;
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    const RandomBody a(seed, 2 + seed % 5), b(seed + 100'000, 2 + seed % 4);
    ModuleBuilder builder;
    const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
    const FuncIndex func_a = builder.Func(type, a.Emit());
    const FuncIndex func_b = builder.Func(type, b.Emit());
    const FuncIndex both = builder.Func(type, CodeBuilder().LocalGet(0).Call(func_b).Call(func_a));
    CodeBuilder code;
    code.Locals(2, ValType::I32()).Open(Opcode::kLoop);
    code.LocalGet(0).LocalGet(1).Op(Opcode::kI32Add).Call(both);
    code.LocalGet(1).Call(func_b).Op(Opcode::kI32Add);
    code.LocalGet(2).Op(Opcode::kI32Add).LocalSet(2);
    code.LocalGet(1).I32Const(1).Op(Opcode::kI32Add).LocalTee(1).I32Const(3);
    code.Op(Opcode::kI32LtU).BrIf(0).End().LocalGet(2);
    builder.Func(type, code);
    const std::vector<uint8_t> bytes = builder.Build();
    const absl::StatusOr<Module> module = ParseModule(bytes, {});
    ASSERT_TRUE(module.ok()) << module.status();
    testing::PlainEnvironment environment(*module);
    const ValidatorLimits limits;
    InlineLimits inline_limits;
    inline_limits.max_cost = 300;
    inline_limits.min_growth = 5000;
    inline_limits.loops = true;
    const InlinePlan plan(*module, Features::Default(), limits, inline_limits);
    FunctionTranslator translator(*module, Features::Default(), limits);
    translator.set_inline_plan(&plan);
    codegen::Function func;
    const absl::Status status =
        translator.Translate(module->bodies[DefinedFuncIndex(3)], environment, &func);
    ASSERT_TRUE(status.ok()) << status;
    const absl::Status verified = codegen::VerifyFunction(func);
    ASSERT_TRUE(verified.ok()) << "seed " << seed << ": " << verified << "\n"
                               << codegen::PrintFunction(func);
    // Only calls of bodies that have no way to their end are left.
    if (translator.num_inlined() < 4) continue;
    inlined += translator.num_inlined();
    codegen::Interpreter interpreter;
    for (const uint32_t argument : {0u, 1u, 77u}) {
      uint32_t expected = 0;
      bool finished = true;
      for (uint32_t i = 0; i < 3 && finished; ++i) {
        const std::optional<uint32_t> inner = b.Execute(argument + i, 2000);
        const std::optional<uint32_t> other = b.Execute(i, 2000);
        const std::optional<uint32_t> outer =
            inner.has_value() ? a.Execute(*inner, 2000) : std::nullopt;
        finished = outer.has_value() && other.has_value();
        if (finished) expected += *outer + *other;
      }
      if (!finished) continue;
      ++executed;
      const absl::StatusOr<codegen::Outcome> outcome = interpreter.Run(func, {0, argument});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      ASSERT_EQ(outcome->values, std::vector<codegen::RawValue>{expected})
          << "seed " << seed << ", argument " << argument << "\n"
          << codegen::PrintFunction(func);
    }
  }
  EXPECT_GT(executed, 1000);
  EXPECT_GT(inlined, 2000u);
}

// A plan does not look at the types of locals. What cannot be translated is for the callee's own
// translation to report; its caller is translated again, with its calls.
TEST(TranslatorTest, ACalleeThatFailsIsCalled) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  const FuncIndex fails = builder.Func(type, CodeBuilder().Locals(1, ValType::V128()).LocalGet(0));
  const FuncIndex fine = builder.Func(type, CodeBuilder().LocalGet(0));
  builder.Func(type, CodeBuilder().LocalGet(0).Call(fine).Call(fails).Call(fine));
  builder.Func(type, CodeBuilder().LocalGet(0).Call(fine).Call(fine));
  const std::vector<uint8_t> bytes = builder.Build();
  ParseOptions options;
  options.features = Features::All();
  const absl::StatusOr<Module> module = ParseModule(bytes, options);
  ASSERT_TRUE(module.ok()) << module.status();
  testing::PlainEnvironment environment(*module);
  environment.set_has_vectors(false);
  const InlinePlan plan(*module, options.features, options.limits, InlineLimits());
  ASSERT_NE(plan.Find(fails), nullptr);
  FunctionTranslator translator(*module, options.features, options.limits);
  translator.set_inline_plan(&plan);
  codegen::Function func;
  const auto translate = [&](uint32_t index) {
    return translator.Translate(module->bodies[DefinedFuncIndex(index)], environment, &func);
  };
  EXPECT_EQ(translate(0).code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(translate(2).ok());
  EXPECT_EQ(translator.num_inlined(), 0u);
  EXPECT_EQ(func.dfg.ext_funcs().size(), 3u);
  EXPECT_TRUE(codegen::VerifyFunction(func).ok());
  EXPECT_TRUE(translate(3).ok());
  EXPECT_EQ(translator.num_inlined(), 2u);
  EXPECT_EQ(func.dfg.ext_funcs().size(), 0u);
}

TEST(TranslatorTest, DeepNestingIsLinear) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  CodeBuilder code;
  constexpr int kDepth = 50'000;
  for (int i = 0; i < kDepth; ++i) {
    code.Open(i % 2 == 0 ? Opcode::kLoop : Opcode::kBlock);
    code.LocalGet(0).BrIf(0);
  }
  code.LocalGet(0).I32Const(1).Op(Opcode::kI32Add).LocalSet(0);
  for (int i = 0; i < kDepth; ++i) code.End();
  code.LocalGet(0);
  builder.Func(type, code);
  const std::vector<uint8_t> bytes = builder.Build();
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  testing::PlainEnvironment environment(*module);
  const ValidatorLimits limits;
  FunctionTranslator translator(*module, Features::Default(), limits);
  codegen::Function func;
  const absl::Status status =
      translator.Translate(module->bodies[DefinedFuncIndex(0)], environment, &func);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(TranslatorTest, InvalidBodyNamesItsOffset) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {ValType::I32()});
  builder.Func(type, CodeBuilder().I64Const(1));
  const std::vector<uint8_t> bytes = builder.Build();
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  testing::PlainEnvironment environment(*module);
  const ValidatorLimits limits;
  FunctionTranslator translator(*module, Features::Default(), limits);
  codegen::Function func;
  const absl::Status status =
      translator.Translate(module->bodies[DefinedFuncIndex(0)], environment, &func);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("offset"), absl::string_view::npos) << status;
}

TEST(TranslatorTest, UnsupportedOperatorIsNamed) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {});
  builder.Func(type, CodeBuilder());
  // Of the type of all functions.
  builder.Func(type, CodeBuilder()
                         .Op(Opcode::kRefNull, {0x70})
                         .Op(Opcode::kRefTestNull, {0x70})
                         .Op(Opcode::kDrop));
  const std::vector<uint8_t> bytes = builder.Build();
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  testing::PlainEnvironment environment(*module);
  const ValidatorLimits limits;
  FunctionTranslator translator(*module, Features::Default(), limits);
  codegen::Function func;
  const absl::Status status =
      translator.Translate(module->bodies[DefinedFuncIndex(1)], environment, &func);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("ref.test"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace gantry::wasm
