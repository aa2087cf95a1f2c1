// Random sequences of API calls against a model; each kind of thing has to happen often.
#include "tests/robustness/api_sequence.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::testing {
namespace {

TEST(ApiSequenceTest, RandomSequences) {
  SequenceCounts total;
  std::mt19937 random(20240608);
  for (int sequence = 0; sequence < 60; ++sequence) {
    std::vector<uint8_t> bytes(1500);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const SequenceCounts counts = RunApiSequence(bytes);
    total.instances += counts.instances;
    total.calls += counts.calls;
    total.traps += counts.traps;
    total.refusals += counts.refusals;
    total.reads += counts.reads;
    total.fuel += counts.fuel;
    total.interrupts += counts.interrupts;
    total.suspensions += counts.suspensions;
  }
  EXPECT_GT(total.instances, 1000u);
  EXPECT_GT(total.calls, 5000u);
  EXPECT_GT(total.traps, 300u);
  EXPECT_GT(total.refusals, 1000u);
  EXPECT_GT(total.reads, 1000u);
  EXPECT_GT(total.fuel, 300u);
  EXPECT_GT(total.interrupts, 100u);
  EXPECT_GT(total.suspensions, 300u);
}

}  // namespace
}  // namespace gantry::testing
