// PoolingAllocator: an InstanceAllocator of fixed numbers of slots, all of their address space
// reserved at once, for hosts that make and drop many instances.
//
//   environ::Tunables tunables = HostTunables();
//   ASSIGN_OR_RETURN(auto pool, PoolingAllocator::Create({.total_instances = 100}, tunables));
//   Engine::Create({.tunables = tunables, .allocator = pool});
#ifndef GANTRY_RUNTIME_POOLING_ALLOCATOR_H_
#define GANTRY_RUNTIME_POOLING_ALLOCATOR_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "environ/core/tunables.h"
#include "runtime/instance_allocator.h"
#include "runtime/memory_pool.h"
#include "runtime/mmap.h"
#include "runtime/pooling_options.h"
#include "runtime/slot_index.h"
#include "runtime/table_pool.h"

namespace gantry::runtime {

class PoolingAllocator final : public InstanceAllocator {
 public:
  // Where the address space is too small for the memories that the tunables ask for, and no
  // max_memory_size was given, the pool takes smaller ones and changes the tunables so that code
  // checks bounds explicitly. Errors: kInvalidArgument naming options that contradict the tunables;
  // kResourceExhausted saying what did not fit.
  static absl::StatusOr<std::shared_ptr<PoolingAllocator>> Create(const PoolingOptions& options,
                                                                  environ::Tunables& tunables);

  absl::StatusOr<Block> AllocateInstance(uint64_t size) override;
  void FreeInstance(const Block& block, uint64_t written) override;
  absl::StatusOr<MemorySpace> AllocateMemory(
      const wasm::MemoryType& type, const environ::MemoryPlan& plan, const MemoryOptions& options,
      const std::shared_ptr<const MemoryImage>& image) override;
  absl::StatusOr<TableElements> AllocateTable(uint64_t elements, uint64_t element_size) override;
  void Forget(const MemoryImage& image) override;

  const PoolingOptions& options() const { return options_; }
  // Of a memory, as it turned out.
  uint64_t max_memory_size() const { return max_memory_size_; }

 private:
  PoolingAllocator(const PoolingOptions& options, uint64_t max_memory_size, uint64_t instance_bytes,
                   Mmap instances, std::unique_ptr<MemoryPool> memories,
                   std::unique_ptr<TablePool> tables);

  const PoolingOptions options_;
  const uint64_t max_memory_size_;
  const uint64_t instance_bytes_;
  const Mmap instances_;
  SlotIndex instance_index_;
  const std::unique_ptr<MemoryPool> memories_;
  const std::unique_ptr<TablePool> tables_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_POOLING_ALLOCATOR_H_
