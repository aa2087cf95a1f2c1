#include "environ/translation/module_translation.h"

#include <vector>

#include "environ/translation/compile_error.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::environ {
namespace {

using wasm::ValType;

TEST(ModuleTranslationTest, SignaturesAreSharedByEqualTypes) {
  const std::vector<wasm::FuncType> types = {wasm::FuncType({ValType::I32()}, {}),
                                             wasm::FuncType({}, {}),
                                             wasm::FuncType({ValType::I32()}, {})};
  const std::unique_ptr<ModuleTranslation> module =
      ModuleTranslation::OfTypes(types, ModuleId(3), {});
  EXPECT_EQ(module->SignatureOf(wasm::TypeIndex(2)), wasm::TypeIndex(0));
  ASSERT_EQ(module->signatures().size(), 2u);
  EXPECT_EQ(module->signatures()[1], wasm::TypeIndex(1));
}

TEST(ModuleTranslationTest, InfoMirrorsTheModule) {
  wasm::testing::ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({}, {ValType::I32()});
  const wasm::FuncIndex hidden = builder.Func(type, wasm::testing::CodeBuilder().I32Const(1));
  const wasm::FuncIndex shown = builder.Func(type, wasm::testing::CodeBuilder().Call(hidden));
  builder.ExportFunc("shown", shown);
  const std::vector<uint8_t> bytes = builder.Build();
  const auto module = ModuleTranslation::Parse(bytes, ModuleId(0), {});
  ASSERT_TRUE(module.ok()) << module.status();
  const ModuleInfo& info = (*module)->info;
  EXPECT_EQ(info.functions.size(), 2u);
  // Only what escapes has a reference.
  EXPECT_TRUE(info.functions[hidden].func_ref.is_none());
  EXPECT_EQ(info.functions[shown].func_ref, FuncRefIndex(0));
  EXPECT_EQ(info.FindExport("shown"), EntityRef::Func(shown));
  EXPECT_EQ((*module)->offsets.counts().func_refs, 1u);
}

TEST(CompileErrorTest, KindTravelsInTheStatus) {
  const absl::Status status =
      CompileErrorStatus({.kind = CompileErrorKind::kTooLarge, .message = "too many blocks"});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetCompileErrorKind(status), CompileErrorKind::kTooLarge);
  EXPECT_EQ(GetCompileErrorKind(absl::InternalError("x")), std::nullopt);
}

}  // namespace
}  // namespace gantry::environ
