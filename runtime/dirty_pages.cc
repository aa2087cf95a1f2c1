#include "runtime/dirty_pages.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace gantry::runtime {
namespace {

// As in <linux/fs.h> from 6.7 on, which the headers of older systems lack.
struct ScanArguments {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t ranges;
  uint64_t ranges_length;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_any_of_mask;
  uint64_t return_mask;
};
struct ScanRange {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
constexpr uint64_t kIsFile = 1 << 2;
constexpr uint64_t kIsPresent = 1 << 3;
constexpr uint64_t kIsSwapped = 1 << 4;
constexpr uint64_t kIsZeroPage = 1 << 5;

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

constexpr size_t kMostRanges = 32;
constexpr int kNotOpened = -1;

int OpenPagemap() { return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC); }

}  // namespace

std::unique_ptr<DirtyPages> DirtyPages::Open() {
  const size_t page = HostPageSize();
  absl::StatusOr<Mmap> witness = Mmap::Allocate(page);
  if (!witness.ok() || madvise(witness->data(), page, MADV_WIPEONFORK) != 0) return nullptr;
  *witness->data() = 1;
  std::unique_ptr<DirtyPages> dirty(new DirtyPages(*std::move(witness)));
  dirty->file_ = OpenPagemap();
  return dirty->file_ >= 0 && dirty->TellsRight() ? std::move(dirty) : nullptr;
}

DirtyPages::DirtyPages(Mmap witness) : witness_(std::move(witness)) {
  for (std::atomic<int>& other : files_) other.store(kNotOpened, std::memory_order_relaxed);
}

DirtyPages::~DirtyPages() {
  for (const std::atomic<int>& other : files_) {
    const int file = other.load(std::memory_order_relaxed);
    if (file >= 0 && file != file_) close(file);
  }
  if (file_ >= 0) close(file_);
}

// The file of the calling thread's shard; the first one where there is none to be had.
int DirtyPages::FileHere() const {
  std::atomic<int>& here = files_[HomeShard()];
  int file = here.load(std::memory_order_acquire);
  if (file != kNotOpened) return file;
  const int opened = OpenPagemap();
  const int wanted = opened < 0 ? file_ : opened;
  if (here.compare_exchange_strong(file, wanted, std::memory_order_acq_rel)) return wanted;
  // Another thread of the shard was first.
  if (opened >= 0) close(opened);
  return file;
}

// Of four fresh pages the third is written; the second is read only.
bool DirtyPages::TellsRight() const {
  const size_t page = HostPageSize();
  absl::StatusOr<Mmap> pages = Mmap::Allocate(4 * page);
  if (!pages.ok()) return false;
  volatile uint8_t* const bytes = pages->data();
  static_cast<void>(bytes[page]);
  bytes[2 * page] = 1;
  Range ranges[4];
  const std::optional<Found> found = Find(pages->data(), 4 * page, absl::MakeSpan(ranges));
  const uint64_t third = reinterpret_cast<uintptr_t>(pages->data()) + 2 * page;
  return found.has_value() && found->count == 1 && found->end == pages->data() + 4 * page &&
         ranges[0].start == third && ranges[0].end == third + page;
}

std::optional<DirtyPages::Found> DirtyPages::Find(uint8_t* start, uint64_t size,
                                                  absl::Span<Range> ranges) const {
  if (*static_cast<volatile const uint8_t*>(witness_.data()) == 0) return std::nullopt;
  ScanRange found[kMostRanges];
  ScanArguments arguments = {};
  arguments.size = sizeof arguments;
  arguments.start = reinterpret_cast<uintptr_t>(start);
  arguments.end = arguments.start + size;
  arguments.ranges = reinterpret_cast<uintptr_t>(found);
  arguments.ranges_length = ranges.size() < kMostRanges ? ranges.size() : kMostRanges;
  // A written page of a private mapping is no page of a file and not the page of zeroes.
  arguments.category_inverted = kIsFile | kIsZeroPage;
  arguments.category_mask = kIsFile | kIsZeroPage;
  arguments.category_any_of_mask = kIsPresent | kIsSwapped;
  // The same for all pages asked for, so that neighbours make one range.
  arguments.return_mask = kIsFile;
  const int count = ioctl(FileHere(), kPagemapScan, &arguments);
  if (count < 0 || static_cast<size_t>(count) > ranges.size() ||
      arguments.walk_end < arguments.start || arguments.walk_end > arguments.end) {
    return std::nullopt;
  }
  for (int i = 0; i < count; ++i) ranges[i] = {found[i].start, found[i].end};
  return Found{static_cast<size_t>(count), start + (arguments.walk_end - arguments.start)};
}

}  // namespace gantry::runtime
