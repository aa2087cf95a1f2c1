// The text form of IR, in. README.md describes the form.
//
//   absl::StatusOr<Function> func = ParseFunction(R"(
//     function %add(i32, i32) -> i32 wasm {
//     block0(v0: i32, v1: i32):
//         v2 = iadd.i32 v0, v1
//         return v2
//     }
//   )");
//
// An error's message starts with "line:column: ". The parser builds any function that can be
// represented: whether its types fit and definitions dominate uses is the verifier's
// question. Blocks and values get new numbers, in the order in which they are defined.
#ifndef GANTRY_CODEGEN_IR_PARSE_H_
#define GANTRY_CODEGEN_IR_PARSE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

// A function of a file, and the lines (from 1) it came from.
struct ParsedFunction {
  Function func;
  int first_line = 0;
  int last_line = 0;
};

// Exactly one function.
absl::StatusOr<Function> ParseFunction(absl::string_view text);

// Any number of functions; comments run from ';' to the end of a line.
absl::StatusOr<std::vector<ParsedFunction>> ParseFunctions(absl::string_view text);

// The bits of a float constant as PrintFloat writes it; decimal is read too.
absl::StatusOr<uint64_t> ParseFloat(Type type, absl::string_view text);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_PARSE_H_
