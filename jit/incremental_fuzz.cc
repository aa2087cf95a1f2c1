// A generated module compiled without a cache, into a cache, from it, and from the cache of the
// module before it (of which it may be a variation): always the same bytes. Another table of names
// finds all functions, another body not that one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "base/check.h"
#include "environ/cache/memory_cache.h"
#include "environ/translation/module_translation.h"
#include "jit/incremental_testing.h"
#include "wasm_translate/testing/module_generator.h"

namespace gantry {
namespace {

// Of the functions compiled since the counts before.
uint64_t CompiledSince(const jit::CacheCounts& before, const jit::CacheCounts& now) {
  return now.compiled() - before.compiled();
}

// A store that knows the module and nothing else: another table of names finds everything, another
// body does not.
void CheckChanges(const std::vector<uint8_t>& module, size_t functions, size_t changed) {
  const auto compiler = jit::MakeCompiler(std::make_shared<environ::MemoryCache>(16 << 20));
  const auto compile = [&](const std::vector<uint8_t>& bytes) {
    const jit::CacheCounts before = jit::CountsOf(*compiler);
    CHECK_OK(jit::CompileWith(*compiler, bytes).status());
    return CompiledSince(before, jit::CountsOf(*compiler));
  };
  compile(module);
  // Functions that could not be compiled are not kept.
  const uint64_t again = compile(module);
  std::vector<uint8_t> named = module;
  // A custom section "name" with a module's name.
  constexpr uint8_t kNames[] = {0x00, 0x0A, 0x04, 'n', 'a', 'm', 'e', 0x00, 0x03, 0x02, 'a', 'b'};
  named.insert(named.end(), std::begin(kNames), std::end(kNames));
  CHECK_EQ(compile(named), again);
  if (functions == 0 || again != 0) return;
  CHECK(compile(jit::WithConstant(module, changed % functions)) > 0);
}

}  // namespace
}  // namespace gantry

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
  if (size >= 3 && bytes[2] % 4 == 0) {
    const auto parsed = environ::ModuleTranslation::Parse(module, environ::ModuleId(0),
                                                          environ::TranslationOptions());
    if (parsed.ok() && jit::CompileWith(*plain, module).ok()) {
      CheckChanges(module, (*parsed)->parsed.bodies.size(), bytes[0]);
    }
  }
  return 0;
}
