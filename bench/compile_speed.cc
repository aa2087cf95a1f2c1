// One side of bench/compile: compiles a module twice, differing in a custom section as the other
// side has to (V8 keeps what it has compiled), and says what the second time took.
//
//   compile_speed winch|cranelift PATH
//
// Prints nanoseconds of processor time: of everything from the bytes to the loaded module, and of
// what precedes the artifact (parse, compile, link).
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/module.h"
#include "wasm_translate/features.h"

namespace gantry {
namespace {

int64_t ProcessorNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

int Main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: compile_speed winch|cranelift PATH\n", stderr);
    return 2;
  }
  Config config;
  config.Compiler(absl::string_view(argv[1]) == "winch" ? Strategy::kWinch : Strategy::kOptimizing)
      .CompilationThreads(1)
      .CollectTiming(true)
      // As the other side.
      .WasmFeature(wasm::Feature::kThreads, true);
  const absl::StatusOr<Engine> engine = Engine::Create(config);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  std::ifstream in(argv[2], std::ios::binary);
  std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
  // A custom section "A" of one byte.
  bytes.insert(bytes.end(), {0, 3, 1, 'A', 0});
  for (const bool warm : {false, true}) {
    ++bytes.back();
    const int64_t start = ProcessorNanoseconds();
    const absl::StatusOr<Module> module = Module::Compile(*engine, bytes);
    const int64_t all = ProcessorNanoseconds() - start;
    if (!module.ok()) {
      std::fprintf(stderr, "%s: %s\n", argv[2], module.status().ToString().c_str());
      return 1;
    }
    if (!warm) continue;
    absl::Duration behind;
    for (const CompileTiming::Phase& phase : module->timing()->phases) {
      if (phase.name == "artifact" || phase.name == "load") behind += phase.time;
    }
    std::printf("%lld %lld\n", static_cast<long long>(all),
                static_cast<long long>(all - absl::ToInt64Nanoseconds(behind)));
  }
  return 0;
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) { return gantry::Main(argc, argv); }
