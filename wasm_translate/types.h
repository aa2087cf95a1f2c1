// The vocabulary of WebAssembly: index spaces, value types, and the types of functions,
// tables, memories, globals and tags. This is the one definition of them; it knows nothing
// of the binary format, of the IR or of a running instance.
//
//   FuncType type({ValType::I32(), ValType::FuncRef()}, {ValType::I64()});
//   type.params()[1].is_ref();                     // true
//   ValType::ConcreteRef(TypeIndex(3), true);      // (ref null 3)
//
// Sources: WebAssembly 3.0, "Types" (structure and binary format); the threads and
// custom-page-sizes proposals for `shared` and page sizes.
#ifndef GANTRY_WASM_TRANSLATE_TYPES_H_
#define GANTRY_WASM_TRANSLATE_TYPES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "entity/entity_id.h"

namespace gantry::wasm {

// Index spaces of a module. An XIndex counts imports first, then definitions; a
// DefinedXIndex counts definitions only.
GANTRY_ENTITY_ID(TypeIndex, "type");
GANTRY_ENTITY_ID(FuncIndex, "func");
GANTRY_ENTITY_ID(DefinedFuncIndex, "deffunc");
GANTRY_ENTITY_ID(TableIndex, "table");
GANTRY_ENTITY_ID(DefinedTableIndex, "deftable");
GANTRY_ENTITY_ID(MemoryIndex, "memory");
GANTRY_ENTITY_ID(DefinedMemoryIndex, "defmemory");
GANTRY_ENTITY_ID(GlobalIndex, "global");
GANTRY_ENTITY_ID(DefinedGlobalIndex, "defglobal");
GANTRY_ENTITY_ID(TagIndex, "tag");
GANTRY_ENTITY_ID(DefinedTagIndex, "deftag");
GANTRY_ENTITY_ID(ElemIndex, "elem");
GANTRY_ENTITY_ID(DataIndex, "data");
GANTRY_ENTITY_ID(LocalIndex, "local");
// Field of a struct type.
GANTRY_ENTITY_ID(FieldIndex, "field");

// The heap types that have names of their own.
enum class AbstractHeapType : uint8_t {
  kFunc,
  kExtern,
  kAny,
  kEq,
  kI31,
  kStruct,
  kArray,
  kExn,
  kNone,      // bottom of any
  kNoFunc,    // bottom of func
  kNoExtern,  // bottom of extern
  kNoExn,     // bottom of exn
};

// What a reference refers to: an abstract heap type, or a type by index. Four bytes.
class HeapType {
 public:
  // An index is at most this: it shares 32 bits with flags.
  static constexpr uint32_t kMaxIndex = (uint32_t{1} << 25) - 1;

  static constexpr HeapType Abstract(AbstractHeapType type, bool shared = false) {
    return HeapType(static_cast<uint32_t>(type) << kIndexShift | (shared ? kSharedBit : 0));
  }
  // A type of the module at hand. The index must not be over kMaxIndex.
  static constexpr HeapType Concrete(TypeIndex index) {
    return HeapType(index.raw() << kIndexShift | kConcreteBit);
  }
  // A type by its canonical id in an engine's registry; never equal to a Concrete one. Function
  // types have odd ids there and all others even ones, so that the id alone tells how values
  // of a type are held.
  static constexpr HeapType Canonical(uint32_t id) {
    return HeapType(id << kIndexShift | kConcreteBit | kCanonicalBit);
  }

  constexpr bool is_abstract() const { return (bits_ & kConcreteBit) == 0; }
  constexpr bool is_concrete() const { return (bits_ & kConcreteBit) != 0; }
  constexpr bool is_canonical() const { return (bits_ & kCanonicalBit) != 0; }
  constexpr bool is_shared() const { return (bits_ & kSharedBit) != 0; }
  constexpr bool Is(AbstractHeapType type) const { return is_abstract() && abstract() == type; }
  // Only for an abstract type.
  constexpr AbstractHeapType abstract() const {
    return static_cast<AbstractHeapType>(bits_ >> kIndexShift);
  }
  // Only for a concrete type of a module.
  constexpr TypeIndex index() const { return TypeIndex(bits_ >> kIndexShift); }
  // Only for a canonical type.
  constexpr uint32_t canonical_id() const { return bits_ >> kIndexShift; }
  constexpr bool is_canonical_func() const { return is_canonical() && (canonical_id() & 1) != 0; }

  // "func", "any", "3" for a concrete one, "#3" for a canonical one.
  std::string ToString() const;

  friend constexpr bool operator==(HeapType a, HeapType b) { return a.bits_ == b.bits_; }
  friend std::ostream& operator<<(std::ostream& out, HeapType type) {
    return out << type.ToString();
  }

 private:
  friend class ValType;
  // The layout is that of ValType, with kind and nullability zero.
  static constexpr uint32_t kSharedBit = 1 << 4;
  static constexpr uint32_t kConcreteBit = 1 << 5;
  static constexpr uint32_t kCanonicalBit = 1 << 6;
  static constexpr int kIndexShift = 7;

  constexpr explicit HeapType(uint32_t bits) : bits_(bits) {}

  uint32_t bits_;
};

// The type of a value on the operand stack, in a local, global or table. Four bytes; two
// are the same type of one module exactly if their bits are the same (up to equivalence of
// recursive types, which canonicalisation decides).
//
// Bits 0..2 kind, 3 nullable, 4 shared, 5 concrete, 6 canonical, 7..31 heap type or index.
class ValType {
 public:
  enum class Kind : uint8_t {
    kI32,
    kI64,
    kF32,
    kF64,
    kV128,
    kRef,
    // The type of what comes off the stack of unreachable code: subtype of all. It is the
    // validator's alone and never part of a module.
    kBottom,
  };

  // i32, so that arrays of types can be made before they are filled.
  constexpr ValType() = default;

  static constexpr ValType I32() { return ValType(static_cast<uint32_t>(Kind::kI32)); }
  static constexpr ValType I64() { return ValType(static_cast<uint32_t>(Kind::kI64)); }
  static constexpr ValType F32() { return ValType(static_cast<uint32_t>(Kind::kF32)); }
  static constexpr ValType F64() { return ValType(static_cast<uint32_t>(Kind::kF64)); }
  static constexpr ValType V128() { return ValType(static_cast<uint32_t>(Kind::kV128)); }
  // The type of any kind but kRef.
  static constexpr ValType OfSimpleKind(Kind kind) { return ValType(static_cast<uint32_t>(kind)); }
  static constexpr ValType Bottom() { return ValType(static_cast<uint32_t>(Kind::kBottom)); }
  static constexpr ValType Ref(HeapType heap_type, bool nullable) {
    return ValType(static_cast<uint32_t>(Kind::kRef) | (nullable ? kNullableBit : 0) |
                   heap_type.bits_);
  }
  static constexpr ValType ConcreteRef(TypeIndex index, bool nullable) {
    return Ref(HeapType::Concrete(index), nullable);
  }
  static constexpr ValType FuncRef() {
    return Ref(HeapType::Abstract(AbstractHeapType::kFunc), true);
  }
  static constexpr ValType ExternRef() {
    return Ref(HeapType::Abstract(AbstractHeapType::kExtern), true);
  }
  static constexpr ValType ExnRef() {
    return Ref(HeapType::Abstract(AbstractHeapType::kExn), true);
  }

  constexpr Kind kind() const { return static_cast<Kind>(bits_ & kKindMask); }
  constexpr bool is_ref() const { return kind() == Kind::kRef; }
  // i32, i64, f32 or f64.
  constexpr bool is_numeric() const { return kind() <= Kind::kF64; }
  constexpr bool is_vector() const { return kind() == Kind::kV128; }
  constexpr bool is_bottom() const { return kind() == Kind::kBottom; }

  // Only for references.
  constexpr HeapType heap_type() const { return HeapType(bits_ & ~(kKindMask | kNullableBit)); }
  constexpr bool is_nullable() const { return (bits_ & kNullableBit) != 0; }
  constexpr ValType WithNullable(bool nullable) const {
    return ValType(nullable ? bits_ | kNullableBit : bits_ & ~kNullableBit);
  }
  // Whether a variable of this type can start out without being set (zero or null).
  constexpr bool is_defaultable() const { return !is_ref() || is_nullable(); }

  // The 32 bits, for hashing and storing.
  constexpr uint32_t bits() const { return bits_; }

  // The name in the text format: "i32", "funcref", "(ref null 3)".
  std::string ToString() const;

  friend constexpr bool operator==(ValType a, ValType b) { return a.bits_ == b.bits_; }
  friend std::ostream& operator<<(std::ostream& out, ValType type) {
    return out << type.ToString();
  }
  template <typename H>
  friend H AbslHashValue(H state, ValType type) {
    return H::combine(std::move(state), type.bits_);
  }

 private:
  static constexpr uint32_t kKindMask = 7;
  static constexpr uint32_t kNullableBit = 1 << 3;

  constexpr explicit ValType(uint32_t bits) : bits_(bits) {}

  uint32_t bits_ = 0;
};
static_assert(sizeof(ValType) == 4);

// A function's type: parameters, then results, in one array.
class FuncType {
 public:
  FuncType() = default;
  FuncType(absl::Span<const ValType> params, absl::Span<const ValType> results);
  FuncType(std::initializer_list<ValType> params, std::initializer_list<ValType> results)
      : FuncType(absl::Span<const ValType>(params.begin(), params.size()),
                 absl::Span<const ValType>(results.begin(), results.size())) {}

  absl::Span<const ValType> params() const {
    return absl::MakeConstSpan(types_).first(num_params_);
  }
  absl::Span<const ValType> results() const {
    return absl::MakeConstSpan(types_).subspan(num_params_);
  }

  // "(i32 funcref) -> (i64)".
  std::string ToString() const;

  friend bool operator==(const FuncType& a, const FuncType& b) {
    return a.num_params_ == b.num_params_ && a.types_ == b.types_;
  }
  friend std::ostream& operator<<(std::ostream& out, const FuncType& type) {
    return out << type.ToString();
  }
  template <typename H>
  friend H AbslHashValue(H state, const FuncType& type) {
    return H::combine(std::move(state), type.num_params_, type.types_);
  }

 private:
  std::vector<ValType> types_;
  uint32_t num_params_ = 0;
};

// What a field of a struct or an element of an array holds: a value, or 8 or 16 bits.
class StorageType {
 public:
  enum class Packed : uint8_t { kNone, kI8, kI16 };

  constexpr StorageType() = default;
  // Implicit: every value type is a storage type.
  constexpr StorageType(ValType type) : type_(type) {}  // NOLINT(google-explicit-constructor)
  static constexpr StorageType I8() { return StorageType(Packed::kI8); }
  static constexpr StorageType I16() { return StorageType(Packed::kI16); }

  constexpr Packed packed() const { return packed_; }
  constexpr bool is_packed() const { return packed_ != Packed::kNone; }
  // The type on the operand stack: i32 for packed ones.
  constexpr ValType unpacked() const { return type_; }
  std::string ToString() const;

  friend constexpr bool operator==(StorageType, StorageType) = default;
  template <typename H>
  friend H AbslHashValue(H state, StorageType type) {
    return H::combine(std::move(state), type.type_, type.packed_);
  }

 private:
  constexpr explicit StorageType(Packed packed) : type_(ValType::I32()), packed_(packed) {}

  ValType type_;
  Packed packed_ = Packed::kNone;
};

struct FieldType {
  StorageType storage;
  bool is_mutable = false;

  friend bool operator==(const FieldType&, const FieldType&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const FieldType& type) {
    return H::combine(std::move(state), type.storage, type.is_mutable);
  }
};

struct StructType {
  std::vector<FieldType> fields;

  friend bool operator==(const StructType&, const StructType&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const StructType& type) {
    return H::combine(std::move(state), type.fields);
  }
};

struct ArrayType {
  FieldType element;

  friend bool operator==(const ArrayType&, const ArrayType&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const ArrayType& type) {
    return H::combine(std::move(state), type.element);
  }
};

using CompositeType = std::variant<FuncType, StructType, ArrayType>;

// One entry of a module's type index space. Entries defined together in a recursion group
// share `group_start` and `group_size`; a type outside any is a group of one.
struct SubType {
  CompositeType composite;
  // None where the type declares no supertype.
  TypeIndex supertype = TypeIndex::None();
  bool is_final = true;
  TypeIndex group_start = TypeIndex(0);
  uint32_t group_size = 1;

  bool is_func() const { return std::holds_alternative<FuncType>(composite); }
  // Null where it is another kind of type.
  const FuncType* func() const { return std::get_if<FuncType>(&composite); }
  const StructType* struct_type() const { return std::get_if<StructType>(&composite); }
  const ArrayType* array() const { return std::get_if<ArrayType>(&composite); }

  friend bool operator==(const SubType&, const SubType&) = default;
};

// The type of addresses and lengths of a memory or table.
enum class IndexType : uint8_t { kI32, kI64 };

inline constexpr ValType ToValType(IndexType type) {
  return type == IndexType::kI64 ? ValType::I64() : ValType::I32();
}

// Size bounds of a memory (in pages) or a table (in elements).
struct Limits {
  uint64_t min = 0;
  std::optional<uint64_t> max;

  friend bool operator==(const Limits&, const Limits&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Limits& limits) {
    return H::combine(std::move(state), limits.min, limits.max);
  }
};

struct TableType {
  ValType element = ValType::FuncRef();  // always a reference
  Limits limits;
  IndexType index_type = IndexType::kI32;
  bool shared = false;

  std::string ToString() const;

  friend bool operator==(const TableType&, const TableType&) = default;
};

struct MemoryType {
  static constexpr uint8_t kDefaultPageSizeLog2 = 16;

  Limits limits;  // in pages
  IndexType index_type = IndexType::kI32;
  bool shared = false;
  uint8_t page_size_log2 = kDefaultPageSizeLog2;

  uint64_t page_size() const { return uint64_t{1} << page_size_log2; }
  std::string ToString() const;

  friend bool operator==(const MemoryType&, const MemoryType&) = default;
};

struct GlobalType {
  ValType content;
  bool is_mutable = false;
  bool shared = false;

  std::string ToString() const;

  friend bool operator==(const GlobalType&, const GlobalType&) = default;
};

// A tag for exceptions: its type is a function type without results.
struct TagType {
  TypeIndex type;

  friend bool operator==(const TagType&, const TagType&) = default;
};

// What can be imported and exported.
enum class ExternKind : uint8_t { kFunc, kTable, kMemory, kGlobal, kTag };

// "function", "table", "memory", "global", "tag".
const char* ExternKindName(ExternKind kind);

// Whether a value of type `sub` may stand where `super` is asked for, for abstract heap
// types and equal concrete ones. Subtyping of concrete types needs the module's types and is
// the validator's. (WebAssembly 3.0, "Matching", heap types.)
bool IsAbstractSubtype(AbstractHeapType sub, AbstractHeapType super);

// The top of a heap type's hierarchy: func, extern, any or exn. For abstract and canonical
// types; what a type of a module is, only the module knows.
AbstractHeapType TopOfHierarchy(HeapType type);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TYPES_H_
