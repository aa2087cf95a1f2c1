// What an Engine handle stands for. Private to `api`.
#ifndef GANTRY_API_ENGINE_STATE_H_
#define GANTRY_API_ENGINE_STATE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "api/config.h"
#include "api/module_source.h"
#include "environ/core/tunables.h"
#include "runtime/engine.h"
#include "runtime/module.h"
#include "wasm_translate/types.h"

namespace gantry::api_internal {

class EngineState {
 public:
  EngineState(Config config, std::unique_ptr<ModuleSource> source,
              std::shared_ptr<runtime::Engine> engine)
      : config_(std::move(config)), source_(std::move(source)), engine_(std::move(engine)) {}

  const Config& config() const { return config_; }
  ModuleSource& source() const { return *source_; }
  const std::shared_ptr<runtime::Engine>& runtime() const { return engine_; }

  // Trampolines for a function type of the host; they are compiled where no module that is
  // loaded has them, and then kept for the engine's life.
  absl::StatusOr<runtime::Trampolines> TrampolinesFor(const wasm::FuncType& type, uint32_t type_id);

 private:
  const Config config_;
  const std::unique_ptr<ModuleSource> source_;
  const std::shared_ptr<runtime::Engine> engine_;
  std::mutex mutex_;
  // Modules that hold nothing but trampolines.
  std::vector<std::shared_ptr<const runtime::Module>> trampoline_modules_;
};

// The environment that a configuration asks for. Errors: kInvalidArgument naming every
// conflict.
absl::StatusOr<environ::Tunables> TunablesFor(const Config& config);

}  // namespace gantry::api_internal

#endif  // GANTRY_API_ENGINE_STATE_H_
