#include "cli/invoke_values.h"

#include <array>
#include <limits>

#include "gtest/gtest.h"

namespace gantry::cli {
namespace {

TEST(InvokeValuesTest, IntegersAtTheirEdges) {
  const ValType i32 = ValType::I32();
  EXPECT_EQ(ParseValue(i32, "-2147483648")->i32(), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(ParseValue(i32, "4294967295")->i32(), -1);
  EXPECT_EQ(ParseValue(i32, "0xfFffFFff")->i32(), -1);
  EXPECT_EQ(ParseValue(i32, "+7")->i32(), 7);
  EXPECT_EQ(ParseValue(ValType::I64(), "-9223372036854775808")->i64(),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseValue(ValType::I64(), "18446744073709551615")->i64(), -1);
  for (const char* bad : {"", "-", "x", "1x", "4294967296", "-2147483649", "0x", "0x1ffffffff",
                          "1.5", " 1", "--1", "0x-1"}) {
    EXPECT_FALSE(ParseValue(i32, bad).ok()) << bad;
  }
  EXPECT_FALSE(ParseValue(ValType::I64(), "18446744073709551616").ok());
}

TEST(InvokeValuesTest, FloatsAndNans) {
  EXPECT_EQ(ParseValue(ValType::F32(), "1.5")->f32(), 1.5f);
  EXPECT_EQ(ParseValue(ValType::F64(), "-inf")->f64(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseValue(ValType::F64(), "0x1p-3")->f64(), 0.125);
  EXPECT_EQ(ParseValue(ValType::F32(), "nan")->f32_bits(), 0x7FC00000u);
  EXPECT_EQ(ParseValue(ValType::F32(), "-nan:0x1")->f32_bits(), 0xFF800001u);
  EXPECT_EQ(ParseValue(ValType::F64(), "nan")->f64_bits(), 0x7FF8000000000000u);
  for (const char* bad : {"", "1.5x", "nan:0x0", "nan:0x800000", "nan:", "nanx"}) {
    EXPECT_FALSE(ParseValue(ValType::F32(), bad).ok()) << bad;
  }
}

TEST(InvokeValuesTest, VectorsAsTheyArePrinted) {
  const ValType v128 = ValType::V128();
  EXPECT_EQ(ParseValue(v128, "0x7")->v128(), (std::array<uint64_t, 2>{7, 0}));
  const char* text = "0x0123456789abcdeffedcba9876543210";
  const Val value = *ParseValue(v128, text);
  EXPECT_EQ(value.v128(), (std::array<uint64_t, 2>{0xFEDCBA9876543210, 0x0123456789ABCDEF}));
  EXPECT_EQ(value.ToString(), text);
  for (const char* bad :
       {"", "0x", "7", "0xg", "0x 1", "0x-1", "-0x1", "0x0123456789abcdeffedcba98765432100"}) {
    EXPECT_FALSE(ParseValue(v128, bad).ok()) << bad;
  }
}

TEST(InvokeValuesTest, ReferencesOnlyAsNull) {
  EXPECT_FALSE(ParseValue(ValType::FuncRef(), "null")->func_ref().has_value());
  EXPECT_FALSE(ParseValue(ValType::ExternRef(), "null")->extern_ref().has_value());
  EXPECT_FALSE(ParseValue(ValType::ExternRef(), "1").ok());
}

TEST(InvokeValuesTest, CountsArguments) {
  const FuncType type({ValType::I32(), ValType::F64()}, {ValType::I32()});
  EXPECT_EQ(ParseArguments(type, {"1", "2"})->size(), 2u);
  const absl::Status status = ParseArguments(type, {"1"}).status();
  EXPECT_EQ(status.message(),
            "the function takes 2 arguments, its type being (i32 f64) -> (i32); given: 1");
}

}  // namespace
}  // namespace gantry::cli
