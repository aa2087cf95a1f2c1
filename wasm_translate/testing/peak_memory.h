// How much memory some code asks for: the program that links this counts what operator new
// gives out.
//
//   PeakMemory peak;
//   Validate(bytes);
//   EXPECT_LT(peak.bytes(), 1 << 20);
#ifndef GANTRY_WASM_TRANSLATE_TESTING_PEAK_MEMORY_H_
#define GANTRY_WASM_TRANSLATE_TESTING_PEAK_MEMORY_H_

#include <cstddef>

namespace gantry::wasm::testing {

// One at a time.
class PeakMemory {
 public:
  PeakMemory();

  // The most bytes that were allocated at once since construction, beyond what was then.
  size_t bytes() const;

 private:
  size_t before_;
};

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_PEAK_MEMORY_H_
