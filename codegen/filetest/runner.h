// Runs a filetest: a file of IR functions whose comments say what is to be tested.
//
//   ; test run
//   ; target x64 has_bmi2
//
//   function %add(i32, i32) -> i32 { ... }
//   ; run: %add(1, 2) == 3
//   ; run: %add(-1, 1) == 0
//
// The first comment lines have the commands:
//   test run        each "; run:" line, in the interpreter and on each backend; in a file
//                   with "test pass" also for the function after the pass
//   test print      the parsed function, printed, against the check lines behind it
//   test verifier   the verifier's message (or "ok") against the check lines
//   test pass NAME  the function after a pass of codegen/pass (or all: default), against the
//                   check lines
//   test compile    the backend's listing, for the file's one target, against the check lines
//   target ISA SETTING...   what compile and run are for; run without one takes every
//                           backend with default settings
// Check lines stand behind a function: "; check: LINE", all lines of what is expected.
// --rewrite puts what was found in their place.
//
// Run lines: "%name(args) == values", "%name(args) traps tc3", "%name(args) throws tag1, 5",
// "%name(args) runs out of fuel", "%name(args) overflows the stack". Values are written by
// the types of the signature, vectors as 0x and 32 digits or by lanes, the lowest first,
// "i32x4[1 -2 3 0]"; "nan" allows compiled code any arithmetic NaN. "; interpret:"
// is a run line for the interpreter alone. In the interpreter a function %throw(i32 tag, i32
// handle) throws.
#ifndef GANTRY_CODEGEN_FILETEST_RUNNER_H_
#define GANTRY_CODEGEN_FILETEST_RUNNER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "codegen/filetest/backend.h"

namespace gantry::codegen {

struct FiletestResult {
  // What went wrong, each "file:line: message". Empty if the file passed.
  std::vector<std::string> failures;
  // The file with check lines as they should be; the text itself if nothing changed.
  std::string rewritten;
  // Run lines tried, over interpreter and backends.
  size_t runs = 0;
  // Functions that a backend refused as kUnimplemented, with its reason.
  std::vector<std::string> refused;
  // How often the interpreter executed each opcode.
  std::vector<uint64_t> opcode_counts;
};

// `name` stands in messages.
FiletestResult RunFiletest(absl::string_view name, absl::string_view text,
                           const FiletestBackends& backends);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_FILETEST_RUNNER_H_
