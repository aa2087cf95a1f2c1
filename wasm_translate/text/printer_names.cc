#include "wasm_translate/text/printer_names.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

// Longer names are no identifiers.
constexpr size_t kLongestName = 1'000;
// Shorter identifiers are used however often: each use comes from two bytes at least.
constexpr size_t kLongIdentifier = 32;
// What long identifiers may take, as a multiple of the module's size.
constexpr uint64_t kBudgetFactor = 16;

bool CanBeIdentifier(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName;
}

bool IsIdentifierCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$%&'*+-./:<=>?@\\^_`|~").find(c) != absl::string_view::npos;
}

uint64_t KeyOf(uint32_t outer, uint32_t inner) { return uint64_t{outer} << 32 | inner; }

void AppendNameAnnotation(absl::string_view name, std::string* out) {
  absl::StrAppend(out, " (@name ", QuoteString(name), ")");
}

}  // namespace

std::string PrintIdentifier(absl::string_view name) {
  if (std::all_of(name.begin(), name.end(), IsIdentifierCharacter)) return absl::StrCat("$", name);
  return absl::StrCat("$", QuoteString(name));
}

PrinterNames::PrinterNames(const Module& module, bool enabled, size_t module_size)
    : module_(module), enabled_(enabled), budget_(kBudgetFactor * module_size) {
  if (!enabled) return;
  const Names& names = module.names;
  AddMap(NameSpace::kFunc, names.functions);
  AddMap(NameSpace::kTable, names.tables);
  AddMap(NameSpace::kMemory, names.memories);
  AddMap(NameSpace::kGlobal, names.globals);
  AddMap(NameSpace::kTag, names.tags);
  AddMap(NameSpace::kType, names.types);
  AddMap(NameSpace::kElem, names.elements);
  AddMap(NameSpace::kData, names.data);
  for (const Names::LocalName& entry : names.locals) {
    Add(NameSpace::kLocal, entry.func.raw(), entry.local.raw(), entry.name);
  }
  for (const Names::LabelName& entry : names.labels) {
    Add(NameSpace::kLabel, entry.func.raw(), entry.label, entry.name);
  }
  for (const Names::FieldName& entry : names.fields) {
    Add(NameSpace::kField, entry.type.raw(), entry.field.raw(), entry.name);
  }
  for (size_t i = 0; i < kNumSpaces; ++i) Identify(static_cast<NameSpace>(i));
}

template <typename Map>
void PrinterNames::AddMap(NameSpace space, const Map& map) {
  for (const auto& [index, name] : map) Add(space, 0, index.raw(), name);
}

void PrinterNames::Add(NameSpace space, uint32_t outer, uint32_t inner, absl::string_view name) {
  Entry entry;
  entry.key = KeyOf(outer, inner);
  entry.name = name;
  spaces_[static_cast<size_t>(space)].push_back(std::move(entry));
  ++total_;
}

void PrinterNames::Identify(NameSpace space) {
  std::vector<Entry>& entries = spaces_[static_cast<size_t>(space)];
  // A label may have the name of another: the inner one counts.
  if (space == NameSpace::kLabel) {
    for (Entry& entry : entries) {
      if (!CanBeIdentifier(entry.name)) continue;
      entry.identifier = PrintIdentifier(entry.name);
      entry.is_name = true;
    }
    return;
  }
  for (size_t begin = 0; begin < entries.size();) {
    size_t end = begin + 1;
    while (end < entries.size() && entries[end].key >> 32 == entries[begin].key >> 32) ++end;
    IdentifyScope(entries, begin, end);
    begin = end;
  }
}

void PrinterNames::IdentifyScope(std::vector<Entry>& entries, size_t begin, size_t end) {
  absl::flat_hash_set<absl::string_view> taken;
  for (size_t i = begin; i < end; ++i) {
    Entry& entry = entries[i];
    if (!CanBeIdentifier(entry.name) || !taken.insert(entry.name).second) continue;
    entry.identifier = PrintIdentifier(entry.name);
    entry.is_name = true;
  }
  for (size_t i = begin; i < end; ++i) {
    Entry& entry = entries[i];
    if (entry.is_name || !CanBeIdentifier(entry.name)) continue;
    // Among themselves these differ in the number.
    const std::string numbered = absl::StrCat(entry.name, "#", static_cast<uint32_t>(entry.key));
    if (!taken.contains(numbered)) entry.identifier = PrintIdentifier(numbered);
  }
}

const PrinterNames::Entry* PrinterNames::Find(NameSpace space, uint32_t outer,
                                              uint32_t inner) const {
  const std::vector<Entry>& entries = spaces_[static_cast<size_t>(space)];
  const uint64_t key = KeyOf(outer, inner);
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), key,
                       [](const Entry& entry, uint64_t wanted) { return entry.key < wanted; });
  return found == entries.end() || found->key != key ? nullptr : &*found;
}

bool PrinterNames::HasAny(NameSpace space, uint32_t outer, uint32_t begin, uint32_t end) const {
  const std::vector<Entry>& entries = spaces_[static_cast<size_t>(space)];
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), KeyOf(outer, begin),
                       [](const Entry& entry, uint64_t wanted) { return entry.key < wanted; });
  return found != entries.end() && found->key < KeyOf(outer, end);
}

void PrinterNames::AppendModuleName(std::string* out) {
  const absl::string_view name = module_.names.module;
  if (!enabled_ || name.data() == nullptr) return;
  if (!CanBeIdentifier(name)) {
    AppendNameAnnotation(name, out);
  } else {
    absl::StrAppend(out, " ", PrintIdentifier(name));
  }
}

void PrinterNames::AppendDefinition(NameSpace space, uint32_t outer, uint32_t inner,
                                    std::string* out) {
  const Entry* entry = Find(space, outer, inner);
  if (entry == nullptr) return;
  ++defined_;
  if (!entry->identifier.empty()) absl::StrAppend(out, " ", entry->identifier);
  if (!entry->is_name) AppendNameAnnotation(entry->name, out);
}

absl::string_view PrinterNames::Identifier(NameSpace space, uint32_t outer, uint32_t inner) const {
  const Entry* entry = Find(space, outer, inner);
  return entry == nullptr ? absl::string_view() : absl::string_view(entry->identifier);
}

bool PrinterNames::TakeUse(absl::string_view identifier) {
  if (identifier.size() <= kLongIdentifier) return true;
  if (identifier.size() > budget_) return false;
  budget_ -= identifier.size();
  return true;
}

void PrinterNames::AppendUse(NameSpace space, uint32_t outer, uint32_t inner, std::string* out) {
  const absl::string_view identifier = Identifier(space, outer, inner);
  if (identifier.empty() || !TakeUse(identifier)) {
    absl::StrAppend(out, inner);
  } else {
    absl::StrAppend(out, identifier);
  }
}

}  // namespace gantry::wasm::text
