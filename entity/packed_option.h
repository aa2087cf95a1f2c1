// PackedOption<Id>: an optional id in the four bytes of the id itself, none being the
// id type's own none.
//
//   PackedOption<Block> target;
//   if (target.has_value()) Visit(*target);
#ifndef GANTRY_ENTITY_PACKED_OPTION_H_
#define GANTRY_ENTITY_PACKED_OPTION_H_

#include <optional>
#include <ostream>
#include <utility>

#include "base/check.h"
#include "entity/entity_id.h"

namespace gantry::entity {

template <IsEntityId Id>
class PackedOption {
 public:
  constexpr PackedOption() = default;
  constexpr PackedOption(Id id) : id_(id) {}  // NOLINT(google-explicit-constructor)
  constexpr PackedOption(std::nullopt_t)
      : id_(Id::None()) {}  // NOLINT(google-explicit-constructor)

  constexpr bool has_value() const { return id_.is_some(); }
  constexpr explicit operator bool() const { return has_value(); }
  Id value() const {
    CHECK(has_value()) << "empty PackedOption";
    return id_;
  }
  Id operator*() const { return value(); }
  constexpr Id value_or(Id fallback) const { return has_value() ? id_ : fallback; }
  // The id, none where there is no value.
  constexpr Id id() const { return id_; }

  void reset() { id_ = Id::None(); }
  // Leaves this empty and returns what it held.
  PackedOption take() { return std::exchange(*this, PackedOption()); }

  friend constexpr bool operator==(PackedOption a, PackedOption b) { return a.id_ == b.id_; }
  friend std::ostream& operator<<(std::ostream& out, PackedOption option) {
    return out << option.id_;
  }
  template <typename H>
  friend H AbslHashValue(H state, PackedOption option) {
    return H::combine(std::move(state), option.id_);
  }

 private:
  Id id_ = Id::None();
};

}  // namespace gantry::entity

#endif  // GANTRY_ENTITY_PACKED_OPTION_H_
