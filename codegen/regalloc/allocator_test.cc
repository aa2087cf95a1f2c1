#include "codegen/regalloc/allocator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "codegen/regalloc/checker.h"
#include "codegen/regalloc/execute.h"
#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/random_input.h"
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

}  // namespace
}  // namespace gantry::codegen::regalloc
