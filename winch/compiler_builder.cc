#include "winch/compiler_builder.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cranelift_shared/isa_flags.h"
#include "cranelift_shared/support_code.h"
#include "winch/compiler.h"

namespace gantry::winch {
namespace {

class BaselineCompilerBuilder final : public environ::CompilerBuilder {
 public:
  absl::Status Target(absl::string_view triple) override { return flags_.SetTarget(triple); }
  std::string triple() const override { return flags_.triple(); }
  absl::Status Set(absl::string_view name, absl::string_view value) override {
    return flags_.Set(name, value);
  }
  absl::Status Enable(absl::string_view name) override { return flags_.Enable(name); }
  std::vector<environ::SettingInfo> Settings() const override { return flags_.Settings(); }

  absl::Status SetTunables(const environ::Tunables& tunables) override {
    tunables_ = tunables;
    return absl::OkStatus();
  }
  const environ::Tunables& tunables() const override { return tunables_; }

  absl::Status EnableIncrementalCompilation(std::shared_ptr<environ::CompilationCache>) override {
    return absl::UnimplementedError("the baseline compiler (winch) has no incremental compilation");
  }
  void EnableTiming() override { timing_ = true; }
  void RecordLoopFrames() override { loop_frames_ = true; }
  void RequireVectors() override { vectors_ = true; }

  absl::StatusOr<std::unique_ptr<environ::Compiler>> Build() const override {
    ASSIGN_OR_RETURN(cranelift::ConfiguredTarget target,
                     cranelift::ConfigureTarget(flags_, tunables_, vectors_));
    const FunctionCompilerFactory factory = FactoryFor(target.isa->name());
    if (factory == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("there is no baseline compiler (winch) for ", target.isa->name()));
    }
    return std::make_unique<BaselineCompiler>(std::move(target), factory, loop_frames_, timing_);
  }

 private:
  cranelift::IsaFlags flags_;
  environ::Tunables tunables_;
  bool loop_frames_ = false;
  bool timing_ = false;
  bool vectors_ = false;
};

}  // namespace

std::unique_ptr<environ::CompilerBuilder> NewCompilerBuilder() {
  return std::make_unique<BaselineCompilerBuilder>();
}

}  // namespace gantry::winch
