// EntityList<T>: a list of ids in four bytes; the elements live in a ListPool.
//
// For fields such as an instruction's arguments: millions of lists, most of them short,
// all dying together with the pool. An empty list owns nothing. Storage comes in blocks of
// 4, 8, 16, ... words, the first word being the length; freed blocks are reused by size.
//
//   ListPool<Value> pool;
//   EntityList<Value> arguments = EntityList<Value>::FromSpan({a, b}, pool);
//   arguments.Push(c, pool);
//   for (Value v : arguments.AsSpan(pool)) ...
//
// A list is a handle: copying it shares the storage, and changing one copy leaves the
// other invalid. Spans are good until the pool next grows.
#ifndef GANTRY_ENTITY_ENTITY_LIST_H_
#define GANTRY_ENTITY_ENTITY_LIST_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "entity/entity_id.h"

namespace gantry::entity {

template <IsEntityId T>
class EntityList;

// The memory of all lists of one element type.
template <IsEntityId T>
class ListPool {
 public:
  // Invalidates every list; the memory is kept.
  void clear() {
    words_.clear();
    free_.clear();
  }
  // Words in use and free, for statistics.
  size_t size() const { return words_.size(); }
  void reserve(size_t words) { words_.reserve(words); }

 private:
  friend class EntityList<T>;
  // Blocks of size class c have 4 << c words.
  static size_t ClassWords(uint32_t size_class) { return size_t{4} << size_class; }
  static uint32_t ClassFor(size_t length) {
    // One word for the length itself.
    const size_t words = std::max<size_t>(4, std::bit_ceil(length + 1));
    return static_cast<uint32_t>(std::countr_zero(words)) - 2;
  }

  // Index of the first word of a block of the class.
  uint32_t Allocate(uint32_t size_class) {
    if (size_class < free_.size() && free_[size_class] != 0) {
      const uint32_t block = free_[size_class] - 1;
      free_[size_class] = words_[block].raw() == T::kNoneRaw ? 0 : words_[block].raw();
      return block;
    }
    const size_t block = words_.size();
    CHECK(block + ClassWords(size_class) < T::kMaxIndex) << "list pool is full";
    words_.resize(block + ClassWords(size_class));
    return static_cast<uint32_t>(block);
  }
  void Free(uint32_t block, uint32_t size_class) {
    if (size_class >= free_.size()) free_.resize(size_class + 1, 0);
    words_[block] = free_[size_class] == 0 ? T::None() : T(free_[size_class]);
    free_[size_class] = block + 1;
  }

  std::vector<T> words_;
  // Per class, 1 + the first free block; a free block's first word continues the chain.
  std::vector<uint32_t> free_;
};

template <IsEntityId T>
class EntityList {
 public:
  EntityList() = default;

  static EntityList FromSpan(absl::Span<const T> elements, ListPool<T>& pool) {
    EntityList list;
    list.Append(elements, pool);
    return list;
  }

  bool empty() const { return head_ == 0; }
  size_t size(const ListPool<T>& pool) const {
    return head_ == 0 ? 0 : pool.words_[head_ - 1].raw();
  }
  absl::Span<const T> AsSpan(const ListPool<T>& pool) const {
    if (head_ == 0) return {};
    return absl::MakeConstSpan(pool.words_.data() + head_, size(pool));
  }
  absl::Span<T> AsMutableSpan(ListPool<T>& pool) const {
    if (head_ == 0) return {};
    return absl::MakeSpan(pool.words_.data() + head_, size(pool));
  }
  T Get(size_t index, const ListPool<T>& pool) const {
    CHECK(index < size(pool)) << index;
    return pool.words_[head_ + index];
  }
  void Set(size_t index, T element, ListPool<T>& pool) {
    CHECK(index < size(pool)) << index;
    pool.words_[head_ + index] = element;
  }
  T front(const ListPool<T>& pool) const { return Get(0, pool); }

  // Returns the new element's position.
  size_t Push(T element, ListPool<T>& pool) {
    const size_t old_size = Grow(1, pool);
    pool.words_[head_ + old_size] = element;
    return old_size;
  }
  // `elements` may be a span of the pool, even of this list.
  void Append(absl::Span<const T> elements, ListPool<T>& pool) {
    if (elements.empty()) return;
    const std::less_equal<const T*> at_or_before;
    const T* const words = pool.words_.data();
    if (at_or_before(words, elements.data()) &&
        !at_or_before(words + pool.words_.size(), elements.data())) {
      AppendFromPool(static_cast<size_t>(elements.data() - words), elements.size(), pool);
      return;
    }
    const size_t old_size = Grow(elements.size(), pool);
    std::copy(elements.begin(), elements.end(), pool.words_.begin() + head_ + old_size);
  }
  void Insert(size_t index, T element, ListPool<T>& pool) {
    CHECK(index <= size(pool)) << index;
    const size_t old_size = Grow(1, pool);
    auto first = pool.words_.begin() + head_;
    std::copy_backward(first + index, first + old_size, first + old_size + 1);
    first[index] = element;
  }
  // Keeps the order of the others.
  void Remove(size_t index, ListPool<T>& pool) {
    const size_t old_size = size(pool);
    CHECK(index < old_size) << index;
    auto first = pool.words_.begin() + head_;
    std::copy(first + index + 1, first + old_size, first + index);
    Truncate(old_size - 1, pool);
  }
  // Puts the last element in the place of the removed one.
  void SwapRemove(size_t index, ListPool<T>& pool) {
    const size_t old_size = size(pool);
    CHECK(index < old_size) << index;
    pool.words_[head_ + index] = pool.words_[head_ + old_size - 1];
    Truncate(old_size - 1, pool);
  }
  // Drops the elements from `new_size` on.
  void Truncate(size_t new_size, ListPool<T>& pool) {
    const size_t old_size = size(pool);
    if (new_size >= old_size) return;
    if (new_size == 0) {
      Clear(pool);
      return;
    }
    Resize(old_size, new_size, pool);
  }
  void Clear(ListPool<T>& pool) {
    if (head_ == 0) return;
    pool.Free(head_ - 1, ListPool<T>::ClassFor(size(pool)));
    head_ = 0;
  }
  // A second list with storage of its own.
  EntityList DeepClone(ListPool<T>& pool) const {
    EntityList clone;
    const size_t length = size(pool);
    if (length == 0) return clone;
    clone.Grow(length, pool);
    std::copy_n(pool.words_.begin() + head_, length, pool.words_.begin() + clone.head_);
    return clone;
  }

 private:
  // Appends words [first, first + count) of the pool. Growth may free this list's own storage,
  // whose first word then links free blocks, so that elements come from where they are now.
  void AppendFromPool(size_t first, size_t count, ListPool<T>& pool) {
    const bool is_own = head_ != 0 && first >= head_ && first < head_ + size(pool);
    const size_t offset = is_own ? first - head_ : 0;
    const size_t old_size = Grow(count, pool);
    const auto source = pool.words_.begin() + (is_own ? head_ + offset : first);
    std::copy_n(source, count, pool.words_.begin() + head_ + old_size);
  }
  // Adds `count` uninitialised elements and returns the old size.
  size_t Grow(size_t count, ListPool<T>& pool) {
    const size_t old_size = size(pool);
    if (old_size == 0) {
      head_ = pool.Allocate(ListPool<T>::ClassFor(count)) + 1;
      pool.words_[head_ - 1] = T(static_cast<uint32_t>(count));
    } else {
      Resize(old_size, old_size + count, pool);
    }
    return old_size;
  }
  void Resize(size_t old_size, size_t new_size, ListPool<T>& pool) {
    const uint32_t old_class = ListPool<T>::ClassFor(old_size);
    const uint32_t new_class = ListPool<T>::ClassFor(new_size);
    if (old_class != new_class) {
      const uint32_t old_block = head_ - 1;
      const uint32_t new_block = pool.Allocate(new_class);
      std::copy_n(pool.words_.begin() + old_block + 1, std::min(old_size, new_size),
                  pool.words_.begin() + new_block + 1);
      pool.Free(old_block, old_class);
      head_ = new_block + 1;
    }
    pool.words_[head_ - 1] = T(static_cast<uint32_t>(new_size));
  }

  // Index of the first element in the pool; the word before it holds the length; 0 is empty.
  uint32_t head_ = 0;
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_ENTITY_LIST_H_
