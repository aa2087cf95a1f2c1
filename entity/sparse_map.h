// SparseMap<Id, T>: a map over a small part of a large id space, with constant-time
// insert, find, erase and clear, and iteration over members only.
//
// After Briggs and Torczon, "An Efficient Representation for Sparse Sets" (1993): a dense
// array of members, and a sparse array from id to position that is allowed to be stale;
// membership is decided by the dense array alone. Clearing does not touch the sparse array.
//
//   SparseMap<Value, Use> live;
//   live.insert(value, use);
//   for (auto& [id, use] : live) ...        // insertion order until an erase
#ifndef GANTRY_ENTITY_SPARSE_MAP_H_
#define GANTRY_ENTITY_SPARSE_MAP_H_

#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "entity/entity_id.h"

namespace gantry::entity {

template <IsEntityId Id, typename T>
class SparseMap {
 public:
  struct Entry {
    Id id;
    T value;
  };

  T* find(Id id) {
    const std::optional<size_t> position = Position(id);
    return position ? &dense_[*position].value : nullptr;
  }
  const T* find(Id id) const {
    const std::optional<size_t> position = Position(id);
    return position ? &dense_[*position].value : nullptr;
  }
  bool contains(Id id) const { return Position(id).has_value(); }
  // Sets the value of `id`; the one it had before, if any, is returned.
  std::optional<T> insert(Id id, T value) {
    CHECK(id.is_some());
    if (const std::optional<size_t> position = Position(id)) {
      return std::exchange(dense_[*position].value, std::move(value));
    }
    if (id.index() >= sparse_.size()) sparse_.resize(id.index() + 1, 0);
    sparse_[id.index()] = static_cast<uint32_t>(dense_.size());
    dense_.push_back(Entry{id, std::move(value)});
    return std::nullopt;
  }
  // Removes `id` and returns its value; the last entry takes its place in the order.
  std::optional<T> erase(Id id) {
    const std::optional<size_t> position = Position(id);
    if (!position) return std::nullopt;
    std::optional<T> value(std::move(dense_[*position].value));
    if (*position + 1 != dense_.size()) {
      dense_[*position] = std::move(dense_.back());
      sparse_[dense_[*position].id.index()] = static_cast<uint32_t>(*position);
    }
    dense_.pop_back();
    return value;
  }
  size_t size() const { return dense_.size(); }
  bool empty() const { return dense_.empty(); }
  // Constant time for trivially destructible values.
  void clear() { dense_.clear(); }

  auto begin() { return dense_.begin(); }
  auto end() { return dense_.end(); }
  auto begin() const { return dense_.begin(); }
  auto end() const { return dense_.end(); }

 private:
  std::optional<size_t> Position(Id id) const {
    if (id.index() >= sparse_.size()) return std::nullopt;
    const size_t position = sparse_[id.index()];
    if (position >= dense_.size() || dense_[position].id != id) return std::nullopt;
    return position;
  }

  std::vector<Entry> dense_;
  std::vector<uint32_t> sparse_;
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_SPARSE_MAP_H_
