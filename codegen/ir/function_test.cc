#include "codegen/ir/function.h"

#include <cstdlib>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace {
size_t allocations = 0;
}  // namespace

// Not inlined, so that the compiler does not see the pair as a mismatch.
ABSL_ATTRIBUTE_NOINLINE void* operator new(size_t bytes) {
  ++allocations;
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
ABSL_ATTRIBUTE_NOINLINE void operator delete(void* memory) noexcept { std::free(memory); }
ABSL_ATTRIBUTE_NOINLINE void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace gantry::codegen {
namespace {

constexpr TrapCode kTestTrap = static_cast<TrapCode>(7);

std::string KeyOf(const Function& func) {
  std::string key;
  func.AppendKey(&key);
  return key;
}

// f(x) = x + `addend`, with locations starting at `base`.
void BuildAdd(Function* func, int32_t addend, uint32_t base) {
  func->Clear();
  func->signature.params = {Type::kI32};
  func->signature.returns = {Type::kI32};
  InstBuilder b(func);
  const Block entry = b.MakeEntryBlock();
  b.SetLoc(SourceLoc(base));
  const Value c = b.Iconst(Type::kI32, addend);
  b.SetLoc(SourceLoc(base + 3));
  b.Return({b.Iadd(func->dfg.block_params(entry)[0], c)});
}

TEST(FunctionTest, BuilderPlacesInstructionsInOrderWithResults) {
  Function func;
  BuildAdd(&func, -1, 100);
  const Block entry = func.layout.entry();
  std::vector<Opcode> opcodes;
  for (Inst inst : func.layout.insts(entry)) opcodes.push_back(func.dfg.opcode(inst));
  EXPECT_EQ(opcodes, (std::vector<Opcode>{Opcode::kIconst, Opcode::kIadd, Opcode::kReturn}));
  const Inst constant = func.layout.first_inst(entry);
  EXPECT_EQ(func.dfg.inst(constant).const_bits(), 0xFFFFFFFFu);
  EXPECT_EQ(func.dfg.inst(constant).const_signed(), -1);
  EXPECT_EQ(func.dfg.value_type(func.dfg.result(constant)), Type::kI32);
  EXPECT_EQ(func.dfg.defining_inst(func.dfg.result(constant)), constant);
  EXPECT_EQ(func.LocOf(func.layout.last_inst(entry)), SourceLoc(103));
}

// f(x) = x + 1 + 2, the second addition inlined twice deep; the caller at `base`, the callees'
// code at `callee`.
void BuildInlined(Function* func, uint32_t base, uint32_t callee, uint32_t distance = 4) {
  func->Clear();
  func->signature.params = {Type::kI32};
  func->signature.returns = {Type::kI32};
  InstBuilder b(func);
  const Block entry = b.MakeEntryBlock();
  const InlineSite outer =
      func->AddInlineSite(InlineSite::None(), SourceLoc(base), 7, SourceLoc(callee));
  const InlineSite inner =
      func->AddInlineSite(outer, SourceLoc(callee + 2), 8, SourceLoc(callee + 50));
  b.SetLoc(SourceLoc::None(), outer);
  Value sum = b.Iadd(func->dfg.block_params(entry)[0], b.I32(1));
  b.SetLoc(SourceLoc(callee + 50 + distance), inner);
  sum = b.Iadd(sum, b.I32(2));
  b.SetLoc(SourceLoc(base + 3));
  b.Return({sum});
}

TEST(FunctionTest, InlinedCodeKnowsItsCalls) {
  Function func;
  BuildInlined(&func, 100, 20);
  std::vector<CodeOrigin> origins;
  for (Inst inst : func.layout.insts(func.layout.entry())) {
    origins.push_back(func.OriginOf(func.relative_locs.Get(inst)));
    EXPECT_EQ(func.LocOf(inst), origins.back().loc);
    EXPECT_EQ(func.SiteOf(inst), origins.back().site);
  }
  const InlineSite outer(0), inner(1);
  EXPECT_EQ(origins, (std::vector<CodeOrigin>{{SourceLoc::None(), outer},
                                              {SourceLoc::None(), outer},
                                              {SourceLoc(74), inner},
                                              {SourceLoc(74), inner},
                                              {SourceLoc(103), InlineSite::None()}}));
  EXPECT_EQ(func.CallOf(outer), (CodeOrigin{SourceLoc(100), InlineSite::None()}));
  EXPECT_EQ(func.CallOf(inner), (CodeOrigin{SourceLoc(22), outer}));
  EXPECT_EQ(func.params.inlined[inner].function, 8u);
}

TEST(FunctionTest, KeyCoversInlineSitesButNotWhereFunctionsStand) {
  Function a, b;
  BuildInlined(&a, 100, 20);
  BuildInlined(&b, 900, 3000);
  EXPECT_EQ(KeyOf(a), KeyOf(b));
  BuildInlined(&b, 100, 20, 5);
  EXPECT_NE(KeyOf(a), KeyOf(b));
  BuildInlined(&b, 100, 20);
  b.inline_sites[InlineSite(1)].parent = InlineSite::None();
  EXPECT_NE(KeyOf(a), KeyOf(b));
  BuildInlined(&b, 100, 20);
  b.inline_sites[InlineSite(1)].relative_call = 3;
  EXPECT_NE(KeyOf(a), KeyOf(b));
}

// One that lies in front of the base is as good as any.
TEST(FunctionTest, LocationsGoBothWays) {
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  for (const uint32_t loc : {50u, 3u, 0u, 0xFFFFFFF0u, 60u}) {
    b.SetLoc(SourceLoc(loc));
    EXPECT_EQ(func.LocOf(b.Nop()), SourceLoc(loc));
  }
}

TEST(FunctionTest, KeyIgnoresWhereTheFunctionStandsAndWhatItsArenasHold) {
  Function a, b;
  BuildAdd(&a, 5, 100);
  BuildAdd(&b, 6, 100);
  EXPECT_NE(KeyOf(a), KeyOf(b));
  BuildAdd(&b, 5, 900);
  EXPECT_EQ(KeyOf(a), KeyOf(b));
  InstBuilder builder(&b);
  builder.SetEnd(b.layout.entry());
  builder.Nop();
  EXPECT_NE(KeyOf(a), KeyOf(b));
  b.layout.Remove(b.layout.last_inst(b.layout.entry()));
  EXPECT_EQ(KeyOf(a), KeyOf(b));
}

TEST(FunctionTest, CallsTakeTheirResultsFromTheSignature) {
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  Signature signature;
  signature.params = {Type::kI64};
  signature.returns = {Type::kI32, Type::kF64};
  const SigRef sig = func.dfg.ImportSignature(signature);
  const FuncRef callee = func.dfg.ImportFunction({func.DeclareName(0, 3), sig});
  const Value x = b.I64(1);
  const Inst call = b.Call(callee, {x});
  ASSERT_EQ(func.dfg.num_results(call), 2u);
  EXPECT_EQ(func.dfg.value_type(func.dfg.result(call, 1)), Type::kF64);
  EXPECT_EQ(func.dfg.call_signature(call), sig);
  const Inst indirect = b.CallIndirect(sig, b.FuncAddr(callee), {x});
  EXPECT_EQ(func.dfg.num_results(indirect), 2u);
  EXPECT_EQ(func.dfg.inst(indirect).sig_ref(), sig);
  EXPECT_EQ(func.dfg.list_args(indirect)[0], x);
}

TEST(FunctionTest, BranchesKeepTargetsAndArguments) {
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  const Block one = b.MakeBlock(), two = b.MakeBlock();
  const Value x = b.I32(1), y = b.I32(2);
  const Inst branch = b.Brif(x, one, {y, x}, two, {});
  std::vector<Block> targets;
  func.dfg.ForEachBlockCall(branch, [&](const BlockCall& c) { targets.push_back(c.block); });
  EXPECT_EQ(targets, (std::vector<Block>{one, two}));
  std::vector<Value> args;
  func.dfg.ForEachArg(branch, [&](Value v) { args.push_back(v); });
  EXPECT_EQ(args, (std::vector<Value>{x, y, x}));
  const JumpTable table = func.dfg.MakeJumpTable({func.dfg.MakeBlockCall(one, {x, y})},
                                                 func.dfg.MakeBlockCall(two, {}));
  const Inst switch_inst = b.BrTable(y, table);
  func.dfg.MapArgs(switch_inst, [&](Value v) { return v == y ? x : v; });
  args.clear();
  func.dfg.ForEachArg(switch_inst, [&](Value v) { args.push_back(v); });
  EXPECT_EQ(args, (std::vector<Value>{x, x, x}));
  EXPECT_EQ(func.dfg.jump_table_entries(table).size(), 1u);
}

TEST(FunctionTest, AliasesAreResolvedThroughChains) {
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  const Value x = b.I32(1), y = b.I32(2), z = b.I32(3);
  const Inst use = b.Return({z});
  func.dfg.ChangeToAlias(z, y);
  func.dfg.ChangeToAlias(y, x);
  func.ResolveAliases();
  EXPECT_EQ(func.dfg.list_args(use)[0], x);
}

// A chain built from its end, each link found to stand for the one before only later.
TEST(FunctionTest, LongAliasChainsAreLinear) {
  constexpr uint32_t kLength = 200000;
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  std::vector<Value> values;
  for (uint32_t i = 0; i < kLength; ++i) values.push_back(b.I32(0));
  for (uint32_t i = 0; i < kLength; ++i) b.Bnot(values[i]);
  for (uint32_t i = kLength - 1; i > 0; --i) func.dfg.ChangeToAlias(values[i], values[i - 1]);
  const Inst use = b.Return({values.back()});
  func.ResolveAliases();
  EXPECT_EQ(func.dfg.list_args(use)[0], values[0]);
}

// The second of two like functions takes no new memory.
TEST(FunctionTest, ClearKeepsMemory) {
  Function func;
  const std::vector<Value> twenty(20, Value(0));
  const auto build = [&] {
    BuildAdd(&func, 3, 100);
    InstBuilder b(&func);
    b.SetEnd(func.layout.entry());
    func.layout.Remove(func.layout.last_inst(func.layout.entry()));
    const Block target = b.MakeBlock();
    const Value x = func.dfg.block_params(func.layout.entry())[0];
    for (int i = 0; i < 20; ++i) func.dfg.AppendBlockParam(target, Type::kI32);
    b.Brif(x, target, twenty, target, twenty);
    b.Begin(target);
    Signature signature;
    signature.params = {Type::kI32};
    b.Call(func.dfg.ImportFunction({func.DeclareName(1, 2), func.dfg.ImportSignature(signature)}),
           {x});
    b.Return({x});
  };
  build();
  const size_t before = allocations;
  build();
  EXPECT_EQ(allocations, before);
}

TEST(FunctionTest, MemFlagsKeepTheirFields) {
  const MemFlags flags = MemFlags::Trapping(kTestTrap).WithRegion(513).WithReadonly();
  EXPECT_EQ(flags.trap(), kTestTrap);
  EXPECT_EQ(flags.region(), 513u);
  EXPECT_TRUE(flags.readonly());
  EXPECT_FALSE(flags.aligned());
  EXPECT_FALSE(flags.WithTrap(std::nullopt).can_trap());
}

TEST(LayoutTest, InsertsRemovesAndSplits) {
  Function func;
  InstBuilder b(&func);
  const Block first = b.MakeEntryBlock();
  const Inst one = b.Nop(), three = b.Nop();
  b.SetBefore(three);
  const Inst two = b.Nop();
  EXPECT_EQ(func.layout.next_inst(one), two);
  EXPECT_EQ(func.layout.prev_inst(three), two);
  const Block second = b.MakeBlock();
  func.layout.InsertAfter(second, first);
  func.layout.MoveTail(two, second);
  EXPECT_EQ(func.layout.last_inst(first), one);
  EXPECT_EQ(func.layout.first_inst(second), two);
  EXPECT_EQ(func.layout.block_of(three), second);
  func.layout.Remove(two);
  EXPECT_EQ(func.layout.first_inst(second), three);
  func.layout.Remove(second);
  EXPECT_EQ(func.layout.last_block(), first);
  EXPECT_TRUE(func.layout.block_of(three).is_none());
}

// Of an instruction whose immediate is spread over its words, each part makes another key.
TEST(FunctionTest, KeysTellVectorsAndAtomicsApart) {
  const auto key_of = [](const InstData& with) {
    Function func;
    func.signature.params = {Type::kV128, Type::kI64};
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    InstData data = with;
    const OpcodeInfo& info = Info(data.opcode());
    for (size_t i = 0; i < info.num_args; ++i) {
      data.set_arg(i, func.dfg.block_params(entry)[info.args[i] == 'v' ? 0 : 1]);
    }
    b.Insert(data);
    b.Return({});
    return KeyOf(func);
  };
  std::vector<InstData> all;
  for (uint32_t bit = 0; bit < 128; ++bit) {
    InstData constant(Opcode::kV128const, Type::kV128);
    constant.set_v128(bit < 64 ? uint64_t{1} << bit : 0, bit < 64 ? 0 : uint64_t{1} << (bit - 64));
    EXPECT_EQ(constant.v128_low() != 0, bit < 64);
    all.push_back(constant);
  }
  for (uint32_t at = 0; at < 16; ++at) {
    for (uint8_t lane = 1; lane < 32; ++lane) {
      InstData shuffle(Opcode::kVshuffle, Type::kI8X16);
      ShuffleLanes lanes = {};
      lanes[at] = lane;
      shuffle.set_shuffle_lanes(lanes);
      EXPECT_EQ(shuffle.shuffle_lanes(), lanes);
      all.push_back(shuffle);
    }
  }
  for (Type shape : kShapes) {
    for (uint16_t lane = 0; lane < LaneCount(shape); ++lane) {
      all.emplace_back(Opcode::kVextractU, shape, lane);
    }
  }
  for (uint16_t op = 0; op < kNumAtomicRmwOps; ++op) {
    for (const MemFlags flags : {MemFlags(), MemFlags().WithRegion(1), MemFlags::Trusted()}) {
      for (int32_t offset : {0, 8}) {
        all.emplace_back(Opcode::kAtomicRmw, Type::kI64, op);
        all.back().set_flags(flags);
        all.back().set_offset(offset);
      }
    }
  }
  for (const MemFlags flags : {MemFlags(), MemFlags().WithRegion(1), MemFlags::Trusted()}) {
    all.emplace_back(Opcode::kAtomicCas, Type::kI64);
    all.back().set_flags(flags);
  }
  std::set<std::string> keys;
  for (const InstData& data : all) keys.insert(key_of(data));
  EXPECT_EQ(keys.size(), all.size());
}

}  // namespace
}  // namespace gantry::codegen
