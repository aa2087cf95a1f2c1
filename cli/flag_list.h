// The `name[=value]` lists that -O, -C and -W take, comma-separated and as often as wanted.
#ifndef GANTRY_CLI_FLAG_LIST_H_
#define GANTRY_CLI_FLAG_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gantry::cli {

// One `name[=value]`; a name alone means yes.
struct FlagEntry {
  std::string name;
  std::string value;
};

// In the order of the command line; empty entries are left out.
std::vector<FlagEntry> SplitFlagList(const std::vector<std::string>& lists);

// y, yes, true, n, no or false. Error: kInvalidArgument naming option and entry.
absl::StatusOr<bool> ParseFlagBool(const char* option, const FlagEntry& entry);
absl::StatusOr<uint64_t> ParseFlagNumber(const char* option, const FlagEntry& entry);

// kInvalidArgument: "-W nope is not known; there are: fuel, ...".
absl::Status UnknownFlag(const char* option, const FlagEntry& entry, absl::string_view known);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_FLAG_LIST_H_
