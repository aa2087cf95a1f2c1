#include "tests/failures/interposer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace gantry::testing {
namespace {

struct Armed {
  bool on;
  bool failed;
  Request request;
  uint64_t n;
  uint64_t seen;
};
// No constructor: it is reached before and after those of the thread have run.
thread_local Armed armed;

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> mapped_bytes{0};

bool ShouldFail(Request request) {
  if (!armed.on || armed.request != request) return false;
  if (++armed.seen != armed.n) return false;
  armed.failed = true;
  return true;
}

}  // namespace

FailNth::FailNth(Request request, uint64_t n) { armed = {true, false, request, n, 0}; }
FailNth::~FailNth() { armed.on = false; }
uint64_t FailNth::requests() const { return armed.seen; }
bool FailNth::failed() const { return armed.failed; }

Pause::Pause() : was_armed_(armed.on) { armed.on = false; }
Pause::~Pause() { armed.on = was_armed_; }

Holdings CurrentHoldings() {
  Holdings holdings = {allocations.load(std::memory_order_relaxed),
                       mapped_bytes.load(std::memory_order_relaxed)};
  DIR* const folder = opendir("/proc/self/fd");
  while (folder != nullptr && readdir(folder) != nullptr) ++holdings.files;
  if (folder != nullptr) closedir(folder);
  return holdings;
}

}  // namespace gantry::testing

using gantry::testing::Request;
using gantry::testing::ShouldFail;

extern "C" {

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* old, size_t size);
void* __real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void** out, size_t alignment, size_t size);
void __real_free(void* memory);
void* __real_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* at, size_t size);
int __real_mprotect(void* at, size_t size, int protection);
int __real_madvise(void* at, size_t size, int advice);
void* __real_mremap(void* old, size_t old_size, size_t size, int flags, void* at);
int __real_open(const char* path, int flags, mode_t mode);
int __real_fstat(int fd, struct stat* info);
int __real_ftruncate(int fd, off_t size);
int __real_memfd_create(const char* name, unsigned flags);

static void* Counted(void* memory) {
  if (memory != nullptr) gantry::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* __wrap_malloc(size_t size) {
  if (ShouldFail(Request::kAllocation)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Counted(__real_malloc(size));
}
void* __wrap_calloc(size_t count, size_t size) {
  if (ShouldFail(Request::kAllocation)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Counted(__real_calloc(count, size));
}
void* __wrap_realloc(void* old, size_t size) {
  if (ShouldFail(Request::kAllocation)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const memory = __real_realloc(old, size);
  if (old == nullptr) Counted(memory);
  return memory;
}
void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  if (ShouldFail(Request::kAllocation)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Counted(__real_aligned_alloc(alignment, size));
}
int __wrap_posix_memalign(void** out, size_t alignment, size_t size) {
  if (ShouldFail(Request::kAllocation)) return ENOMEM;
  const int error = __real_posix_memalign(out, alignment, size);
  if (error == 0) Counted(*out);
  return error;
}
void __wrap_free(void* memory) {
  if (memory != nullptr) gantry::testing::allocations.fetch_sub(1, std::memory_order_relaxed);
  __real_free(memory);
}

void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  if (ShouldFail(Request::kMapping)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* const base = __real_mmap(at, size, protection, flags, fd, offset);
  if (base != MAP_FAILED && (flags & MAP_FIXED) == 0) {
    gantry::testing::mapped_bytes.fetch_add(static_cast<int64_t>(size), std::memory_order_relaxed);
  }
  return base;
}
int __wrap_munmap(void* at, size_t size) {
  gantry::testing::mapped_bytes.fetch_sub(static_cast<int64_t>(size), std::memory_order_relaxed);
  return __real_munmap(at, size);
}
int __wrap_mprotect(void* at, size_t size, int protection) {
  if (ShouldFail(Request::kMapping)) {
    errno = ENOMEM;
    return -1;
  }
  return __real_mprotect(at, size, protection);
}
int __wrap_madvise(void* at, size_t size, int advice) {
  if (ShouldFail(Request::kMapping)) {
    errno = ENOMEM;
    return -1;
  }
  return __real_madvise(at, size, advice);
}
// Called with a fixed destination alone, whose pages are replaced: the source's leave.
void* __wrap_mremap(void* old, size_t old_size, size_t size, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* const at = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  if (ShouldFail(Request::kMapping)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* const moved = __real_mremap(old, old_size, size, flags, at);
  if (moved != MAP_FAILED && (flags & MREMAP_FIXED) != 0) {
    gantry::testing::mapped_bytes.fetch_sub(static_cast<int64_t>(old_size),
                                            std::memory_order_relaxed);
  }
  return moved;
}

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (ShouldFail(Request::kFile)) {
    errno = ENFILE;
    return -1;
  }
  return __real_open(path, flags, mode);
}
int __wrap_fstat(int fd, struct stat* info) {
  if (ShouldFail(Request::kFile)) {
    errno = ENOMEM;
    return -1;
  }
  return __real_fstat(fd, info);
}
int __wrap_ftruncate(int fd, off_t size) {
  if (ShouldFail(Request::kFile)) {
    errno = ENOSPC;
    return -1;
  }
  return __real_ftruncate(fd, size);
}
int __wrap_memfd_create(const char* name, unsigned flags) {
  if (ShouldFail(Request::kFile)) {
    errno = ENFILE;
    return -1;
  }
  return __real_memfd_create(name, flags);
}

// Those of guests' files. An error is one that the guest sees.
#define GANTRY_WRAP_FILE(result, name, parameters, arguments) \
  result __real_##name parameters;                            \
  result __wrap_##name parameters {                           \
    if (ShouldFail(Request::kFile)) {                         \
      errno = EIO;                                            \
      return -1;                                              \
    }                                                         \
    return __real_##name arguments;                           \
  }
GANTRY_WRAP_FILE(ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))
GANTRY_WRAP_FILE(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size))
GANTRY_WRAP_FILE(ssize_t, readv, (int fd, const struct iovec* to, int count), (fd, to, count))
GANTRY_WRAP_FILE(ssize_t, writev, (int fd, const struct iovec* from, int count), (fd, from, count))
GANTRY_WRAP_FILE(ssize_t, preadv, (int fd, const struct iovec* to, int count, off_t at),
                 (fd, to, count, at))
GANTRY_WRAP_FILE(ssize_t, pwritev, (int fd, const struct iovec* from, int count, off_t at),
                 (fd, from, count, at))
GANTRY_WRAP_FILE(int, fstatat, (int folder, const char* path, struct stat* info, int flags),
                 (folder, path, info, flags))
GANTRY_WRAP_FILE(int, mkdirat, (int folder, const char* path, mode_t mode), (folder, path, mode))
GANTRY_WRAP_FILE(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags))
GANTRY_WRAP_FILE(int, renameat, (int folder, const char* path, int other, const char* to),
                 (folder, path, other, to))
#undef GANTRY_WRAP_FILE

int __real_openat(int folder, const char* path, int flags, mode_t mode);
int __wrap_openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (ShouldFail(Request::kFile)) {
    errno = ENFILE;
    return -1;
  }
  return __real_openat(folder, path, flags, mode);
}
int __real_fcntl(int fd, int command, long argument);
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  if (ShouldFail(Request::kFile)) {
    errno = EMFILE;
    return -1;
  }
  return __real_fcntl(fd, command, argument);
}
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if ((number == SYS_openat2 || number == SYS_getdents64) && ShouldFail(Request::kFile)) {
    errno = ENFILE;
    return -1;
  }
  return __real_syscall(number, a, b, c, d, e, f);
}

}  // extern "C"

namespace {

void* NewOrNull(size_t size) {
  if (ShouldFail(Request::kAllocation)) return nullptr;
  return Counted(__real_malloc(size == 0 ? 1 : size));
}
void* NewOrNull(size_t size, std::align_val_t alignment) {
  if (ShouldFail(Request::kAllocation)) return nullptr;
  const size_t align = static_cast<size_t>(alignment);
  return Counted(__real_aligned_alloc(align, (size + align - 1) / align * align));
}
void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The allocating functions of the C++ library, and those that free what they gave.
void* operator new(size_t size) { return OrThrow(NewOrNull(size)); }
void* operator new[](size_t size) { return OrThrow(NewOrNull(size)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return NewOrNull(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return NewOrNull(size); }
void* operator new(size_t size, std::align_val_t alignment) {
  return OrThrow(NewOrNull(size, alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return OrThrow(NewOrNull(size, alignment));
}
void operator delete(void* memory) noexcept { __wrap_free(memory); }
void operator delete[](void* memory) noexcept { __wrap_free(memory); }
void operator delete(void* memory, size_t) noexcept { __wrap_free(memory); }
void operator delete[](void* memory, size_t) noexcept { __wrap_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { __wrap_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { __wrap_free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { __wrap_free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { __wrap_free(memory); }
