// The custom section metadata.code.branch_hint: which way branches are expected to go.
//
// (The branch-hinting proposal, "Branch Hint Section".)
#ifndef GANTRY_WASM_TRANSLATE_BRANCH_HINT_SECTION_H_
#define GANTRY_WASM_TRANSLATE_BRANCH_HINT_SECTION_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/module.h"

namespace gantry::wasm {

inline constexpr absl::string_view kBranchHintSectionName = "metadata.code.branch_hint";

// The hints in the contents behind the section's name; none where anything is malformed: no
// order by function and offset, a function outside [first_function, end_function), another
// value than 0 and 1, bytes left over.
BranchHints ReadBranchHints(absl::Span<const uint8_t> bytes, FuncIndex first_function,
                            FuncIndex end_function);

// The contents with every integer in its fewest bytes.
std::vector<uint8_t> EncodeBranchHints(const BranchHints& hints);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_BRANCH_HINT_SECTION_H_
