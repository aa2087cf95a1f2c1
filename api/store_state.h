// What a Store stands for. Private to `api`.
#ifndef GANTRY_API_STORE_STATE_H_
#define GANTRY_API_STORE_STATE_H_

#include <memory>
#include <unordered_map>
#include <utility>

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

  // The store's function of a definition: make() makes it when it is first asked for.
  template <typename Make>
  absl::StatusOr<runtime::VMFuncRef*> HostFuncOf(
      const std::shared_ptr<const HostDefinition>& definition, Make&& make) {
    const auto found = host_funcs_.find(definition.get());
    if (found != host_funcs_.end()) return found->second.func;
    absl::StatusOr<runtime::VMFuncRef*> made = make();
    if (made.ok()) host_funcs_.emplace(definition.get(), HostFunc{definition, *made});
    return made;
  }

  // Made when they are first asked for. `store` is the one that this is the state of.
  Interrupts& interrupts(Store& store) {
    if (interrupts_ == nullptr) {
      interrupts_ = std::make_unique<Interrupts>(store);
      store_->SetInterruptHandler(interrupts_.get());
    }
    return *interrupts_;
  }

 private:
  struct HostFunc {
    // Held, so that no other definition is found at its address.
    std::shared_ptr<const HostDefinition> definition;
    runtime::VMFuncRef* func;
  };

  const Engine engine_;
  std::unordered_map<const HostDefinition*, HostFunc> host_funcs_;
  StoreLimits limits_;
  std::unique_ptr<Interrupts> interrupts_;
  const std::unique_ptr<runtime::Store> store_;
};

// A type of host functions, with trampolines, which are compiled where no module has them. Types in
// `type` are canonical or abstract.
absl::StatusOr<std::shared_ptr<const runtime::HostFunctionType>> HostFunctionTypeFor(
    const Engine& engine, const FuncType& type);
runtime::VMFuncRef* AddHostFunctionOf(Store& store,
                                      std::shared_ptr<const runtime::HostFunctionType> type,
                                      Func::RawCallback callback);
runtime::VMFuncRef* AddHostFunctionOf(Store& store,
                                      std::shared_ptr<const runtime::HostFunctionType> type,
                                      const HostFuncCode& code);

// Makes a host function in the store; trampolines for its type are compiled where no module
// has them. Types in `type` are canonical or abstract.
absl::StatusOr<runtime::VMFuncRef*> AddHostFunction(Store& store, const FuncType& type,
                                                    Func::RawCallback callback);
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
