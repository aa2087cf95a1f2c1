// Any bytes that are a module go to text and back (testing/round_trip.h). Input that begins with
// a parenthesis is text, which is parsed first.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/testing/round_trip.h"
#include "wasm_translate/text/text_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::wasm::text;
  if (size > 0 && data[0] == '(') {
    const absl::string_view text(reinterpret_cast<const char*>(data), size);
    const auto module = ParseText(SourceText("input", text));
    if (module.ok()) testing::CheckRoundTrip(module->bytes);
  } else {
    testing::CheckRoundTrip({data, size});
  }
  return 0;
}
