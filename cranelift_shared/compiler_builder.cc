#include "cranelift_shared/compiler_builder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cranelift_shared/compiler.h"
#include "cranelift_shared/isa_flags.h"
#include "environ/core/trap_code.h"
#include "environ/core/vm_offsets.h"

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
    if (!tunables.signals_based_traps) {
      return absl::UnimplementedError(
          "the optimizing compiler needs signals_based_traps: its code traps by instructions "
          "that fault");
    }
    tunables_ = tunables;
    return absl::OkStatus();
  }
  const environ::Tunables& tunables() const override { return tunables_; }

  absl::Status EnableIncrementalCompilation(std::shared_ptr<environ::CompilationCache>) override {
    return absl::UnimplementedError("the optimizing compiler has no incremental compilation");
  }
  void EnableTiming() override { timing_ = true; }
  void RequireVectors() override { vectors_ = true; }

  absl::StatusOr<std::unique_ptr<environ::Compiler>> Build() const override {
    // What the engine's tunables say of code generation; flags set by name come after.
    const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
    ASSIGN_OR_RETURN(const ConfiguredIsa configured,
                     flags_.Configure({{"opt_level", tunables_.opt_level == 0 ? "none" : "speed"},
                                       {"spectre_mitigation", text(tunables_.spectre_masking)},
                                       {"address_map", text(tunables_.generate_address_map)},
                                       {"unwind_info", text(tunables_.generate_unwind_info)}}));
    configured.builder->set_stack_limit(
        {.enabled = true,
         .store_offset = environ::VMContextOffsets::kStore,
         .limit_offset = environ::VMStoreContextOffsets::kStackLimit,
         .code = static_cast<codegen::TrapCode>(
             static_cast<uint8_t>(environ::TrapCode::kCallStackExhausted))});
    OptimizingCompilerOptions options;
    options.isa = configured.isa;
    ASSIGN_OR_RETURN(options.target, configured.builder->Build());
    const absl::string_view missing = options.target->missing_for_vectors();
    if (vectors_ && !missing.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("vectors (the feature simd) need the ",
                                                        options.target->name(), " flag '", missing,
                                                        "', which is off"));
    }
    options.tunables = tunables_;
    const codegen::SharedFlags& shared = options.target->shared_flags();
    options.text.padding =
        std::max<uint64_t>(shared.padding(), tunables_.padding_between_functions);
    options.text.force_jump_veneer = shared.force_jump_veneer() || tunables_.force_jump_veneer;
    options.timing = timing_;
    options.inlining = shared.inlining() && shared.opt_level() != codegen::OptLevel::kNone;
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
  bool timing_ = false;
  bool vectors_ = false;
};

}  // namespace

std::unique_ptr<environ::CompilerBuilder> NewCompilerBuilder() {
  return std::make_unique<OptimizingCompilerBuilder>();
}

}  // namespace gantry::cranelift
