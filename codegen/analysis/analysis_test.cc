#include <random>
#include <set>
#include <string>
#include <vector>

#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/analysis/loops.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/parse.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

struct Analyses {
  ControlFlowGraph cfg;
  DominatorTree dominators;
  LoopForest loops;

  void Compute(const Function& func) {
    cfg.Compute(func);
    dominators.Compute(cfg);
    loops.Compute(cfg, dominators);
  }
};

Function Parse(absl::string_view text) {
  absl::StatusOr<Function> func = ParseFunction(text);
  CHECK_OK(func.status());
  return *std::move(func);
}

// A function whose block i branches to edges[i].
void BuildGraph(const std::vector<std::vector<uint32_t>>& edges, Function* func) {
  func->Clear();
  InstBuilder b(func);
  for (size_t i = 0; i < edges.size(); ++i) b.MakeBlock();
  for (size_t i = 0; i < edges.size(); ++i) {
    b.Begin(Block(static_cast<uint32_t>(i)));
    if (edges[i].empty()) {
      b.Return({});
    } else if (edges[i].size() == 1) {
      b.Jump(Block(edges[i][0]));
    } else {
      std::vector<BlockCall> calls;
      for (uint32_t target : edges[i]) {
        calls.push_back(func->dfg.MakeBlockCall(Block(target), {}));
      }
      const BlockCall last = calls.back();
      calls.pop_back();
      b.BrTable(b.I32(0), func->dfg.MakeJumpTable(calls, last));
    }
  }
}

// Blocks that the entry reaches when `removed` is taken away.
std::set<uint32_t> Reach(const std::vector<std::vector<uint32_t>>& edges, uint32_t removed) {
  std::set<uint32_t> seen;
  std::vector<uint32_t> work;
  if (removed != 0) {
    seen.insert(0);
    work.push_back(0);
  }
  while (!work.empty()) {
    const uint32_t block = work.back();
    work.pop_back();
    for (uint32_t succ : edges[block]) {
      if (succ != removed && seen.insert(succ).second) work.push_back(succ);
    }
  }
  return seen;
}

TEST(AnalysisTest, DiamondWithLoopAndUnreachableBlock) {
  const Function func = Parse(R"(function %f(i32) {
    block0(v0: i32):
      brif v0, block1, block2
    block1:
      jump block3
    block2:
      jump block3
    block3:
      brif v0, block3, block4
    block4:
      return
    block5:
      jump block4
  })");
  Analyses a;
  a.Compute(func);
  EXPECT_FALSE(a.cfg.is_reachable(Block(5)));
  EXPECT_EQ(a.cfg.preds(Block(4)).size(), 1u);
  EXPECT_EQ(a.cfg.reverse_postorder().size(), 5u);
  EXPECT_EQ(a.cfg.reverse_postorder()[1], Block(1));
  EXPECT_EQ(a.dominators.idom(Block(3)), Block(0));
  EXPECT_EQ(a.dominators.idom(Block(4)), Block(3));
  EXPECT_TRUE(a.dominators.Dominates(Block(0), Block(4)));
  EXPECT_FALSE(a.dominators.Dominates(Block(1), Block(3)));
  EXPECT_FALSE(a.dominators.Dominates(Block(5), Block(4)));
  EXPECT_FALSE(a.dominators.Dominates(Block(0), Block(5)));
  EXPECT_EQ(a.dominators.subtree(Block(3)).size(), 2u);
  EXPECT_EQ(a.dominators.CommonDominator(Block(1), Block(4)), Block(0));
  EXPECT_TRUE(a.loops.is_header(Block(3)));
  EXPECT_EQ(a.loops.depth(Block(3)), 1u);
  EXPECT_EQ(a.loops.depth(Block(4)), 0u);
  EXPECT_TRUE(a.cfg.IsCritical(Block(3), 0));
  EXPECT_FALSE(a.cfg.IsCritical(Block(3), 1));
  EXPECT_FALSE(a.cfg.IsCritical(Block(0), 0));
}

TEST(AnalysisTest, NestedLoopsAndIrreducibleCycle) {
  Function func;
  // 1 around 2 around 3; 4 and 5 form a cycle entered at both.
  BuildGraph({{1}, {2}, {3}, {3, 2, 4}, {1, 5, 6}, {6}, {7, 5}, {}}, &func);
  Analyses a;
  a.Compute(func);
  EXPECT_EQ(a.loops.num_loops(), 3u);
  EXPECT_EQ(a.loops.depth(Block(1)), 1u);
  EXPECT_EQ(a.loops.depth(Block(2)), 2u);
  EXPECT_EQ(a.loops.depth(Block(3)), 3u);
  EXPECT_EQ(a.loops.depth(Block(4)), 1u);
  EXPECT_EQ(a.loops.depth(Block(5)), 0u);
  EXPECT_TRUE(a.loops.irreducible());
  EXPECT_TRUE(a.loops.Contains(a.loops.innermost(Block(1)), Block(3)));
  EXPECT_FALSE(a.loops.Contains(a.loops.innermost(Block(3)), Block(1)));
  EXPECT_EQ(a.loops.parent(a.loops.innermost(Block(2))), a.loops.innermost(Block(1)));
}

// Every graph against the definitions: a dominates b if b is out of reach without a; a block
// is in the loop of header h if it reaches a latch of h without going through h.
TEST(AnalysisTest, RandomGraphsAgreeWithTheDefinitions) {
  std::mt19937 random(1);
  Analyses a;
  Function func;
  for (int round = 0; round < 2000; ++round) {
    const uint32_t count = 1 + random() % 12;
    std::vector<std::vector<uint32_t>> edges(count);
    for (std::vector<uint32_t>& targets : edges) {
      const uint32_t fan = random() % 4;
      for (uint32_t i = 0; i < fan && count > 1; ++i) {
        targets.push_back(1 + random() % (count - 1));
      }
    }
    BuildGraph(edges, &func);
    a.Compute(func);
    const std::set<uint32_t> reachable = Reach(edges, count);
    for (uint32_t x = 0; x < count; ++x) {
      ASSERT_EQ(a.cfg.is_reachable(Block(x)), reachable.contains(x));
      if (!reachable.contains(x)) continue;
      const std::set<uint32_t> without = Reach(edges, x);
      for (uint32_t y = 0; y < count; ++y) {
        if (!reachable.contains(y)) continue;
        ASSERT_EQ(a.dominators.Dominates(Block(x), Block(y)), !without.contains(y))
            << "round " << round << ": " << x << " over " << y;
      }
      // The body of the loop headed by x.
      std::set<uint32_t> body;
      std::vector<uint32_t> work;
      for (const ControlFlowGraph::Pred& pred : a.cfg.preds(Block(x))) {
        if (without.contains(pred.block.raw())) continue;
        if (body.insert(pred.block.raw()).second) work.push_back(pred.block.raw());
      }
      while (!work.empty()) {
        const uint32_t block = work.back();
        work.pop_back();
        if (block == x) continue;
        for (const ControlFlowGraph::Pred& pred : a.cfg.preds(Block(block))) {
          if (body.insert(pred.block.raw()).second) work.push_back(pred.block.raw());
        }
      }
      ASSERT_EQ(a.loops.is_header(Block(x)), !body.empty()) << "round " << round << ": " << x;
      if (body.empty()) continue;
      for (uint32_t y = 0; y < count; ++y) {
        ASSERT_EQ(a.loops.Contains(a.loops.innermost(Block(x)), Block(y)), body.contains(y))
            << "round " << round << ": loop " << x << ", block " << y;
      }
    }
  }
}

// A ladder of merges into one block and deep nesting: work must stay near linear. The test's
// time limit is the check; a quadratic walk would take hours.
TEST(AnalysisTest, LargeGraphsAreLinear) {
  constexpr uint32_t kCount = 200000;
  std::vector<std::vector<uint32_t>> edges(kCount);
  for (uint32_t i = 0; i + 1 < kCount; ++i) edges[i] = {kCount - 1, i + 1};
  Function func;
  BuildGraph(edges, &func);
  Analyses a;
  a.Compute(func);
  EXPECT_EQ(a.dominators.idom(Block(kCount - 1)), Block(0));
  // Loops nested kCount / 2 deep: headers in a row, then latches from the inside out.
  for (uint32_t i = 0; i < kCount / 2; ++i) edges[i] = {i + 1};
  for (uint32_t i = kCount / 2; i + 1 < kCount; ++i) {
    edges[i] = {std::max(1u, kCount - 1 - i), i + 1};
  }
  edges[kCount - 1] = {};
  BuildGraph(edges, &func);
  a.Compute(func);
  EXPECT_GT(a.loops.num_loops(), kCount / 2 - 3);
  EXPECT_GT(a.loops.depth(Block(kCount / 2 - 1)), kCount / 2 - 3);
}

}  // namespace
}  // namespace gantry::codegen
