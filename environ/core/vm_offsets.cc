#include "environ/core/vm_offsets.h"

#include <algorithm>

namespace gantry::environ {
namespace {

// Hands out consecutive regions.
class Layout {
 public:
  uint32_t Take(uint32_t count, uint32_t size, uint32_t alignment) {
    CHECK(count <= VMOffsets::kMaxCount) << "too many entities for a VMContext: " << count;
    next_ = (next_ + alignment - 1) & ~uint64_t{alignment - 1};
    const uint64_t start = next_;
    next_ += uint64_t{count} * size;
    CHECK(next_ <= 0x7FFFFFFF) << "VMContext over 2 GiB";
    return static_cast<uint32_t>(start);
  }

 private:
  uint64_t next_ = VMContextOffsets::kHeadSize;
};

}  // namespace

VMOffsets::VMOffsets(const VMContextCounts& counts) : counts_(counts) {
  Layout layout;
  memories_ =
      layout.Take(std::max(1u, counts.defined_memories), VMMemoryDefinitionOffsets::kSize, 8);
  memory_pointers_ = layout.Take(counts.imported_memories, 8, 8);
  tables_ = layout.Take(std::max(1u, counts.defined_tables), VMTableDefinitionOffsets::kSize, 8);
  table_pointers_ = layout.Take(counts.imported_tables, 8, 8);
  globals_ = layout.Take(counts.defined_globals, VMGlobalDefinitionOffsets::kSize, 16);
  global_pointers_ = layout.Take(counts.imported_globals, 8, 8);
  functions_ = layout.Take(counts.imported_functions, VMFunctionImportOffsets::kSize, 8);
  tag_pointers_ = layout.Take(counts.imported_tags, 8, 8);
  tags_ = layout.Take(counts.defined_tags, VMTagDefinitionOffsets::kSize, 16);
  func_refs_ = layout.Take(counts.func_refs, VMFuncRefOffsets::kSize, 16);
  size_ = layout.Take(0, 0, 16);
}

}  // namespace gantry::environ
