// Cuts the text of a script into its top-level forms, without understanding more of it than
// parentheses, strings and comments: so that one form that cannot be read leaves the others
// as they are.
#ifndef GANTRY_WAST_SCRIPT_FORMS_H_
#define GANTRY_WAST_SCRIPT_FORMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace gantry::wast {

struct Form {
  // From the parenthesis on; of what is none, a run of other characters.
  absl::string_view text;
  // The blanks before it on its line, and it: columns are counted from there. Only `text`
  // where something else stands before it.
  absl::string_view with_indent;
  // Counted from 1.
  uint32_t line = 1;
};

// All forms in order; they cover the text but for blanks and comments. A form that has no
// end, or a comment that has none, goes to the end of the text. Takes linear time.
std::vector<Form> SplitForms(absl::string_view text);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_FORMS_H_
