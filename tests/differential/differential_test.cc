// Random modules run by interpreter and compilers (comparison.h). Of three modules one is
// WebAssembly 2.0 without vectors.
//
//   differential_test [--modules=N] [--first_seed=N]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "codegen/ir/opcodes.h"
#include "tests/differential/comparison.h"
#include "wasm_translate/testing/module_generator.h"

namespace gantry::testing {
namespace {

int Main(int argc, char** argv) {
  uint64_t modules = 300;
  uint64_t first_seed = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&argument](const char* name) -> std::optional<uint64_t> {
      if (argument.rfind(name, 0) != 0) return std::nullopt;
      return std::strtoull(argument.c_str() + std::strlen(name), nullptr, 10);
    };
    if (const auto count = value("--modules=")) {
      modules = *count;
    } else if (const auto seed = value("--first_seed=")) {
      first_seed = *seed;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argument.c_str());
      return 2;
    }
  }
  // Seeds that something was found with: 19743, a conversion whose short jump led to where a far
  // jump stood (optimizing compiler).
  std::vector<uint64_t> seeds = {19743};
  for (uint64_t i = 0; i < modules; ++i) seeds.push_back(first_seed + i);
  Comparison comparison;
  int failures = 0;
  for (const uint64_t seed : seeds) {
    if (failures == 5) break;
    const auto random = wasm::testing::RandomBytes(seed, 256 + seed / 3 % 3 * 1024);
    const auto error = comparison.Run(random, seed % Comparison::kModes, seed);
    if (!error.has_value()) continue;
    ++failures;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), error->c_str());
    for (uint8_t byte : comparison.bytes()) std::printf("%02x", byte);
    std::printf("\n");
  }
  const ComparisonCounts& counts = comparison.counts();
  const double early = counts.calls == 0 ? 0
                                         : 100.0 * static_cast<double>(counts.trapped_early) /
                                               static_cast<double>(counts.calls);
  std::printf(
      "%llu modules, %llu calls: %llu returned, %llu trapped (%.1f %% of all within %llu "
      "operators), %llu exhausted, %llu growths; %d "
      "disagree\n",
      static_cast<unsigned long long>(counts.modules),
      static_cast<unsigned long long>(counts.calls),
      static_cast<unsigned long long>(counts.returned),
      static_cast<unsigned long long>(counts.trapped), early,
      static_cast<unsigned long long>(Comparison::kEarly),
      static_cast<unsigned long long>(counts.exhausted),
      static_cast<unsigned long long>(counts.growths), failures);
  std::printf("IR opcodes never executed:");
  for (size_t i = 0; i < counts.opcodes.size(); ++i) {
    if (counts.opcodes[i] != 0) continue;
    std::ostringstream name;
    name << static_cast<codegen::Opcode>(i);
    std::printf(" %s", name.str().c_str());
  }
  std::printf("\n");
  if (counts.modules >= 100 && early >= 30) {
    std::printf("too many runs end at once\n");
    return 1;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gantry::testing

int main(int argc, char** argv) { return gantry::testing::Main(argc, argv); }
