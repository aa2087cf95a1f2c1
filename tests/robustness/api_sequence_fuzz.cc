// Sequences of API calls made from any bytes.
#include "tests/robustness/api_sequence.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gantry::testing::RunApiSequence(absl::MakeConstSpan(data, size));
  return 0;
}
