#include "wasm_translate/testing/peak_memory.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> allocated{0};
std::atomic<size_t> peak{0};

void* Counted(void* block) {
  if (block == nullptr) return nullptr;
  const size_t size = malloc_usable_size(block);
  const size_t now = allocated.fetch_add(size) + size;
  size_t seen = peak.load();
  while (seen < now && !peak.compare_exchange_weak(seen, now)) {
  }
  return block;
}

void Free(void* block) {
  if (block == nullptr) return;
  allocated.fetch_sub(malloc_usable_size(block));
  std::free(block);
}

void* Allocate(size_t size) {
  void* const block = Counted(std::malloc(size));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* Allocate(size_t size, std::align_val_t align) {
  const size_t alignment = static_cast<size_t>(align);
  void* const block =
      Counted(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// The forms not named here call these.
void* operator new(size_t size) { return Allocate(size); }
void* operator new(size_t size, std::align_val_t align) { return Allocate(size, align); }
void operator delete(void* block) noexcept { Free(block); }
void operator delete(void* block, size_t) noexcept { Free(block); }
void operator delete(void* block, std::align_val_t) noexcept { Free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { Free(block); }

namespace gantry::wasm::testing {

PeakMemory::PeakMemory() : before_(allocated.load()) { peak.store(before_); }

size_t PeakMemory::bytes() const { return peak.load() - before_; }

}  // namespace gantry::wasm::testing
