// The engine that only validates: modules and assertions about their validity are checked,
// every other command is skipped.
#ifndef GANTRY_WAST_VALIDATE_ENGINE_H_
#define GANTRY_WAST_VALIDATE_ENGINE_H_

#include <memory>
#include <vector>

#include "wasm_translate/module_validator.h"
#include "wast/script_engine.h"

namespace gantry::wast {

class ValidateEngine : public ScriptEngine {
 public:
  explicit ValidateEngine(const wasm::ParseOptions& options) : options_(options) {}

  absl::Status Validate(absl::Span<const uint8_t> module) override {
    return wasm::ValidateModule(module, options_);
  }
  bool executes() const override { return false; }
  absl::StatusOr<ModuleId> Compile(absl::Span<const uint8_t>) override { return OnlyValidates(); }
  absl::StatusOr<InstanceId> Instantiate(ModuleId) override { return OnlyValidates(); }
  absl::Status Register(InstanceId, absl::string_view) override { return OnlyValidates(); }
  absl::StatusOr<std::vector<Value>> Invoke(InstanceId, absl::string_view,
                                            absl::Span<const Value>) override {
    return OnlyValidates();
  }
  absl::StatusOr<Value> Get(InstanceId, absl::string_view) override { return OnlyValidates(); }
  absl::StatusOr<std::unique_ptr<ScriptEngine>> Fork(absl::Span<const InstanceId>) override {
    return OnlyValidates();
  }

 private:
  static absl::Status OnlyValidates() {
    return LacksFeature("execution", "this engine only validates");
  }

  const wasm::ParseOptions options_;
};

}  // namespace gantry::wast

#endif  // GANTRY_WAST_VALIDATE_ENGINE_H_
