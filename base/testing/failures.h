// Makes the n-th memory allocation, mapping or file call of a test fail, for every n: what a
// program does when the machine runs out of things.
//
//   WithEachFailure(kMappings | kAllocations, [&] {
//     const absl::Status status = module->Finalize();      // fails the first time round, ...
//     return status.ok();
//   });
//
// A test that links this has its operator new, mmap, mprotect, open, read, write and so on
// replaced. Only calls of the thread that is inside of FailNth count.
#ifndef GANTRY_BASE_TESTING_FAILURES_H_
#define GANTRY_BASE_TESTING_FAILURES_H_

#include <cstdint>

namespace gantry {

// What may fail, as a set of bits.
using FailureKinds = uint32_t;
inline constexpr FailureKinds kAllocations = 1;  // operator new: std::bad_alloc
inline constexpr FailureKinds kMappings = 2;     // mmap, mprotect, mremap: ENOMEM
// open, openat, mkdir, fstat, read, ftruncate, flock, renameat: EIO; write:
// ENOSPC.
inline constexpr FailureKinds kFiles = 4;

// While it lives, call number `n` (from 0) of these kinds fails, once.
class FailNth {
 public:
  FailNth(FailureKinds kinds, uint64_t n);
  ~FailNth();
  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  // Whether there was such a call.
  bool happened() const;
};

// Bytes that operator new gave out and did not get back, and those that are mapped, of all
// threads.
int64_t AllocatedBytes();
int64_t MappedBytes();

// Calls attempt() with the first call failing, then with the second, and so on, until nothing fails
// any more; the number of failures. `attempt` takes back what it did, or goes on from there.
template <typename Attempt>
uint64_t WithEachFailure(FailureKinds kinds, Attempt attempt) {
  for (uint64_t n = 0;; ++n) {
    FailNth fail(kinds, n);
    attempt();
    if (!fail.happened()) return n;
  }
}

// The same where each attempt needs something whose making shall not fail: attempt(prepare()).
template <typename Prepare, typename Attempt>
uint64_t WithEachFailure(FailureKinds kinds, Prepare prepare, Attempt attempt) {
  for (uint64_t n = 0;; ++n) {
    auto prepared = prepare();
    FailNth fail(kinds, n);
    attempt(prepared);
    if (!fail.happened()) return n;
  }
}

}  // namespace gantry

#endif  // GANTRY_BASE_TESTING_FAILURES_H_
