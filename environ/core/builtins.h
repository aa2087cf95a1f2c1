// The functions of the runtime that compiled code calls, in one table: index, name,
// parameters, result, and whether they can stop the guest.
//
//   const BuiltinInfo& info = GetBuiltinInfo(Builtin::kMemoryGrow);
//   info.params    // {vmctx, i32, i64}
//
// Compiled code never calls a built-in directly: it calls a shim, one per built-in, with
// the host's C calling convention; the shim records where wasm was left, calls through
// `vmctx->builtins[index]` and, for a fallible built-in, tests the status. Those whose first
// parameter is the store are called from cold code by shims that keep all registers (docs/abi.md,
// "Cold shims"); one that takes a VMContext and a number besides finds them in registers of the code.
//
// A C++ implementation that is not fallible returns its result as usual. A fallible one
// returns `BuiltinResult`, two words in the host's two result registers: status (0: go on;
// otherwise the trap is in the store context and the shim raises it) and value, which the
// shim moves into the first result register. A fallible one without a result may return
// only the 32-bit status. No built-in throws or jumps.
//
// Indices of memories, tables, segments and functions are those of the module (imports
// first): one built-in serves imported and defined ones. Lengths and offsets are i64 also for
// 32-bit memories and tables (zero-extended).
#ifndef GANTRY_ENVIRON_CORE_BUILTINS_H_
#define GANTRY_ENVIRON_CORE_BUILTINS_H_

#include <cstddef>
#include <cstdint>
#include <ostream>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::environ {

// Types at the boundary. kStore is a VMStoreContext*; kPointer a VMFuncRef*; kReference a u32 handle.
enum class BuiltinType : uint8_t { kNone, kVmctx, kStore, kI32, kI64, kPointer, kReference };

// X(enumerator, name, result, fallible, parameters...)
//
// memory_grow(memory, delta pages): the old size in pages, all ones where refused.
// memory_fill(memory, destination, value, length)
// memory_copy(destination memory, destination, source memory, source, length)
// memory_init(memory, data segment, destination, source, length)
// data_drop(data segment)
// table_grow_func/_ref(table, delta, value): the old size, all ones where refused.
// table_fill_func/_ref(table, destination, value, length)
// table_copy(destination table, source table, destination, source, length)
// table_init(table, elem segment, destination, source, length)
// elem_drop(elem segment)
// table_get_func/_ref(table, index), table_set_func/_ref(table, index, value): the whole
//   operation with its bounds check; compiled code may do the same inline.
// ref_func(function): its VMFuncRef*.
// out_of_fuel(): called when less than no fuel is left; traps, suspends, or refills.
// new_epoch(): called where the guest is interrupted; traps, suspends, or sets a new deadline.
// check_stack(): called where the stack limit is reached; traps, or does as new_epoch does where the
//   limit was set to interrupt the guest.
// raise_trap(): always fails; the trap record of the call says why.
// resolve_indirect(table, index, expected type id): the VMFuncRef* that call_indirect calls. The
//   whole operation with its checks; compiled code asks where the id in the element is not the
//   expected one: the element is untouched, null, of a subtype, or of another type.
// memory_atomic_notify(memory, address, count): how many were woken.
// memory_atomic_wait32/_wait64(memory, address, expected, timeout): 0 woken, 1 not equal, 2 timed
//   out. The address is checked to be aligned; the timeout is signed nanoseconds, for ever where
//   negative. An epoch that reaches the store's deadline ends a wait as an interrupt does.
// tier_up(function): the counter of a function, by DefinedFuncIndex, has run out
//   (VMTierTableOffsets). Never stops the guest.
#define GANTRY_BUILTINS(X)                                                                   \
  X(kMemoryGrow, "memory_grow", kI64, true, kVmctx, kI32, kI64)                              \
  X(kMemoryFill, "memory_fill", kNone, true, kVmctx, kI32, kI64, kI32, kI64)                 \
  X(kMemoryCopy, "memory_copy", kNone, true, kVmctx, kI32, kI64, kI32, kI64, kI64)           \
  X(kMemoryInit, "memory_init", kNone, true, kVmctx, kI32, kI32, kI64, kI32, kI32)           \
  X(kDataDrop, "data_drop", kNone, false, kVmctx, kI32)                                      \
  X(kTableGrowFunc, "table_grow_func", kI64, true, kVmctx, kI32, kI64, kPointer)             \
  X(kTableGrowRef, "table_grow_ref", kI64, true, kVmctx, kI32, kI64, kReference)             \
  X(kTableFillFunc, "table_fill_func", kNone, true, kVmctx, kI32, kI64, kPointer, kI64)      \
  X(kTableFillRef, "table_fill_ref", kNone, true, kVmctx, kI32, kI64, kReference, kI64)      \
  X(kTableCopy, "table_copy", kNone, true, kVmctx, kI32, kI32, kI64, kI64, kI64)             \
  X(kTableInit, "table_init", kNone, true, kVmctx, kI32, kI32, kI64, kI32, kI32)             \
  X(kElemDrop, "elem_drop", kNone, false, kVmctx, kI32)                                      \
  X(kTableGetFunc, "table_get_func", kPointer, true, kVmctx, kI32, kI64)                     \
  X(kTableGetRef, "table_get_ref", kReference, true, kVmctx, kI32, kI64)                     \
  X(kTableSetFunc, "table_set_func", kNone, true, kVmctx, kI32, kI64, kPointer)              \
  X(kTableSetRef, "table_set_ref", kNone, true, kVmctx, kI32, kI64, kReference)              \
  X(kRefFunc, "ref_func", kPointer, false, kVmctx, kI32)                                     \
  X(kOutOfFuel, "out_of_fuel", kNone, true, kStore)                                          \
  X(kNewEpoch, "new_epoch", kNone, true, kStore)                                             \
  X(kCheckStack, "check_stack", kNone, true, kStore)                                         \
  X(kRaiseTrap, "raise_trap", kNone, true, kStore)                                           \
  X(kResolveIndirect, "resolve_indirect", kPointer, true, kVmctx, kI32, kI64, kI32)          \
  X(kMemoryAtomicNotify, "memory_atomic_notify", kI32, true, kVmctx, kI32, kI64, kI32)       \
  X(kMemoryAtomicWait32, "memory_atomic_wait32", kI32, true, kVmctx, kI32, kI64, kI32, kI64) \
  X(kMemoryAtomicWait64, "memory_atomic_wait64", kI32, true, kVmctx, kI32, kI64, kI64, kI64) \
  X(kTierUp, "tier_up", kNone, true, kStore, kVmctx, kI32)

enum class Builtin : uint32_t {
#define GANTRY_X(enumerator, ...) enumerator,
  GANTRY_BUILTINS(GANTRY_X)
#undef GANTRY_X
};

inline constexpr uint32_t kBuiltinCount = 0
#define GANTRY_X(...) +1
    GANTRY_BUILTINS(GANTRY_X)
#undef GANTRY_X
    ;

struct BuiltinInfo {
  absl::string_view name;
  BuiltinType result;  // kNone where there is no value.
  bool fallible;
  // The first one is kVmctx, of cold ones kStore; at most six.
  absl::Span<const BuiltinType> params;

  // Called from cold code, by a shim that keeps all registers.
  bool is_cold() const { return params[0] == BuiltinType::kStore; }
  // Of cold ones: whether the VMContext at hand and a number are passed on.
  bool has_context() const { return is_cold() && params.size() > 1; }
};

const BuiltinInfo& GetBuiltinInfo(Builtin builtin);

// What a fallible built-in with a value returns.
struct BuiltinResult {
  uint64_t status;
  uint64_t value;
};
static_assert(sizeof(BuiltinResult) == 16);

std::ostream& operator<<(std::ostream& out, Builtin builtin);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_BUILTINS_H_
