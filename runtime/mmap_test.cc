#include "runtime/mmap.h"

#include <cstring>
#include <limits>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

TEST(MmapTest, RoundsUp) {
  const uint64_t page = HostPageSize();
  EXPECT_EQ(RoundUpToPage(0), 0u);
  EXPECT_EQ(RoundUpToPage(1), page);
  EXPECT_EQ(RoundUpToPage(page), page);
  EXPECT_EQ(RoundUpToPage(page + 1), 2 * page);
  EXPECT_EQ(RoundUpToPage(std::numeric_limits<uint64_t>::max()), std::nullopt);
}

TEST(MmapTest, AccessibleRangesReadAsZeroAndKeepWhatIsWritten) {
  const uint64_t page = HostPageSize();
  Mmap mmap = *Mmap::Reserve(4 * page);
  ASSERT_TRUE(mmap.MakeAccessible(page, 2 * page).ok());
  EXPECT_EQ(mmap.data()[page], 0);
  mmap.data()[page] = 7;
  ASSERT_TRUE(mmap.MakeInaccessible(page, page).ok());
  ASSERT_TRUE(mmap.MakeAccessible(page, page).ok());
  EXPECT_EQ(mmap.data()[page], 7);
  ASSERT_TRUE(mmap.Decommit(page, 2 * page).ok());
  EXPECT_EQ(mmap.data()[page], 0);
  EXPECT_TRUE(mmap.Contains(mmap.data() + 4 * page - 1));
  EXPECT_FALSE(mmap.Contains(mmap.data() + 4 * page));
}

TEST(MmapDeathTest, TheRestFaults) {
  const uint64_t page = HostPageSize();
  Mmap mmap = *Mmap::Reserve(2 * page);
  ASSERT_TRUE(mmap.MakeAccessible(0, page).ok());
  volatile uint8_t* bytes = mmap.data();
  EXPECT_DEATH(bytes[page] = 1, "");
  ASSERT_TRUE(mmap.MakeReadOnly(0, page).ok());
  EXPECT_DEATH(bytes[0] = 1, "");
}

TEST(MmapDeathTest, RangesAreChecked) {
  const uint64_t page = HostPageSize();
  Mmap mmap = *Mmap::Reserve(2 * page);
  EXPECT_DEATH((void)mmap.MakeAccessible(0, 3 * page), "CHECK failed");
  EXPECT_DEATH((void)mmap.MakeAccessible(3 * page, 0), "CHECK failed");
  EXPECT_DEATH((void)mmap.MakeAccessible(std::numeric_limits<uint64_t>::max() - page + 1, page),
               "CHECK failed");
  EXPECT_DEATH((void)mmap.MakeAccessible(1, page), "CHECK failed");
}

TEST(MmapTest, TooMuchIsRefusedWithAStatus) {
  for (const uint64_t size :
       {uint64_t{1} << 62, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    const absl::Status status = Mmap::Reserve(size).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << size;
  }
}

TEST(MmapTest, MovesPagesWithoutCopying) {
  const uint64_t page = HostPageSize();
  Mmap from = *Mmap::Reserve(4 * page);
  ASSERT_TRUE(from.MakeAccessible(0, 2 * page).ok());
  from.data()[page + 1] = 5;
  Mmap to = *Mmap::Reserve(8 * page);
  ASSERT_TRUE(from.MovePagesTo(to, 2 * page).ok());
  EXPECT_EQ(to.data()[page + 1], 5);
  from = Mmap();
  ASSERT_TRUE(to.MakeAccessible(2 * page, page).ok());
  EXPECT_EQ(to.data()[2 * page], 0);
  EXPECT_EQ(to.data()[page + 1], 5);
}

TEST(MmapTest, MovesOwnership) {
  Mmap first = *Mmap::Allocate(1);
  first.data()[0] = 9;
  Mmap second = std::move(first);
  EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.data()[0], 9);
  second = Mmap();
  EXPECT_EQ(second.size(), 0u);
  EXPECT_EQ(Mmap::Reserve(0)->size(), 0u);
}

}  // namespace
}  // namespace gantry::runtime
