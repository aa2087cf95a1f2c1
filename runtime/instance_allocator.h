// InstanceAllocator: where what instances are made of comes from and goes back to: the instance's
// own block, linear memories, the elements of tables. One for an engine.
//
//   std::shared_ptr<InstanceAllocator> allocator = InstanceAllocator::OnDemand();
//
// Whatever it gives reads as nothing that anyone wrote before: memories as their image or zero,
// elements as zero. An instance's block is not the guest's to read, and may hold anything.
// Safe to use from any number of threads; it outlives all that it has given.
//
// Tested by pooling_allocator_test and api:pooling_test.
#ifndef GANTRY_RUNTIME_INSTANCE_ALLOCATOR_H_
#define GANTRY_RUNTIME_INSTANCE_ALLOCATOR_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "environ/core/memory_plan.h"
#include "runtime/memory_image.h"
#include "runtime/memory_space.h"
#include "runtime/table_elements.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class InstanceAllocator {
 public:
  // Memory of one instance, aligned to 64 bytes.
  struct Block {
    uint8_t* address = nullptr;
    uint64_t size = 0;
    uint32_t slot = 0;
  };

  virtual ~InstanceAllocator() = default;

  // All errors are kResourceExhausted, naming the limit that was hit.
  virtual absl::StatusOr<Block> AllocateInstance(uint64_t size) = 0;
  // Of the block so many bytes from its start may have been written.
  virtual void FreeInstance(const Block& block, uint64_t written) = 0;
  // A memory of the type's minimum size that starts as the image, or zero where that is null. Also
  // kInvalidArgument where the plan asks for what the allocator does not have.
  virtual absl::StatusOr<MemorySpace> AllocateMemory(
      const wasm::MemoryType& type, const environ::MemoryPlan& plan, const MemoryOptions& options,
      const std::shared_ptr<const MemoryImage>& image) = 0;
  // Elements of a table, of so many bytes each: that many or more, or none, for a table that is to
  // allocate for itself.
  virtual absl::StatusOr<TableElements> AllocateTable(uint64_t elements, uint64_t element_size) = 0;
  // The image will not be asked for again.
  virtual void Forget(const MemoryImage& image) = 0;

  // Everything from the host when it is needed, and back to the host.
  static std::shared_ptr<InstanceAllocator> OnDemand();
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_INSTANCE_ALLOCATOR_H_
