// Rules as the compiler applies them: an example of every rule, at every choice of types, does
// the same before and after value numbering; every rule is applied in some golden.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "codegen/generate/generate.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/pass/passes.h"
#include "codegen/rewrite/sampler.h"
#include "gtest/gtest.h"

namespace gantry::codegen::rewrite {
namespace {

std::vector<std::string> rule_paths;
std::vector<std::string> golden_paths;

const std::vector<Rule>& Rules() {
  static const std::vector<Rule>* const rules = new std::vector<Rule>(ReadRuleFiles(rule_paths));
  return *rules;
}

TEST(RewriteTest, RulesAreThoseOfTheMatcher) {
  ASSERT_EQ(Rules().size(), NumRules());
  for (size_t i = 0; i < NumRules(); ++i) EXPECT_EQ(Rules()[i].name, RuleName(i));
  EXPECT_GE(NumRules(), 300u);
}

TEST(RewriteTest, ExamplesDoTheSameAfterwards) {
  GvnPass pass;
  PassAnalyses analyses;
  size_t examples = 0;
  for (size_t number = 0; number < Rules().size(); ++number) {
    const Rule& rule = Rules()[number];
    for (const std::vector<Type>& types : rule.instances) {
      RandomSource random(number);
      for (int round = 0; round < 6; ++round) {
        const std::optional<Sample> sample = DrawSample(rule, types, &random);
        ASSERT_TRUE(sample.has_value()) << rule.name;
        const Function before = MakeExample(rule, types, *sample, rule.name);
        ASSERT_TRUE(VerifyFunction(before).ok()) << PrintFunction(before);
        Function after = before;
        analyses.Invalidate();
        pass.Run(&after, &analyses);
        const absl::Status verified = VerifyFunction(after);
        ASSERT_TRUE(verified.ok()) << verified << "\n" << PrintFunction(after);
        ++examples;
        for (int run = 0; run < 12; ++run) {
          std::vector<RawValue> args = GenerateArgs(before.signature, &random);
          std::vector<uint8_t> bytes(16384);
          if (rule.nodes[rule.left].offset != Node::kNoType) {
            for (size_t i = 0; i < args.size(); ++i) {
              if (before.signature.params[i].type == Type::kI64) {
                args[i] = reinterpret_cast<uint64_t>(bytes.data()) + 8192;
              }
            }
          }
          Outcome outcomes[2];
          std::vector<uint8_t> ends[2];
          for (int i = 0; i < 2; ++i) {
            for (size_t k = 0; k < bytes.size(); ++k)
              bytes[k] = static_cast<uint8_t>(k * 7 + k / 256);
            Interpreter interpreter;
            interpreter.AddMemory(absl::MakeSpan(bytes));
            absl::StatusOr<Outcome> outcome = interpreter.Run(i == 0 ? before : after, args);
            ASSERT_TRUE(outcome.ok()) << outcome.status();
            outcomes[i] = *outcome;
            ends[i] = bytes;
          }
          ASSERT_EQ(ends[0], ends[1]) << rule.text;
          ASSERT_TRUE(OutcomesAgree(outcomes[0], outcomes[1], before.signature) ||
                      OutcomesAgree(outcomes[1], outcomes[0], before.signature))
              << rule.text << "\n"
              << PrintFunction(before) << PrintFunction(after)
              << DescribeOutcome(outcomes[0], before.signature) << ", then "
              << DescribeOutcome(outcomes[1], before.signature);
        }
      }
    }
  }
  EXPECT_EQ(pass.exhausted(), 0u);
  std::cout << examples << " examples\n";
}

TEST(RewriteTest, EveryRuleIsAppliedInAGolden) {
  GvnPass pass;
  PassAnalyses analyses;
  for (const std::string& path : golden_paths) {
    std::ifstream in(path);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    absl::StatusOr<std::vector<ParsedFunction>> parsed = ParseFunctions(text);
    ASSERT_TRUE(parsed.ok()) << path << ": " << parsed.status();
    for (ParsedFunction& function : *parsed) {
      analyses.Invalidate();
      pass.Run(&function.func, &analyses);
    }
  }
  for (size_t i = 0; i < NumRules(); ++i) {
    const uint64_t count = pass.rewriter().counts().empty() ? 0 : pass.rewriter().counts()[i];
    EXPECT_GT(count, 0u) << "no golden applies " << RuleName(i)
                         << "; see README.md on how to write one";
  }
}

}  // namespace

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    (absl::EndsWith(arg, ".rules") ? rule_paths : golden_paths).push_back(arg);
  }
  return RUN_ALL_TESTS();
}

}  // namespace gantry::codegen::rewrite

int main(int argc, char** argv) { return gantry::codegen::rewrite::Main(argc, argv); }
