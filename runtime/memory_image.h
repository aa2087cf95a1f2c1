// MemoryImage: what a linear memory starts as, as pages of a file that memories map privately:
// nothing is copied but the pages that a guest writes.
//
//   std::shared_ptr<ImageFile> file = ImageFile::Create();
//   ASSIGN_OR_RETURN(auto image, file->Add(offset, size, {{1024, bytes}}));
//   RETURN_IF_ERROR(image->MapInto(memory_base));      // copy on write
//
// One file in memory (memfd) holds all images of an engine. An image's range of it is never used
// for another, and its memory is given back with the image.
#ifndef GANTRY_RUNTIME_MEMORY_IMAGE_H_
#define GANTRY_RUNTIME_MEMORY_IMAGE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/mmap.h"

namespace gantry::runtime {

class ImageFile;

class MemoryImage {
 public:
  ~MemoryImage();
  MemoryImage(const MemoryImage&) = delete;
  MemoryImage& operator=(const MemoryImage&) = delete;

  // Differs from every other image's of the process, dead ones included; never 0.
  uint64_t id() const { return id_; }
  // Where it lies in the memory: whole pages of the host. All else of the memory is zero.
  uint64_t offset() const { return offset_; }
  uint64_t end() const { return offset_ + bytes_.size(); }
  // Its bytes, readable for as long as it lives.
  absl::Span<const uint8_t> bytes() const {
    return absl::MakeConstSpan(bytes_.data(), bytes_.size());
  }
  // Copies what is not zero into the memory at `base`, where all is zero.
  void CopyInto(uint8_t* base) const;
  // Maps it over its place in the memory at `base`, readable and writable there, copied on
  // write. Error: kResourceExhausted, and the mapping is as before.
  absl::Status MapInto(uint8_t* base) const;

 private:
  friend class ImageFile;
  struct Written {
    uint64_t offset;  // in the memory
    uint64_t size;
  };

  MemoryImage(std::shared_ptr<ImageFile> file, uint64_t id, uint64_t offset, uint64_t position,
              Mmap bytes, std::vector<Written> written);

  const std::shared_ptr<ImageFile> file_;
  const uint64_t id_;
  const uint64_t offset_;
  const uint64_t position_;
  const Mmap bytes_;
  const std::vector<Written> written_;
};

// Safe to use from any number of threads.
class ImageFile : public std::enable_shared_from_this<ImageFile> {
 public:
  // The file is made for the first image.
  static std::shared_ptr<ImageFile> Create() { return std::shared_ptr<ImageFile>(new ImageFile()); }
  ~ImageFile();
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;

  struct Piece {
    uint64_t offset;  // in the memory
    absl::Span<const uint8_t> bytes;
  };
  // An image of `size` bytes at `offset` of a memory, both whole pages of the host, size not 0.
  // Zero where no piece lies; later pieces overwrite earlier ones; all lie inside. Error:
  // kResourceExhausted where the host has no memory or no file for it.
  absl::StatusOr<std::shared_ptr<const MemoryImage>> Add(uint64_t offset, uint64_t size,
                                                         absl::Span<const Piece> pieces);

 private:
  friend class MemoryImage;
  ImageFile() = default;
  void Release(uint64_t position, uint64_t size);

  std::mutex mutex_;
  int file_ = -1;
  uint64_t size_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MEMORY_IMAGE_H_
