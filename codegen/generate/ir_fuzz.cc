// A function made of the input's bytes passes the verifier, has a text that is read back to
// the same, and ends in the interpreter.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "codegen/generate/generate.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::codegen;  // NOLINT(google-build-using-namespace): one function.
  RandomSource random(absl::MakeConstSpan(data, size));
  Function func;
  GenerateFunction({}, &random, &func);
  CHECK_OK(VerifyFunction(func)) << PrintFunction(func);
  const std::string text = PrintFunction(func, {.renumber = true});
  absl::StatusOr<Function> parsed = ParseFunction(text);
  CHECK_OK(parsed.status()) << text;
  CHECK(PrintFunction(*parsed) == text) << text;
  Interpreter interpreter;
  absl::StatusOr<Outcome> outcome = interpreter.Run(func, GenerateArgs(func.signature, &random));
  CHECK_OK(outcome.status()) << text;
  CHECK(outcome->kind == Outcome::Kind::kReturned || outcome->kind == Outcome::Kind::kTrapped)
      << text;
  return 0;
}
