#include "runtime/preset_memories.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

using environ::ConstOp;
using environ::DataSegment;
using environ::ModuleInfo;
using environ::SegmentMode;

// An image may have so many bytes more than sixteen times its data: each page of it that a guest
// reads takes memory, where untouched memory takes none.
constexpr uint64_t kFreeBytes = uint64_t{1} << 20;

struct Range {
  uint64_t start = ~uint64_t{0};
  uint64_t end = 0;
  uint64_t data = 0;
};

// Where a segment's bytes go, if that is known and certain to be inside.
std::optional<uint64_t> ConstantPlace(const ModuleInfo& info, const DataSegment& segment) {
  if (info.IsImported(segment.memory)) return std::nullopt;
  const wasm::MemoryType& type = info.memories[segment.memory].type;
  if (type.shared || segment.offset.ops().size() != 1) return std::nullopt;
  const ConstOp& op = segment.offset.ops()[0];
  if (op.kind != ConstOp::Kind::kI32Const && op.kind != ConstOp::Kind::kI64Const) {
    return std::nullopt;
  }
  const uint64_t most = ~uint64_t{0} >> type.page_size_log2;
  const uint64_t size = std::min(type.limits.min, most) << type.page_size_log2;
  const uint64_t offset = op.value[0];
  if (offset > size || segment.data_length > size - offset) return std::nullopt;
  return offset;
}

}  // namespace

PresetMemories MakePresetMemories(ImageFile& file, const ModuleInfo& info,
                                  absl::Span<const uint8_t> data) {
  const uint64_t page = HostPageSize();
  std::vector<Range> ranges(info.memories.size() - info.num_imported_memories);
  std::vector<std::vector<ImageFile::Piece>> pieces(ranges.size());
  PresetMemories preset;
  for (const DataSegment& segment : info.data_segments) {
    if (segment.mode == SegmentMode::kActive) {
      const std::optional<uint64_t> offset = ConstantPlace(info, segment);
      if (!offset.has_value()) break;
      if (segment.data_length > 0) {
        const size_t memory = info.Defined(segment.memory).index();
        Range grown = ranges[memory];
        grown.start = std::min(grown.start, *offset / page * page);
        grown.end = std::max(grown.end, *offset + segment.data_length);
        grown.data += segment.data_length;
        if (grown.end - grown.start > kFreeBytes + 16 * grown.data) break;
        ranges[memory] = grown;
        pieces[memory].push_back({*offset, data.subspan(segment.data_offset, segment.data_length)});
      }
    }
    ++preset.data_segments;
  }
  preset.images.resize(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (pieces[i].empty()) continue;
    // Inside of a memory, the size of which rounds up, so this does.
    const uint64_t size = RoundUpToPage(ranges[i].end).value() - ranges[i].start;
    auto image = file.Add(ranges[i].start, size, pieces[i]);
    if (!image.ok()) return PresetMemories();
    preset.images[i] = *std::move(image);
  }
  return preset;
}

}  // namespace gantry::runtime
