// Loading artifacts from files: trusted (mapped, read where it is used) and verified in full, with
// instantiation, of about 1 MB and 60 MB. The files' pages are in memory after the first round.
// Time is the processor's until there is an instance; what dropping it and the module takes is told
// apart.
#include <time.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "base/check.h"
#include "benchmark/benchmark.h"
#include "environ/cache/memory_cache.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry {
namespace {

using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;

Engine& TheEngine() {
  // Equal functions are compiled once, so that a large artifact is made in no time.
  static Engine* const engine = [] {
    Config config;
    config.IncrementalCache(std::make_shared<environ::MemoryCache>(64 << 20));
    auto made = Engine::Create(config);
    CHECK_OK(made.status());
    return new Engine(*std::move(made));
  }();
  return *engine;
}

// Functions that compute, call, access memory and trap, as programs do; one is exported.
std::vector<uint8_t> ModuleOf(int functions) {
  wasm::testing::ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I32(), ValType::I64()}, {ValType::I64()});
  builder.Memory(1);
  wasm::FuncIndex last;
  for (int i = 0; i < functions; ++i) {
    CodeBuilder code;
    code.LocalGet(1);
    for (int j = 0; j < 20; ++j) {
      code.LocalGet(0).Memory(Opcode::kI64Load, static_cast<uint64_t>(8 * j)).Op(Opcode::kI64Xor);
      code.LocalGet(1).Op(Opcode::kI64DivS);
      code.LocalGet(0).LocalGet(1).Memory(Opcode::kI64Store, static_cast<uint64_t>(8 * j + 512));
    }
    last = builder.Func(type, code);
  }
  builder.ExportFunc("last", last);
  return builder.Build();
}

const std::string& ArtifactFile(int functions, size_t* size) {
  static auto* const files = new std::vector<std::pair<int, std::string>>();
  static auto* const sizes = new std::vector<size_t>();
  for (size_t i = 0; i < files->size(); ++i) {
    if ((*files)[i].first != functions) continue;
    *size = (*sizes)[i];
    return (*files)[i].second;
  }
  const auto module = Module::Compile(TheEngine(), ModuleOf(functions));
  CHECK_OK(module.status());
  const auto artifact = module->Serialize();
  CHECK_OK(artifact.status());
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/gantry_load_" +
                           std::to_string(functions) + ".cwasm";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(artifact->data()),
             static_cast<std::streamsize>(artifact->size()));
  files->emplace_back(functions, path);
  sizes->push_back(artifact->size());
  *size = sizes->back();
  return files->back().second;
}

double ProcessorSeconds() {
  timespec time = {};
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void BM_LoadAndInstantiate(benchmark::State& state) {
  size_t size = 0;
  const std::string& path = ArtifactFile(static_cast<int>(state.range(0)), &size);
  const auto verification =
      state.range(1) == 0 ? Module::Verification::kTrusted : Module::Verification::kFull;
  Engine& engine = TheEngine();
  double drop = 0;
  for (auto _ : state) {
    const double begin = ProcessorSeconds();
    std::optional<absl::StatusOr<Module>> module(
        Module::DeserializeFile(engine, path, verification));
    CHECK_OK(module->status());
    std::optional<Store> store(std::in_place, engine);
    CHECK_OK(Linker(engine).Instantiate(*store, **module).status());
    const double there = ProcessorSeconds();
    store.reset();
    module.reset();
    state.SetIterationTime(there - begin);
    drop += ProcessorSeconds() - there;
  }
  state.counters["bytes"] = static_cast<double>(size);
  state.counters["drop"] = benchmark::Counter(drop, benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_LoadAndInstantiate)
    ->ArgNames({"functions", "verified"})
    ->Args({450, 0})
    ->Args({450, 1})
    ->Args({27000, 0})
    ->Args({27000, 1})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gantry
