// StoreContexts: the VMStoreContexts of an engine's stores, and the engine's epoch. The memory
// lives as long as the engine: whoever counts the epoch, on any thread or in a signal handler,
// writes to the contexts of stores that another thread may be destroying, and must find memory
// there.
//
//   StoreContexts contexts(EpochInterruption::kPage);
//   VMStoreContext* context = contexts.Acquire();
//   contexts.SetDeadline(*context, contexts.epoch() + 10, stack_limit);
//   contexts.IncrementEpoch();         // ten of them interrupt the store
//
// A store is interrupted by words that its code looks at anyway or at no cost (docs/abi.md,
// "Epochs"): the stack limit becomes all ones, `interrupt` 1, and where the engine uses pages the
// one in front of the context inaccessible. Interrupts may be spurious, never lost: the counter and
// the deadline are each written first and the other read then, in one order of all.
#ifndef GANTRY_RUNTIME_STORE_CONTEXTS_H_
#define GANTRY_RUNTIME_STORE_CONTEXTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "environ/core/tunables.h"
#include "runtime/home_shard.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

class StoreContexts {
 public:
  static constexpr uint64_t kNoDeadline = ~uint64_t{0};

  explicit StoreContexts(environ::EpochInterruption how) : how_(how) {}
  // All contexts have been released.
  ~StoreContexts();
  StoreContexts(const StoreContexts&) = delete;
  StoreContexts& operator=(const StoreContexts&) = delete;

  // A context in the state of a new one, for one thread at a time. Throws std::bad_alloc, as `new`
  // does.
  VMStoreContext* Acquire();
  void Release(VMStoreContext* context);

  // Counts, and interrupts the stores whose deadline has come. Async-signal-safe; takes time in the
  // number of stores.
  void IncrementEpoch();
  const std::atomic<uint64_t>& epoch() const { return epoch_; }

  // The rest is for the thread that uses the store.

  // Gives the store a deadline and, unless it has come, ends its interrupt.
  void SetDeadline(VMStoreContext& context, uint64_t deadline, uint64_t stack_limit) {
    context.epoch_deadline.store(deadline, std::memory_order_seq_cst);
    Settle(context, stack_limit, false);
  }
  // Whether the deadline has come.
  bool IsDue(const VMStoreContext& context) const {
    return epoch_.load(std::memory_order_seq_cst) >=
           context.epoch_deadline.load(std::memory_order_relaxed);
  }
  // Gives the store the limit of the stack that it is about to use, or goes on to use. Where the
  // deadline has come it is interrupted, else not any longer. `seen`: code has found an interrupt,
  // which the context may not show yet.
  void Settle(VMStoreContext& context, uint64_t stack_limit, bool seen) {
    if (how_ == environ::EpochInterruption::kNone) {
      context.stack_limit.store(stack_limit, std::memory_order_relaxed);
    } else {
      SettleInterrupts(context, stack_limit, seen);
    }
  }

  // Whether the address lies in the page that the store's code reads from to find out about
  // interrupts. Async-signal-safe.
  bool IsPollPage(const VMStoreContext& context, uintptr_t address) const;

 private:
  struct Chunk;
  struct alignas(64) Shard {
    std::mutex mutex;
    VMStoreContext* free = nullptr;
  };

  void SettleInterrupts(VMStoreContext& context, uint64_t stack_limit, bool seen);
  void Interrupt(VMStoreContext& context);
  bool Protect(VMStoreContext& context, int protection) const;
  Chunk* NewChunk();

  const environ::EpochInterruption how_;
  std::atomic<uint64_t> epoch_{0};
  // The latest first; never removed.
  std::atomic<Chunk*> chunks_{nullptr};
  // Free contexts, by the thread that gave them back: allocated once, linked through themselves.
  std::array<Shard, kThreadShards> shards_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_STORE_CONTEXTS_H_
