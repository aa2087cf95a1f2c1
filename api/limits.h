// StoreLimits: how much a store may have, as a value; ResourceLimiter: the same decided by code.
//
//   store.SetLimits(gantry::StoreLimits().MemoryBytes(64 << 20).Instances(10));
//
//   class MyLimiter : public gantry::ResourceLimiter { ... };
//   store.SetLimiter(&limiter);
//
// What is refused is refused before anything is asked of the host, so that the same guest sees the
// same refusals everywhere: memory.grow and table.grow give -1, the host gets kResourceExhausted.
#ifndef GANTRY_API_LIMITS_H_
#define GANTRY_API_LIMITS_H_

#include <cstdint>
#include <utility>

#include "runtime/resource_limiter.h"

namespace gantry {

using ResourceLimiter = runtime::ResourceLimiter;

// No limit by default. Setters in any order.
class StoreLimits final : public ResourceLimiter {
 public:
  // Bytes of each memory, elements of each table.
  StoreLimits& MemoryBytes(uint64_t most) { return Set(memory_bytes_, most); }
  StoreLimits& TableElements(uint64_t most) { return Set(table_elements_, most); }
  // How many a store may hold, what the host made in it included.
  StoreLimits& Instances(uint64_t most) { return Set(instances_, most); }
  StoreLimits& Memories(uint64_t most) { return Set(memories_, most); }
  StoreLimits& Tables(uint64_t most) { return Set(tables_, most); }
  // Bytes of stack that WebAssembly code may use at once, through all nested calls. Lowers
  // Config::MaxWasmStack.
  StoreLimits& StackBytes(uint64_t most) { return Set(stack_bytes_, most); }

  bool AllowMemory(uint64_t, uint64_t desired) override { return desired <= memory_bytes_; }
  bool AllowTable(uint64_t, uint64_t desired) override { return desired <= table_elements_; }
  bool AllowInstances(uint64_t count) override { return count <= instances_; }
  bool AllowMemories(uint64_t count) override { return count <= memories_; }
  bool AllowTables(uint64_t count) override { return count <= tables_; }
  uint64_t MaxStack() override { return stack_bytes_; }

 private:
  static constexpr uint64_t kUnlimited = ~uint64_t{0};
  StoreLimits& Set(uint64_t& field, uint64_t most) {
    field = most;
    return *this;
  }

  uint64_t memory_bytes_ = kUnlimited;
  uint64_t table_elements_ = kUnlimited;
  uint64_t instances_ = kUnlimited;
  uint64_t memories_ = kUnlimited;
  uint64_t tables_ = kUnlimited;
  uint64_t stack_bytes_ = kUnlimited;
};

}  // namespace gantry

#endif  // GANTRY_API_LIMITS_H_
