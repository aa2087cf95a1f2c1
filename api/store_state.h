// What a Store stands for. Private to `api`.
#ifndef GANTRY_API_STORE_STATE_H_
#define GANTRY_API_STORE_STATE_H_

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "api/extern.h"
#include "api/host_definition.h"
#include "api/host_func.h"
#include "api/store.h"
#include "runtime/instance.h"
#include "runtime/store.h"

namespace gantry::api_internal {

// The store's callbacks, as the runtime asks for them.
class Interrupts final : public runtime::InterruptHandler {
 public:
  explicit Interrupts(Store& store) : store_(store) {}
  absl::Status OnInterrupt(runtime::Store& store, Reason reason) override;

  Store::FuelCallback out_of_fuel;
  Store::YieldCallback fuel_interval;
  Store::EpochCallback epoch;

 private:
  Store& store_;
};

class StoreState {
 public:
  StoreState(Engine engine, std::unique_ptr<runtime::Store> store)
      : engine_(std::move(engine)), store_(std::move(store)) {}

  const Engine& engine() const { return engine_; }
  runtime::Store& runtime() const { return *store_; }
  // A copy that lives as long as the store.
  StoreLimits& limits() { return limits_; }

  // The store's function of a definition, made when it is first asked for. `store` is the one that
  // this is the state of. May throw std::bad_alloc, as the next.
  absl::StatusOr<runtime::VMFuncRef*> HostFuncOf(
      Store& store, const std::shared_ptr<const HostDefinition>& definition);
  // The same for all that a module imports, in their order.
  absl::Span<runtime::VMFuncRef* const> HostFuncsOf(
      Store& store, const std::shared_ptr<const HostImports>& imports);

  // Made when they are first asked for. `store` is the one that this is the state of.
  Interrupts& interrupts(Store& store) {
    if (interrupts_ == nullptr) {
      interrupts_ = std::make_unique<Interrupts>(store);
      store_->SetInterruptHandler(interrupts_.get());
    }
    return *interrupts_;
  }

 private:
  struct HostFuncGroup {
    // Held, so that no others are found at its address, nor other definitions at theirs.
    std::shared_ptr<const HostImports> imports;
    std::vector<runtime::VMFuncRef*> funcs;
  };

  // Puts the functions of all groups into host_funcs_: most stores are done before anything is
  // looked up there.
  void IndexHostFuncs();

  const Engine engine_;
  // Not Abseil's, which are broken once an allocation has failed in them.
  std::unordered_map<const HostDefinition*, runtime::VMFuncRef*> host_funcs_;
  // Definitions of host_funcs_ that no group holds.
  std::vector<std::shared_ptr<const HostDefinition>> held_;
  // One for each InstancePre that was instantiated here: few.
  std::vector<HostFuncGroup> groups_;
  size_t num_indexed_ = 0;  // so many groups are in host_funcs_
  StoreLimits limits_;
  std::unique_ptr<Interrupts> interrupts_;
  const std::unique_ptr<runtime::Store> store_;
};

// A type of host functions, with trampolines, which are compiled where no module has them. Types in
// `type` are canonical or abstract.
absl::StatusOr<std::shared_ptr<const runtime::HostFunctionType>> HostFunctionTypeFor(
    const Engine& engine, const FuncType& type);

// Code that calls a callback.
HostFuncCode CodeOf(Func::RawCallback callback);

// Makes a host function in the store; trampolines for its type are compiled where no module
// has them. Types in `type` are canonical or abstract.
absl::StatusOr<runtime::VMFuncRef*> AddHostFunction(Store& store, const FuncType& type,
                                                    const HostFuncCode& code);

// A handle to what an instance exports.
Extern ToExtern(const Store& store, const runtime::Extern& definition);
// The reverse. Error: kInvalidArgument where the handle is of another store.
absl::StatusOr<runtime::Extern> ToRuntime(Store& store, const Extern& definition);

// kInvalidArgument unless a handle is of this store.
absl::Status CheckStore(const Store& store, uint64_t store_id, const char* what);

}  // namespace gantry::api_internal

#endif  // GANTRY_API_STORE_STATE_H_
