// MemoryCache: a compilation cache that lasts as long as the object, for compilers that make the
// same functions again and again in one process, and for tests.
//
//   auto cache = std::make_shared<MemoryCache>(64 << 20);
//   RETURN_IF_ERROR(builder->EnableIncrementalCompilation(cache));
#ifndef GANTRY_ENVIRON_CACHE_MEMORY_CACHE_H_
#define GANTRY_ENVIRON_CACHE_MEMORY_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/string_view.h"
#include "environ/translation/compilation_cache.h"

namespace gantry::environ {

class MemoryCache final : public CompilationCache {
 public:
  // Keys and values take at most `max_bytes`; beyond, the least recently used go.
  explicit MemoryCache(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  std::optional<std::string> Get(absl::string_view key) override;
  void Insert(absl::string_view key, absl::string_view value) override;

  uint64_t bytes() const;
  size_t entries() const;

 private:
  struct Entry {
    std::string key;
    std::string value;
    uint64_t bytes() const { return key.size() + value.size(); }
  };

  const uint64_t max_bytes_;
  mutable std::mutex mutex_;
  // The most recently used first. All guarded by mutex_.
  std::list<Entry> entries_;
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  uint64_t bytes_ = 0;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CACHE_MEMORY_CACHE_H_
