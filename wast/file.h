// Whole files in.
#ifndef GANTRY_WAST_FILE_H_
#define GANTRY_WAST_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace gantry::wast {

// Errors: kNotFound with the path and why it cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_FILE_H_
