#include "runtime/memory.h"

#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "runtime/shared_bytes.h"

namespace gantry::runtime {

Memory::Memory(MemorySpace space) : space_(std::move(space)), definition_(&own_definition_) {
  own_definition_.base = space_->base();
  own_definition_.length = type().limits.min << type().page_size_log2;
}

Memory::Memory(std::shared_ptr<SharedMemory> shared)
    : shared_(std::move(shared)), definition_(shared_->definition()) {}

absl::StatusOr<std::unique_ptr<Memory>> Memory::Create(const wasm::MemoryType& type,
                                                       const environ::MemoryPlan& plan,
                                                       const MemoryOptions& options) {
  if (type.shared) {
    ASSIGN_OR_RETURN(std::shared_ptr<SharedMemory> shared,
                     SharedMemory::Create(type, plan, options));
    return ViewOf(std::move(shared));
  }
  ASSIGN_OR_RETURN(MemorySpace space, MemorySpace::Create(type, plan, options));
  return std::unique_ptr<Memory>(new Memory(std::move(space)));
}

std::unique_ptr<Memory> Memory::ViewOf(std::shared_ptr<SharedMemory> shared) {
  return std::unique_ptr<Memory>(new Memory(std::move(shared)));
}

wasm::MemoryType Memory::CurrentType() const {
  wasm::MemoryType current = type();
  current.limits.min = pages();
  return current;
}

absl::StatusOr<uint64_t> Memory::Grow(uint64_t delta_pages) {
  if (shared_) return shared_->Grow(delta_pages);
  const uint64_t old_pages = pages();
  if (delta_pages == 0) return old_pages;
  ASSIGN_OR_RETURN(const uint64_t new_bytes, space_->BytesAfterGrowth(bytes(), delta_pages));
  RETURN_IF_ERROR(space_->MakeRoom(new_bytes));
  definition_->base = space_->base();
  definition_->length = new_bytes;
  return old_pages;
}

bool Memory::Fill(uint64_t to, uint8_t byte, uint64_t length) {
  if (!InBounds(to, length)) return false;
  if (shared_) {
    FillShared(base() + to, byte, length);
  } else if (length > 0) {
    std::memset(base() + to, byte, length);
  }
  return true;
}

bool Memory::Write(uint64_t to, absl::Span<const uint8_t> bytes) {
  if (!InBounds(to, bytes.size())) return false;
  if (shared_) {
    CopyToShared(base() + to, bytes.data(), bytes.size());
  } else if (!bytes.empty()) {
    std::memcpy(base() + to, bytes.data(), bytes.size());
  }
  return true;
}

bool Memory::Copy(Memory& to, uint64_t to_offset, const Memory& from, uint64_t from_offset,
                  uint64_t length) {
  if (!to.InBounds(to_offset, length) || !from.InBounds(from_offset, length)) return false;
  if (length == 0) return true;
  uint8_t* const target = to.base() + to_offset;
  const uint8_t* const source = from.base() + from_offset;
  if (to.shared_ && from.shared_) {
    MoveShared(target, source, length);
  } else if (to.shared_) {
    CopyToShared(target, source, length);
  } else if (from.shared_) {
    CopyFromShared(target, source, length);
  } else {
    std::memmove(target, source, length);
  }
  return true;
}

void Memory::SetDefinition(VMMemoryDefinition* definition) {
  CHECK(!shared_) << "the definition of a shared memory is not a view's to move";
  *definition = *definition_;
  definition_ = definition;
}

}  // namespace gantry::runtime
