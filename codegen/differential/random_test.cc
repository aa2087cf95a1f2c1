// Random modules of IR: compiled code and the interpreter must agree on results, traps and the
// bytes of memory, to the bit, under every setting tried here. The allocation checker is on.
//
//   bazel test //isa_x64/backend/testing:random_test
//   bazel-bin/isa_x64/backend/testing/random_test --gtest_filter=*Seed* with GANTRY_SEED=N
//   tries one seed, GANTRY_SEEDS=N that many.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/differential/differential.h"
#include "codegen/generate/generate.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr size_t kMemoryBytes = 64;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// The end of a page of guest memory, so that an access past it is a fault (lessons row 14).
uint8_t* Memory() { return Differential::Memory() + Differential::kMemoryBytes - kMemoryBytes; }

std::string Describe(absl::Span<const Function> functions) {
  std::string text;
  for (const Function& func : functions) absl::StrAppend(&text, PrintFunction(func), "\n");
  return text;
}

void TrySeed(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("GANTRY_SEED=", seed));
  RandomSource random(seed);
  GenerateOptions options;
  options.memory_bytes = seed % 2 == 0 ? kMemoryBytes : 0;
  options.narrow_ints = seed % 3 != 0;
  options.max_blocks = 1 + seed % 20;
  options.max_insts_per_block = 2 + seed % 23;
  options.fuel = 20;
  // Every other seed: the least machine has none.
  options.vectors = seed % 4 < 2;
  options.fused = false;
  const std::vector<Function> functions = GenerateModule(options, 1 + seed % 3, &random);

  std::vector<uint8_t> start(kMemoryBytes);
  for (uint8_t& byte : start) byte = static_cast<uint8_t>(random.Below(256));
  constexpr int kCalls = 6;
  std::vector<std::vector<RawValue>> args;
  std::vector<Outcome> expected;
  std::vector<std::vector<uint8_t>> memory_after;
  Interpreter interpreter;
  for (const Function& func : functions) interpreter.AddFunction(&func);
  if (options.memory_bytes != 0) interpreter.AddMemory({Memory(), kMemoryBytes});
  for (int call = 0; call < kCalls; ++call) {
    args.push_back(GenerateArgs(functions[0].signature, &random));
    if (options.memory_bytes != 0) {
      args.back()[0] = RawValue(reinterpret_cast<uint64_t>(Memory()));
    }
    std::memcpy(Memory(), start.data(), kMemoryBytes);
    absl::StatusOr<Outcome> outcome = interpreter.Run(functions[0], args.back());
    ASSERT_TRUE(outcome.ok()) << outcome.status() << Describe(functions);
    expected.push_back(*outcome);
    memory_after.emplace_back(Memory(), Memory() + kMemoryBytes);
  }

  for (const Variant& variant :
       options.vectors ? TestedBackend().VectorVariants(seed) : TestedBackend().AllVariants(seed)) {
    SCOPED_TRACE(variant.name);
    const std::unique_ptr<NativeProgram> program = TestedBackend().MakeProgram(variant);
    for (const Function& func : functions) {
      const absl::Status status = program->Add(func);
      ASSERT_TRUE(status.ok()) << status << "\n" << PrintFunction(func);
    }
    ASSERT_TRUE(program->Link().ok());
    for (int call = 0; call < kCalls; ++call) {
      std::memcpy(Memory(), start.data(), kMemoryBytes);
      const absl::StatusOr<Outcome> outcome = program->Call(0, args[call]);
      ASSERT_TRUE(outcome.ok()) << outcome.status() << Describe(functions);
      ASSERT_EQ(*outcome, expected[call])
          << "call " << call << " expected "
          << DescribeOutcome(expected[call], functions[0].signature) << " found "
          << DescribeOutcome(*outcome, functions[0].signature) << "\n"
          << Describe(functions);
      ASSERT_EQ(std::memcmp(Memory(), memory_after[call].data(), kMemoryBytes), 0)
          << "memory after call " << call << "\n"
          << Describe(functions);
    }
  }
}

TEST(RandomTest, SeedsAgreeWithTheInterpreter) {
  const uint64_t one = FromEnvironment("GANTRY_SEED", ~uint64_t{0});
  if (one != ~uint64_t{0}) {
    TrySeed(one);
    return;
  }
  const uint64_t count = FromEnvironment("GANTRY_SEEDS", 1500);
  for (uint64_t seed = 0; seed < count; ++seed) {
    TrySeed(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gantry::codegen
