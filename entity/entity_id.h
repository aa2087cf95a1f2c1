// Typed 32-bit ids: every kind of thing the compiler and runtime refer to by number has
// an id type of its own, so that mixing two index spaces does not compile.
//
//   GANTRY_ENTITY_ID(Block, "block");
//
//   Block entry(0);
//   std::cout << entry;             // "block0"
//   Block missing = Block::None();  // prints "block-none"
//
// An id is four bytes, trivially copyable, ordered and hashable. The largest 32-bit value
// is the none; it is what a default-constructed id holds.
#ifndef GANTRY_ENTITY_ENTITY_ID_H_
#define GANTRY_ENTITY_ENTITY_ID_H_

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <utility>

#include "base/check.h"

namespace gantry::entity {

// The shape shared by all id types. `Tag` is the id type itself.
template <typename Tag>
class EntityId {
 public:
  using Raw = uint32_t;
  static constexpr Raw kNoneRaw = std::numeric_limits<Raw>::max();
  // Ids run from 0 to kMaxIndex; a collection that would need more has to refuse first.
  static constexpr Raw kMaxIndex = kNoneRaw - 1;

  constexpr EntityId() = default;
  constexpr explicit EntityId(Raw index) : raw_(index) {}

  static constexpr Tag None() { return Tag(kNoneRaw); }
  // Id of a position in a dense collection. Checked: never wraps onto none.
  static Tag FromIndex(size_t index) {
    CHECK(index <= kMaxIndex) << "entity index out of range: " << index;
    return Tag(static_cast<Raw>(index));
  }

  constexpr bool is_none() const { return raw_ == kNoneRaw; }
  constexpr bool is_some() const { return raw_ != kNoneRaw; }
  // Position in a dense collection. Not for none.
  constexpr size_t index() const { return raw_; }
  // The bits, none included: for packing and hashing.
  constexpr Raw raw() const { return raw_; }

  friend constexpr bool operator==(const Tag& a, const Tag& b) { return a.raw() == b.raw(); }
  friend constexpr auto operator<=>(const Tag& a, const Tag& b) { return a.raw() <=> b.raw(); }

  friend std::ostream& operator<<(std::ostream& out, const Tag& id) {
    if (id.is_none()) return out << Tag::kPrefix << "-none";
    return out << Tag::kPrefix << id.raw();
  }

  std::string ToString() const {
    return std::string(Tag::kPrefix) + (is_none() ? "-none" : std::to_string(raw_));
  }

  template <typename H>
  friend H AbslHashValue(H state, const Tag& id) {
    return H::combine(std::move(state), id.raw());
  }

 private:
  Raw raw_ = kNoneRaw;
};

template <typename T>
concept IsEntityId = std::derived_from<T, EntityId<T>>;

}  // namespace gantry::entity

// Declares id type `Name` whose text form is `prefix` followed by the number.
#define GANTRY_ENTITY_ID(Name, prefix)                              \
  class Name : public ::gantry::entity::EntityId<Name> {            \
   public:                                                          \
    [[maybe_unused]] static constexpr const char* kPrefix = prefix; \
    using ::gantry::entity::EntityId<Name>::EntityId;               \
  }

template <::gantry::entity::IsEntityId Id>
struct std::hash<Id> {
  size_t operator()(const Id& id) const noexcept { return std::hash<uint32_t>()(id.raw()); }
};

#endif  // GANTRY_ENTITY_ENTITY_ID_H_
