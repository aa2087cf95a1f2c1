// Tested by shared_memory_test.cc.
#include "runtime/shared_memory.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/check_types.h"
#include "api/engine_state.h"
#include "api/extern.h"
#include "base/status_macros.h"
#include "environ/core/memory_plan.h"
#include "runtime/shared_bytes.h"

namespace gantry {
namespace {

absl::Status OutOfRange(const runtime::SharedMemory& memory, uint64_t offset, uint64_t length) {
  return absl::OutOfRangeError(
      absl::StrCat(length, " bytes at ", offset, " of a memory of ", memory.bytes(), " bytes"));
}

template <typename Word>
SharedMemory::WaitResult WaitFor(runtime::SharedMemory& memory, uint8_t* address, Word expected,
                                 const std::optional<std::chrono::nanoseconds>& timeout) {
  const int64_t nanoseconds =
      timeout.has_value() ? std::max<int64_t>(timeout->count(), 0) : int64_t{-1};
  return static_cast<SharedMemory::WaitResult>(
      memory.parking_lot().Wait<Word>(reinterpret_cast<Word*>(address), expected, nanoseconds));
}

}  // namespace

absl::StatusOr<SharedMemory> SharedMemory::Create(const Engine& engine, const MemoryType& type) {
  try {
    RETURN_IF_ERROR(api_internal::CheckMemoryType(type));
    if (!type.shared) {
      return absl::InvalidArgumentError(
          absl::StrCat("a memory of several stores has a shared type, not ", type.ToString()));
    }
    const environ::Tunables& tunables = engine.state()->runtime()->tunables();
    ASSIGN_OR_RETURN(
        std::shared_ptr<runtime::SharedMemory> memory,
        engine.state()->runtime()->NewSharedMemory(type, environ::MemoryPlan::For(type, tunables)));
    return SharedMemory(engine, std::move(memory));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  }
}

MemoryType SharedMemory::type() const { return memory_->CurrentType(); }
uint64_t SharedMemory::size() const { return memory_->pages(); }
uint64_t SharedMemory::bytes() const { return memory_->bytes(); }

absl::StatusOr<uint64_t> SharedMemory::Grow(uint64_t delta) const { return memory_->Grow(delta); }

absl::Status SharedMemory::Read(uint64_t offset, absl::Span<uint8_t> to) const {
  if (!memory_->InBounds(offset, to.size())) return OutOfRange(*memory_, offset, to.size());
  runtime::CopyFromShared(to.data(), memory_->base() + offset, to.size());
  return absl::OkStatus();
}

absl::Status SharedMemory::Write(uint64_t offset, absl::Span<const uint8_t> from) const {
  if (!memory_->InBounds(offset, from.size())) return OutOfRange(*memory_, offset, from.size());
  runtime::CopyToShared(memory_->base() + offset, from.data(), from.size());
  return absl::OkStatus();
}

absl::StatusOr<uint8_t*> SharedMemory::AlignedAddress(uint64_t offset, uint64_t size) const {
  if (offset % size != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("unaligned atomic: ", offset, " is no multiple of ", size));
  }
  if (!memory_->InBounds(offset, size)) return OutOfRange(*memory_, offset, size);
  return memory_->base() + offset;
}

absl::StatusOr<uint32_t> SharedMemory::Notify(uint64_t offset, uint32_t count) const {
  ASSIGN_OR_RETURN(const uint8_t* const address, AlignedAddress(offset, sizeof(uint32_t)));
  return memory_->parking_lot().Notify(address, count);
}

absl::StatusOr<SharedMemory::WaitResult> SharedMemory::Wait32(
    uint64_t offset, uint32_t expected, std::optional<std::chrono::nanoseconds> timeout) const {
  ASSIGN_OR_RETURN(uint8_t* const address, AlignedAddress(offset, sizeof(uint32_t)));
  return WaitFor<uint32_t>(*memory_, address, expected, timeout);
}

absl::StatusOr<SharedMemory::WaitResult> SharedMemory::Wait64(
    uint64_t offset, uint64_t expected, std::optional<std::chrono::nanoseconds> timeout) const {
  ASSIGN_OR_RETURN(uint8_t* const address, AlignedAddress(offset, sizeof(uint64_t)));
  return WaitFor<uint64_t>(*memory_, address, expected, timeout);
}

}  // namespace gantry
