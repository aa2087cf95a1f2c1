#include "runtime/dirty_pages.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

class DirtyPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    dirty_ = DirtyPages::Open();
    if (dirty_ == nullptr) GTEST_SKIP() << "this host does not tell which pages were written";
  }
  // Numbers of the written pages.
  std::vector<uint64_t> Written(uint8_t* start, uint64_t pages, size_t most_ranges = 8) {
    std::vector<DirtyPages::Range> ranges(most_ranges);
    const auto found = dirty_->Find(start, pages * page_, absl::MakeSpan(ranges));
    EXPECT_TRUE(found.has_value());
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < found->count; ++i) {
      const uint64_t base = reinterpret_cast<uintptr_t>(start);
      for (uint64_t at = ranges[i].start; at < ranges[i].end; at += page_) {
        numbers.push_back((at - base) / page_);
      }
    }
    complete_ = found->end == start + pages * page_;
    return numbers;
  }

  const uint64_t page_ = HostPageSize();
  std::unique_ptr<DirtyPages> dirty_;
  bool complete_ = false;
};

TEST_F(DirtyPagesTest, AnonymousMemory) {
  const Mmap memory = *Mmap::Allocate(16 * page_);
  volatile uint8_t* const bytes = memory.data();
  EXPECT_TRUE(Written(memory.data(), 16).empty());
  for (int i = 0; i < 16; ++i) EXPECT_EQ(bytes[i * page_], 0);  // reads write nothing
  EXPECT_TRUE(Written(memory.data(), 16).empty());
  bytes[3 * page_ + 7] = 1;
  bytes[4 * page_] = 0;  // a zero that is written counts
  bytes[9 * page_] = 1;
  EXPECT_EQ(Written(memory.data(), 16), (std::vector<uint64_t>{3, 4, 9}));
  EXPECT_TRUE(complete_);
  // One range too few: what was not looked at is known.
  EXPECT_EQ(Written(memory.data(), 16, 1), (std::vector<uint64_t>{3, 4}));
  EXPECT_FALSE(complete_);
  ASSERT_EQ(madvise(memory.data(), 16 * page_, MADV_DONTNEED), 0);
  EXPECT_TRUE(Written(memory.data(), 16).empty());
}

TEST_F(DirtyPagesTest, PrivateMappingsOfFiles) {
  const int file = memfd_create("pages", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, static_cast<off_t>(4 * page_)), 0);
  void* const mapped = mmap(nullptr, 4 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  volatile uint8_t* const bytes = static_cast<uint8_t*>(mapped);
  EXPECT_EQ(bytes[page_], 0);
  bytes[2 * page_] = 1;
  EXPECT_EQ(Written(static_cast<uint8_t*>(mapped), 4), std::vector<uint64_t>{2});
  munmap(mapped, 4 * page_);
  close(file);
}

// The file of page tables is the parent's for ever; a child must not believe it.
TEST_F(DirtyPagesTest, AForkedChildIsToldNothing) {
  const Mmap memory = *Mmap::Allocate(page_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    *memory.data() = 1;
    DirtyPages::Range range[1];
    _exit(dirty_->Find(memory.data(), page_, absl::MakeSpan(range)).has_value() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace gantry::runtime
