// Reads the primitives of the binary format from a slice of a module: bytes, LEB128
// integers, names. A read returns false once something is wrong; the first error, with its
// module offset, is kept.
//
//   BinaryReader reader(bytes, offset_of_bytes_in_module);
//   uint32_t count;
//   if (!reader.VarU32(&count)) return reader.status();
//
// (WebAssembly 3.0, "Binary Format", values.)
#ifndef GANTRY_WASM_TRANSLATE_BINARY_READER_H_
#define GANTRY_WASM_TRANSLATE_BINARY_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::wasm {

// A LEB128 integer and where the bytes go on after it; null where there is no answer.
struct Leb128 {
  uint64_t value = 0;
  const uint8_t* next = nullptr;
};

// The integer of two to eight bytes at `position`, in straight code: the lengths of
// integers in code are what a branch predictor knows least. No answer, which says nothing
// of the bytes, where fewer than eight are left, where the integer is longer, and where it
// does not fit `bits`; BinaryReader decides those one byte at a time.
Leb128 UnsignedLeb128(int bits, const uint8_t* position, const uint8_t* end);
// The same, sign-extended to 64 bits.
Leb128 SignedLeb128(int bits, const uint8_t* position, const uint8_t* end);

class BinaryReader {
 public:
  BinaryReader() = default;
  BinaryReader(absl::Span<const uint8_t> bytes, uint64_t offset)
      : begin_(bytes.data()),
        position_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        base_(offset) {}

  bool done() const { return position_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - position_); }
  // Module offset of the next byte.
  uint64_t offset() const { return OffsetOf(position_); }
  const uint8_t* position() const { return position_; }
  const uint8_t* end() const { return end_; }
  // Moves to a position among the reader's bytes.
  void set_position(const uint8_t* position) { position_ = position; }
  // Module offset of a position among the reader's bytes.
  uint64_t OffsetOf(const uint8_t* position) const {
    return base_ + static_cast<uint64_t>(position - begin_);
  }

  bool U8(uint8_t* out) {
    *out = 0;
    if (ABSL_PREDICT_FALSE(position_ == end_)) return FailAtEnd();
    *out = *position_++;
    return true;
  }
  // The next byte, which stays. Only where not done().
  uint8_t Peek() const { return *position_; }

  bool VarU32(uint32_t* out) {
    if (ABSL_PREDICT_TRUE(position_ != end_ && *position_ < 0x80)) {
      *out = *position_++;
      return true;
    }
    uint64_t value;
    if (!SlowUnsigned(32, &value)) return false;
    *out = static_cast<uint32_t>(value);
    return true;
  }
  bool VarU64(uint64_t* out) {
    if (ABSL_PREDICT_TRUE(position_ != end_ && *position_ < 0x80)) {
      *out = *position_++;
      return true;
    }
    return SlowUnsigned(64, out);
  }
  bool VarS32(int32_t* out) {
    int64_t value;
    if (!Signed(32, &value)) return false;
    *out = static_cast<int32_t>(value);
    return true;
  }
  // As VarS32, sign-extended.
  bool VarS32As64(int64_t* out) { return Signed(32, out); }
  // 33 bits: a type index, or below zero a code.
  bool VarS33(int64_t* out) { return Signed(33, out); }
  bool VarS64(int64_t* out) { return Signed(64, out); }

  // Four and eight bytes, little-endian.
  bool Fixed32(uint32_t* out) { return Fixed(out); }
  bool Fixed64(uint64_t* out) { return Fixed(out); }

  // The next `count` bytes, not copied.
  bool Bytes(uint64_t count, absl::Span<const uint8_t>* out);
  // A length and as many bytes of UTF-8, not copied.
  bool Name(absl::string_view* out);
  // A number of entries of which each takes at least one byte here, and at most `limit`;
  // `what` names them in the message.
  bool Count(uint32_t limit, absl::string_view what, uint32_t* out);

  // Keeps the error unless there is one already. Returns false.
  bool Fail(uint64_t offset, absl::string_view message) {
    KeepError(offset, message);
    return false;
  }
  // The same for what needs a feature that is off (UnsupportedAt).
  bool FailUnsupported(uint64_t offset, absl::string_view message);
  bool FailAtEnd() { return Fail(offset(), "unexpected end of section or function"); }
  // The error of a reader of part of the same bytes.
  void TakeError(const BinaryReader& other) {
    if (status_.ok()) status_ = other.status_;
  }
  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  ABSL_ATTRIBUTE_COLD void KeepError(uint64_t offset, absl::string_view message);
  bool Signed(int bits, int64_t* out) {
    if (ABSL_PREDICT_TRUE(position_ != end_ && *position_ < 0x80)) {
      *out = static_cast<int64_t>(static_cast<uint64_t>(*position_++) << 57) >> 57;
      return true;
    }
    return SlowSigned(bits, out);
  }
  bool SlowUnsigned(int bits, uint64_t* out);
  bool SlowSigned(int bits, int64_t* out);

  template <typename T>
  bool Fixed(T* out) {
    *out = 0;
    if (ABSL_PREDICT_FALSE(remaining() < sizeof(T))) {
      position_ = end_;
      return FailAtEnd();
    }
    std::memcpy(out, position_, sizeof(T));
    position_ += sizeof(T);
    return true;
  }

  const uint8_t* begin_ = nullptr;
  const uint8_t* position_ = nullptr;
  const uint8_t* end_ = nullptr;
  uint64_t base_ = 0;
  absl::Status status_;
};

// Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7).
bool IsValidUtf8(absl::Span<const uint8_t> bytes);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_BINARY_READER_H_
