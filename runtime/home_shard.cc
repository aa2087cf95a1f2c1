#include "runtime/home_shard.h"

#include <atomic>

namespace gantry::runtime {

[[gnu::noinline]] uint32_t HomeShard() {
  static std::atomic<uint32_t> threads{0};
  thread_local const uint32_t home =
      threads.fetch_add(1, std::memory_order_relaxed) % kThreadShards;
  return home;
}

}  // namespace gantry::runtime
