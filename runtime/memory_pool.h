// MemoryPool: slots for linear memories, side by side in address space reserved once, each used by
// one memory after another.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<MemoryPool> pool, MemoryPool::Create(options));
//   ASSIGN_OR_RETURN(MemorySpace space, pool->Take(type, plan, {}, image));
//   // The slot is free again when `space` is destroyed.
//
// A free slot is *pristine*: within its accessible bytes it reads as the image mapped into it, if
// any, and as zero elsewhere; behind them every access faults. Taking a slot for the image it has
// needs no call of the host then. Giving one back makes it pristine before anyone can take it: of
// the pages that were written the first `keep_resident` bytes are overwritten, the rest goes back
// to the host. Which were written the host knows; a small memory is compared with what it was at
// first instead, which takes no longer and waits for no other thread. A slot that cannot be made
// pristine is mapped anew, or is never used again. (lessons.md, rows 6 and 17.)
//
// Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_MEMORY_POOL_H_
#define GANTRY_RUNTIME_MEMORY_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "environ/core/memory_plan.h"
#include "runtime/dirty_pages.h"
#include "runtime/memory_image.h"
#include "runtime/memory_space.h"
#include "runtime/mmap.h"
#include "runtime/slot_index.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class MemoryPool final : private MemorySlotOwner {
 public:
  struct Options {
    uint32_t slots = 0;
    // Largest memory; whole pages of the host.
    uint64_t max_bytes = 0;
    // Address space of a slot, no less than max_bytes, and bytes behind it that fault.
    uint64_t reservation = 0;
    uint64_t guard = 0;
    // Of the pages written by a memory so many bytes stay in the process.
    uint64_t keep_resident = 0;
    // Free slots of a thread beyond so many keep nothing.
    uint32_t most_warm = 0;
  };

  // Error: kResourceExhausted where the host has not so much address space.
  static absl::StatusOr<std::unique_ptr<MemoryPool>> Create(const Options& options);
  // All slots must have been given back.
  ~MemoryPool();

  // A memory of the type's minimum size that starts as the image, or as zero where that is null.
  // Errors: kResourceExhausted naming the limit of the pool, or of the host; kInvalidArgument where
  // the plan asks for more address space than a slot has.
  absl::StatusOr<MemorySpace> Take(const wasm::MemoryType& type, const environ::MemoryPlan& plan,
                                   const MemoryOptions& options,
                                   const std::shared_ptr<const MemoryImage>& image);

  // Frees what free slots keep of an image that will not be asked for again.
  void Forget(const MemoryImage& image);

  // Slots that the host's failures have made unusable.
  uint32_t lost_slots() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::shared_ptr<const MemoryImage> image;
    uint64_t accessible = 0;
  };

  MemoryPool(const Options& options, Mmap memory);

  // MemorySlotOwner:
  void TakeBackMemory(uint32_t number, uint64_t accessible) override;

  uint8_t* BaseOf(uint32_t number) const { return memory_.data() + number * stride_; }
  absl::Status Prepare(uint32_t number, uint64_t bytes,
                       const std::shared_ptr<const MemoryImage>& image);
  bool MakePristine(uint32_t number);
  void RestoreChangedPages(const Slot& slot, uint8_t* base);
  void RestoreBytes(const Slot& slot, uint8_t* base, uint8_t* start, uint64_t size);
  bool MapAnew(uint32_t number);
  void GiveOrLose(uint32_t number, bool is_pristine);

  const Options options_;
  const uint64_t stride_;
  const Mmap memory_;
  const std::unique_ptr<DirtyPages> dirty_pages_;
  SlotIndex index_;
  // Each belongs to whoever has taken the slot.
  std::vector<Slot> slots_;
  std::atomic<uint32_t> lost_{0};
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MEMORY_POOL_H_
