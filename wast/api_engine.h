// Scripts run through the embedding API.
#ifndef GANTRY_WAST_API_ENGINE_H_
#define GANTRY_WAST_API_ENGINE_H_

#include <map>
#include <memory>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/store.h"
#include "wast/script_engine.h"

namespace gantry::wast {

class ApiEngine : public ScriptEngine {
 public:
  // A fresh store on the engine, with `spectest` defined. Errors as the API gives them.
  static absl::StatusOr<std::unique_ptr<ApiEngine>> Create(const Engine& engine);

  absl::Status Validate(absl::Span<const uint8_t> module) override;
  absl::StatusOr<InstanceId> Instantiate(absl::Span<const uint8_t> module) override;
  absl::Status Register(InstanceId instance, absl::string_view name) override;
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId instance, absl::string_view field,
                                            absl::Span<const Value> arguments) override;
  absl::StatusOr<Value> Get(InstanceId instance, absl::string_view field) override;

 private:
  explicit ApiEngine(const Engine& engine) : engine_(engine), store_(engine), linker_(engine) {}
  absl::Status DefineSpectest();
  absl::StatusOr<Val> ToVal(const Value& value);
  absl::StatusOr<Value> FromVal(const Val& val);

  const Engine engine_;
  Store store_;
  Linker linker_;
  std::vector<Instance> instances_;
  // One reference for each of the script's numbers.
  std::map<uint64_t, ExternRef> extern_refs_;
};

}  // namespace gantry::wast

#endif  // GANTRY_WAST_API_ENGINE_H_
