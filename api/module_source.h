// Where an engine's code comes from: a compiler, or nowhere but artifacts. The one point at
// which the API meets `jit:compile`, so that a program that links `api:runtime_only` gets no
// compiler. Private to `api`.
#ifndef GANTRY_API_MODULE_SOURCE_H_
#define GANTRY_API_MODULE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/module.h"
#include "environ/core/func_key.h"
#include "environ/core/tunables.h"
#include "runtime/code_object.h"
#include "runtime/tier_up.h"
#include "wasm_translate/types.h"

namespace gantry::api_internal {

class ModuleSource {
 public:
  virtual ~ModuleSource() = default;

  // The artifact of a module. `timing` is null unless asked for.
  virtual absl::StatusOr<std::vector<uint8_t>> Compile(absl::Span<const uint8_t> bytes,
                                                       CompileTiming* timing) = 0;
  // The same of a text.
  virtual absl::StatusOr<std::vector<uint8_t>> CompileText(absl::string_view text,
                                                           CompileTiming* timing) = 0;
  virtual absl::Status Validate(absl::Span<const uint8_t> bytes) = 0;
  // The artifact of nothing but trampolines for these types.
  virtual absl::StatusOr<std::vector<uint8_t>> CompileTrampolines(
      absl::Span<const wasm::FuncType> types) = 0;

  // What makes better code of a module's functions while they run; null where nothing does.
  virtual std::shared_ptr<runtime::TierUp> TierUpOf(std::shared_ptr<const runtime::CodeObject>,
                                                    environ::ModuleId) {
    return nullptr;
  }
  virtual std::optional<TierUpStats> tier_up_stats() const { return std::nullopt; }
  virtual void WaitForTierUp() const {}
};

// Makes the source that this program links. Defined once in each of the targets
// `:compiling_source` and `:loading_source`.
absl::StatusOr<std::unique_ptr<ModuleSource>> NewModuleSource(const Config& config,
                                                              const environ::Tunables& tunables);

}  // namespace gantry::api_internal

#endif  // GANTRY_API_MODULE_SOURCE_H_
