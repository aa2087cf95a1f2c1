// Where compiled code finds things at run time: the layout of VMContext and of the structs
// it points to. The C++ structs are `runtime/vm_structs.h`; a test there checks every
// offset of this file against them.
//
//   VMOffsets offsets(VMContextCounts{.imported_functions = 2, .defined_globals = 1});
//   uint32_t at = offsets.Global(DefinedGlobalIndex(0));       // from the VMContext
//
// One VMContext belongs to one instance. In order:
//
//   magic, store, builtins, type ids, instance, tier table      fixed offsets
//   defined memories     VMMemoryDefinition each; for shared ones a VMMemoryDefinition* in its
//                        place, since all who see the memory see one definition
//   imported memories    VMMemoryDefinition* each
//   defined tables       VMTableDefinition each
//   imported tables      VMTableDefinition* each
//   defined globals      16 bytes each, 16-aligned
//   imported globals     address of the 16 bytes, each
//   imported functions   VMFunctionImport each
//   imported tags        VMTagDefinition* each
//   defined tags         VMTagDefinition each, 16-aligned
//   function references  VMFuncRef each, for functions that escape, 16-aligned; garbage until
//                        the runtime makes one, each time that it is asked for it
//
// What most code names comes first, and what modules differ in most (how much they import) behind
// it, so that the same function is the same code in modules that are otherwise different, and a
// compilation cache finds it. To that end the first defined memory and the first defined table have
// their place in modules that define none, too.
//
// Everything is for a 64-bit host, little-endian.
#ifndef GANTRY_ENVIRON_CORE_VM_OFFSETS_H_
#define GANTRY_ENVIRON_CORE_VM_OFFSETS_H_

#include <cstdint>

#include "base/check.h"
#include "entity/entity_id.h"
#include "wasm_translate/types.h"

namespace gantry::environ {

// Position of a function in its instance's array of VMFuncRefs: only functions that escape
// (exported, in an element segment or global, named by ref.func) have one.
GANTRY_ENTITY_ID(FuncRefIndex, "funcref");

// One argument or result passed by array: 16 bytes, so that a vector fits.
inline constexpr uint32_t kValRawSize = 16;

// Head of each instance's VMContext. VMHostFuncContext has `store` at the same place, so
// that an exit trampoline finds the store from either.
struct VMContextOffsets {
  static constexpr uint32_t kMagic = 0;       // u32 kVMContextMagic
  static constexpr uint32_t kStore = 8;       // VMStoreContext*
  static constexpr uint32_t kBuiltins = 16;   // const void* const*: by Builtin
  static constexpr uint32_t kTypeIds = 24;    // const u32*: canonical id by wasm::TypeIndex
  static constexpr uint32_t kInstance = 32;   // runtime::Instance*, for C++ alone
  static constexpr uint32_t kTierTable = 40;  // see VMTierTableOffsets; null without tier-up
  static constexpr uint32_t kHeadSize = 48;
};
inline constexpr uint32_t kVMContextMagic = 0x796e7267;          // "grny"
inline constexpr uint32_t kVMHostFuncContextMagic = 0x74736867;  // "ghst"

// What the tier table's pointer points into: of each function that a module defines, the code to be
// called (its baseline code until there is better), ascending, and in front of that its counter,
// descending. All instances of a module share one table. Code is published with release and loaded
// with acquire; counters are i32, and count down by plain loads and stores of any number of
// threads: a count that gets lost does no harm.
struct VMTierTableOffsets {
  static constexpr int32_t Code(wasm::DefinedFuncIndex function) {
    return 8 * static_cast<int32_t>(function.raw());
  }
  static constexpr int32_t Counter(wasm::DefinedFuncIndex function) {
    return -4 - 4 * static_cast<int32_t>(function.raw());
  }
};

// State of one store that compiled code, trampolines and signal handlers share.
//
// last_entry_*: where the innermost entry trampoline continues when a trap or a failed host
// call unwinds to it: pc, sp and frame pointer to load before the jump. The frame pointer is
// that of the entry trampoline's own frame, at which a walk of the wasm stack ends.
// last_exit_fp: frame pointer of the frame of the exit trampoline or built-in shim by which
// wasm was left last; last_exit_pc: the return address in that frame, which lies in the
// wasm caller. So [fp] is the wasm caller's frame pointer, [fp + 8] == last_exit_pc, and
// fp + 16 was the caller's sp at its call.
struct VMStoreContextOffsets {
  // u64: lowest sp that wasm may have; all ones while the store is interrupted.
  static constexpr uint32_t kStackLimit = 0;
  static constexpr uint32_t kFuel = 8;        // i64: what is left; below 0 it is exhausted
  static constexpr uint32_t kInterrupt = 16;  // u32: 1 while the store is interrupted
  static constexpr uint32_t kBuiltins = 24;   // const void* const*: by Builtin, as in VMContext
  static constexpr uint32_t kLastEntryPc = 32;
  static constexpr uint32_t kLastEntrySp = 40;
  static constexpr uint32_t kLastEntryFp = 48;
  static constexpr uint32_t kLastExitPc = 56;
  static constexpr uint32_t kLastExitFp = 64;
  static constexpr uint32_t kHeapBase = 72;    // u8*: store heap of references
  static constexpr uint32_t kHeapLength = 80;  // u64: bytes
  // ShadowFrame*: behind the last one, where code keeps a shadow stack.
  static constexpr uint32_t kShadowTop = 88;
  static constexpr uint32_t kSharedSize = 96;  // What follows is C++'s alone.
  // Where epochs use a page: it is this far from the context, and inaccessible while the store is
  // interrupted.
  static constexpr int32_t kPollPage = -4096;
};

// A call on the shadow stack of a store (docs/abi.md, "Shadow stack").
struct ShadowFrameOffsets {
  static constexpr uint32_t kVmctx = 0;     // VMContext* of the instance
  static constexpr uint32_t kFunction = 8;  // u64: wasm::FuncIndex
  static constexpr uint32_t kSize = 16;
};
// In the no-op behind an entry trampoline's call of wasm (docs/abi.md, "Entry mark").
inline constexpr uint32_t kEntryMark = 0x79727467;  // "gtry"

// A callable function of any instance or host. `wasm_call` takes `vmctx` as callee context.
struct VMFuncRefOffsets {
  static constexpr uint32_t kWasmCall = 0;  // code, wasm ABI
  static constexpr uint32_t kVmctx = 8;     // VMContext* or VMHostFuncContext*
  static constexpr uint32_t kTypeId = 16;   // u32 canonical id
  static constexpr uint32_t kEntry = 24;    // entry trampoline of its signature
  static constexpr uint32_t kSize = 32;
};

// An imported function, in the importing VMContext.
struct VMFunctionImportOffsets {
  static constexpr uint32_t kWasmCall = 0;
  static constexpr uint32_t kVmctx = 8;
  static constexpr uint32_t kFuncRef = 16;  // VMFuncRef*, what ref.func of the import gives
  static constexpr uint32_t kSize = 24;
};

// A table: its elements are VMFuncTableEntry for function references, u32 handles otherwise.
struct VMTableDefinitionOffsets {
  static constexpr uint32_t kBase = 0;    // element array; moves when the table grows
  static constexpr uint32_t kLength = 8;  // u64: elements
  static constexpr uint32_t kSize = 16;
};

// Element of a table of function references: what call_indirect needs lies inline.
//
// An untouched element has type id 0 (kUntouchedTypeId), `func_ref` 0, and stands for what the
// table's preset has at its place (preset_tables.h), null where that has nothing. Only the runtime
// touches it: compiled code that finds 0 asks a built-in (resolve_indirect, table_get_func,
// table_set_func). A null that was written has `func_ref` 0 and kNullTypeId. No function has
// either id, so a call compares the type id alone. `wasm_call` and `vmctx` of both are unspecified.
struct VMFuncTableEntryOffsets {
  static constexpr uint32_t kWasmCall = 0;
  static constexpr uint32_t kVmctx = 8;
  static constexpr uint32_t kFuncRef = 16;  // VMFuncRef*, 0 for null
  static constexpr uint32_t kTypeId = 24;   // u32
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kSizeLog2 = 5;
};
// Canonical type ids run from 1 to wasm::HeapType::kMaxIndex.
inline constexpr uint32_t kUntouchedTypeId = 0;
inline constexpr uint32_t kNullTypeId = 0xFFFFFFFF;

inline constexpr uint32_t kReferenceTableEntrySize = 4;

struct VMMemoryDefinitionOffsets {
  static constexpr uint32_t kBase = 0;    // first byte
  static constexpr uint32_t kLength = 8;  // u64: bytes accessible; of shared ones, atomic
  static constexpr uint32_t kSize = 16;
};

struct VMGlobalDefinitionOffsets {
  static constexpr uint32_t kSize = 16;  // Value at 0: zero-extended, a u32 handle, VMFuncRef*.
};

struct VMTagDefinitionOffsets {
  static constexpr uint32_t kTypeId = 0;  // u32 canonical id
  static constexpr uint32_t kSize = 16;
};

// What a host function is called with in place of a VMContext.
struct VMHostFuncContextOffsets {
  static constexpr uint32_t kMagic = 0;  // u32 kVMHostFuncContextMagic
  static constexpr uint32_t kStore = 8;  // VMStoreContext*, as in VMContext
  static constexpr uint32_t kHostCall =
      16;  // {u64 stopped, first} (*)(VMHostFuncContext*, VMContext*, ValRaw*)
  static constexpr uint32_t kData = 24;     // for C++ alone
  static constexpr uint32_t kFuncRef = 32;  // VMFuncRef
  static constexpr uint32_t kSize = 64;
};
static_assert(VMHostFuncContextOffsets::kStore == VMContextOffsets::kStore);

// How many of each thing a module has.
struct VMContextCounts {
  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;
  uint32_t defined_tables = 0;
  uint32_t defined_memories = 0;
  uint32_t defined_globals = 0;
  uint32_t defined_tags = 0;
  uint32_t func_refs = 0;

  friend bool operator==(const VMContextCounts&, const VMContextCounts&) = default;
};

class VMOffsets {
 public:
  // With up to this many of each kind no offset overflows; a module over it is refused.
  static constexpr uint32_t kMaxCount = 10'000'000;

  VMOffsets() : VMOffsets(VMContextCounts{}) {}
  explicit VMOffsets(const VMContextCounts& counts);

  const VMContextCounts& counts() const { return counts_; }

  // Offsets from the start of the VMContext. The index must be one of those counted.
  uint32_t ImportedFunction(wasm::FuncIndex index) const {
    return At(functions_, VMFunctionImportOffsets::kSize, index, counts_.imported_functions);
  }
  // Of the pointer to the definition.
  uint32_t ImportedTable(wasm::TableIndex index) const {
    return At(table_pointers_, 8, index, counts_.imported_tables);
  }
  uint32_t ImportedMemory(wasm::MemoryIndex index) const {
    return At(memory_pointers_, 8, index, counts_.imported_memories);
  }
  uint32_t ImportedGlobal(wasm::GlobalIndex index) const {
    return At(global_pointers_, 8, index, counts_.imported_globals);
  }
  uint32_t ImportedTag(wasm::TagIndex index) const {
    return At(tag_pointers_, 8, index, counts_.imported_tags);
  }
  // Of the definition itself, or, of a shared memory, of the pointer to it.
  uint32_t Table(wasm::DefinedTableIndex index) const {
    return At(tables_, VMTableDefinitionOffsets::kSize, index, counts_.defined_tables);
  }
  uint32_t Memory(wasm::DefinedMemoryIndex index) const {
    return At(memories_, VMMemoryDefinitionOffsets::kSize, index, counts_.defined_memories);
  }
  uint32_t Global(wasm::DefinedGlobalIndex index) const {
    return At(globals_, VMGlobalDefinitionOffsets::kSize, index, counts_.defined_globals);
  }
  uint32_t Tag(wasm::DefinedTagIndex index) const {
    return At(tags_, VMTagDefinitionOffsets::kSize, index, counts_.defined_tags);
  }
  uint32_t FuncRef(FuncRefIndex index) const {
    return At(func_refs_, VMFuncRefOffsets::kSize, index, counts_.func_refs);
  }
  // Size of what lies in front of the function references.
  uint32_t size_without_func_refs() const { return func_refs_; }
  // Size of the whole VMContext, a multiple of 16.
  uint32_t size() const { return size_; }

 private:
  template <typename Id>
  static uint32_t At(uint32_t start, uint32_t stride, Id index, uint32_t count) {
    CHECK(index.raw() < count) << index << " of " << count;
    return start + stride * index.raw();
  }

  VMContextCounts counts_;
  uint32_t memories_;
  uint32_t memory_pointers_;
  uint32_t tables_;
  uint32_t table_pointers_;
  uint32_t globals_;
  uint32_t global_pointers_;
  uint32_t functions_;
  uint32_t tag_pointers_;
  uint32_t tags_;
  uint32_t func_refs_;
  uint32_t size_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_VM_OFFSETS_H_
