// Random functions of the IR that pass the verifier, for fuzzing and seeded tests.
//
//   RandomSource random(seed);
//   Function func;
//   GenerateFunction({}, &random, &func);
//   std::vector<RawValue> args = GenerateArgs(func.signature, &random);
//
// A generated function ends: every block that a back edge enters takes one from a budget and
// returns zeros when there is none. Its outcome is determined to the bit: NaNs are
// made canonical after each operation that may make one, slots are written before they are
// read, addresses go nowhere but into accesses. So an interpreter and compiled code must
// agree exactly. Control flow is any graph, irreducible ones and unreachable blocks included.
// Instructions are drawn from opcodes.def, so that new ones of a known format take part by
// themselves.
#ifndef GANTRY_CODEGEN_GENERATE_GENERATE_H_
#define GANTRY_CODEGEN_GENERATE_GENERATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "codegen/generate/random_source.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

struct GenerateOptions {
  // What a function may call. It must not be, or lead back to, the function itself.
  struct Callee {
    std::string name;
    Signature signature;
  };

  uint32_t max_blocks = 12;
  uint32_t max_insts_per_block = 12;
  // Back edges taken before the function returns.
  uint32_t fuel = 50;
  // i8 and i16 values.
  bool narrow_ints = true;
  bool floats = true;
  bool vectors = true;
  // Products and sums of vectors rounded once, which not every machine has.
  bool fused = true;
  // Atomic accesses and fences.
  bool atomics = true;
  // Instructions that may trap.
  bool traps = true;
  bool tail_calls = true;
  // Polls at the heads of loops, which nobody answers.
  bool polls = false;
  // If not 0, the first parameter is an i64 address of so many bytes (a power of two, at
  // least 16, 32 for vectors to be read and written), which the function reads and writes.
  uint32_t memory_bytes = 0;
  std::vector<Callee> callees;
  CallConv call_conv = CallConv::kWasm;
};

// Replaces `func` by a random function named %name.
void GenerateFunction(const GenerateOptions& options, RandomSource* random, Function* func,
                      const std::string& name = "random");

// Functions %f0, %f1, ..., of which each may call those behind it.
std::vector<Function> GenerateModule(const GenerateOptions& options, uint32_t count,
                                     RandomSource* random);

// A value per parameter, edge cases favoured. Parameters that are addresses are the
// caller's to set.
std::vector<RawValue> GenerateArgs(const Signature& signature, RandomSource* random);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_GENERATE_GENERATE_H_
