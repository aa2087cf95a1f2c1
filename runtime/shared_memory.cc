// Tested by memory_test.cc.
#include "runtime/shared_memory.h"

#include <utility>

#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {

SharedMemory::SharedMemory(MemorySpace space, std::shared_ptr<const void> keeper)
    : keeper_(std::move(keeper)), space_(std::move(space)) {
  definition_.base = space_.base();
  definition_.length = type().limits.min << type().page_size_log2;
}

absl::StatusOr<std::shared_ptr<SharedMemory>> SharedMemory::Create(const wasm::MemoryType& type,
                                                                   const environ::MemoryPlan& plan,
                                                                   const MemoryOptions& options) {
  ASSIGN_OR_RETURN(MemorySpace space, MemorySpace::Create(type, plan, options));
  return Of(std::move(space), nullptr);
}

absl::StatusOr<std::shared_ptr<SharedMemory>> SharedMemory::Of(MemorySpace space,
                                                               std::shared_ptr<const void> keeper) {
  const wasm::MemoryType& type = space.type();
  CHECK(type.shared && type.limits.max.has_value() && !space.plan().may_move) << type.ToString();
  return std::shared_ptr<SharedMemory>(new SharedMemory(std::move(space), std::move(keeper)));
}

wasm::MemoryType SharedMemory::CurrentType() const {
  wasm::MemoryType current = type();
  current.limits.min = pages();
  return current;
}

absl::StatusOr<uint64_t> SharedMemory::Grow(uint64_t delta_pages) {
  const std::lock_guard<std::mutex> lock(growth_);
  const uint64_t old_bytes = bytes();
  const uint64_t old_pages = old_bytes >> type().page_size_log2;
  if (delta_pages == 0) return old_pages;
  ASSIGN_OR_RETURN(const uint64_t new_bytes, space_.BytesAfterGrowth(old_bytes, delta_pages));
  RETURN_IF_ERROR(space_.MakeRoom(new_bytes));
  std::atomic_ref<uint64_t>(definition_.length).store(new_bytes, std::memory_order_seq_cst);
  return old_pages;
}

}  // namespace gantry::runtime
