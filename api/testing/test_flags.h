// Compiler settings of tests that execute guests: every checker on, plus what the variable
// GANTRY_TEST_COMPILER_FLAGS says (`name=value,name=value`), by which ./test --all runs the
// same tests under forced spilling, forced islands, and so on; and what GANTRY_TEST_MODES says
// (fuel, epochs_counter, epochs_page, signals_free, shadow_stack). GANTRY_TEST_COMPILER=winch runs
// them on the baseline compiler, GANTRY_TEST_COMPILER=mixed on functions of both,
// GANTRY_TEST_COMPILER=tier on the baseline compiler's until they are entered and then on the
// optimizing compiler's, and GANTRY_TEST_COMPILER=tier_background on what has been made in the
// background by then.
#ifndef GANTRY_API_TESTING_TEST_FLAGS_H_
#define GANTRY_API_TESTING_TEST_FLAGS_H_

#include "absl/strings/string_view.h"
#include "api/config.h"

namespace gantry {

void AddTestCompilerFlags(Config& config);

// Whether the variable GANTRY_TEST_MODES (`name,name`) has this name: how a test target runs the
// source of another in a different mode.
bool TestMode(absl::string_view name);

}  // namespace gantry

#endif  // GANTRY_API_TESTING_TEST_FLAGS_H_
