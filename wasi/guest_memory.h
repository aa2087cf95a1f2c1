// GuestMemory: a view of one linear memory, with every access by 32-bit guest address
// checked. It owns nothing; it is made anew for each call, since memories move and grow.
//
//   GuestMemory memory(absl::MakeSpan(bytes));
//   ASSIGN_OR_RETURN(uint32_t length, memory.Load<uint32_t>(address));
//
// A guest can change its memory at any time through overlapping buffers (and, with shared
// memories, other threads): a value is loaded once, checked, and only the copy used.
#ifndef GANTRY_WASI_GUEST_MEMORY_H_
#define GANTRY_WASI_GUEST_MEMORY_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/types/span.h"
#include "wasi/errno.h"

namespace gantry::wasi {

static_assert(std::endian::native == std::endian::little,
              "guest integers are copied as they are: this needs a little-endian host");

class GuestMemory {
 public:
  // `bytes` may be up to 4 GiB; addresses beyond its end are faults.
  explicit GuestMemory(absl::Span<uint8_t> bytes) : bytes_(bytes) {}

  uint64_t size() const { return bytes_.size(); }

  // The `length` bytes at `address`; kFault when any of them lies outside. An empty range is
  // inside up to and including the end of the memory.
  ErrnoOr<absl::Span<uint8_t>> Range(uint32_t address, uint64_t length) const {
    // Both sides fit in 64 bits: address < 2^32 and a length that would overflow exceeds size().
    if (length > bytes_.size() || address > bytes_.size() - length) return Errno::kFault;
    return bytes_.subspan(address, length);
  }

  // The bytes of `count` records of `record_size` at `address`.
  ErrnoOr<absl::Span<uint8_t>> Array(uint32_t address, uint32_t count, uint32_t record_size) const {
    return Range(address, uint64_t{count} * record_size);
  }

  template <typename T>
  ErrnoOr<T> Load(uint32_t address) const {
    static_assert(std::is_unsigned_v<T>);
    ErrnoOr<absl::Span<uint8_t>> range = Range(address, sizeof(T));
    if (!range.ok()) return range.status();
    return LoadFrom<T>(*range, 0);
  }

  template <typename T>
  Errno Store(uint32_t address, T value) const {
    ErrnoOr<absl::Span<uint8_t>> range = Range(address, sizeof(T));
    if (!range.ok()) return range.status();
    StoreTo<T>(*range, 0, value);
    return Errno::kSuccess;
  }

  // Field access inside a range that was checked before; CHECKs that the field lies inside.
  template <typename T>
  static T LoadFrom(absl::Span<const uint8_t> record, uint32_t offset) {
    static_assert(std::is_unsigned_v<T>);
    CHECK(offset + sizeof(T) <= record.size());
    T value;
    std::memcpy(&value, record.data() + offset, sizeof(T));
    return value;
  }
  template <typename T>
  static void StoreTo(absl::Span<uint8_t> record, uint32_t offset, std::type_identity_t<T> value) {
    static_assert(std::is_unsigned_v<T>);
    CHECK(offset + sizeof(T) <= record.size());
    std::memcpy(record.data() + offset, &value, sizeof(T));
  }

 private:
  absl::Span<uint8_t> bytes_;
};

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_GUEST_MEMORY_H_
