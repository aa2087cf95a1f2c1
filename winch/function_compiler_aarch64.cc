#include "winch/aarch64_masm.h"
#include "winch/function_compiler_of.h"

namespace gantry::winch {

AArch64Features AArch64Masm::FeaturesOf(const codegen::TargetIsa& target) {
  const auto is_on = [&](const char* flag) { return target.isa_flags().Get(flag) == "true"; };
  return {.lse = is_on("has_lse"),
          .precise_stores = is_on("precise_stores"),
          .protection = aarch64::BranchProtection::Of(is_on)};
}

std::unique_ptr<FunctionCompiler> NewAArch64FunctionCompiler(
    const environ::ModuleTranslation& module, const codegen::TargetIsa& target, bool loop_frames) {
  return std::make_unique<FunctionCompilerOf<AArch64Masm>>(module, target, loop_frames);
}

}  // namespace gantry::winch
