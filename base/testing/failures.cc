#include "base/testing/failures.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace gantry {
namespace {

thread_local FailureKinds failing_kinds = 0;
thread_local uint64_t calls_left = 0;
thread_local bool failure_happened = false;

std::atomic<int64_t> allocated_bytes{0};
std::atomic<int64_t> mapped_bytes{0};

bool Fails(FailureKinds kind) {
  if ((failing_kinds & kind) == 0 || failure_happened) return false;
  if (calls_left-- != 0) return false;
  failure_happened = true;
  return true;
}

bool FailsWith(FailureKinds kind, int error) {
  if (!Fails(kind)) return false;
  errno = error;
  return true;
}

void* Allocate(size_t size, size_t alignment) {
  if (Fails(kAllocations)) return nullptr;
  void* block = alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__
                    ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                    : malloc(size == 0 ? 1 : size);
  if (block != nullptr) allocated_bytes += static_cast<int64_t>(malloc_usable_size(block));
  return block;
}

void* AllocateOrThrow(size_t size, size_t alignment) {
  void* block = Allocate(size, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void Free(void* block) {
  if (block != nullptr) allocated_bytes -= static_cast<int64_t>(malloc_usable_size(block));
  free(block);
}

}  // namespace

FailNth::FailNth(FailureKinds kinds, uint64_t n) {
  failing_kinds = kinds;
  calls_left = n;
  failure_happened = false;
}
FailNth::~FailNth() { failing_kinds = 0; }
bool FailNth::happened() const { return failure_happened; }

int64_t AllocatedBytes() { return allocated_bytes; }
int64_t MappedBytes() { return mapped_bytes; }

}  // namespace gantry

void* operator new(size_t size) { return gantry::AllocateOrThrow(size, 1); }
void* operator new[](size_t size) { return gantry::AllocateOrThrow(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return gantry::AllocateOrThrow(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return gantry::AllocateOrThrow(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return gantry::Allocate(size, 1);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return gantry::Allocate(size, 1);
}
void operator delete(void* block) noexcept { gantry::Free(block); }
void operator delete[](void* block) noexcept { gantry::Free(block); }
void operator delete(void* block, size_t) noexcept { gantry::Free(block); }
void operator delete[](void* block, size_t) noexcept { gantry::Free(block); }
void operator delete(void* block, std::align_val_t) noexcept { gantry::Free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { gantry::Free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { gantry::Free(block); }
void operator delete[](void* block, size_t, std::align_val_t) noexcept { gantry::Free(block); }

// The calls themselves, straight to the kernel.
extern "C" {

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  if (gantry::FailsWith(gantry::kMappings, ENOMEM)) return MAP_FAILED;
  const long result = syscall(SYS_mmap, address, length, protection, flags, file, offset);
  if (result == -1) return MAP_FAILED;
  if ((flags & MAP_FIXED) == 0) gantry::mapped_bytes += static_cast<int64_t>(length);
  return reinterpret_cast<void*>(result);
}
int munmap(void* address, size_t length) {
  const long result = syscall(SYS_munmap, address, length);
  if (result == 0) gantry::mapped_bytes -= static_cast<int64_t>(length);
  return static_cast<int>(result);
}
int mprotect(void* address, size_t length, int protection) {
  if (gantry::FailsWith(gantry::kMappings, ENOMEM)) return -1;
  return static_cast<int>(syscall(SYS_mprotect, address, length, protection));
}

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int openat(int directory, const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}
int mkdir(const char* path, mode_t mode) {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
ssize_t read(int file, void* buffer, size_t size) {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return syscall(SYS_read, file, buffer, size);
}
ssize_t write(int file, const void* buffer, size_t size) {
  if (gantry::FailsWith(gantry::kFiles, ENOSPC)) return -1;
  return syscall(SYS_write, file, buffer, size);
}
int ftruncate(int file, off_t length) noexcept {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_ftruncate, file, length));
}
int flock(int file, int operation) noexcept {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_flock, file, operation));
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return static_cast<int>(syscall(SYS_renameat2, from_directory, from, to_directory, to, 0));
}
int fstat(int file, struct stat* out) noexcept {
  if (gantry::FailsWith(gantry::kFiles, EIO)) return -1;
  return fstatat(file, "", out, AT_EMPTY_PATH);
}

}  // extern "C"
