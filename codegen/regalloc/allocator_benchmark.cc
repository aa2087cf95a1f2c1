// Nanoseconds per instruction of register allocation.
#include <string>

#include "base/check.h"
#include "benchmark/benchmark.h"
#include "codegen/regalloc/allocator.h"
#include "codegen/regalloc/input_builder.h"
#include "codegen/regalloc/random_input.h"
#include "codegen/regalloc/shapes.h"

namespace gantry::codegen::regalloc {
namespace {

void Run(benchmark::State& state, Shape build) {
  InputBuilder builder;
  build(static_cast<uint32_t>(state.range(0)), &builder);
  const MachineEnv env = LargeTestEnv();
  Allocator allocator;
  Output output;
  for (auto _ : state) {
    CHECK_OK(allocator.Allocate(builder.input(), env, Options(), &output));
  }
  const double insts = static_cast<double>(builder.input().insts.size());
  const auto per_inst = [&](double count) { return benchmark::Counter(count / insts); };
  state.counters["insts"] = insts;
  state.counters["s/inst"] = benchmark::Counter(
      insts, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["work"] = per_inst(static_cast<double>(output.statistics.work));
  state.counters["moves"] = per_inst(output.statistics.moves);
  state.counters["spills"] = per_inst(output.statistics.spills);
  state.counters["reloads"] = per_inst(output.statistics.reloads);
  state.counters["again"] = per_inst(output.statistics.rematerializations);
}

void RegisterAll() {
  benchmark::RegisterBenchmark("typical", Run, BuildTypical)
      ->Arg(10)
      ->Arg(100)
      ->Arg(1000)
      ->Arg(10000)
      ->Arg(100000);
  for (const NamedShape& shape : kPathologicalShapes) {
    benchmark::RegisterBenchmark(shape.name, Run, shape.build)->Arg(4000)->Arg(16000)->Arg(64000);
  }
}

}  // namespace
}  // namespace gantry::codegen::regalloc

int main(int argc, char** argv) {
  gantry::codegen::regalloc::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
