#include "environ/core/func_key.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

TEST(FuncKeyTest, PackingKeepsTheKeyAndItsOrder) {
  const std::vector<FuncKey> keys = {
      FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(0)),
      FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(7)),
      FuncKey::WasmFunction(ModuleId(1), wasm::DefinedFuncIndex(3)),
      FuncKey::EntryTrampoline(ModuleId(0), wasm::TypeIndex(2)),
      FuncKey::ExitTrampoline(ModuleId(0), wasm::TypeIndex(2)),
      FuncKey::BuiltinShim(4),
      FuncKey::ModuleStart(ModuleId(FuncKey::kMaxModule)),
  };
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(FuncKey::FromPacked(keys[i].packed()), keys[i]);
    for (size_t j = i + 1; j < keys.size(); ++j) EXPECT_LT(keys[i], keys[j]);
  }
}

TEST(FuncKeyTest, UnknownKindIsNoKey) {
  EXPECT_EQ(FuncKey::FromPacked(uint64_t{kFuncKeyKinds} << 56), std::nullopt);
  EXPECT_EQ(FuncKey::FromPacked(~uint64_t{0}), std::nullopt);
}

TEST(FuncKeyTest, SymbolsNameTheCode) {
  EXPECT_EQ(FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(7)).Symbol(),
            "wasm[0]::function[7]");
  EXPECT_EQ(FuncKey::EntryTrampoline(ModuleId(1), wasm::TypeIndex(2)).Symbol(),
            "wasm[1]::entry[2]");
  EXPECT_EQ(FuncKey::BuiltinShim(4).Symbol(), "builtin[4]");
}

}  // namespace
}  // namespace gantry::environ
