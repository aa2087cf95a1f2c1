// ModuleTranslation: a parsed module with everything that compiling its functions needs:
// what stays for the runtime (ModuleInfo), the bodies, and the layout of its VMContext.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<ModuleTranslation> module,
//                    ModuleTranslation::Parse(bytes, ModuleId(0), {.tunables = tunables}));
//   for (wasm::DefinedFuncIndex f : module->parsed.bodies.ids())
//     compiler.CompileFunction(*module, module->KeyOf(f), out);
//
// Bodies are not validated here: compilation does that in the same pass. The bytes have to
// outlive the translation. Immutable once made; any number of threads may read it.
#ifndef GANTRY_ENVIRON_TRANSLATION_MODULE_TRANSLATION_H_
#define GANTRY_ENVIRON_TRANSLATION_MODULE_TRANSLATION_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "entity/primary_map.h"
#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "environ/core/tunables.h"
#include "environ/core/vm_offsets.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"

namespace gantry::environ {

struct TranslationOptions {
  wasm::Features features = wasm::Features::Default();
  wasm::ValidatorLimits limits;
  Tunables tunables;
};

class ModuleTranslation {
 public:
  // Parses the binary and validates everything but the bodies. Errors are the parser's: the
  // offset in the module and what is wrong there.
  static absl::StatusOr<std::unique_ptr<ModuleTranslation>> Parse(
      absl::Span<const uint8_t> bytes, ModuleId id, const TranslationOptions& options);

  // A module of nothing but function types, for trampolines of signatures that no module
  // has; the type at TypeIndex(i) is types[i].
  static std::unique_ptr<ModuleTranslation> OfTypes(absl::Span<const wasm::FuncType> types,
                                                    ModuleId id, const TranslationOptions& options);

  ModuleTranslation(const ModuleTranslation&) = delete;
  ModuleTranslation& operator=(const ModuleTranslation&) = delete;

  FuncKey KeyOf(wasm::DefinedFuncIndex function) const {
    return FuncKey::WasmFunction(id, function);
  }
  // The first type index of the module with a function type of the same shape
  // (ModuleInfo::ShapeOf): what trampolines are keyed by. The type must be a function type.
  wasm::TypeIndex SignatureOf(wasm::TypeIndex type) const { return signatures_[type]; }
  wasm::TypeIndex SignatureOf(wasm::FuncIndex function) const {
    return SignatureOf(parsed.functions[function]);
  }
  // The distinct ones, ascending: one entry and one exit trampoline each serves the module.
  absl::Span<const wasm::TypeIndex> signatures() const { return distinct_signatures_; }

  const ModuleId id;
  // Different for every translation in this process, also for ones at the same address.
  const uint64_t serial;
  const TranslationOptions options;
  // All of the module; empty where it was made of types.
  absl::Span<const uint8_t> bytes;
  wasm::Module parsed;
  ModuleInfo info;
  VMOffsets offsets;
  // The bytes of all data segments; `info.data_segments` has ranges of it.
  std::vector<uint8_t> data;

 private:
  ModuleTranslation(ModuleId id, const TranslationOptions& options);
  void FillInfo();
  void FillSignatures();

  entity::PrimaryMap<wasm::TypeIndex, wasm::TypeIndex> signatures_;
  std::vector<wasm::TypeIndex> distinct_signatures_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_MODULE_TRANSLATION_H_
