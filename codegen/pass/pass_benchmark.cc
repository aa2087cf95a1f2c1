// Time per instruction of the default passes, over random functions.

#include <vector>

#include "benchmark/benchmark.h"
#include "codegen/generate/generate.h"
#include "codegen/pass/passes.h"

namespace gantry::codegen {
namespace {

// The argument is a pass's position in PassNames(), or their number for all of them.
void BM_Pass(benchmark::State& state) {
  GenerateOptions options;
  options.max_blocks = 60;
  options.max_insts_per_block = 30;
  std::vector<Function> functions(20);
  size_t insts = 0;
  for (size_t i = 0; i < functions.size(); ++i) {
    RandomSource random(i);
    GenerateFunction(options, &random, &functions[i]);
    insts += functions[i].dfg.num_insts();
  }
  PassPipeline pipeline;
  const size_t which = static_cast<size_t>(state.range(0));
  if (which == PassNames().size()) {
    AddDefaultPasses(&pipeline);
    state.SetLabel("all");
  } else {
    pipeline.Add(MakePass(PassNames()[which]));
    state.SetLabel(PassNames()[which]);
  }
  std::vector<Function> work(functions.size());
  for (auto _ : state) {
    state.PauseTiming();
    for (size_t i = 0; i < functions.size(); ++i) work[i] = functions[i];
    state.ResumeTiming();
    for (Function& func : work) CHECK_OK(pipeline.Run(&func));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(insts));
}
BENCHMARK(BM_Pass)->Apply([](benchmark::internal::Benchmark* b) {
  b->DenseRange(0, static_cast<int64_t>(PassNames().size()));
});

}  // namespace
}  // namespace gantry::codegen
