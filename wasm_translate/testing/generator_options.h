// What a random module (module_generator.h) may be made of.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_OPTIONS_H_
#define GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_OPTIONS_H_

#include <cstdint>

#include "wasm_translate/features.h"

namespace gantry::wasm::testing {

// How often the steps of a body come from each group, relative to the others; 0 is never.
struct OperatorWeights {
  uint32_t constant = 6;
  uint32_t variable = 20;
  uint32_t numeric = 36;
  uint32_t parametric = 5;
  uint32_t control = 20;
  uint32_t call = 8;
  uint32_t memory = 16;
  uint32_t table = 6;
  uint32_t reference = 10;
  uint32_t aggregate = 12;
  uint32_t vector = 30;
  uint32_t atomic = 14;
};

struct GeneratorOptions {
  enum class Profile : uint8_t {
    // Anything that validates.
    kAny,
    // What is worth running: addresses, table indices, divisors and conversions mostly do
    // not trap, loops count down, calls go to later functions, and no more than a few runs
    // end in a trap within their first operators. A run may still trap, throw or not end.
    kExecutable,
  };

  Features features = Features::Default();
  Profile profile = Profile::kAny;
  OperatorWeights weights;

  // The largest numbers of each.
  uint32_t max_type_groups = 10;
  uint32_t max_imports = 5;
  uint32_t max_functions = 6;
  uint32_t max_tables = 3;
  uint32_t max_memories = 3;
  uint32_t max_tags = 3;
  uint32_t max_globals = 6;
  uint32_t max_exports = 6;
  uint32_t max_segments = 4;
  uint32_t max_values = 5;  // parameters, results, fields
  uint32_t max_locals = 12;
  // Steps in a body: each makes an operator and what its operands take.
  uint32_t max_steps = 120;
  uint32_t max_depth = 12;  // open frames
  uint32_t max_pages = 2;   // of a memory at first, of 64 KiB
  uint32_t max_table_size = 16;

  // Exports everything that is defined, under "func0", "memory1", "table0"...
  bool export_everything = false;
  bool start_function = true;
  // Whether name, branch hint and other custom sections may come.
  bool custom_sections = true;
  // Puts the canonical NaN in place of any other after each operator whose NaN the
  // specification leaves open, so that all results are determined.
  bool canonicalize_nans = false;
};

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_OPTIONS_H_
