// Tested by //cranelift_shared:unwind_section_test, module_test and object_test.
#include "codegen/eh_frame.h"

#include <cstring>

#include "base/check.h"

namespace gantry::codegen {
namespace {

// DW_EH_PE_pcrel with DW_EH_PE_sdata4 or DW_EH_PE_sdata8.
constexpr uint8_t kPcRelative4 = 0x1B;
constexpr uint8_t kPcRelative8 = 0x1C;
constexpr uint8_t kNop = 0;  // DW_CFA_nop

class Bytes {
 public:
  explicit Bytes(std::vector<uint8_t>& out) : out_(out) {}

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
  void Append(absl::Span<const uint8_t> bytes) {
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

EhFrameWriter::EhFrameWriter(const UnwindFormat& format, bool is_wide, std::vector<uint8_t>* out)
    : is_wide_(is_wide), out_(*out) {
  CHECK(out_.empty());
  Bytes bytes(out_);
  bytes.Fixed<uint32_t>(0);  // length
  bytes.Fixed<uint32_t>(0);  // this is the common entry
  bytes.Byte(1);             // version
  bytes.Byte('z');
  bytes.Byte('R');
  for (const char* at = format.augmentation; *at != 0; ++at) bytes.Byte(static_cast<uint8_t>(*at));
  bytes.Byte(0);
  bytes.Uleb(format.code_alignment);
  bytes.Sleb(format.data_alignment);
  bytes.Uleb(format.return_address_register);
  bytes.Uleb(1);  // bytes of augmentation data
  bytes.Byte(is_wide ? kPcRelative8 : kPcRelative4);
  bytes.Append(format.initial_instructions);
  bytes.EndEntry(0);
}

size_t EhFrameWriter::AddFunction(uint64_t size, absl::Span<const uint8_t> instructions) {
  Bytes bytes(out_);
  const size_t start = out_.size();
  bytes.Fixed<uint32_t>(0);                                 // length
  bytes.Fixed<uint32_t>(static_cast<uint32_t>(start) + 4);  // back to the common entry
  const size_t field = out_.size();
  if (is_wide_) {
    bytes.Fixed<int64_t>(0);
    bytes.Fixed<uint64_t>(size);
  } else {
    bytes.Fixed<int32_t>(0);
    bytes.Fixed<uint32_t>(static_cast<uint32_t>(size));
  }
  bytes.Uleb(0);  // bytes of augmentation data
  bytes.Append(instructions);
  bytes.EndEntry(start);
  return field;
}

void EhFrameWriter::Finish() { Bytes(out_).Fixed<uint32_t>(0); }

}  // namespace gantry::codegen
