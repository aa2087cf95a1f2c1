#include "runtime/builtins.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <type_traits>

#include "environ/core/builtins.h"
#include "base/check.h"
#include "environ/core/trap_code.h"
#include "runtime/instance.h"
#include "runtime/store.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {
namespace {

using environ::BuiltinResult;
using environ::BuiltinType;
using environ::TrapCode;
using wasm::DataIndex;
using wasm::ElemIndex;
using wasm::FuncIndex;
using wasm::MemoryIndex;
using wasm::TableIndex;

constexpr uint64_t kGrowthRefused = ~uint64_t{0};

// A trap or nothing as the status that the shim tests.
uint32_t Finish(VMContext* vmctx, std::optional<TrapCode> trap) {
  return trap.has_value() ? Store::Of(vmctx).RaiseTrap(*trap) : 0;
}

// Runs the body of a fallible built-in with a value; exhaustion of the host's memory becomes
// a trap.
template <typename Body>
BuiltinResult Guarded(VMContext* vmctx, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return {Store::Of(vmctx).RaiseTrap(TrapCode::kOutOfMemory), 0};
  }
}

// The same for one without.
template <typename Body>
uint32_t GuardedStatus(VMContext* vmctx, Body&& body) {
  try {
    return Finish(vmctx, body());
  } catch (const std::bad_alloc&) {
    return Store::Of(vmctx).RaiseTrap(TrapCode::kOutOfMemory);
  }
}

// Fuel for what a bulk operator is about to write: nothing where it may go on. Bounds have been checked,
// so that it may not trap any more; they hold whatever an interrupt does, for nothing shrinks.
std::optional<uint32_t> ChargeBytes(VMContext* vmctx, uint64_t bytes) {
  Store& store = Store::Of(vmctx);
  const uint32_t unit = store.engine().tunables().fuel_bulk_bytes;
  if (unit == 0 || bytes < unit) return std::nullopt;
  return store.ChargeFuel(bytes / unit);
}
std::optional<uint32_t> ChargeElements(VMContext* vmctx, uint64_t elements) {
  constexpr uint64_t kBytes = 8;
  const uint64_t most = std::numeric_limits<uint64_t>::max() / kBytes;
  return ChargeBytes(vmctx, std::min(elements, most) * kBytes);
}

BuiltinResult MemoryGrow(VMContext* vmctx, uint32_t memory, uint64_t delta) {
  return Guarded(vmctx, [&]() -> BuiltinResult {
    Instance& instance = Instance::Of(vmctx);
    const absl::StatusOr<uint64_t> old_pages =
        instance.store().GrowMemory(instance.memory(MemoryIndex(memory)), delta);
    return {0, old_pages.ok() ? *old_pages : kGrowthRefused};
  });
}

uint32_t MemoryFill(VMContext* vmctx, uint32_t index, uint64_t destination, uint32_t value,
                    uint64_t length) {
  Memory& memory = Instance::Of(vmctx).memory(MemoryIndex(index));
  if (!memory.InBounds(destination, length)) return Finish(vmctx, TrapCode::kMemoryOutOfBounds);
  if (const auto stopped = ChargeBytes(vmctx, length)) return *stopped;
  CHECK(memory.Fill(destination, static_cast<uint8_t>(value), length));
  return 0;
}

uint32_t MemoryCopy(VMContext* vmctx, uint32_t destination_memory, uint64_t destination,
                    uint32_t source_memory, uint64_t source, uint64_t length) {
  Instance& instance = Instance::Of(vmctx);
  Memory& to = instance.memory(MemoryIndex(destination_memory));
  Memory& from = instance.memory(MemoryIndex(source_memory));
  if (!to.InBounds(destination, length) || !from.InBounds(source, length)) {
    return Finish(vmctx, TrapCode::kMemoryOutOfBounds);
  }
  if (const auto stopped = ChargeBytes(vmctx, length)) return *stopped;
  CHECK(Memory::Copy(to, destination, from, source, length));
  return 0;
}

uint32_t MemoryInit(VMContext* vmctx, uint32_t memory, uint32_t segment, uint64_t destination,
                    uint32_t source, uint32_t length) {
  Instance& instance = Instance::Of(vmctx);
  if (instance.memory(MemoryIndex(memory)).InBounds(destination, length)) {
    if (const auto stopped = ChargeBytes(vmctx, length)) return *stopped;
  }
  return Finish(vmctx, instance.MemoryInit(MemoryIndex(memory), DataIndex(segment), destination,
                                           source, length));
}

// Compiled code has checked the alignment and that the sum of index and offset does not wrap.
BuiltinResult MemoryAtomicNotify(VMContext* vmctx, uint32_t index, uint64_t address,
                                 uint32_t count) {
  const Memory& memory = Instance::Of(vmctx).memory(MemoryIndex(index));
  if (!memory.InBounds(address, sizeof(uint32_t))) {
    return {Store::Of(vmctx).RaiseTrap(TrapCode::kMemoryOutOfBounds), 0};
  }
  // Nobody can wait at a memory that is not shared.
  SharedMemory* const shared = memory.shared().get();
  if (shared == nullptr) return {0, 0};
  return {0, shared->parking_lot().Notify(shared->base() + address, count)};
}

template <typename Word>
BuiltinResult MemoryAtomicWait(VMContext* vmctx, uint32_t index, uint64_t address, Word expected,
                               uint64_t timeout) {
  Store& store = Store::Of(vmctx);
  const Memory& memory = Instance::Of(vmctx).memory(MemoryIndex(index));
  if (!memory.InBounds(address, sizeof(Word))) {
    return {store.RaiseTrap(TrapCode::kMemoryOutOfBounds), 0};
  }
  SharedMemory* const shared = memory.shared().get();
  if (shared == nullptr) return {store.RaiseTrap(TrapCode::kExpectedSharedMemory), 0};
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  int64_t left = static_cast<int64_t>(timeout);
  while (true) {
    const ParkingLot::Result result =
        shared->parking_lot().Wait<Word>(reinterpret_cast<Word*>(shared->base() + address),
                                         expected, left, store.EpochInterrupt());
    if (result != ParkingLot::Result::kInterrupted) return {0, static_cast<uint32_t>(result)};
    if (const uint32_t stopped = store.OnNewEpoch(); stopped != 0) return {stopped, 0};
    if (left < 0) continue;
    const int64_t waited =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
    left = std::max<int64_t>(0, static_cast<int64_t>(timeout) - waited);
  }
}
BuiltinResult MemoryAtomicWait32(VMContext* vmctx, uint32_t index, uint64_t address,
                                 uint32_t expected, uint64_t timeout) {
  return MemoryAtomicWait<uint32_t>(vmctx, index, address, expected, timeout);
}
BuiltinResult MemoryAtomicWait64(VMContext* vmctx, uint32_t index, uint64_t address,
                                 uint64_t expected, uint64_t timeout) {
  return MemoryAtomicWait<uint64_t>(vmctx, index, address, expected, timeout);
}

void DataDrop(VMContext* vmctx, uint32_t segment) {
  Instance::Of(vmctx).DropData(DataIndex(segment));
}

BuiltinResult TableGrow(VMContext* vmctx, uint32_t table, uint64_t delta, ValRaw value) {
  if (const auto stopped = ChargeElements(vmctx, delta)) return {*stopped, 0};
  return Guarded(vmctx, [&]() -> BuiltinResult {
    Instance& instance = Instance::Of(vmctx);
    const absl::StatusOr<uint64_t> old_size =
        instance.store().GrowTable(instance.table(TableIndex(table)), delta, value);
    return {0, old_size.ok() ? *old_size : kGrowthRefused};
  });
}
BuiltinResult TableGrowFunc(VMContext* vmctx, uint32_t table, uint64_t delta, VMFuncRef* value) {
  return TableGrow(vmctx, table, delta, ValRaw::FuncRef(value));
}
BuiltinResult TableGrowRef(VMContext* vmctx, uint32_t table, uint64_t delta, uint32_t value) {
  return TableGrow(vmctx, table, delta, ValRaw::Reference(value));
}

uint32_t TableFill(VMContext* vmctx, uint32_t index, uint64_t destination, ValRaw value,
                   uint64_t length) {
  Table& table = Instance::Of(vmctx).table(TableIndex(index));
  if (!table.InBounds(destination, length)) return Finish(vmctx, TrapCode::kTableOutOfBounds);
  if (const auto stopped = ChargeElements(vmctx, length)) return *stopped;
  table.Fill(destination, value, length);
  return 0;
}
uint32_t TableFillFunc(VMContext* vmctx, uint32_t index, uint64_t destination, VMFuncRef* value,
                       uint64_t length) {
  return TableFill(vmctx, index, destination, ValRaw::FuncRef(value), length);
}
uint32_t TableFillRef(VMContext* vmctx, uint32_t index, uint64_t destination, uint32_t value,
                      uint64_t length) {
  return TableFill(vmctx, index, destination, ValRaw::Reference(value), length);
}

uint32_t TableCopy(VMContext* vmctx, uint32_t destination_table, uint32_t source_table,
                   uint64_t destination, uint64_t source, uint64_t length) {
  Instance& instance = Instance::Of(vmctx);
  Table& to = instance.table(TableIndex(destination_table));
  Table& from = instance.table(TableIndex(source_table));
  if (!to.InBounds(destination, length) || !from.InBounds(source, length)) {
    return Finish(vmctx, TrapCode::kTableOutOfBounds);
  }
  if (const auto stopped = ChargeElements(vmctx, length)) return *stopped;
  Table::Copy(to, destination, from, source, length);
  return 0;
}

uint32_t TableInit(VMContext* vmctx, uint32_t table, uint32_t segment, uint64_t destination,
                   uint32_t source, uint32_t length) {
  if (Instance::Of(vmctx).table(TableIndex(table)).InBounds(destination, length)) {
    if (const auto stopped = ChargeElements(vmctx, length)) return *stopped;
  }
  return GuardedStatus(vmctx, [&] {
    return Instance::Of(vmctx).TableInit(TableIndex(table), ElemIndex(segment), destination, source,
                                         length);
  });
}

void ElemDrop(VMContext* vmctx, uint32_t segment) {
  Instance::Of(vmctx).DropElem(ElemIndex(segment));
}

BuiltinResult TableGet(VMContext* vmctx, uint32_t index, uint64_t element) {
  Table& table = Instance::Of(vmctx).table(TableIndex(index));
  if (element >= table.size()) {
    return {Store::Of(vmctx).RaiseTrap(TrapCode::kTableOutOfBounds), 0};
  }
  return {0, table.Get(element).words[0]};
}
BuiltinResult TableGetFunc(VMContext* vmctx, uint32_t index, uint64_t element) {
  return TableGet(vmctx, index, element);
}
BuiltinResult TableGetRef(VMContext* vmctx, uint32_t index, uint64_t element) {
  return TableGet(vmctx, index, element);
}

uint32_t TableSet(VMContext* vmctx, uint32_t index, uint64_t element, ValRaw value) {
  Table& table = Instance::Of(vmctx).table(TableIndex(index));
  if (element >= table.size()) return Finish(vmctx, TrapCode::kTableOutOfBounds);
  table.Set(element, value);
  return 0;
}
uint32_t TableSetFunc(VMContext* vmctx, uint32_t index, uint64_t element, VMFuncRef* value) {
  return TableSet(vmctx, index, element, ValRaw::FuncRef(value));
}
uint32_t TableSetRef(VMContext* vmctx, uint32_t index, uint64_t element, uint32_t value) {
  return TableSet(vmctx, index, element, ValRaw::Reference(value));
}

VMFuncRef* RefFunc(VMContext* vmctx, uint32_t func) {
  return Instance::Of(vmctx).FuncRef(FuncIndex(func));
}

uint32_t OutOfFuel(VMStoreContext* store) { return store->store->OnOutOfFuel(); }
uint32_t NewEpoch(VMStoreContext* store) { return store->store->OnNewEpoch(); }
uint32_t CheckStack(VMStoreContext* store) { return store->store->OnStackLimit(); }
uint32_t RaiseTrap(VMStoreContext* store) { return store->store->OnTrap(); }

uint32_t TierUp(VMStoreContext*, VMContext* vmctx, uint32_t function) {
  Instance::Of(vmctx).module().OnCounterRanOut(wasm::DefinedFuncIndex(function));
  return 0;
}

// (WebAssembly 3.0, "call_indirect".)
BuiltinResult ResolveIndirect(VMContext* vmctx, uint32_t index, uint64_t element,
                              uint32_t expected) {
  Store& store = Store::Of(vmctx);
  const auto trap = [&](TrapCode code) { return BuiltinResult{store.RaiseTrap(code), 0}; };
  Table& table = Instance::Of(vmctx).table(TableIndex(index));
  if (element >= table.size()) return trap(TrapCode::kUndefinedElement);
  VMFuncRef* const callee = table.Get(element).func_ref;
  if (callee == nullptr) return trap(TrapCode::kUninitializedElement);
  if (callee->type_id != expected && !store.engine().types().IsSubtype(callee->type_id, expected)) {
    return trap(TrapCode::kIndirectCallTypeMismatch);
  }
  return {0, reinterpret_cast<uintptr_t>(callee)};
}

// The C++ type of a built-in, from its line in the table.
template <BuiltinType kType>
struct CppType;
template <>
struct CppType<BuiltinType::kNone> {
  using Type = void;
};
template <>
struct CppType<BuiltinType::kVmctx> {
  using Type = VMContext*;
};
template <>
struct CppType<BuiltinType::kStore> {
  using Type = VMStoreContext*;
};
template <>
struct CppType<BuiltinType::kI32> {
  using Type = uint32_t;
};
template <>
struct CppType<BuiltinType::kI64> {
  using Type = uint64_t;
};
template <>
struct CppType<BuiltinType::kPointer> {
  using Type = VMFuncRef*;
};
template <>
struct CppType<BuiltinType::kReference> {
  using Type = uint32_t;
};

template <BuiltinType kResult, bool kFallible, BuiltinType... kParams>
struct Signature {
  using Result = std::conditional_t<
      !kFallible, typename CppType<kResult>::Type,
      std::conditional_t<kResult == BuiltinType::kNone, uint32_t, BuiltinResult>>;
  using Function = Result (*)(typename CppType<kParams>::Type...);
};

using environ::Builtin;
using enum BuiltinType;

template <Builtin kBuiltin>
struct SignatureOf;
#define GANTRY_X(enumerator, name, result, fallible, ...) \
  template <>                                             \
  struct SignatureOf<Builtin::enumerator> : Signature<result, fallible, __VA_ARGS__> {};
GANTRY_BUILTINS(GANTRY_X)
#undef GANTRY_X

struct AddressTable {
  const void* addresses[environ::kBuiltinCount] = {};

  // Only a function of exactly the type that the table states is accepted.
  template <Builtin kBuiltin>
  void Set(typename SignatureOf<kBuiltin>::Function function) {
    addresses[static_cast<uint32_t>(kBuiltin)] = reinterpret_cast<const void*>(function);
  }

  AddressTable() {
    Set<Builtin::kMemoryGrow>(MemoryGrow);
    Set<Builtin::kMemoryFill>(MemoryFill);
    Set<Builtin::kMemoryCopy>(MemoryCopy);
    Set<Builtin::kMemoryInit>(MemoryInit);
    Set<Builtin::kDataDrop>(DataDrop);
    Set<Builtin::kTableGrowFunc>(TableGrowFunc);
    Set<Builtin::kTableGrowRef>(TableGrowRef);
    Set<Builtin::kTableFillFunc>(TableFillFunc);
    Set<Builtin::kTableFillRef>(TableFillRef);
    Set<Builtin::kTableCopy>(TableCopy);
    Set<Builtin::kTableInit>(TableInit);
    Set<Builtin::kElemDrop>(ElemDrop);
    Set<Builtin::kTableGetFunc>(TableGetFunc);
    Set<Builtin::kTableGetRef>(TableGetRef);
    Set<Builtin::kTableSetFunc>(TableSetFunc);
    Set<Builtin::kTableSetRef>(TableSetRef);
    Set<Builtin::kRefFunc>(RefFunc);
    Set<Builtin::kOutOfFuel>(OutOfFuel);
    Set<Builtin::kNewEpoch>(NewEpoch);
    Set<Builtin::kCheckStack>(CheckStack);
    Set<Builtin::kRaiseTrap>(RaiseTrap);
    Set<Builtin::kResolveIndirect>(ResolveIndirect);
    Set<Builtin::kMemoryAtomicNotify>(MemoryAtomicNotify);
    Set<Builtin::kMemoryAtomicWait32>(MemoryAtomicWait32);
    Set<Builtin::kMemoryAtomicWait64>(MemoryAtomicWait64);
    Set<Builtin::kTierUp>(TierUp);
    for (const void* address : addresses) CHECK(address != nullptr) << "built-in without code";
  }
};

}  // namespace

const void* const* BuiltinAddresses() {
  static const AddressTable table;
  return table.addresses;
}

}  // namespace gantry::runtime
