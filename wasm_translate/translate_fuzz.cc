// Validator against translator, on generated modules and on those with bytes changed: what
// validates is translated, to IR that the verifier accepts, or refused for an operator or
// type that is not compiled; what does not validate is refused with the validator's own
// error. Modules of the features that are compiled are never refused.
//
// The first bytes of the input choose features and changes, the others the module.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "codegen/ir/function.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_generator.h"
#include "wasm_translate/testing/plain_environment.h"
#include "wasm_translate/translator.h"

namespace {

using namespace gantry;
using namespace gantry::wasm;

// All that is translated whole.
Features CompiledFeatures() {
  Features features = Features::All();
  for (const Feature feature : {Feature::kGc, Feature::kExceptions}) {
    features.Set(feature, false);
  }
  return features;
}

struct Surroundings {
  Features features;
  bool check_bounds = false;
  TranslationChoices choices;
};

void CheckModule(const std::vector<uint8_t>& bytes, const Surroundings& surroundings) {
  const Features features = surroundings.features;
  ParseOptions options;
  options.features = features;
  const absl::StatusOr<Module> module = ParseModule(bytes, options);
  if (!module.ok()) return;
  testing::PlainEnvironment environment(*module);
  environment.set_check_bounds(surroundings.check_bounds);
  environment.set_choices(surroundings.choices);
  NoVisitor none;
  FunctionValidator<NoVisitor> validator(*module, options.features, options.limits);
  FunctionTranslator translator(*module, options.features, options.limits);
  InlineLimits inline_limits;
  inline_limits.max_cost = 200;
  inline_limits.min_growth = 1000;
  inline_limits.loops = true;
  const InlinePlan plan(*module, options.features, options.limits, inline_limits);
  codegen::Function func;
  for (const FunctionBody& body : module->bodies) {
    const absl::Status valid = validator.Run(body, none);
    translator.set_inline_plan(nullptr);
    const absl::Status plain = translator.Translate(body, environment, &func);
    translator.set_inline_plan(&plan);
    const absl::Status translated = translator.Translate(body, environment, &func);
    CHECK(plain == translated) << body.func << ": " << plain << " and " << translated;
    if (!valid.ok()) {
      CHECK(translated == valid) << body.func << ": " << valid << " and " << translated;
    } else if (translated.ok()) {
      const absl::Status verified = codegen::VerifyFunction(func);
      CHECK(verified.ok()) << verified << "\n" << codegen::PrintFunction(func);
    } else {
      CHECK(absl::IsUnimplemented(translated)) << translated;
      CHECK(!(features == Features::Wasm2Scalar() || features == CompiledFeatures())) << translated;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoices = 40;
  testing::ByteSource choices({data, std::min(size, kChoices)});
  testing::ByteSource source({data + std::min(size, kChoices), size - std::min(size, kChoices)});
  testing::GeneratorOptions options;
  Surroundings surroundings;
  surroundings.check_bounds = choices.Percent(50);
  const size_t set = choices.Below(3);
  surroundings.features = set == 0   ? Features::All()
                          : set == 1 ? Features::Wasm2Scalar()
                                     : CompiledFeatures();
  surroundings.choices.canonical_nans = choices.Percent(30);
  codegen::RelaxedChoices& relaxed = surroundings.choices.relaxed;
  for (bool* choice : {&relaxed.fused_multiply_add, &relaxed.masked_swizzle,
                       &relaxed.blend_by_top_bit, &relaxed.indefinite_conversions,
                       &relaxed.pseudo_min_max, &relaxed.unsigned_dot, &relaxed.unsigned_dot_add}) {
    *choice = choices.Percent(50);
  }
  options.features = surroundings.features;
  std::vector<uint8_t> module = testing::GenerateModule(source, options);
  CheckModule(module, surroundings);
  for (int i = 0; i < 4; ++i) {
    testing::ChangeByte(choices, &module);
    CheckModule(module, surroundings);
  }
  return 0;
}
