// Any bytes choose a random valid module, which goes to text and back; it stays as it is, since it
// is written in the short forms, but for a data count that nothing needs, and for name sections
// that have maps without names.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "wasm_translate/features.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/byte_source.h"
#include "wasm_translate/testing/module_generator.h"
#include "wasm_translate/text/testing/round_trip.h"

namespace {

using namespace gantry::wasm;

bool HasDataCount(const std::vector<uint8_t>& module, const ParseOptions& options) {
  const auto parsed = ParseModule(module, options);
  CHECK_OK(parsed.status());
  return parsed->data_count.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ParseOptions parse;
  parse.features = Features::All();
  for (const bool custom_sections : {true, false}) {
    testing::GeneratorOptions options;
    options.features = parse.features;
    options.custom_sections = custom_sections;
    testing::ByteSource source({data, size});
    const std::vector<uint8_t> module = testing::GenerateModule(source, options);
    const std::vector<uint8_t> second = text::testing::CheckRoundTrip(module);
    if (custom_sections || second == module) continue;
    CHECK(HasDataCount(module, parse) && !HasDataCount(second, parse));
  }
  return 0;
}
