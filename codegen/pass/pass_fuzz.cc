// The default passes keep what a function made of the input's bytes does.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "codegen/generate/generate.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "codegen/pass/passes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::codegen;  // NOLINT(google-build-using-namespace): one function.
  RandomSource random(absl::MakeConstSpan(data, size));
  Function before;
  GenerateOptions options;
  options.polls = true;
  GenerateFunction(options, &random, &before);
  Function after = before;
  PassPipeline pipeline;
  AddDefaultPasses(&pipeline, /*polls=*/true);
  pipeline.options().verify = true;
  CHECK_OK(pipeline.Run(&after)) << PrintFunction(before);
  const std::vector<RawValue> args = GenerateArgs(before.signature, &random);
  Interpreter interpreter;
  absl::StatusOr<Outcome> expected = interpreter.Run(before, args);
  absl::StatusOr<Outcome> actual = interpreter.Run(after, args);
  CHECK_OK(expected.status());
  CHECK_OK(actual.status());
  CHECK(*expected == *actual) << DescribeOutcome(*expected, before.signature) << ", then "
                              << DescribeOutcome(*actual, before.signature) << "\n"
                              << PrintFunction(before) << PrintFunction(after);
  return 0;
}
