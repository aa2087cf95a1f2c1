// Mmap: address space that is reserved first and made accessible piece by piece.
//
//   ASSIGN_OR_RETURN(Mmap reservation, Mmap::Reserve(4ull << 30));
//   RETURN_IF_ERROR(reservation.MakeAccessible(0, 65536));
//
// All offsets and lengths are multiples of the host's page size (HostPageSize, RoundUpToPage).
// Every failure of the host is kResourceExhausted saying how much was asked for; nothing has
// changed then.
#ifndef GANTRY_RUNTIME_MMAP_H_
#define GANTRY_RUNTIME_MMAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gantry::runtime {

size_t HostPageSize();

// The next multiple of the host's page size; nothing where that does not fit 64 bits.
std::optional<uint64_t> RoundUpToPage(uint64_t bytes);

class Mmap {
 public:
  // No address space.
  Mmap() = default;
  ~Mmap() { Release(); }
  Mmap(Mmap&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        is_view_(other.is_view_) {}
  Mmap& operator=(Mmap&& other) noexcept {
    if (this != &other) {
      Release();
      base_ = std::exchange(other.base_, nullptr);
      size_ = std::exchange(other.size_, 0);
      is_view_ = other.is_view_;
    }
    return *this;
  }

  // Address space that faults on every access. Zero bytes give an empty Mmap.
  static absl::StatusOr<Mmap> Reserve(uint64_t size);
  // Zeroed memory that can be read and written.
  static absl::StatusOr<Mmap> Allocate(uint64_t size);
  // A range of a file, to be read; it shows what the file holds now and later.
  static absl::StatusOr<Mmap> MapFile(int file, uint64_t position, uint64_t size);
  // A part of what another Mmap holds, which must outlive it.
  static Mmap View(uint8_t* base, uint64_t size) {
    Mmap view(base, size);
    view.is_view_ = true;
    return view;
  }

  // The first `size` bytes of a file, to be read; what is behind its end in the last page is zero.
  // The file may be closed, but must not be changed or cut while this lives.
  static absl::StatusOr<Mmap> MapFile(int fd, uint64_t size);

  uint8_t* data() const { return base_; }
  uint64_t size() const { return size_; }
  bool Contains(const void* address) const {
    const uint8_t* byte = static_cast<const uint8_t*>(address);
    return byte >= base_ && byte < base_ + size_;
  }

  // Lets a range be read and written; pages not touched before read as zero.
  absl::Status MakeAccessible(uint64_t offset, uint64_t length);
  // Makes a range fault again; its contents are kept.
  absl::Status MakeInaccessible(uint64_t offset, uint64_t length);
  // From now on the range can be read and executed, not written.
  absl::Status MakeExecutable(uint64_t offset, uint64_t length);
  // From now on the range can only be read.
  absl::Status MakeReadOnly(uint64_t offset, uint64_t length);
  // Gives the range's memory back: it reads as zero.
  absl::Status Decommit(uint64_t offset, uint64_t length);

  // Moves the pages of the first `length` bytes, which must be accessible, to the start of
  // `destination` without copying; not for a view. What was behind them is all that is left here.
  // On an error both are as before.
  absl::Status MovePagesTo(Mmap& destination, uint64_t length);

 private:
  Mmap(uint8_t* base, uint64_t size) : base_(base), size_(size) {}
  static absl::StatusOr<Mmap> Map(uint64_t size, int protection, int flags, int fd);
  absl::Status Protect(uint64_t offset, uint64_t length, int protection);
  void CheckRange(uint64_t offset, uint64_t length) const;
  void Release();

  uint8_t* base_ = nullptr;
  uint64_t size_ = 0;
  bool is_view_ = false;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MMAP_H_
