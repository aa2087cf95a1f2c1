#include "runtime/preset_memories.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

using environ::ConstExpr;
using environ::ConstOp;
using environ::DataSegment;
using environ::ModuleInfo;
using environ::SegmentMode;
using wasm::MemoryIndex;

class PresetMemoriesTest : public testing::Test {
 protected:
  // Memory 0 is imported.
  PresetMemoriesTest() {
    info_.num_imported_memories = 1;
    for (int i = 0; i < 3; ++i) {
      environ::MemoryInfo memory;
      memory.type.limits.min = 4;
      info_.memories.Push(memory);
    }
  }
  void Data(uint32_t memory, ConstExpr offset, const std::string& bytes,
            SegmentMode mode = SegmentMode::kActive) {
    DataSegment segment;
    segment.mode = mode;
    segment.memory = MemoryIndex(memory);
    segment.offset = std::move(offset);
    segment.data_offset = data_.size();
    segment.data_length = bytes.size();
    data_ += bytes;
    info_.data_segments.Push(segment);
  }
  static ConstExpr At(uint32_t offset) { return ConstExpr({ConstOp::I32Const(offset)}); }
  PresetMemories Make() {
    return MakePresetMemories(
        *file_, info_,
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(data_.data()), data_.size()));
  }

  ModuleInfo info_;
  std::string data_;
  std::shared_ptr<ImageFile> file_ = ImageFile::Create();
};

TEST_F(PresetMemoriesTest, SegmentsInOrder) {
  Data(1, At(70000), "abcdef");
  Data(1, At(0), "passive", SegmentMode::kPassive);
  Data(2, At(262143), "z");
  Data(1, At(70002), "XY");
  Data(1, At(262144), "");
  const PresetMemories preset = Make();
  EXPECT_EQ(preset.data_segments, 5u);
  ASSERT_EQ(preset.images.size(), 2u);
  const MemoryImage& image = *preset.images[0];
  EXPECT_EQ(image.offset() % HostPageSize(), 0u);
  EXPECT_LE(image.end(), 262144u);
  EXPECT_EQ(std::memcmp(image.bytes().data() + (70000 - image.offset()), "abXYef\0", 7), 0);
  EXPECT_EQ(preset.images[1]->end(), 262144u);
  EXPECT_EQ(preset.images[1]->bytes().back(), 'z');
}

TEST_F(PresetMemoriesTest, NothingOvertakes) {
  struct Case {
    uint32_t memory;
    ConstExpr offset;
    std::string bytes;
  };
  const ConstExpr dynamic({ConstOp::GlobalGet(wasm::GlobalIndex(0))});
  for (const Case& waits : {Case{0, At(0), "a"}, Case{1, dynamic, "a"}, Case{1, At(262144), "a"},
                            Case{1, At(262145), ""}, Case{1, At(0xFFFFFFFF), "ab"}}) {
    info_.data_segments.clear();
    data_.clear();
    Data(1, At(0), "first");
    Data(waits.memory, waits.offset, waits.bytes);
    Data(2, At(0), "behind");
    const PresetMemories preset = Make();
    EXPECT_EQ(preset.data_segments, 1u);
    EXPECT_NE(preset.images[0], nullptr);
    EXPECT_EQ(preset.images[1], nullptr);
  }
}

TEST_F(PresetMemoriesTest, SharedMemoriesAreWritten) {
  info_.memories[MemoryIndex(1)].type.shared = true;
  Data(1, At(0), "a");
  EXPECT_EQ(Make().data_segments, 0u);
}

TEST_F(PresetMemoriesTest, ThinImagesAreNotMade) {
  info_.memories[MemoryIndex(1)].type.limits.min = 65536;
  Data(1, At(0), "a");
  Data(1, At(1 << 19), "b");
  Data(1, At(0xFFFFFFFF), "c");
  const PresetMemories preset = Make();
  EXPECT_EQ(preset.data_segments, 2u);
  EXPECT_EQ(preset.images[0]->end(), (1u << 19) + HostPageSize());
}

}  // namespace
}  // namespace gantry::runtime
