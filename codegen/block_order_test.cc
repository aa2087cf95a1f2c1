#include "codegen/block_order.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

struct TestBlock {
  std::vector<uint32_t> successors;
  uint16_t loop_depth = 0;
  bool cold = false;
};

class BlockOrderTest : public ::testing::Test {
 protected:
  void Compute(const std::vector<TestBlock>& blocks, uint64_t seed = 0) {
    std::vector<BlockOrder::SourceBlock> source;
    std::vector<uint32_t> successors;
    std::vector<uint32_t> position;
    for (const TestBlock& block : blocks) {
      BlockOrder::SourceBlock data;
      data.successors.begin = static_cast<uint32_t>(successors.size());
      successors.insert(successors.end(), block.successors.begin(), block.successors.end());
      data.successors.end = static_cast<uint32_t>(successors.size());
      data.loop_depth = block.loop_depth;
      data.cold = block.cold;
      position.push_back(static_cast<uint32_t>(source.size()));
      source.push_back(data);
    }
    BlockOrder::Graph graph;
    graph.blocks = source;
    graph.successors = successors;
    graph.source_position = position;
    order_.Compute(graph, seed);
  }
  // Source blocks by number, edge blocks as from>to.
  std::string Text() const {
    std::vector<std::string> words;
    for (const BlockOrder::Node& node : order_.nodes()) {
      if (node.is_edge()) {
        words.push_back(absl::StrCat(order_.nodes()[node.edge_from].block, ">",
                                     order_.nodes()[order_.SuccessorsOf(node)[0]].block));
      } else {
        words.push_back(absl::StrCat(node.block));
      }
    }
    return absl::StrJoin(words, " ");
  }
  BlockOrder order_;
};

TEST_F(BlockOrderTest, DiamondNeedsNoEdgeBlock) {
  Compute({{{1, 2}}, {{3}}, {{3}}, {}});
  EXPECT_EQ(Text(), "0 1 2 3");
}

TEST_F(BlockOrderTest, CriticalEdgeIsSplitBehindItsSource) {
  Compute({{{1, 2}}, {{2}}, {}});
  EXPECT_EQ(Text(), "0 0>2 1 2");
  EXPECT_EQ(order_.PredsOf(order_.nodes()[3]).size(), 2);
}

TEST_F(BlockOrderTest, TwoEdgesToOneBlockAreBothSplit) {
  Compute({{{1, 1}}, {}});
  EXPECT_EQ(Text(), "0 0>1 0>1 1");
}

TEST_F(BlockOrderTest, LoopStaysTogetherThoughExitStandsFirst) {
  // 0 -> 1 (header) -> {2 exit, 3 body} ; 3 -> 1
  Compute({{{1}}, {{2, 3}, 1}, {}, {{1}, 1}});
  EXPECT_EQ(Text(), "0 1 3 2");
}

// 0 -> 1 (header) -> {2 body, 3 exit} ; 2 -> {1, 3}: both ways out are split, and wait for the
// loop's end.
TEST_F(BlockOrderTest, EdgesOutOfALoopStandBehindIt) {
  Compute({{{1}}, {{2, 3}, 1}, {{1, 3}, 1}, {}});
  EXPECT_EQ(Text(), "0 1 2 2>1 2>3 1>3 3");
}

TEST_F(BlockOrderTest, ColdBlocksAndWhatOnlyTheyReachComeLast) {
  // 1 is cold, 2 hangs on it, 3 joins.
  Compute({{{1, 3}}, {{2}, 0, true}, {{4}}, {{4}}, {}});
  EXPECT_EQ(Text(), "0 3 4 1 2");
  // 1 leads to a cold block only.
  Compute({{{1, 2}}, {{3}}, {}, {{}, 0, true}});
  EXPECT_EQ(Text(), "0 2 1 3");
}

TEST_F(BlockOrderTest, UnreachableBlocksAreLeftOut) {
  Compute({{{2}}, {{2}}, {}});
  EXPECT_EQ(Text(), "0 2");
  EXPECT_EQ(order_.NodeOf(1), BlockOrder::kNone);
}

// Any graph, any seed: each block once, dominators first (checked by: every node but the
// entry has a predecessor before it), no critical edge left.
TEST_F(BlockOrderTest, RandomGraphsKeepTheInvariants) {
  uint64_t state = 1;
  auto random = [&](uint32_t limit) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state >> 33) % limit;
  };
  for (int round = 0; round < 2000; ++round) {
    const uint32_t count = 1 + random(12);
    std::vector<TestBlock> blocks(count);
    for (TestBlock& block : blocks) {
      const uint32_t successors = random(4);
      for (uint32_t i = 0; i < successors && count > 1; ++i) {
        block.successors.push_back(1 + random(count - 1));
      }
      block.loop_depth = static_cast<uint16_t>(random(3));
      block.cold = random(5) == 0;
    }
    Compute(blocks, random(2) == 0 ? 0 : round + 1);
    const auto nodes = order_.nodes();
    ASSERT_EQ(nodes[0].block, 0);
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      const auto preds = order_.PredsOf(nodes[i]);
      if (i != 0) {
        ASSERT_TRUE(std::any_of(preds.begin(), preds.end(), [&](uint32_t p) { return p < i; }));
      }
      if (!nodes[i].is_edge()) {
        ASSERT_EQ(order_.NodeOf(nodes[i].block), i);
        ASSERT_EQ(nodes[i].successors.size(), blocks[nodes[i].block].successors.size());
      }
      for (uint32_t successor : order_.SuccessorsOf(nodes[i])) {
        ASSERT_TRUE(nodes[i].successors.size() == 1 || nodes[successor].preds.size() == 1);
      }
    }
  }
}

}  // namespace
}  // namespace gantry::codegen
