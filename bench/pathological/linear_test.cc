// Compilation takes time and memory linear in the module: each case at a quarter, half and all of
// its size, where each doubling may cost at most 2.6 times the steps that the phases count, in
// every phase and together, and at most 2.6 times the memory.
#include <map>
#include <string>
#include <tuple>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "api/config.h"
#include "base/check.h"
#include "bench/pathological/cases.h"
#include "bench/pathological/measure.h"
#include "gtest/gtest.h"

namespace gantry::bench {
namespace {

constexpr double kMaxGrowth = 2.6;

// Builds in which everything is checked are too slow for the whole size, and at small ones the
// bounds of passes are what decides the steps. Steps depend on the module alone, so it is enough
// that the other builds compare them; here the shapes are compiled.
constexpr bool kCompares = !GANTRY_DCHECK_IS_ON();
constexpr uint32_t kDivisor = kCompares ? 1 : 16;

class LinearTest : public testing::TestWithParam<std::tuple<Case, Strategy>> {};

TEST_P(LinearTest, DoublingTheSizeDoublesTheCost) {
  const auto& [c, strategy] = GetParam();
  const uint32_t size = c.size / kDivisor;
  std::map<std::string, uint64_t> work_before;
  uint64_t total_before = 0;
  size_t bytes_before = 0;
  for (const uint32_t number : {size / 4, size / 2, size}) {
    const std::vector<uint8_t> module = c.make(number);
    const absl::StatusOr<Measurement> measured = Measure(module, 1, strategy);
    ASSERT_TRUE(measured.ok()) << c.name << " of " << number << ": " << measured.status();
    for (const CompileTiming::Phase& phase : measured->timing.phases) {
      uint64_t& before = work_before[phase.name];
      // Below a step an element there is nothing to see.
      if (kCompares && before > number / 2) {
        EXPECT_LE(static_cast<double>(phase.work), kMaxGrowth * static_cast<double>(before))
            << phase.name << " at " << number;
      }
      before = phase.work;
    }
    if (kCompares && total_before != 0) {
      EXPECT_LE(static_cast<double>(measured->work()),
                kMaxGrowth * static_cast<double>(total_before))
          << number;
      EXPECT_LE(static_cast<double>(measured->peak_bytes),
                kMaxGrowth * static_cast<double>(bytes_before))
          << number;
    }
    total_before = measured->work();
    bytes_before = measured->peak_bytes;
  }
  // The case is about something: a step per element at least.
  EXPECT_GE(total_before, size) << c.name;
}

std::string NameOf(const testing::TestParamInfo<std::tuple<Case, Strategy>>& info) {
  const bool is_winch = std::get<1>(info.param) == Strategy::kWinch;
  return absl::StrCat(std::get<0>(info.param).name, is_winch ? "_winch" : "");
}

INSTANTIATE_TEST_SUITE_P(Cases, LinearTest,
                         testing::Combine(testing::ValuesIn(Cases().begin(), Cases().end()),
                                          testing::Values(Strategy::kOptimizing, Strategy::kWinch)),
                         NameOf);

TEST(MeasureTest, StepsDependOnTheModuleAlone) {
  for (const Case& c : Cases()) {
    const std::vector<uint8_t> module = c.make(c.size / 200 + 10);
    const absl::StatusOr<Measurement> one = Measure(module, 1);
    const absl::StatusOr<Measurement> other = Measure(module, 2);
    ASSERT_TRUE(one.ok() && other.ok()) << c.name << ": " << one.status();
    ASSERT_EQ(one->timing.phases.size(), other->timing.phases.size());
    for (size_t i = 0; i < one->timing.phases.size(); ++i) {
      EXPECT_EQ(one->timing.phases[i].work, other->timing.phases[i].work)
          << c.name << ", " << one->timing.phases[i].name;
    }
  }
}

}  // namespace
}  // namespace gantry::bench
