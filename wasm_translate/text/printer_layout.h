// Where the sections of a module lie: what a decoded module no longer says and its text has
// to.
//
//   ASSIGN_OR_RETURN(ModuleLayout layout, ReadModuleLayout(bytes, limits));
//   layout.Find(SectionId::kElement);    // its contents, null where there is no such section
#ifndef GANTRY_WASM_TRANSLATE_TEXT_PRINTER_LAYOUT_H_
#define GANTRY_WASM_TRANSLATE_TEXT_PRINTER_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/parser.h"

namespace gantry::wasm::text {

struct ModuleLayout {
  struct Custom {
    absl::string_view name;
    absl::Span<const uint8_t> bytes;
    // The section before it that is not custom; none where there is no such.
    std::optional<SectionId> after;
  };

  // All but the code section and custom ones, in order.
  std::vector<Section> sections;
  std::vector<Custom> custom_sections;
  // Of the last section that is not custom.
  std::optional<SectionId> last;
  bool has_code = false;

  const Section* Find(SectionId id) const;
  size_t NumCustomSections(absl::string_view name) const;
  // Of the first section of names or hints; empty where there is none.
  absl::Span<const uint8_t> NameContents() const;
  absl::Span<const uint8_t> HintContents() const;

  // The place in custom_sections of the first one of that name; their number where there is none.
  size_t FindCustom(absl::string_view name) const;

  // Whether the first name section is where the parser puts it: behind all that are not custom.
  bool NameSectionIsInPlace() const;
  // Whether the section of branch hints is the only one, and right before the code.
  bool HintSectionIsInPlace() const;
};

// Borrows from `bytes`, which ParseModule takes.
absl::StatusOr<ModuleLayout> ReadModuleLayout(absl::Span<const uint8_t> bytes,
                                              const ValidatorLimits& limits);

// Every section but custom ones, in the order that the format prescribes.
absl::Span<const SectionId> SectionsInOrder();
// What a section is called in the placement of a custom one: "elem".
absl::string_view SectionKeyword(SectionId id);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_PRINTER_LAYOUT_H_
