#include "entity/entity_id.h"

#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "entity/iteration.h"
#include "entity/packed_option.h"
#include "gtest/gtest.h"

namespace gantry::entity {
namespace {

GANTRY_ENTITY_ID(Apple, "apple");
GANTRY_ENTITY_ID(Pear, "pear");

template <typename A, typename B>
concept Equatable = requires(A a, B b) {
  a == b;
};
template <typename A, typename B>
concept Orderable = requires(A a, B b) {
  a < b;
};

template <typename T>
std::string Printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST(EntityIdTest, IsFourTriviallyCopyableBytes) {
  static_assert(sizeof(Apple) == 4);
  static_assert(std::is_trivially_copyable_v<Apple>);
  static_assert(std::is_standard_layout_v<Apple>);
}

// lessons.md row 16: index spaces do not mix. What does not compile at all is in
// compile_fail_test.sh.
TEST(EntityIdTest, DoesNotConvert) {
  static_assert(!std::is_convertible_v<Apple, Pear>);
  static_assert(!std::is_constructible_v<Apple, Pear>);
  static_assert(!std::is_convertible_v<uint32_t, Apple>);
  static_assert(!std::is_convertible_v<Apple, uint32_t>);
  static_assert(!std::is_constructible_v<uint32_t, Apple>);
  static_assert(!std::is_assignable_v<Apple&, Pear>);
  static_assert(!Equatable<Apple, Pear> && !Orderable<Apple, Pear>);
  static_assert(!Equatable<Apple, uint32_t> && !Orderable<Apple, uint32_t>);
  static_assert(Equatable<Apple, Apple> && Orderable<Apple, Apple>);
}

TEST(EntityIdTest, NoneIsTheDefaultAndTheLargest) {
  constexpr Apple none;
  static_assert(none.is_none() && !none.is_some());
  EXPECT_EQ(none, Apple::None());
  EXPECT_EQ(none.raw(), std::numeric_limits<uint32_t>::max());
  constexpr Apple zero(0);
  static_assert(zero.is_some() && zero.index() == 0);
  EXPECT_LT(zero, none);
  EXPECT_LT(Apple(Apple::kMaxIndex), none);
}

TEST(EntityIdTest, Prints) {
  EXPECT_EQ(Printed(Apple(7)), "apple7");
  EXPECT_EQ(Printed(Pear::None()), "pear-none");
  EXPECT_EQ(Apple(7).ToString(), "apple7");
  EXPECT_EQ(Pear::None().ToString(), "pear-none");
}

TEST(EntityIdDeathTest, FromIndexNeverWraps) {
  EXPECT_EQ(Apple::FromIndex(Apple::kMaxIndex).index(), size_t{Apple::kMaxIndex});
  EXPECT_DEATH(Apple::FromIndex(size_t{Apple::kMaxIndex} + 1), "out of range");
  EXPECT_DEATH(Apple::FromIndex(size_t{1} << 32), "out of range");
}

TEST(EntityIdTest, OrdersAndHashes) {
  std::map<Apple, int> ordered = {{Apple(2), 2}, {Apple(1), 1}};
  EXPECT_EQ(ordered.begin()->second, 1);
  std::unordered_set<Apple> hashed = {Apple(1), Apple(1), Apple(2)};
  EXPECT_EQ(hashed.size(), 2u);
  const absl::flat_hash_set<Apple> absl_hashed = {Apple(0), Apple(0), Apple::None()};
  EXPECT_EQ(absl_hashed.size(), 2u);
  EXPECT_EQ(absl::Hash<Apple>()(Apple(5)), absl::Hash<Apple>()(Apple(5)));
}

TEST(IterationTest, IdRange) {
  std::vector<Apple> ids;
  for (Apple id : IdRange<Apple>(3, 6)) ids.push_back(id);
  EXPECT_EQ(ids, (std::vector<Apple>{Apple(3), Apple(4), Apple(5)}));
  EXPECT_EQ(IdRange<Apple>(3, 6).size(), 3u);
  EXPECT_TRUE(IdRange<Apple>(3, 3).empty());
  IdRange<Apple>::iterator it = IdRange<Apple>(3, 6).begin();
  EXPECT_EQ(*it++, Apple(3));
  EXPECT_EQ(*it, Apple(4));
}

TEST(IterationTest, EntriesAreReferences) {
  std::vector<int> numbers = {1, 2, 3};
  const EntryRange<Apple, int> entries(numbers.data(), numbers.size());
  for (auto [id, number] : entries) number += static_cast<int>(id.index());
  EXPECT_EQ(numbers, (std::vector<int>{1, 3, 5}));
  EXPECT_EQ(entries.size(), 3u);
  EXPECT_FALSE(entries.empty());
}

TEST(PackedOptionTest, IsAsSmallAsTheId) { static_assert(sizeof(PackedOption<Apple>) == 4); }

TEST(PackedOptionTest, HoldsOrNot) {
  PackedOption<Apple> option;
  EXPECT_FALSE(option.has_value());
  EXPECT_FALSE(option);
  EXPECT_TRUE(option.id().is_none());
  EXPECT_EQ(option.value_or(Apple(9)), Apple(9));
  option = Apple(3);
  ASSERT_TRUE(option.has_value());
  EXPECT_EQ(*option, Apple(3));
  EXPECT_EQ(option.value(), Apple(3));
  EXPECT_EQ(option.value_or(Apple(9)), Apple(3));
  EXPECT_EQ(option, PackedOption<Apple>(Apple(3)));
  EXPECT_NE(option, PackedOption<Apple>(std::nullopt));
  EXPECT_EQ(Printed(option), "apple3");

  const PackedOption<Apple> taken = option.take();
  EXPECT_EQ(*taken, Apple(3));
  EXPECT_FALSE(option.has_value());
  option = Apple(4);
  option.reset();
  EXPECT_FALSE(option.has_value());
  option = Apple::None();
  EXPECT_FALSE(option.has_value());
}

TEST(PackedOptionDeathTest, ValueOfNothing) {
  EXPECT_DEATH(PackedOption<Apple>().value(), "empty PackedOption");
}

}  // namespace
}  // namespace gantry::entity
