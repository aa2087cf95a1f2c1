// Engine: a configuration made real: compilers picked, settings checked, signal handlers in
// place, types and code registered. Shared by all modules and stores made from it, and safe
// to use from any number of threads. A copy is another handle to the same engine.
//
//   ASSIGN_OR_RETURN(gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
#ifndef GANTRY_API_ENGINE_H_
#define GANTRY_API_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "api/config.h"

namespace gantry {

namespace api_internal {
class EngineState;
}

// Functions that tier-up has dealt with.
struct TierUpStats {
  uint64_t requested = 0;   // found to be hot
  uint64_t optimized = 0;   // of them: how many have optimized code
  uint64_t refused = 0;     // how many stay as they are: too large, out of memory, module gone
  uint64_t code_bytes = 0;  // of optimized code
};

class Engine {
 public:
  // Errors: kInvalidArgument naming every setting that conflicts or has a bad value;
  // kUnimplemented naming a compiler or target that is not linked; kResourceExhausted.
  static absl::StatusOr<Engine> Create(const Config& config);

  const Config& config() const;

  // Counts the epoch: stores whose deadline it is are interrupted, where Config::EpochInterruption
  // says how. From any thread, and async-signal-safe.
  void IncrementEpoch() const;

  // How far tier-up (Config::TierUp) has got, in all modules; nothing without it.
  std::optional<TierUpStats> tier_up_stats() const;
  // Until the functions that were found to be hot so far have better code, or stay as they are.
  void WaitForTierUp() const;

  // Whether both are handles to the same engine.
  friend bool operator==(const Engine& a, const Engine& b) { return a.state_ == b.state_; }

  // For the other classes of the API.
  const std::shared_ptr<api_internal::EngineState>& state() const { return state_; }

 private:
  explicit Engine(std::shared_ptr<api_internal::EngineState> state) : state_(std::move(state)) {}
  // May throw std::bad_alloc.
  static absl::StatusOr<Engine> CreateOrThrow(const Config& config);
  std::shared_ptr<api_internal::EngineState> state_;
};

// A setting of the code generator, for listings.
struct SettingDescription {
  std::string name;
  std::string type;  // "bool", "enum {none, speed}", "number"
  std::string default_value;
  std::string group;  // "shared", or the ISA's name
  std::string help;
};

// Every setting that Config::CompilerFlag takes, for the host's ISA.
// Error: kUnimplemented where no compiler is linked.
absl::StatusOr<std::vector<SettingDescription>> ListCompilerSettings();

}  // namespace gantry

#endif  // GANTRY_API_ENGINE_H_
