// ParkingLot: threads that wait for a word of memory to be notified. What memory.atomic.wait and
// memory.atomic.notify of one shared memory are made of. (WebAssembly threads proposal,
// "Wait and Notify operators".)
//
//   ParkingLot lot;
//   ParkingLot::Result result = lot.Wait<uint32_t>(address, expected, timeout_ns);
//   uint32_t woken = lot.Notify(address, count);
//
// Fair: the threads that wait at one address are woken in the order in which they came. None is
// woken but by Notify (no spurious wake-ups). Comparing the word and beginning to wait are one
// step for Notify, so whoever changes the word first and notifies then is never missed.
//
// Waiting takes no memory but the waiter's stack. Addresses are spread over buckets, each with
// its lock and its queue; a notification looks at the waiters of one bucket. A thread sleeps on a
// futex of its own, which is woken when the bucket's lock is free again: half the time of a
// condition variable from one thread to another and back (8 for 18 us on the reference machine).
#ifndef GANTRY_RUNTIME_PARKING_LOT_H_
#define GANTRY_RUNTIME_PARKING_LOT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace gantry::runtime {

class ParkingLot {
 public:
  // The first three are what the instruction gives.
  enum class Result : uint32_t { kWoken = 0, kNotEqual = 1, kTimedOut = 2, kInterrupted = 3 };

  // Ends a wait when the counter reaches the deadline. The counter is looked at every
  // kInterruptPollNanoseconds, since who counts it may not take locks (a signal handler).
  struct Interrupt {
    const std::atomic<uint64_t>* counter;  // Null: never.
    uint64_t deadline;
  };
  static constexpr Interrupt kNever = {nullptr, ~uint64_t{0}};
  static constexpr int64_t kInterruptPollNanoseconds = 5'000'000;

  ParkingLot() = default;
  ~ParkingLot();
  ParkingLot(const ParkingLot&) = delete;
  ParkingLot& operator=(const ParkingLot&) = delete;

  // Waits at an aligned address, whose word other threads may change, until notified. A negative
  // timeout is for ever. The word is read sequentially consistently.
  template <typename Word>
  Result Wait(Word* address, Word expected, int64_t timeout_nanoseconds,
              const Interrupt& interrupt = kNever) {
    Bucket& bucket = BucketOf(address);
    std::unique_lock<std::mutex> lock(bucket.mutex);
    if (std::atomic_ref<Word>(*address).load(std::memory_order_seq_cst) != expected) {
      return Result::kNotEqual;
    }
    return Park(bucket, lock, address, timeout_nanoseconds, interrupt);
  }

  // Wakes up to `count` threads that wait at the address; returns how many.
  uint32_t Notify(const void* address, uint32_t count);

  // How many threads wait at the address now.
  uint32_t CountWaiters(const void* address);

 private:
  struct Waiter;
  // A queue in order of arrival, whatever the address.
  struct Bucket {
    std::mutex mutex;
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };
  static constexpr size_t kBucketBits = 6;

  Bucket& BucketOf(const void* address) {
    const uint64_t bits = reinterpret_cast<uintptr_t>(address) >> 2;
    return buckets_[bits * 0x9E3779B97F4A7C15 >> (64 - kBucketBits)];
  }
  static Result Park(Bucket& bucket, std::unique_lock<std::mutex>& lock, const void* address,
                     int64_t timeout_nanoseconds, const Interrupt& interrupt);
  static Result Sleep(Waiter& waiter, int64_t timeout_nanoseconds, const Interrupt& interrupt);
  static void Append(Bucket& bucket, Waiter& waiter);
  static void Remove(Bucket& bucket, Waiter& waiter);

  std::array<Bucket, size_t{1} << kBucketBits> buckets_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_PARKING_LOT_H_
