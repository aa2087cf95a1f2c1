// Tested by api_test.cc.
#include "api/engine.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/engine_state.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "jit/load.h"
#include "runtime/pooling_allocator.h"
#include "runtime/stack_pool.h"
#include "runtime/thread_stack.h"
#include "runtime/tier_up.h"
#include "wasm_translate/operator_costs.h"

namespace gantry {
namespace api_internal {

namespace {

runtime::StackPool::Options StacksFor(const Config& config) {
  runtime::StackPool::Options stacks;
  const uint64_t most = runtime::StackPool::kMaxStackSize;
  const uint64_t needed = std::min(config.max_wasm_stack(), most) + runtime::HostStackReserve();
  stacks.stack_size =
      config.async_stack_size().value_or(std::min(std::max(stacks.stack_size, needed), most));
  stacks.total_size = config.async_stack_total();
  stacks.keep_resident = config.async_stack_keep_resident();
  stacks.zero = config.async_stack_zeroing();
  return stacks;
}

void CheckStacks(const Config& config, std::vector<std::string>& conflicts) {
  const uint64_t reserve = runtime::HostStackReserve();
  // One that is not said is made to fit.
  const uint64_t size = StacksFor(config).stack_size;
  if (size > runtime::StackPool::kMaxStackSize) {
    conflicts.push_back(
        absl::StrCat("AsyncStackSize is over ", runtime::StackPool::kMaxStackSize, " bytes"));
  } else if (config.async_stack_size() &&
             (size < reserve || size - reserve < config.max_wasm_stack())) {
    conflicts.push_back(absl::StrCat("AsyncStackSize (", size, ") is less than MaxWasmStack (",
                                     config.max_wasm_stack(), ") and the ", reserve,
                                     " bytes that host functions are left"));
  }
  if (config.async_stack_zeroing() && !config.async_stack_keep_resident()) {
    conflicts.push_back("AsyncStackZeroing needs AsyncStackKeepResident");
  }
}

}  // namespace

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
  tunables.epoch_interruption = config.epoch_interruption();
  tunables.shadow_stack = config.shadow_stack();
  if (config.consume_fuel()) {
    tunables.fuel_bulk_bytes = config.fuel_bulk_bytes();
    wasm::OperatorCosts costs;
    for (const auto& [name, units] : config.operator_costs()) {
      const absl::Status status = costs.Set(name, units);
      if (!status.ok()) {
        conflicts.push_back(absl::StrCat(
            "OperatorCost: ", absl::string_view(status.message().data(), status.message().size())));
      }
    }
    tunables.operator_costs = costs.ToString();
  } else if (!config.operator_costs().empty()) {
    conflicts.push_back("OperatorCost needs ConsumeFuel");
  }
  if (config.epoch_interruption() == EpochInterruption::kPage && !config.signals_based_traps()) {
    conflicts.push_back("EpochInterruption by page needs SignalsBasedTraps; by counter does not");
  }
  tunables.tier_up = config.tier_up();
  if (config.tier_up()) {
    if (config.strategy() != Strategy::kAuto) {
      conflicts.push_back("TierUp needs both compilers, so that Compiler must be kAuto");
    }
    if (config.tier_up_threshold() < 1 ||
        config.tier_up_threshold() > runtime::TierTable::kMaxThreshold) {
      conflicts.push_back(
          absl::StrCat("TierUpThreshold is not from 1 to ", runtime::TierTable::kMaxThreshold));
    }
  }
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
  CheckStacks(config, conflicts);
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
                                                .verification = environ::Verification::kTrusted,
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

namespace {

// May change the tunables for what the host has room for, unless the caller asked for a size.
absl::StatusOr<std::shared_ptr<runtime::InstanceAllocator>> NewPool(const Config& config,
                                                                    environ::Tunables& tunables) {
  PoolingOptions options = *config.pooling();
  if (!options.max_memory_size.has_value() && config.memory_reservation().value_or(0) > 0) {
    options.max_memory_size = config.memory_reservation();
  }
  try {
    absl::StatusOr<std::shared_ptr<runtime::PoolingAllocator>> pool =
        runtime::PoolingAllocator::Create(options, tunables);
    if (pool.ok()) return *std::move(pool);
    return absl::Status(pool.status().code(),
                        absl::StrCat("PoolingAllocation: ", pool.status().message()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("PoolingAllocation: out of memory");
  }
}

}  // namespace

absl::StatusOr<Engine> Engine::Create(const Config& config) {
  try {
    return CreateOrThrow(config);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while making an engine");
  }
}

absl::StatusOr<Engine> Engine::CreateOrThrow(const Config& config) {
  ASSIGN_OR_RETURN(environ::Tunables tunables, api_internal::TunablesFor(config));
  std::shared_ptr<runtime::InstanceAllocator> allocator;
  if (config.pooling().has_value()) {
    ASSIGN_OR_RETURN(allocator, NewPool(config, tunables));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<api_internal::ModuleSource> source,
                   api_internal::NewModuleSource(config, tunables));
  runtime::Engine::Options options;
  options.tunables = tunables;
  options.allocator = std::move(allocator);
  options.max_wasm_stack = config.max_wasm_stack();
  options.backtrace = config.wasm_backtrace();
  options.coredump = config.coredump_on_trap();
  if (config.tier_up()) options.tier_up_threshold = config.tier_up_threshold();
  options.stacks = api_internal::StacksFor(config);
  return Engine(std::make_shared<api_internal::EngineState>(config, std::move(source),
                                                            runtime::Engine::Create(options)));
}

const Config& Engine::config() const { return state_->config(); }

std::optional<TierUpStats> Engine::tier_up_stats() const {
  return state_->source().tier_up_stats();
}

void Engine::WaitForTierUp() const { state_->source().WaitForTierUp(); }

void Engine::IncrementEpoch() const { state_->runtime()->IncrementEpoch(); }

}  // namespace gantry
