#include "cranelift_shared/unwind_section.h"

#include <cstring>
#include <limits>

#include "base/check.h"

namespace gantry::cranelift {
namespace {

// DW_EH_PE_pcrel with DW_EH_PE_sdata4 or DW_EH_PE_sdata8.
constexpr uint8_t kPcRelative4 = 0x1B;
constexpr uint8_t kPcRelative8 = 0x1C;
constexpr uint8_t kNop = 0;  // DW_CFA_nop

class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& out) : out_(out) {}

  void Byte(uint8_t value) { out_.push_back(value); }
  template <typename T>
  void Fixed(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof value);
    std::memcpy(out_.data() + at, &value, sizeof value);
  }
  void Uleb(uint64_t value) {
    do {
      const uint8_t low = value & 0x7F;
      value >>= 7;
      Byte(value != 0 ? low | 0x80 : low);
    } while (value != 0);
  }
  void Sleb(int64_t value) {
    for (;;) {
      const uint8_t low = value & 0x7F;
      value >>= 7;
      const bool last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
      Byte(last ? low : low | 0x80);
      if (last) return;
    }
  }
  void Bytes(absl::Span<const uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  // Fills an entry up to a multiple of 8 and writes its length, which does not count itself.
  void EndEntry(size_t start) {
    while (out_.size() % 8 != 0) Byte(kNop);
    const uint32_t length = static_cast<uint32_t>(out_.size() - start - 4);
    std::memcpy(out_.data() + start, &length, sizeof length);
  }

 private:
  std::vector<uint8_t>& out_;
};

}  // namespace

void UnwindSection::Add(uint32_t offset, uint32_t size, absl::Span<const uint8_t> instructions) {
  entries_.push_back({offset, size, static_cast<uint32_t>(instructions_.size()),
                      static_cast<uint32_t>(instructions.size())});
  instructions_.insert(instructions_.end(), instructions.begin(), instructions.end());
}

std::vector<uint8_t> UnwindSection::Finish(uint64_t distance) const {
  CHECK(distance % 8 == 0) << distance;
  std::vector<uint8_t> out;
  out.reserve(64 + entries_.size() * 40 + instructions_.size());
  Writer writer(out);
  // Room for the section itself, so that every distance back to the text fits.
  const bool is_wide = distance > std::numeric_limits<int32_t>::max() / 2;

  writer.Fixed<uint32_t>(0);  // length
  writer.Fixed<uint32_t>(0);  // this is the common entry
  writer.Byte(1);             // version
  writer.Bytes({reinterpret_cast<const uint8_t*>("zR"), 3});
  writer.Uleb(format_.code_alignment);
  writer.Sleb(format_.data_alignment);
  writer.Uleb(format_.return_address_register);
  writer.Uleb(1);  // bytes of augmentation data
  writer.Byte(is_wide ? kPcRelative8 : kPcRelative4);
  writer.Bytes(format_.initial_instructions);
  writer.EndEntry(0);

  for (const Entry& entry : entries_) {
    const size_t start = out.size();
    writer.Fixed<uint32_t>(0);                                 // length
    writer.Fixed<uint32_t>(static_cast<uint32_t>(start) + 4);  // back to the common entry
    const int64_t to_code = int64_t{entry.offset} - static_cast<int64_t>(distance + out.size());
    if (is_wide) {
      writer.Fixed<int64_t>(to_code);
      writer.Fixed<uint64_t>(entry.size);
    } else {
      writer.Fixed<int32_t>(static_cast<int32_t>(to_code));
      writer.Fixed<uint32_t>(entry.size);
    }
    writer.Uleb(0);  // bytes of augmentation data
    writer.Bytes(absl::MakeConstSpan(instructions_).subspan(entry.first, entry.count));
    writer.EndEntry(start);
  }
  writer.Fixed<uint32_t>(0);
  return out;
}

}  // namespace gantry::cranelift
