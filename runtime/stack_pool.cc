#include "runtime/stack_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/sanitizers.h"

#if GANTRY_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace gantry::runtime {
namespace {

// Frames that were left by a last switch, and never by a return, are still marked in
// AddressSanitizer's map.
void ForgetFrames([[maybe_unused]] const void* begin, [[maybe_unused]] uint64_t size) {
#if GANTRY_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(begin, size);
#endif
}

}  // namespace

absl::Status StackPool::CheckOptions(const Options& options) {
  if (options.stack_size == 0 || options.stack_size > kMaxStackSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a stack of ", options.stack_size, " bytes: 1 to ", kMaxStackSize, " are possible"));
  }
  if (options.zero && !options.keep_resident) {
    return absl::InvalidArgumentError(
        "stacks are to be zeroed when they are given back, but how much of each is kept resident, "
        "and so zeroed, is not said");
  }
  return absl::OkStatus();
}

StackPool::Options StackPool::Rounded(Options options) {
  CHECK_OK(CheckOptions(options));
  options.stack_size = *RoundUpToPage(options.stack_size);
  if (options.keep_resident) {
    options.keep_resident = std::min(
        RoundUpToPage(*options.keep_resident).value_or(options.stack_size), options.stack_size);
  }
  return options;
}

StackPool::StackPool(const Options& options) : options_(Rounded(options)) {}

StackPool::~StackPool() {
  CHECK_EQ(num_idle_, num_stacks_) << "a stack outlives its pool";
  // One after the other: the list may be long.
  while (idle_ != nullptr) idle_ = std::move(idle_->next);
}

absl::StatusOr<FiberStack> StackPool::Take() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (idle_ != nullptr) {
      std::unique_ptr<Entry> entry = std::move(idle_);
      idle_ = std::move(entry->next);
      --num_idle_;
      return FiberStack(this, std::move(entry));
    }
    if (num_stacks_ >= options_.total_size / options_.stack_size) {
      return absl::ResourceExhaustedError(
          absl::StrCat(num_stacks_, " stacks of ", options_.stack_size,
                       " bytes are in use, and all together may have ", options_.total_size));
    }
    ++num_stacks_;
  }
  absl::StatusOr<std::unique_ptr<Entry>> entry = NewEntry();
  if (!entry.ok()) {
    std::lock_guard<std::mutex> lock(mutex_);
    --num_stacks_;
    return std::move(entry).status();
  }
  return FiberStack(this, *std::move(entry));
}

absl::StatusOr<std::unique_ptr<StackPool::Entry>> StackPool::NewEntry() const {
  std::unique_ptr<Entry> entry(new (std::nothrow) Entry);
  if (entry == nullptr) return absl::ResourceExhaustedError("no memory for a stack");
  ASSIGN_OR_RETURN(entry->memory, Mmap::Reserve(kGuardSize + options_.stack_size));
  RETURN_IF_ERROR(entry->memory.MakeAccessible(kGuardSize, options_.stack_size));
  // A call that needs a page is not to be given 2 MiB. Refused by hosts without huge pages.
  madvise(entry->memory.data() + kGuardSize, options_.stack_size, MADV_NOHUGEPAGE);
  return entry;
}

bool StackPool::Reset(Entry& entry) const {
  ForgetFrames(entry.memory.data() + kGuardSize, options_.stack_size);
  if (!options_.keep_resident) return true;
  const uint64_t kept = *options_.keep_resident;
  if (options_.zero) std::memset(entry.memory.data() + entry.memory.size() - kept, 0, kept);
  return kept == options_.stack_size ||
         entry.memory.Decommit(kGuardSize, options_.stack_size - kept).ok();
}

void StackPool::Return(std::unique_ptr<Entry> entry) {
  const bool usable = Reset(*entry);
  std::lock_guard<std::mutex> lock(mutex_);
  if (!usable || num_idle_ >= options_.max_idle) {
    // Unmapped by the destructor.
    --num_stacks_;
    return;
  }
  entry->next = std::move(idle_);
  idle_ = std::move(entry);
  ++num_idle_;
}

uint64_t StackPool::num_stacks() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return num_stacks_;
}

uint64_t StackPool::num_idle() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return num_idle_;
}

}  // namespace gantry::runtime
