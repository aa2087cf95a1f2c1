#include "wasm_translate/types.h"

#include "absl/hash/hash.h"
#include "gtest/gtest.h"

namespace gantry::wasm {
namespace {

TEST(ValType, PackingKeepsEveryPart) {
  for (bool nullable : {false, true}) {
    for (uint32_t index : {0u, 1u, 999'999u, HeapType::kMaxIndex}) {
      const ValType type = ValType::ConcreteRef(TypeIndex(index), nullable);
      EXPECT_TRUE(type.is_ref());
      EXPECT_EQ(type.is_nullable(), nullable);
      EXPECT_TRUE(type.heap_type().is_concrete());
      EXPECT_EQ(type.heap_type().index(), TypeIndex(index));
      EXPECT_EQ(type.WithNullable(!nullable).WithNullable(nullable), type);
      EXPECT_FALSE(type == ValType::Ref(HeapType::Canonical(index), nullable));
    }
    for (int code = 0; code <= static_cast<int>(AbstractHeapType::kNoExn); ++code) {
      const auto abstract = static_cast<AbstractHeapType>(code);
      const ValType type = ValType::Ref(HeapType::Abstract(abstract), nullable);
      EXPECT_TRUE(type.heap_type().Is(abstract));
      EXPECT_FALSE(type.heap_type().is_shared());
      EXPECT_TRUE(
          ValType::Ref(HeapType::Abstract(abstract, true), nullable).heap_type().is_shared());
    }
  }
}

TEST(ValType, Names) {
  EXPECT_EQ(ValType::I32().ToString(), "i32");
  EXPECT_EQ(ValType::V128().ToString(), "v128");
  EXPECT_EQ(ValType::FuncRef().ToString(), "funcref");
  EXPECT_EQ(ValType::FuncRef().WithNullable(false).ToString(), "(ref func)");
  EXPECT_EQ(ValType::ConcreteRef(TypeIndex(3), true).ToString(), "(ref null 3)");
  EXPECT_EQ(ValType::Ref(HeapType::Abstract(AbstractHeapType::kNone), true).ToString(), "nullref");
}

TEST(ValType, Defaultable) {
  EXPECT_TRUE(ValType::I32().is_defaultable());
  EXPECT_TRUE(ValType::FuncRef().is_defaultable());
  EXPECT_FALSE(ValType::FuncRef().WithNullable(false).is_defaultable());
}

TEST(FuncType, ParamsAndResults) {
  const FuncType type({ValType::I32(), ValType::F64()}, {ValType::I64()});
  ASSERT_EQ(type.params().size(), 2u);
  ASSERT_EQ(type.results().size(), 1u);
  EXPECT_EQ(type.params()[1], ValType::F64());
  EXPECT_EQ(type.results()[0], ValType::I64());
  EXPECT_EQ(type.ToString(), "(i32 f64) -> (i64)");
}

TEST(FuncType, TheSplitIsPartOfTheType) {
  const FuncType a({ValType::I32()}, {ValType::I32()});
  const FuncType b({ValType::I32(), ValType::I32()}, {});
  EXPECT_FALSE(a == b);
  EXPECT_EQ(absl::HashOf(a), absl::HashOf(FuncType(a.params(), a.results())));
}

TEST(AbstractHeapType, SubtypingIsReflexiveAndTransitive) {
  const int count = static_cast<int>(AbstractHeapType::kNoExn) + 1;
  auto sub = [](int a, int b) {
    return IsAbstractSubtype(static_cast<AbstractHeapType>(a), static_cast<AbstractHeapType>(b));
  };
  for (int a = 0; a < count; ++a) {
    EXPECT_TRUE(sub(a, a));
    for (int b = 0; b < count; ++b) {
      if (a != b) {
        EXPECT_FALSE(sub(a, b) && sub(b, a));
      }
      for (int c = 0; c < count; ++c) {
        if (sub(a, b) && sub(b, c)) {
          EXPECT_TRUE(sub(a, c)) << a << b << c;
        }
      }
    }
  }
}

TEST(Types, Printing) {
  EXPECT_EQ((TableType{ValType::FuncRef(), {1, 2}}).ToString(), "1 2 funcref");
  EXPECT_EQ((MemoryType{{1, {}}, IndexType::kI64, false, 0}).ToString(), "i64 1 (pagesize 1)");
  EXPECT_EQ((GlobalType{ValType::I32(), true}).ToString(), "(mut i32)");
}

TEST(TypesTest, HierarchiesHaveOneTop) {
  for (int i = 0; i <= static_cast<int>(AbstractHeapType::kNoExn); ++i) {
    const AbstractHeapType type = static_cast<AbstractHeapType>(i);
    const AbstractHeapType top = TopOfHierarchy(HeapType::Abstract(type));
    EXPECT_TRUE(IsAbstractSubtype(type, top)) << i;
    EXPECT_EQ(TopOfHierarchy(HeapType::Abstract(top)), top) << i;
  }
  EXPECT_EQ(TopOfHierarchy(HeapType::Canonical(3)), AbstractHeapType::kFunc);
  EXPECT_EQ(TopOfHierarchy(HeapType::Canonical(4)), AbstractHeapType::kAny);
  EXPECT_FALSE(HeapType::Concrete(TypeIndex(3)).is_canonical_func());
}

}  // namespace
}  // namespace gantry::wasm
