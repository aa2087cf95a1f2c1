// Memory: one linear memory as a store has it, laid out as its MemoryPlan says.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Memory> memory, Memory::Create(type, plan, {}));
//   absl::StatusOr<uint64_t> old_pages = memory->Grow(1);
//
// Either the memory is this store's alone, and its bytes are plain ones; or it is a view of a
// SharedMemory, which other stores have views of too, and its bytes are reached by the operations
// here, never as plain ones.
//
// Compiled code sees a VMMemoryDefinition: that of a plain memory lies in the VMContext of the
// defining instance, or in the Memory itself where the host made it, and every change of size or
// base is written there at once; that of a shared one lies in the SharedMemory.
#ifndef GANTRY_RUNTIME_MEMORY_H_
#define GANTRY_RUNTIME_MEMORY_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "environ/core/memory_plan.h"
#include "runtime/memory_space.h"
#include "runtime/shared_memory.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class Store;

class Memory {
 public:
  // A memory of the type's minimum size, all zero; a shared one where the type says so. Error:
  // kResourceExhausted naming what was asked for.
  static absl::StatusOr<std::unique_ptr<Memory>> Create(const wasm::MemoryType& type,
                                                        const environ::MemoryPlan& plan,
                                                        const MemoryOptions& options);
  static std::unique_ptr<Memory> ViewOf(std::shared_ptr<SharedMemory> shared);
  // A plain memory of the type's minimum size.
  explicit Memory(MemorySpace space);
  // A view.
  explicit Memory(std::shared_ptr<SharedMemory> shared);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // What this is a view of; null for a plain memory.
  const std::shared_ptr<SharedMemory>& shared() const { return shared_; }

  // As declared; the minimum is not updated.
  const wasm::MemoryType& type() const { return shared_ ? shared_->type() : space_->type(); }
  const environ::MemoryPlan& plan() const { return shared_ ? shared_->plan() : space_->plan(); }
  // The type with the current size as minimum, as an import sees it.
  wasm::MemoryType CurrentType() const;

  uint64_t bytes() const { return shared_ ? shared_->bytes() : definition_->length; }
  uint64_t pages() const { return bytes() >> type().page_size_log2; }
  // All bytes of a plain memory; good until the next growth.
  absl::Span<uint8_t> data() const {
    CHECK(!shared_) << "bytes of a shared memory as plain ones";
    return absl::MakeSpan(definition_->base, definition_->length);
  }

  // Adds pages; returns the size before, in pages. Error: kResourceExhausted, and nothing has
  // changed: past the maximum of the type, or the host has no more.
  absl::StatusOr<uint64_t> Grow(uint64_t delta_pages);

  // Bulk operations. False, with nothing written, where a range is not inside.
  bool Fill(uint64_t to, uint8_t byte, uint64_t length);
  bool Write(uint64_t to, absl::Span<const uint8_t> bytes);
  static bool Copy(Memory& to, uint64_t to_offset, const Memory& from, uint64_t from_offset,
                   uint64_t length);

  // Whether `length` bytes from `offset` are inside.
  bool InBounds(uint64_t offset, uint64_t length) const {
    const uint64_t size = bytes();
    return offset <= size && length <= size - offset;
  }

  // Whether the address lies in what this memory has reserved, guard included.
  bool OwnsAddress(uintptr_t address) const {
    return shared_ ? shared_->OwnsAddress(address) : space_->OwnsAddress(address);
  }

  // Whether the base can still change: false for a memory at its maximum, too.
  bool CanMove() const {
    return plan().may_move && !(type().limits.max.has_value() && pages() >= *type().limits.max);
  }

  // The store that it lives in, which sets it once; null outside of any.
  const Store* store() const { return store_; }
  void set_store(const Store* store) { store_ = store; }

  VMMemoryDefinition* definition() const { return definition_; }
  // Moves the definition of a plain memory; `definition` must outlive the memory.
  void SetDefinition(VMMemoryDefinition* definition);

 private:
  uint8_t* base() const { return definition_->base; }

  // One of the two.
  std::optional<MemorySpace> space_;
  const std::shared_ptr<SharedMemory> shared_;
  VMMemoryDefinition own_definition_;
  VMMemoryDefinition* definition_;
  const Store* store_ = nullptr;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MEMORY_H_
