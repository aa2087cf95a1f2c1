#include "environ/cache/memory_cache.h"

#include <new>

namespace gantry::environ {

std::optional<std::string> MemoryCache::Get(absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_key_.find(std::string(key));
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->value;
}

void MemoryCache::Insert(absl::string_view key, absl::string_view value) {
  // A cache that runs out of memory does not have the value.
  try {
    std::list<Entry> made;
    made.push_back({std::string(key), std::string(value)});
    const uint64_t size = made.front().bytes();
    if (size > max_bytes_) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [place, inserted] = by_key_.try_emplace(made.front().key, made.begin());
    if (!inserted) {
      bytes_ -= place->second->bytes();
      entries_.erase(place->second);
      place->second = made.begin();
    }
    entries_.splice(entries_.begin(), made);
    bytes_ += size;
    while (bytes_ > max_bytes_) {
      bytes_ -= entries_.back().bytes();
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
  } catch (const std::bad_alloc&) {
  }
}

uint64_t MemoryCache::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

size_t MemoryCache::entries() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

}  // namespace gantry::environ
