// Any bytes parse or are refused with a place; what parses is a module that the binary parser
// takes or refuses in order, and whose errors have a place in the text.
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::wasm;
  using namespace gantry::wasm::text;
  const SourceText source("fuzz", {reinterpret_cast<const char*>(data), size});
  const absl::StatusOr<TextModule> module = ParseText(source, {true, true});
  if (!module.ok()) {
    CHECK(absl::StartsWith(module.status().message(), "fuzz:")) << module.status();
    return 0;
  }
  ParseOptions options;
  options.features = Features::All();
  const absl::Status status = ValidateModule(module->bytes, options);
  const absl::Status placed = WithTextPlace(status, *module, source);
  CHECK(status.ok() || module->places.empty() || absl::StartsWith(placed.message(), "fuzz:"))
      << placed;
  return 0;
}
