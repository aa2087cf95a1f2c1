#include "winch/function_compiler_of.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

X64Features X64Masm::FeaturesOf(const codegen::TargetIsa& target) {
  const codegen::FlagSet& flags = target.isa_flags();
  const auto has = [&](absl::string_view name) { return flags.Get(name) == "true"; };
  X64Features features;
  features.sse41 = has("has_sse41");
  features.sse42 = has("has_sse42");
  features.popcnt = has("has_popcnt");
  features.bmi1 = has("has_bmi1");
  features.bmi2 = has("has_bmi2");
  features.lzcnt = has("has_lzcnt");
  return features;
}

std::unique_ptr<FunctionCompiler> NewX64FunctionCompiler(const environ::ModuleTranslation& module,
                                                         const codegen::TargetIsa& target,
                                                         bool loop_frames) {
  return std::make_unique<FunctionCompilerOf<X64Masm>>(module, target, loop_frames);
}

}  // namespace gantry::winch
