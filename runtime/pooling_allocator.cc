#include "runtime/pooling_allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

constexpr uint64_t kAnyInstance = 0;
constexpr uint64_t kAllOf32Bits = uint64_t{1} << 32;
// MemoryPlan rounds to this, so slots do.
constexpr uint64_t kPlanUnit = uint64_t{64} << 10;
constexpr uint64_t kSmallMemory = uint64_t{64} << 20;
constexpr uint64_t kLeastMemory = uint64_t{1} << 20;
constexpr uint64_t kMostMemory = uint64_t{1} << 46;
constexpr uint64_t kMostInstance = uint64_t{1} << 31;

uint64_t RoundUp(uint64_t bytes) { return (bytes + kPlanUnit - 1) & ~(kPlanUnit - 1); }

struct Memories {
  std::unique_ptr<MemoryPool> pool;
  uint64_t max_bytes;
};

// The slots that the tunables ask for.
absl::StatusOr<Memories> MakeMemories(const PoolingOptions& options, MemoryPool::Options slots,
                                      const environ::Tunables& tunables) {
  slots.reservation = RoundUp(tunables.memory_reservation);
  slots.max_bytes =
      options.max_memory_size.has_value() ? RoundUp(*options.max_memory_size) : slots.reservation;
  slots.reservation = std::max(slots.reservation, slots.max_bytes);
  slots.guard = RoundUp(tunables.memory_guard_size);
  ASSIGN_OR_RETURN(std::unique_ptr<MemoryPool> pool, MemoryPool::Create(slots));
  return Memories{std::move(pool), slots.max_bytes};
}

// Half of the largest slots that fit, up to `most` bytes, and tunables that make code for them.
absl::StatusOr<Memories> MakeSmallMemories(MemoryPool::Options slots, uint64_t most,
                                           environ::Tunables& tunables) {
  tunables.memory_reservation = 0;
  tunables.memory_guard_size = std::min(RoundUp(tunables.memory_guard_size), kPlanUnit);
  slots.guard = tunables.memory_guard_size;
  absl::Status refused;
  for (uint64_t bytes = 2 * most; bytes >= 2 * kLeastMemory; bytes /= 2) {
    slots.reservation = slots.max_bytes = bytes;
    absl::StatusOr<std::unique_ptr<MemoryPool>> whole = MemoryPool::Create(slots);
    if (!whole.ok()) {
      refused = whole.status();
      continue;
    }
    whole->reset();
    slots.reservation = slots.max_bytes = bytes / 2;
    ASSIGN_OR_RETURN(std::unique_ptr<MemoryPool> half, MemoryPool::Create(slots));
    return Memories{std::move(half), slots.max_bytes};
  }
  return refused;
}

absl::Status CheckOptions(const PoolingOptions& options) {
  if (options.max_memory_size.has_value() && *options.max_memory_size > kMostMemory) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_memory_size is over ", kMostMemory, " bytes"));
  }
  if (options.max_instance_size > kMostInstance) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_instance_size is over ", kMostInstance, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<PoolingAllocator>> PoolingAllocator::Create(
    const PoolingOptions& options, environ::Tunables& tunables) {
  RETURN_IF_ERROR(CheckOptions(options));
  // A page more than asked for, so that instances do not all begin in the same lines of the caches.
  const uint64_t instance_bytes = RoundUpToPage(options.max_instance_size).value() + HostPageSize();
  ASSIGN_OR_RETURN(Mmap instances, Mmap::Allocate(options.total_instances * instance_bytes));
  TablePool::Options table_options;
  table_options.slots = options.total_tables.value_or(options.total_instances);
  table_options.max_elements = options.max_table_elements;
  table_options.keep_resident = options.table_keep_resident;
  table_options.most_warm = options.max_warm_slots;
  ASSIGN_OR_RETURN(std::unique_ptr<TablePool> tables, TablePool::Create(table_options));
  MemoryPool::Options memory_options;
  memory_options.slots = options.total_memories.value_or(options.total_instances);
  memory_options.keep_resident = options.memory_keep_resident;
  memory_options.most_warm = options.max_warm_slots;
  // Where nothing is reserved for a memory, as under sanitizers, slots are small from the start.
  const bool reserves = tunables.memory_reservation > 0 || options.max_memory_size.has_value();
  absl::StatusOr<Memories> memories =
      reserves ? MakeMemories(options, memory_options, tunables)
               : MakeSmallMemories(memory_options, kSmallMemory, tunables);
  if (!memories.ok() && reserves && !options.max_memory_size.has_value()) {
    memories = MakeSmallMemories(memory_options, kAllOf32Bits / 2, tunables);
  }
  RETURN_IF_ERROR(memories.status());
  return std::shared_ptr<PoolingAllocator>(
      new PoolingAllocator(options, memories->max_bytes, instance_bytes, std::move(instances),
                           std::move(memories->pool), std::move(tables)));
}

PoolingAllocator::PoolingAllocator(const PoolingOptions& options, uint64_t max_memory_size,
                                   uint64_t instance_bytes, Mmap instances,
                                   std::unique_ptr<MemoryPool> memories,
                                   std::unique_ptr<TablePool> tables)
    : options_(options),
      max_memory_size_(max_memory_size),
      instance_bytes_(instance_bytes),
      instances_(std::move(instances)),
      instance_index_(options.total_instances, options.max_warm_slots),
      memories_(std::move(memories)),
      tables_(std::move(tables)) {}

absl::StatusOr<InstanceAllocator::Block> PoolingAllocator::AllocateInstance(uint64_t size) {
  if (size > options_.max_instance_size) {
    return absl::ResourceExhaustedError(
        absl::StrCat("an instance of ", size, " bytes is over the pool's max_instance_size of ",
                     options_.max_instance_size, " bytes"));
  }
  const std::optional<uint32_t> slot = instance_index_.Take(kAnyInstance);
  if (!slot.has_value()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "all instances of the pool are in use: total_instances is ", options_.total_instances));
  }
  return Block{instances_.data() + *slot * instance_bytes_, size, *slot};
}

void PoolingAllocator::FreeInstance(const Block& block, uint64_t written) {
  const uint64_t keep =
      instance_index_.warm_here() < options_.max_warm_slots ? options_.instance_keep_resident : 0;
  if (written > keep) {
    const uint64_t kept = std::min(RoundUpToPage(keep).value_or(instance_bytes_), instance_bytes_);
    const uint64_t end =
        std::min(RoundUpToPage(written).value_or(instance_bytes_), instance_bytes_);
    // Only to save memory: what a block holds is nobody's to read.
    if (end > kept) static_cast<void>(madvise(block.address + kept, end - kept, MADV_DONTNEED));
  }
  instance_index_.Give(block.slot, kAnyInstance);
}

absl::StatusOr<MemorySpace> PoolingAllocator::AllocateMemory(
    const wasm::MemoryType& type, const environ::MemoryPlan& plan, const MemoryOptions& options,
    const std::shared_ptr<const MemoryImage>& image) {
  return memories_->Take(type, plan, options, image);
}

absl::StatusOr<TableElements> PoolingAllocator::AllocateTable(uint64_t elements,
                                                              uint64_t element_size) {
  return tables_->Take(elements, element_size);
}

void PoolingAllocator::Forget(const MemoryImage& image) { memories_->Forget(image); }

}  // namespace gantry::runtime
