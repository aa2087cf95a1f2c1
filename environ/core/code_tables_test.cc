#include "environ/core/code_tables.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

FunctionRecord Record(uint32_t index, uint32_t offset, uint32_t size) {
  TextFunction function;
  function.key = FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(index));
  function.offset = offset;
  function.size = size;
  function.frame = {index == 7 ? FrameInfo::kNoFrame : index, 32 * index};
  return FunctionRecord::From(function);
}

struct Arrays {
  std::vector<FunctionRecord> functions = {Record(7, 0, 16), Record(1, 16, 8), Record(2, 32, 8)};
  std::vector<uint32_t> by_key = {1, 2, 0};
  std::vector<uint32_t> trap_offsets = {3, 20};
  std::vector<uint8_t> trap_codes = {1, 2};
  std::vector<uint32_t> trap_refunds = {0, 9};
  std::vector<uint32_t> address_offsets = {2, 8, 16};
  std::vector<uint32_t> address_wasm_offsets = {100, kNoWasmOffset, 200};
  std::vector<uint32_t> inline_offsets = {4, 9, 12};
  std::vector<uint32_t> inline_range_sites = {2, kNoInlineSite, 0};
  std::vector<InlineSite> inline_sites = {{kNoInlineSite, 5, 101}, {kNoInlineSite, 6}, {1, 5, 90}};
  std::vector<uint32_t> stack_map_offsets = {5, 9, 12};
  std::vector<uint32_t> stack_map_lists = {0, 1, 2};
  std::vector<SlotList> slot_lists = {{0, 0}, {0, 2}, {2, 1}};
  std::vector<uint32_t> stack_map_slots = {8, 16, 24};
  std::vector<HandlerEntry> handlers = {{5, 0, 10}, {7, 0, 11}, {7, HandlerEntry::kPoll, 12}};

  CodeTables tables() const {
    return {functions,       by_key,
            trap_offsets,    trap_codes,
            trap_refunds,    address_offsets,
            address_wasm_offsets, inline_offsets,
            inline_range_sites, inline_sites,
            stack_map_offsets, stack_map_lists,
            slot_lists, stack_map_slots,
            handlers};
  }
};

constexpr size_t kTextSize = 40;

TEST(CodeTablesTest, RecordsKeepTheFrame) {
  const FunctionRecord record = Record(3, 8, 4);
  EXPECT_EQ(record.frame(), (FrameInfo{3, 96}));
  EXPECT_EQ(record.frame().FramelessSize(2), 0);
  EXPECT_EQ(record.frame().FramelessSize(3), -1);
  EXPECT_EQ(Record(7, 8, 4).frame().FramelessSize(3), 224);
  EXPECT_EQ(record.func_key().index(), 3u);
}

TEST(CodeTablesTest, FindsByEveryOffset) {
  const Arrays arrays;
  const CodeTables tables = arrays.tables();
  ASSERT_TRUE(tables.Validate(kTextSize).ok());
  EXPECT_EQ(tables.FindRefund(3), 0u);
  EXPECT_EQ(tables.FindRefund(20), 9u);
  EXPECT_EQ(tables.FindRefund(21), 0u);
  EXPECT_EQ(tables.FindPoll(7), 12u);
  EXPECT_FALSE(tables.FindPoll(5).has_value());
  EXPECT_FALSE(tables.FindPoll(6).has_value());
  for (uint32_t offset = 0; offset < kTextSize + 4; ++offset) {
    const FunctionRecord* function = tables.FindFunction(offset);
    const int expected = offset < 16   ? 0
                         : offset < 24 ? 1
                         : offset < 32 ? -1
                         : offset < 40 ? 2
                                       : -1;
    if (expected < 0) {
      EXPECT_EQ(function, nullptr) << offset;
    } else {
      EXPECT_EQ(function, &arrays.functions[expected]) << offset;
    }
    const std::optional<uint8_t> trap = tables.FindTrap(offset);
    EXPECT_EQ(trap.has_value(), offset == 3 || offset == 20) << offset;
    const std::optional<uint32_t> wasm = tables.FindWasmOffset(offset);
    EXPECT_EQ(wasm.value_or(0), offset < 2 ? 0u : offset < 8 ? 100u : offset < 16 ? 0u : 200u);
    EXPECT_EQ(tables.FindInlineSite(offset).value_or(9), offset < 4    ? 9u
                                                         : offset < 9  ? 2u
                                                         : offset < 12 ? 9u
                                                                       : 0u);
    EXPECT_EQ(tables.FindStackMap(offset).has_value(), offset == 5 || offset == 9 || offset == 12);
  }
  EXPECT_EQ(tables.FindStackMap(5)->size(), 0u);
  EXPECT_EQ(tables.FindStackMap(9)->size(), 2u);
  EXPECT_EQ((*tables.FindStackMap(12))[0], 24u);
}

TEST(CodeTablesTest, FindsByKey) {
  const Arrays arrays;
  for (uint32_t i = 0; i < 9; ++i) {
    const FunctionRecord* found =
        arrays.tables().FindKey(FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(i)));
    const int position = i == 7 ? 0 : i == 1 ? 1 : i == 2 ? 2 : -1;
    EXPECT_EQ(found, position < 0 ? nullptr : &arrays.functions[position]) << i;
  }
}

TEST(CodeTablesTest, RefusesWhatIsDamaged) {
  const auto expect_damaged = [](const Arrays& arrays, const char* what) {
    const absl::Status status = arrays.tables().Validate(kTextSize);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << what;
    EXPECT_NE(std::string(status.message()).find(what), std::string::npos) << status;
  };
  Arrays arrays;
  arrays.functions[1].offset = 15;
  expect_damaged(arrays, "functions");
  arrays = Arrays();
  arrays.functions[2].size = 9;
  expect_damaged(arrays, "functions");
  arrays = Arrays();
  arrays.functions[0].key = ~uint64_t{0};
  expect_damaged(arrays, "functions");
  arrays = Arrays();
  arrays.by_key[0] = 3;
  expect_damaged(arrays, "keys");
  arrays = Arrays();
  arrays.by_key = {1, 0, 2};
  expect_damaged(arrays, "keys");
  arrays = Arrays();
  arrays.by_key.pop_back();
  expect_damaged(arrays, "keys");
  arrays = Arrays();
  arrays.trap_codes.pop_back();
  expect_damaged(arrays, "traps");
  arrays = Arrays();
  arrays.trap_offsets[0] = 20;
  expect_damaged(arrays, "traps");
  arrays = Arrays();
  arrays.address_offsets[2] = 41;
  expect_damaged(arrays, "addresses");
  arrays = Arrays();
  arrays.inline_offsets[1] = 4;
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.inline_offsets[2] = 41;
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.inline_range_sites.pop_back();
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.inline_range_sites[0] = 3;
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.inline_sites[1].parent = 1;
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.inline_sites[1].parent = 2;
  expect_damaged(arrays, "inlined code");
  arrays = Arrays();
  arrays.stack_map_lists[1] = 3;
  expect_damaged(arrays, "stack maps");
  arrays = Arrays();
  arrays.stack_map_lists.pop_back();
  expect_damaged(arrays, "stack maps");
  arrays = Arrays();
  arrays.slot_lists[1] = {2, 2};
  expect_damaged(arrays, "stack maps");
  arrays = Arrays();
  arrays.slot_lists[1] = {1, 0xFFFFFFFF};
  expect_damaged(arrays, "stack maps");
  arrays = Arrays();
  arrays.handlers[0].handler = 40;
  expect_damaged(arrays, "handlers");
}

}  // namespace
}  // namespace gantry::environ
