// The whole pipeline on generated modules. Those of the features that are compiled have to
// be accepted; others too, or refused by name. The first byte of the input chooses which, the
// others the module.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "tests/robustness/hostile.h"
#include "wasm_translate/testing/module_generator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry;
  static const Engine* engine = new Engine(testing::HostileEngine());
  const absl::Span<const uint8_t> bytes(data, size);
  const size_t choice = bytes.empty() ? 0 : bytes[0] % 4;
  wasm::testing::ByteSource source(bytes.subspan(std::min<size_t>(1, size)));
  wasm::testing::GeneratorOptions options;
  options.features = wasm::Features::Wasm2Scalar();
  if (choice == 3) options.features = wasm::Features::Default();
  if (choice < 2) options.profile = wasm::testing::GeneratorOptions::Profile::kExecutable;
  options.export_everything = choice % 2 == 1;
  const std::vector<uint8_t> module = wasm::testing::GenerateModule(source, options);
  const testing::HostileOutcome outcome = testing::RunHostile(*engine, module);
  CHECK(outcome.compiled.ok() || (choice == 3 && testing::IsProperRefusal(outcome.compiled)))
      << outcome.compiled;
  return 0;
}
