// Handles to what lives in a store: Func, Memory, Table, Global, Tag; to what several stores use:
// SharedMemory; references to values: ExternRef, AnyRef, ExnRef; and Extern, which is any of what a
// module imports or exports.
//
// A handle is a small value that can be copied freely. It names its store; every use gives
// the store and fails with kInvalidArgument when it is another one (lessons.md row 19). It
// is good for as long as the store lives.
//
//   ASSIGN_OR_RETURN(Func add, instance.GetFunc(store, "add"));
//   ASSIGN_OR_RETURN(std::vector<Val> sum, add.Call(store, {Val::I32(1), Val::I32(2)}));
#ifndef GANTRY_API_EXTERN_H_
#define GANTRY_API_EXTERN_H_

#include <any>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "api/module.h"

namespace gantry {

class Store;
class Val;
class Caller;
template <typename Signature>
class TypedFunc;

namespace api_internal {
struct HostFuncCode;
}
template <typename R>
class AsyncCall;

namespace runtime {
struct VMFuncRef;
union ValRaw;
class Memory;
class SharedMemory;
class Table;
class Global;
class Tag;
}  // namespace runtime

// An externref that is not null: a reference to a value of the host, opaque to the guest, or what
// a guest made of an anyref (extern.convert_any).
class ExternRef {
 public:
  // Puts `value` into the store; it lives as long as the guest or a handle can reach it.
  static absl::StatusOr<ExternRef> Create(Store& store, std::any value);

  // The value. Error: kFailedPrecondition where it is an i31, or does not live any more.
  absl::StatusOr<std::any*> Get(Store& store) const;

  // 0 for an i31, which belongs to no store.
  uint64_t store_id() const { return store_id_; }
  // The store heap's handle, never 0; or an i31, odd.
  uint32_t raw() const { return raw_; }
  static ExternRef FromRaw(uint64_t store_id, uint32_t raw) { return ExternRef(store_id, raw); }

  friend bool operator==(const ExternRef&, const ExternRef&) = default;

 private:
  ExternRef(uint64_t store_id, uint32_t raw) : store_id_(store_id), raw_(raw) {}
  uint64_t store_id_;
  uint32_t raw_;
};

// An anyref that is not null: an i31, an object of the GC heap, or an externref converted by
// any.convert_extern.
class AnyRef {
 public:
  enum class Kind : uint8_t { kI31, kStruct, kArray, kHost };

  // The low 31 bits of a number; it belongs to no store.
  static AnyRef I31(int32_t value) { return AnyRef(0, static_cast<uint32_t>(value) << 1 | 1); }
  // The conversions between the two hierarchies keep the value.
  static AnyRef FromExtern(const ExternRef& reference) {
    return AnyRef(reference.store_id(), reference.raw());
  }
  ExternRef ToExtern() const { return ExternRef::FromRaw(store_id_, raw_); }

  // Error: kFailedPrecondition where it does not live any more.
  absl::StatusOr<Kind> kind(Store& store) const;
  bool is_i31() const { return (raw_ & 1) != 0; }
  // Sign-extended; only for an i31.
  int32_t i31() const { return static_cast<int32_t>(raw_) >> 1; }

  uint64_t store_id() const { return store_id_; }
  uint32_t raw() const { return raw_; }
  static AnyRef FromRaw(uint64_t store_id, uint32_t raw) { return AnyRef(store_id, raw); }

  friend bool operator==(const AnyRef&, const AnyRef&) = default;

 private:
  AnyRef(uint64_t store_id, uint32_t raw) : store_id_(store_id), raw_(raw) {}
  uint64_t store_id_;
  uint32_t raw_;
};

// An exnref that is not null: a caught exception, opaque to the host.
class ExnRef {
 public:
  uint64_t store_id() const { return store_id_; }
  uint32_t raw() const { return raw_; }
  static ExnRef FromRaw(uint64_t store_id, uint32_t raw) { return ExnRef(store_id, raw); }

  friend bool operator==(const ExnRef&, const ExnRef&) = default;

 private:
  ExnRef(uint64_t store_id, uint32_t raw) : store_id_(store_id), raw_(raw) {}
  uint64_t store_id_;
  uint32_t raw_;
};

// A function, of a guest or of the host.
class Func {
 public:
  // What a host function does: arguments by type, results to be filled in (they start as
  // default values). An error returned becomes a trap in the guest that called.
  using Callback = std::function<absl::Status(Caller& caller, absl::Span<const Val> arguments,
                                              absl::Span<Val> results)>;
  // The same without conversion: `values` holds the arguments on entry, the results on
  // return, as many slots as the larger number of the two.
  using RawCallback = std::function<absl::Status(Caller& caller, runtime::ValRaw* values)>;

  static absl::StatusOr<Func> Create(Store& store, const FuncType& type, Callback callback);
  static absl::StatusOr<Func> CreateRaw(Store& store, const FuncType& type, RawCallback callback);

  // From a plain callable, its type derived (api/host_func.h).
  template <typename F>
  static absl::StatusOr<Func> Wrap(Store& store, F callable);
  static absl::StatusOr<Func> CreateFromCode(Store& store, const FuncType& type,
                                             const api_internal::HostFuncCode& code);

  // A callback as a raw one, for functions of this type.
  static RawCallback ToRaw(const FuncType& type, Callback callback);

  absl::StatusOr<FuncType> type(Store& store) const;

  // Calls the function. Errors: kInvalidArgument where number or type of the arguments is not
  // the function's (says both); a trap (GetTrap tells more, api/trap.h); whatever error a
  // host function returned.
  absl::StatusOr<std::vector<Val>> Call(Store& store, absl::Span<const Val> arguments) const;
  absl::StatusOr<std::vector<Val>> Call(Store& store, std::initializer_list<Val> arguments) const;
  // The same on a stack of its own, to be awaited or driven: api/async.h. Errors also:
  // kFailedPrecondition where the store is in use by another call; kResourceExhausted where there
  // is no stack.
  AsyncCall<absl::StatusOr<std::vector<Val>>> CallAsync(Store& store,
                                                        std::vector<Val> arguments) const;

  // The function with its type checked once, as in func.Typed<int32_t(int32_t, double)>(store);
  // defined in api/typed_func.h.
  template <typename Signature>
  absl::StatusOr<TypedFunc<Signature>> Typed(Store& store) const;

  uint64_t store_id() const { return store_id_; }
  runtime::VMFuncRef* raw() const { return func_ref_; }
  static Func FromRaw(uint64_t store_id, runtime::VMFuncRef* func_ref) {
    return Func(store_id, func_ref);
  }

  friend bool operator==(const Func&, const Func&) = default;

 private:
  Func(uint64_t store_id, runtime::VMFuncRef* func_ref)
      : store_id_(store_id), func_ref_(func_ref) {}
  uint64_t store_id_;
  runtime::VMFuncRef* func_ref_;
};

// A linear memory that several stores use at once, each on a thread of its own. It belongs to an
// engine and to no store, and lives as long as a store that uses it or a handle; a copy is another
// handle to the same memory. Usable from any number of threads.
//
//   ASSIGN_OR_RETURN(SharedMemory memory, SharedMemory::Create(engine, type));
//   RETURN_IF_ERROR(linker.Define("env", "memory", memory));    // for all stores
//   ASSIGN_OR_RETURN(std::atomic_ref<uint32_t> flag, memory.At<uint32_t>(64));
//   flag.store(1);
//   RETURN_IF_ERROR(memory.Notify(64, 1).status());
//
// Its bytes are never handed out as plain ones, since guests write them at any time (lessons.md
// row 21).
class SharedMemory {
 public:
  // What a wait ended by, as memory.atomic.wait32 gives it.
  enum class WaitResult : uint8_t { kWoken = 0, kNotEqual = 1, kTimedOut = 2 };

  // Errors: kInvalidArgument for a type that is not shared or that no valid module can declare;
  // kResourceExhausted.
  static absl::StatusOr<SharedMemory> Create(const Engine& engine, const MemoryType& type);

  // The type as declared, its minimum being the size now.
  MemoryType type() const;
  // Size in pages, and in bytes. It never shrinks.
  uint64_t size() const;
  uint64_t bytes() const;
  // Adds pages and returns the size before. Error: kResourceExhausted, nothing changed.
  absl::StatusOr<uint64_t> Grow(uint64_t delta) const;

  // Copies of bytes, taken without order to what guests do. Error: kOutOfRange, nothing done.
  absl::Status Read(uint64_t offset, absl::Span<uint8_t> to) const;
  absl::Status Write(uint64_t offset, absl::Span<const uint8_t> from) const;
  // A number of 1, 2, 4 or 8 bytes, to be accessed atomically; good for as long as a handle.
  // Errors: kOutOfRange; kInvalidArgument where the offset is no multiple of its size.
  template <typename Number>
  absl::StatusOr<std::atomic_ref<Number>> At(uint64_t offset) const {
    static_assert(std::is_integral_v<Number> && std::atomic_ref<Number>::is_always_lock_free);
    const absl::StatusOr<uint8_t*> address = AlignedAddress(offset, sizeof(Number));
    if (!address.ok()) return address.status();
    return std::atomic_ref<Number>(*reinterpret_cast<Number*>(*address));
  }

  // memory.atomic.notify, wait32 and wait64 for the host. A timeout of none is for ever. Errors as
  // for At, with numbers of 4 bytes for Notify.
  absl::StatusOr<uint32_t> Notify(uint64_t offset, uint32_t count) const;
  absl::StatusOr<WaitResult> Wait32(uint64_t offset, uint32_t expected,
                                    std::optional<std::chrono::nanoseconds> timeout) const;
  absl::StatusOr<WaitResult> Wait64(uint64_t offset, uint64_t expected,
                                    std::optional<std::chrono::nanoseconds> timeout) const;

  const Engine& engine() const { return engine_; }
  const std::shared_ptr<runtime::SharedMemory>& raw() const { return memory_; }
  static SharedMemory FromRaw(const Engine& engine, std::shared_ptr<runtime::SharedMemory> memory) {
    return SharedMemory(engine, std::move(memory));
  }

  // Whether both are handles to the same memory.
  friend bool operator==(const SharedMemory& a, const SharedMemory& b) {
    return a.memory_ == b.memory_;
  }

 private:
  SharedMemory(const Engine& engine, std::shared_ptr<runtime::SharedMemory> memory)
      : engine_(engine), memory_(std::move(memory)) {}
  absl::StatusOr<uint8_t*> AlignedAddress(uint64_t offset, uint64_t size) const;

  Engine engine_;
  std::shared_ptr<runtime::SharedMemory> memory_;
};

// A linear memory of one store's own.
class Memory {
 public:
  // Errors: kInvalidArgument for a type that no valid module can declare, or that is shared
  // (SharedMemory); kResourceExhausted.
  static absl::StatusOr<Memory> Create(Store& store, const MemoryType& type);

  // The type as declared, its minimum being the size now.
  absl::StatusOr<MemoryType> type(Store& store) const;
  // Size in pages.
  absl::StatusOr<uint64_t> size(Store& store) const;
  // All bytes. Good until the guest or the host next grows the memory.
  absl::StatusOr<absl::Span<uint8_t>> data(Store& store) const;
  // Adds pages and returns the size before. Error: kResourceExhausted, nothing changed.
  absl::StatusOr<uint64_t> Grow(Store& store, uint64_t delta) const;

  uint64_t store_id() const { return store_id_; }
  runtime::Memory* raw() const { return memory_; }
  static Memory FromRaw(uint64_t store_id, runtime::Memory* memory) {
    return Memory(store_id, memory);
  }

  friend bool operator==(const Memory&, const Memory&) = default;

 private:
  Memory(uint64_t store_id, runtime::Memory* memory) : store_id_(store_id), memory_(memory) {}
  uint64_t store_id_;
  runtime::Memory* memory_;
};

// A table of references.
class Table {
 public:
  // Errors as for Memory, and kInvalidArgument for an initial element of another type.
  static absl::StatusOr<Table> Create(Store& store, const TableType& type, const Val& initial);

  absl::StatusOr<TableType> type(Store& store) const;
  absl::StatusOr<uint64_t> size(Store& store) const;
  // Error: kOutOfRange past the end.
  absl::StatusOr<Val> Get(Store& store, uint64_t index) const;
  absl::Status Set(Store& store, uint64_t index, const Val& value) const;
  absl::StatusOr<uint64_t> Grow(Store& store, uint64_t delta, const Val& initial) const;

  uint64_t store_id() const { return store_id_; }
  runtime::Table* raw() const { return table_; }
  static Table FromRaw(uint64_t store_id, runtime::Table* table) { return Table(store_id, table); }

  friend bool operator==(const Table&, const Table&) = default;

 private:
  Table(uint64_t store_id, runtime::Table* table) : store_id_(store_id), table_(table) {}
  uint64_t store_id_;
  runtime::Table* table_;
};

// A global variable.
class Global {
 public:
  static absl::StatusOr<Global> Create(Store& store, const GlobalType& type, const Val& initial);

  absl::StatusOr<GlobalType> type(Store& store) const;
  absl::StatusOr<Val> Get(Store& store) const;
  // Errors: kFailedPrecondition for an immutable one, kInvalidArgument for another type.
  absl::Status Set(Store& store, const Val& value) const;

  uint64_t store_id() const { return store_id_; }
  runtime::Global* raw() const { return global_; }
  static Global FromRaw(uint64_t store_id, runtime::Global* global) {
    return Global(store_id, global);
  }

  friend bool operator==(const Global&, const Global&) = default;

 private:
  Global(uint64_t store_id, runtime::Global* global) : store_id_(store_id), global_(global) {}
  uint64_t store_id_;
  runtime::Global* global_;
};

// A tag, by which exceptions are thrown and caught. Each one made is different from all others.
class Tag {
 public:
  // `type` says what exceptions carry. Error: kInvalidArgument where it has results.
  static absl::StatusOr<Tag> Create(Store& store, const FuncType& type);

  absl::StatusOr<TagType> type(Store& store) const;

  uint64_t store_id() const { return store_id_; }
  runtime::Tag* raw() const { return tag_; }
  static Tag FromRaw(uint64_t store_id, runtime::Tag* tag) { return Tag(store_id, tag); }

  friend bool operator==(const Tag&, const Tag&) = default;

 private:
  Tag(uint64_t store_id, runtime::Tag* tag) : store_id_(store_id), tag_(tag) {}
  uint64_t store_id_;
  runtime::Tag* tag_;
};

using Extern = std::variant<Func, Table, Memory, Global, Tag, SharedMemory>;

}  // namespace gantry

#endif  // GANTRY_API_EXTERN_H_
