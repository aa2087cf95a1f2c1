// PrimaryMap<Id, T>: the owner of all entities of one kind. Pushing an element creates its
// id; nothing is ever removed, so an id stays good for the life of the map.
//
//   PrimaryMap<Block, BlockData> blocks;
//   Block entry = blocks.Push(BlockData{});
//   blocks[entry].first_inst = inst;
//
// Elements lie in one array in order of creation; a reference to one is good until the
// next Push. Access is checked in every build.
#ifndef GANTRY_ENTITY_PRIMARY_MAP_H_
#define GANTRY_ENTITY_PRIMARY_MAP_H_

#include <initializer_list>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "entity/entity_id.h"
#include "entity/iteration.h"

namespace gantry::entity {

template <IsEntityId Id, typename T>
class PrimaryMap {
 public:
  using key_type = Id;
  using value_type = T;
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;

  PrimaryMap() = default;
  PrimaryMap(std::initializer_list<T> elements) : elements_(elements) {}
  explicit PrimaryMap(std::vector<T> elements) : elements_(std::move(elements)) {
    CHECK(elements_.size() <= size_t{Id::kMaxIndex} + 1);
  }

  Id Push(T element) {
    Id id = next_id();
    elements_.push_back(std::move(element));
    return id;
  }
  template <typename... Args>
  Id Emplace(Args&&... args) {
    Id id = next_id();
    elements_.emplace_back(std::forward<Args>(args)...);
    return id;
  }
  // The id that the next Push returns.
  Id next_id() const { return Id::FromIndex(elements_.size()); }

  bool contains(Id id) const { return id.index() < elements_.size(); }
  T& operator[](Id id) {
    if (!contains(id)) [[unlikely]] Missing(id);
    return elements_[id.index()];
  }
  const T& operator[](Id id) const {
    if (!contains(id)) [[unlikely]] Missing(id);
    return elements_[id.index()];
  }
  // Null where there is no such element.
  T* find(Id id) { return contains(id) ? &elements_[id.index()] : nullptr; }
  const T* find(Id id) const { return contains(id) ? &elements_[id.index()] : nullptr; }

  size_t size() const { return elements_.size(); }
  bool empty() const { return elements_.empty(); }
  void reserve(size_t count) { elements_.reserve(count); }
  // Forgets all elements and keeps the memory; ids start again at 0.
  void clear() { elements_.clear(); }
  void shrink_to_fit() { elements_.shrink_to_fit(); }

  // Elements in order of creation.
  iterator begin() { return elements_.begin(); }
  iterator end() { return elements_.end(); }
  const_iterator begin() const { return elements_.begin(); }
  const_iterator end() const { return elements_.end(); }
  // The element created last.
  T& back() {
    CHECK(!empty());
    return elements_.back();
  }
  const T& back() const {
    CHECK(!empty());
    return elements_.back();
  }

  IdRange<Id> ids() const { return IdRange<Id>(0, elements_.size()); }
  EntryRange<Id, T> entries() { return {elements_.data(), elements_.size()}; }
  EntryRange<Id, const T> entries() const { return {elements_.data(), elements_.size()}; }
  absl::Span<T> values() { return absl::MakeSpan(elements_); }
  absl::Span<const T> values() const { return absl::MakeConstSpan(elements_); }

  friend bool operator==(const PrimaryMap& a, const PrimaryMap& b) {
    return a.elements_ == b.elements_;
  }

 private:
  // Stops. Out of line, so that access is small enough to be inlined.
  [[gnu::noinline, gnu::cold]] void Missing(Id id) const {
    CHECK(contains(id)) << id << " of " << elements_.size();
  }

  std::vector<T> elements_;
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_PRIMARY_MAP_H_
