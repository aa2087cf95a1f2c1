#include "runtime/parking_lot.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <optional>

#include "base/check.h"

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

// On the stack of the thread that waits, and used under its bucket's lock.
struct ParkingLot::Waiter {
  const void* address = nullptr;
  bool woken = false;
  std::condition_variable condition;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

ParkingLot::~ParkingLot() {
  for (const Bucket& bucket : buckets_) CHECK(bucket.first == nullptr) << "a thread still waits";
}

void ParkingLot::Append(Bucket& bucket, Waiter& waiter) {
  waiter.previous = bucket.last;
  (bucket.last == nullptr ? bucket.first : bucket.last->next) = &waiter;
  bucket.last = &waiter;
}

void ParkingLot::Remove(Bucket& bucket, Waiter& waiter) {
  (waiter.previous == nullptr ? bucket.first : waiter.previous->next) = waiter.next;
  (waiter.next == nullptr ? bucket.last : waiter.next->previous) = waiter.previous;
}

ParkingLot::Result ParkingLot::Park(Bucket& bucket, std::unique_lock<std::mutex>& lock,
                                    const void* address, int64_t timeout_nanoseconds,
                                    const Interrupt& interrupt) {
  const std::optional<Clock::time_point> deadline = DeadlineOf(timeout_nanoseconds);
  const bool can_be_interrupted =
      interrupt.counter != nullptr && interrupt.deadline != ~uint64_t{0};
  Waiter waiter;
  waiter.address = address;
  Append(bucket, waiter);
  const auto is_woken = [&] { return waiter.woken; };
  Result result = Result::kTimedOut;
  for (;;) {
    if (can_be_interrupted &&
        interrupt.counter->load(std::memory_order_relaxed) >= interrupt.deadline) {
      result = Result::kInterrupted;
      break;
    }
    if (!can_be_interrupted && !deadline.has_value()) {
      waiter.condition.wait(lock, is_woken);
      break;
    }
    Clock::time_point until = deadline.value_or(Clock::time_point::max());
    if (can_be_interrupted) {
      until = std::min(until, Clock::now() + nanoseconds(kInterruptPollNanoseconds));
    }
    if (waiter.condition.wait_until(lock, until, is_woken)) break;
    if (deadline.has_value() && until == *deadline) break;
  }
  // Notify has taken it out of the queue.
  if (waiter.woken) return Result::kWoken;
  Remove(bucket, waiter);
  return result;
}

uint32_t ParkingLot::Notify(const void* address, uint32_t count) {
  Bucket& bucket = BucketOf(address);
  const std::lock_guard<std::mutex> lock(bucket.mutex);
  uint32_t woken = 0;
  for (Waiter* waiter = bucket.first; waiter != nullptr && woken < count;) {
    Waiter* const next = waiter->next;
    if (waiter->address == address) {
      Remove(bucket, *waiter);
      waiter->woken = true;
      ++woken;
      // With the lock held: without it the waiter might be gone.
      waiter->condition.notify_one();
    }
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
