// Tested by runtime_only_test.cc.
#include "api/module_source.h"

namespace gantry {
namespace {

absl::Status NoCompiler() {
  return absl::UnimplementedError(
      "this program was linked without a compiler (api:runtime_only): compile the module with "
      "`gantry compile` and load the artifact with Module::Deserialize");
}

class LoadingSource : public api_internal::ModuleSource {
 public:
  absl::StatusOr<std::vector<uint8_t>> Compile(absl::Span<const uint8_t>, CompileTiming*) override {
    return NoCompiler();
  }
  absl::StatusOr<std::vector<uint8_t>> CompileText(absl::string_view, CompileTiming*) override {
    return NoCompiler();
  }
  absl::Status Validate(absl::Span<const uint8_t>) override { return NoCompiler(); }
  absl::StatusOr<std::vector<uint8_t>> CompileTrampolines(
      absl::Span<const wasm::FuncType>) override {
    return absl::UnimplementedError(
        "this program was linked without a compiler (api:runtime_only), and no module that is "
        "loaded has trampolines for the host function's type");
  }
};

}  // namespace

namespace api_internal {

absl::StatusOr<std::unique_ptr<ModuleSource>> NewModuleSource(const Config& config,
                                                              const environ::Tunables&) {
  if (config.tier_up()) {
    return absl::UnimplementedError(
        "TierUp needs compilers, and this program was linked without (api:runtime_only)");
  }
  return std::make_unique<LoadingSource>();
}

}  // namespace api_internal

absl::StatusOr<std::vector<SettingDescription>> ListCompilerSettings() { return NoCompiler(); }

}  // namespace gantry
