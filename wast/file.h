// Whole files in and out.
#ifndef GANTRY_WAST_FILE_H_
#define GANTRY_WAST_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gantry::wast {

// Errors: kNotFound with the path and why it cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Errors: kPermissionDenied with the path where it cannot be written.
absl::Status WriteFile(const std::string& path, absl::string_view contents);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_FILE_H_
