#include "jit/module.h"

#include <unwind.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"
#include "jit/module_testing.h"

namespace gantry::jit {
namespace {

using codegen::DataId;
using codegen::FuncId;
using codegen::Linkage;
using codegen::MemFlags;
using codegen::Type;
using codegen::Value;
using IntFunction = int64_t (*)(int64_t);

std::unique_ptr<JitModule> NewModule(JitModuleOptions options = {}) {
  options.isa = HostIsa();
  auto module = JitModule::Create(std::move(options));
  CHECK_OK(module.status());
  return *std::move(module);
}

FuncId Declare(JitModule& module, const char* name, Linkage linkage = Linkage::kExport,
               size_t params = 1) {
  const auto id = module.DeclareFunction(name, linkage, IntSignature(params));
  CHECK_OK(id.status());
  return *id;
}

DataId DefineWords(JitModule& module, const char* name, bool writable,
                   const std::vector<int64_t>& words,
                   std::vector<codegen::DataReference> references = {}) {
  const auto id = module.DeclareData(name, Linkage::kLocal, writable);
  CHECK_OK(id.status());
  codegen::DataContents contents;
  contents.bytes.resize(words.size() * sizeof(int64_t));
  std::memcpy(contents.bytes.data(), words.data(), contents.bytes.size());
  contents.references = std::move(references);
  CHECK_OK(module.Define(*id, std::move(contents)));
  return *id;
}

int64_t Triple(int64_t x) { return 3 * x; }

TEST(JitModuleTest, FunctionsCallThemselvesEachOtherAndTheHost) {
  const auto module = NewModule();
  const FuncId fibonacci = Declare(*module, "fibonacci");
  const FuncId early = Declare(*module, "early");
  const FuncId late = Declare(*module, "late", Linkage::kLocal);
  const FuncId triple = Declare(*module, "triple", Linkage::kImport);
  ASSERT_TRUE(DefineCallPlus(*module, early, late, 100).ok());
  ASSERT_TRUE(DefineFibonacci(*module, fibonacci).ok());
  ASSERT_TRUE(DefineCallPlus(*module, late, triple, 10).ok());
  EXPECT_EQ(module->Address(early), nullptr);
  ASSERT_TRUE(module->SetAddress(triple, reinterpret_cast<const void*>(&Triple)).ok());
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_EQ(module->Function<IntFunction>(fibonacci)(20), 6765);
  EXPECT_EQ(module->Function<IntFunction>(early)(7), 131);
  EXPECT_EQ(module->FindFunction("late"), late);
  EXPECT_TRUE(module->FindFunction("never").is_none());
  // Nothing new: nothing happens.
  const uint64_t used = module->used();
  EXPECT_TRUE(module->Finalize().ok());
  EXPECT_EQ(module->used(), used);
}

TEST(JitModuleTest, WhatIsFinalizedLaterCallsWhatWasBefore) {
  const auto module = NewModule();
  FuncId callee = Declare(*module, "f0");
  ASSERT_TRUE(DefineFibonacci(*module, callee).ok());
  ASSERT_TRUE(module->Finalize().ok());
  const auto first = module->Function<IntFunction>(callee);
  for (int i = 1; i <= 20; ++i) {
    const FuncId caller = Declare(*module, ("f" + std::to_string(i)).c_str());
    ASSERT_TRUE(DefineCallPlus(*module, caller, callee, 1).ok());
    ASSERT_TRUE(module->Finalize().ok());
    EXPECT_EQ(module->Function<IntFunction>(caller)(10), 55 + i);
    callee = caller;
  }
  EXPECT_EQ(module->Function<IntFunction>(FuncId(0)), first);
}

TEST(JitModuleTest, DataIsReadWrittenAndRefersToSymbols) {
  const auto module = NewModule();
  const FuncId fibonacci = Declare(*module, "fibonacci");
  const FuncId load = Declare(*module, "load", Linkage::kExport, 0);
  const FuncId variable_load = Declare(*module, "variable_load", Linkage::kExport, 0);
  const FuncId indirect = Declare(*module, "indirect");
  const DataId words = DefineWords(*module, "words", false, {11, 22, 33});
  const DataId variable = DefineWords(*module, "variable", true, {5});
  const DataId table =
      DefineWords(*module, "table", false, {0, 0}, {{0, fibonacci, 0}, {8, words, 16}});
  ASSERT_TRUE(DefineFibonacci(*module, fibonacci).ok());
  ASSERT_TRUE(DefineLoad(*module, load, words, 8).ok());
  ASSERT_TRUE(DefineLoad(*module, variable_load, variable, 0).ok());
  {
    FunctionDraft draft(IntSignature(1));
    const Value address = draft.b.FuncAddr(module->ReferTo(table, &draft.func));
    const Value code = draft.b.Load(Type::kI64, MemFlags::Trusted(), address, 0);
    const codegen::Inst call = draft.b.CallIndirect(draft.func.dfg.ImportSignature(IntSignature(1)),
                                                    code, {draft.param(0)});
    draft.b.Return({draft.func.dfg.result(call)});
    ASSERT_TRUE(module->Define(indirect, draft.func).ok());
  }
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_EQ(module->Function<int64_t (*)()>(load)(), 22);
  EXPECT_EQ(module->Function<IntFunction>(indirect)(10), 55);
  const int64_t changed = 77;
  std::memcpy(module->Address(variable), &changed, sizeof changed);
  EXPECT_EQ(module->Function<int64_t (*)()>(variable_load)(), 77);
  const int64_t* third;
  std::memcpy(&third, module->Address(table) + 8, sizeof third);
  EXPECT_EQ(*third, 33);
}

TEST(JitModuleDeathTest, CodeAndConstantsAreNotWritable) {
  const auto module = NewModule();
  const FuncId fibonacci = Declare(*module, "fibonacci");
  ASSERT_TRUE(DefineFibonacci(*module, fibonacci).ok());
  const DataId words = DefineWords(*module, "words", false, {1});
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_DEATH(*module->Address(words) = 0, "");
  EXPECT_DEATH(
      *const_cast<volatile uint8_t*>(static_cast<const uint8_t*>(module->Address(fibonacci))) = 0,
      "");
}

TEST(JitModuleTest, WhatIsMissingIsNamedAndCanBeAddedThen) {
  const auto module = NewModule();
  const FuncId caller = Declare(*module, "caller");
  const FuncId callee = Declare(*module, "callee", Linkage::kLocal);
  const FuncId host = Declare(*module, "host", Linkage::kImport);
  ASSERT_TRUE(DefineCallPlus(*module, caller, callee, 1).ok());
  const absl::Status status = module->Finalize();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("callee"), absl::string_view::npos) << status;
  EXPECT_EQ(module->Address(caller), nullptr);
  ASSERT_TRUE(DefineCallPlus(*module, callee, host, 1).ok());
  EXPECT_FALSE(module->Finalize().ok());
  ASSERT_TRUE(module->SetAddress(host, reinterpret_cast<const void*>(&Triple)).ok());
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_EQ(module->Function<IntFunction>(caller)(1), 5);
}

TEST(JitModuleTest, ImportsAreResolvedByName) {
  std::vector<std::string> asked;
  const auto module = NewModule({.resolve = [&](const std::string& name) -> const void* {
    asked.push_back(name);
    return name == "triple" ? reinterpret_cast<const void*>(&Triple) : nullptr;
  }});
  const FuncId triple = Declare(*module, "triple", Linkage::kImport);
  const FuncId caller = Declare(*module, "caller");
  ASSERT_TRUE(DefineCallPlus(*module, caller, triple, 2).ok());
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_EQ(module->Function<IntFunction>(caller)(5), 17);
  EXPECT_EQ(asked, std::vector<std::string>{"triple"});
}

TEST(JitModuleTest, MisuseIsRefusedAndChangesNothing) {
  const auto module = NewModule();
  const FuncId f = Declare(*module, "f");
  EXPECT_EQ(module->DeclareFunction("f", Linkage::kExport, IntSignature(2)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(module->DeclareData("f", Linkage::kLocal, false).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(module->DeclareFunction("", Linkage::kLocal, IntSignature(0)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*module->DeclareFunction("f", Linkage::kImport, IntSignature(1)), f);

  FunctionDraft other(IntSignature(2));
  other.b.Return({other.param(0)});
  EXPECT_EQ(module->Define(f, other.func).code(), absl::StatusCode::kInvalidArgument);

  FunctionDraft stranger(IntSignature(1));
  const codegen::FuncRef unknown = stranger.func.dfg.ImportFunction(
      {stranger.func.DeclareName(7, 7), stranger.func.dfg.ImportSignature(IntSignature(0))});
  stranger.b.Return({stranger.func.dfg.result(stranger.b.Call(unknown, {}))});
  EXPECT_EQ(module->Define(f, stranger.func).code(), absl::StatusCode::kInvalidArgument);

  FunctionDraft invalid(IntSignature(1));
  invalid.b.Return({});
  EXPECT_EQ(module->Define(f, invalid.func).code(), absl::StatusCode::kInvalidArgument);

  const FuncId import = Declare(*module, "import", Linkage::kImport);
  EXPECT_EQ(DefineFibonacci(*module, import).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(DefineFibonacci(*module, f).ok());
  EXPECT_EQ(DefineFibonacci(*module, f).code(), absl::StatusCode::kFailedPrecondition);

  const DataId data = *module->DeclareData("data", Linkage::kLocal, false);
  EXPECT_EQ(module->Define(data, {.bytes = {1}, .alignment = 3}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      module->Define(data, {.bytes = std::vector<uint8_t>(12), .references = {{5, f, 0}}}).code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(module->Define(data, {.bytes = {1}, .references = {{0, f, 0}}}).code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(module->Define(data, {.bytes = {1}, .alignment = 4096}).ok());
  ASSERT_TRUE(module->Finalize().ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(module->Address(data)) % 4096, 0u);
  EXPECT_EQ(module->Function<IntFunction>(f)(10), 55);

  JitModuleOptions options;
  options.isa = HostIsa();
  options.reservation = uint64_t{1} << 40;
  EXPECT_EQ(JitModule::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(JitModuleTest, AFullReservationLeavesWhatWasFinalizedBefore) {
  const auto module = NewModule({.reservation = 16 << 10});
  const FuncId f = Declare(*module, "f");
  ASSERT_TRUE(DefineFibonacci(*module, f).ok());
  ASSERT_TRUE(module->Finalize().ok());
  const DataId large = *module->DeclareData("large", Linkage::kLocal, true);
  ASSERT_TRUE(module->Define(large, {.bytes = std::vector<uint8_t>(64 << 10)}).ok());
  const absl::Status status = module->Finalize();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("16384"), absl::string_view::npos) << status;
  EXPECT_EQ(module->Function<IntFunction>(f)(10), 55);
  EXPECT_EQ(module->Address(large), nullptr);
}

TEST(JitModuleTest, TrapsAreFoundByAddress) {
  const auto module = NewModule();
  const FuncId f = Declare(*module, "f");
  FunctionDraft draft(IntSignature(1));
  draft.b.Trap(static_cast<codegen::TrapCode>(42));
  ASSERT_TRUE(module->Define(f, draft.func).ok());
  ASSERT_TRUE(module->Finalize().ok());
  const uint8_t* start = static_cast<const uint8_t*>(module->Address(f));
  bool found = false;
  for (int i = 0; i < 32 && !found; ++i) {
    const auto code = module->TrapAt(start + i);
    found = code.has_value() && *code == static_cast<codegen::TrapCode>(42);
  }
  EXPECT_TRUE(found);
  EXPECT_FALSE(module->TrapAt(&found).has_value());
}

std::vector<uintptr_t> backtrace_pcs;
_Unwind_Reason_Code RecordFrame(_Unwind_Context* context, void*) {
  backtrace_pcs.push_back(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}
int64_t TakeBacktrace(int64_t x) {
  backtrace_pcs.clear();
  _Unwind_Backtrace(RecordFrame, nullptr);
  return x;
}
int64_t Throw(int64_t x) { throw x; }

TEST(JitModuleTest, BacktracesAndExceptionsOfTheHostPassThrough) {
  const auto module = NewModule({.register_unwind_info = true});
  const FuncId host = Declare(*module, "host", Linkage::kImport);
  const FuncId thrower = Declare(*module, "thrower", Linkage::kImport);
  const FuncId inner = Declare(*module, "inner");
  const FuncId outer = Declare(*module, "outer");
  const FuncId throws = Declare(*module, "throws");
  ASSERT_TRUE(module->SetAddress(host, reinterpret_cast<const void*>(&TakeBacktrace)).ok());
  ASSERT_TRUE(module->SetAddress(thrower, reinterpret_cast<const void*>(&Throw)).ok());
  ASSERT_TRUE(DefineCallPlus(*module, inner, host, 1).ok());
  ASSERT_TRUE(DefineCallPlus(*module, outer, inner, 1).ok());
  ASSERT_TRUE(module->Finalize().ok());
  ASSERT_TRUE(DefineCallPlus(*module, throws, thrower, 1).ok());
  ASSERT_TRUE(module->Finalize().ok());
  ASSERT_EQ(module->Function<IntFunction>(outer)(5), 7);

  const auto lies_in = [&](uintptr_t pc, FuncId id) {
    return pc - reinterpret_cast<uintptr_t>(module->Address(id)) < 64;
  };
  size_t at = 0;
  while (at < backtrace_pcs.size() && !lies_in(backtrace_pcs[at], inner)) ++at;
  ASSERT_LT(at + 2, backtrace_pcs.size()) << "inner, outer and this function are on the stack";
  EXPECT_TRUE(lies_in(backtrace_pcs[at + 1], outer));
  EXPECT_FALSE(lies_in(backtrace_pcs[at + 2], outer));

  int64_t caught = 0;
  try {
    module->Function<IntFunction>(throws)(9);
  } catch (int64_t value) {
    caught = value;
  }
  EXPECT_EQ(caught, 9);
}

}  // namespace
}  // namespace gantry::jit
