// Tested by memory_test.cc.
#include "runtime/memory_space.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

// Bytes of `pages`; nothing where they do not fit 64 bits.
std::optional<uint64_t> PagesToBytes(uint64_t pages, uint8_t page_size_log2) {
  if (page_size_log2 != 0 && pages >> (64 - page_size_log2) != 0) return std::nullopt;
  return pages << page_size_log2;
}

absl::Status TooLarge(uint64_t pages, uint64_t page_size) {
  return absl::ResourceExhaustedError(absl::StrCat("a memory of ", pages, " pages of ", page_size,
                                                   " bytes does not fit the address space"));
}

}  // namespace

absl::StatusOr<MemorySpace> MemorySpace::Create(const wasm::MemoryType& type,
                                                const environ::MemoryPlan& plan,
                                                const MemoryOptions& options) {
  ASSIGN_OR_RETURN(const uint64_t minimum, MinimumBytes(type, options));
  const std::optional<uint64_t> reservation = RoundUpToPage(std::max(plan.reservation, minimum));
  const std::optional<uint64_t> guard = RoundUpToPage(plan.guard);
  if (!reservation.has_value() || !guard.has_value() || *guard > ~uint64_t{0} - *reservation) {
    return TooLarge(type.limits.min, type.page_size());
  }
  MemorySpace space(type, plan, options);
  ASSIGN_OR_RETURN(space.mapping_, Mmap::Reserve(*reservation + *guard));
  space.reserved_ = *reservation;
  RETURN_IF_ERROR(space.MakeAccessible(minimum));
  return space;
}

absl::StatusOr<uint64_t> MemorySpace::MinimumBytes(const wasm::MemoryType& type,
                                                   const MemoryOptions& options) {
  const std::optional<uint64_t> minimum = PagesToBytes(type.limits.min, type.page_size_log2);
  if (!minimum.has_value() || !RoundUpToPage(*minimum).has_value()) {
    return TooLarge(type.limits.min, type.page_size());
  }
  if (*minimum > options.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a memory of ", *minimum, " bytes is over the limit of ", options.max_bytes, " bytes"));
  }
  return *minimum;
}

MemorySpace MemorySpace::OfSlot(const wasm::MemoryType& type, const environ::MemoryPlan& plan,
                                const MemoryOptions& options, const MemorySlot& slot) {
  MemorySpace space(type, plan, options);
  space.mapping_ = Mmap::View(slot.base, slot.size);
  space.reserved_ = slot.max_bytes;
  space.accessible_ = slot.accessible;
  space.owner_ = slot.owner;
  space.slot_ = slot.number;
  return space;
}

MemorySpace::MemorySpace(MemorySpace&& other) noexcept
    : type_(other.type_),
      plan_(other.plan_),
      options_(other.options_),
      mapping_(std::move(other.mapping_)),
      accessible_(other.accessible_),
      reserved_(other.reserved_),
      owner_(std::exchange(other.owner_, nullptr)),
      slot_(other.slot_) {}

MemorySpace::~MemorySpace() {
  if (owner_ != nullptr) owner_->TakeBackMemory(slot_, accessible_);
}

absl::StatusOr<uint64_t> MemorySpace::BytesAfterGrowth(uint64_t old_bytes,
                                                       uint64_t delta_pages) const {
  const uint64_t old_pages = old_bytes >> type_.page_size_log2;
  uint64_t max_pages = ~uint64_t{0};
  if (type_.limits.max.has_value()) max_pages = *type_.limits.max;
  if (type_.index_type == wasm::IndexType::kI32) {
    max_pages = std::min(max_pages, (uint64_t{1} << 32) >> type_.page_size_log2);
  }
  if (delta_pages > max_pages || old_pages > max_pages - delta_pages) {
    return absl::ResourceExhaustedError(absl::StrCat("a memory of ", old_pages,
                                                     " pages cannot grow by ", delta_pages,
                                                     ": its maximum is ", max_pages, " pages"));
  }
  const std::optional<uint64_t> bytes = PagesToBytes(old_pages + delta_pages, type_.page_size_log2);
  if (!bytes.has_value()) return TooLarge(old_pages + delta_pages, type_.page_size());
  if (*bytes > options_.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "growth to ", *bytes, " bytes is over the limit of ", options_.max_bytes, " bytes"));
  }
  return *bytes;
}

absl::Status MemorySpace::MakeRoom(uint64_t bytes) {
  if (bytes <= reserved_) return MakeAccessible(bytes);
  if (owner_ != nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "growth to ", bytes, " bytes passes the pool's max_memory_size of ", reserved_, " bytes"));
  }
  return Move(bytes);
}

absl::Status MemorySpace::MakeAccessible(uint64_t bytes) {
  const uint64_t rounded = RoundUpToPage(bytes).value();
  CHECK(rounded <= reserved_) << rounded << " of " << reserved_;
  if (rounded <= accessible_) return absl::OkStatus();
  RETURN_IF_ERROR(mapping_.MakeAccessible(accessible_, rounded - accessible_));
  accessible_ = rounded;
  return absl::OkStatus();
}

absl::Status MemorySpace::Move(uint64_t bytes) {
  if (!plan_.may_move) {
    return absl::ResourceExhaustedError(absl::StrCat("growth to ", bytes,
                                                     " bytes passes the memory's reservation of ",
                                                     reserved_, " bytes, and it may not move"));
  }
  const std::optional<uint64_t> guard = RoundUpToPage(plan_.guard);
  // Half as much again at least, so that a memory that grows page by page moves seldom.
  const uint64_t slack = std::min(std::max(options_.reservation_for_growth, bytes / 2),
                                  ~uint64_t{0} - bytes - (uint64_t{1} << 20));
  const std::optional<uint64_t> reservation = RoundUpToPage(bytes + slack);
  if (!reservation.has_value() || !guard.has_value() || *guard > ~uint64_t{0} - *reservation) {
    return TooLarge(bytes >> type_.page_size_log2, type_.page_size());
  }
  ASSIGN_OR_RETURN(Mmap mapping, Mmap::Reserve(*reservation + *guard));
  const uint64_t rounded = RoundUpToPage(bytes).value();
  RETURN_IF_ERROR(mapping.MakeAccessible(accessible_, rounded - accessible_));
  if (!mapping_.MovePagesTo(mapping, accessible_).ok()) {
    // The host can't move them as they are, so they are copied.
    RETURN_IF_ERROR(mapping.MakeAccessible(0, accessible_));
    if (accessible_ > 0) std::memcpy(mapping.data(), mapping_.data(), accessible_);
  }
  mapping_ = std::move(mapping);
  reserved_ = *reservation;
  accessible_ = rounded;
  return absl::OkStatus();
}

}  // namespace gantry::runtime
