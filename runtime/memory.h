// Memory: one linear memory, laid out as its MemoryPlan says.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Memory> memory, Memory::Create(type, plan, {}));
//   absl::StatusOr<uint64_t> old_pages = memory->Grow(1);
//
// The plan's reservation is address space that nothing else uses; pages become accessible as
// the memory grows, by mprotect, so that the base stays. Past the reservation a memory that
// may move is remapped; another refuses. New pages read as zero.
//
// A shared memory can be seen from several stores, by a Memory each, on several threads: its
// bytes and its size are one, it never moves, and growth from one is seen by all.
//
// Compiled code sees the VMMemoryDefinition, which lies in the VMContext of the defining
// instance, or in the Memory itself where the host made it. Every change of size or base is
// written there at once.
#ifndef GANTRY_RUNTIME_MEMORY_H_
#define GANTRY_RUNTIME_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/core/memory_plan.h"
#include "runtime/mmap.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class Memory {
 public:
  struct Options {
    // Address space kept free behind the size when the memory moves, in bytes.
    uint64_t reservation_for_growth = 0;
    // Largest size in bytes, whatever the type says.
    uint64_t max_bytes = ~uint64_t{0};
  };

  // A memory of the type's minimum size, all zero. Error: kResourceExhausted naming what was
  // asked for.
  static absl::StatusOr<std::unique_ptr<Memory>> Create(const wasm::MemoryType& type,
                                                        const environ::MemoryPlan& plan,
                                                        const Options& options);

  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Another view of a shared memory, for another store. Only for one whose type is shared.
  std::unique_ptr<Memory> NewView() const;

  // As declared; the minimum is not updated.
  const wasm::MemoryType& type() const { return type_; }
  const environ::MemoryPlan& plan() const { return plan_; }

  // The type with the current size as minimum, as an import sees it.
  wasm::MemoryType CurrentType() const;

  uint64_t pages() const { return bytes() >> type_.page_size_log2; }
  uint64_t bytes() const {
    return std::atomic_ref<uint64_t>(definition_->length).load(std::memory_order_acquire);
  }
  uint8_t* base() const { return definition_->base; }
  // All bytes; good until the next growth.
  absl::Span<uint8_t> data() const { return absl::MakeSpan(base(), bytes()); }

  // Adds pages; returns the size before, in pages. Error: kResourceExhausted, and nothing has
  // changed: past the maximum of the type, or the host has no more.
  absl::StatusOr<uint64_t> Grow(uint64_t delta_pages);

  // Whether the address lies in what this memory has reserved, guard included.
  bool OwnsAddress(uintptr_t address) const {
    const Mmap& mapping = space_->mapping;
    return address - reinterpret_cast<uintptr_t>(mapping.data()) < mapping.size();
  }

  // Whether the base can still change: false for a memory at its maximum, too.
  bool CanMove() const {
    return plan_.may_move && !(type_.limits.max.has_value() && pages() >= *type_.limits.max);
  }

  // Whether `length` bytes from `offset` are inside.
  bool InBounds(uint64_t offset, uint64_t length) const {
    return offset <= bytes() && length <= bytes() - offset;
  }

  // The store that it lives in, which sets it once; null outside of any.
  const Store* store() const { return store_; }
  void set_store(const Store* store) { store_ = store; }

  VMMemoryDefinition* definition() const { return definition_; }
  // Moves the definition that compiled code reads; `definition` must outlive the memory.
  void SetDefinition(VMMemoryDefinition* definition);

 private:
  // The address space, and who sees it.
  struct Space {
    // Guards all of it where the memory is shared; `mapping` itself is constant then.
    std::mutex mutex;
    Mmap mapping;
    // Bytes from the base that are readable and writable: the size, rounded up to host pages.
    uint64_t accessible = 0;
    // Bytes from the base that growth can reach without a move.
    uint64_t reserved = 0;
    std::vector<VMMemoryDefinition*> views;
  };

  Memory(const wasm::MemoryType& type, const environ::MemoryPlan& plan, const Options& options,
         std::shared_ptr<Space> space);

  // Held where other threads may be at it.
  std::unique_lock<std::mutex> Lock() const;
  absl::Status MakeAccessible(uint64_t new_bytes);
  absl::Status Move(uint64_t new_bytes);
  void Publish(uint64_t new_bytes);

  wasm::MemoryType type_;
  environ::MemoryPlan plan_;
  Options options_;
  const std::shared_ptr<Space> space_;
  VMMemoryDefinition own_definition_;
  VMMemoryDefinition* definition_ = &own_definition_;
  const Store* store_ = nullptr;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MEMORY_H_
