// How functions of a module get better code while they run: the table through which they are
// entered, and the abstract maker of better code, which a process without a compiler does not have.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<TierTable> table, TierTable::Create(codes, threshold));
//   tier_up->Start(table);
//   ...                                  // compiled code counts down, and in the end:
//   tier_up->Request(function);
//   table->Publish(function, code);      // by the maker, on any thread
//
// Text is never patched. A baseline function begins by comparing its table entry with itself, and
// jumps there where they differ; code that is compiled later calls by the entry. (docs/abi.md,
// "Tier-up".) Tested by tier_up_test.cc and //api:tier_up_test.
#ifndef GANTRY_RUNTIME_TIER_UP_H_
#define GANTRY_RUNTIME_TIER_UP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/code_object.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

// One module's, shared by all its instances. Any number of threads may use it.
class TierTable {
 public:
  // A counter at rest is this far from running out again.
  static constexpr uint32_t kMaxThreshold = uint32_t{1} << 30;

  // `codes`: the baseline code of each function that the module defines. `threshold`, from 1 to
  // kMaxThreshold: the count at which a counter runs out. Error: kResourceExhausted.
  static absl::StatusOr<std::shared_ptr<TierTable>> Create(absl::Span<const void* const> codes,
                                                           uint32_t threshold);
  TierTable(const TierTable&) = delete;
  TierTable& operator=(const TierTable&) = delete;

  // What VMContexts point to (environ::VMTierTableOffsets).
  const void* const* base() const;
  size_t size() const { return size_; }

  // The code is executable, registered, and stays for as long as code of the module may run.
  void Publish(wasm::DefinedFuncIndex function, const void* code);
  const void* Code(wasm::DefinedFuncIndex function) const;
  // Its counter does not run out for a long time.
  void Rest(wasm::DefinedFuncIndex function);

 private:
  using CodeSlot = std::atomic<const void*>;
  using Counter = std::atomic<int32_t>;

  TierTable(std::unique_ptr<std::byte[]> storage, size_t size);
  CodeSlot& CodeAt(wasm::DefinedFuncIndex function) const;
  Counter& CounterAt(wasm::DefinedFuncIndex function) const;

  const std::unique_ptr<std::byte[]> storage_;
  const size_t size_;
};

// Makes better code for one module. Any number of threads may use it.
class TierUp {
 public:
  virtual ~TierUp() = default;
  // Once, before code of the module runs.
  virtual void Start(std::shared_ptr<TierTable> table) = 0;
  // The counter of a function has run out on this thread, a guest's. Does not throw, and does not
  // compile on this thread's stack. One that is asked for again is as before.
  virtual void Request(wasm::DefinedFuncIndex function) = 0;
  // The module goes: what has been asked for need not be made any more.
  virtual void Stop() = 0;
  // Calls `listener` for all code made so far, and for what will be, before it is entered. At most
  // one listener.
  virtual void Listen(std::function<void(const CodeObject&)> listener) = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TIER_UP_H_
