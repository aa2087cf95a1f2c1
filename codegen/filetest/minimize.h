// Minimize: makes a function that shows a failure as small as it gets while it still does.
//
//   Function small = Minimize(func, FailsUnderPass("gvn"));
//
// Tried over and over until nothing helps: branches turned into jumps, blocks that return zeros at
// once, parameters and runs of instructions replaced by zeros, and the passes that only take out.
// What is tried is well formed, else it is not asked about. The same input gives the same result.
#ifndef GANTRY_CODEGEN_FILETEST_MINIMIZE_H_
#define GANTRY_CODEGEN_FILETEST_MINIMIZE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "codegen/ir/function.h"
#include "codegen/pass/pass.h"

namespace gantry::codegen {

// True if the function shows the failure.
using StillFails = std::function<bool(const Function& func)>;

struct MinimizeOptions {
  // Functions asked about at most.
  size_t max_tries = 20000;
};

// `func` must be well formed and show the failure; so does the result.
Function Minimize(const Function& func, const StillFails& fails,
                  const MinimizeOptions& options = {});

// The failure that a pass leaves a function that the verifier refuses, or one that does something
// else: the interpreter's outcome or memory differ for some of a few dozen drawn arguments. An
// i64 as first parameter is given the address of 64 KiB of memory. What the interpreter can't
// run before the pass is no failure.
StillFails FailsUnderPass(std::shared_ptr<Pass> pass);
// The same for all default passes in a row.
StillFails FailsUnderDefaultPasses();

// The failure that `command`, run by the shell with the name of a file that has the function's
// text behind it, exits with another code than 0.
StillFails FailsUnderCommand(std::string command);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_FILETEST_MINIMIZE_H_
