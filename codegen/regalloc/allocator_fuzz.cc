// Any bytes are a seed and the settings of the random function generator: allocation, checker and
// execution have to agree.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "codegen/regalloc/allocator.h"
#include "codegen/regalloc/checker.h"
#include "codegen/regalloc/execute.h"
#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/random_input.h"

using namespace gantry::codegen::regalloc;  // NOLINT: the entry point is outside any namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint8_t bytes[16] = {};
  std::copy_n(data, std::min(size, sizeof bytes), bytes);
  uint64_t seed = 0;
  std::memcpy(&seed, bytes, sizeof seed);
  RandomOptions random;
  random.max_blocks = 1 + bytes[8] % 24;
  random.max_insts_per_block = 1 + bytes[9] % 32;
  random.call_chance = bytes[10] / 2;
  random.fixed_chance = bytes[11] / 2;
  random.reference_chance = bytes[12] / 2;
  random.back_edge_chance = bytes[13] / 2;
  random.shuffle_blocks = (bytes[14] & 1) != 0;
  Options options;
  options.spill_everything = (bytes[14] & 6) == 6;
  options.chaos_seed = (bytes[14] & 8) != 0 ? 1 + bytes[15] : 0;
  const MachineEnv env = (bytes[14] & 16) != 0 ? LargeTestEnv() : TestEnv();

  InputBuilder builder;
  BuildRandomInput(seed, env, random, &builder);
  static Allocator* const allocator = new Allocator();
  static Output* const output = new Output();
  CHECK_OK(ValidateInput(builder.input(), env));
  CHECK_OK(allocator->Allocate(builder.input(), env, options, output));
  CHECK_OK(CheckAllocation(builder.input(), env, *output));
  CHECK_OK(ExecuteAllocation(builder.input(), *output, seed));
  return 0;
}
