// The whole pipeline on any bytes.
#include "tests/robustness/hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const gantry::Engine* engine = new gantry::Engine(gantry::testing::HostileEngine());
  gantry::testing::RunHostile(*engine, absl::MakeConstSpan(data, size));
  return 0;
}
