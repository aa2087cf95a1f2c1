// HomeShard: which of a few shards a thread uses, for free lists that threads seldom wait at.
// Tested by slot_index_test and store_contexts_test.
#ifndef GANTRY_RUNTIME_HOME_SHARD_H_
#define GANTRY_RUNTIME_HOME_SHARD_H_

#include <cstdint>

namespace gantry::runtime {

inline constexpr uint32_t kThreadShards = 16;

// Below kThreadShards, the same for all of a thread's life; threads are dealt out in turn. Not
// inlined, so that no thread-local address is kept across a switch of stacks.
uint32_t HomeShard();

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_HOME_SHARD_H_
