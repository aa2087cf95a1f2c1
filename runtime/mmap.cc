#include "runtime/mmap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace gantry::runtime {
namespace {

// What can be done about a refusal is the same for all of them: the process has run into its
// limit of address space, of memory, or of mappings.
absl::Status Exhausted(absl::string_view what, uint64_t bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the host refused to ", what, " ", bytes,
      " bytes: address space (ulimit -v), memory or mappings (vm.max_map_count) ran out"));
}

}  // namespace

size_t HostPageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::optional<uint64_t> RoundUpToPage(uint64_t bytes) {
  const uint64_t mask = HostPageSize() - 1;
  if (bytes > std::numeric_limits<uint64_t>::max() - mask) return std::nullopt;
  return (bytes + mask) & ~mask;
}

absl::StatusOr<Mmap> Mmap::Reserve(uint64_t size) {
  return Map(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

absl::StatusOr<Mmap> Mmap::Allocate(uint64_t size) {
  return Map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

absl::StatusOr<Mmap> Mmap::MapFile(int fd, uint64_t size) {
  return Map(size, PROT_READ, MAP_PRIVATE, fd);
}

absl::StatusOr<Mmap> Mmap::Map(uint64_t size, int protection, int flags, int fd) {
  if (size == 0) return Mmap();
  const std::optional<uint64_t> rounded = RoundUpToPage(size);
  if (!rounded || *rounded > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Exhausted("reserve", size);
  }
  void* base = mmap(nullptr, *rounded, protection, flags, fd, 0);
  if (base == MAP_FAILED) return Exhausted("reserve", size);
  return Mmap(static_cast<uint8_t*>(base), *rounded);
}

absl::StatusOr<Mmap> Mmap::MapFile(int file, uint64_t position, uint64_t size) {
  if (size == 0) return Mmap();
  void* base = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, static_cast<off_t>(position));
  if (base == MAP_FAILED) return Exhausted("map", size);
  return Mmap(static_cast<uint8_t*>(base), size);
}

void Mmap::CheckRange(uint64_t offset, uint64_t length) const {
  CHECK(offset <= size_ && length <= size_ - offset)
      << "[" << offset << ", +" << length << ") of " << size_;
  CHECK(offset % HostPageSize() == 0 && length % HostPageSize() == 0) << offset << " " << length;
}

absl::Status Mmap::Protect(uint64_t offset, uint64_t length, int protection) {
  CheckRange(offset, length);
  if (length == 0) return absl::OkStatus();
  if (mprotect(base_ + offset, length, protection) != 0) return Exhausted("protect", length);
  return absl::OkStatus();
}

absl::Status Mmap::MakeAccessible(uint64_t offset, uint64_t length) {
  return Protect(offset, length, PROT_READ | PROT_WRITE);
}

absl::Status Mmap::MakeInaccessible(uint64_t offset, uint64_t length) {
  return Protect(offset, length, PROT_NONE);
}

absl::Status Mmap::MakeExecutable(uint64_t offset, uint64_t length) {
  return Protect(offset, length, PROT_READ | PROT_EXEC);
}

absl::Status Mmap::MakeReadOnly(uint64_t offset, uint64_t length) {
  return Protect(offset, length, PROT_READ);
}

absl::Status Mmap::Decommit(uint64_t offset, uint64_t length) {
  CheckRange(offset, length);
  if (length == 0) return absl::OkStatus();
  if (madvise(base_ + offset, length, MADV_DONTNEED) != 0) return Exhausted("decommit", length);
  return absl::OkStatus();
}

absl::Status Mmap::MovePagesTo(Mmap& destination, uint64_t length) {
  CHECK(!is_view_);
  CheckRange(0, length);
  destination.CheckRange(0, length);
  if (length == 0) return absl::OkStatus();
  void* moved = mremap(base_, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, destination.base_);
  if (moved == MAP_FAILED) return Exhausted("move", length);
  // The range is free for anyone's next mapping from now on: never unmap it again.
  base_ += length;
  size_ -= length;
  if (size_ == 0) base_ = nullptr;
  return absl::OkStatus();
}

void Mmap::Release() {
  if (base_ == nullptr) return;
  if (is_view_) {
    base_ = nullptr;
    size_ = 0;
    return;
  }
  // Fails only for a range that is none; going on would leak or, worse, unmap another's.
  CHECK(munmap(base_, size_) == 0);
  base_ = nullptr;
  size_ = 0;
}

}  // namespace gantry::runtime
