// Registers the AArch64 backend with the filetest runner. On other hosts it only compiles.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "codegen/context.h"
#include "codegen/filetest/backend.h"
#include "isa_aarch64/backend/disassembler.h"
#include "isa_aarch64/backend/isa.h"
#if defined(__aarch64__)
#include "isa_aarch64/backend/testing/native.h"
#endif

namespace gantry::aarch64 {
namespace {

using codegen::FiletestTarget;
using codegen::Function;

// The host's flags where the target names none of the ISA's, for runs; the verifier and the
// allocation checker are always on.
absl::StatusOr<std::shared_ptr<const codegen::TargetIsa>> MakeIsa(const FiletestTarget& target,
                                                                  bool infer_host) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  if (infer_host) RETURN_IF_ERROR(builder->InferHost());
  RETURN_IF_ERROR(builder->Enable("enable_verifier"));
  RETURN_IF_ERROR(builder->Enable("regalloc_checker"));
  for (const std::string& setting : target.settings) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(setting, absl::MaxSplits('=', 1));
    if (parts.second.empty()) {
      RETURN_IF_ERROR(builder->Enable(parts.first));
    } else {
      RETURN_IF_ERROR(builder->Set(parts.first, parts.second));
    }
  }
  return builder->Build();
}

#if defined(__aarch64__)
class Program final : public codegen::FiletestProgram {
 public:
  explicit Program(std::shared_ptr<const codegen::TargetIsa> isa) : native(std::move(isa)) {}
  absl::StatusOr<codegen::Outcome> Run(size_t index,
                                       absl::Span<const codegen::RawValue> args) override {
    return native.Call(index, args);
  }
  NativeProgram native;
};
#endif

class AArch64FiletestBackend final : public codegen::FiletestBackend {
 public:
  AArch64FiletestBackend(std::string name, std::vector<std::string> settings)
      : name_(std::move(name)), settings_(std::move(settings)) {}

  std::string name() const override { return name_; }

  absl::StatusOr<std::string> Compile(const Function& func, const FiletestTarget& target) override {
    ASSIGN_OR_RETURN(const auto isa, MakeIsa(target, /*infer_host=*/false));
    codegen::Context context;
    Function copy = func;
    ASSIGN_OR_RETURN(const codegen::CompiledCode code, context.Compile(copy, *isa));
    return Disassemble(code);
  }

  absl::StatusOr<std::unique_ptr<codegen::FiletestProgram>> Load(
      absl::Span<const Function* const> functions, const FiletestTarget& target) override {
#if defined(__aarch64__)
    FiletestTarget with_settings = target;
    with_settings.settings.insert(with_settings.settings.begin(), settings_.begin(),
                                  settings_.end());
    ASSIGN_OR_RETURN(auto isa, MakeIsa(with_settings, target.settings.empty() && infer_host_));
    auto program = std::make_unique<Program>(std::move(isa));
    for (const Function* func : functions) RETURN_IF_ERROR(program->native.Add(*func));
    RETURN_IF_ERROR(program->native.Link());
    return program;
#else
    (void)functions, (void)target;
    return nullptr;
#endif
  }

  void set_infer_host([[maybe_unused]] bool infer) {
#if defined(__aarch64__)
    infer_host_ = infer;
#endif
  }

 private:
  std::string name_;
  std::vector<std::string> settings_;
#if defined(__aarch64__)
  bool infer_host_ = true;
#endif
};

}  // namespace
}  // namespace gantry::aarch64

namespace gantry::codegen {

// Besides the plain backend a few that run every file under other settings.
void RegisterFiletestBackends(FiletestBackends* backends) {
  const auto add = [&](const char* name, std::vector<std::string> settings, bool infer_host) {
    auto backend = std::make_unique<aarch64::AArch64FiletestBackend>(name, std::move(settings));
    backend->set_infer_host(infer_host);
    backends->push_back(std::move(backend));
  };
  add("aarch64", {}, true);
  add("aarch64-baseline", {}, false);
  add("aarch64-spilled", {"force_spilling"}, true);
  add("aarch64-chaos", {"chaos_seed=7", "force_islands", "frameless_leaf=false"}, true);
}

}  // namespace gantry::codegen
