// Tested by parking_lot_test.cc.
#include "runtime/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace gantry::runtime {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

void FutexWait(const std::atomic<uint32_t>& word, uint32_t value,
               std::optional<std::chrono::steady_clock::time_point> until) {
  timespec time = {};
  if (until.has_value()) {
    // The steady clock is the one that the kernel counts by.
    const auto since_start = until->time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
    time.tv_sec = static_cast<time_t>(seconds.count());
    time.tv_nsec = static_cast<long>((since_start - seconds).count());
  }
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
          until.has_value() ? &time : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void FutexWakeOne(const std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
}

}  // namespace gantry::runtime
