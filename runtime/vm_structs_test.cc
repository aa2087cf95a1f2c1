// Every offset that compiled code uses, against the C++ structs.
#include "runtime/vm_structs.h"

#include <cstddef>

#include "gtest/gtest.h"

// The structs hold pointers and are standard layout, so offsetof is exact.
#define EXPECT_FIELD(Struct, field, offset) EXPECT_EQ(offsetof(Struct, field), size_t{offset})

namespace gantry::runtime {
namespace {

TEST(VMStructsTest, VMContext) {
  using Offsets = environ::VMContextOffsets;
  EXPECT_FIELD(VMContext, magic, Offsets::kMagic);
  EXPECT_FIELD(VMContext, store, Offsets::kStore);
  EXPECT_FIELD(VMContext, builtins, Offsets::kBuiltins);
  EXPECT_FIELD(VMContext, type_ids, Offsets::kTypeIds);
  EXPECT_FIELD(VMContext, instance, Offsets::kInstance);
  EXPECT_FIELD(VMContext, tier_table, Offsets::kTierTable);
  EXPECT_EQ(sizeof(VMContext), size_t{Offsets::kHeadSize});
}

TEST(VMStructsTest, VMStoreContext) {
  using Offsets = environ::VMStoreContextOffsets;
  EXPECT_FIELD(VMStoreContext, stack_limit, Offsets::kStackLimit);
  EXPECT_FIELD(VMStoreContext, fuel, Offsets::kFuel);
  EXPECT_FIELD(VMStoreContext, interrupt, Offsets::kInterrupt);
  EXPECT_FIELD(VMStoreContext, builtins, Offsets::kBuiltins);
  static_assert(sizeof(std::atomic<uint64_t>) == 8 && sizeof(std::atomic<uint32_t>) == 4);
  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  EXPECT_FIELD(VMStoreContext, last.entry_pc, Offsets::kLastEntryPc);
  EXPECT_FIELD(VMStoreContext, last.entry_sp, Offsets::kLastEntrySp);
  EXPECT_FIELD(VMStoreContext, last.entry_fp, Offsets::kLastEntryFp);
  EXPECT_FIELD(VMStoreContext, last.exit_pc, Offsets::kLastExitPc);
  EXPECT_FIELD(VMStoreContext, last.exit_fp, Offsets::kLastExitFp);
  EXPECT_FIELD(VMStoreContext, heap_base, Offsets::kHeapBase);
  EXPECT_FIELD(VMStoreContext, heap_length, Offsets::kHeapLength);
  EXPECT_FIELD(VMStoreContext, shadow_top, Offsets::kShadowTop);
  EXPECT_FIELD(VMStoreContext, store, Offsets::kSharedSize);

  using Shadow = environ::ShadowFrameOffsets;
  EXPECT_FIELD(ShadowFrame, vmctx, Shadow::kVmctx);
  EXPECT_FIELD(ShadowFrame, function, Shadow::kFunction);
  EXPECT_EQ(sizeof(ShadowFrame), size_t{Shadow::kSize});
}

TEST(VMStructsTest, Functions) {
  using Ref = environ::VMFuncRefOffsets;
  EXPECT_FIELD(VMFuncRef, wasm_call, Ref::kWasmCall);
  EXPECT_FIELD(VMFuncRef, vmctx, Ref::kVmctx);
  EXPECT_FIELD(VMFuncRef, type_id, Ref::kTypeId);
  EXPECT_FIELD(VMFuncRef, entry, Ref::kEntry);
  EXPECT_EQ(sizeof(VMFuncRef), size_t{Ref::kSize});

  using Import = environ::VMFunctionImportOffsets;
  EXPECT_FIELD(VMFunctionImport, wasm_call, Import::kWasmCall);
  EXPECT_FIELD(VMFunctionImport, vmctx, Import::kVmctx);
  EXPECT_FIELD(VMFunctionImport, func_ref, Import::kFuncRef);
  EXPECT_EQ(sizeof(VMFunctionImport), size_t{Import::kSize});

  using Entry = environ::VMFuncTableEntryOffsets;
  EXPECT_FIELD(VMFuncTableEntry, wasm_call, Entry::kWasmCall);
  EXPECT_FIELD(VMFuncTableEntry, vmctx, Entry::kVmctx);
  EXPECT_FIELD(VMFuncTableEntry, func_ref, Entry::kFuncRef);
  EXPECT_FIELD(VMFuncTableEntry, type_id, Entry::kTypeId);
  EXPECT_EQ(sizeof(VMFuncTableEntry), size_t{Entry::kSize});
  EXPECT_EQ(Entry::kSize, 1u << Entry::kSizeLog2);

  using Host = environ::VMHostFuncContextOffsets;
  EXPECT_FIELD(VMHostFuncContext, magic, Host::kMagic);
  EXPECT_FIELD(VMHostFuncContext, store, Host::kStore);
  EXPECT_FIELD(VMHostFuncContext, host_call, Host::kHostCall);
  EXPECT_FIELD(VMHostFuncContext, data, Host::kData);
  EXPECT_FIELD(VMHostFuncContext, func_ref, Host::kFuncRef);
  EXPECT_EQ(sizeof(VMHostFuncContext), size_t{Host::kSize});
}

TEST(VMStructsTest, Definitions) {
  using Table = environ::VMTableDefinitionOffsets;
  EXPECT_FIELD(VMTableDefinition, base, Table::kBase);
  EXPECT_FIELD(VMTableDefinition, length, Table::kLength);
  EXPECT_EQ(sizeof(VMTableDefinition), size_t{Table::kSize});
  using Memory = environ::VMMemoryDefinitionOffsets;
  EXPECT_FIELD(VMMemoryDefinition, base, Memory::kBase);
  EXPECT_FIELD(VMMemoryDefinition, length, Memory::kLength);
  EXPECT_EQ(sizeof(VMMemoryDefinition), size_t{Memory::kSize});
  EXPECT_EQ(sizeof(VMGlobalDefinition), size_t{environ::VMGlobalDefinitionOffsets::kSize});
  using Tag = environ::VMTagDefinitionOffsets;
  EXPECT_FIELD(VMTagDefinition, type_id, Tag::kTypeId);
  EXPECT_EQ(sizeof(VMTagDefinition), size_t{Tag::kSize});
  EXPECT_EQ(sizeof(ValRaw), size_t{environ::kValRawSize});
}

// An i32 crosses the boundary zero-extended.
TEST(ValRawTest, MakersZeroTheRest) {
  EXPECT_EQ(ValRaw::I32(-1).words[0], 0xFFFFFFFFu);
  EXPECT_EQ(ValRaw::I32(-1).words[1], 0u);
  EXPECT_EQ(ValRaw::F32(-0.0f).words[0], 0x80000000u);
  EXPECT_EQ(ValRaw::Reference(2).words[0], 2u);
  EXPECT_EQ(ValRaw().words[0], 0u);
}

}  // namespace
}  // namespace gantry::runtime
