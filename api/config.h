// Config: everything an engine can be told, as a value.
//
// Setters can be called in any order and any number of times; the last call counts. Nothing
// is checked until Engine::Create, which reports all conflicts at once by name.
//
//   gantry::Config config;
//   config.OptLevel(gantry::OptLevel::kSpeed).ConsumeFuel(true).CompilationThreads(4);
//   absl::StatusOr<gantry::Engine> engine = gantry::Engine::Create(config);
#ifndef GANTRY_API_CONFIG_H_
#define GANTRY_API_CONFIG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "environ/core/tunables.h"
#include "runtime/pooling_options.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"

namespace gantry {

namespace environ {
class CompilationCache;
}

using PoolingOptions = runtime::PoolingOptions;

enum class Strategy {
  kAuto,        // the optimizing compiler where it is linked, else the baseline compiler
  kOptimizing,  // cranelift_shared
  kWinch,       // the baseline compiler
  kMixed,       // each function by one of both, drawn by a seed (MixedSeed); for tests
};

enum class OptLevel { kNone, kSpeed, kSpeedAndSize };

// How guests find out that their store's deadline has come (Store::SetEpochDeadline): not at all;
// by a comparison in each loop; or by a read of a page that is made inaccessible, which costs next
// to nothing but needs signals.
using EpochInterruption = environ::EpochInterruption;

// Called by the compiler for one function: which dump it is ("ir", "ir-passes", "vcode" or "asm"),
// the function's symbol, and the text.
class DumpSink {
 public:
  virtual ~DumpSink() = default;
  virtual void Dump(absl::string_view kind, absl::string_view function, absl::string_view text) = 0;
};

class Config {
 public:
  Config() = default;

  // Which compiler makes code. Asking for one that is not linked fails in Engine::Create.
  Config& Compiler(Strategy strategy) { return Set(strategy_, strategy); }
  Config& MixedSeed(uint64_t seed) { return Set(mixed_seed_, seed); }
  // Functions that would take the optimizing compiler longer than about so many microseconds (by an
  // estimate that depends on the module alone) are compiled by the baseline compiler, so that a
  // module with one monstrous function compiles in time proportional to its size; 0: none are.
  Config& CompileBudget(uint64_t units) { return Set(compile_budget_, units); }
  // Modules start on the baseline compiler's code, and functions that are found to be hot are
  // compiled again by the optimizing compiler, in the background, and entered from the next call
  // on. The compiler must be kAuto then. Modules, and what Serialize makes of them, hold the
  // module's bytes and are what the baseline compiler makes; tier-up of a deserialized module
  // begins anew.
  Config& TierUp(bool enable) { return Set(tier_up_, enable); }
  // How often a function is entered, and its loops go round, until it counts as hot: 1 or more.
  Config& TierUpThreshold(uint32_t count) { return Set(tier_up_threshold_, count); }
  // Threads that compile in the background; 0: one less than the machine has processors, from one to
  // eight.
  Config& TierUpThreads(uint32_t threads) { return Set(tier_up_threads_, threads); }
  // Guests wait for the code of a function that is found to be hot, so that they run the same code
  // each time: for tests.
  Config& TierUpSynchronously(bool enable) { return Set(tier_up_synchronously_, enable); }
  // Name of the target as in "x86_64-linux"; the host when never set. Features of an
  // explicit target are not inferred: give them by CompilerFlag.
  Config& Target(absl::string_view triple) { return Set(target_, std::string(triple)); }
  Config& OptLevel(gantry::OptLevel level) { return Set(opt_level_, level); }
  // A setting of the code generator by name, as `gantry settings` lists them.
  Config& CompilerFlag(absl::string_view name, absl::string_view value);
  // Threads that compile one module; 0 is the number of the machine's processors.
  Config& CompilationThreads(uint32_t threads) { return Set(compilation_threads_, threads); }
  // Functions are looked for in this cache before they are compiled, and put into it after: one of
  // environ/cache, or one of your own. What it gives is checked. Code is the same as without.
  Config& IncrementalCache(std::shared_ptr<environ::CompilationCache> cache) {
    return Set(incremental_cache_, std::move(cache));
  }
  // Receives dumps of the kinds named (comma-separated: ir, ir-passes, vcode, asm). The sink must
  // outlive the engine; compilation then uses one thread, so that dumps come in order.
  Config& Dump(absl::string_view kinds, DumpSink* sink);

  // Whether modules may use a proposal; a module that needs one that is off is refused by its
  // name. WebAssembly 3.0 is on by default: wasm_translate/features.h has the list.
  Config& WasmFeature(wasm::Feature feature, bool enable) {
    features_.Set(feature, enable);
    return *this;
  }
  // All of them at once.
  Config& WasmFeatures(wasm::Features features) { return Set(features_, features); }
  // How large a module may be; the defaults are those of the JavaScript API's specification.
  Config& ModuleLimits(const wasm::ValidatorLimits& limits) { return Set(limits_, limits); }

  // Fuel: every operator costs one unit, those that only give structure nothing; a store starts
  // with none (Store::SetFuel). What is consumed when is in docs/abi.md, and the same everywhere.
  Config& ConsumeFuel(bool enable) { return Set(consume_fuel_, enable); }
  // What all operators of that name (as in the text format) cost, up to 65535.
  Config& OperatorCost(absl::string_view name, uint64_t units);
  // Bytes that memory.copy and its like move for one unit on top; 0: that they cost nothing.
  // Elements of tables count as 8 bytes.
  Config& FuelBulkBytes(uint32_t bytes) { return Set(fuel_bulk_bytes_, bytes); }
  // Whether and how guests are interrupted at deadlines.
  Config& EpochInterruption(gantry::EpochInterruption how) { return Set(epoch_interruption_, how); }
  // Bytes of stack that WebAssembly code may use in one call from the host.
  Config& MaxWasmStack(uint64_t bytes) { return Set(max_wasm_stack_, bytes); }
  // Stacks of asynchronous calls (api/async.h): bytes of each, which must hold what WebAssembly may
  // use and what host functions are left (enough for that where it is not said); bytes of all
  // together, those kept for later included; bytes of one that stay in memory while it is not used
  // (everything where it is not said); whether those are overwritten with zeros.
  Config& AsyncStackSize(uint64_t bytes) { return Set(async_stack_size_, bytes); }
  Config& AsyncStackTotal(uint64_t bytes) { return Set(async_stack_total_, bytes); }
  Config& AsyncStackKeepResident(uint64_t bytes) { return Set(async_stack_keep_resident_, bytes); }
  Config& AsyncStackZeroing(bool enable) { return Set(async_stack_zeroing_, enable); }
  // Address space reserved for a linear memory, in bytes. Memories that stay within it never
  // move; with at least 4 GiB and a guard, 32-bit memories need no bounds checks in code.
  Config& MemoryReservation(uint64_t bytes) { return Set(memory_reservation_, bytes); }
  // Inaccessible bytes behind the reservation.
  Config& MemoryGuardSize(uint64_t bytes) { return Set(memory_guard_size_, bytes); }
  // A pool: instances, memories and tables in fixed numbers of slots, reserved with the engine and
  // used one after another (runtime/pooling_options.h). For hosts that make and drop many
  // instances. Where the address space is too small for memories without bounds checks, code checks
  // bounds.
  Config& PoolingAllocation(const PoolingOptions& options) { return Set(pooling_, options); }
  // The default: memory is taken from the host for each instance.
  Config& OnDemandAllocation() { return Set(pooling_, std::nullopt); }
  // Whether faults of guest code are found by signals; without, code has explicit checks, and the
  // process's signals are left alone.
  Config& SignalsBasedTraps(bool enable) { return Set(signals_based_traps_, enable); }
  // Masks against speculative out-of-bounds accesses; on by default.
  Config& SpectreMitigations(bool enable) { return Set(spectre_mitigations_, enable); }
  // Whether each NaN that an operation on floats makes is the canonical one, so that its bits are
  // the same on every machine; costs a comparison and a choice for each such operation.
  Config& NanCanonicalization(bool enable) { return Set(nan_canonicalization_, enable); }
  // Whether relaxed vector operations give what the deterministic profile of WebAssembly 3.0 says,
  // and not what the target does best. Together with NanCanonicalization results are the same
  // bits on every machine.
  Config& RelaxedSimdDeterministic(bool enable) { return Set(relaxed_simd_deterministic_, enable); }
  // Whether a trap carries the WebAssembly call stack; on by default.
  Config& WasmBacktrace(bool enable) { return Set(wasm_backtrace_, enable); }
  // Whether debuggers that understand GDB's JIT interface learn of each module's functions: names
  // for breakpoints and backtraces, and how to unwind frames. Takes time for each function.
  Config& RegisterWithDebuggers(bool enable) { return Set(register_with_debuggers_, enable); }
  // Whether the C++ runtime learns how to unwind guests' frames, so that backtraces of the host
  // (_Unwind_Backtrace, and what builds on it) pass through them. Artifacts have to be trusted
  // then, their call frame information too.
  Config& RegisterUnwindInfo(bool enable) { return Set(register_unwind_info_, enable); }
  // Whether a trap carries a core dump of its store (GetCoredump, api/trap.h), with all that is in
  // the guests' memories; off by default.
  Config& CoredumpOnTrap(bool enable) { return Set(coredump_on_trap_, enable); }
  // For tests of Gantry itself: code keeps account of calls by means of its own, with which every
  // walk of the stack is compared, at host calls and traps; a difference stops the process.
  Config& ShadowStack(bool enable) { return Set(shadow_stack_, enable); }
  // Each module's time per compile phase is kept and can be asked for (Module::timing).
  Config& CollectTiming(bool enable) { return Set(collect_timing_, enable); }

  Strategy strategy() const { return strategy_; }
  uint64_t mixed_seed() const { return mixed_seed_; }
  uint64_t compile_budget() const { return compile_budget_; }
  bool tier_up() const { return tier_up_; }
  uint32_t tier_up_threshold() const { return tier_up_threshold_; }
  uint32_t tier_up_threads() const { return tier_up_threads_; }
  bool tier_up_synchronously() const { return tier_up_synchronously_; }
  const std::optional<std::string>& target() const { return target_; }
  gantry::OptLevel opt_level() const { return opt_level_; }
  const std::vector<std::pair<std::string, std::string>>& compiler_flags() const {
    return compiler_flags_;
  }
  uint32_t compilation_threads() const { return compilation_threads_; }
  const std::shared_ptr<environ::CompilationCache>& incremental_cache() const {
    return incremental_cache_;
  }
  const std::string& dump_kinds() const { return dump_kinds_; }
  DumpSink* dump_sink() const { return dump_sink_; }
  wasm::Features features() const { return features_; }
  const wasm::ValidatorLimits& module_limits() const { return limits_; }
  bool consume_fuel() const { return consume_fuel_; }
  // In order of first setting; one entry a name.
  const std::vector<std::pair<std::string, uint64_t>>& operator_costs() const {
    return operator_costs_;
  }
  uint32_t fuel_bulk_bytes() const { return fuel_bulk_bytes_; }
  gantry::EpochInterruption epoch_interruption() const { return epoch_interruption_; }
  uint64_t max_wasm_stack() const { return max_wasm_stack_; }
  std::optional<uint64_t> async_stack_size() const { return async_stack_size_; }
  uint64_t async_stack_total() const { return async_stack_total_; }
  std::optional<uint64_t> async_stack_keep_resident() const { return async_stack_keep_resident_; }
  bool async_stack_zeroing() const { return async_stack_zeroing_; }
  std::optional<uint64_t> memory_reservation() const { return memory_reservation_; }
  std::optional<uint64_t> memory_guard_size() const { return memory_guard_size_; }
  const std::optional<PoolingOptions>& pooling() const { return pooling_; }
  bool signals_based_traps() const { return signals_based_traps_; }
  bool spectre_mitigations() const { return spectre_mitigations_; }
  bool nan_canonicalization() const { return nan_canonicalization_; }
  bool relaxed_simd_deterministic() const { return relaxed_simd_deterministic_; }
  bool wasm_backtrace() const { return wasm_backtrace_; }
  bool register_with_debuggers() const { return register_with_debuggers_; }
  bool register_unwind_info() const { return register_unwind_info_; }
  bool coredump_on_trap() const { return coredump_on_trap_; }
  bool shadow_stack() const { return shadow_stack_; }
  bool collect_timing() const { return collect_timing_; }

 private:
  template <typename Field, typename Value>
  Config& Set(Field& field, Value&& value) {
    field = std::forward<Value>(value);
    return *this;
  }

  Strategy strategy_ = Strategy::kAuto;
  uint64_t mixed_seed_ = 0;
  uint64_t compile_budget_ = 1'000'000;
  bool tier_up_ = false;
  uint32_t tier_up_threshold_ = 1000;
  uint32_t tier_up_threads_ = 0;
  bool tier_up_synchronously_ = false;
  std::optional<std::string> target_;
  gantry::OptLevel opt_level_ = gantry::OptLevel::kSpeed;
  // In order of first setting; one entry a name.
  std::vector<std::pair<std::string, std::string>> compiler_flags_;
  uint32_t compilation_threads_ = 0;
  std::shared_ptr<environ::CompilationCache> incremental_cache_;
  std::string dump_kinds_;
  DumpSink* dump_sink_ = nullptr;
  wasm::Features features_ = wasm::Features::Default();
  wasm::ValidatorLimits limits_;
  bool consume_fuel_ = false;
  std::vector<std::pair<std::string, uint64_t>> operator_costs_;
  uint32_t fuel_bulk_bytes_ = environ::Tunables().fuel_bulk_bytes;
  gantry::EpochInterruption epoch_interruption_ = gantry::EpochInterruption::kNone;
  uint64_t max_wasm_stack_ = 512 << 10;
  std::optional<uint64_t> async_stack_size_;
  uint64_t async_stack_total_ = ~uint64_t{0};
  std::optional<uint64_t> async_stack_keep_resident_;
  bool async_stack_zeroing_ = false;
  std::optional<uint64_t> memory_reservation_;
  std::optional<uint64_t> memory_guard_size_;
  std::optional<PoolingOptions> pooling_;
  bool signals_based_traps_ = true;
  bool spectre_mitigations_ = true;
  bool nan_canonicalization_ = false;
  bool relaxed_simd_deterministic_ = false;
  bool wasm_backtrace_ = true;
  bool register_with_debuggers_ = false;
  bool register_unwind_info_ = false;
  bool coredump_on_trap_ = false;
  bool shadow_stack_ = false;
  bool collect_timing_ = false;
};

}  // namespace gantry

#endif  // GANTRY_API_CONFIG_H_
