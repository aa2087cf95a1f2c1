#include "wasm_translate/translator.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::wasm {
namespace {

using codegen::Inst;
using codegen::InstBuilder;
using codegen::Type;
using codegen::Value;
using testing::CodeBuilder;
using testing::ModuleBuilder;

// Surroundings as plain as can be: everything lies behind the first parameter, and what
// takes a built-in is a call of an external function of that name.
class TestEnvironment : public FuncEnvironment {
 public:
  explicit TestEnvironment(const Module& module) : module_(module) {}

  void set_check_bounds(bool check) { check_bounds_ = check; }

  const TranslationTraps& traps() const override { return traps_; }
  std::optional<Type> TypeOf(ValType type) const override {
    switch (type.kind()) {
      case ValType::Kind::kI32:
        return Type::kI32;
      case ValType::Kind::kI64:
        return Type::kI64;
      case ValType::Kind::kF32:
        return Type::kF32;
      case ValType::Kind::kF64:
        return Type::kF64;
      case ValType::Kind::kRef:
        return IsTraced(type) ? Type::kI32 : Type::kI64;
      default:
        return std::nullopt;
    }
  }
  bool IsTraced(ValType type) const override {
    return type.heap_type().Is(AbstractHeapType::kExtern);
  }
  void MakeSignature(const FuncType& type, codegen::Signature& signature) override {
    signature.Clear();
    signature.params.push_back({Type::kI64, codegen::ArgPurpose::kVmctx});
    for (ValType param : type.params()) signature.params.push_back(*TypeOf(param));
    for (ValType result : type.results()) signature.returns.push_back(*TypeOf(result));
  }
  size_t num_leading_params() const override { return 1; }
  void Begin(InstBuilder& b) override { vmctx_ = b.func().dfg.block_params(b.block())[0]; }
  HeapAccess AccessHeap(InstBuilder& b, MemoryIndex, uint64_t, uint32_t) override {
    HeapAccess heap;
    const codegen::MemFlags trusted = codegen::MemFlags::Trusted();
    heap.base = b.Load(Type::kI64, trusted, vmctx_, 0);
    heap.check_bounds = heap.mask = check_bounds_;
    if (check_bounds_) heap.length = b.Load(Type::kI64, trusted, vmctx_, 8);
    heap.flags = check_bounds_ ? codegen::MemFlags()
                               : codegen::MemFlags::Trapping(traps_.memory_out_of_bounds);
    return heap;
  }
  Value MemorySize(InstBuilder& b, MemoryIndex) override { return b.I32(1); }
  Value MemoryGrow(InstBuilder&, MemoryIndex, Value delta) override { return delta; }
  void MemoryInit(InstBuilder&, MemoryIndex, DataIndex, Value, Value, Value) override {}
  void MemoryCopy(InstBuilder&, MemoryIndex, MemoryIndex, Value, Value, Value) override {}
  void MemoryFill(InstBuilder&, MemoryIndex, Value, Value, Value) override {}
  void DataDrop(InstBuilder&, DataIndex) override {}
  Value GlobalGet(InstBuilder& b, GlobalIndex global) override {
    return b.Load(*TypeOf(module_.globals[global].content), codegen::MemFlags::Trusted(), vmctx_,
                  static_cast<int32_t>(64 + 16 * global.raw()));
  }
  void GlobalSet(InstBuilder& b, GlobalIndex global, Value value) override {
    b.Store(codegen::MemFlags::Trusted(), value, vmctx_,
            static_cast<int32_t>(64 + 16 * global.raw()));
  }
  Value TableGet(InstBuilder& b, TableIndex, Value) override { return b.I64(0); }
  void TableSet(InstBuilder&, TableIndex, Value, Value) override {}
  Value TableSize(InstBuilder& b, TableIndex) override { return b.I32(0); }
  Value TableGrow(InstBuilder&, TableIndex, Value, Value delta) override { return delta; }
  void TableFill(InstBuilder&, TableIndex, Value, Value, Value) override {}
  void TableCopy(InstBuilder&, TableIndex, TableIndex, Value, Value, Value) override {}
  void TableInit(InstBuilder&, TableIndex, ElemIndex, Value, Value, Value) override {}
  void ElemDrop(InstBuilder&, ElemIndex) override {}
  Value RefNull(InstBuilder& b, ValType type) override { return b.Iconst(*TypeOf(type), 0); }
  Value RefIsNull(InstBuilder& b, ValType type, Value reference) override {
    return b.Icmp(codegen::IntCC::kEq, reference, b.Iconst(*TypeOf(type), 0));
  }
  Value RefFunc(InstBuilder& b, FuncIndex function) override { return b.I64(function.raw()); }
  Inst Call(InstBuilder& b, FuncIndex callee, absl::Span<const Value> args) override {
    const codegen::ExternalName name = b.func().DeclareName(0, callee.raw());
    return b.Call(b.func().dfg.ImportFunction({name, Signature(b, module_.func_type(callee))}),
                  WithVmctx(args));
  }
  Inst CallIndirect(InstBuilder& b, TableIndex, TypeIndex type, Value index,
                    absl::Span<const Value> args) override {
    return b.CallIndirect(Signature(b, module_.func_type(type)), b.Uextend(Type::kI64, index),
                          WithVmctx(args));
  }
  Inst CallRef(InstBuilder& b, TypeIndex type, Value callee,
               absl::Span<const Value> args) override {
    return b.CallIndirect(Signature(b, module_.func_type(type)), callee, WithVmctx(args));
  }

 private:
  codegen::SigRef Signature(InstBuilder& b, const FuncType& type) {
    codegen::Signature signature;
    MakeSignature(type, signature);
    return b.func().dfg.ImportSignature(signature);
  }
  const std::vector<Value>& WithVmctx(absl::Span<const Value> args) {
    args_.assign(1, vmctx_);
    args_.insert(args_.end(), args.begin(), args.end());
    return args_;
  }

  const Module& module_;
  const TranslationTraps traps_ = {codegen::TrapCode{1}, codegen::TrapCode{2},
                                   codegen::TrapCode{3}, codegen::TrapCode{4},
                                   codegen::TrapCode{5}, codegen::TrapCode{6}};
  bool check_bounds_ = false;
  Value vmctx_;
  std::vector<Value> args_;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Every function of the module, translated and verified, as text.
std::string TranslateAll(const Module& module, bool check_bounds = false) {
  TestEnvironment environment(module);
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

// GANTRY_REWRITE_GOLDENS=$PWD/wasm_translate/testdata bazel-bin/wasm_translate/translator_test
TEST(TranslatorTest, Goldens) {
  const std::string wasm = ReadFile("wasm_translate/testdata/translator.wasm");
  const absl::Span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(wasm.data()), wasm.size());
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  const std::string text = TranslateAll(*module);
  if (const char* folder = std::getenv("GANTRY_REWRITE_GOLDENS")) {
    std::ofstream(absl::StrCat(folder, "/translator.ir")) << text;
  }
  EXPECT_EQ(text, ReadFile("wasm_translate/testdata/translator.ir"));
  TranslateAll(*module, /*check_bounds=*/true);
}

// A body of random nested control with reads and writes of locals everywhere.
class RandomBody {
 public:
  RandomBody(uint32_t seed, uint32_t locals) : random_(seed), locals_(locals) {}

  CodeBuilder Make() {
    code_.Locals(locals_ - 1, ValType::I32());
    depth_ = 1;
    for (int i = 0; i < 6; ++i) Statement(5);
    Read();
    return code_;
  }

 private:
  uint32_t Pick(uint32_t n) { return random_() % n; }
  void Read() { code_.LocalGet(Pick(locals_)); }
  void Statement(int budget) {
    switch (budget == 0 ? Pick(2) : Pick(9)) {
      case 0:
      case 1:
        Read();
        Read();
        code_.Op(Opcode::kI32Add).LocalSet(Pick(locals_));
        return;
      case 2:
        Nested(Opcode::kBlock, budget);
        return;
      case 3:
      case 4:
        Nested(Opcode::kLoop, budget);
        return;
      case 5:
        Read();
        code_.Open(Opcode::kIf);
        Body(budget);
        if (Pick(2) == 0) {
          code_.Else();
          --depth_;  // The frame of the if goes on.
          Body(budget);
        }
        --depth_;
        code_.End();
        return;
      case 6:
        // Branches to the function's frame take its result along.
        if (depth_ > 1) {
          Read();
          code_.BrIf(Pick(depth_ - 1));
        }
        return;
      case 7:
        if (depth_ > 2) {
          Read();
          code_.BrTable({Pick(depth_ - 1), Pick(depth_ - 1), Pick(depth_ - 1)});
        }
        return;
      case 8:
        if (depth_ > 1 && Pick(4) == 0) code_.Br(Pick(depth_ - 1));
        return;
    }
  }
  void Nested(Opcode op, int budget) {
    code_.Open(op);
    Body(budget);
    --depth_;
    code_.End();
  }
  void Body(int budget) {
    ++depth_;
    for (uint32_t i = Pick(4); i > 0; --i) Statement(budget - 1);
  }

  std::mt19937 random_;
  uint32_t locals_;
  uint32_t depth_ = 0;
  CodeBuilder code_;
};

TEST(TranslatorTest, RandomControlFlowVerifies) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    ModuleBuilder builder;
    const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
    builder.Func(type, RandomBody(seed, 2 + seed % 7).Make());
    const std::vector<uint8_t> bytes = builder.Build();
    const absl::StatusOr<Module> module = ParseModule(bytes, {});
    ASSERT_TRUE(module.ok()) << module.status();
    TranslateAll(*module);
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
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
  TestEnvironment environment(*module);
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
  TestEnvironment environment(*module);
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
  const FuncIndex callee = builder.Func(type, CodeBuilder());
  builder.Func(type, CodeBuilder().Op(Opcode::kReturnCall, {callee.raw()}));
  const std::vector<uint8_t> bytes = builder.Build();
  const absl::StatusOr<Module> module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  TestEnvironment environment(*module);
  const ValidatorLimits limits;
  FunctionTranslator translator(*module, Features::Default(), limits);
  codegen::Function func;
  const absl::Status status =
      translator.Translate(module->bodies[DefinedFuncIndex(1)], environment, &func);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("return_call"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace gantry::wasm
