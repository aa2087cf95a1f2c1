#include "codegen/filetest/minimize.h"

#include "codegen/generate/generate.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

bool Has(const Function& func, Opcode opcode) {
  for (Block block : func.layout.blocks()) {
    for (Inst inst : func.layout.insts(block)) {
      if (func.dfg.opcode(inst) == opcode) return true;
    }
  }
  return false;
}

// A pass that takes exclusive or for or.
class WrongPass : public Pass {
 public:
  absl::string_view name() const override { return "wrong"; }
  bool Run(Function* func, PassAnalyses*) override {
    bool changed = false;
    for (Block block : func->layout.blocks()) {
      for (Inst inst : func->layout.insts(block)) {
        InstData data = func->dfg.inst(inst);
        if (data.opcode() != Opcode::kBxor) continue;
        InstData wrong(Opcode::kBor, data.type());
        wrong.set_arg(0, data.arg(0));
        wrong.set_arg(1, data.arg(1));
        func->dfg.ReplaceInst(inst, wrong);
        changed = true;
      }
    }
    return changed;
  }
};

Function Random(uint64_t seed) {
  RandomSource random(seed);
  GenerateOptions options;
  options.max_blocks = 16;
  options.max_insts_per_block = 16;
  Function func;
  GenerateFunction(options, &random, &func);
  PassAnalyses analyses;
  MakePass("unreachable")->Run(&func, &analyses);
  return func;
}

// Whatever the function, what has one instruction that fails ends as that and a few zeros.
TEST(MinimizeTest, LeavesOneInstructionOfRandomFunctions) {
  int tried = 0;
  for (uint64_t seed = 0; seed < 60 && tried < 8; ++seed) {
    const Function func = Random(seed);
    const auto fails = [](const Function& f) { return Has(f, Opcode::kImul); };
    if (!fails(func)) continue;
    ++tried;
    const Function small = Minimize(func, fails);
    EXPECT_TRUE(fails(small));
    EXPECT_TRUE(Verifier().Verify(small).ok());
    // Its operands, what is returned, and the return.
    EXPECT_LE(small.layout.num_insts(), 4u + func.signature.returns.size()) << PrintFunction(small);
    EXPECT_EQ(PrintFunction(Minimize(func, fails)), PrintFunction(small));
  }
  EXPECT_EQ(tried, 8);
}

TEST(MinimizeTest, FindsWhatAWrongPassBreaks) {
  const StillFails fails = FailsUnderPass(std::make_shared<WrongPass>());
  int tried = 0;
  for (uint64_t seed = 0; seed < 500 && tried < 2; ++seed) {
    const Function func = Random(seed);
    if (!fails(func)) continue;
    ++tried;
    const Function small = Minimize(func, fails);
    EXPECT_TRUE(fails(small));
    EXPECT_TRUE(Has(small, Opcode::kBxor));
    EXPECT_LT(small.layout.num_insts(), 25u) << PrintFunction(small);
  }
  EXPECT_EQ(tried, 2);
}

TEST(MinimizeTest, RightPassesAndCommandsThatSucceedFailNothing) {
  const Function func = Random(1);
  EXPECT_FALSE(FailsUnderDefaultPasses()(func));
  EXPECT_FALSE(FailsUnderCommand("test -s")(func));
  EXPECT_TRUE(FailsUnderCommand("! grep -q block0")(func));
}

TEST(MinimizeTest, ACommandIsEnough) {
  const Function func = Random(3);
  const StillFails fails = FailsUnderCommand("! grep -q return");
  ASSERT_TRUE(fails(func));
  MinimizeOptions options;
  options.max_tries = 60;
  const Function small = Minimize(func, fails, options);
  EXPECT_LT(small.layout.num_insts(), func.layout.num_insts());
}

}  // namespace
}  // namespace gantry::codegen
