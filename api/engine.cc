// Tested by api_test.cc.
#include "api/engine.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/engine_state.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "jit/load.h"

namespace gantry {
namespace api_internal {

absl::StatusOr<environ::Tunables> TunablesFor(const Config& config) {
  environ::Tunables tunables = runtime::HostTunables();
  std::vector<std::string> conflicts;
  switch (config.opt_level()) {
    case OptLevel::kNone:
      tunables.opt_level = 0;
      break;
    case OptLevel::kSpeedAndSize:
      tunables.opt_level = 1;
      break;
    case OptLevel::kSpeed:
      tunables.opt_level = 2;
      break;
  }
  tunables.consume_fuel = config.consume_fuel();
  tunables.signals_based_traps = config.signals_based_traps();
  tunables.spectre_masking = config.spectre_mitigations();
  tunables.nan_canonicalization = config.nan_canonicalization();
  tunables.relaxed_simd_deterministic = config.relaxed_simd_deterministic();
  constexpr uint64_t kMostReserved = uint64_t{1} << 46;
  if (config.memory_reservation()) {
    tunables.memory_reservation = *config.memory_reservation();
    if (tunables.memory_reservation > kMostReserved) {
      conflicts.push_back(absl::StrCat("MemoryReservation is over ", kMostReserved, " bytes"));
    }
  }
  if (config.memory_guard_size()) {
    tunables.memory_guard_size = *config.memory_guard_size();
    if (tunables.memory_guard_size > kMostReserved) {
      conflicts.push_back(absl::StrCat("MemoryGuardSize is over ", kMostReserved, " bytes"));
    }
  }
  constexpr uint64_t kLeastStack = 16 << 10;
  if (config.max_wasm_stack() < kLeastStack) {
    conflicts.push_back(absl::StrCat("MaxWasmStack is under ", kLeastStack, " bytes"));
  }
  if (!conflicts.empty()) return absl::InvalidArgumentError(absl::StrJoin(conflicts, "; "));
  return tunables;
}

absl::StatusOr<runtime::Trampolines> EngineState::TrampolinesFor(const wasm::FuncType& type,
                                                                 uint32_t type_id) {
  if (std::optional<runtime::Trampolines> found = engine_->FindTrampolines(type, type_id)) {
    return *std::move(found);
  }
  // Whatever references refer to, so that the module keeps no type of others alive.
  const wasm::FuncType shape = runtime::WithoutConcreteTypes(type);
  ASSIGN_OR_RETURN(const std::vector<uint8_t> artifact,
                   source_->CompileTrampolines(absl::MakeConstSpan(&shape, 1)));
  ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CodeObject> code,
                   jit::LoadArtifact(artifact, {.tunables = &engine_->tunables(),
                                                .register_unwind_info = GANTRY_DCHECK_IS_ON()}));
  ASSIGN_OR_RETURN(std::shared_ptr<const runtime::Module> module,
                   runtime::Module::Create(engine_, std::move(code), environ::ModuleId(0)));
  std::optional<runtime::Trampolines> made = engine_->FindTrampolines(type, type_id);
  if (!made) {
    return absl::InternalError(absl::StrCat("no trampolines were made for ", type.ToString()));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  trampoline_modules_.push_back(std::move(module));
  return *std::move(made);
}

}  // namespace api_internal

absl::StatusOr<Engine> Engine::Create(const Config& config) {
  ASSIGN_OR_RETURN(const environ::Tunables tunables, api_internal::TunablesFor(config));
  ASSIGN_OR_RETURN(std::unique_ptr<api_internal::ModuleSource> source,
                   api_internal::NewModuleSource(config, tunables));
  runtime::Engine::Options options;
  options.tunables = tunables;
  options.max_wasm_stack = config.max_wasm_stack();
  options.backtrace = config.wasm_backtrace();
  return Engine(std::make_shared<api_internal::EngineState>(config, std::move(source),
                                                            runtime::Engine::Create(options)));
}

const Config& Engine::config() const { return state_->config(); }

}  // namespace gantry
