// PoolingOptions: how large a pool of instances is, and what it keeps (pooling_allocator.h).
#ifndef GANTRY_RUNTIME_POOLING_OPTIONS_H_
#define GANTRY_RUNTIME_POOLING_OPTIONS_H_

#include <cstdint>
#include <optional>

namespace gantry::runtime {

struct PoolingOptions {
  // How many there can be at once, in all stores of the engine.
  uint32_t total_instances = 1000;
  // Nothing: as many as instances. Shared memories count once, however many instances see them.
  std::optional<uint32_t> total_memories;
  std::optional<uint32_t> total_tables;
  // Bytes of an instance's block: what it keeps of functions that escape, globals, imports.
  uint64_t max_instance_size = uint64_t{1} << 20;
  uint64_t max_table_elements = 20'000;
  // Bytes of a memory. Nothing: as much as the engine reserves for one; where the host's address
  // space is too small for that, as much as can be had.
  std::optional<uint64_t> max_memory_size;
  // Of what a memory, table or instance wrote so many bytes stay in the process for the next one.
  uint64_t memory_keep_resident = uint64_t{64} << 10;
  uint64_t table_keep_resident = uint64_t{64} << 10;
  uint64_t instance_keep_resident = uint64_t{64} << 10;
  // Of the free slots of a thread beyond so many all memory goes back to the host.
  uint32_t max_warm_slots = 100;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_POOLING_OPTIONS_H_
