#include "wasm_translate/inline_plan.h"

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

class InlinePlanTest : public ::testing::Test {
 protected:
  InlinePlanTest() : type_(builder_.Type({ValType::I32()}, {ValType::I32()})) {}

  // So many additions.
  static CodeBuilder Adds(int count) {
    CodeBuilder code;
    code.LocalGet(0);
    for (int i = 0; i < count; ++i) code.I32Const(1).Op(Opcode::kI32Add);
    return code;
  }
  FuncIndex Func(const CodeBuilder& code) { return builder_.Func(type_, code); }
  InlinePlan Plan(const InlineLimits& limits = InlineLimits()) {
    bytes_ = builder_.Build();
    ParseOptions options;
    options.features = Features::All();
    const absl::StatusOr<Module> module = ParseModule(bytes_, options);
    CHECK_OK(module.status());
    return InlinePlan(*module, Features::All(), options.limits, limits);
  }

  ModuleBuilder builder_;
  TypeIndex type_;
  std::vector<uint8_t> bytes_;
};

TEST_F(InlinePlanTest, CostsAreThoseOfOperatorsThatDoSomething) {
  const FuncIndex same = Func(CodeBuilder().LocalGet(0));
  const FuncIndex adds = Func(Adds(5));
  const FuncIndex loop = Func(Adds(2).LocalSet(0).Open(Opcode::kLoop).End().LocalGet(0));
  const FuncIndex large = Func(Adds(1000));
  const FuncIndex zeros = Func(CodeBuilder().Locals(40, ValType::I64()).LocalGet(0));
  const InlinePlan plan = Plan();
  EXPECT_EQ(plan.size(), 4u);
  EXPECT_EQ(plan.Find(zeros)->cost, 5u);
  ASSERT_NE(plan.Find(same), nullptr);
  EXPECT_EQ(plan.Find(same)->cost, 0u);
  ASSERT_NE(plan.Find(adds), nullptr);
  EXPECT_EQ(plan.Find(adds)->cost, 5u);
  EXPECT_FALSE(plan.Find(adds)->has_loop);
  ASSERT_NE(plan.Find(loop), nullptr);
  EXPECT_TRUE(plan.Find(loop)->has_loop);
  EXPECT_EQ(plan.Find(large), nullptr);
}

TEST_F(InlinePlanTest, NeverWhatIsImportedInvalidUntranslatableOrEndless) {
  const FuncIndex imported = builder_.ImportFunc("env", "f", type_);
  const FuncIndex invalid = Func(CodeBuilder().I64Const(1));
  // Of the type of all functions.
  const FuncIndex cast =
      Func(CodeBuilder().Op(Opcode::kRefNull, {0x70}).Op(Opcode::kRefTestNull, {0x70}));
  const FuncIndex endless = Func(CodeBuilder().Op(Opcode::kUnreachable));
  const FuncIndex spins = Func(CodeBuilder().Open(Opcode::kLoop).Br(0).End().LocalGet(0));
  const FuncIndex locals = Func(CodeBuilder().Locals(50'000, ValType::I32()).LocalGet(0));
  const InlinePlan plan = Plan();
  for (const FuncIndex f : {imported, invalid, cast, endless, spins, locals}) {
    EXPECT_EQ(plan.Find(f), nullptr) << f;
  }
}

TEST_F(InlinePlanTest, VectorsAndTailCallsHaveTheirPrice) {
  const FuncIndex vector =
      Func(CodeBuilder().LocalGet(0).Op(Opcode::kI32x4Splat).Op(Opcode::kI32x4AllTrue));
  // A call of one argument and a branch.
  const FuncIndex tail = Func(CodeBuilder().LocalGet(0).Op(Opcode::kReturnCall, {0}));
  const InlinePlan plan = Plan();
  ASSERT_NE(plan.Find(vector), nullptr);
  EXPECT_EQ(plan.Find(vector)->cost, 2u);
  ASSERT_NE(plan.Find(tail), nullptr);
  EXPECT_EQ(plan.Find(tail)->own_cost, 7u + 1u);
  EXPECT_EQ(plan.Find(tail)->cost, 2u + 1u);
  EXPECT_TRUE(plan.Find(tail)->is_leaf);
}

TEST_F(InlinePlanTest, CostsOfCalleesAreAddedBottomUp) {
  // A call of one argument alone costs 7.
  const FuncIndex top = Func(CodeBuilder().LocalGet(0).Call(FuncIndex(1)).Call(FuncIndex(3)));
  const FuncIndex middle = Func(CodeBuilder().LocalGet(0).Call(FuncIndex(2)).Call(FuncIndex(2)));
  const FuncIndex leaf = Func(Adds(7));
  const FuncIndex costly = Func(Adds(21));
  const InlinePlan plan = Plan();
  EXPECT_EQ(plan.Find(leaf)->cost, 7u);
  EXPECT_EQ(plan.Find(middle)->cost, 14u);
  EXPECT_EQ(plan.Find(middle)->own_cost, 14u);
  // Beyond the usual cost a callee is called.
  EXPECT_EQ(plan.Find(costly)->cost, 21u);
  EXPECT_EQ(plan.Find(top)->cost, 14u + 7u);
  EXPECT_EQ(plan.Find(top)->own_cost, 14u);
  for (const FuncIndex f : {top, middle, leaf, costly}) EXPECT_EQ(plan.Find(f)->self_levels, 0u);
  EXPECT_TRUE(plan.Find(leaf)->is_leaf);
  EXPECT_TRUE(plan.Find(middle)->is_leaf);
  EXPECT_FALSE(plan.Find(top)->is_leaf);
}

TEST_F(InlinePlanTest, CyclesAreCut) {
  const FuncIndex self = Func(Adds(3).Call(FuncIndex(0)));
  const FuncIndex one = Func(Adds(1).Call(FuncIndex(2)));
  const FuncIndex two = Func(Adds(2).Call(FuncIndex(1)));
  const InlinePlan plan = Plan();
  EXPECT_EQ(plan.Find(self)->cost, 10u);
  EXPECT_EQ(plan.Find(self)->self_levels, 3u);
  // From the first of them on: its callee's call back is a call.
  EXPECT_EQ(plan.Find(two)->cost, 9u);
  EXPECT_EQ(plan.Find(one)->cost, 1u + 9u);
  EXPECT_EQ(plan.Find(one)->self_levels, 0u);
}

TEST_F(InlinePlanTest, RecursionIsReplacedByWholeLevels) {
  // Costs of 16, 26 and 21 with two, two and three calls of 7 each.
  const FuncIndex two = Func(Adds(2).Call(FuncIndex(0)).Call(FuncIndex(0)));
  const FuncIndex costly = Func(Adds(12).Call(FuncIndex(1)).Call(FuncIndex(1)));
  const FuncIndex three =
      Func(CodeBuilder().LocalGet(0).Call(FuncIndex(2)).Call(FuncIndex(2)).Call(FuncIndex(2)));
  const InlinePlan plan = Plan();
  EXPECT_EQ(plan.Find(two)->self_levels, 3u);     // 16 * (2 + 4 + 8) = 224
  EXPECT_EQ(plan.Find(costly)->self_levels, 2u);  // 26 * (2 + 4) = 156, and 364 with 8 more
  EXPECT_EQ(plan.Find(three)->self_levels, 2u);   // 21 * (3 + 9) = 252
}

TEST_F(InlinePlanTest, ALongChainOfCallsIsNoRecursion) {
  constexpr uint32_t kLength = 100'000;
  for (uint32_t i = 0; i + 1 < kLength; ++i) Func(CodeBuilder().LocalGet(0).Call(FuncIndex(i + 1)));
  Func(Adds(1));
  const InlinePlan plan = Plan();
  EXPECT_EQ(plan.size(), kLength);
  EXPECT_EQ(plan.Find(FuncIndex(0))->cost, 1u);
}

TEST(InlineBudgetTest, SitesInLoopsAndConstantArgumentsSpeakForIt) {
  InlineLimits limits;
  limits.max_cost = 20;
  limits.min_growth = 1000;
  const auto takes = [&](uint32_t cost, const InlineBudget::Site& site, bool has_loop = false,
                         bool is_leaf = true) {
    InlineBudget budget;
    budget.Start(limits, 0);
    return budget.Take({cost, cost, has_loop, is_leaf, 0}, site);
  };
  EXPECT_TRUE(takes(20, {}));
  EXPECT_FALSE(takes(21, {}));
  EXPECT_TRUE(takes(35, {.loop_depth = 1}));
  EXPECT_FALSE(takes(36, {.loop_depth = 1}));
  EXPECT_TRUE(takes(30, {.constant_args = 1}));
  EXPECT_FALSE(takes(31, {.constant_args = 1}));
  EXPECT_FALSE(takes(1, {.loop_depth = 1}, /*has_loop=*/true));
  EXPECT_TRUE(takes(10, {.constant_args = 2}, false, /*is_leaf=*/false));
  EXPECT_FALSE(takes(11, {.constant_args = 2}, false, /*is_leaf=*/false));
  EXPECT_FALSE(takes(1, {.loop_depth = 1, .is_cold = true}));
  EXPECT_FALSE(takes(1, {.depth = limits.max_depth}));
}

TEST(InlineBudgetTest, RecursionHasLimitsOfItsOwn) {
  InlineLimits limits;
  limits.max_cost = 20;
  limits.min_growth = 0;
  const auto takes = [&](const InlinePlan::Callee& callee, uint32_t depth, uint32_t recursion) {
    InlineBudget budget;
    budget.Start(limits, 0);
    return budget.Take(callee, {.depth = depth, .recursion = recursion});
  };
  const InlinePlan::Callee callee = {20, 20, /*has_loop=*/true, false, /*self_levels=*/2};
  EXPECT_TRUE(takes(callee, 0, 1));
  EXPECT_TRUE(takes(callee, 1, 2));
  EXPECT_FALSE(takes(callee, 2, 3));
  // Within another function, or by way of one.
  EXPECT_FALSE(takes(callee, 1, 1));
  EXPECT_FALSE(takes(callee, 2, 2));
  EXPECT_TRUE(takes({40, 40, false, false, 2}, 0, 1));
  EXPECT_FALSE(takes({41, 41, false, false, 2}, 0, 1));
  EXPECT_FALSE(takes({20, 20, false, false, 0}, 0, 1));
}

TEST(InlineBudgetTest, GrowthIsLimitedByTheCallersSize) {
  InlineLimits limits;
  limits.min_growth = 100;
  limits.growth_percent = 50;
  for (const size_t size : {0, 200, 2000}) {
    InlineBudget budget;
    budget.Start(limits, size);
    uint64_t taken = 0;
    while (budget.Take({10, 10, false, true, 0}, {.loop_depth = 1})) taken += 10;
    EXPECT_EQ(taken, 100 + size / 2);
    EXPECT_FALSE(budget.Take({10, 10, false, true, 0}, {}));
  }
  // Empty callees have their price, too.
  InlineBudget empty;
  empty.Start(limits, 0);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(empty.Take({0, 0, false, true, 0}, {.loop_depth = 1}));
  }
  EXPECT_FALSE(empty.Take({0, 0, false, true, 0}, {.loop_depth = 1}));
  // Sites outside of loops leave a quarter to those within.
  InlineBudget budget;
  budget.Start(limits, 0);
  uint64_t taken = 0;
  while (budget.Take({15, 15, false, true, 0}, {})) taken += 15;
  EXPECT_EQ(taken, 75u);
  EXPECT_TRUE(budget.Take({15, 15, false, true, 0}, {.loop_depth = 1}));
}

}  // namespace
}  // namespace gantry::wasm
