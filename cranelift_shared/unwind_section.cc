#include "cranelift_shared/unwind_section.h"

#include <cstring>
#include <limits>

#include "base/check.h"
#include "codegen/eh_frame.h"

namespace gantry::cranelift {

void UnwindSection::Add(uint32_t offset, uint32_t size, absl::Span<const uint8_t> instructions) {
  entries_.push_back({offset, size, static_cast<uint32_t>(instructions_.size()),
                      static_cast<uint32_t>(instructions.size())});
  instructions_.insert(instructions_.end(), instructions.begin(), instructions.end());
}

std::vector<uint8_t> UnwindSection::Finish(uint64_t distance) const {
  CHECK(distance % 8 == 0) << distance;
  std::vector<uint8_t> out;
  out.reserve(64 + entries_.size() * 40 + instructions_.size());
  // Room for the section itself, so that every distance back to the text fits.
  const bool is_wide = distance > std::numeric_limits<int32_t>::max() / 2;
  codegen::EhFrameWriter writer(format_, is_wide, &out);
  for (const Entry& entry : entries_) {
    const size_t field = writer.AddFunction(
        entry.size, absl::MakeConstSpan(instructions_).subspan(entry.first, entry.count));
    // The low half alone where the field is narrow.
    const int64_t to_code = int64_t{entry.offset} - static_cast<int64_t>(distance + field);
    std::memcpy(out.data() + field, &to_code, is_wide ? sizeof(int64_t) : sizeof(int32_t));
  }
  writer.Finish();
  return out;
}

}  // namespace gantry::cranelift
