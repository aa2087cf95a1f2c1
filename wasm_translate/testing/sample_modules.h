// A handful of valid modules that between them have every section and most kinds of
// operator: what truncation, mutation and fuzzing start from.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_SAMPLE_MODULES_H_
#define GANTRY_WASM_TRANSLATE_TESTING_SAMPLE_MODULES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace gantry::wasm::testing {

struct SampleModule {
  std::string name;
  std::vector<uint8_t> bytes;
};

// All valid under Features::Wasm2Scalar().
std::vector<SampleModule> SampleModules();

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_SAMPLE_MODULES_H_
