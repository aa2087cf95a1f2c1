#include "runtime/memory_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

absl::Status Refused(absl::string_view what, uint64_t bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the host refused to ", what, " a memory image of ", bytes, " bytes"));
}

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

bool WriteAt(int file, uint64_t position, absl::Span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
    position += static_cast<uint64_t>(written);
  }
  return true;
}

}  // namespace

MemoryImage::MemoryImage(std::shared_ptr<ImageFile> file, uint64_t id, uint64_t offset,
                         uint64_t position, Mmap bytes, std::vector<Written> written)
    : file_(std::move(file)),
      id_(id),
      offset_(offset),
      position_(position),
      bytes_(std::move(bytes)),
      written_(std::move(written)) {}

MemoryImage::~MemoryImage() { file_->Release(position_, bytes_.size()); }

void MemoryImage::CopyInto(uint8_t* base) const {
  for (const Written& written : written_) {
    std::memcpy(base + written.offset, bytes_.data() + (written.offset - offset_), written.size);
  }
}

absl::Status MemoryImage::MapInto(uint8_t* base) const {
  // The file's descriptor does not change while there is an image.
  void* const mapped =
      mmap(base + offset_, bytes_.size(), PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file_->file_, static_cast<off_t>(position_));
  return mapped == MAP_FAILED ? Refused("map", bytes_.size()) : absl::OkStatus();
}

ImageFile::~ImageFile() {
  if (file_ >= 0) close(file_);
}

absl::StatusOr<std::shared_ptr<const MemoryImage>> ImageFile::Add(uint64_t offset, uint64_t size,
                                                                  absl::Span<const Piece> pieces) {
  CHECK(size > 0 && offset % HostPageSize() == 0 && size % HostPageSize() == 0)
      << offset << " " << size;
  constexpr uint64_t kMostBytes = uint64_t{1} << 62;
  std::lock_guard<std::mutex> lock(mutex_);
  if (file_ < 0) {
    file_ = memfd_create("gantry memory images", MFD_CLOEXEC);
    if (file_ < 0) return Refused("make a file for", size);
  }
  std::vector<MemoryImage::Written> written;
  written.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    if (!piece.bytes.empty()) written.push_back({piece.offset, piece.bytes.size()});
  }
  const uint64_t position = size_;
  if (size > kMostBytes - position || ftruncate(file_, static_cast<off_t>(position + size)) != 0) {
    return Refused("make room for", size);
  }
  // Never used again, whatever fails from here on.
  size_ = position + size;
  const auto write_all = [&] {
    for (const Piece& piece : pieces) {
      CHECK(piece.offset >= offset && piece.offset - offset <= size &&
            piece.bytes.size() <= size - (piece.offset - offset))
          << piece.offset << " " << piece.bytes.size();
      if (!WriteAt(file_, position + (piece.offset - offset), piece.bytes)) return false;
    }
    return true;
  };
  absl::StatusOr<Mmap> bytes = Refused("write", size);
  if (write_all()) bytes = Mmap::MapFile(file_, position, size);
  if (!bytes.ok()) {
    Release(position, size);
    return bytes.status();
  }
  return std::shared_ptr<const MemoryImage>(new MemoryImage(
      shared_from_this(), NextId(), offset, position, *std::move(bytes), std::move(written)));
}

// No mapping of the range is left: whoever has one holds the image. A host that can't punch holes
// keeps the memory until the file is closed.
void ImageFile::Release(uint64_t position, uint64_t size) {
  static_cast<void>(fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(position), static_cast<off_t>(size)));
}

}  // namespace gantry::runtime
