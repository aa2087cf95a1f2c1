// The structs that compiled code and C++ share, as C++ sees them. Their layout is that of
// `environ/core/vm_offsets.h`, which vm_structs_test compares field by field.
//
// A VMContext is only the head: what follows it, by VMOffsets, depends on the module and is
// reached through Instance.
#ifndef GANTRY_RUNTIME_VM_STRUCTS_H_
#define GANTRY_RUNTIME_VM_STRUCTS_H_

#include <atomic>
#include <cstdint>

#include "environ/core/vm_offsets.h"
#include "runtime/val_raw.h"

namespace gantry::runtime {

class Store;
class Instance;
struct VMStoreContext;
struct VMHostFuncContext;

struct VMContext {
  uint32_t magic;
  uint32_t padding;
  VMStoreContext* store;
  const void* const* builtins;
  const uint32_t* type_ids;
  Instance* instance;
  const void* const* tier_table;
};

// Registers of the boundaries last crossed; see VMStoreContextOffsets for their meaning.
struct BoundaryRegisters {
  uintptr_t entry_pc = 0;
  uintptr_t entry_sp = 0;
  uintptr_t entry_fp = 0;
  uintptr_t exit_pc = 0;
  uintptr_t exit_fp = 0;
};

// A call of a function, as compiled code notes it where it keeps a shadow stack.
struct ShadowFrame {
  const VMContext* vmctx;
  uint64_t function;  // wasm::FuncIndex
};

struct VMStoreContext {
  // Written by other threads, too, to interrupt the store (store_contexts.h).
  std::atomic<uint64_t> stack_limit{~uint64_t{0}};
  // Units in hand; below 0 where more were used. While code runs it is in a register.
  int64_t fuel = 0;
  std::atomic<uint32_t> interrupt{0};
  // 1 while a thread changes what interrupts the store. StoreContexts' alone.
  std::atomic<uint32_t> interrupt_lock{0};
  const void* const* builtins = nullptr;
  BoundaryRegisters last;
  uint8_t* heap_base = nullptr;
  uint64_t heap_length = 0;
  ShadowFrame* shadow_top = nullptr;
  // C++'s alone from here.
  Store* store = nullptr;
  // Reached by the engine's epoch, the store is interrupted. Written by the store's thread.
  std::atomic<uint64_t> epoch_deadline{~uint64_t{0}};
  // Of one that no store has: the next such. StoreContexts' alone.
  VMStoreContext* next_free = nullptr;
};

// Calls compiled code from C++: see docs/abi.md. Returns 0, or 1 after a trap.
using EntryTrampoline = uint32_t (*)(VMStoreContext* store, void* callee_vmctx,
                                     VMContext* caller_vmctx, const void* code, ValRaw* values);

struct VMFuncRef {
  const void* wasm_call = nullptr;
  // VMContext* of the instance that defines it, or VMHostFuncContext*. Both begin with a
  // magic number and have their store at the same offset.
  void* vmctx = nullptr;
  uint32_t type_id = 0;
  uint32_t padding = 0;
  EntryTrampoline entry = nullptr;
};

struct VMFunctionImport {
  const void* wasm_call;
  void* vmctx;
  VMFuncRef* func_ref;
};

struct VMTableDefinition {
  void* base = nullptr;
  uint64_t length = 0;  // in elements
};

// Element of a table of function references. Null: func_ref is null, type_id no function's.
struct VMFuncTableEntry {
  const void* wasm_call;
  void* vmctx;
  VMFuncRef* func_ref;
  uint32_t type_id;
  uint32_t padding;
};

struct VMMemoryDefinition {
  uint8_t* base = nullptr;
  uint64_t length = 0;  // in bytes
};

struct alignas(16) VMGlobalDefinition {
  ValRaw value;
};

struct alignas(16) VMTagDefinition {
  uint32_t type_id;
};

// What a host function returns to an exit trampoline (docs/abi.md).
struct HostOutcome {
  // Nonzero stops the guest.
  uint64_t stopped;
  // What is in the first slot, so that a result in an integer register need not go through memory.
  uint64_t first;
};

// Called by exit trampolines. `caller` is the VMContext of the calling instance, null where
// C++ called the host function itself. `values` has at least one slot.
using HostCall = HostOutcome (*)(VMHostFuncContext* context, VMContext* caller, ValRaw* values);

struct VMHostFuncContext {
  uint32_t magic = environ::kVMHostFuncContextMagic;
  uint32_t padding = 0;
  VMStoreContext* store = nullptr;
  HostCall host_call = nullptr;
  void* data = nullptr;
  VMFuncRef func_ref;
};

// The store that a function belongs to: its context's, be it an instance's or a host
// function's.
inline VMStoreContext* StoreContextOf(const VMFuncRef& func_ref) {
  return static_cast<const VMContext*>(func_ref.vmctx)->store;
}

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_VM_STRUCTS_H_
