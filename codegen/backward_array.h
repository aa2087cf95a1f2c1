// BackwardArray<T>: a contiguous array that grows at its front, for code that is produced
// last instruction first and read in program order.
//
//   BackwardArray<int> array;
//   array.Prepend({2, 3});
//   array.Prepend({1});        // array.span() is {1, 2, 3}
//
// Positions are counted from the end while it grows ("behind"): an element keeps its distance
// from the end. Clearing keeps the memory.
#ifndef GANTRY_CODEGEN_BACKWARD_ARRAY_H_
#define GANTRY_CODEGEN_BACKWARD_ARRAY_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/types/span.h"

namespace gantry::codegen {

template <typename T>
class BackwardArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Room for `count` elements before all others, for the caller to fill.
  T* PrependUninitialized(size_t count) {
    if (ABSL_PREDICT_FALSE(count > head_)) Grow(count);
    head_ -= count;
    return storage_.get() + head_;
  }
  void Prepend(absl::Span<const T> elements) {
    std::copy(elements.begin(), elements.end(), PrependUninitialized(elements.size()));
  }
  size_t size() const { return capacity_ - head_; }
  absl::Span<const T> span() const { return {storage_.get() + head_, size()}; }
  absl::Span<T> mutable_span() { return {storage_.get() + head_, size()}; }
  void clear() { head_ = capacity_; }

 private:
  struct Free {
    void operator()(T* memory) const { ::operator delete (memory, std::align_val_t{alignof(T)}); }
  };

  ABSL_ATTRIBUTE_NOINLINE void Grow(size_t count) {
    const size_t used = size();
    const size_t new_capacity = std::max<size_t>(256, 2 * (used + count));
    std::unique_ptr<T, Free> grown(
        static_cast<T*>(::operator new (new_capacity * sizeof(T), std::align_val_t{alignof(T)})));
    if (used != 0) {
      std::memcpy(static_cast<void*>(grown.get() + new_capacity - used), storage_.get() + head_,
                  used * sizeof(T));
    }
    storage_ = std::move(grown);
    capacity_ = new_capacity;
    head_ = new_capacity - used;
  }

  std::unique_ptr<T, Free> storage_;
  size_t capacity_ = 0;
  size_t head_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_BACKWARD_ARRAY_H_
