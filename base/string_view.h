// Conversion between the two string views: Debian's Abseil defines a string_view of its
// own that does not convert to or from std::string_view.
#ifndef GANTRY_BASE_STRING_VIEW_H_
#define GANTRY_BASE_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace gantry {

// The same characters, not copied.
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace gantry

#endif  // GANTRY_BASE_STRING_VIEW_H_
