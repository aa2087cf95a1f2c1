#include "runtime/parking_lot.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/check.h"
#include "runtime/futex.h"

namespace gantry::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Nothing where that is for ever, or further off than the clock can count.
std::optional<Clock::time_point> DeadlineOf(int64_t timeout_nanoseconds) {
  if (timeout_nanoseconds < 0) return std::nullopt;
  const Clock::time_point now = Clock::now();
  if (nanoseconds(timeout_nanoseconds) > Clock::time_point::max() - now) return std::nullopt;
  return now + nanoseconds(timeout_nanoseconds);
}

}  // namespace

// On the stack of the thread that waits. It is gone as soon as it is told to be woken.
struct ParkingLot::Waiter {
  const void* address = nullptr;
  std::atomic<uint32_t> woken{0};
  // Under the bucket's lock, but for `next` of those that a notification has taken out, which is
  // the notification's.
  bool queued = false;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

ParkingLot::~ParkingLot() {
  for (const Bucket& bucket : buckets_) CHECK(bucket.first == nullptr) << "a thread still waits";
}

void ParkingLot::Append(Bucket& bucket, Waiter& waiter) {
  waiter.queued = true;
  waiter.previous = bucket.last;
  (bucket.last == nullptr ? bucket.first : bucket.last->next) = &waiter;
  bucket.last = &waiter;
}

void ParkingLot::Remove(Bucket& bucket, Waiter& waiter) {
  waiter.queued = false;
  (waiter.previous == nullptr ? bucket.first : waiter.previous->next) = waiter.next;
  (waiter.next == nullptr ? bucket.last : waiter.next->previous) = waiter.previous;
}

ParkingLot::Result ParkingLot::Park(Bucket& bucket, std::unique_lock<std::mutex>& lock,
                                    const void* address, int64_t timeout_nanoseconds,
                                    const Interrupt& interrupt) {
  Waiter waiter;
  waiter.address = address;
  Append(bucket, waiter);
  lock.unlock();
  const Result result = Sleep(waiter, timeout_nanoseconds, interrupt);
  if (result == Result::kWoken) return result;
  lock.lock();
  if (waiter.queued) {
    Remove(bucket, waiter);
    return result;
  }
  lock.unlock();
  // A notification has counted this thread, and is about to say so.
  return Sleep(waiter, -1, kNever);
}

ParkingLot::Result ParkingLot::Sleep(Waiter& waiter, int64_t timeout_nanoseconds,
                                     const Interrupt& interrupt) {
  const std::optional<Clock::time_point> deadline = DeadlineOf(timeout_nanoseconds);
  const bool can_be_interrupted =
      interrupt.counter != nullptr && interrupt.deadline != ~uint64_t{0};
  while (waiter.woken.load(std::memory_order_acquire) == 0) {
    if (can_be_interrupted &&
        interrupt.counter->load(std::memory_order_relaxed) >= interrupt.deadline) {
      return Result::kInterrupted;
    }
    std::optional<Clock::time_point> until = deadline;
    if (deadline.has_value() || can_be_interrupted) {
      const Clock::time_point now = Clock::now();
      if (deadline.has_value() && now >= *deadline) return Result::kTimedOut;
      if (can_be_interrupted) {
        const Clock::time_point poll = now + nanoseconds(kInterruptPollNanoseconds);
        until = std::min(deadline.value_or(poll), poll);
      }
    }
    FutexWait(waiter.woken, 0, until);
  }
  return Result::kWoken;
}

uint32_t ParkingLot::Notify(const void* address, uint32_t count) {
  Waiter* first = nullptr;
  Waiter** end = &first;
  uint32_t woken = 0;
  Bucket& bucket = BucketOf(address);
  {
    const std::lock_guard<std::mutex> lock(bucket.mutex);
    for (Waiter* waiter = bucket.first; waiter != nullptr && woken < count;) {
      Waiter* const next = waiter->next;
      if (waiter->address == address) {
        Remove(bucket, *waiter);
        ++woken;
        *end = waiter;
        end = &waiter->next;
      }
      waiter = next;
    }
    *end = nullptr;
  }
  for (Waiter* waiter = first; waiter != nullptr;) {
    Waiter* const next = waiter->next;
    std::atomic<uint32_t>* const futex = &waiter->woken;
    futex->store(1, std::memory_order_release);
    // From here on the address may be another's, which does not mind being woken.
    FutexWakeOne(futex);
    waiter = next;
  }
  return woken;
}

uint32_t ParkingLot::CountWaiters(const void* address) {
  Bucket& bucket = BucketOf(address);
  const std::lock_guard<std::mutex> lock(bucket.mutex);
  uint32_t count = 0;
  for (const Waiter* waiter = bucket.first; waiter != nullptr; waiter = waiter->next) {
    count += waiter->address == address;
  }
  return count;
}

}  // namespace gantry::runtime
