// StackPool: stacks for fibers, each with pages below it that fault, kept for the next use.
//
//   RETURN_IF_ERROR(StackPool::CheckOptions(options));
//   StackPool pool(options);
//   ASSIGN_OR_RETURN(FiberStack stack, pool.Take());       // given back when it is destroyed
//
// A guest never reads what another left on a stack: locals have values before they are read.
// Options say what is given back to the host, or overwritten, for those who want more.
//
// Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_STACK_POOL_H_
#define GANTRY_RUNTIME_STACK_POOL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/mmap.h"

namespace gantry::runtime {

class FiberStack;

class StackPool {
 public:
  struct Options {
    // Usable bytes of a stack, rounded up to whole pages.
    uint64_t stack_size = uint64_t{2} << 20;
    // Bytes of all stacks together, idle ones included.
    uint64_t total_size = ~uint64_t{0};
    // Idle stacks beyond this many are unmapped.
    uint32_t max_idle = 1000;
    // Bytes next to a stack's top that an idle one keeps in memory; the rest is given back to the
    // host, and reads as zero afterwards. Nothing: all that was touched is kept, without a call
    // of the host.
    std::optional<uint64_t> keep_resident;
    // Whether what is kept is overwritten with zeros. Only together with keep_resident.
    bool zero = false;
  };
  // A stack is at most this large.
  static constexpr uint64_t kMaxStackSize = uint64_t{1} << 30;
  // Bytes below a stack that fault, so that no access next to its end reaches another mapping.
  static constexpr uint64_t kGuardSize = uint64_t{64} << 10;

  // Error: kInvalidArgument naming the option that makes no sense.
  static absl::Status CheckOptions(const Options& options);
  // The options must have passed.
  explicit StackPool(const Options& options);
  // All stacks must have been given back.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // The stack that was given back last, or a new one. Error: kResourceExhausted from the host, or
  // where total_size is reached.
  absl::StatusOr<FiberStack> Take();

  // With sizes of whole pages.
  const Options& options() const { return options_; }
  // Stacks that exist, and those among them that nobody has.
  uint64_t num_stacks() const;
  uint64_t num_idle() const;

 private:
  friend class FiberStack;
  struct Entry {
    Mmap memory;
    std::unique_ptr<Entry> next;
  };

  static Options Rounded(Options options);
  absl::StatusOr<std::unique_ptr<Entry>> NewEntry() const;
  void Return(std::unique_ptr<Entry> entry);
  // False where the host refused, and the stack is not to be used again.
  bool Reset(Entry& entry) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::unique_ptr<Entry> idle_;
  uint64_t num_idle_ = 0;
  uint64_t num_stacks_ = 0;
};

// A stack, owned for as long as this lives.
class FiberStack {
 public:
  FiberStack() = default;
  ~FiberStack() { Release(); }
  FiberStack(FiberStack&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), entry_(std::move(other.entry_)) {}
  FiberStack& operator=(FiberStack&& other) noexcept {
    if (this != &other) {
      Release();
      pool_ = std::exchange(other.pool_, nullptr);
      entry_ = std::move(other.entry_);
    }
    return *this;
  }

  bool empty() const { return entry_ == nullptr; }
  // Gives it back. Nothing may run on it any more.
  void Release() {
    if (entry_ != nullptr) pool_->Return(std::move(entry_));
  }

  // The lowest usable byte, and how many there are. Only where not empty.
  uint8_t* low() const { return entry_->memory.data() + StackPool::kGuardSize; }
  uint64_t size() const { return entry_->memory.size() - StackPool::kGuardSize; }

 private:
  friend class StackPool;
  FiberStack(StackPool* pool, std::unique_ptr<StackPool::Entry> entry)
      : pool_(pool), entry_(std::move(entry)) {}

  StackPool* pool_ = nullptr;
  std::unique_ptr<StackPool::Entry> entry_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_STACK_POOL_H_
