#include "runtime/slot_index.h"

#include <atomic>
#include <new>

#include "base/check.h"

namespace gantry::runtime {
namespace {

// Affinities without a free slot are forgotten when there are more of them.
constexpr size_t kMostChains = 1024;

}  // namespace

SlotIndex::SlotIndex(uint32_t slots, uint32_t most_warm) : most_warm_(most_warm), nodes_(slots) {
  for (uint32_t i = 0; i < kThreadShards; ++i) {
    shards_[i].next_fresh = static_cast<uint32_t>(uint64_t{slots} * i / kThreadShards);
    shards_[i].end_fresh = static_cast<uint32_t>(uint64_t{slots} * (i + 1) / kThreadShards);
  }
}

std::optional<uint32_t> SlotIndex::Take(uint64_t affinity) {
  const uint32_t home = HomeShard();
  for (uint32_t i = 0; i < kThreadShards; ++i) {
    Shard& shard = shards_[(home + i) % kThreadShards];
    std::lock_guard<std::mutex> lock(shard.mutex);
    if (const std::optional<uint32_t> slot = TakeLocked(shard, affinity)) return slot;
  }
  // A slot may have gone from a shard not yet seen to one seen before: look at all at once.
  for (Shard& shard : shards_) shard.mutex.lock();
  std::optional<uint32_t> slot;
  for (uint32_t i = 0; i < kThreadShards && !slot.has_value(); ++i) {
    slot = TakeLocked(shards_[i], affinity);
  }
  for (Shard& shard : shards_) shard.mutex.unlock();
  return slot;
}

std::optional<uint32_t> SlotIndex::TakeLocked(Shard& shard, uint64_t affinity) {
  if (const std::optional<uint32_t> same = TakeOfSame(shard, affinity)) return same;
  const bool has_fresh = shard.next_fresh < shard.end_fresh;
  if (has_fresh &&
      (shard.warm.load(std::memory_order_relaxed) < most_warm_ || shard.oldest == kNone))
    return shard.next_fresh++;
  if (shard.oldest == kNone) return std::nullopt;
  const uint32_t slot = shard.oldest;
  Unlink(shard, slot);
  return slot;
}

std::optional<uint32_t> SlotIndex::TakeOfSame(Shard& shard, uint64_t affinity) {
  const auto chain = shard.chains.find(affinity);
  if (chain == shard.chains.end() || chain->second == kNone) return std::nullopt;
  const uint32_t slot = chain->second;
  Unlink(shard, slot);
  return slot;
}

std::optional<uint32_t> SlotIndex::TakeOnly(uint64_t affinity) {
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    if (const std::optional<uint32_t> slot = TakeOfSame(shard, affinity)) return slot;
    shard.chains.erase(affinity);
  }
  return std::nullopt;
}

void SlotIndex::Unlink(Shard& shard, uint32_t slot) {
  Node& node = nodes_[slot];
  (node.older == kNone ? shard.oldest : nodes_[node.older].newer) = node.newer;
  (node.newer == kNone ? shard.newest : nodes_[node.newer].older) = node.older;
  if (node.chained) {
    if (node.older_of_same != kNone) {
      nodes_[node.older_of_same].newer_of_same = node.newer_of_same;
    }
    if (node.newer_of_same != kNone) {
      nodes_[node.newer_of_same].older_of_same = node.older_of_same;
    } else {
      const auto chain = shard.chains.find(node.affinity);
      CHECK(chain != shard.chains.end() && chain->second == slot) << slot;
      chain->second = node.older_of_same;
      if (chain->second == kNone && shard.chains.size() > kMostChains) shard.chains.erase(chain);
    }
  }
  node = Node();
  shard.warm.store(shard.warm.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

void SlotIndex::Give(uint32_t slot, uint64_t affinity) {
  CHECK(slot < nodes_.size()) << slot;
  Shard& shard = shards_[HomeShard()];
  std::lock_guard<std::mutex> lock(shard.mutex);
  Node& node = nodes_[slot];
  node = Node();
  node.affinity = affinity;
  node.older = shard.newest;
  (node.older == kNone ? shard.oldest : nodes_[node.older].newer) = slot;
  shard.newest = slot;
  shard.warm.store(shard.warm.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  try {
    uint32_t& newest = shard.chains.try_emplace(affinity, kNone).first->second;
    node.older_of_same = newest;
    if (newest != kNone) nodes_[newest].newer_of_same = slot;
    newest = slot;
    node.chained = true;
  } catch (const std::bad_alloc&) {
    // Free all the same.
  }
}

uint32_t SlotIndex::warm_here() const {
  return shards_[HomeShard()].warm.load(std::memory_order_relaxed);
}

}  // namespace gantry::runtime
