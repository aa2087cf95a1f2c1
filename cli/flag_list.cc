// Tested by options_test.cc and wasm_features_flag_test.cc.
#include "cli/flag_list.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gantry::cli {

std::vector<FlagEntry> SplitFlagList(const std::vector<std::string>& lists) {
  std::vector<FlagEntry> entries;
  for (const std::string& list : lists) {
    for (absl::string_view part : absl::StrSplit(list, ',', absl::SkipEmpty())) {
      const std::pair<absl::string_view, absl::string_view> halves =
          absl::StrSplit(part, absl::MaxSplits('=', 1));
      const bool has_value = absl::StrContains(part, '=');
      entries.push_back({std::string(halves.first), has_value ? std::string(halves.second) : "y"});
    }
  }
  return entries;
}

absl::StatusOr<bool> ParseFlagBool(const char* option, const FlagEntry& entry) {
  if (entry.value == "y" || entry.value == "yes" || entry.value == "true") return true;
  if (entry.value == "n" || entry.value == "no" || entry.value == "false") return false;
  return absl::InvalidArgumentError(
      absl::StrCat(option, " ", entry.name, "=", entry.value, ": y or n is needed"));
}

absl::StatusOr<uint64_t> ParseFlagNumber(const char* option, const FlagEntry& entry) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(entry.value, &number)) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, " ", entry.name, "=", entry.value, ": a number is needed"));
  }
  return number;
}

absl::Status UnknownFlag(const char* option, const FlagEntry& entry, absl::string_view known) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " ", entry.name, " is not known; there are: ", known));
}

}  // namespace gantry::cli
