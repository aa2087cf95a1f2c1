// Makes the n-th memory allocation, mapping or file call of a test fail, for every n: what a
// program does when the machine runs out of things.
//
//   WithEachFailure(kMappings | kAllocations, [&] {
//     const absl::Status status = module->Finalize();      // fails the first time round, ...
//     return status.ok();
//   });
//
// Requests are made to fail by the linker (--wrap) and a replaced operator new, with no hooks in
// what is tested. So a test that depends on this has to be linked statically (linkstatic), and
// requests inside of shared libraries (libc, libstdc++) are not seen, but for those of operator
// new. Only requests of the thread that made a FailNth count.
#ifndef GANTRY_BASE_TESTING_FAILURES_H_
#define GANTRY_BASE_TESTING_FAILURES_H_

#include <cstdint>

namespace gantry {

// What may fail, as a set of bits.
using FailureKinds = uint32_t;
// operator new: std::bad_alloc; malloc and its kin: null.
inline constexpr FailureKinds kAllocations = 1;
// mmap, mprotect, mremap, madvise: ENOMEM.
inline constexpr FailureKinds kMappings = 2;
// open, openat, openat2, memfd_create: ENFILE; fcntl: EMFILE; fstat: ENOMEM; ftruncate, write:
// ENOSPC; all others by which files are reached (mkdir, mkdirat, unlinkat, renameat, fstatat,
// flock, getdents64, read, and reads and writes of several parts): EIO.
inline constexpr FailureKinds kFiles = 4;

// While it lives, request number `n` (from 1; 0 for none) of these kinds fails, once.
class FailNth {
 public:
  FailNth(FailureKinds kinds, uint64_t n);
  ~FailNth();
  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  // How many there were so far.
  uint64_t requests() const;
  // Whether one failed.
  bool happened() const;
};

// Requests neither fail nor count while it lives: for what is the test's own.
class PauseFailures {
 public:
  PauseFailures();
  ~PauseFailures();
  PauseFailures(const PauseFailures&) = delete;
  PauseFailures& operator=(const PauseFailures&) = delete;

 private:
  const bool was_armed_;
};

// What the process holds now through the functions above, of all threads.
struct Holdings {
  int64_t allocations = 0;
  int64_t allocated_bytes = 0;
  int64_t mapped_bytes = 0;
  int64_t files = 0;  // descriptors
};
Holdings CurrentHoldings();

// Calls attempt() with the first request failing, then with the second, and so on, until nothing
// fails any more; the number of failures. `attempt` takes back what it did, or goes on from there.
template <typename Attempt>
uint64_t WithEachFailure(FailureKinds kinds, Attempt attempt) {
  for (uint64_t n = 1;; ++n) {
    FailNth fail(kinds, n);
    attempt();
    if (!fail.happened()) return n - 1;
  }
}

// The same where each attempt needs something whose making shall not fail: attempt(prepare()).
template <typename Prepare, typename Attempt>
uint64_t WithEachFailure(FailureKinds kinds, Prepare prepare, Attempt attempt) {
  for (uint64_t n = 1;; ++n) {
    auto prepared = prepare();
    FailNth fail(kinds, n);
    attempt(prepared);
    if (!fail.happened()) return n - 1;
  }
}

}  // namespace gantry

#endif  // GANTRY_BASE_TESTING_FAILURES_H_
