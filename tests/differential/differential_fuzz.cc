// Whatever the bytes: a module is made of them and has to run alike in every way (comparison.h).
// The first byte chooses how it is made and compiled, the next one the arguments of its calls.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "tests/differential/comparison.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using gantry::testing::Comparison;
  static Comparison& comparison = *new Comparison;
  if (size < 2) return 0;
  const auto error = comparison.Run({data + 2, size - 2}, data[0] % Comparison::kModes, data[1]);
  CHECK(!error.has_value()) << *error;
  return 0;
}
