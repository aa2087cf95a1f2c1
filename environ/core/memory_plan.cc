#include "environ/core/memory_plan.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace gantry::environ {
namespace {

constexpr uint64_t kAllOf32Bits = uint64_t{1} << 32;
// Reservation and guard are rounded up to this, the largest page of the hosts we know.
constexpr uint64_t kHostPage = uint64_t{64} << 10;

uint64_t RoundUp(uint64_t value, uint64_t unit) {
  const uint64_t mask = unit - 1;
  if (value > std::numeric_limits<uint64_t>::max() - mask) return ~mask;
  return (value + mask) & ~mask;
}

// count << shift, or the largest value.
uint64_t SaturatingShift(uint64_t count, unsigned shift) {
  if (shift != 0 && count >> (64 - shift) != 0) return std::numeric_limits<uint64_t>::max();
  return count << shift;
}

}  // namespace

MemoryPlan MemoryPlan::For(const wasm::MemoryType& type, const Tunables& tunables) {
  MemoryPlan plan;
  plan.index_type = type.index_type;
  plan.page_size_log2 = type.page_size_log2;
  plan.guard = RoundUp(tunables.memory_guard_size, kHostPage);
  const uint64_t minimum = SaturatingShift(type.limits.min, type.page_size_log2);
  // Sizes below one 64 KiB page can't be guarded byte for byte by the host's pages.
  const bool host_pages = (uint64_t{1} << type.page_size_log2) % kHostPage == 0;
  const bool elide = tunables.signals_based_traps && type.index_type == wasm::IndexType::kI32 &&
                     tunables.memory_reservation >= kAllOf32Bits && host_pages;
  if (elide) {
    plan.reservation = RoundUp(std::max(tunables.memory_reservation, kAllOf32Bits), kHostPage);
    plan.bounds = Bounds::kNone;
    plan.may_move = false;
    return plan;
  }
  plan.bounds = tunables.signals_based_traps && host_pages ? Bounds::kIndex : Bounds::kExplicit;
  uint64_t reservation = std::max(tunables.memory_reservation, minimum);
  uint64_t maximum = std::numeric_limits<uint64_t>::max();
  if (type.limits.max.has_value()) maximum = SaturatingShift(*type.limits.max, type.page_size_log2);
  if (type.index_type == wasm::IndexType::kI32) maximum = std::min(maximum, kAllOf32Bits);
  if (maximum <= reservation) reservation = std::max(maximum, minimum);
  plan.reservation = RoundUp(reservation, kHostPage);
  // A shared memory is used by threads that never reload its base: it has all its address space
  // from the start. Of a maximum that no host has, as much as any 32-bit memory; growth beyond
  // is refused.
  if (type.shared) {
    plan.reservation =
        std::max(plan.reservation, RoundUp(std::min(maximum, kAllOf32Bits), kHostPage));
  }
  plan.may_move = tunables.memory_may_move && !type.shared && plan.reservation < maximum;
  return plan;
}

std::string MemoryPlan::ToString() const {
  return absl::StrCat(index_type == wasm::IndexType::kI64 ? "i64" : "i32", " pages ", page_size(),
                      " reservation ", reservation, " guard ", guard, " bounds ",
                      bounds == Bounds::kNone    ? "none"
                      : bounds == Bounds::kIndex ? "index"
                                                 : "explicit",
                      may_move ? " may move" : " fixed");
}

}  // namespace gantry::environ
