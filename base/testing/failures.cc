#include "base/testing/failures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace gantry {
namespace {

struct Armed {
  bool on;
  bool happened;
  FailureKinds kinds;
  uint64_t n;
  uint64_t requests;
};
// No constructor: it is reached before and after those of the thread have run.
thread_local Armed armed;

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> allocated_bytes{0};
std::atomic<int64_t> mapped_bytes{0};

void Add(std::atomic<int64_t>& sum, int64_t value) {
  sum.fetch_add(value, std::memory_order_relaxed);
}

bool Fails(FailureKinds kind) {
  if (!armed.on || (armed.kinds & kind) == 0) return false;
  if (++armed.requests != armed.n) return false;
  armed.happened = true;
  return true;
}

bool FailsWith(FailureKinds kind, int error) {
  if (!Fails(kind)) return false;
  errno = error;
  return true;
}

void* Counted(void* memory) {
  if (memory != nullptr) {
    Add(allocations, 1);
    Add(allocated_bytes, static_cast<int64_t>(malloc_usable_size(memory)));
  }
  return memory;
}

void Uncount(void* memory) {
  if (memory == nullptr) return;
  Add(allocations, -1);
  Add(allocated_bytes, -static_cast<int64_t>(malloc_usable_size(memory)));
}

}  // namespace

FailNth::FailNth(FailureKinds kinds, uint64_t n) { armed = {true, false, kinds, n, 0}; }
FailNth::~FailNth() { armed.on = false; }
uint64_t FailNth::requests() const { return armed.requests; }
bool FailNth::happened() const { return armed.happened; }

PauseFailures::PauseFailures() : was_armed_(armed.on) { armed.on = false; }
PauseFailures::~PauseFailures() { armed.on = was_armed_; }

Holdings CurrentHoldings() {
  Holdings holdings = {allocations.load(std::memory_order_relaxed),
                       allocated_bytes.load(std::memory_order_relaxed),
                       mapped_bytes.load(std::memory_order_relaxed)};
  DIR* const folder = opendir("/proc/self/fd");
  while (folder != nullptr && readdir(folder) != nullptr) ++holdings.files;
  if (folder != nullptr) closedir(folder);
  return holdings;
}

}  // namespace gantry

using gantry::FailsWith;
using gantry::kAllocations;
using gantry::kFiles;
using gantry::kMappings;

extern "C" {

// ---- Memory.

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* old, size_t size);
void* __real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void** out, size_t alignment, size_t size);
void __real_free(void* memory);

void* __wrap_malloc(size_t size) {
  if (FailsWith(kAllocations, ENOMEM)) return nullptr;
  return gantry::Counted(__real_malloc(size));
}
void* __wrap_calloc(size_t count, size_t size) {
  if (FailsWith(kAllocations, ENOMEM)) return nullptr;
  return gantry::Counted(__real_calloc(count, size));
}
void* __wrap_realloc(void* old, size_t size) {
  if (FailsWith(kAllocations, ENOMEM)) return nullptr;
  gantry::Uncount(old);
  void* const memory = __real_realloc(old, size);
  // A failed one leaves the old one as it is, which size 0 frees.
  gantry::Counted(memory == nullptr && size != 0 ? old : memory);
  return memory;
}
void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  if (FailsWith(kAllocations, ENOMEM)) return nullptr;
  return gantry::Counted(__real_aligned_alloc(alignment, size));
}
int __wrap_posix_memalign(void** out, size_t alignment, size_t size) {
  if (FailsWith(kAllocations, ENOMEM)) return ENOMEM;
  const int error = __real_posix_memalign(out, alignment, size);
  if (error == 0) gantry::Counted(*out);
  return error;
}
void __wrap_free(void* memory) {
  gantry::Uncount(memory);
  __real_free(memory);
}

// ---- Mappings.

void* __real_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* at, size_t size);
int __real_mprotect(void* at, size_t size, int protection);
int __real_madvise(void* at, size_t size, int advice);
void* __real_mremap(void* old, size_t old_size, size_t size, int flags, void* at);

void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  if (FailsWith(kMappings, ENOMEM)) return MAP_FAILED;
  void* const base = __real_mmap(at, size, protection, flags, fd, offset);
  if (base != MAP_FAILED && (flags & MAP_FIXED) == 0) {
    gantry::Add(gantry::mapped_bytes, static_cast<int64_t>(size));
  }
  return base;
}
int __wrap_munmap(void* at, size_t size) {
  const int result = __real_munmap(at, size);
  if (result == 0) gantry::Add(gantry::mapped_bytes, -static_cast<int64_t>(size));
  return result;
}
int __wrap_mprotect(void* at, size_t size, int protection) {
  if (FailsWith(kMappings, ENOMEM)) return -1;
  return __real_mprotect(at, size, protection);
}
int __wrap_madvise(void* at, size_t size, int advice) {
  if (FailsWith(kMappings, ENOMEM)) return -1;
  return __real_madvise(at, size, advice);
}
// Called with a fixed destination alone, whose pages are replaced: the source's leave.
void* __wrap_mremap(void* old, size_t old_size, size_t size, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* const at = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  if (FailsWith(kMappings, ENOMEM)) return MAP_FAILED;
  void* const moved = __real_mremap(old, old_size, size, flags, at);
  if (moved != MAP_FAILED && (flags & MREMAP_FIXED) != 0) {
    gantry::Add(gantry::mapped_bytes, -static_cast<int64_t>(old_size));
  }
  return moved;
}

// ---- Files.

#define GANTRY_WRAP_FILE(result, error, name, parameters, arguments) \
  result __real_##name parameters;                                   \
  result __wrap_##name parameters {                                  \
    if (FailsWith(kFiles, error)) return -1;                         \
    return __real_##name arguments;                                  \
  }
GANTRY_WRAP_FILE(int, ENOMEM, fstat, (int fd, struct stat* info), (fd, info))
GANTRY_WRAP_FILE(int, ENOSPC, ftruncate, (int fd, off_t size), (fd, size))
GANTRY_WRAP_FILE(int, ENFILE, memfd_create, (const char* name, unsigned flags), (name, flags))
GANTRY_WRAP_FILE(int, EIO, flock, (int fd, int operation), (fd, operation))
GANTRY_WRAP_FILE(int, EIO, mkdir, (const char* path, mode_t mode), (path, mode))
GANTRY_WRAP_FILE(ssize_t, EIO, read, (int fd, void* to, size_t size), (fd, to, size))
GANTRY_WRAP_FILE(ssize_t, ENOSPC, write, (int fd, const void* from, size_t size), (fd, from, size))
GANTRY_WRAP_FILE(ssize_t, EIO, readv, (int fd, const struct iovec* to, int count), (fd, to, count))
GANTRY_WRAP_FILE(ssize_t, EIO, writev, (int fd, const struct iovec* from, int count),
                 (fd, from, count))
GANTRY_WRAP_FILE(ssize_t, EIO, preadv, (int fd, const struct iovec* to, int count, off_t at),
                 (fd, to, count, at))
GANTRY_WRAP_FILE(ssize_t, EIO, pwritev, (int fd, const struct iovec* from, int count, off_t at),
                 (fd, from, count, at))
GANTRY_WRAP_FILE(int, EIO, fstatat, (int folder, const char* path, struct stat* info, int flags),
                 (folder, path, info, flags))
GANTRY_WRAP_FILE(int, EIO, mkdirat, (int folder, const char* path, mode_t mode),
                 (folder, path, mode))
GANTRY_WRAP_FILE(int, EIO, unlinkat, (int folder, const char* path, int flags),
                 (folder, path, flags))
GANTRY_WRAP_FILE(int, EIO, renameat,
                 (int folder, const char* path, int other_folder, const char* to),
                 (folder, path, other_folder, to))
#undef GANTRY_WRAP_FILE

int __real_open(const char* path, int flags, mode_t mode);
int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (FailsWith(kFiles, ENFILE)) return -1;
  return __real_open(path, flags, mode);
}
int __real_openat(int folder, const char* path, int flags, mode_t mode);
int __wrap_openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (FailsWith(kFiles, ENFILE)) return -1;
  return __real_openat(folder, path, flags, mode);
}
int __real_fcntl(int fd, int command, long argument);
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  if (FailsWith(kFiles, EMFILE)) return -1;
  return __real_fcntl(fd, command, argument);
}
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_openat2 && FailsWith(kFiles, ENFILE)) return -1;
  if (number == SYS_getdents64 && FailsWith(kFiles, EIO)) return -1;
  return __real_syscall(number, a, b, c, d, e, f);
}

}  // extern "C"

namespace {

void* NewOrNull(size_t size) {
  if (gantry::Fails(kAllocations)) return nullptr;
  return gantry::Counted(__real_malloc(size == 0 ? 1 : size));
}
void* NewOrNull(size_t size, std::align_val_t alignment) {
  if (gantry::Fails(kAllocations)) return nullptr;
  const size_t align = static_cast<size_t>(alignment);
  return gantry::Counted(__real_aligned_alloc(align, (size + align - 1) / align * align));
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
