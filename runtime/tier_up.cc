#include "runtime/tier_up.h"

#include <new>
#include <utility>

#include "absl/status/status.h"
#include "base/check.h"
#include "environ/core/vm_offsets.h"

namespace gantry::runtime {
namespace {

using environ::VMTierTableOffsets;
using wasm::DefinedFuncIndex;

// Compiled code takes them for what they hold.
static_assert(sizeof(std::atomic<const void*>) == 8 &&
              std::atomic<const void*>::is_always_lock_free);
static_assert(sizeof(std::atomic<int32_t>) == 4 && std::atomic<int32_t>::is_always_lock_free);

// Bytes of the counters, a multiple of 8: the codes lie behind them.
size_t CounterBytes(size_t functions) { return (4 * functions + 7) / 8 * 8; }

}  // namespace

TierTable::TierTable(std::unique_ptr<std::byte[]> storage, size_t size)
    : storage_(std::move(storage)), size_(size) {}

absl::StatusOr<std::shared_ptr<TierTable>> TierTable::Create(absl::Span<const void* const> codes,
                                                             uint32_t threshold) {
  CHECK(threshold >= 1 && threshold <= kMaxThreshold) << threshold;
  const size_t bytes = CounterBytes(codes.size()) + 8 * codes.size();
  std::unique_ptr<std::byte[]> storage(new (std::nothrow) std::byte[bytes]);
  if (storage == nullptr) {
    return absl::ResourceExhaustedError("out of memory for the module's tier table");
  }
  std::shared_ptr<TierTable> table(new TierTable(std::move(storage), codes.size()));
  for (size_t i = 0; i < codes.size(); ++i) {
    const DefinedFuncIndex function = DefinedFuncIndex::FromIndex(i);
    new (&table->CodeAt(function)) CodeSlot(codes[i]);
    // It runs out at -1.
    new (&table->CounterAt(function)) Counter(static_cast<int32_t>(threshold) - 1);
  }
  return table;
}

const void* const* TierTable::base() const {
  return reinterpret_cast<const void* const*>(storage_.get() + CounterBytes(size_));
}

TierTable::CodeSlot& TierTable::CodeAt(DefinedFuncIndex function) const {
  CHECK(function.index() < size_) << function;
  return *reinterpret_cast<CodeSlot*>(storage_.get() + CounterBytes(size_) +
                                      VMTierTableOffsets::Code(function));
}

TierTable::Counter& TierTable::CounterAt(DefinedFuncIndex function) const {
  CHECK(function.index() < size_) << function;
  return *reinterpret_cast<Counter*>(storage_.get() + CounterBytes(size_) +
                                     VMTierTableOffsets::Counter(function));
}

void TierTable::Publish(DefinedFuncIndex function, const void* code) {
  CodeAt(function).store(code, std::memory_order_release);
}

const void* TierTable::Code(DefinedFuncIndex function) const {
  return CodeAt(function).load(std::memory_order_acquire);
}

void TierTable::Rest(DefinedFuncIndex function) {
  CounterAt(function).store(static_cast<int32_t>(kMaxThreshold), std::memory_order_relaxed);
}

}  // namespace gantry::runtime
