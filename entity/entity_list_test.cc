#include "entity/entity_list.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::entity {
namespace {

GANTRY_ENTITY_ID(Value, "value");
using List = EntityList<Value>;
using Pool = ListPool<Value>;

std::vector<uint32_t> Elements(const List& list, const Pool& pool) {
  std::vector<uint32_t> elements;
  for (Value value : list.AsSpan(pool)) elements.push_back(value.raw());
  return elements;
}

TEST(EntityListTest, IsFourBytesAndOwnsNothingWhenEmpty) {
  static_assert(sizeof(List) == 4);
  Pool pool;
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.size(pool), 0u);
  EXPECT_TRUE(list.AsSpan(pool).empty());
  EXPECT_EQ(List::FromSpan({}, pool).size(pool), 0u);
  EXPECT_EQ(pool.size(), 0u);
}

TEST(EntityListTest, ByHand) {
  Pool pool;
  List list = List::FromSpan({Value(1), Value(2)}, pool);
  EXPECT_EQ(list.Push(Value(3), pool), 2u);
  EXPECT_EQ(Elements(list, pool), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(list.front(pool), Value(1));
  list.Set(1, Value(9), pool);
  EXPECT_EQ(list.Get(1, pool), Value(9));
  list.Insert(0, Value(7), pool);
  list.Insert(4, Value(8), pool);
  EXPECT_EQ(Elements(list, pool), (std::vector<uint32_t>{7, 1, 9, 3, 8}));
  list.Remove(1, pool);
  EXPECT_EQ(Elements(list, pool), (std::vector<uint32_t>{7, 9, 3, 8}));
  list.SwapRemove(0, pool);
  EXPECT_EQ(Elements(list, pool), (std::vector<uint32_t>{8, 9, 3}));
  const List clone = list.DeepClone(pool);
  list.AsMutableSpan(pool)[0] = Value(0);
  list.Truncate(2, pool);
  list.Truncate(5, pool);
  EXPECT_EQ(Elements(list, pool), (std::vector<uint32_t>{0, 9}));
  EXPECT_EQ(Elements(clone, pool), (std::vector<uint32_t>{8, 9, 3}));
  list.Clear(pool);
  EXPECT_TRUE(list.empty());
}

TEST(EntityListTest, FreedStorageIsReused) {
  Pool pool;
  std::vector<List> lists;
  for (uint32_t k = 0; k < 100; ++k) lists.push_back(List::FromSpan({Value(k)}, pool));
  const size_t words = pool.size();
  for (int round = 0; round < 10; ++round) {
    for (List& list : lists) list.Clear(pool);
    for (uint32_t k = 0; k < 100; ++k) lists[k] = List::FromSpan({Value(k), Value(0)}, pool);
  }
  EXPECT_EQ(pool.size(), words);
}

TEST(EntityListDeathTest, AccessIsChecked) {
  Pool pool;
  List list = List::FromSpan({Value(1)}, pool);
  EXPECT_DEATH(list.Get(1, pool), "CHECK failed");
  EXPECT_DEATH(list.Set(1, Value(0), pool), "CHECK failed");
  EXPECT_DEATH(list.Insert(2, Value(0), pool), "CHECK failed");
  EXPECT_DEATH(list.Remove(1, pool), "CHECK failed");
  EXPECT_DEATH(list.SwapRemove(1, pool), "CHECK failed");
}

// Elements of the pool itself may be appended: growth must not read freed storage.
TEST(EntityListTest, AppendOfASpanOfThePool) {
  Pool pool;
  List source;
  for (uint32_t k = 0; k < 40; ++k) source.Push(Value(k), pool);
  List list = List::FromSpan(source.AsSpan(pool), pool);
  list.Append(list.AsSpan(pool), pool);
  ASSERT_EQ(list.size(pool), 80u);
  for (uint32_t k = 0; k < 80; ++k) ASSERT_EQ(list.Get(k, pool), Value(k % 40));
}

// Every length around the block sizes, growing and shrinking by every step.
TEST(EntityListTest, AllLengthsAndSteps) {
  for (size_t from = 0; from <= 40; ++from) {
    for (size_t to = 0; to <= 40; ++to) {
      Pool pool;
      const List neighbour = List::FromSpan({Value(1000), Value(1001)}, pool);
      List list;
      std::vector<Value> values;
      for (uint32_t k = 0; k < 40; ++k) values.push_back(Value(k));
      list.Append(absl::MakeConstSpan(values).first(from), pool);
      if (to > from) {
        list.Append(absl::MakeConstSpan(values).subspan(from, to - from), pool);
      } else {
        list.Truncate(to, pool);
      }
      ASSERT_EQ(list.AsSpan(pool), absl::MakeConstSpan(values).first(to));
      ASSERT_EQ(list.empty(), to == 0);
      ASSERT_EQ(Elements(neighbour, pool), (std::vector<uint32_t>{1000, 1001}));
    }
  }
}

TEST(EntityListTest, RandomAgainstStd) {
  std::mt19937_64 random(3);
  Pool pool;
  std::vector<List> lists(20);
  std::vector<std::vector<uint32_t>> expected(20);
  for (uint32_t step = 0; step < 200000; ++step) {
    const size_t which = random() % lists.size();
    List& list = lists[which];
    std::vector<uint32_t>& other = expected[which];
    const size_t position = other.empty() ? 0 : random() % other.size();
    switch (random() % 9) {
      case 0:
      case 1:
        list.Push(Value(step), pool);
        other.push_back(step);
        break;
      case 2:
        list.Insert(position, Value(step), pool);
        other.insert(other.begin() + static_cast<ptrdiff_t>(position), step);
        break;
      case 3:
        if (other.empty()) break;
        list.Remove(position, pool);
        other.erase(other.begin() + static_cast<ptrdiff_t>(position));
        break;
      case 4:
        if (other.empty()) break;
        list.SwapRemove(position, pool);
        other[position] = other.back();
        other.pop_back();
        break;
      case 5:
        if (random() % 8 != 0) break;
        list.Truncate(position, pool);
        other.resize(position);
        break;
      case 6: {
        if (other.size() > 100) break;
        std::vector<Value> more;
        for (size_t k = random() % 6; k > 0; --k) {
          more.push_back(Value(step));
          other.push_back(step);
        }
        list.Append(more, pool);
        break;
      }
      case 7:
        if (random() % 32 != 0) break;
        list.Clear(pool);
        other.clear();
        break;
      default:
        ASSERT_EQ(Elements(list, pool), other);
    }
    ASSERT_EQ(list.size(pool), other.size());
  }
  for (size_t k = 0; k < lists.size(); ++k) ASSERT_EQ(Elements(lists[k], pool), expected[k]);
  pool.clear();
  EXPECT_EQ(pool.size(), 0u);
}

}  // namespace
}  // namespace gantry::entity
