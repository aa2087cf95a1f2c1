// MemorySpace: the address space of one linear memory, of which more and more is made
// accessible. What is left of a memory without its size, its sharing and its store.
//
//   ASSIGN_OR_RETURN(MemorySpace space, MemorySpace::Create(type, plan, options));
//   ASSIGN_OR_RETURN(uint64_t bytes, space.BytesAfterGrowth(old_bytes, 1));
//   RETURN_IF_ERROR(space.MakeRoom(bytes));
//
// The plan's reservation is address space that nothing else uses; pages become accessible by
// mprotect, so that the base stays. Past the reservation a memory that may move is remapped;
// another refuses, and so does one in a slot of a pool. New pages read as zero.
#ifndef GANTRY_RUNTIME_MEMORY_SPACE_H_
#define GANTRY_RUNTIME_MEMORY_SPACE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "environ/core/memory_plan.h"
#include "runtime/mmap.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

struct MemoryOptions {
  // Address space kept free behind the size when the memory moves, in bytes.
  uint64_t reservation_for_growth = 0;
  // Largest size in bytes, whatever the type says.
  uint64_t max_bytes = ~uint64_t{0};
};

// Takes slots of a pool back.
class MemorySlotOwner {
 public:
  // So many bytes from the slot's base are accessible, and may have been written.
  virtual void TakeBackMemory(uint32_t number, uint64_t accessible) = 0;

 protected:
  ~MemorySlotOwner() = default;
};

// A place for a memory in a pool.
struct MemorySlot {
  MemorySlotOwner* owner = nullptr;
  uint32_t number = 0;
  uint8_t* base = nullptr;
  uint64_t size = 0;        // Address space that is the memory's alone, guard included.
  uint64_t max_bytes = 0;   // The largest memory.
  uint64_t accessible = 0;  // The type's minimum, rounded up to whole pages; behind it all faults.
};

class MemorySpace {
 public:
  // Space for a memory of the type, its minimum size accessible and zero. Error:
  // kResourceExhausted naming what was asked for.
  static absl::StatusOr<MemorySpace> Create(const wasm::MemoryType& type,
                                            const environ::MemoryPlan& plan,
                                            const MemoryOptions& options);

  // The same in a slot, which goes back to its owner with the space.
  static MemorySpace OfSlot(const wasm::MemoryType& type, const environ::MemoryPlan& plan,
                            const MemoryOptions& options, const MemorySlot& slot);

  // Bytes of the type's minimum size. Error: kResourceExhausted where they do not fit 64 bits or
  // are over the options' limit.
  static absl::StatusOr<uint64_t> MinimumBytes(const wasm::MemoryType& type,
                                               const MemoryOptions& options);

  MemorySpace(MemorySpace&& other) noexcept;
  ~MemorySpace();

  const wasm::MemoryType& type() const { return type_; }
  const environ::MemoryPlan& plan() const { return plan_; }
  uint8_t* base() const { return mapping_.data(); }

  // The size in bytes that growth by so many pages leads to. Error: kResourceExhausted past
  // the maximum of the type or of the options.
  absl::StatusOr<uint64_t> BytesAfterGrowth(uint64_t old_bytes, uint64_t delta_pages) const;

  // Makes so many bytes from the base accessible; moves the memory where they pass what is
  // reserved. Error: kResourceExhausted, and nothing has changed.
  absl::Status MakeRoom(uint64_t bytes);

  // Whether the address lies in what is reserved, guard included.
  bool OwnsAddress(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(mapping_.data()) < mapping_.size();
  }

 private:
  MemorySpace(const wasm::MemoryType& type, const environ::MemoryPlan& plan,
              const MemoryOptions& options)
      : type_(type), plan_(plan), options_(options) {}

  absl::Status MakeAccessible(uint64_t bytes);
  absl::Status Move(uint64_t bytes);

  wasm::MemoryType type_;
  environ::MemoryPlan plan_;
  MemoryOptions options_;
  Mmap mapping_;
  // Bytes from the base that are readable and writable: the size, rounded up to host pages.
  uint64_t accessible_ = 0;
  // Bytes from the base that growth can reach without a move.
  uint64_t reserved_ = 0;
  // Null where it is in no slot.
  MemorySlotOwner* owner_ = nullptr;
  uint32_t slot_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MEMORY_SPACE_H_
