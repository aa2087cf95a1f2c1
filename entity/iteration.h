// Ranges over the ids of a dense collection, and over (id, element) pairs.
#ifndef GANTRY_ENTITY_ITERATION_H_
#define GANTRY_ENTITY_ITERATION_H_

#include <cstddef>
#include <iterator>
#include <utility>

#include "entity/entity_id.h"

namespace gantry::entity {

// The ids first..last-1 in order.
template <IsEntityId Id>
class IdRange {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Id;
    using difference_type = ptrdiff_t;
    using pointer = const Id*;
    using reference = Id;

    iterator() = default;
    explicit iterator(size_t index) : index_(index) {}
    Id operator*() const { return Id(static_cast<uint32_t>(index_)); }
    iterator& operator++() {
      ++index_;
      return *this;
    }
    iterator operator++(int) { return iterator(index_++); }
    friend bool operator==(iterator a, iterator b) { return a.index_ == b.index_; }

   private:
    size_t index_ = 0;
  };

  IdRange(size_t first, size_t last) : first_(first), last_(last) {}
  iterator begin() const { return iterator(first_); }
  iterator end() const { return iterator(last_); }
  size_t size() const { return last_ - first_; }
  bool empty() const { return first_ == last_; }

 private:
  size_t first_;
  size_t last_;
};

// Pairs of id and reference to element, for `for (auto [id, element] : map.entries())`.
template <IsEntityId Id, typename Element>
class EntryRange {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::pair<Id, Element&>;
    using difference_type = ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    iterator(Element* elements, size_t index) : elements_(elements), index_(index) {}
    value_type operator*() const { return {Id(static_cast<uint32_t>(index_)), elements_[index_]}; }
    iterator& operator++() {
      ++index_;
      return *this;
    }
    friend bool operator==(const iterator& a, const iterator& b) { return a.index_ == b.index_; }

   private:
    Element* elements_;
    size_t index_;
  };

  EntryRange(Element* elements, size_t size) : elements_(elements), size_(size) {}
  iterator begin() const { return iterator(elements_, 0); }
  iterator end() const { return iterator(elements_, size_); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  Element* elements_;
  size_t size_;
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_ITERATION_H_
