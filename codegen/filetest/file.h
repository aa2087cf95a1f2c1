// A filetest read into its parts: commands, functions, run lines, check lines.
#ifndef GANTRY_CODEGEN_FILETEST_FILE_H_
#define GANTRY_CODEGEN_FILETEST_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/filetest/backend.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/parse.h"

namespace gantry::codegen {

// "test pass dce": the command and its argument.
struct FiletestCommand {
  std::string name;
  std::string argument;
};

struct RunLine {
  int line = 0;
  std::string text;
  std::string function;  // Without the %.
  std::vector<std::string> args;
  // What is expected; the values of kReturned are still text.
  Outcome expected;
  std::vector<std::string> values;
  bool interpreter_only = false;
};

struct FiletestFunction {
  ParsedFunction parsed;
  std::vector<RunLine> runs;
  std::vector<std::string> checks;
  // Lines (from 1) of the check block; 0 where there is none.
  int first_check_line = 0;
  int last_check_line = 0;
};

struct Filetest {
  std::vector<FiletestCommand> commands;
  std::vector<FiletestTarget> targets;
  std::vector<FiletestFunction> functions;
};

// An error's message starts with "line:" or "line:column:".
absl::StatusOr<Filetest> ReadFiletest(absl::string_view text);

// A value of a type, as run lines write it.
absl::StatusOr<RawValue> ParseRunValue(Type type, absl::string_view text);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_FILETEST_FILE_H_
