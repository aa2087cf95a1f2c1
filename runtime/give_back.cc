#include "runtime/give_back.h"

#include <sys/mman.h>

#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

// As pools use it: reserved, made accessible, written, given back.
bool HostTakesPages() {
  const uint64_t page = HostPageSize();
  absl::StatusOr<Mmap> pages = Mmap::Reserve(2 * page);
  if (!pages.ok() || !pages->MakeAccessible(0, page).ok()) return false;
  volatile uint8_t* const byte = pages->data();
  *byte = 1;
  return madvise(pages->data(), page, MADV_DONTNEED) == 0 && *byte == 0;
}

}  // namespace

bool GiveBack(uint8_t* start, uint64_t size) {
  static const bool host_takes_pages = HostTakesPages();
  return size == 0 || (host_takes_pages && madvise(start, size, MADV_DONTNEED) == 0);
}

}  // namespace gantry::runtime
