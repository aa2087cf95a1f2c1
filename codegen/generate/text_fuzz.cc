// Any text is parsed or refused with a place, and what is parsed has a text that is read
// back to the same and can be looked at by the verifier.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::codegen;  // NOLINT(google-build-using-namespace): one function.
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<std::vector<ParsedFunction>> functions = ParseFunctions(text);
  if (!functions.ok()) {
    CHECK(functions.status().message().find(':') != absl::string_view::npos);
    return 0;
  }
  Verifier verifier;
  for (const ParsedFunction& parsed : *functions) {
    const absl::Status verified = verifier.Verify(parsed.func);
    const std::string printed = PrintFunction(parsed.func, {.renumber = true});
    absl::StatusOr<Function> again = ParseFunction(printed);
    // A text that is not well formed may put a definition behind "return".
    if (!verified.ok()) continue;
    CHECK_OK(again.status()) << printed;
    CHECK(PrintFunction(*again) == printed) << printed;
  }
  return 0;
}
