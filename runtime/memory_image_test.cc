#include "runtime/memory_image.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

absl::Span<const uint8_t> Bytes(const std::string& text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

class MemoryImageTest : public testing::Test {
 protected:
  const uint64_t page_ = HostPageSize();
  std::shared_ptr<ImageFile> file_ = ImageFile::Create();
};

TEST_F(MemoryImageTest, PiecesOverZeroesCopiedOnWrite) {
  const std::string first = "first", second = "FI", far = "far";
  const ImageFile::Piece pieces[] = {
      {page_ + 3, Bytes(first)}, {page_ + 3, Bytes(second)}, {3 * page_ - 3, Bytes(far)}};
  const auto image = file_->Add(page_, 2 * page_, pieces);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ((*image)->offset(), page_);
  EXPECT_EQ((*image)->end(), 3 * page_);
  std::vector<Mmap> memories;
  for (int i = 0; i < 2; ++i) {
    memories.push_back(*Mmap::Allocate(4 * page_));
    ASSERT_TRUE((*image)->MapInto(memories.back().data()).ok());
  }
  const auto text = [&](int memory, uint64_t at, size_t size) {
    return std::string(reinterpret_cast<const char*>(memories[memory].data()) + at, size);
  };
  EXPECT_EQ(text(0, page_ + 2, 6), std::string("\0FIrst", 6));
  EXPECT_EQ(text(1, 3 * page_ - 3, 4), std::string("far\0", 4));
  memories[0].data()[page_ + 3] = 'x';
  EXPECT_EQ(text(1, page_ + 3, 5), "FIrst");
  EXPECT_EQ((*image)->bytes()[3], 'F');
  const Mmap copied = *Mmap::Allocate(4 * page_);
  (*image)->CopyInto(copied.data());
  EXPECT_EQ(std::memcmp(copied.data() + page_, (*image)->bytes().data(), 2 * page_), 0);
  // Given back, a page is the image's again.
  ASSERT_TRUE(memories[0].Decommit(page_, page_).ok());
  EXPECT_EQ(text(0, page_ + 3, 5), "FIrst");
}

TEST_F(MemoryImageTest, ImagesOfOneFileAreApart) {
  const std::string a = "aaaa", b = "bbbb";
  const ImageFile::Piece piece_a[] = {{0, Bytes(a)}};
  const ImageFile::Piece piece_b[] = {{0, Bytes(b)}};
  auto image_a = *file_->Add(0, page_, piece_a);
  const auto image_b = *file_->Add(0, page_, piece_b);
  EXPECT_NE(image_a->id(), image_b->id());
  image_a.reset();
  EXPECT_EQ(image_b->bytes()[3], 'b');
  const auto image_c = *file_->Add(0, page_, {});
  EXPECT_EQ(image_c->bytes()[0], 0);
}

// Images keep their file.
TEST_F(MemoryImageTest, AnImageOutlivesItsEngine) {
  const std::string a = "aaaa";
  const ImageFile::Piece pieces[] = {{0, Bytes(a)}};
  const auto image = *file_->Add(0, page_, pieces);
  file_.reset();
  const Mmap memory = *Mmap::Allocate(page_);
  ASSERT_TRUE(image->MapInto(memory.data()).ok());
  EXPECT_EQ(std::memcmp(memory.data(), "aaaa", 4), 0);
}

}  // namespace
}  // namespace gantry::runtime
