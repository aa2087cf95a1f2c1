#include "runtime/instance_allocator.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

// Images up to this are copied: that costs less than a mapping and the faults of what is written.
constexpr uint64_t kMostCopied = uint64_t{64} << 10;

class OnDemandAllocator final : public InstanceAllocator {
 public:
  absl::StatusOr<Block> AllocateInstance(uint64_t size) override {
    constexpr uint64_t kAlignment = 64;
    size = (size + kAlignment - 1) & ~(kAlignment - 1);
    void* const address = std::aligned_alloc(kAlignment, size);
    if (address == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for an instance of ", size, " bytes"));
    }
    return Block{static_cast<uint8_t*>(address), size, 0};
  }
  void FreeInstance(const Block& block, uint64_t) override { std::free(block.address); }

  absl::StatusOr<MemorySpace> AllocateMemory(
      const wasm::MemoryType& type, const environ::MemoryPlan& plan, const MemoryOptions& options,
      const std::shared_ptr<const MemoryImage>& image) override {
    ASSIGN_OR_RETURN(MemorySpace space, MemorySpace::Create(type, plan, options));
    if (image == nullptr) return space;
    if (image->bytes().size() <= kMostCopied) {
      image->CopyInto(space.base());
    } else {
      RETURN_IF_ERROR(image->MapInto(space.base()));
    }
    return space;
  }

  absl::StatusOr<TableElements> AllocateTable(uint64_t, uint64_t) override {
    return TableElements();
  }
  void Forget(const MemoryImage&) override {}
};

}  // namespace

std::shared_ptr<InstanceAllocator> InstanceAllocator::OnDemand() {
  return std::make_shared<OnDemandAllocator>();
}

}  // namespace gantry::runtime
