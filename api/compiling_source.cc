// Tested by api_test.cc.
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "api/module_source.h"
#include "base/status_macros.h"
#include "environ/translation/compiler.h"
#include "environ/translation/module_translation.h"
#include "jit/compile.h"
#include "jit/tier_manager.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace api_internal {
namespace {

jit::Strategy ToJit(Strategy strategy) {
  switch (strategy) {
    case Strategy::kAuto:
      return jit::Strategy::kAuto;
    case Strategy::kOptimizing:
      return jit::Strategy::kOptimizing;
    case Strategy::kWinch:
      return jit::Strategy::kWinch;
    case Strategy::kMixed:
      return jit::Strategy::kMixed;
  }
  UNREACHABLE() << "not an enumerator";
}

const char* FormName(environ::Form form) {
  switch (form) {
    case environ::Form::kIr:
      return "ir";
    case environ::Form::kVcode:
      return "vcode";
    case environ::Form::kAssembly:
      return "asm";
    case environ::Form::kIrPasses:
      return "ir-passes";
  }
  UNREACHABLE() << "not an enumerator";
}

absl::StatusOr<std::vector<environ::Form>> ParseForms(absl::string_view kinds) {
  std::vector<environ::Form> forms;
  for (absl::string_view kind : absl::StrSplit(kinds, ',', absl::SkipEmpty())) {
    kind = absl::StripAsciiWhitespace(kind);
    if (kind == "ir") {
      forms.push_back(environ::Form::kIr);
    } else if (kind == "vcode") {
      forms.push_back(environ::Form::kVcode);
    } else if (kind == "asm") {
      forms.push_back(environ::Form::kAssembly);
    } else if (kind == "ir-passes") {
      forms.push_back(environ::Form::kIrPasses);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no form \"", kind,
                       "\" of code to print; there are: ir, ir-passes, vcode, asm"));
    }
  }
  return forms;
}

class CompilingSource : public ModuleSource {
 public:
  CompilingSource(std::unique_ptr<environ::Compiler> compiler, jit::CompileOptions options,
                  std::unique_ptr<jit::TierManager> tiers)
      : compiler_(std::move(compiler)), options_(std::move(options)), tiers_(std::move(tiers)) {}

  absl::StatusOr<std::vector<uint8_t>> Compile(absl::Span<const uint8_t> bytes,
                                               CompileTiming* timing) override {
    if (timing == nullptr) return jit::CompileModule(*compiler_, bytes, options_);
    const auto start = std::chrono::steady_clock::now();
    const std::vector<environ::PhaseTime> before = compiler_->Timing();
    jit::CompileStats stats;
    absl::StatusOr<std::vector<uint8_t>> artifact =
        jit::CompileModule(*compiler_, bytes, options_, &stats);
    timing->wall = absl::FromChrono(std::chrono::steady_clock::now() - start);
    timing->functions = stats.functions;
    timing->wasm_bytes = bytes.size();
    timing->code_bytes = stats.code_bytes;
    timing->inlined_calls = stats.inlined_calls;
    // The time in functions is shown by the compiler's own phases.
    for (const jit::CompileStats::Phase& phase : stats.phases) {
      if (phase.name == "functions") {
        AppendCompilerPhases(before, timing);
      } else {
        timing->phases.push_back({phase.name, absl::Nanoseconds(phase.nanoseconds), phase.work});
      }
    }
    return artifact;
  }

  absl::StatusOr<std::vector<uint8_t>> CompileText(absl::string_view text,
                                                   CompileTiming* timing) override {
    if (text.size() > wasm::text::SourceText::kMaxSize) {
      return absl::InvalidArgumentError(absl::StrCat("too large for a text: ", text.size(),
                                                     " bytes, the limit is ",
                                                     wasm::text::SourceText::kMaxSize));
    }
    const wasm::text::SourceText source("<text>", text);
    wasm::text::TextOptions with_places;
    with_places.places = true;
    ASSIGN_OR_RETURN(const wasm::text::TextModule module,
                     wasm::text::ParseText(source, with_places));
    absl::StatusOr<std::vector<uint8_t>> artifact = Compile(module.bytes, timing);
    if (artifact.ok()) return artifact;
    return wasm::text::WithTextPlace(artifact.status(), module, source);
  }

  absl::Status Validate(absl::Span<const uint8_t> bytes) override {
    return wasm::ValidateModule(bytes,
                                {options_.translation.features, options_.translation.limits});
  }

  absl::StatusOr<std::vector<uint8_t>> CompileTrampolines(
      absl::Span<const wasm::FuncType> types) override {
    return jit::CompileTrampolines(*compiler_, types);
  }

  std::shared_ptr<runtime::TierUp> TierUpOf(std::shared_ptr<const runtime::CodeObject> code,
                                            environ::ModuleId id) override {
    return tiers_ == nullptr ? nullptr : tiers_->NewModule(std::move(code), id);
  }
  std::optional<TierUpStats> tier_up_stats() const override {
    if (tiers_ == nullptr) return std::nullopt;
    const jit::TierStats stats = tiers_->stats();
    return TierUpStats{stats.requested, stats.optimized, stats.refused, stats.code_bytes};
  }
  void WaitForTierUp() const override {
    if (tiers_ != nullptr) tiers_->Wait();
  }

 private:
  void AppendCompilerPhases(const std::vector<environ::PhaseTime>& before,
                            CompileTiming* timing) const {
    for (const environ::PhaseTime& phase : compiler_->Timing()) {
      uint64_t nanoseconds = phase.nanoseconds;
      uint64_t work = phase.work;
      for (const environ::PhaseTime& earlier : before) {
        if (earlier.name != phase.name) continue;
        nanoseconds -= earlier.nanoseconds;
        work -= earlier.work;
      }
      timing->phases.push_back(
          {phase.name, absl::Nanoseconds(nanoseconds), work, phase.is_part, phase.note});
    }
  }

  const std::unique_ptr<environ::Compiler> compiler_;
  const jit::CompileOptions options_;
  // Null without tier-up.
  const std::unique_ptr<jit::TierManager> tiers_;
};

absl::StatusOr<std::unique_ptr<environ::Compiler>> BuildCompiler(
    const Config& config, const environ::Tunables& tunables, const jit::CompilerOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<environ::CompilerBuilder> builder,
                   jit::NewCompilerBuilder(options));
  if (config.target()) RETURN_IF_ERROR(builder->Target(*config.target()));
  RETURN_IF_ERROR(builder->SetTunables(tunables));
  if (config.collect_timing()) builder->EnableTiming();
  // Of tier-up the optimizing compiler's functions alone are kept.
  const bool is_first_tier = config.tier_up() && options.strategy == jit::Strategy::kWinch;
  if (config.incremental_cache() != nullptr && !is_first_tier) {
    RETURN_IF_ERROR(builder->EnableIncrementalCompilation(config.incremental_cache()));
  }
  if (config.features().Has(wasm::Feature::kSimd)) builder->RequireVectors();
  for (const auto& [name, value] : config.compiler_flags()) {
    RETURN_IF_ERROR(builder->Set(name, value));
  }
  return builder->Build();
}

// The optimizing compiler on threads of its own, for functions of the baseline compiler.
absl::StatusOr<std::unique_ptr<jit::TierManager>> NewTierManager(
    const Config& config, const environ::Tunables& tunables,
    const environ::TranslationOptions& translation) {
  ASSIGN_OR_RETURN(std::unique_ptr<environ::Compiler> optimizing,
                   BuildCompiler(config, tunables, {.strategy = jit::Strategy::kOptimizing}));
  jit::TierOptions options;
  options.translation = translation;
  options.compile_budget = config.compile_budget();
  options.threads = config.tier_up_threads();
  options.synchronous = config.tier_up_synchronously();
  options.register_unwind_info = GANTRY_DCHECK_IS_ON() || config.register_unwind_info();
  options.register_debugger = config.register_with_debuggers();
  return std::make_unique<jit::TierManager>(std::move(optimizing), options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModuleSource>> NewModuleSource(const Config& config,
                                                              const environ::Tunables& tunables) {
  jit::CompilerOptions compiler_options;
  compiler_options.strategy = config.tier_up() ? jit::Strategy::kWinch : ToJit(config.strategy());
  compiler_options.mixed_seed = config.mixed_seed();
  compiler_options.compile_budget = config.compile_budget();
  absl::StatusOr<std::unique_ptr<environ::Compiler>> compiler =
      BuildCompiler(config, tunables, compiler_options);
  if (!compiler.ok()) {
    if (!config.tier_up()) return compiler.status();
    const absl::string_view why(compiler.status().message().data(),
                                compiler.status().message().size());
    return absl::Status(compiler.status().code(), absl::StrCat("TierUp: ", why));
  }
  jit::CompileOptions options;
  options.translation.tunables = tunables;
  options.translation.features = config.features();
  options.translation.limits = config.module_limits();
  options.threads = config.compilation_threads();
  if (config.dump_sink() != nullptr) {
    ASSIGN_OR_RETURN(options.explain, ParseForms(config.dump_kinds()));
    options.explain_sink = [sink = config.dump_sink()](environ::Form form,
                                                       const environ::FuncKey& key,
                                                       absl::string_view text) {
      sink->Dump(FormName(form), key.Symbol(), text);
    };
  }
  std::unique_ptr<jit::TierManager> tiers;
  if (config.tier_up()) {
    ASSIGN_OR_RETURN(tiers, NewTierManager(config, tunables, options.translation));
  }
  return std::make_unique<CompilingSource>(*std::move(compiler), std::move(options),
                                           std::move(tiers));
}

}  // namespace api_internal

absl::StatusOr<std::vector<SettingDescription>> ListCompilerSettings() {
  ASSIGN_OR_RETURN(const std::unique_ptr<environ::CompilerBuilder> builder,
                   jit::NewCompilerBuilder(jit::Strategy::kAuto));
  std::vector<SettingDescription> settings;
  for (const environ::SettingInfo& info : builder->Settings()) {
    settings.push_back(
        {info.name, info.accepted, info.default_value, info.group, info.description});
  }
  return settings;
}

}  // namespace gantry
