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

}  // namespace gantry::wasm
