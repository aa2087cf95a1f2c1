#include "codegen/generate/generate.h"

#include <string>
#include <vector>

#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

GenerateOptions OptionsFor(uint64_t seed) {
  GenerateOptions options;
  options.narrow_ints = seed % 3 != 0;
  options.floats = seed % 5 != 0;
  options.traps = seed % 4 != 0;
  options.memory_bytes = seed % 2 != 0 ? 256 : 0;
  options.max_blocks = 1 + static_cast<uint32_t>(seed % 20);
  return options;
}

// Every function is well formed, its text is read back to the same text, both run to the
// same end, and a run without fuel or calls without end does not occur.
TEST(GenerateTest, FunctionsAreWellFormedPrintableAndEnd) {
  Verifier verifier;
  size_t returned = 0, trapped = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    RandomSource random(seed);
    const std::vector<Function> functions = GenerateModule(OptionsFor(seed), 3, &random);
    std::vector<Function> reread;
    for (const Function& func : functions) {
      const absl::Status status = verifier.Verify(func);
      ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status << "\n" << PrintFunction(func);
      const std::string text = PrintFunction(func, {.renumber = true});
      absl::StatusOr<Function> parsed = ParseFunction(text);
      ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << parsed.status() << "\n" << text;
      ASSERT_EQ(PrintFunction(*parsed), text) << "seed " << seed;
      reread.push_back(*std::move(parsed));
    }
    std::vector<RawValue> args = GenerateArgs(functions[0].signature, &random);
    std::vector<uint8_t> memory(256);
    Outcome outcomes[2];
    std::vector<uint8_t> ends[2];
    for (int i = 0; i < 2; ++i) {
      const std::vector<Function>& module = i == 0 ? functions : reread;
      memory.assign(256, 17);
      Interpreter interpreter;
      for (const Function& func : module) interpreter.AddFunction(&func);
      if (OptionsFor(seed).memory_bytes != 0) {
        interpreter.AddMemory(absl::MakeSpan(memory));
        args[0] = reinterpret_cast<uint64_t>(memory.data());
      }
      absl::StatusOr<Outcome> outcome = interpreter.Run(module[0], args);
      ASSERT_TRUE(outcome.ok()) << "seed " << seed << ": " << outcome.status();
      outcomes[i] = *outcome;
      ends[i] = memory;
    }
    ASSERT_EQ(outcomes[0], outcomes[1]) << "seed " << seed;
    ASSERT_EQ(ends[0], ends[1]) << "seed " << seed;
    returned += outcomes[0].kind == Outcome::Kind::kReturned;
    trapped += outcomes[0].kind == Outcome::Kind::kTrapped;
  }
  EXPECT_EQ(returned + trapped, 600u);
  // Most runs get somewhere.
  EXPECT_GT(returned, 450u) << trapped;
  EXPECT_GT(trapped, 10u);
  RecordProperty("returned", static_cast<int>(returned));
}

TEST(GenerateTest, EqualFunctionsHaveEqualKeys) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    RandomSource random(seed);
    Function func;
    GenerateFunction(OptionsFor(seed), &random, &func);
    absl::StatusOr<Function> parsed = ParseFunction(PrintFunction(func));
    ASSERT_TRUE(parsed.ok());
    std::string a, b;
    func.AppendKey(&a);
    parsed->AppendKey(&b);
    ASSERT_EQ(a, b) << "seed " << seed;
  }
}

TEST(GenerateTest, ExhaustedBytesEndTheFunction) {
  RandomSource random(absl::Span<const uint8_t>{});
  Function func;
  GenerateFunction({}, &random, &func);
  EXPECT_TRUE(VerifyFunction(func).ok());
  EXPECT_EQ(func.layout.num_blocks(), 1u);
}

}  // namespace
}  // namespace gantry::codegen
