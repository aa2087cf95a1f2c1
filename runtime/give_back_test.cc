#include "runtime/give_back.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

// What it says is what is: where it says yes, nothing is left.
TEST(GiveBackTest, TellsTheTruth) {
  const uint64_t page = HostPageSize();
  const Mmap memory = *Mmap::Allocate(4 * page);
  std::fill_n(memory.data(), 4 * page, uint8_t{0xEE});
  const bool given = GiveBack(memory.data() + page, 2 * page);
  for (uint64_t i = 0; i < 4 * page; ++i) {
    const bool in_range = i >= page && i < 3 * page;
    ASSERT_EQ(memory.data()[i], in_range && given ? 0 : 0xEE) << i;
  }
  EXPECT_TRUE(GiveBack(memory.data(), 0));
  // A range that is no mapping's is refused.
  EXPECT_FALSE(GiveBack(memory.data() + 1, page));
}

}  // namespace
}  // namespace gantry::runtime
