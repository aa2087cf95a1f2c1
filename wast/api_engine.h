// Scripts run through the embedding API, each thread of one in a store of its own.
#ifndef GANTRY_WAST_API_ENGINE_H_
#define GANTRY_WAST_API_ENGINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
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
  struct Options {
    // What a store starts with, where the engine counts it.
    std::optional<uint64_t> fuel;
    // Whether modules are instantiated and functions called on stacks of their own (api/async.h).
    bool async = false;
  };

  // A fresh store on the engine, with `spectest` defined. Errors as the API gives them.
  static absl::StatusOr<std::unique_ptr<ApiEngine>> Create(const Engine& engine,
                                                           const Options& options);
  static absl::StatusOr<std::unique_ptr<ApiEngine>> Create(const Engine& engine) {
    return Create(engine, Options());
  }

  absl::Status Validate(absl::Span<const uint8_t> module) override;
  absl::StatusOr<ModuleId> Compile(absl::Span<const uint8_t> module) override;
  absl::StatusOr<InstanceId> Instantiate(ModuleId module) override;
  absl::Status Register(InstanceId instance, absl::string_view name) override;
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId instance, absl::string_view field,
                                            absl::Span<const Value> arguments) override;
  absl::StatusOr<Value> Get(InstanceId instance, absl::string_view field) override;
  absl::StatusOr<std::unique_ptr<ScriptEngine>> Fork(absl::Span<const InstanceId> shared) override;

 private:
  // A module's instance, or what a thread sees of one that lives in another store: the shared
  // memories that it exports.
  struct Held {
    std::optional<Instance> instance;
    std::vector<std::pair<std::string, SharedMemory>> memories;
  };

  ApiEngine(const Engine& engine, const Options& options)
      : engine_(engine), options_(options), store_(engine), linker_(engine) {}
  absl::Status DefineSpectest();
  absl::StatusOr<Instance> InstanceOf(InstanceId instance) const;
  // Name and handle of each shared memory that an instance exports.
  absl::StatusOr<std::vector<std::pair<std::string, SharedMemory>>> SharedMemoriesOf(
      InstanceId instance);
  absl::StatusOr<Val> ToVal(const Value& value);
  absl::StatusOr<Value> FromVal(const Val& val);
  absl::StatusOr<Value> FromAnyRef(const AnyRef& reference);
  // The reference that the script names by this number; made when it is first named.
  absl::StatusOr<ExternRef> HostReference(uint32_t number);
  // The reverse; none for a reference that the script never made.
  std::optional<uint32_t> NumberOf(const ExternRef& reference);

  const Engine engine_;
  const Options options_;
  Store store_;
  Linker linker_;
  std::vector<Module> modules_;
  std::vector<Held> instances_;
  // One reference for each of the script's numbers.
  std::map<uint32_t, ExternRef> extern_refs_;
};

}  // namespace gantry::wast

#endif  // GANTRY_WAST_API_ENGINE_H_
