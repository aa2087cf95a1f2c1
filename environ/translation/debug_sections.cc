// Tested by api/debugging_test.cc.
#include "environ/translation/debug_sections.h"

#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "environ/core/module_debug.h"
#include "wasm_translate/parser.h"

namespace gantry::environ {

uint32_t CodeSectionOffset(const ModuleTranslation& module) {
  if (module.parsed.bodies.empty()) return 0;
  const wasm::FunctionBody& first = module.parsed.bodies[wasm::DefinedFuncIndex(0)];
  // The body lies in the bytes of the module, which has been parsed before.
  absl::Span<const uint8_t> bytes(first.bytes.data() - first.offset, first.offset);
  wasm::Parser parser;
  while (true) {
    const absl::StatusOr<wasm::Parser::Step> step = parser.Next(bytes, /*at_end=*/false);
    if (!step.ok() || !step->payload.has_value()) return 0;
    if (const auto* code = std::get_if<wasm::CodeSection>(&*step->payload)) {
      return static_cast<uint32_t>(code->offset);
    }
    bytes.remove_prefix(step->consumed);
  }
}

std::vector<uint8_t> DebugSectionsOf(const ModuleTranslation& module) {
  if (module.parsed.bodies.empty()) return {};
  std::vector<uint32_t> bodies;
  bodies.reserve(module.parsed.bodies.size());
  for (const wasm::DefinedFuncIndex f : module.parsed.bodies.ids()) {
    bodies.push_back(static_cast<uint32_t>(module.parsed.bodies[f].offset));
  }
  DwarfLines::Sections lines;
  for (const wasm::CustomSection& section : module.parsed.custom_sections) {
    if (section.name == ".debug_line") lines.line = section.bytes;
    if (section.name == ".debug_line_str") lines.line_str = section.bytes;
    if (section.name == ".debug_str") lines.str = section.bytes;
  }
  // Names of files lie there from version 5 on alone; the rest of it is large.
  if (!DwarfLines::UsesStr(lines.line)) lines.str = {};
  if (lines.line.empty()) lines.line_str = {};
  return EncodeModuleDebug(ModuleDebug(CodeSectionOffset(module), bodies, lines));
}

}  // namespace gantry::environ
