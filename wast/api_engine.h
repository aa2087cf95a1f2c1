// Scripts run through the embedding API.
//
// The threads of a script share one store and take turns in it, one call after the other, which
// is one of the orders in which they may run. A call that blocks until another thread acts
// would wait for ever.
#ifndef GANTRY_WAST_API_ENGINE_H_
#define GANTRY_WAST_API_ENGINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "wast/script_engine.h"

namespace gantry::wast {

class ApiEngine : public ScriptEngine {
 public:
  // A fresh store on the engine, with `spectest` defined and with that much fuel where the
  // engine counts it. Errors as the API gives them.
  static absl::StatusOr<std::unique_ptr<ApiEngine>> Create(
      const Engine& engine, std::optional<uint64_t> fuel = std::nullopt);

  absl::Status Validate(absl::Span<const uint8_t> module) override;
  absl::StatusOr<ModuleId> Compile(absl::Span<const uint8_t> module) override;
  absl::StatusOr<InstanceId> Instantiate(ModuleId module) override;
  absl::Status Register(InstanceId instance, absl::string_view name) override;
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId instance, absl::string_view field,
                                            absl::Span<const Value> arguments) override;
  absl::StatusOr<Value> Get(InstanceId instance, absl::string_view field) override;
  absl::StatusOr<std::unique_ptr<ScriptEngine>> Fork(absl::Span<const InstanceId> shared) override;

 private:
  // What all threads of a script share.
  struct Shared {
    explicit Shared(const Engine& engine) : store(engine) {}

    // Held for each use of the store.
    std::mutex mutex;
    Store store;
  };

  ApiEngine(const Engine& engine, std::shared_ptr<Shared> shared)
      : engine_(engine), shared_(std::move(shared)), store_(shared_->store), linker_(engine) {}
  absl::Status DefineSpectest();
  absl::StatusOr<Val> ToVal(const Value& value);
  absl::StatusOr<Value> FromVal(const Val& val);
  absl::StatusOr<Value> FromAnyRef(const AnyRef& reference);
  // The reference that the script names by this number; made when it is first named.
  absl::StatusOr<ExternRef> HostReference(uint32_t number);
  // The reverse; none for a reference that the script never made.
  std::optional<uint32_t> NumberOf(const ExternRef& reference);

  const Engine engine_;
  const std::shared_ptr<Shared> shared_;
  Store& store_;
  Linker linker_;
  std::vector<Module> modules_;
  std::vector<Instance> instances_;
  // One reference for each of the script's numbers.
  std::map<uint32_t, ExternRef> extern_refs_;
};

}  // namespace gantry::wast

#endif  // GANTRY_WAST_API_ENGINE_H_
