// Random inputs for tests and fuzzing: any shape of control flow, loops, high pressure, fixed
// registers, calls with clobbers, references, terminators that define values.
#ifndef GANTRY_CODEGEN_REGALLOC_RANDOM_INPUT_H_
#define GANTRY_CODEGEN_REGALLOC_RANDOM_INPUT_H_

#include <cstdint>

#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

// Small, so that pressure is easily high: registers i0..i{ints-1} and x0..x{vectors-1}, a third
// of them non-preferred; scratch i31 and x31.
MachineEnv TestEnv(uint8_t ints = 6, uint8_t vectors = 4);
// Like x64: 14 general registers of which 5 are non-preferred, 15 vector registers.
MachineEnv LargeTestEnv();

struct RandomOptions {
  uint32_t max_blocks = 12;
  uint32_t max_insts_per_block = 10;
  // In 1/256.
  uint32_t call_chance = 24;
  uint32_t fixed_chance = 32;
  uint32_t reference_chance = 24;
  uint32_t back_edge_chance = 64;
  // Blocks other than the entry in any order.
  bool shuffle_blocks = false;
};

// Options drawn from the seed.
RandomOptions RandomOptionsFor(uint64_t seed);

// A valid input (ValidateInput holds) for the registers of `env`, which has at least those of
// TestEnv(). The same arguments give the same input. Finished.
void BuildRandomInput(uint64_t seed, const MachineEnv& env, const RandomOptions& options,
                      InputBuilder* builder);

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_RANDOM_INPUT_H_
