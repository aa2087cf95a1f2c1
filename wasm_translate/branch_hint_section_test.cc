#include "wasm_translate/branch_hint_section.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using ::gantry::wasm::testing::ByteWriter;
using ::gantry::wasm::testing::CodeBuilder;
using ::gantry::wasm::testing::ModuleBuilder;

BranchHints Read(const ByteWriter& bytes) {
  return ReadBranchHints(bytes.bytes(), FuncIndex(2), FuncIndex(400));
}

ByteWriter TwoFunctions() {
  return ByteWriter()
      .VarU32(2)
      .VarU32(2)
      .VarU32(2)
      .VarU32(5)
      .VarU32(1)
      .VarU32(1)
      .VarU32(700)
      .VarU32(1)
      .VarU32(0)
      .VarU32(399)
      .VarU32(1)
      .VarU32(1)
      .VarU32(1)
      .VarU32(0);
}

TEST(BranchHintSectionTest, GivesTheHintsOfAFunction) {
  const BranchHints hints = Read(TwoFunctions());
  ASSERT_EQ(hints.functions.size(), 2u);
  EXPECT_TRUE(hints.of(FuncIndex(1)).empty());
  EXPECT_TRUE(hints.of(FuncIndex(3)).empty());
  EXPECT_TRUE(hints.of(FuncIndex(400)).empty());
  const auto two = hints.of(FuncIndex(2));
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0], (BranchHints::Hint{5, true}));
  EXPECT_EQ(two[1], (BranchHints::Hint{700, false}));
  ASSERT_EQ(hints.of(FuncIndex(399)).size(), 1u);
  EXPECT_EQ(hints.of(FuncIndex(399))[0], (BranchHints::Hint{1, false}));
  EXPECT_EQ(EncodeBranchHints(hints), TwoFunctions().bytes());
}

TEST(BranchHintSectionTest, IgnoresWhatIsMalformed) {
  const auto one = [](uint32_t func, uint32_t size, uint32_t value) {
    return ByteWriter().VarU32(1).VarU32(func).VarU32(1).VarU32(9).VarU32(size).VarU32(value);
  };
  EXPECT_FALSE(Read(one(2, 1, 1)).empty());
  EXPECT_TRUE(Read(one(1, 1, 1)).empty()) << "an import";
  EXPECT_TRUE(Read(one(400, 1, 1)).empty()) << "no such function";
  EXPECT_TRUE(Read(one(2, 2, 1)).empty());
  EXPECT_TRUE(Read(one(2, 1, 2)).empty());
  EXPECT_TRUE(Read(one(2, 1, 1).U8(0)).empty()) << "a byte left over";
  const auto offsets = [](uint32_t first, uint32_t second) {
    return ByteWriter()
        .VarU32(1)
        .VarU32(2)
        .VarU32(2)
        .VarU32(first)
        .VarU32(1)
        .VarU32(0)
        .VarU32(second)
        .VarU32(1)
        .VarU32(0);
  };
  EXPECT_FALSE(Read(offsets(3, 4)).empty());
  EXPECT_TRUE(Read(offsets(3, 3)).empty());
  EXPECT_TRUE(Read(offsets(4, 3)).empty());
  EXPECT_TRUE(Read(ByteWriter().VarU32(2).VarU32(3).VarU32(0).VarU32(3).VarU32(0)).empty());
  const std::vector<uint8_t> whole = TwoFunctions().bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(
        ReadBranchHints(absl::MakeConstSpan(whole).first(size), FuncIndex(0), FuncIndex(400))
            .empty())
        << size;
  }
}

// Where the section stands, and the feature.
TEST(BranchHintSectionTest, ComesBeforeTheCode) {
  ModuleBuilder builder;
  builder.Func(FuncType({ValType::I32()}, {}), CodeBuilder().LocalGet(0).Open(Opcode::kIf).End());
  const ByteWriter hints = ByteWriter().VarU32(1).VarU32(0).VarU32(1).VarU32(3).VarU32(1).VarU32(1);
  ByteWriter section;
  section.Name(kBranchHintSectionName).Bytes(hints.bytes());
  const std::vector<uint8_t> plain = builder.Build();
  const auto with_section_at = [&](size_t at) {
    ByteWriter whole;
    whole.Bytes(absl::MakeConstSpan(plain).first(at)).U8(0);
    whole.VarU32(static_cast<uint32_t>(section.size())).Bytes(section.bytes());
    return whole.Bytes(absl::MakeConstSpan(plain).subspan(at)).bytes();
  };
  const auto read = [](const std::vector<uint8_t>& bytes, bool on) {
    ParseOptions options;
    options.features.Set(Feature::kBranchHinting, on);
    const auto module = ParseModule(bytes, options);
    EXPECT_TRUE(module.ok()) << module.status();
    return module.ok() ? module->branch_hints : BranchHints();
  };
  // Type section of 1 + 1 + 5 bytes, function section of 1 + 1 + 2.
  const size_t before_code = 8 + 7 + 4;
  EXPECT_EQ(EncodeBranchHints(read(with_section_at(before_code), true)), hints.bytes());
  EXPECT_TRUE(read(with_section_at(before_code), false).empty());
  EXPECT_TRUE(read(with_section_at(8), true).empty()) << "no function is known yet";
  EXPECT_TRUE(read(with_section_at(plain.size()), true).empty());
}

}  // namespace
}  // namespace gantry::wasm
