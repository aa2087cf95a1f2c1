// A generated module compiled without a cache, into a cache, from it, and from the cache of the
// module before it (of which it may be a variation): always the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "environ/cache/memory_cache.h"
#include "jit/incremental_testing.h"
#include "wasm_translate/testing/module_generator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry;
  static const environ::Compiler* const plain = jit::MakeCompiler(nullptr).release();
  // Kept from input to input, which are mutations of each other.
  static const environ::Compiler* const cached =
      jit::MakeCompiler(std::make_shared<environ::MemoryCache>(16 << 20)).release();
  const absl::Span<const uint8_t> bytes(data, size);
  wasm::testing::ByteSource source(bytes.subspan(std::min<size_t>(2, size)));
  wasm::testing::GeneratorOptions options;
  options.profile = wasm::testing::GeneratorOptions::Profile::kExecutable;
  const std::vector<uint8_t> module = wasm::testing::GenerateModule(source, options);
  std::vector<std::vector<uint8_t>> variations = {module};
  if (size >= 2) {
    variations.push_back(jit::WithNop(module, bytes[0]));
    // A name of an export, an element, a value of a global, ...: mostly not valid any more.
    variations.push_back(jit::WithSectionChanged(module, bytes[1] % 13));
  }
  for (const std::vector<uint8_t>& variation : variations) {
    const auto expected = jit::CompileWith(*plain, variation);
    for (int i = 0; i < 2; ++i) {
      const auto actual = jit::CompileWith(*cached, variation);
      CHECK(expected.status() == actual.status()) << actual.status();
      CHECK(!expected.ok() || *expected == *actual);
    }
  }
  return 0;
}
