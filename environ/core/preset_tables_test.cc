#include "environ/core/preset_tables.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

using wasm::DefinedTableIndex;
using wasm::ElemIndex;
using wasm::FuncIndex;
using wasm::TableIndex;

const FuncIndex kNone = FuncIndex::None();

class PresetTablesTest : public testing::Test {
 protected:
  // Table 0 is imported; 1 and 2 are not.
  PresetTablesTest() {
    for (uint64_t min : {10, 10, 4}) {
      wasm::TableType type;
      type.limits = {min, std::nullopt};
      info_.tables.Push(type);
    }
    info_.num_imported_tables = 1;
    info_.table_inits.Push(ConstExpr());
    info_.table_inits.Push(ConstExpr());
  }

  void Active(uint32_t table, ConstExpr offset, std::vector<FuncIndex> functions) {
    ElemSegment segment;
    segment.mode = SegmentMode::kActive;
    segment.table = TableIndex(table);
    segment.offset = std::move(offset);
    segment.functions = std::move(functions);
    info_.elem_segments.Push(segment);
  }
  static ConstExpr At(uint32_t offset) { return ConstExpr({ConstOp::I32Const(offset)}); }

  const std::vector<FuncIndex>& preset(uint32_t table) {
    return info_.preset_tables[DefinedTableIndex(table)];
  }
  bool IsPreset(uint32_t segment) {
    const ElemSegment& found = info_.elem_segments[ElemIndex(segment)];
    if (found.mode == SegmentMode::kPreset) {
      EXPECT_EQ(found.size(), 0u);
      return true;
    }
    return false;
  }

  ModuleInfo info_;
};

TEST_F(PresetTablesTest, LaterSegmentsOverwriteEarlierOnes) {
  Active(1, At(2), {FuncIndex(5), FuncIndex(6), FuncIndex(7)});
  Active(2, At(0), {FuncIndex(1)});
  Active(1, At(3), {kNone});
  ElemSegment expressions;
  expressions.mode = SegmentMode::kActive;
  expressions.table = TableIndex(1);
  expressions.offset = ConstExpr({ConstOp::I64Const(8)});
  expressions.expressions = {ConstExpr({ConstOp::RefFunc(FuncIndex(9))}),
                             ConstExpr({ConstOp::RefNull(wasm::ValType::FuncRef())})};
  info_.elem_segments.Push(expressions);
  Active(1, At(10), {});
  PresetTables(info_);
  for (uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(IsPreset(i)) << i;
  EXPECT_EQ(preset(0), (std::vector<FuncIndex>{kNone, kNone, FuncIndex(5), kNone, FuncIndex(7),
                                               kNone, kNone, kNone, FuncIndex(9), kNone}));
  EXPECT_EQ(preset(1), std::vector<FuncIndex>{FuncIndex(1)});
}

// What stands behind the first segment that has to wait, waits too.
TEST_F(PresetTablesTest, NothingOvertakes) {
  const ConstExpr dynamic({ConstOp::GlobalGet(wasm::GlobalIndex(0))});
  const ConstExpr computed(
      {ConstOp::I32Const(1), ConstOp::I32Const(1), ConstOp::Simple(ConstOp::Kind::kI32Add)});
  struct Case {
    uint32_t table;
    ConstExpr offset;
    size_t size;
  };
  for (const Case& waits : {Case{0, At(0), 1}, Case{1, dynamic, 1}, Case{1, computed, 1},
                            Case{1, At(8), 3}, Case{2, At(5), 0}, Case{1, At(0xFFFFFFFF), 2}}) {
    info_.elem_segments.clear();
    info_.preset_tables.clear();
    ElemSegment passive;
    passive.functions = {FuncIndex(2)};
    info_.elem_segments.Push(passive);
    Active(1, At(0), {FuncIndex(1)});
    Active(waits.table, waits.offset, std::vector<FuncIndex>(waits.size, FuncIndex(3)));
    Active(1, At(1), {FuncIndex(4)});
    const ModuleInfo before = info_;
    PresetTables(info_);
    EXPECT_FALSE(IsPreset(0));
    EXPECT_TRUE(IsPreset(1));
    EXPECT_EQ(info_.elem_segments[ElemIndex(2)], before.elem_segments[ElemIndex(2)]);
    EXPECT_EQ(info_.elem_segments[ElemIndex(3)], before.elem_segments[ElemIndex(3)]);
    EXPECT_EQ(preset(0), std::vector<FuncIndex>{FuncIndex(1)});
  }
}

TEST_F(PresetTablesTest, ExpressionsThatNeedAnInstanceWait) {
  ElemSegment segment;
  segment.mode = SegmentMode::kActive;
  segment.table = TableIndex(1);
  segment.offset = At(0);
  segment.expressions = {ConstExpr({ConstOp::GlobalGet(wasm::GlobalIndex(0))})};
  info_.elem_segments.Push(segment);
  PresetTables(info_);
  EXPECT_FALSE(IsPreset(0));
}

TEST_F(PresetTablesTest, TablesThatStartAsSomethingElseAreFilled) {
  info_.table_inits[DefinedTableIndex(0)] = ConstExpr({ConstOp::RefFunc(FuncIndex(0))});
  info_.table_inits[DefinedTableIndex(1)] = ConstExpr({ConstOp::RefNull(wasm::ValType::FuncRef())});
  Active(2, At(0), {FuncIndex(1)});
  Active(1, At(0), {FuncIndex(1)});
  PresetTables(info_);
  EXPECT_TRUE(IsPreset(0));
  EXPECT_FALSE(IsPreset(1));
}

TEST_F(PresetTablesTest, NullsOfOtherTablesNeedNoPreset) {
  info_.tables[TableIndex(1)].element = wasm::ValType::ExternRef();
  Active(1, At(3), {kNone, kNone});
  Active(2, At(0), {FuncIndex(1)});
  PresetTables(info_);
  EXPECT_TRUE(IsPreset(0));
  EXPECT_TRUE(IsPreset(1));
  EXPECT_TRUE(preset(0).empty());
}

// A few bytes of module make no large artifact.
TEST_F(PresetTablesTest, FarOffsetsAreNotPreset) {
  info_.tables[TableIndex(1)].limits.min = 10'000'000;
  Active(1, At(65'535), {FuncIndex(1)});
  Active(1, At(9'999'999), {FuncIndex(2)});
  PresetTables(info_);
  EXPECT_TRUE(IsPreset(0));
  EXPECT_FALSE(IsPreset(1));
  EXPECT_EQ(preset(0).size(), 65'536u);
}

}  // namespace
}  // namespace gantry::environ
