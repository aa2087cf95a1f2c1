#include "runtime/memory_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/give_back.h"
#include "runtime/zero_bytes.h"

namespace gantry::runtime {
namespace {

// Affinity of slots without an image: images have other ids.
constexpr uint64_t kNoImage = 0;

// Comparing so much takes about as long as asking the host.
constexpr uint64_t kMostCompared = uint64_t{64} << 10;

uint64_t AffinityOf(const std::shared_ptr<const MemoryImage>& image) {
  return image == nullptr ? kNoImage : image->id();
}

// Fresh private memory over what is there, which reads as zero.
bool MapFresh(uint8_t* start, uint64_t size, int protection) {
  return size == 0 ||
         mmap(start, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
              0) != MAP_FAILED;
}

absl::Status HostRefused(uint64_t bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the host refused to prepare a pooled memory of ", bytes,
                   " bytes: memory or mappings (vm.max_map_count) ran out"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MemoryPool>> MemoryPool::Create(const Options& options) {
  CHECK(options.max_bytes <= options.reservation) << options.max_bytes;
  CHECK(options.max_bytes % HostPageSize() == 0 && options.reservation % HostPageSize() == 0 &&
        options.guard % HostPageSize() == 0)
      << options.max_bytes << " " << options.reservation << " " << options.guard;
  constexpr uint64_t kMost = uint64_t{1} << 47;
  if (options.reservation > kMost || options.guard > kMost ||
      options.slots > kMost / std::max<uint64_t>(1, options.reservation + options.guard)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a pool of ", options.slots, " memories with ", options.reservation,
                     " bytes reserved for each does not fit the address space"));
  }
  ASSIGN_OR_RETURN(Mmap memory,
                   Mmap::Reserve(options.slots * (options.reservation + options.guard)));
  return std::unique_ptr<MemoryPool>(new MemoryPool(options, std::move(memory)));
}

MemoryPool::MemoryPool(const Options& options, Mmap memory)
    : options_(options),
      stride_(options.reservation + options.guard),
      memory_(std::move(memory)),
      dirty_pages_(options.keep_resident > 0 ? DirtyPages::Open() : nullptr),
      index_(options.slots, options.most_warm),
      slots_(options.slots) {}

MemoryPool::~MemoryPool() = default;

absl::StatusOr<MemorySpace> MemoryPool::Take(const wasm::MemoryType& type,
                                             const environ::MemoryPlan& plan,
                                             const MemoryOptions& options,
                                             const std::shared_ptr<const MemoryImage>& image) {
  ASSIGN_OR_RETURN(const uint64_t minimum, MemorySpace::MinimumBytes(type, options));
  if (minimum > options_.max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a memory of ", minimum, " bytes is over the pool's max_memory_size of ",
                     options_.max_bytes, " bytes"));
  }
  // Code without checks relies on all of it; other code on the guard alone.
  const bool relies_on_reservation = plan.bounds == environ::MemoryPlan::Bounds::kNone;
  const bool relies_on_guard = plan.bounds != environ::MemoryPlan::Bounds::kExplicit;
  if ((relies_on_reservation && plan.reservation > options_.reservation) ||
      (relies_on_guard && plan.guard > options_.guard)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the module was compiled for memories with ", plan.ToString(), "; the pool reserves ",
        options_.reservation, " bytes for each, with a guard of ", options_.guard));
  }
  const std::optional<uint32_t> number = index_.Take(AffinityOf(image));
  if (!number.has_value()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("all memories of the pool are in use: total_memories is ", options_.slots));
  }
  // The slot is not lost where making an error's text runs out of memory.
  struct Unprepared {
    ~Unprepared() {
      if (pool != nullptr) pool->GiveOrLose(number, /*is_pristine=*/false);
    }
    MemoryPool* pool;
    const uint32_t number;
  } unprepared{this, *number};
  RETURN_IF_ERROR(Prepare(*number, RoundUpToPage(minimum).value(), image));
  unprepared.pool = nullptr;
  MemorySlot slot;
  slot.owner = this;
  slot.number = *number;
  slot.base = BaseOf(*number);
  slot.size = stride_;
  slot.max_bytes = options_.max_bytes;
  slot.accessible = slots_[*number].accessible;
  return MemorySpace::OfSlot(type, plan, options, slot);
}

// From a pristine slot to another pristine one: with this image and so many bytes.
absl::Status MemoryPool::Prepare(uint32_t number, uint64_t bytes,
                                 const std::shared_ptr<const MemoryImage>& image) {
  Slot& slot = slots_[number];
  uint8_t* const base = BaseOf(number);
  if (slot.image != nullptr && slot.image != image) {
    if (!MapFresh(base + slot.image->offset(), slot.image->bytes().size(),
                  PROT_READ | PROT_WRITE)) {
      return HostRefused(bytes);
    }
    slot.image = nullptr;
  }
  if (bytes != slot.accessible) {
    const uint64_t low = std::min(bytes, slot.accessible);
    const uint64_t high = std::max(bytes, slot.accessible);
    const int protection = bytes > slot.accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
    if (mprotect(base + low, high - low, protection) != 0) return HostRefused(bytes);
    slot.accessible = bytes;
  }
  if (image != nullptr && slot.image == nullptr) {
    CHECK(image->end() <= bytes) << image->end() << " of " << bytes;
    RETURN_IF_ERROR(image->MapInto(base));
    slot.image = image;
  }
  return absl::OkStatus();
}

void MemoryPool::TakeBackMemory(uint32_t number, uint64_t accessible) {
  slots_[number].accessible = accessible;
  GiveOrLose(number, MakePristine(number));
}

bool MemoryPool::MakePristine(uint32_t number) {
  Slot& slot = slots_[number];
  uint8_t* const base = BaseOf(number);
  uint8_t* const end = base + slot.accessible;
  uint64_t keep = index_.warm_here() < options_.most_warm ? options_.keep_resident : 0;
  if (slot.accessible <= std::min(keep, kMostCompared)) {
    RestoreChangedPages(slot, base);
    return true;
  }
  for (uint8_t* at = base; at < end;) {
    DirtyPages::Range ranges[16];
    const std::optional<DirtyPages::Found> found =
        keep == 0 || dirty_pages_ == nullptr
            ? std::nullopt
            : dirty_pages_->Find(at, static_cast<uint64_t>(end - at), absl::MakeSpan(ranges));
    if (!found.has_value() || found->end == at) {
      return GiveBack(at, static_cast<uint64_t>(end - at));
    }
    for (size_t i = 0; i < found->count; ++i) {
      uint8_t* const start = base + (ranges[i].start - reinterpret_cast<uintptr_t>(base));
      const uint64_t size = ranges[i].end - ranges[i].start;
      const uint64_t kept = std::min(size, keep);
      RestoreBytes(slot, base, start, kept);
      keep -= kept;
      if (kept < size) {
        return GiveBack(start + kept, static_cast<uint64_t>(end - (start + kept)));
      }
    }
    at = found->end;
  }
  return true;
}

void MemoryPool::RestoreChangedPages(const Slot& slot, uint8_t* base) {
  const uint64_t page = HostPageSize();
  const MemoryImage* const image = slot.image.get();
  for (uint64_t at = 0; at < slot.accessible; at += page) {
    const bool in_image = image != nullptr && at >= image->offset() && at < image->end();
    const bool is_pristine =
        in_image ? std::memcmp(base + at, image->bytes().data() + (at - image->offset()), page) == 0
                 : AreZero(base + at, page);
    if (!is_pristine) RestoreBytes(slot, base, base + at, page);
  }
}

// Writes what the range reads as in a pristine slot.
void MemoryPool::RestoreBytes(const Slot& slot, uint8_t* base, uint8_t* start, uint64_t size) {
  uint8_t* const end = start + size;
  uint8_t* image_start = end;
  uint8_t* image_end = end;
  if (slot.image != nullptr) {
    image_start = std::clamp(base + slot.image->offset(), start, end);
    image_end = std::clamp(base + slot.image->end(), start, end);
  }
  std::memset(start, 0, static_cast<size_t>(image_start - start));
  if (image_end > image_start) {
    const uint64_t from = static_cast<uint64_t>(image_start - base) - slot.image->offset();
    std::memcpy(image_start, slot.image->bytes().data() + from,
                static_cast<size_t>(image_end - image_start));
  }
  std::memset(image_end, 0, static_cast<size_t>(end - image_end));
}

bool MemoryPool::MapAnew(uint32_t number) {
  if (!MapFresh(BaseOf(number), stride_, PROT_NONE)) return false;
  slots_[number] = Slot();
  return true;
}

void MemoryPool::GiveOrLose(uint32_t number, bool is_pristine) {
  if (is_pristine || MapAnew(number)) {
    index_.Give(number, AffinityOf(slots_[number].image));
  } else {
    slots_[number].image = nullptr;
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

void MemoryPool::Forget(const MemoryImage& image) {
  while (const std::optional<uint32_t> number = index_.TakeOnly(image.id())) {
    GiveOrLose(*number, /*is_pristine=*/false);
  }
}

}  // namespace gantry::runtime
