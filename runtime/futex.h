// Sleeping on a word of memory, as the kernel offers it: futex(2). What is known by the word is
// ordered by atomic accesses to it alone, which ThreadSanitizer sees.
#ifndef GANTRY_RUNTIME_FUTEX_H_
#define GANTRY_RUNTIME_FUTEX_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace gantry::runtime {

// Sleeps while the word has the value, until woken or that time. May return at any time.
void FutexWait(const std::atomic<uint32_t>& word, uint32_t value,
               std::optional<std::chrono::steady_clock::time_point> until);

// Wakes one thread that sleeps there. Does not access the word, which need not be there any more.
void FutexWakeOne(const std::atomic<uint32_t>* word);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_FUTEX_H_
