#include "runtime/memory.h"

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

Memory::Memory(const wasm::MemoryType& type, const environ::MemoryPlan& plan,
               const Options& options, std::shared_ptr<Space> space)
    : type_(type), plan_(plan), options_(options), space_(std::move(space)) {
  const std::unique_lock<std::mutex> lock = Lock();
  if (!space_->views.empty()) own_definition_ = *space_->views.front();
  space_->views.push_back(definition_);
}

Memory::~Memory() {
  const std::unique_lock<std::mutex> lock = Lock();
  std::erase(space_->views, definition_);
}

std::unique_lock<std::mutex> Memory::Lock() const {
  return type_.shared ? std::unique_lock<std::mutex>(space_->mutex)
                      : std::unique_lock<std::mutex>();
}

std::unique_ptr<Memory> Memory::NewView() const {
  CHECK(type_.shared && !plan_.may_move) << type_.ToString();
  return std::unique_ptr<Memory>(new Memory(type_, plan_, options_, space_));
}

// Readers on other threads take no lock.
void Memory::Publish(uint64_t new_bytes) {
  for (VMMemoryDefinition* view : space_->views) {
    if (!type_.shared || view->base == nullptr) view->base = space_->mapping.data();
    std::atomic_ref<uint64_t>(view->length).store(new_bytes, std::memory_order_release);
  }
}

absl::StatusOr<std::unique_ptr<Memory>> Memory::Create(const wasm::MemoryType& type,
                                                       const environ::MemoryPlan& plan,
                                                       const Options& options) {
  std::unique_ptr<Memory> memory(new Memory(type, plan, options, std::make_shared<Space>()));
  const std::optional<uint64_t> minimum = PagesToBytes(type.limits.min, type.page_size_log2);
  const std::optional<uint64_t> reservation =
      RoundUpToPage(std::max(plan.reservation, minimum.value_or(0)));
  const std::optional<uint64_t> guard = RoundUpToPage(plan.guard);
  if (!minimum.has_value() || !reservation.has_value() || !guard.has_value() ||
      *guard > ~uint64_t{0} - *reservation) {
    return TooLarge(type.limits.min, type.page_size());
  }
  if (*minimum > options.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a memory of ", *minimum, " bytes is over the limit of ", options.max_bytes, " bytes"));
  }
  ASSIGN_OR_RETURN(memory->space_->mapping, Mmap::Reserve(*reservation + *guard));
  memory->space_->reserved = *reservation;
  RETURN_IF_ERROR(memory->MakeAccessible(*minimum));
  memory->Publish(*minimum);
  return memory;
}

wasm::MemoryType Memory::CurrentType() const {
  wasm::MemoryType type = type_;
  type.limits.min = pages();
  return type;
}

absl::Status Memory::MakeAccessible(uint64_t new_bytes) {
  const uint64_t rounded = RoundUpToPage(new_bytes).value();
  CHECK(rounded <= space_->reserved) << rounded << " of " << space_->reserved;
  if (rounded <= space_->accessible) return absl::OkStatus();
  RETURN_IF_ERROR(space_->mapping.MakeAccessible(space_->accessible, rounded - space_->accessible));
  space_->accessible = rounded;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Memory::Grow(uint64_t delta_pages) {
  const std::unique_lock<std::mutex> lock = Lock();
  const uint64_t old_pages = pages();
  if (delta_pages == 0) return old_pages;
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
  const std::optional<uint64_t> new_bytes =
      PagesToBytes(old_pages + delta_pages, type_.page_size_log2);
  if (!new_bytes.has_value()) return TooLarge(old_pages + delta_pages, type_.page_size());
  if (*new_bytes > options_.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "growth to ", *new_bytes, " bytes is over the limit of ", options_.max_bytes, " bytes"));
  }
  if (*new_bytes <= space_->reserved) {
    RETURN_IF_ERROR(MakeAccessible(*new_bytes));
  } else {
    RETURN_IF_ERROR(Move(*new_bytes));
  }
  Publish(*new_bytes);
  return old_pages;
}

absl::Status Memory::Move(uint64_t new_bytes) {
  if (!plan_.may_move) {
    return absl::ResourceExhaustedError(
        absl::StrCat("growth to ", new_bytes, " bytes passes the memory's reservation of ",
                     space_->reserved, " bytes, and it may not move"));
  }
  const std::optional<uint64_t> guard = RoundUpToPage(plan_.guard);
  const uint64_t slack =
      std::min(options_.reservation_for_growth, ~uint64_t{0} - new_bytes - (uint64_t{1} << 20));
  const std::optional<uint64_t> reservation = RoundUpToPage(new_bytes + slack);
  if (!reservation.has_value() || !guard.has_value() || *guard > ~uint64_t{0} - *reservation) {
    return TooLarge(new_bytes >> type_.page_size_log2, type_.page_size());
  }
  ASSIGN_OR_RETURN(Mmap mapping, Mmap::Reserve(*reservation + *guard));
  const uint64_t rounded = RoundUpToPage(new_bytes).value();
  RETURN_IF_ERROR(mapping.MakeAccessible(space_->accessible, rounded - space_->accessible));
  if (!space_->mapping.MovePagesTo(mapping, space_->accessible).ok()) {
    // The host can't move them as they are, so they are copied.
    RETURN_IF_ERROR(mapping.MakeAccessible(0, space_->accessible));
    if (bytes() > 0) std::memcpy(mapping.data(), base(), bytes());
  }
  space_->mapping = std::move(mapping);
  space_->reserved = *reservation;
  space_->accessible = rounded;
  return absl::OkStatus();
}

void Memory::SetDefinition(VMMemoryDefinition* definition) {
  const std::unique_lock<std::mutex> lock = Lock();
  *definition = *definition_;
  std::replace(space_->views.begin(), space_->views.end(), definition_, definition);
  definition_ = definition;
}

}  // namespace gantry::runtime
