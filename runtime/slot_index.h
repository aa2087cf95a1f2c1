// SlotIndex: which slots of a pool are free, and what each was used for last.
//
//   SlotIndex index(1000, {});
//   std::optional<uint32_t> slot = index.Take(image_id);   // one that had that image, if any has
//   ...
//   index.Give(*slot, image_id);
//
// Free slots lie in shards, of which each thread has its own to begin with, so that threads seldom
// wait for one another and get the slots that they used last. Whoever has taken a slot sees all
// that was done before it was given. Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_SLOT_INDEX_H_
#define GANTRY_RUNTIME_SLOT_INDEX_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "runtime/home_shard.h"

namespace gantry::runtime {

class SlotIndex {
 public:
  // `most_warm`: so many free slots of a thread are kept for their affinity; past that the one that
  // has been free the longest is used before one that never was.
  SlotIndex(uint32_t slots, uint32_t most_warm);
  SlotIndex(const SlotIndex&) = delete;
  SlotIndex& operator=(const SlotIndex&) = delete;

  uint32_t slots() const { return static_cast<uint32_t>(nodes_.size()); }

  // A free slot: the one of this affinity that was given last, else one that was never taken, else
  // the one that has been free the longest. Nothing where none is free.
  std::optional<uint32_t> Take(uint64_t affinity);
  // Makes a slot free. Allocates; where that fails the slot is free and without affinity.
  void Give(uint32_t slot, uint64_t affinity);

  // Takes a free slot of an affinity that is not asked for again; nothing where none is left, and then
  // nothing is kept of the affinity either.
  std::optional<uint32_t> TakeOnly(uint64_t affinity);

  // How many slots were given back to the calling thread's shard and are free: roughly, for policy.
  uint32_t warm_here() const;

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  // A free slot is in its shard's list by age, and in its affinity's chain.
  struct Node {
    uint32_t older = kNone;
    uint32_t newer = kNone;
    uint32_t older_of_same = kNone;
    uint32_t newer_of_same = kNone;
    uint64_t affinity = 0;
    bool chained = false;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    // Slots from here on were never taken.
    uint32_t next_fresh = 0;
    uint32_t end_fresh = 0;
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
    // Written under the lock.
    std::atomic<uint32_t> warm{0};
    // The newest of each affinity; kNone where there is none any more.
    std::unordered_map<uint64_t, uint32_t> chains;
  };

  std::optional<uint32_t> TakeLocked(Shard& shard, uint64_t affinity);
  std::optional<uint32_t> TakeOfSame(Shard& shard, uint64_t affinity);
  void Unlink(Shard& shard, uint32_t slot);

  const uint32_t most_warm_;
  std::vector<Node> nodes_;
  std::array<Shard, kThreadShards> shards_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SLOT_INDEX_H_
