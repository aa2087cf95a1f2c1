// Makes the n-th request to the host fail: requests for memory, mappings and files, as the linker
// has them go through here (--wrap, and the replaced operator new), with no hooks in what is
// tested.
//
//   FailNth failing(Request::kMapping, 3);
//   const absl::Status status = DoSomething();
//   if (!failing.failed()) ...    // it made fewer than three of them
//
// Only requests of the thread that made the object count, and only while it lives.
#ifndef GANTRY_TESTS_FAILURES_INTERPOSER_H_
#define GANTRY_TESTS_FAILURES_INTERPOSER_H_

#include <cstdint>

namespace gantry::testing {

enum class Request : uint8_t {
  kAllocation,  // operator new, malloc and its kin
  kMapping,     // mmap, mprotect, mremap, madvise
  // open, fstat, ftruncate, memfd_create, and what files of guests are reached by: openat, openat2,
  // getdents64, fstatat, mkdirat, unlinkat, renameat, fcntl, read and write in all their forms.
  kFile,
};

class FailNth {
 public:
  // Counts from 1; 0 fails none.
  FailNth(Request request, uint64_t n);
  ~FailNth();
  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  uint64_t requests() const;
  bool failed() const;
};

// Requests do not fail while it lives: for what is the test's own.
class Pause {
 public:
  Pause();
  ~Pause();

 private:
  const bool was_armed_;
};

// What the process holds now through the functions above.
struct Holdings {
  int64_t allocations = 0;
  int64_t mapped_bytes = 0;
  int64_t files = 0;  // descriptors
};
Holdings CurrentHoldings();

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_FAILURES_INTERPOSER_H_
