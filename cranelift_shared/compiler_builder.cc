#include "cranelift_shared/compiler_builder.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "cranelift_shared/compiler.h"
#include "cranelift_shared/isa_flags.h"
#include "cranelift_shared/support_code.h"

namespace gantry::cranelift {
namespace {

class OptimizingCompilerBuilder final : public environ::CompilerBuilder {
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

  absl::Status EnableIncrementalCompilation(
      std::shared_ptr<environ::CompilationCache> cache) override {
    cache_ = std::move(cache);
    return absl::OkStatus();
  }
  void EnableTiming() override { timing_ = true; }
  void RequireVectors() override { vectors_ = true; }

  absl::StatusOr<std::unique_ptr<environ::Compiler>> Build() const override {
    OptimizingCompilerOptions options;
    ASSIGN_OR_RETURN(options.target, ConfigureTarget(flags_, tunables_, vectors_));
    const codegen::SharedFlags& shared = options.target.target->shared_flags();
    options.timing = timing_;
    if (cache_ != nullptr && shared.pass_bisect_limit() != std::numeric_limits<uint64_t>::max()) {
      return absl::FailedPreconditionError(
          "pass_bisect_limit counts the functions of a module, which incremental compilation does "
          "not compile again: set one or the other");
    }
    options.cache = cache_;
    options.debug_info = shared.debug_info();
    options.inlining =
        shared.inlining() && shared.opt_level() != codegen::OptLevel::kNone && !options.debug_info;
    options.inline_limits = {.max_cost = static_cast<uint32_t>(shared.inline_cost()),
                             .min_growth = static_cast<uint32_t>(shared.inline_min_growth()),
                             .growth_percent = static_cast<uint32_t>(shared.inline_growth()),
                             .max_depth = static_cast<uint32_t>(shared.inline_depth()),
                             .max_recursion = static_cast<uint32_t>(shared.inline_recursion()),
                             .loops = shared.inline_loops()};
    return std::make_unique<OptimizingCompiler>(std::move(options));
  }

 private:
  IsaFlags flags_;
  environ::Tunables tunables_;
  std::shared_ptr<environ::CompilationCache> cache_;
  bool timing_ = false;
  bool vectors_ = false;
};

}  // namespace

std::unique_ptr<environ::CompilerBuilder> NewCompilerBuilder() {
  return std::make_unique<OptimizingCompilerBuilder>();
}

}  // namespace gantry::cranelift
