#include "wast/script.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::wast {
namespace {

using wasm::AbstractHeapType;
using wasm::ValType;

Pattern Scalar(ValType type, uint8_t bits, Pattern::Lane lane) {
  Pattern pattern;
  pattern.type = type;
  pattern.lane_bits = bits;
  pattern.float_lanes = true;
  pattern.lanes = {lane};
  return pattern;
}

Pattern Reference(Pattern::Kind kind, std::optional<AbstractHeapType> heap,
                  std::optional<uint32_t> host = std::nullopt) {
  Pattern pattern;
  pattern.kind = kind;
  pattern.heap = heap;
  pattern.host = host;
  return pattern;
}

TEST(Pattern, Nans) {
  using enum Pattern::LaneKind;
  struct Case {
    uint64_t bits;
    bool canonical;
    bool arithmetic;
  };
  for (const Case& c :
       {Case{0x7FC00000, true, true}, Case{0xFFC00000, true, true}, Case{0x7FC00001, false, true},
        Case{0x7F800001, false, false}, Case{0x7F800000, false, false}, Case{0, false, false}}) {
    const Value value = Value::F32(static_cast<uint32_t>(c.bits));
    EXPECT_EQ(Scalar(ValType::F32(), 32, {kCanonicalNan, 0}).Matches(value), c.canonical);
    EXPECT_EQ(Scalar(ValType::F32(), 32, {kArithmeticNan, 0}).Matches(value), c.arithmetic);
    EXPECT_TRUE(Scalar(ValType::F32(), 32, {kExact, c.bits}).Matches(value));
    EXPECT_FALSE(Scalar(ValType::F32(), 32, {kExact, c.bits ^ 1}).Matches(value));
    EXPECT_FALSE(Scalar(ValType::I32(), 32, {kExact, c.bits}).Matches(value));
  }
  for (const Case& c :
       {Case{0x7FF8000000000000, true, true}, Case{0xFFF8000000000000, true, true},
        Case{0x7FF8000000000001, false, true}, Case{0x7FF0000000000001, false, false}}) {
    const Value value = Value::F64(c.bits);
    EXPECT_EQ(Scalar(ValType::F64(), 64, {kCanonicalNan, 0}).Matches(value), c.canonical);
    EXPECT_EQ(Scalar(ValType::F64(), 64, {kArithmeticNan, 0}).Matches(value), c.arithmetic);
  }
}

TEST(Pattern, VectorsLaneByLane) {
  Pattern pattern;
  pattern.type = ValType::V128();
  pattern.lane_bits = 16;
  for (uint64_t lane = 1; lane <= 8; ++lane) pattern.lanes.push_back({{}, lane});
  EXPECT_TRUE(pattern.Matches(Value::V128(0x0004000300020001, 0x0008000700060005)));
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t flip = uint64_t{1} << bit;
    EXPECT_FALSE(pattern.Matches(Value::V128(0x0004000300020001 ^ flip, 0x0008000700060005)));
    EXPECT_FALSE(pattern.Matches(Value::V128(0x0004000300020001, 0x0008000700060005 ^ flip)));
  }
  pattern.lane_bits = 32;
  pattern.float_lanes = true;
  pattern.lanes = {{Pattern::LaneKind::kCanonicalNan, 0},
                   {Pattern::LaneKind::kArithmeticNan, 0},
                   {Pattern::LaneKind::kExact, 0x3F800000},
                   {Pattern::LaneKind::kExact, 0}};
  EXPECT_TRUE(pattern.Matches(Value::V128(0x7FC000017FC00000, 0x000000003F800000)));
  EXPECT_FALSE(pattern.Matches(Value::V128(0x7FC000007FC00001, 0x000000003F800000)));
  EXPECT_EQ(pattern.ToString(), "v128:nan:canonical,nan:arithmetic,1,0");
}

TEST(Pattern, NullsByHierarchy) {
  const AbstractHeapType hierarchies[][6] = {
      {AbstractHeapType::kFunc, AbstractHeapType::kNoFunc, AbstractHeapType::kFunc,
       AbstractHeapType::kFunc, AbstractHeapType::kFunc, AbstractHeapType::kFunc},
      {AbstractHeapType::kExtern, AbstractHeapType::kNoExtern, AbstractHeapType::kExtern,
       AbstractHeapType::kExtern, AbstractHeapType::kExtern, AbstractHeapType::kExtern},
      {AbstractHeapType::kExn, AbstractHeapType::kNoExn, AbstractHeapType::kExn,
       AbstractHeapType::kExn, AbstractHeapType::kExn, AbstractHeapType::kExn},
      {AbstractHeapType::kAny, AbstractHeapType::kNone, AbstractHeapType::kEq,
       AbstractHeapType::kI31, AbstractHeapType::kStruct, AbstractHeapType::kArray}};
  for (const auto& of_pattern : hierarchies) {
    for (AbstractHeapType in_pattern : of_pattern) {
      const Pattern pattern = Reference(Pattern::Kind::kNull, in_pattern);
      for (const auto& of_value : hierarchies) {
        for (AbstractHeapType in_value : of_value) {
          EXPECT_EQ(pattern.Matches(Value::Null(in_value)), &of_pattern == &of_value);
          EXPECT_FALSE(pattern.Matches(Value::Ref(in_value)));
          EXPECT_TRUE(Reference(Pattern::Kind::kNull, std::nullopt).Matches(Value::Null(in_value)));
        }
      }
    }
  }
  EXPECT_FALSE(Reference(Pattern::Kind::kNull, std::nullopt).Matches(Value::I32(0)));
}

TEST(Pattern, References) {
  const auto any_of = [](AbstractHeapType heap) {
    return Reference(Pattern::Kind::kReference, heap);
  };
  const Value values[] = {Value::Ref(AbstractHeapType::kFunc),
                          Value::Extern(1),
                          Value::Ref(AbstractHeapType::kExtern),
                          Value::Host(1),
                          Value::I31(7),
                          Value::Ref(AbstractHeapType::kStruct),
                          Value::Ref(AbstractHeapType::kArray),
                          Value::Ref(AbstractHeapType::kExn)};
  const std::pair<Pattern, std::vector<bool>> cases[] = {
      {any_of(AbstractHeapType::kFunc), {1, 0, 0, 0, 0, 0, 0, 0}},
      {any_of(AbstractHeapType::kExtern), {0, 1, 1, 0, 0, 0, 0, 0}},
      {Reference(Pattern::Kind::kReference, AbstractHeapType::kExtern, 1),
       {0, 1, 0, 0, 0, 0, 0, 0}},
      {Reference(Pattern::Kind::kReference, AbstractHeapType::kExtern, 2),
       {0, 0, 0, 0, 0, 0, 0, 0}},
      {any_of(AbstractHeapType::kAny), {0, 0, 0, 1, 1, 1, 1, 0}},
      {Reference(Pattern::Kind::kReference, AbstractHeapType::kAny, 1), {0, 0, 0, 1, 0, 0, 0, 0}},
      {any_of(AbstractHeapType::kEq), {0, 0, 0, 0, 1, 1, 1, 0}},
      {any_of(AbstractHeapType::kI31), {0, 0, 0, 0, 1, 0, 0, 0}},
      {any_of(AbstractHeapType::kStruct), {0, 0, 0, 0, 0, 1, 0, 0}},
      {any_of(AbstractHeapType::kArray), {0, 0, 0, 0, 0, 0, 1, 0}},
      {any_of(AbstractHeapType::kExn), {0, 0, 0, 0, 0, 0, 0, 1}},
  };
  for (const auto& [pattern, matches] : cases) {
    for (size_t i = 0; i < matches.size(); ++i) {
      EXPECT_EQ(pattern.Matches(values[i]), matches[i])
          << pattern.ToString() << " and " << values[i].ToString();
    }
  }
}

TEST(Value, ToString) {
  EXPECT_EQ(Value::I32(7).ToString(), "i32:7");
  EXPECT_EQ(Value::F64(0x3FE0000000000000).ToString(), "f64:0.5");
  EXPECT_EQ(Value::V128(1, 2).ToString(), "v128:0x00000000000000020000000000000001");
  EXPECT_EQ(Value::Null(AbstractHeapType::kNoFunc).ToString(), "ref.null:nofunc");
  EXPECT_EQ(Value::I31(static_cast<uint32_t>(-1)).ToString(), "ref.i31:-1");
  EXPECT_EQ(Value::Extern(3).ToString(), "ref.extern:3");
  EXPECT_EQ(Value::Host(3).ToString(), "ref.host:3");
  EXPECT_EQ(Value::Ref(AbstractHeapType::kFunc).ToString(), "ref.func");
}

}  // namespace
}  // namespace gantry::wast
