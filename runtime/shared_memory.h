// SharedMemory: a linear memory that several stores use, on several threads, at once. It belongs
// to none of them; each sees it by a Memory of its own (memory.h).
//
//   ASSIGN_OR_RETURN(std::shared_ptr<SharedMemory> shared, SharedMemory::Create(type, plan, {}));
//   std::unique_ptr<Memory> view = Memory::ViewOf(shared);
//
// The base never moves: what growth can reach is reserved from the start. The size only grows,
// under a lock, and is one number for all threads, which read it without the lock: whoever reads
// a size may access so many bytes. (WebAssembly threads proposal, "Resizing".)
//
// Nobody gets its bytes as plain ones, for other threads write them at any time: from C++ they
// are accessed by atomic operations only.
#ifndef GANTRY_RUNTIME_SHARED_MEMORY_H_
#define GANTRY_RUNTIME_SHARED_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/core/memory_plan.h"
#include "runtime/memory_space.h"
#include "runtime/parking_lot.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class SharedMemory {
 public:
  // A memory of the type's minimum size, all zero. The type is shared and has a maximum; the
  // plan does not let it move. Error: kResourceExhausted naming what was asked for.
  static absl::StatusOr<std::shared_ptr<SharedMemory>> Create(const wasm::MemoryType& type,
                                                              const environ::MemoryPlan& plan,
                                                              const MemoryOptions& options);
  // The same in space made for such a type and plan; `keeper` is kept for as long as the space.
  static absl::StatusOr<std::shared_ptr<SharedMemory>> Of(MemorySpace space,
                                                          std::shared_ptr<const void> keeper);
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // As declared; the minimum is not updated.
  const wasm::MemoryType& type() const { return space_.type(); }
  const environ::MemoryPlan& plan() const { return space_.plan(); }
  // The type with the current size as minimum, as an import sees it.
  wasm::MemoryType CurrentType() const;

  uint64_t bytes() const {
    return std::atomic_ref<uint64_t>(definition_.length).load(std::memory_order_seq_cst);
  }
  uint64_t pages() const { return bytes() >> type().page_size_log2; }

  // Adds pages; returns the size before, in pages. Error: kResourceExhausted, and nothing has
  // changed: past the maximum of the type or what is reserved, or the host has no more.
  absl::StatusOr<uint64_t> Grow(uint64_t delta_pages);

  // Whether `length` bytes from `offset` are inside.
  bool InBounds(uint64_t offset, uint64_t length) const {
    const uint64_t size = bytes();
    return offset <= size && length <= size - offset;
  }

  // For atomic accesses (shared_bytes.h, std::atomic_ref) alone.
  uint8_t* base() const { return definition_.base; }

  // Whether the address lies in what is reserved, guard included. Async-signal-safe.
  bool OwnsAddress(uintptr_t address) const { return space_.OwnsAddress(address); }

  // The one definition that compiled code of all stores reads.
  VMMemoryDefinition* definition() { return &definition_; }

  // Threads that wait at addresses of this memory.
  ParkingLot& parking_lot() { return parking_lot_; }

 private:
  SharedMemory(MemorySpace space, std::shared_ptr<const void> keeper);

  const std::shared_ptr<const void> keeper_;
  std::mutex growth_;
  MemorySpace space_;
  mutable VMMemoryDefinition definition_;
  ParkingLot parking_lot_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SHARED_MEMORY_H_
