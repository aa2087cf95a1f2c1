#include "wasm_translate/name_section.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "wasm_translate/binary_reader.h"

namespace gantry::wasm {
namespace {

enum Subsection : uint8_t { kModuleName = 0, kFunctionNames = 1, kLocalNames = 2 };

void ReadFunctionNames(BinaryReader& reader, Names* names) {
  uint32_t count;
  if (!reader.VarU32(&count)) return;
  for (; count > 0; --count) {
    uint32_t index;
    absl::string_view name;
    if (!reader.VarU32(&index) || !reader.Name(&name)) return;
    names->functions.emplace_back(FuncIndex(index), name);
  }
}

void ReadLocalNames(BinaryReader& reader, Names* names) {
  uint32_t functions;
  if (!reader.VarU32(&functions)) return;
  for (; functions > 0; --functions) {
    uint32_t func;
    uint32_t count;
    if (!reader.VarU32(&func) || !reader.VarU32(&count)) return;
    for (; count > 0; --count) {
      uint32_t local;
      absl::string_view name;
      if (!reader.VarU32(&local) || !reader.Name(&name)) return;
      names->locals.push_back({FuncIndex(func), LocalIndex(local), name});
    }
  }
}

}  // namespace

Names ReadNameSection(absl::Span<const uint8_t> bytes) {
  Names names;
  BinaryReader reader(bytes, 0);
  while (!reader.done()) {
    uint8_t id;
    uint32_t size;
    absl::Span<const uint8_t> contents;
    if (!reader.U8(&id) || !reader.VarU32(&size) || !reader.Bytes(size, &contents)) break;
    BinaryReader subsection(contents, 0);
    if (id == kModuleName) {
      absl::string_view name;
      if (subsection.Name(&name)) names.module = name;
    } else if (id == kFunctionNames) {
      ReadFunctionNames(subsection, &names);
    } else if (id == kLocalNames) {
      ReadLocalNames(subsection, &names);
    }
  }
  // Indices should rise; where they do not, the first name given counts.
  std::stable_sort(names.functions.begin(), names.functions.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  names.functions.erase(
      std::unique(names.functions.begin(), names.functions.end(),
                  [](const auto& a, const auto& b) { return a.first == b.first; }),
      names.functions.end());
  std::stable_sort(names.locals.begin(), names.locals.end(), [](const auto& a, const auto& b) {
    return std::tie(a.func, a.local) < std::tie(b.func, b.local);
  });
  return names;
}

}  // namespace gantry::wasm
