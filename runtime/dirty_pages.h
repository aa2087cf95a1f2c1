// DirtyPages: which pages of private mappings the process has written, asked of the host.
//
//   std::unique_ptr<DirtyPages> dirty = DirtyPages::Open();    // null where the host can't tell
//   DirtyPages::Range ranges[16];
//   std::optional<DirtyPages::Found> found = dirty->Find(base, size, ranges);
//
// A page that is not reported reads as its mapping had it at first: zero, or the mapped file's
// bytes. A page stays written until its memory is given back to the host. (Linux, PAGEMAP_SCAN.)
// Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_DIRTY_PAGES_H_
#define GANTRY_RUNTIME_DIRTY_PAGES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/types/span.h"
#include "runtime/home_shard.h"
#include "runtime/mmap.h"

namespace gantry::runtime {

class DirtyPages {
 public:
  // Whole pages.
  struct Range {
    uint64_t start;
    uint64_t end;
  };
  struct Found {
    // So many of the array's ranges are filled in, in ascending order.
    size_t count = 0;
    // Up to here all was looked at; less than the end where the array was too short.
    uint8_t* end = nullptr;
  };

  // Null where the host cannot tell, which is tried out.
  static std::unique_ptr<DirtyPages> Open();
  ~DirtyPages();
  DirtyPages(const DirtyPages&) = delete;
  DirtyPages& operator=(const DirtyPages&) = delete;

  // The written pages of `size` bytes from `start`, both whole pages, all of private mappings.
  // Nothing where the host did not answer, as in a child that was forked: any page may be written.
  std::optional<Found> Find(uint8_t* start, uint64_t size, absl::Span<Range> ranges) const;

 private:
  explicit DirtyPages(Mmap witness);
  bool TellsRight() const;
  int FileHere() const;

  // The page table that it shows is that of the process that opened it. Others of the same for
  // threads of the other shards, opened when they ask, since the host counts the users of a file.
  int file_ = -1;
  mutable std::array<std::atomic<int>, kThreadShards> files_;
  // The process that opened it is the one in which this page is not zero.
  const Mmap witness_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_DIRTY_PAGES_H_
