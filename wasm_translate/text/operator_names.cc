#include "wasm_translate/text/operator_names.h"

#include "absl/container/flat_hash_map.h"

namespace gantry::wasm::text {

std::optional<Opcode> OpcodeByName(absl::string_view name) {
  static const auto* const by_name = [] {
    auto* map = new absl::flat_hash_map<absl::string_view, Opcode>;
    for (Opcode op : AllOpcodes()) map->emplace(OpcodeName(op), op);
    return map;
  }();
  const auto found = by_name->find(name);
  if (found == by_name->end()) return std::nullopt;
  return found->second;
}

}  // namespace gantry::wasm::text
