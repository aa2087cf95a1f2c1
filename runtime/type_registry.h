// TypeRegistry: one number for each distinct type of an engine, so that types of different
// modules are compared by comparing numbers.
//
//   ASSIGN_OR_RETURN(RegisteredTypes types, registry->Register(info.types.values()));
//   types.ids()[type_index]              // canonical id, for VMContext's type ids
//
// Two types have the same id exactly if their recursion groups are equal entry by entry,
// references inside the group being compared by position and references out of it by id
// (WebAssembly 3.0, "Types", rolling and unrolling). Ids are counted: a type is forgotten when
// the last RegisteredTypes that holds it dies, or the last type that refers to it. An id is not
// given out again before all others of its kind have been, the one free longest first
// (lessons.md row 12). Function types have odd ids, all others even ones (wasm::HeapType).
//
// Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_TYPE_REGISTRY_H_
#define GANTRY_RUNTIME_TYPE_REGISTRY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class TypeRegistry;

// Holds types in a registry; the ids are good while this lives.
class RegisteredTypes {
 public:
  RegisteredTypes() = default;
  ~RegisteredTypes();
  RegisteredTypes(RegisteredTypes&& other) noexcept = default;
  RegisteredTypes& operator=(RegisteredTypes&& other) noexcept;

  // Canonical ids by TypeIndex.
  absl::Span<const uint32_t> ids() const { return ids_; }
  uint32_t id(wasm::TypeIndex index) const { return ids_.at(index.index()); }

 private:
  friend class TypeRegistry;
  void Release();
  std::shared_ptr<TypeRegistry> registry_;
  std::vector<uint32_t> ids_;
  // One entry for each recursion group held.
  std::vector<uint32_t> groups_;
};

class TypeRegistry : public std::enable_shared_from_this<TypeRegistry> {
 public:
  // `max_id` is for tests of exhaustion.
  static std::shared_ptr<TypeRegistry> Create(uint32_t max_id = wasm::HeapType::kMaxIndex);

  // Registers a module's types in their order. Error: kResourceExhausted when ids run out.
  absl::StatusOr<RegisteredTypes> Register(absl::Span<const wasm::SubType> types);
  // A function type whose references, if concrete, are canonical.
  absl::StatusOr<RegisteredTypes> RegisterFunc(const wasm::FuncType& type);

  // The function type of an id, its references canonical; null where the id is of another
  // kind of type or of none. Good while someone holds the id. Like the next two, takes no lock.
  const wasm::FuncType* FuncTypeOf(uint32_t id) const;

  // func, struct or array, for an id that is held.
  wasm::AbstractHeapType KindOf(uint32_t id) const;

  // Whether `sub` is `super` or declares it as an ancestor. Both must be held.
  bool IsSubtype(uint32_t sub, uint32_t super) const;

  // The same value type with an index of the module replaced by its canonical id.
  static wasm::ValType CanonicalType(wasm::ValType type, absl::Span<const uint32_t> ids);

  // Number of types that are held, for tests.
  size_t size() const;

 private:
  friend class RegisteredTypes;
  using Key = std::vector<uint32_t>;
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Group {
    const Key* key = nullptr;
    std::vector<uint32_t> ids;
    // Groups that its types refer to, each of which it holds once.
    std::vector<uint32_t> depends_on;
    uint64_t holders = 0;
    // While groups are being forgotten: the one to be forgotten next.
    Group* next_dead = nullptr;
    uint32_t id = 0;
  };
  struct Entry {
    wasm::CompositeType composite;  // references canonical
    uint32_t supertype = 0;         // canonical id, 0 for none
    uint32_t group = 0;
  };
  // Entries by id, found without the lock. Segments of growing size that stay where they are.
  class EntryTable {
   public:
    EntryTable() = default;
    ~EntryTable();
    // Null for none. Any thread; the entry is good while the id is held.
    const Entry* Find(uint32_t id) const;
    // With the registry's mutex held. Puts a copy there, and takes it away. Put allocates.
    void Put(uint32_t id, Entry entry);
    void Remove(uint32_t id);
    size_t size() const { return size_; }

   private:
    using Slot = std::atomic<Entry*>;
    static constexpr uint32_t kFirstBits = 6;
    struct Place {
      uint32_t segment;
      uint32_t index;
    };
    // Segment i > 0 holds the ids of 6 + i bits, segment 0 those below.
    static Place PlaceOf(uint32_t id);
    Slot* SlotOf(uint32_t id) const;

    std::array<std::atomic<Slot*>, 33 - kFirstBits> segments_ = {};
    size_t size_ = 0;
  };
  // Ids of one parity. Free ones are a queue, linked through an array that grows with the ids given
  // out, so that giving one back cannot fail.
  class IdPool {
   public:
    explicit IdPool(uint32_t first) : first_(first), next_(first) {}
    // How many can be taken.
    uint64_t available(uint32_t max_id) const;
    // Error: std::bad_alloc, and nothing has changed. Needs one to be available.
    uint32_t Take(uint32_t max_id);
    void GiveBack(uint32_t id);

   private:
    uint32_t& Link(uint32_t id) { return links_[(id - first_) / 2]; }

    uint32_t first_;
    uint32_t next_;
    uint64_t num_free_ = 0;
    uint32_t oldest_free_ = 0;
    uint32_t newest_free_ = 0;
    std::vector<uint32_t> links_;
  };

  explicit TypeRegistry(uint32_t max_id) : max_id_(max_id) {}
  IdPool& PoolOf(uint32_t id) { return pools_[id & 1]; }
  // All with the mutex held.
  absl::StatusOr<uint32_t> RegisterGroup(absl::Span<const wasm::SubType> group,
                                         uint32_t group_start, std::vector<uint32_t>& ids);
  bool ReserveIds(absl::Span<const wasm::SubType> group, std::vector<uint32_t>& ids);
  // Allocates nothing.
  void Forget(absl::Span<const uint32_t> groups);
  void Unhold(uint32_t group, Group*& dead);

  const uint32_t max_id_;
  mutable std::mutex mutex_;
  std::unordered_map<Key, uint32_t, KeyHash> by_key_;
  std::unordered_map<uint32_t, Group> groups_;
  uint32_t next_group_ = 0;
  EntryTable entries_;
  // Even ids begin at 2: 0 is none.
  IdPool pools_[2] = {IdPool(2), IdPool(1)};
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TYPE_REGISTRY_H_
