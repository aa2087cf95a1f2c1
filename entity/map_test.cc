// PrimaryMap, SecondaryMap and SparseMap, by hand and at random against std containers.
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "entity/primary_map.h"
#include "entity/secondary_map.h"
#include "entity/sparse_map.h"
#include "gtest/gtest.h"

namespace gantry::entity {
namespace {

GANTRY_ENTITY_ID(Node, "node");

TEST(PrimaryMapTest, IdsAreInOrder) {
  PrimaryMap<Node, std::string> map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.next_id(), Node(0));
  const Node a = map.Push("a");
  const Node b = map.Emplace(3, 'b');
  EXPECT_EQ(a, Node(0));
  EXPECT_EQ(b, Node(1));
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(map[b], "bbb");
  map[b] += "!";
  EXPECT_EQ(*map.find(b), "bbb!");
  EXPECT_EQ(map.find(Node(2)), nullptr);
  EXPECT_EQ(map.find(Node::None()), nullptr);
  EXPECT_TRUE(map.contains(a));
  EXPECT_FALSE(map.contains(Node::None()));
  EXPECT_EQ(map.back(), "bbb!");
  std::string seen;
  for (auto [id, text] : map.entries()) seen += id.ToString() + text + " ";
  EXPECT_EQ(seen, "node0a node1bbb! ");
  size_t count = 0;
  for (Node id : map.ids()) count += map.contains(id) ? 1 : 0;
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(map.values().size(), 2u);
  EXPECT_EQ(map, (PrimaryMap<Node, std::string>{"a", "bbb!"}));
  map.clear();
  EXPECT_EQ(map.Push("again"), Node(0));
}

TEST(PrimaryMapTest, HoldsWhatOnlyMoves) {
  PrimaryMap<Node, std::unique_ptr<int>> map;
  const Node id = map.Push(std::make_unique<int>(5));
  EXPECT_EQ(*map[id], 5);
}

TEST(PrimaryMapDeathTest, AccessIsChecked) {
  PrimaryMap<Node, int> map = {1, 2};
  const PrimaryMap<Node, int>& constant = map;
  EXPECT_DEATH(map[Node(2)], "node2 of 2");
  EXPECT_DEATH(constant[Node::None()], "node-none of 2");
  map.clear();
  EXPECT_DEATH(map.back(), "CHECK failed");
}

TEST(SecondaryMapTest, EveryIdHasAValue) {
  SecondaryMap<Node, int> map(7);
  const SecondaryMap<Node, int>& constant = map;
  EXPECT_EQ(constant[Node(1000)], 7);
  EXPECT_EQ(map.Get(Node::None()), 7);
  EXPECT_EQ(map.size(), 0u);
  map[Node(3)] = 1;
  EXPECT_EQ(map.size(), 4u);
  EXPECT_EQ(map[Node(2)], 7);
  EXPECT_EQ(map.Get(Node(3)), 1);
  map.resize(2);
  EXPECT_EQ(map.Get(Node(3)), 7);
  map.resize(8);
  EXPECT_EQ(map.Get(Node(3)), 7);
  EXPECT_EQ(map.values().size(), 8u);
  map.clear();
  EXPECT_TRUE(map.empty());
}

TEST(SecondaryMapTest, EqualWhateverTheSizes) {
  SecondaryMap<Node, int> a;
  SecondaryMap<Node, int> b;
  a[Node(1)] = 5;
  b[Node(1)] = 5;
  b[Node(100)] = 0;
  EXPECT_EQ(a, b);
  b[Node(100)] = 1;
  EXPECT_FALSE(a == b);
}

TEST(SecondaryMapDeathTest, NoneHasNoSlot) {
  SecondaryMap<Node, int> map;
  EXPECT_DEATH(map[Node::None()] = 1, "CHECK failed");
}

TEST(SparseMapTest, ByHand) {
  SparseMap<Node, std::string> map;
  EXPECT_EQ(map.find(Node(5)), nullptr);
  EXPECT_EQ(map.find(Node::None()), nullptr);
  EXPECT_EQ(map.insert(Node(5), "five"), std::nullopt);
  EXPECT_EQ(map.insert(Node(5), "cinq"), "five");
  map.insert(Node(1), "one");
  map.insert(Node(9), "nine");
  EXPECT_EQ(map.erase(Node(5)), "cinq");
  EXPECT_EQ(map.erase(Node(5)), std::nullopt);
  std::string order;
  for (const auto& [id, text] : map) order += text + " ";
  EXPECT_EQ(order, "nine one ");
  map.clear();
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains(Node(1)));
  map.insert(Node(9), "neuf");
  EXPECT_EQ(*map.find(Node(9)), "neuf");
  EXPECT_FALSE(map.contains(Node(1)));
}

TEST(SparseMapDeathTest, NoneIsNoKey) {
  SparseMap<Node, int> map;
  EXPECT_DEATH(map.insert(Node::None(), 1), "CHECK failed");
}

// Every sequence of five operations on three ids.
TEST(SparseMapTest, AllShortSequences) {
  constexpr int kOperations = 7;  // Insert and erase of each id, and clear.
  for (int sequence = 0; sequence < 7 * 7 * 7 * 7 * 7; ++sequence) {
    SparseMap<Node, int> map;
    std::map<uint32_t, int> expected;
    int rest = sequence;
    for (int step = 0; step < 5; ++step, rest /= kOperations) {
      const int operation = rest % kOperations;
      const uint32_t id = static_cast<uint32_t>(operation % 3);
      if (operation == 6) {
        map.clear();
        expected.clear();
      } else if (operation < 3) {
        map.insert(Node(id), step);
        expected[id] = step;
      } else {
        const auto found = expected.find(id);
        const std::optional<int> value =
            found == expected.end() ? std::nullopt : std::optional<int>(found->second);
        ASSERT_EQ(map.erase(Node(id)), value);
        expected.erase(id);
      }
      ASSERT_EQ(map.size(), expected.size());
      for (uint32_t k = 0; k < 3; ++k) {
        const int* value = map.find(Node(k));
        const auto found = expected.find(k);
        ASSERT_EQ(value != nullptr, found != expected.end());
        if (value != nullptr) {
          ASSERT_EQ(*value, found->second);
        }
      }
    }
  }
}

TEST(MapTest, RandomAgainstStd) {
  std::mt19937_64 random(1);
  SparseMap<Node, uint64_t> sparse;
  SecondaryMap<Node, uint64_t> secondary;
  std::map<uint32_t, uint64_t> expected_sparse;
  std::map<uint32_t, uint64_t> expected_secondary;
  for (int step = 0; step < 200000; ++step) {
    const uint32_t id = static_cast<uint32_t>(random() % (random() % 2 == 0 ? 16 : 5000));
    switch (random() % 8) {
      case 0:
      case 1:
        sparse.insert(Node(id), static_cast<uint64_t>(step));
        expected_sparse[id] = static_cast<uint64_t>(step);
        break;
      case 2:
        ASSERT_EQ(sparse.erase(Node(id)).has_value(), expected_sparse.erase(id) != 0);
        break;
      case 3:
      case 4:
        secondary[Node(id)] = static_cast<uint64_t>(step);
        expected_secondary[id] = static_cast<uint64_t>(step);
        break;
      case 5:
        if (random() % 1000 == 0) {
          sparse.clear();
          expected_sparse.clear();
          secondary.clear();
          expected_secondary.clear();
        }
        break;
      default: {
        const uint64_t* found = sparse.find(Node(id));
        const auto expected = expected_sparse.find(id);
        ASSERT_EQ(found != nullptr, expected != expected_sparse.end());
        if (found != nullptr) {
          ASSERT_EQ(*found, expected->second);
        }
        const auto dense = expected_secondary.find(id);
        ASSERT_EQ(secondary.Get(Node(id)), dense == expected_secondary.end() ? 0 : dense->second);
      }
    }
  }
  ASSERT_EQ(sparse.size(), expected_sparse.size());
  for (const auto& [id, value] : sparse) ASSERT_EQ(expected_sparse.at(id.raw()), value);
}

}  // namespace
}  // namespace gantry::entity
