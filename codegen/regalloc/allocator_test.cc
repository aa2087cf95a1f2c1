#include "codegen/regalloc/allocator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "codegen/regalloc/checker.h"
#include "codegen/regalloc/execute.h"
#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/random_input.h"
#include "codegen/regalloc/shapes.h"
#include "gtest/gtest.h"

namespace gantry::codegen::regalloc {
namespace {

// Allocates, checks and executes.
absl::Status CheckOne(const Input& input, const MachineEnv& env, const Options& options,
                      uint64_t seed, Allocator* allocator, Output* output) {
  absl::Status status = ValidateInput(input, env);
  if (status.ok()) status = allocator->Allocate(input, env, options, output);
  if (status.ok()) status = CheckAllocation(input, env, *output);
  for (uint64_t run = 0; status.ok() && run < 4; ++run) {
    status = ExecuteAllocation(input, *output, seed * 4 + run, 400);
  }
  return status;
}

// Reports the smallest input that fails.
void CheckManyRandom(uint64_t first, uint64_t count, const MachineEnv& env,
                     const Options& options) {
  Allocator allocator;
  Output output;
  size_t failures = 0;
  size_t smallest = 0;
  std::string text;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    InputBuilder builder;
    BuildRandomInput(seed, env, RandomOptionsFor(seed), &builder);
    const Input& input = builder.input();
    const absl::Status status = CheckOne(input, env, options, seed, &allocator, &output);
    if (status.ok()) continue;
    ++failures;
    if (failures > 1 && input.insts.size() >= smallest) continue;
    smallest = input.insts.size();
    const bool complete = status.code() == absl::StatusCode::kInternal;
    text = absl::StrCat("seed ", seed, ": ", status.ToString(), "\n",
                        InputText(input, complete ? &output : nullptr));
  }
  EXPECT_EQ(failures, 0u) << "the smallest:\n" << text;
}

TEST(AllocatorRandomTest, SmallEnv) { CheckManyRandom(0, 3000, TestEnv(), Options()); }

// A labelled value whose last use reads copies of it, its register being wanted, is in no slot
// there unless something stored it.
TEST(AllocatorRandomTest, LabelledValuesThatDie) {
  for (const uint64_t seed : {3534, 4471, 9671, 12587, 13363, 15290, 29647}) {
    CheckManyRandom(seed, 1, TestEnv(), Options());
  }
}

TEST(AllocatorRandomTest, LargeEnv) { CheckManyRandom(10000, 1500, LargeTestEnv(), Options()); }

// lessons.md row 1: everything spilled, at full width.
TEST(AllocatorRandomTest, SpillEverything) {
  Options options;
  options.spill_everything = true;
  CheckManyRandom(20000, 1000, TestEnv(), options);
}

TEST(AllocatorRandomTest, Chaos) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Options options;
    options.chaos_seed = seed;
    CheckManyRandom(30000 + seed * 1000, 150, TestEnv(), options);
  }
}

class ShapeTest : public testing::TestWithParam<NamedShape> {};

// Twice the size may take a little more than twice the work, whatever the shape.
TEST_P(ShapeTest, WorkIsLinear) {
  Allocator allocator;
  uint64_t last_work = 0;
  for (const uint32_t size : {8000u, 16000u, 32000u, 64000u}) {
    InputBuilder builder;
    GetParam().build(size, &builder);
    Output output;
    ASSERT_TRUE(allocator.Allocate(builder.input(), LargeTestEnv(), Options(), &output).ok());
    const uint64_t work = output.statistics.work;
    if (last_work != 0) {
      EXPECT_LE(work, last_work * 23 / 10) << size;
    }
    last_work = work;
  }
}

TEST_P(ShapeTest, SmallOnesAreRight) {
  Allocator allocator;
  Output output;
  for (const uint32_t size : {8u, 40u, 200u, 500u}) {
    InputBuilder builder;
    GetParam().build(size, &builder);
    for (const bool spill_everything : {false, true}) {
      Options options;
      options.spill_everything = spill_everything;
      const absl::Status status =
          CheckOne(builder.input(), LargeTestEnv(), options, size, &allocator, &output);
      ASSERT_TRUE(status.ok()) << size << ": " << status;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pathological, ShapeTest, testing::ValuesIn(kPathologicalShapes),
                         [](const testing::TestParamInfo<NamedShape>& info) {
                           return std::string(info.param.name);
                         });
INSTANTIATE_TEST_SUITE_P(Typical, ShapeTest, testing::Values(NamedShape{"typical", BuildTypical}),
                         [](const testing::TestParamInfo<NamedShape>& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace gantry::codegen::regalloc
