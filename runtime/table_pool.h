// TablePool: slots for the elements of tables, used by one table after another.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<TablePool> pool, TablePool::Create(options));
//   ASSIGN_OR_RETURN(TableElements elements, pool->Take(10, sizeof(VMFuncTableEntry)));
//
// The bytes of a free slot are zero. A table marks the pages it touches, so that only those are
// made zero again: the first `keep_resident` bytes of them by writing, the others by giving them
// back to the host. Safe to use from any number of threads.
//
// Tested by pooling_allocator_test.
#ifndef GANTRY_RUNTIME_TABLE_POOL_H_
#define GANTRY_RUNTIME_TABLE_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/mmap.h"
#include "runtime/slot_index.h"
#include "runtime/table_elements.h"

namespace gantry::runtime {

class TablePool final : private TableSlotOwner {
 public:
  struct Options {
    uint32_t slots = 0;
    // Of function references, which are the largest.
    uint64_t max_elements = 0;
    uint64_t keep_resident = 0;
    uint32_t most_warm = 0;
  };

  // Error: kResourceExhausted where the host has not so much address space.
  static absl::StatusOr<std::unique_ptr<TablePool>> Create(const Options& options);

  // max_elements of the size, no more than a function reference's, which are all zero. Error:
  // kResourceExhausted naming the limit, where that is less than is asked for or all slots are in
  // use.
  absl::StatusOr<TableElements> Take(uint64_t elements, uint64_t element_size);

 private:
  TablePool(const Options& options, uint64_t slot_bytes, Mmap memory);
  // TableSlotOwner:
  void TakeBackTable(uint32_t number) override;
  bool MakeZero(uint32_t number);

  const Options options_;
  const uint64_t slot_bytes_;
  const unsigned page_size_log2_;
  const uint64_t words_per_slot_;
  const Mmap memory_;
  SlotIndex index_;
  // The touched pages of each slot, which belong to whoever has taken it.
  std::vector<uint64_t> touched_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TABLE_POOL_H_
