#include "api/val.h"

#include <limits>

#include "gtest/gtest.h"

namespace gantry {
namespace {

TEST(ValTest, KeepsBitsAndKinds) {
  EXPECT_EQ(Val::I32(-1).i32(), -1);
  EXPECT_EQ(Val::I64(std::numeric_limits<int64_t>::min()).i64(),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Val::F32Bits(0x7FA00001).f32_bits(), 0x7FA00001u);
  EXPECT_EQ(Val::F64Bits(0x7FF0000000000001).f64_bits(), 0x7FF0000000000001u);
  EXPECT_EQ(Val::V128(1, 2).v128(), (std::array<uint64_t, 2>{1, 2}));
  EXPECT_EQ(Val::F32(0).type(), ValType::F32());
  EXPECT_EQ(Val::Default(ValType::ExternRef()).kind(), Val::Kind::kExternRef);
  EXPECT_EQ(Val::Default(ValType::ConcreteRef(wasm::TypeIndex(3), true)).kind(),
            Val::Kind::kFuncRef);
}

TEST(ValTest, NullsBelongToHierarchies) {
  using wasm::AbstractHeapType;
  const auto kind = [](AbstractHeapType type) {
    const Val null = Val::Default(ValType::Ref(wasm::HeapType::Abstract(type), true));
    EXPECT_TRUE(null.is_null());
    return null.kind();
  };
  for (const AbstractHeapType type :
       {AbstractHeapType::kAny, AbstractHeapType::kEq, AbstractHeapType::kI31,
        AbstractHeapType::kStruct, AbstractHeapType::kArray, AbstractHeapType::kNone}) {
    EXPECT_EQ(kind(type), Val::Kind::kAnyRef);
  }
  EXPECT_EQ(kind(AbstractHeapType::kNoFunc), Val::Kind::kFuncRef);
  EXPECT_EQ(kind(AbstractHeapType::kNoExtern), Val::Kind::kExternRef);
  EXPECT_EQ(kind(AbstractHeapType::kNoExn), Val::Kind::kExnRef);
  EXPECT_EQ(Val::Default(ValType::Ref(wasm::HeapType::Canonical(5), true)).kind(),
            Val::Kind::kFuncRef);
  EXPECT_EQ(Val::Default(ValType::Ref(wasm::HeapType::Canonical(6), true)).kind(),
            Val::Kind::kAnyRef);
  EXPECT_FALSE(Val::I32(0).is_null());
}

TEST(ValTest, I31KeepsThirtyOneBits) {
  for (const int32_t value : {0, 1, -1, 0x3FFFFFFF, -0x40000000}) {
    EXPECT_EQ(Val::I31(value).any_ref()->i31(), value);
  }
  EXPECT_EQ(Val::I31(0x40000000).any_ref()->i31(), -0x40000000);
  EXPECT_EQ(Val::I31(static_cast<int32_t>(0x80000000)).any_ref()->i31(), 0);
  const AnyRef reference = AnyRef::I31(7);
  EXPECT_EQ(AnyRef::FromExtern(reference.ToExtern()), reference);
}

TEST(ValTest, PrintsAsTheCommandDoes) {
  EXPECT_EQ(Val::I32(-7).ToString(), "-7");
  EXPECT_EQ(Val::I64(1ll << 40).ToString(), "1099511627776");
  EXPECT_EQ(Val::F32(0.1f).ToString(), "0.1");
  EXPECT_EQ(Val::F64(0.1).ToString(), "0.1");
  EXPECT_EQ(Val::F64(-0.0).ToString(), "-0");
  EXPECT_EQ(Val::F64(1.0 / 3).ToString(), "0.3333333333333333");
  EXPECT_EQ(Val::F64(-std::numeric_limits<double>::infinity()).ToString(), "-inf");
  EXPECT_EQ(Val::F32Bits(0x7FC00000).ToString(), "nan");
  EXPECT_EQ(Val::F32Bits(0xFF800001).ToString(), "-nan:0x1");
  EXPECT_EQ(Val::F64Bits(0x7FF8000000000000).ToString(), "nan");
  EXPECT_EQ(Val::FuncRef(std::nullopt).ToString(), "null");
  EXPECT_EQ(Val::AnyRef(std::nullopt).ToString(), "null");
  EXPECT_EQ(Val::I31(-5).ToString(), "i31 -5");
}

TEST(ValDeathTest, AnotherKindIsABug) { EXPECT_DEATH(Val::I32(1).i64(), "another kind"); }

}  // namespace
}  // namespace gantry
