#include <set>
#include <string>

#include "environ/core/builtins.h"
#include "environ/core/memory_plan.h"
#include "environ/core/module_info.h"
#include "environ/core/trap_code.h"
#include "environ/core/tunables.h"
#include "environ/core/vm_offsets.h"
#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

using wasm::DefinedGlobalIndex;
using wasm::DefinedMemoryIndex;
using wasm::FuncIndex;
using wasm::GlobalIndex;
using wasm::IndexType;
using wasm::MemoryType;

TEST(TrapCodeTest, NumbersAndNamesGoBothWays) {
  std::set<std::string> names;
  for (int number = 0; number < 256; ++number) {
    const std::optional<TrapCode> code = TrapCodeFromNumber(static_cast<uint8_t>(number));
    if (!code.has_value()) continue;
    EXPECT_EQ(static_cast<int>(*code), number);
    EXPECT_TRUE(names.insert(std::string(TrapName(*code))).second) << TrapName(*code);
    EXPECT_EQ(TrapCodeFromName(TrapName(*code)), code);
    EXPECT_FALSE(TrapMessage(*code).empty());
  }
  EXPECT_FALSE(TrapCodeFromNumber(0).has_value());
  EXPECT_FALSE(TrapCodeFromName("nothing").has_value());
  EXPECT_EQ(TrapMessage(TrapCode::kIntegerDivideByZero), "integer divide by zero");
}

TEST(BuiltinsTest, EachTakesVmctxOrStoreFirstAndFitsTheRegisters) {
  std::set<std::string> names;
  for (uint32_t i = 0; i < kBuiltinCount; ++i) {
    const BuiltinInfo& info = GetBuiltinInfo(static_cast<Builtin>(i));
    EXPECT_TRUE(names.insert(std::string(info.name)).second) << info.name;
    ASSERT_FALSE(info.params.empty());
    EXPECT_EQ(info.params[0], info.is_cold() ? BuiltinType::kStore : BuiltinType::kVmctx);
    // Shims of cold ones pass nothing on, or context and a number, and give nothing back.
    if (info.is_cold()) {
      EXPECT_EQ(info.result, BuiltinType::kNone) << info.name;
      EXPECT_EQ(info.params.size(), info.has_context() ? 3u : 1u) << info.name;
      if (!info.has_context()) continue;
      EXPECT_EQ(info.params[1], BuiltinType::kVmctx);
      EXPECT_EQ(info.params[2], BuiltinType::kI32);
      continue;
    }
    EXPECT_LE(info.params.size(), 6u) << info.name;
    for (size_t p = 1; p < info.params.size(); ++p) {
      EXPECT_NE(info.params[p], BuiltinType::kVmctx);
      EXPECT_NE(info.params[p], BuiltinType::kNone);
      EXPECT_NE(info.params[p], BuiltinType::kStore);
    }
  }
}

TEST(TunablesTest, DifferencesNameTheFieldAndBothValues) {
  Tunables a, b;
  EXPECT_TRUE(a.Differences(b).empty());
  EXPECT_EQ(a.CanonicalText(), b.CanonicalText());
  b.consume_fuel = true;
  b.memory_guard_size = 7;
  b.epoch_interruption = EpochInterruption::kPage;
  b.operator_costs = "call=3";
  const std::vector<std::string> differences = a.Differences(b);
  ASSERT_EQ(differences.size(), 4u);
  EXPECT_EQ(differences[0], "memory_guard_size (33554432, not 7)");
  EXPECT_EQ(differences[1], "consume_fuel (false, not true)");
  EXPECT_EQ(differences[2], "operator_costs (, not call=3)");
  EXPECT_EQ(differences[3], "epoch_interruption (none, not page)");
  EXPECT_NE(a.CanonicalText(), b.CanonicalText());
}

TEST(MemoryPlanTest, ReservedMemoriesNeedNoBounds) {
  MemoryType type;
  type.limits = {1, std::nullopt};
  const MemoryPlan plan = MemoryPlan::For(type, Tunables());
  EXPECT_EQ(plan.bounds, MemoryPlan::Bounds::kNone);
  EXPECT_FALSE(plan.may_move);
  EXPECT_EQ(plan.reservation, uint64_t{1} << 32);
  EXPECT_TRUE(plan.NeedsNoCheck(0, 8));
  EXPECT_TRUE(plan.NeedsNoCheck(plan.guard - 8, 8));
  EXPECT_FALSE(plan.NeedsNoCheck(plan.guard - 7, 8));
  EXPECT_FALSE(plan.NeedsNoCheck(~uint64_t{0}, 8));
}

TEST(MemoryPlanTest, ExplicitBoundsWhereGuardsCannotServe) {
  MemoryType type;
  type.limits = {1, std::nullopt};
  Tunables tunables;
  tunables.signals_based_traps = false;
  EXPECT_EQ(MemoryPlan::For(type, tunables).bounds, MemoryPlan::Bounds::kExplicit);

  MemoryPlan plan = MemoryPlan::For(type, Tunables::SmallReservations());
  EXPECT_EQ(plan.bounds, MemoryPlan::Bounds::kIndex);
  EXPECT_TRUE(plan.NeedsOnlyIndex(0, 8));
  EXPECT_TRUE(plan.NeedsOnlyIndex(plan.guard - 8, 8));
  EXPECT_FALSE(plan.NeedsOnlyIndex(plan.guard - 7, 8));
  EXPECT_FALSE(plan.NeedsOnlyIndex(~uint64_t{0}, 8));
  EXPECT_TRUE(plan.may_move);
  EXPECT_EQ(plan.reservation, 65536u);
  type.limits.max = 1;
  EXPECT_FALSE(MemoryPlan::For(type, Tunables::SmallReservations()).may_move);

  type.limits = {1, std::nullopt};
  type.index_type = IndexType::kI64;
  plan = MemoryPlan::For(type, Tunables());
  EXPECT_EQ(plan.bounds, MemoryPlan::Bounds::kIndex);
  EXPECT_TRUE(plan.may_move);
  EXPECT_FALSE(plan.NeedsNoCheck(0, 1));
  // A minimum that no 64 bits hold: the plan says so, the allocator refuses.
  type.limits.min = uint64_t{1} << 48;
  plan = MemoryPlan::For(type, Tunables());
  EXPECT_GE(plan.reservation, ~uint64_t{0} - 65536);

  MemoryType bytes;
  bytes.page_size_log2 = 0;
  bytes.limits = {100, std::nullopt};
  EXPECT_EQ(MemoryPlan::For(bytes, Tunables()).bounds, MemoryPlan::Bounds::kExplicit);
}

TEST(VMOffsetsTest, RegionsFollowEachOtherAligned) {
  VMContextCounts counts;
  counts.imported_functions = 1;
  counts.imported_globals = 2;
  counts.defined_memories = 1;
  counts.defined_globals = 3;
  counts.func_refs = 2;
  const VMOffsets offsets(counts);
  EXPECT_EQ(offsets.Memory(DefinedMemoryIndex(0)), VMContextOffsets::kHeadSize);
  EXPECT_EQ(offsets.Global(DefinedGlobalIndex(0)), VMContextOffsets::kHeadSize + 16 + 16);
  EXPECT_EQ(offsets.ImportedGlobal(GlobalIndex(1)),
            offsets.Global(DefinedGlobalIndex(2)) + VMGlobalDefinitionOffsets::kSize + 8);
  EXPECT_EQ(offsets.ImportedFunction(FuncIndex(0)), offsets.ImportedGlobal(GlobalIndex(1)) + 8);
  EXPECT_EQ(offsets.Global(DefinedGlobalIndex(0)) % 16, 0u);
  EXPECT_EQ(offsets.Global(DefinedGlobalIndex(2)), offsets.Global(DefinedGlobalIndex(0)) + 32);
  EXPECT_EQ(offsets.FuncRef(FuncRefIndex(0)) % 16, 0u);
  EXPECT_EQ(offsets.size(), offsets.FuncRef(FuncRefIndex(1)) + VMFuncRefOffsets::kSize);
}

// The first memory, the first table and the globals are where they are whatever else there is.
TEST(VMOffsetsTest, WhatMostCodeNamesDoesNotMove) {
  VMContextCounts few;
  few.defined_memories = 1;
  few.defined_globals = 1;
  VMContextCounts many = few;
  many.imported_functions = 20;
  many.imported_globals = 3;
  many.imported_tags = 1;
  many.defined_tables = 1;
  many.defined_globals = 5;
  many.defined_tags = 2;
  many.func_refs = 7;
  const VMOffsets a(few);
  const VMOffsets b(many);
  EXPECT_EQ(a.Memory(DefinedMemoryIndex(0)), b.Memory(DefinedMemoryIndex(0)));
  EXPECT_EQ(a.Global(DefinedGlobalIndex(0)), b.Global(DefinedGlobalIndex(0)));
}

TEST(VMOffsetsDeathTest, AnIndexOutsideTheCountsStops) {
  const VMOffsets offsets;
  EXPECT_DEATH(offsets.Global(DefinedGlobalIndex(0)), "defglobal0 of 0");
  VMContextCounts counts;
  counts.func_refs = VMOffsets::kMaxCount + 1;
  EXPECT_DEATH(VMOffsets{counts}, "too many entities");
}

TEST(ModuleInfoTest, NamesAndIndexSpaces) {
  ModuleInfo info;
  info.num_imported_functions = 2;
  info.func_names = {{FuncIndex(1), "one"}, {FuncIndex(3), "three"}};
  info.exports = {{"main", EntityRef::Func(FuncIndex(3))}};
  EXPECT_EQ(info.FuncNameOf(FuncIndex(3)), "three");
  EXPECT_EQ(info.FuncNameOf(FuncIndex(2)), "");
  EXPECT_EQ(info.Defined(FuncIndex(3)), wasm::DefinedFuncIndex(1));
  EXPECT_EQ(info.Index(wasm::DefinedFuncIndex(1)), FuncIndex(3));
  EXPECT_EQ(info.FindExport("main"), EntityRef::Func(FuncIndex(3)));
  EXPECT_FALSE(info.FindExport("other").has_value());
}

}  // namespace
}  // namespace gantry::environ
