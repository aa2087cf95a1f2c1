#include "runtime/table.h"

#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using wasm::TableType;
using wasm::ValType;

TableType Type(ValType element, uint64_t min, std::optional<uint64_t> max) {
  TableType type;
  type.element = element;
  type.limits = {min, max};
  return type;
}

TEST(TableTest, FunctionElementsCarryWhatACallNeeds) {
  absl::StatusOr<std::unique_ptr<Table>> table =
      Table::Create(Type(ValType::FuncRef(), 3, std::nullopt), ValRaw());
  ASSERT_TRUE(table.ok()) << table.status();
  int code = 0, context = 0;
  VMFuncRef func{&code, &context, 7, 0, nullptr};
  (*table)->Set(1, ValRaw::FuncRef(&func));
  const VMFuncTableEntry* entries =
      static_cast<const VMFuncTableEntry*>((*table)->definition()->base);
  EXPECT_EQ(entries[1].wasm_call, &code);
  EXPECT_EQ(entries[1].vmctx, &context);
  EXPECT_EQ(entries[1].type_id, 7u);
  EXPECT_EQ(entries[1].func_ref, &func);
  // Never written, and written with null: both read as null, neither has a type.
  (*table)->Set(2, ValRaw());
  EXPECT_EQ(entries[0].func_ref, nullptr);
  EXPECT_EQ(entries[2].func_ref, nullptr);
  EXPECT_NE(entries[2].type_id, 7u);
  EXPECT_EQ((*table)->Get(1).func_ref, &func);
}

class TwoFunctions : public FunctionSource {
 public:
  VMFuncRef* FuncRef(wasm::FuncIndex function) override {
    ++made;
    return &functions[function.index()];
  }
  int code = 0, context = 0;
  VMFuncRef functions[2] = {{&code, &context, 7, 0, nullptr}, {&code, &context, 8, 0, nullptr}};
  int made = 0;
};

TEST(TableTest, UntouchedElementsStandForThePreset) {
  absl::StatusOr<std::unique_ptr<Table>> created =
      Table::Create(Type(ValType::FuncRef(), 5, 9), ValRaw());
  ASSERT_TRUE(created.ok());
  Table& table = **created;
  TwoFunctions source;
  const std::vector<wasm::FuncIndex> preset = {wasm::FuncIndex(0), wasm::FuncIndex::None(),
                                               wasm::FuncIndex(1)};
  table.SetPreset(preset, &source);
  const auto* entries = static_cast<const VMFuncTableEntry*>(table.definition()->base);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(entries[i].type_id, environ::kUntouchedTypeId);
  EXPECT_EQ(source.made, 0);
  EXPECT_EQ(table.Get(2).func_ref, &source.functions[1]);
  EXPECT_EQ(entries[2].type_id, 8u);
  EXPECT_EQ(table.Get(1).func_ref, nullptr);
  EXPECT_EQ(entries[1].type_id, environ::kNullTypeId);
  EXPECT_EQ(entries[0].type_id, environ::kUntouchedTypeId);
  EXPECT_EQ(source.made, 1);
  table.Set(2, ValRaw());
  EXPECT_EQ(table.Get(2).func_ref, nullptr);
  ASSERT_TRUE(table.Grow(4, ValRaw()).ok());
  EXPECT_EQ(table.Get(0).func_ref, &source.functions[0]);
  EXPECT_EQ(table.Get(8).func_ref, nullptr);
}

TEST(TableTest, CopiesTakeWhatUntouchedElementsStandFor) {
  absl::StatusOr<std::unique_ptr<Table>> created =
      Table::Create(Type(ValType::FuncRef(), 4, std::nullopt), ValRaw());
  ASSERT_TRUE(created.ok());
  Table& table = **created;
  TwoFunctions source;
  const std::vector<wasm::FuncIndex> preset = {wasm::FuncIndex(0), wasm::FuncIndex(1)};
  table.SetPreset(preset, &source);
  Table::Copy(table, 0, table, 1, 3);
  EXPECT_EQ(table.Get(0).func_ref, &source.functions[1]);
  EXPECT_EQ(table.Get(1).func_ref, nullptr);
}

TEST(TableTest, GrowthKeepsElementsAndRespectsLimits) {
  absl::StatusOr<std::unique_ptr<Table>> created =
      Table::Create(Type(ValType::ExternRef(), 1, 100), ValRaw::Reference(4));
  ASSERT_TRUE(created.ok());
  Table& table = **created;
  VMTableDefinition elsewhere;
  table.SetDefinition(&elsewhere);
  for (uint64_t size = 1; size < 100; ++size) {
    absl::StatusOr<uint64_t> old_size = table.Grow(1, ValRaw::Reference(2 * size + 4));
    ASSERT_TRUE(old_size.ok());
    EXPECT_EQ(*old_size, size);
  }
  EXPECT_EQ(elsewhere.length, 100u);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(table.Get(i).reference, 2 * i + 4);
  EXPECT_EQ(table.Grow(1, ValRaw()).status().code(), absl::StatusCode::kResourceExhausted);
  // lessons.md row 21: the sum of sizes must not wrap.
  EXPECT_EQ(table.Grow(~uint64_t{0}, ValRaw()).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(table.Grow(0, ValRaw()).value(), 100u);
  EXPECT_EQ(table.size(), 100u);
}

TEST(TableTest, LimitsOfTheHost) {
  EXPECT_EQ(Table::Create(Type(ValType::FuncRef(), 11, std::nullopt), ValRaw(), 10).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(
      Table::Create(Type(ValType::FuncRef(), ~uint64_t{0}, std::nullopt), ValRaw(), ~uint64_t{0})
          .status()
          .code(),
      absl::StatusCode::kResourceExhausted);
}

TEST(TableTest, CopyAndFill) {
  absl::StatusOr<std::unique_ptr<Table>> created =
      Table::Create(Type(ValType::ExternRef(), 6, std::nullopt), ValRaw());
  ASSERT_TRUE(created.ok());
  Table& table = **created;
  for (uint64_t i = 0; i < 6; ++i) table.Set(i, ValRaw::Reference(2 * (i + 1)));
  Table::Copy(table, 1, table, 0, 4);  // overlapping, upwards
  EXPECT_EQ(std::vector<uint32_t>(table.references().begin(), table.references().end()),
            (std::vector<uint32_t>{2, 2, 4, 6, 8, 12}));
  table.Fill(4, ValRaw::Reference(20), 2);
  EXPECT_EQ(table.Get(5).reference, 20u);
  table.Fill(6, ValRaw::Reference(20), 0);
  EXPECT_FALSE(table.InBounds(6, 1));
  EXPECT_FALSE(table.InBounds(~uint64_t{0}, 2));
  EXPECT_TRUE(table.InBounds(6, 0));
}

}  // namespace
}  // namespace gantry::runtime
