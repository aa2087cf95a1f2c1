#include "wasm_translate/module.h"

#include <algorithm>

namespace gantry::wasm {

absl::string_view Names::function(FuncIndex func) const {
  const auto found =
      std::lower_bound(functions.begin(), functions.end(), func,
                       [](const auto& entry, FuncIndex index) { return entry.first < index; });
  if (found == functions.end() || found->first != func) return {};
  return found->second;
}

absl::Span<const BranchHints::Hint> BranchHints::of(FuncIndex func) const {
  const auto found =
      std::lower_bound(functions.begin(), functions.end(), func,
                       [](const Function& entry, FuncIndex index) { return entry.func < index; });
  if (found == functions.end() || found->func != func) return {};
  return absl::MakeConstSpan(hints).subspan(found->begin, found->end - found->begin);
}

}  // namespace gantry::wasm
