#include "bench/pathological/measure.h"

#include "api/config.h"
#include "api/engine.h"
#include "base/status_macros.h"
#include "bench/pathological/cases.h"
#include "wasm_translate/testing/peak_memory.h"

namespace gantry::bench {

uint64_t Measurement::work() const {
  uint64_t sum = 0;
  for (const CompileTiming::Phase& phase : timing.phases) sum += phase.is_part ? 0 : phase.work;
  return sum;
}

absl::StatusOr<Measurement> Measure(absl::Span<const uint8_t> module, uint32_t threads,
                                    Strategy strategy) {
  Config config;
  config.Compiler(strategy).CompileBudget(0);
  config.CompilationThreads(threads).CollectTiming(true).ModuleLimits(RaisedLimits());
  ASSIGN_OR_RETURN(const Engine engine, Engine::Create(config));
  Measurement measurement;
  const wasm::testing::PeakMemory peak;
  ASSIGN_OR_RETURN(const Module compiled, Module::Compile(engine, module));
  measurement.peak_bytes = peak.bytes();
  measurement.timing = *compiled.timing();
  return measurement;
}

}  // namespace gantry::bench
