// How large a module may be. The defaults are those of the WebAssembly JavaScript
// Interface, "Implementation-defined Limits"; every size that a module states is held
// against one of them before memory is allocated for it.
#ifndef GANTRY_WASM_TRANSLATE_LIMITS_H_
#define GANTRY_WASM_TRANSLATE_LIMITS_H_

#include <cstdint>

namespace gantry::wasm {

struct ValidatorLimits {
  uint64_t module_size = 1'073'741'824;
  uint32_t types = 1'000'000;
  uint32_t recursion_groups = 1'000'000;
  uint32_t functions = 1'000'000;  // imports included, as for the other index spaces
  uint32_t imports = 1'000'000;
  uint32_t exports = 1'000'000;
  uint32_t globals = 1'000'000;
  uint32_t tags = 1'000'000;
  uint32_t tables = 100'000;
  uint32_t memories = 100;
  uint32_t data_segments = 100'000;
  uint32_t element_segments = 10'000'000;
  uint32_t element_segment_entries = 10'000'000;
  uint32_t function_params = 1'000;
  uint32_t function_results = 1'000;
  uint32_t function_size = 7'654'321;
  uint32_t function_locals = 50'000;  // parameters included
  uint32_t struct_fields = 10'000;
  uint32_t subtyping_depth = 63;
  uint32_t array_new_fixed_operands = 10'000;

  friend bool operator==(const ValidatorLimits&, const ValidatorLimits&) = default;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_LIMITS_H_
