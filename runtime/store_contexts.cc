#include "runtime/store_contexts.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "base/check.h"
#include "runtime/mmap.h"

namespace gantry::runtime {
namespace {

using environ::EpochInterruption;

constexpr size_t kContextsPerChunk = 32;
// Apart, so that threads do not write to one line of the cache.
constexpr size_t kStride = 192;
static_assert(sizeof(VMStoreContext) <= kStride);

// The right to change what interrupts a store, for the thread that uses it. Others give it back at
// once, a signal handler on this thread before this goes on.
class Settling {
 public:
  explicit Settling(VMStoreContext& context) : context_(context) {
    while (context_.interrupt_lock.exchange(1, std::memory_order_seq_cst) != 0)
      std::this_thread::yield();
  }
  ~Settling() { context_.interrupt_lock.store(0, std::memory_order_seq_cst); }
  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;

 private:
  VMStoreContext& context_;
};

// The state of a new one. What other threads look at is written as they read it: they may still be
// at work for the store that had it before.
void Reset(VMStoreContext& context) {
  context.epoch_deadline.store(StoreContexts::kNoDeadline, std::memory_order_seq_cst);
  context.stack_limit.store(~uint64_t{0}, std::memory_order_relaxed);
  context.interrupt.store(0, std::memory_order_relaxed);
  context.fuel = 0;
  context.builtins = nullptr;
  context.last = BoundaryRegisters();
  context.heap_base = nullptr;
  context.heap_length = 0;
  context.store = nullptr;
}

}  // namespace

struct StoreContexts::Chunk {
  Chunk* next = nullptr;
  uint8_t* first = nullptr;
  size_t stride = 0;
  // Of one of the two kinds.
  Mmap pages;
  std::unique_ptr<uint8_t[]> bytes;

  VMStoreContext& at(size_t i) { return *reinterpret_cast<VMStoreContext*>(first + i * stride); }
};

StoreContexts::~StoreContexts() {
  for (Chunk* chunk = chunks_.load(std::memory_order_acquire); chunk != nullptr;) {
    delete std::exchange(chunk, chunk->next);
  }
}

StoreContexts::Chunk* StoreContexts::NewChunk() {
  auto chunk = std::make_unique<Chunk>();
  if (how_ == EpochInterruption::kPage) {
    const uint64_t page = HostPageSize();
    absl::StatusOr<Mmap> pages = Mmap::Allocate(2 * page * kContextsPerChunk);
    if (!pages.ok()) throw std::bad_alloc();
    chunk->pages = *std::move(pages);
    chunk->stride = 2 * page;
    chunk->first = chunk->pages.data() + page;
  } else {
    constexpr size_t kLine = 64;
    chunk->bytes = std::make_unique<uint8_t[]>(kStride * kContextsPerChunk + kLine);
    chunk->stride = kStride;
    const uintptr_t start = reinterpret_cast<uintptr_t>(chunk->bytes.get());
    chunk->first = chunk->bytes.get() + (kLine - start % kLine) % kLine;
  }
  for (size_t i = 0; i < kContextsPerChunk; ++i) new (&chunk->at(i)) VMStoreContext();
  return chunk.release();
}

VMStoreContext* StoreContexts::Acquire() {
  const uint32_t home = HomeShard();
  for (uint32_t i = 0; i < kThreadShards; ++i) {
    Shard& shard = shards_[(home + i) % kThreadShards];
    std::lock_guard<std::mutex> lock(shard.mutex);
    if (VMStoreContext* const context = shard.free; context != nullptr) {
      shard.free = std::exchange(context->next_free, nullptr);
      return context;
    }
  }
  Chunk* const chunk = NewChunk();
  chunk->next = chunks_.load(std::memory_order_relaxed);
  while (!chunks_.compare_exchange_weak(chunk->next, chunk, std::memory_order_release,
                                        std::memory_order_relaxed)) {
  }
  for (size_t i = 1; i + 1 < kContextsPerChunk; ++i) chunk->at(i).next_free = &chunk->at(i + 1);
  Shard& shard = shards_[home];
  std::lock_guard<std::mutex> lock(shard.mutex);
  chunk->at(kContextsPerChunk - 1).next_free = std::exchange(shard.free, &chunk->at(1));
  return &chunk->at(0);
}

void StoreContexts::Release(VMStoreContext* context) {
  {
    const Settling settling(*context);
    Reset(*context);
    if (how_ == EpochInterruption::kPage) Protect(*context, PROT_READ);
  }
  Shard& shard = shards_[HomeShard()];
  std::lock_guard<std::mutex> lock(shard.mutex);
  context->next_free = std::exchange(shard.free, context);
}

bool StoreContexts::Protect(VMStoreContext& context, int protection) const {
  const size_t page = HostPageSize();
  return mprotect(reinterpret_cast<uint8_t*>(&context) - page, page, protection) == 0;
}

bool StoreContexts::IsPollPage(const VMStoreContext& context, uintptr_t address) const {
  const uintptr_t end = reinterpret_cast<uintptr_t>(&context);
  return how_ == EpochInterruption::kPage && address < end && end - address <= HostPageSize();
}

void StoreContexts::Interrupt(VMStoreContext& context) {
  // Whoever is at it sees the epoch that this thread has counted when it looks again.
  const auto is_due = [&] {
    return epoch_.load(std::memory_order_seq_cst) >=
           context.epoch_deadline.load(std::memory_order_seq_cst);
  };
  while (is_due() && context.interrupt.load(std::memory_order_seq_cst) == 0) {
    if (context.interrupt_lock.exchange(1, std::memory_order_seq_cst) != 0) return;
    bool done = true;
    if (is_due() && context.interrupt.load(std::memory_order_relaxed) == 0) {
      context.stack_limit.store(~uint64_t{0}, std::memory_order_seq_cst);
      // Where the host refuses, the next epoch tries again.
      done = how_ != EpochInterruption::kPage || Protect(context, PROT_NONE);
      if (done) context.interrupt.store(1, std::memory_order_seq_cst);
    }
    context.interrupt_lock.store(0, std::memory_order_seq_cst);
    if (!done) return;
  }
}

void StoreContexts::IncrementEpoch() {
  const int saved_errno = errno;
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  if (how_ != EpochInterruption::kNone) {
    for (Chunk* chunk = chunks_.load(std::memory_order_acquire); chunk != nullptr;
         chunk = chunk->next) {
      for (size_t i = 0; i < kContextsPerChunk; ++i) {
        Interrupt(chunk->at(i));
      }
    }
  }
  errno = saved_errno;
}

void StoreContexts::SettleInterrupts(VMStoreContext& context, uint64_t stack_limit, bool seen) {
  {
    const Settling settling(context);
    const bool was = context.interrupt.exchange(0, std::memory_order_seq_cst) != 0;
    context.stack_limit.store(stack_limit, std::memory_order_seq_cst);
    if (how_ == EpochInterruption::kPage && (was || seen)) {
      CHECK(Protect(context, PROT_READ)) << "a page that the engine owns";
    }
  }
  Interrupt(context);
}

}  // namespace gantry::runtime
