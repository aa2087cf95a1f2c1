// MemoryPlan: how one linear memory is laid out and how code checks accesses to it. Chosen
// at compile time from the memory's type and the tunables, recorded in the artifact, and
// honoured by whatever allocates the memory.
//
//   MemoryPlan plan = MemoryPlan::For(type, tunables);
//   if (plan.bounds == MemoryPlan::Bounds::kNone && plan.NeedsNoCheck(offset, size)) {
//     ... access base + index + offset; a fault becomes a trap
//   }
#ifndef GANTRY_ENVIRON_CORE_MEMORY_PLAN_H_
#define GANTRY_ENVIRON_CORE_MEMORY_PLAN_H_

#include <cstdint>
#include <string>

#include "environ/core/tunables.h"
#include "wasm_translate/types.h"

namespace gantry::environ {

struct MemoryPlan {
  enum class Bounds : uint8_t {
    // Any 32-bit index lies in reservation plus guard: what is not accessible faults.
    kNone,
    // Code compares the index with the length in the VMMemoryDefinition. What lies up to `guard`
    // bytes behind the length faults, so that a static offset needs no comparison, and all accesses
    // by one index need one.
    kIndex,
    // Code compares the end of each access with the length.
    kExplicit,
  };

  wasm::IndexType index_type = wasm::IndexType::kI32;
  uint8_t page_size_log2 = wasm::MemoryType::kDefaultPageSizeLog2;
  // Bytes of address space from the base on, whether accessible yet or not.
  uint64_t reservation = 0;
  // Bytes behind the reservation that always fault.
  uint64_t guard = 0;
  Bounds bounds = Bounds::kExplicit;
  // Whether growth can change the base. Otherwise the base is a constant of the instance.
  bool may_move = true;

  // kNone if the tunables trap by signals and reserve at least 4 GiB, and indices are 32 bits
  // wide; else kIndex if they trap by signals and pages are whole ones of the host; else kExplicit.
  // A memory with a maximum within its reservation never moves.
  static MemoryPlan For(const wasm::MemoryType& type, const Tunables& tunables);

  uint64_t page_size() const { return uint64_t{1} << page_size_log2; }

  // Whether an access of `size` bytes at any index plus `offset` lands in reservation or
  // guard, so that without a check it reads or writes the memory or faults.
  bool NeedsNoCheck(uint64_t offset, uint32_t size) const {
    return bounds == Bounds::kNone && offset <= guard && size <= guard - offset;
  }

  // Whether an access of `size` bytes at any index below the length plus `offset` lands in the
  // memory or in what faults.
  bool NeedsOnlyIndex(uint64_t offset, uint32_t size) const {
    return bounds == Bounds::kIndex && offset <= guard && size <= guard - offset;
  }

  // "i32 pages 65536 reservation 4294967296 guard 33554432 bounds none fixed".
  std::string ToString() const;

  friend bool operator==(const MemoryPlan&, const MemoryPlan&) = default;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_MEMORY_PLAN_H_
