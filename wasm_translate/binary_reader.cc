#include "wasm_translate/binary_reader.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "wasm_translate/error.h"

namespace gantry::wasm {

namespace {

// The first `length` bytes of eight, seven bits of each, put together.
uint64_t Compact(uint64_t bytes, int length) {
  bytes &= ~uint64_t{0} >> (64 - 8 * length);
  bytes = (bytes & 0x007F007F007F007F) | (bytes & 0x7F007F007F007F00) >> 1;
  bytes = (bytes & 0x00003FFF00003FFF) | (bytes & 0x3FFF00003FFF0000) >> 2;
  return (bytes & 0x000000000FFFFFFF) | (bytes & 0x0FFFFFFF00000000) >> 4;
}

// How many of eight bytes the integer at their front takes; 0 where it takes more.
int LengthOfLeb128(uint64_t bytes) {
  const uint64_t last = ~bytes & 0x8080808080808080;
  return last == 0 ? 0 : std::countr_zero(last) / 8 + 1;
}

}  // namespace

Leb128 UnsignedLeb128(int bits, const uint8_t* position, const uint8_t* end) {
  uint64_t bytes;
  if (static_cast<size_t>(end - position) < sizeof(bytes)) return {};
  std::memcpy(&bytes, position, sizeof(bytes));
  const int length = LengthOfLeb128(bytes);
  if (length == 0) return {};
  const uint64_t value = Compact(bytes, length);
  if (length > (bits + 6) / 7 || (bits < 64 && value >> bits != 0)) return {};
  return {value, position + length};
}

Leb128 SignedLeb128(int bits, const uint8_t* position, const uint8_t* end) {
  uint64_t bytes;
  if (static_cast<size_t>(end - position) < sizeof(bytes)) return {};
  std::memcpy(&bytes, position, sizeof(bytes));
  const int length = LengthOfLeb128(bytes);
  if (length == 0) return {};
  const int unused = 64 - 7 * length;
  const int64_t value = static_cast<int64_t>(Compact(bytes, length) << unused) >> unused;
  const int64_t sign = value >> (bits - 1);
  if (length > (bits + 6) / 7 || (sign != 0 && sign != -1)) return {};
  return {static_cast<uint64_t>(value), position + length};
}

void BinaryReader::KeepError(uint64_t offset, absl::string_view message) {
  if (status_.ok()) status_ = ErrorAt(offset, message);
}

bool BinaryReader::FailUnsupported(uint64_t offset, absl::string_view message) {
  if (status_.ok()) status_ = UnsupportedAt(offset, message);
  return false;
}

bool BinaryReader::SlowUnsigned(int bits, uint64_t* out) {
  const Leb128 quick = UnsignedLeb128(bits, position_, end_);
  *out = quick.value;
  if (ABSL_PREDICT_TRUE(quick.next != nullptr)) {
    position_ = quick.next;
    return true;
  }
  const uint64_t start = offset();
  const int max_bytes = (bits + 6) / 7;
  uint64_t value = 0;
  for (int i = 0; i < max_bytes; ++i) {
    if (position_ == end_) return FailAtEnd();
    const uint8_t byte = *position_++;
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    const bool last = i == max_bytes - 1;
    if (last && (byte & 0x80) != 0) return Fail(start, "integer representation too long");
    if (last && (byte >> (bits - 7 * i)) != 0) return Fail(start, "integer too large");
    if ((byte & 0x80) == 0) break;
  }
  *out = value;
  return true;
}

bool BinaryReader::SlowSigned(int bits, int64_t* out) {
  const Leb128 quick = SignedLeb128(bits, position_, end_);
  *out = static_cast<int64_t>(quick.value);
  if (ABSL_PREDICT_TRUE(quick.next != nullptr)) {
    position_ = quick.next;
    return true;
  }
  const uint64_t start = offset();
  const int max_bytes = (bits + 6) / 7;
  uint64_t value = 0;
  int shift = 0;
  for (int i = 0; i < max_bytes; ++i) {
    if (position_ == end_) return FailAtEnd();
    const uint8_t byte = *position_++;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if (i == max_bytes - 1) {
      if ((byte & 0x80) != 0) return Fail(start, "integer representation too long");
      // The bits of the last byte beyond the integer's must all equal its sign.
      const int used = bits - 7 * i;
      const uint8_t top = static_cast<uint8_t>((byte & 0x7F) >> (used - 1));
      if (top != 0 && top != (0x7F >> (used - 1))) return Fail(start, "integer too large");
    }
    if ((byte & 0x80) == 0) break;
  }
  if (shift < 64) {
    value = static_cast<uint64_t>(static_cast<int64_t>(value << (64 - shift)) >> (64 - shift));
  }
  *out = static_cast<int64_t>(value);
  return true;
}

bool BinaryReader::Bytes(uint64_t count, absl::Span<const uint8_t>* out) {
  if (count > remaining()) return Fail(offset(), "unexpected end of section or function");
  *out = absl::MakeConstSpan(position_, static_cast<size_t>(count));
  position_ += count;
  return true;
}

bool BinaryReader::Name(absl::string_view* out) {
  uint32_t length;
  if (!VarU32(&length)) return false;
  const uint64_t start = offset();
  if (length > remaining()) return Fail(start, "length out of bounds");
  absl::Span<const uint8_t> bytes;
  if (!Bytes(length, &bytes)) return false;
  if (!IsValidUtf8(bytes)) return Fail(start, "malformed UTF-8 encoding");
  *out = absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return true;
}

bool BinaryReader::Count(uint32_t limit, absl::string_view what, uint32_t* out) {
  const uint64_t start = offset();
  if (!VarU32(out)) return false;
  if (*out > limit) {
    return Fail(start, absl::StrCat("too many ", what, ": ", *out, ", the limit is ", limit));
  }
  if (*out > remaining()) return Fail(start, "length out of bounds");
  return true;
}

bool IsValidUtf8(absl::Span<const uint8_t> bytes) {
  const size_t size = bytes.size();
  size_t i = 0;
  auto continuation = [&](size_t at, uint8_t low, uint8_t high) {
    return at < size && bytes[at] >= low && bytes[at] <= high;
  };
  while (i < size) {
    const uint8_t lead = bytes[i];
    if (lead < 0x80) {
      ++i;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      if (!continuation(i + 1, 0x80, 0xBF)) return false;
      i += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
      const uint8_t high = lead == 0xED ? 0x9F : 0xBF;
      if (!continuation(i + 1, low, high) || !continuation(i + 2, 0x80, 0xBF)) return false;
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
      const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
      if (!continuation(i + 1, low, high) || !continuation(i + 2, 0x80, 0xBF) ||
          !continuation(i + 3, 0x80, 0xBF)) {
        return false;
      }
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace gantry::wasm
