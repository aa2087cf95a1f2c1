// The official scripts on this machine.
#ifndef GANTRY_WAST_TESTSUITE_H_
#define GANTRY_WAST_TESTSUITE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace gantry::wast {

// The folder that the environment variable GANTRY_TESTSUITE names, or ../shared/testsuite
// beside the workspace; nothing where there is neither. README.md says where they come from.
std::optional<std::string> TestsuiteFolder();

// The .wast files in a folder and the folders in it, sorted.
std::vector<std::string> WastFiles(const std::string& folder);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_TESTSUITE_H_
