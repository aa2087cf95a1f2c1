#include "wasm_translate/text/printer_layout.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/branch_hint_section.h"

namespace gantry::wasm::text {
namespace {

constexpr absl::string_view kNameSectionName = "name";

constexpr SectionId kInOrder[] = {
    SectionId::kType,   SectionId::kImport,  SectionId::kFunction,  SectionId::kTable,
    SectionId::kMemory, SectionId::kTag,     SectionId::kGlobal,    SectionId::kExport,
    SectionId::kStart,  SectionId::kElement, SectionId::kDataCount, SectionId::kCode,
    SectionId::kData,
};

}  // namespace

const Section* ModuleLayout::Find(SectionId id) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [id](const Section& section) { return section.id == id; });
  return found == sections.end() ? nullptr : &*found;
}

size_t ModuleLayout::NumCustomSections(absl::string_view name) const {
  return static_cast<size_t>(
      std::count_if(custom_sections.begin(), custom_sections.end(),
                    [name](const Custom& custom) { return custom.name == name; }));
}

size_t ModuleLayout::FindCustom(absl::string_view name) const {
  const auto found = std::find_if(custom_sections.begin(), custom_sections.end(),
                                  [name](const Custom& custom) { return custom.name == name; });
  return static_cast<size_t>(found - custom_sections.begin());
}

absl::Span<const uint8_t> ModuleLayout::NameContents() const {
  const size_t at = FindCustom(kNameSectionName);
  return at < custom_sections.size() ? custom_sections[at].bytes : absl::Span<const uint8_t>();
}

absl::Span<const uint8_t> ModuleLayout::HintContents() const {
  const size_t at = FindCustom(kBranchHintSectionName);
  return at < custom_sections.size() ? custom_sections[at].bytes : absl::Span<const uint8_t>();
}

bool ModuleLayout::NameSectionIsInPlace() const {
  const size_t at = FindCustom(kNameSectionName);
  return at < custom_sections.size() && custom_sections[at].after == last;
}

bool ModuleLayout::HintSectionIsInPlace() const {
  if (!has_code || NumCustomSections(kBranchHintSectionName) != 1) return false;
  // The last one before the code comes after any section that may stand there.
  const Custom* before_code = nullptr;
  for (const Custom& custom : custom_sections) {
    const bool behind = custom.after == SectionId::kCode || custom.after == SectionId::kData;
    if (!behind) before_code = &custom;
  }
  return before_code != nullptr && before_code->name == kBranchHintSectionName;
}

absl::StatusOr<ModuleLayout> ReadModuleLayout(absl::Span<const uint8_t> bytes,
                                              const ValidatorLimits& limits) {
  ModuleLayout layout;
  Parser parser(limits);
  while (true) {
    ASSIGN_OR_RETURN(const Parser::Step step, parser.Next(bytes, /*at_end=*/true));
    bytes.remove_prefix(step.consumed);
    if (std::holds_alternative<EndOfModule>(*step.payload)) return layout;
    if (std::holds_alternative<CodeSection>(*step.payload)) {
      layout.last = SectionId::kCode;
      layout.has_code = true;
    }
    const auto* section = std::get_if<Section>(&*step.payload);
    if (section == nullptr) continue;
    if (section->id != SectionId::kCustom) {
      layout.last = section->id;
      layout.sections.push_back(*section);
      continue;
    }
    ModuleLayout::Custom custom;
    custom.after = layout.last;
    BinaryReader reader(section->bytes, section->offset);
    if (!reader.Name(&custom.name)) return reader.status();
    CHECK(reader.Bytes(reader.remaining(), &custom.bytes));
    layout.custom_sections.push_back(custom);
  }
}

absl::Span<const SectionId> SectionsInOrder() { return kInOrder; }

absl::string_view SectionKeyword(SectionId id) {
  switch (id) {
    case SectionId::kCustom:
      return "custom";
    case SectionId::kType:
      return "type";
    case SectionId::kImport:
      return "import";
    case SectionId::kFunction:
      return "func";
    case SectionId::kTable:
      return "table";
    case SectionId::kMemory:
      return "memory";
    case SectionId::kGlobal:
      return "global";
    case SectionId::kExport:
      return "export";
    case SectionId::kStart:
      return "start";
    case SectionId::kElement:
      return "elem";
    case SectionId::kCode:
      return "code";
    case SectionId::kData:
      return "data";
    case SectionId::kDataCount:
      return "datacount";
    case SectionId::kTag:
      return "tag";
  }
  UNREACHABLE();
}

}  // namespace gantry::wasm::text
