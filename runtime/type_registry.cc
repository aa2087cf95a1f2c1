#include "runtime/type_registry.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>
#include <variant>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

using wasm::FieldType;
using wasm::FuncType;
using wasm::HeapType;
using wasm::SubType;
using wasm::TypeIndex;
using wasm::ValType;

// Maps the concrete references of a type.
template <typename MapIndex>
ValType MapType(ValType type, MapIndex map_index) {
  if (!type.is_ref() || !type.heap_type().is_concrete() || type.heap_type().is_canonical()) {
    return type;
  }
  return ValType::Ref(map_index(type.heap_type().index()), type.is_nullable());
}

template <typename MapIndex>
FieldType MapField(const FieldType& field, MapIndex map_index) {
  if (field.storage.is_packed()) return field;
  return {MapType(field.storage.unpacked(), map_index), field.is_mutable};
}

template <typename MapIndex>
wasm::CompositeType MapComposite(const wasm::CompositeType& composite, MapIndex map_index) {
  if (const FuncType* func = std::get_if<FuncType>(&composite)) {
    std::vector<ValType> params, results;
    for (ValType type : func->params()) params.push_back(MapType(type, map_index));
    for (ValType type : func->results()) results.push_back(MapType(type, map_index));
    return FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results));
  }
  if (const wasm::StructType* structure = std::get_if<wasm::StructType>(&composite)) {
    wasm::StructType mapped;
    for (const FieldType& field : structure->fields) {
      mapped.fields.push_back(MapField(field, map_index));
    }
    return mapped;
  }
  return wasm::ArrayType{MapField(std::get<wasm::ArrayType>(composite).element, map_index)};
}

// What equality of types looks at, as words: each kind is preceded by its lengths, so that two
// different groups never give the same words.
struct KeyBuilder {
  std::vector<uint32_t> words;
  // Canonical ids named in it.
  std::vector<uint32_t> references;

  void Add(ValType type) {
    words.push_back(type.bits());
    if (type.is_ref() && type.heap_type().is_canonical()) {
      references.push_back(type.heap_type().canonical_id());
    }
  }
  void Add(const FieldType& field) {
    words.push_back(static_cast<uint32_t>(field.storage.packed()) << 1 |
                    (field.is_mutable ? 1 : 0));
    Add(field.storage.unpacked());
  }
  void Add(const wasm::CompositeType& composite) {
    words.push_back(static_cast<uint32_t>(composite.index()));
    if (const FuncType* func = std::get_if<FuncType>(&composite)) {
      words.push_back(static_cast<uint32_t>(func->params().size()));
      words.push_back(static_cast<uint32_t>(func->results().size()));
      for (ValType type : func->params()) Add(type);
      for (ValType type : func->results()) Add(type);
    } else if (const wasm::StructType* structure = std::get_if<wasm::StructType>(&composite)) {
      words.push_back(static_cast<uint32_t>(structure->fields.size()));
      for (const FieldType& field : structure->fields) Add(field);
    } else {
      Add(std::get<wasm::ArrayType>(composite).element);
    }
  }
};

}  // namespace

RegisteredTypes::~RegisteredTypes() { Release(); }

RegisteredTypes& RegisteredTypes::operator=(RegisteredTypes&& other) noexcept {
  if (this != &other) {
    Release();
    registry_ = std::move(other.registry_);
    ids_ = std::move(other.ids_);
    groups_ = std::move(other.groups_);
  }
  return *this;
}

void RegisteredTypes::Release() {
  if (registry_ == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(registry_->mutex_);
    registry_->Forget(groups_);
  }
  registry_.reset();
}

std::shared_ptr<TypeRegistry> TypeRegistry::Create(uint32_t max_id) {
  return std::shared_ptr<TypeRegistry>(new TypeRegistry(max_id));
}

size_t TypeRegistry::KeyHash::operator()(const Key& key) const { return absl::HashOf(key); }

ValType TypeRegistry::CanonicalType(ValType type, absl::Span<const uint32_t> ids) {
  return MapType(type, [&](TypeIndex index) {
    CHECK(index.index() < ids.size()) << index;
    return HeapType::Canonical(ids[index.index()]);
  });
}

uint64_t TypeRegistry::IdPool::available(uint32_t max_id) const {
  return num_free_ + (next_ > max_id ? 0 : (uint64_t{max_id} - next_) / 2 + 1);
}

uint32_t TypeRegistry::IdPool::Take(uint32_t max_id) {
  if (next_ <= max_id) {
    links_.push_back(0);
    const uint32_t id = next_;
    next_ += 2;
    return id;
  }
  CHECK(num_free_ > 0) << "no id is left";
  --num_free_;
  return std::exchange(oldest_free_, Link(oldest_free_));
}

void TypeRegistry::IdPool::GiveBack(uint32_t id) {
  if (num_free_++ == 0) {
    oldest_free_ = id;
  } else {
    Link(newest_free_) = id;
  }
  newest_free_ = id;
}

TypeRegistry::EntryTable::Place TypeRegistry::EntryTable::PlaceOf(uint32_t id) {
  const uint32_t bits = static_cast<uint32_t>(std::bit_width(id));
  if (bits <= kFirstBits) return {0, id};
  return {bits - kFirstBits, id - (uint32_t{1} << (bits - 1))};
}

TypeRegistry::EntryTable::Slot* TypeRegistry::EntryTable::SlotOf(uint32_t id) const {
  const Place place = PlaceOf(id);
  Slot* const segment = segments_[place.segment].load(std::memory_order_acquire);
  return segment == nullptr ? nullptr : &segment[place.index];
}

TypeRegistry::EntryTable::~EntryTable() {
  for (uint32_t i = 0; i < segments_.size(); ++i) {
    Slot* const segment = segments_[i].load(std::memory_order_relaxed);
    if (segment == nullptr) continue;
    const size_t size = size_t{1} << (i == 0 ? kFirstBits : kFirstBits + i - 1);
    for (size_t slot = 0; slot < size; ++slot) delete segment[slot].load(std::memory_order_relaxed);
    delete[] segment;
  }
}

const TypeRegistry::Entry* TypeRegistry::EntryTable::Find(uint32_t id) const {
  const Slot* const slot = SlotOf(id);
  return slot == nullptr ? nullptr : slot->load(std::memory_order_acquire);
}

void TypeRegistry::EntryTable::Put(uint32_t id, Entry entry) {
  auto owned = std::make_unique<Entry>(std::move(entry));
  Slot* slot = SlotOf(id);
  if (slot == nullptr) {
    const uint32_t segment = PlaceOf(id).segment;
    const size_t size = size_t{1} << (segment == 0 ? kFirstBits : kFirstBits + segment - 1);
    segments_[segment].store(new Slot[size](), std::memory_order_release);
    slot = SlotOf(id);
  }
  CHECK(slot->load(std::memory_order_relaxed) == nullptr) << "type id " << id;
  slot->store(owned.release(), std::memory_order_release);
  ++size_;
}

void TypeRegistry::EntryTable::Remove(uint32_t id) {
  Slot* const slot = SlotOf(id);
  if (slot == nullptr) return;
  Entry* const entry = slot->exchange(nullptr, std::memory_order_relaxed);
  if (entry == nullptr) return;
  delete entry;
  --size_;
}

bool TypeRegistry::ReserveIds(absl::Span<const SubType> group, std::vector<uint32_t>& ids) {
  uint64_t wanted[2] = {0, 0};
  for (const SubType& type : group) ++wanted[type.is_func() ? 1 : 0];
  for (int parity = 0; parity < 2; ++parity) {
    if (pools_[parity].available(max_id_) < wanted[parity]) return false;
  }
  ids.reserve(group.size());
  try {
    for (const SubType& type : group) ids.push_back(pools_[type.is_func() ? 1 : 0].Take(max_id_));
  } catch (...) {
    for (const uint32_t id : ids) PoolOf(id).GiveBack(id);
    throw;
  }
  return true;
}

absl::StatusOr<uint32_t> TypeRegistry::RegisterGroup(absl::Span<const SubType> group,
                                                     uint32_t group_start,
                                                     std::vector<uint32_t>& ids) {
  const size_t size = group.size();
  const auto in_group = [&](TypeIndex index) {
    return index.raw() >= group_start && index.raw() - group_start < size;
  };
  KeyBuilder key;
  for (const SubType& type : group) {
    key.words.push_back(type.is_final ? 1 : 0);
    const auto relative = [&](TypeIndex index) {
      if (in_group(index)) return HeapType::Concrete(TypeIndex(index.raw() - group_start));
      CHECK(index.index() < ids.size()) << index << " comes after its use";
      return HeapType::Canonical(ids[index.index()]);
    };
    // A supertype is written as a reference to it; 0 is no reference.
    key.Add(type.supertype.is_none() ? ValType() : ValType::Ref(relative(type.supertype), true));
    key.Add(MapComposite(type.composite, relative));
  }

  const auto known = by_key_.find(key.words);
  if (known != by_key_.end()) {
    Group& existing = groups_.at(known->second);
    ++existing.holders;
    ids.insert(ids.end(), existing.ids.begin(), existing.ids.end());
    return known->second;
  }

  std::vector<uint32_t> depends_on;
  for (const uint32_t reference : key.references) {
    const Entry* const found = entries_.Find(reference);
    if (found == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the type refers to type #", reference, ", which does not live any more"));
    }
    depends_on.push_back(found->group);
  }
  std::sort(depends_on.begin(), depends_on.end());
  depends_on.erase(std::unique(depends_on.begin(), depends_on.end()), depends_on.end());

  std::vector<uint32_t> new_ids;
  ids.reserve(ids.size() + size);
  if (!ReserveIds(group, new_ids)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the engine holds ", entries_.size(), " distinct types and has no number for another; ",
        "drop modules that are not used any more"));
  }
  ids.insert(ids.end(), new_ids.begin(), new_ids.end());
  const uint32_t id = next_group_;
  auto inserted = by_key_.end();
  try {
    for (size_t i = 0; i < size; ++i) {
      const auto canonical = [&](TypeIndex index) {
        return HeapType::Canonical(ids[index.index()]);
      };
      Entry entry;
      entry.composite = MapComposite(group[i].composite, canonical);
      if (group[i].supertype.is_some()) entry.supertype = ids[group[i].supertype.index()];
      entry.group = id;
      entries_.Put(new_ids[i], std::move(entry));
    }
    inserted = by_key_.emplace(std::move(key.words), id).first;
    Group made;
    made.key = &inserted->first;
    made.ids = new_ids;
    made.depends_on = depends_on;
    made.holders = 1;
    made.id = id;
    groups_.emplace(id, std::move(made));
  } catch (...) {
    // As if it had never been asked for.
    if (inserted != by_key_.end()) by_key_.erase(inserted);
    for (const uint32_t new_id : new_ids) {
      entries_.Remove(new_id);
      PoolOf(new_id).GiveBack(new_id);
    }
    throw;
  }
  ++next_group_;
  for (const uint32_t other : depends_on) ++groups_.at(other).holders;
  return id;
}

absl::StatusOr<RegisteredTypes> TypeRegistry::Register(absl::Span<const SubType> types) {
  RegisteredTypes registered;
  registered.ids_.reserve(types.size());
  registered.groups_.reserve(types.size());
  // Forgets what it holds, wherever it is left.
  registered.registry_ = shared_from_this();
  for (size_t start = 0; start < types.size();) {
    const size_t size = types[start].group_size;
    CHECK(size > 0 && size <= types.size() - start) << "recursion group at " << start;
    std::lock_guard<std::mutex> lock(mutex_);
    ASSIGN_OR_RETURN(
        const uint32_t group,
        RegisterGroup(types.subspan(start, size), static_cast<uint32_t>(start), registered.ids_));
    registered.groups_.push_back(group);
    start += size;
  }
  return registered;
}

absl::StatusOr<RegisteredTypes> TypeRegistry::RegisterFunc(const FuncType& type) {
  SubType entry;
  entry.composite = type;
  return Register(absl::MakeConstSpan(&entry, 1));
}

void TypeRegistry::Unhold(uint32_t group, Group*& dead) {
  const auto found = groups_.find(group);
  CHECK(found != groups_.end()) << "type group " << group;
  if (--found->second.holders > 0) return;
  found->second.next_dead = dead;
  dead = &found->second;
}

void TypeRegistry::Forget(absl::Span<const uint32_t> groups) {
  Group* dead = nullptr;
  for (const uint32_t group : groups) Unhold(group, dead);
  while (dead != nullptr) {
    Group& group = *dead;
    dead = group.next_dead;
    for (const uint32_t type_id : group.ids) {
      entries_.Remove(type_id);
      PoolOf(type_id).GiveBack(type_id);
    }
    for (const uint32_t other : group.depends_on) Unhold(other, dead);
    by_key_.erase(by_key_.find(*group.key));
    groups_.erase(group.id);
  }
}

const FuncType* TypeRegistry::FuncTypeOf(uint32_t id) const {
  const Entry* const entry = entries_.Find(id);
  return entry == nullptr ? nullptr : std::get_if<FuncType>(&entry->composite);
}

wasm::AbstractHeapType TypeRegistry::KindOf(uint32_t id) const {
  const Entry* const entry = entries_.Find(id);
  CHECK(entry != nullptr) << "type id " << id;
  const wasm::CompositeType& composite = entry->composite;
  if (std::holds_alternative<FuncType>(composite)) return wasm::AbstractHeapType::kFunc;
  return std::holds_alternative<wasm::StructType>(composite) ? wasm::AbstractHeapType::kStruct
                                                             : wasm::AbstractHeapType::kArray;
}

bool TypeRegistry::IsSubtype(uint32_t sub, uint32_t super) const {
  if (sub == super) return true;
  for (uint32_t id = sub; id != 0;) {
    if (id == super) return true;
    const Entry* const entry = entries_.Find(id);
    if (entry == nullptr) return false;
    id = entry->supertype;
  }
  return false;
}

size_t TypeRegistry::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

}  // namespace gantry::runtime
