// Time per instruction of making, verifying, analysing, printing and parsing a function,
// with all objects reused as a compiler reuses them.

#include <string>

#include "benchmark/benchmark.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/analysis/loops.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"

namespace gantry::codegen {
namespace {

constexpr int kBlocks = 100;
constexpr int kInstsPerBlock = 11;

// Blocks in a row, each with some arithmetic, a load and a branch back or on.
void Build(Function* func) {
  func->Clear();
  func->signature.params = {Type::kI64, Type::kI32};
  func->signature.returns = {Type::kI32};
  InstBuilder b(func);
  const Block entry = b.MakeEntryBlock();
  const Value base = func->dfg.block_params(entry)[0];
  Value x = func->dfg.block_params(entry)[1];
  const MemFlags flags = MemFlags::Trapping(static_cast<TrapCode>(1)).WithRegion(1);
  b.SetLoc(SourceLoc(1));
  Block next = b.MakeBlock();
  b.Jump(next, {x});
  for (int i = 0; i < kBlocks; ++i) {
    const Block block = next;
    next = b.MakeBlock();
    x = func->dfg.AppendBlockParam(block, Type::kI32);
    b.Begin(block);
    b.SetLoc(SourceLoc(static_cast<uint32_t>(i)));
    const Value c = b.I32(i);
    const Value y = b.Iadd(x, c);
    const Value z = b.Imul(y, x);
    const Value address = b.Iadd(base, b.Uextend(Type::kI64, z));
    const Value loaded = b.Load(Type::kI32, flags, address, 16);
    b.Store(flags, b.Bxor(loaded, y), address, 20);
    const Value condition = b.Icmp(IntCC::kUlt, loaded, c);
    b.Brif(condition, block, {y}, next, {z});
  }
  x = func->dfg.AppendBlockParam(next, Type::kI32);
  b.Begin(next);
  b.Return({x});
}

void CountInsts(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * kBlocks * kInstsPerBlock);
}

void BM_Build(benchmark::State& state) {
  Function func;
  for (auto _ : state) Build(&func);
  CountInsts(state);
}
BENCHMARK(BM_Build);

void BM_Verify(benchmark::State& state) {
  Function func;
  Build(&func);
  Verifier verifier;
  for (auto _ : state) CHECK_OK(verifier.Verify(func));
  CountInsts(state);
}
BENCHMARK(BM_Verify);

void BM_Analyses(benchmark::State& state) {
  Function func;
  Build(&func);
  ControlFlowGraph cfg;
  DominatorTree dominators;
  LoopForest loops;
  for (auto _ : state) {
    cfg.Compute(func);
    dominators.Compute(cfg);
    loops.Compute(cfg, dominators);
    benchmark::DoNotOptimize(loops.num_loops());
  }
  CountInsts(state);
}
BENCHMARK(BM_Analyses);

void BM_Print(benchmark::State& state) {
  Function func;
  Build(&func);
  for (auto _ : state) benchmark::DoNotOptimize(PrintFunction(func));
  CountInsts(state);
}
BENCHMARK(BM_Print);

void BM_Parse(benchmark::State& state) {
  Function func;
  Build(&func);
  const std::string text = PrintFunction(func);
  for (auto _ : state) CHECK(ParseFunction(text).ok());
  CountInsts(state);
}
BENCHMARK(BM_Parse);

void BM_Key(benchmark::State& state) {
  Function func;
  Build(&func);
  std::string key;
  for (auto _ : state) {
    key.clear();
    func.AppendKey(&key);
    benchmark::DoNotOptimize(key.size());
  }
  CountInsts(state);
}
BENCHMARK(BM_Key);

}  // namespace
}  // namespace gantry::codegen
