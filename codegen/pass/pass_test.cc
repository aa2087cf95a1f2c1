#include "codegen/pass/pass.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "codegen/generate/generate.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/pass/passes.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

Function Parse(absl::string_view text) {
  absl::StatusOr<Function> func = ParseFunction(text);
  CHECK_OK(func.status());
  return *std::move(func);
}

constexpr char kFoldable[] = R"(function %f(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 2
    v2 = iconst.i32 3
    v3 = iadd.i32 v1, v2
    v4 = iadd.i32 v0, v3
    v5 = iadd.i32 v3, v0
    v6 = imul.i32 v4, v5
    return v6
})";

TEST(PassPipelineTest, RecordsDumpsSkipsAndBisects) {
  PassPipeline pipeline;
  for (const char* name : {"gvn", "unreachable", "block_params", "dead_code"}) {
    pipeline.Add(MakePass(name));
  }
  std::vector<std::string> dumped;
  std::vector<std::string> changed;
  pipeline.options().verify = true;
  pipeline.options().measure = true;
  pipeline.options().record = true;
  pipeline.options().skip = {"block_params"};
  pipeline.options().dump = [&](absl::string_view when, absl::string_view pass, const Function&) {
    dumped.push_back(absl::StrCat(when, " ", pass));
  };
  pipeline.options().changed = [&](absl::string_view pass, const Function&) {
    changed.emplace_back(pass);
  };
  Function func = Parse(kFoldable);
  ASSERT_TRUE(pipeline.Run(&func).ok());
  EXPECT_EQ(changed, (std::vector<std::string>{"gvn", "dead_code"}));
  EXPECT_EQ(dumped,
            (std::vector<std::string>{"before gvn", "after gvn", "before unreachable",
                                      "after unreachable", "before dead_code", "after dead_code"}));
  ASSERT_EQ(pipeline.records().size(), 3u);
  EXPECT_EQ(pipeline.records()[0].pass, "gvn");
  EXPECT_TRUE(pipeline.records()[0].changed);
  EXPECT_EQ(pipeline.records()[0].insts_removed, 1u);
  EXPECT_EQ(pipeline.records()[2].insts_removed, 2u);
  EXPECT_EQ(pipeline.runs(), 4u);
  ASSERT_EQ(pipeline.totals().size(), 4u);
  EXPECT_EQ(pipeline.totals()[0].runs, 1u);
  EXPECT_EQ(pipeline.totals()[2].runs, 0u);
  EXPECT_EQ(pipeline.totals()[3].insts_removed, 2u);
  const Function before = Parse(kFoldable);
  func = before;
  pipeline.options().bisect_limit = 4;
  ASSERT_TRUE(pipeline.Run(&func).ok());
  EXPECT_EQ(PrintFunction(func), PrintFunction(before));
  // The same runs again, by their numbers.
  pipeline.StartAt(3);
  ASSERT_TRUE(pipeline.Run(&func).ok());
  EXPECT_EQ(pipeline.runs(), 7u);
  EXPECT_NE(PrintFunction(func), PrintFunction(before));
}

TEST(PassPipelineTest, TheVerifierNamesThePassThatBrokeTheFunction) {
  class Breaker : public Pass {
    absl::string_view name() const override { return "breaker"; }
    bool Run(Function* func, PassAnalyses*) override {
      func->layout.Remove(func->layout.last_inst(func->layout.entry()));
      return true;
    }
  };
  PassPipeline pipeline;
  pipeline.options().verify = true;
  pipeline.Add(std::make_unique<Breaker>());
  Function func = Parse(kFoldable);
  const absl::Status status = pipeline.Run(&func);
  EXPECT_TRUE(absl::StrContains(status.message(), "after pass breaker")) << status;
}

// Each pass, and all of them, keep what random modules do: outcome and memory.
TEST(PassTest, RandomModulesDoTheSameAfterwards) {
  std::vector<std::string> names(PassNames().begin(), PassNames().end());
  names.push_back("default");
  size_t removed = 0;
  for (const std::string& name : names) {
    PassPipeline pipeline;
    pipeline.options().verify = true;
    pipeline.options().record = true;
    if (name == "default") {
      AddDefaultPasses(&pipeline, /*polls=*/true);
    } else {
      pipeline.Add(MakePass(name));
    }
    for (uint64_t seed = 0; seed < 300; ++seed) {
      RandomSource random(seed * 7919 + 1);
      GenerateOptions options;
      options.memory_bytes = 128;
      options.max_blocks = 16;
      options.polls = true;
      const std::vector<Function> module = GenerateModule(options, 2, &random);
      std::vector<Function> changed = module;
      for (Function& func : changed) {
        const absl::Status status = pipeline.Run(&func);
        ASSERT_TRUE(status.ok()) << name << ", seed " << seed << ": " << status << "\n"
                                 << PrintFunction(func);
      }
      std::vector<RawValue> args = GenerateArgs(module[0].signature, &random);
      std::vector<uint8_t> memory(128);
      args[0] = reinterpret_cast<uint64_t>(memory.data());
      Outcome outcomes[2];
      std::vector<uint8_t> ends[2];
      for (int i = 0; i < 2; ++i) {
        memory.assign(128, 3);
        Interpreter interpreter;
        for (const Function& func : i == 0 ? module : changed) interpreter.AddFunction(&func);
        interpreter.AddMemory(absl::MakeSpan(memory));
        absl::StatusOr<Outcome> outcome = interpreter.Run(i == 0 ? module[0] : changed[0], args);
        ASSERT_TRUE(outcome.ok()) << name << ", seed " << seed << ": " << outcome.status();
        outcomes[i] = *outcome;
        ends[i] = memory;
      }
      ASSERT_EQ(outcomes[0], outcomes[1]) << name << ", seed " << seed;
      ASSERT_EQ(ends[0], ends[1]) << name << ", seed " << seed;
    }
    size_t changes = 0;
    for (const PassRecord& record : pipeline.records()) {
      removed += record.insts_removed;
      changes += record.changed ? 1 : 0;
    }
    // Random addresses have no shape to widen: widen_test makes some.
    EXPECT_TRUE(changes > 1 || name == "widen") << name << " changed " << changes;
  }
  EXPECT_GT(removed, 1000u);
}

}  // namespace
}  // namespace gantry::codegen
