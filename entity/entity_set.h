// EntitySet<Id>: a dense bit set of ids.
//
//   EntitySet<Block> seen;
//   if (seen.insert(block)) worklist.push_back(block);
//   for (Block b : seen) ...                 // ascending
#ifndef GANTRY_ENTITY_ENTITY_SET_H_
#define GANTRY_ENTITY_ENTITY_SET_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "entity/entity_id.h"

namespace gantry::entity {

template <IsEntityId Id>
class EntitySet {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Id;
    using difference_type = ptrdiff_t;
    using pointer = const Id*;
    using reference = Id;

    iterator(const std::vector<uint64_t>* words, size_t word) : words_(words), word_(word) {
      if (word_ < words_->size()) {
        rest_ = (*words_)[word_];
        SkipEmptyWords();
      }
    }
    Id operator*() const { return Id(static_cast<uint32_t>(word_ * 64 + std::countr_zero(rest_))); }
    iterator& operator++() {
      rest_ &= rest_ - 1;
      SkipEmptyWords();
      return *this;
    }
    friend bool operator==(const iterator& a, const iterator& b) {
      return a.word_ == b.word_ && a.rest_ == b.rest_;
    }

   private:
    void SkipEmptyWords() {
      while (rest_ == 0 && ++word_ < words_->size()) rest_ = (*words_)[word_];
      if (word_ > words_->size()) word_ = words_->size();
    }
    const std::vector<uint64_t>* words_;
    size_t word_;
    uint64_t rest_ = 0;
  };

  // True if the id was not in the set.
  bool insert(Id id) {
    CHECK(id.is_some());
    const size_t word = id.index() / 64;
    if (word >= words_.size()) words_.resize(word + 1, 0);
    const uint64_t bit = Bit(id);
    const bool added = (words_[word] & bit) == 0;
    words_[word] |= bit;
    return added;
  }
  // True if the id was in the set.
  bool erase(Id id) {
    if (!contains(id)) return false;
    words_[id.index() / 64] &= ~Bit(id);
    return true;
  }
  bool contains(Id id) const {
    const size_t word = id.index() / 64;
    return word < words_.size() && (words_[word] & Bit(id)) != 0;
  }
  // Number of ids in the set. Linear in the capacity.
  size_t size() const {
    size_t count = 0;
    for (uint64_t word : words_) count += std::popcount(word);
    return count;
  }
  bool empty() const {
    return std::all_of(words_.begin(), words_.end(), [](uint64_t word) { return word == 0; });
  }
  // Makes room for ids 0..count-1.
  void reserve(size_t count) {
    if ((count + 63) / 64 > words_.size()) words_.resize((count + 63) / 64, 0);
  }
  // Empties the set and keeps the memory.
  void clear() { std::fill(words_.begin(), words_.end(), 0); }

  // Adds all of `other`; true if anything was new.
  bool UnionWith(const EntitySet& other) {
    if (other.words_.size() > words_.size()) words_.resize(other.words_.size(), 0);
    uint64_t changed = 0;
    for (size_t i = 0; i < other.words_.size(); ++i) {
      changed |= other.words_[i] & ~words_[i];
      words_[i] |= other.words_[i];
    }
    return changed != 0;
  }
  void IntersectWith(const EntitySet& other) {
    for (size_t i = 0; i < words_.size(); ++i) {
      words_[i] &= i < other.words_.size() ? other.words_[i] : 0;
    }
  }
  void Subtract(const EntitySet& other) {
    const size_t count = std::min(words_.size(), other.words_.size());
    for (size_t i = 0; i < count; ++i) words_[i] &= ~other.words_[i];
  }

  // Ids in ascending order.
  iterator begin() const { return iterator(&words_, 0); }
  iterator end() const { return iterator(&words_, words_.size()); }

  // Equal if the members are the same, whatever the capacities.
  friend bool operator==(const EntitySet& a, const EntitySet& b) {
    const size_t count = std::max(a.words_.size(), b.words_.size());
    for (size_t i = 0; i < count; ++i) {
      const uint64_t x = i < a.words_.size() ? a.words_[i] : 0;
      const uint64_t y = i < b.words_.size() ? b.words_[i] : 0;
      if (x != y) return false;
    }
    return true;
  }

 private:
  static uint64_t Bit(Id id) { return uint64_t{1} << (id.index() % 64); }
  std::vector<uint64_t> words_;
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_ENTITY_SET_H_
