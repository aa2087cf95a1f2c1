// What decides how much a store may have.
#ifndef GANTRY_RUNTIME_RESOURCE_LIMITER_H_
#define GANTRY_RUNTIME_RESOURCE_LIMITER_H_

#include <cstdint>

namespace gantry::runtime {

// Asked before a memory or table of a store is made or grows, and before an instance is made. A
// refusal is seen by a guest as -1 and by the host as kResourceExhausted. Called on the thread
// that uses the store, and before anything is asked of the host.
class ResourceLimiter {
 public:
  virtual ~ResourceLimiter() = default;
  // Sizes that one is about to have, `current` being 0 for a new one.
  virtual bool AllowMemory(uint64_t current_bytes, uint64_t desired_bytes) = 0;
  virtual bool AllowTable(uint64_t current_elements, uint64_t desired_elements) = 0;
  // How many there will be in the store, those of the host and views of shared memories included.
  virtual bool AllowInstances(uint64_t count) = 0;
  virtual bool AllowMemories(uint64_t count) = 0;
  virtual bool AllowTables(uint64_t count) = 0;
  // Bytes of stack that compiled code may use at once, through all nested calls; the engine's
  // max_wasm_stack where that is less.
  virtual uint64_t MaxStack() = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_RESOURCE_LIMITER_H_
