// SecondaryMap<Id, T>: facts about entities that a PrimaryMap elsewhere owns. Every id has
// a value: the default until one is written. Reading past what was written costs nothing;
// writing grows the array.
//
//   SecondaryMap<Block, int> depth;         // 0 for every block
//   depth[block] = 3;
//   const int d = depth.Get(other);          // 0, and nothing grew
//
// Meant for dense use; for a few ids out of many take SparseMap.
#ifndef GANTRY_ENTITY_SECONDARY_MAP_H_
#define GANTRY_ENTITY_SECONDARY_MAP_H_

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "entity/entity_id.h"
#include "entity/iteration.h"

namespace gantry::entity {

template <IsEntityId Id, typename T>
class SecondaryMap {
  static_assert(!std::is_same_v<T, bool>, "use EntitySet for a set of ids");

 public:
  using key_type = Id;
  using value_type = T;

  SecondaryMap() = default;
  explicit SecondaryMap(T default_value) : default_(std::move(default_value)) {}

  // The value of `id`, made if it is not there yet. The reference is good until the next
  // access that may grow the map.
  T& operator[](Id id) {
    CHECK(id.is_some());
    if (id.index() >= elements_.size()) Grow(id.index() + 1);
    return elements_[id.index()];
  }
  const T& operator[](Id id) const { return Get(id); }
  const T& Get(Id id) const {
    return id.index() < elements_.size() ? elements_[id.index()] : default_;
  }
  const T& default_value() const { return default_; }

  // Number of ids that have an array slot, written or not.
  size_t size() const { return elements_.size(); }
  bool empty() const { return elements_.empty(); }
  // Makes slots for ids 0..count-1, so that writes to them do not grow the map.
  void resize(size_t count) {
    if (count < elements_.size()) {
      elements_.resize(count, default_);
    } else if (count > elements_.size()) {
      Grow(count);
    }
  }
  void reserve(size_t count) { elements_.reserve(count); }
  // Every id has the default again; the memory is kept.
  void clear() { elements_.clear(); }

  IdRange<Id> ids() const { return IdRange<Id>(0, elements_.size()); }
  EntryRange<Id, const T> entries() const { return {elements_.data(), elements_.size()}; }
  absl::Span<T> values() { return absl::MakeSpan(elements_); }
  absl::Span<const T> values() const { return absl::MakeConstSpan(elements_); }

  // Equal if every id has an equal value, whatever the sizes.
  friend bool operator==(const SecondaryMap& a, const SecondaryMap& b) {
    const size_t count = std::max(a.size(), b.size());
    for (size_t i = 0; i < count; ++i) {
      const Id id(static_cast<uint32_t>(i));
      if (!(a.Get(id) == b.Get(id))) return false;
    }
    return true;
  }

 private:
  void Grow(size_t count) { elements_.resize(count, default_); }

  std::vector<T> elements_;
  T default_{};
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_SECONDARY_MAP_H_
