#include "wasm_translate/operator_costs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry::wasm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(OperatorCostsTest, StructureIsFreeAndTheRestCostsOne) {
  const OperatorCosts costs;
  EXPECT_EQ(costs.of(Opcode::kBlock), 0u);
  EXPECT_EQ(costs.of(Opcode::kEnd), 0u);
  EXPECT_EQ(costs.of(Opcode::kI32Add), 1u);
  EXPECT_EQ(costs.of(Opcode::kMemoryCopy), 1u);
  EXPECT_EQ(costs.ToString(), "");
}

TEST(OperatorCostsTest, TextGoesBothWaysAndHasOneOrder) {
  const absl::StatusOr<OperatorCosts> costs =
      OperatorCosts::Parse("f64.sqrt=4,call=10,select=2,i32.add=1,nop=3");
  ASSERT_TRUE(costs.ok()) << costs.status();
  EXPECT_EQ(costs->of(Opcode::kCall), 10u);
  EXPECT_EQ(costs->ToString(), "nop=3,call=10,select=2,f64.sqrt=4");
  EXPECT_EQ(*OperatorCosts::Parse(costs->ToString()), *costs);
}

TEST(OperatorCostsTest, ErrorsNameThePart) {
  const auto message = [](absl::string_view text) {
    return std::string(OperatorCosts::Parse(text).status().message());
  };
  EXPECT_THAT(message("i32.plus=1"), HasSubstr("i32.plus"));
  EXPECT_THAT(message("call"), HasSubstr("\"call\""));
  EXPECT_THAT(message("call=-1"), HasSubstr("call=-1"));
  EXPECT_THAT(message("call=65536"), HasSubstr("65535"));
  EXPECT_TRUE(OperatorCosts::Parse("call=65535").ok());
}

TEST(FuelMeterTest, TrapsGetBackWhatStandsBehindThem) {
  FuelMeter meter{OperatorCosts()};
  meter.Start();
  meter.Add(Opcode::kBlock, 1);
  EXPECT_FALSE(meter.is_open());
  meter.Open();
  meter.Add(Opcode::kI32Const, 2);
  meter.Add(Opcode::kI32Load, 3);   // two charged for up to here, of four
  meter.Add(Opcode::kLocalSet, 4);
  meter.Add(Opcode::kI32DivS, 5);
  EXPECT_EQ(meter.Close(), 4u);
  EXPECT_FALSE(meter.is_open());
  // Once more, as where it is inlined twice.
  meter.Open();
  meter.Add(Opcode::kI32Const, 2);
  meter.Add(Opcode::kI32Load, 3);
  meter.Add(Opcode::kLocalSet, 4);
  meter.Add(Opcode::kI32DivS, 5);
  EXPECT_EQ(meter.Close(), 4u);
  EXPECT_THAT(meter.TakeRefunds(), ElementsAre(FuelRefund{3, 2}));
  meter.Start();
  EXPECT_THAT(meter.TakeRefunds(), IsEmpty());
}

TEST(FuelMeterTest, LinesAreNotLongerThanAnImmediate) {
  FuelMeter meter(*OperatorCosts::Parse("f64.sqrt=65535"));
  meter.Start();
  meter.Open();
  uint64_t total = 0;
  while (!meter.IsFull(Opcode::kF64Sqrt)) {
    meter.Add(Opcode::kF64Sqrt, 1);
    total += 65535;
  }
  EXPECT_EQ(meter.Close(), total);
  EXPECT_LE(total, FuelMeter::kMaxLine);
}

}  // namespace
}  // namespace gantry::wasm
