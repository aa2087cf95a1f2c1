#include "entity/entity_set.h"

#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::entity {
namespace {

GANTRY_ENTITY_ID(Node, "node");

std::vector<uint32_t> Members(const EntitySet<Node>& set) {
  std::vector<uint32_t> members;
  for (Node id : set) members.push_back(id.raw());
  return members;
}

TEST(EntitySetTest, ByHand) {
  EntitySet<Node> set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.begin(), set.end());
  EXPECT_TRUE(set.insert(Node(64)));
  EXPECT_FALSE(set.insert(Node(64)));
  EXPECT_TRUE(set.insert(Node(0)));
  EXPECT_TRUE(set.insert(Node(63)));
  EXPECT_TRUE(set.insert(Node(1000)));
  EXPECT_EQ(Members(set), (std::vector<uint32_t>{0, 63, 64, 1000}));
  EXPECT_EQ(set.size(), 4u);
  EXPECT_TRUE(set.contains(Node(63)));
  EXPECT_FALSE(set.contains(Node(62)));
  EXPECT_FALSE(set.contains(Node(100000)));
  EXPECT_FALSE(set.contains(Node::None()));
  EXPECT_TRUE(set.erase(Node(63)));
  EXPECT_FALSE(set.erase(Node(63)));
  EXPECT_FALSE(set.erase(Node(5000)));
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(Members(set), std::vector<uint32_t>());
}

TEST(EntitySetDeathTest, NoneIsNoMember) {
  EntitySet<Node> set;
  EXPECT_DEATH(set.insert(Node::None()), "CHECK failed");
}

// All pairs of subsets of six ids that straddle words, in sets of different capacities.
TEST(EntitySetTest, AllSmallPairs) {
  const uint32_t ids[] = {0, 1, 63, 64, 127, 128};
  for (uint32_t x = 0; x < 64; ++x) {
    for (uint32_t y = 0; y < 64; ++y) {
      for (const bool reserve : {false, true}) {
        EntitySet<Node> a;
        EntitySet<Node> b;
        std::vector<uint32_t> both;
        std::vector<uint32_t> either;
        std::vector<uint32_t> only_a;
        if (reserve) b.reserve(500);
        for (uint32_t k = 0; k < 6; ++k) {
          const bool in_a = (x >> k & 1) != 0;
          const bool in_b = (y >> k & 1) != 0;
          if (in_a) a.insert(Node(ids[k]));
          if (in_b) b.insert(Node(ids[k]));
          if (in_a && in_b) both.push_back(ids[k]);
          if (in_a || in_b) either.push_back(ids[k]);
          if (in_a && !in_b) only_a.push_back(ids[k]);
        }
        EXPECT_EQ(a == b, x == y);
        EntitySet<Node> u = a;
        EXPECT_EQ(u.UnionWith(b), (y & ~x) != 0);
        EXPECT_EQ(Members(u), either);
        EXPECT_EQ(u.size(), either.size());
        EntitySet<Node> i = a;
        i.IntersectWith(b);
        EXPECT_EQ(Members(i), both);
        EXPECT_EQ(i.empty(), both.empty());
        EntitySet<Node> d = a;
        d.Subtract(b);
        EXPECT_EQ(Members(d), only_a);
      }
    }
  }
}

TEST(EntitySetTest, RandomAgainstStd) {
  std::mt19937_64 random(2);
  EntitySet<Node> set;
  std::set<uint32_t> expected;
  for (int step = 0; step < 100000; ++step) {
    const uint32_t id = static_cast<uint32_t>(random() % (random() % 2 == 0 ? 70 : 3000));
    switch (random() % 3) {
      case 0:
        ASSERT_EQ(set.insert(Node(id)), expected.insert(id).second);
        break;
      case 1:
        ASSERT_EQ(set.erase(Node(id)), expected.erase(id) != 0);
        break;
      default:
        ASSERT_EQ(set.contains(Node(id)), expected.count(id) != 0);
    }
    if (step % 1000 == 0) {
      ASSERT_EQ(Members(set), std::vector<uint32_t>(expected.begin(), expected.end()));
      ASSERT_EQ(set.size(), expected.size());
    }
  }
}

}  // namespace
}  // namespace gantry::entity
