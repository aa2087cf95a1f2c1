// Values on the command line: arguments of `gantry run --invoke` parsed by the function's
// type, and results printed.
#ifndef GANTRY_CLI_INVOKE_VALUES_H_
#define GANTRY_CLI_INVOKE_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "api/module.h"
#include "api/val.h"

namespace gantry::cli {

// Integers in decimal (signed or unsigned) or hexadecimal after 0x; floats as strtod reads
// them, with inf, nan and nan:0xPAYLOAD; references only as "null".
// Error: kInvalidArgument naming the text, the type and why it does not fit.
absl::StatusOr<Val> ParseValue(ValType type, absl::string_view text);

// All arguments of a function. Error: kInvalidArgument also where the number differs, saying
// the function's type.
absl::StatusOr<std::vector<Val>> ParseArguments(const FuncType& type,
                                                const std::vector<std::string>& texts);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_INVOKE_VALUES_H_
