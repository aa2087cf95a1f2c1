#include "jit/composite_compiler.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "environ/translation/compile_error.h"
#include "jit/compile_estimate.h"

namespace gantry::jit {
namespace {

using environ::CompiledFunction;
using environ::Compiler;
using environ::FuncKey;
using environ::ModuleTranslation;

// The finalizer of MurmurHash3, by A. Appleby: every bit of the result hangs on all of `x`.
uint64_t Mix(uint64_t x) {
  x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD;
  x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53;
  return x ^ x >> 33;
}

class CompositeCompiler final : public Compiler {
 public:
  CompositeCompiler(std::unique_ptr<Compiler> optimizing, std::unique_ptr<Compiler> baseline,
                    const CompositeOptions& options, bool timing)
      : optimizing_(std::move(optimizing)),
        baseline_(std::move(baseline)),
        options_(options),
        timing_(timing) {}

  absl::string_view name() const override {
    return options_.mixed_seed.has_value() ? "mixed" : optimizing_->name();
  }
  absl::string_view triple() const override { return optimizing_->triple(); }
  environ::SettingValues flags() const override { return optimizing_->flags(); }
  environ::SettingValues isa_flags() const override { return optimizing_->isa_flags(); }
  bool marks_branch_targets() const override { return optimizing_->marks_branch_targets(); }
  const environ::Tunables& tunables() const override { return optimizing_->tunables(); }
  uint32_t page_alignment() const override { return optimizing_->page_alignment(); }

  absl::Status CompileFunction(const ModuleTranslation& module, const FuncKey& key,
                               CompiledFunction& out) const override {
    if (options_.mixed_seed.has_value()) {
      const bool baseline = (Mix(*options_.mixed_seed ^ Mix(key.packed())) & 1) != 0;
      return (baseline ? baseline_ : optimizing_)->CompileFunction(module, key, out);
    }
    const wasm::FunctionBody& body = module.parsed.bodies[key.defined_function()];
    uint64_t estimate = 0;
    if (timing_ || MaxCompileEstimate(module, body) > options_.budget) {
      estimate = CompileEstimate(module, body);
      units_ += estimate;
    }
    if (estimate <= options_.budget) {
      const absl::Status status = optimizing_->CompileFunction(module, key, out);
      if (environ::GetCompileErrorKind(status) != environ::CompileErrorKind::kTooLarge) {
        return status;
      }
    }
    if (timing_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      beyond_.emplace_back(key, estimate);
    }
    return baseline_->CompileFunction(module, key, out);
  }

  absl::Status CompileTrampoline(const ModuleTranslation& module, const FuncKey& key,
                                 CompiledFunction& out) const override {
    return optimizing_->CompileTrampoline(module, key, out);
  }
  absl::Status CompileBuiltinShim(const FuncKey& key, CompiledFunction& out) const override {
    return optimizing_->CompileBuiltinShim(key, out);
  }
  absl::StatusOr<environ::LinkedText> AppendText(
      absl::Span<const environ::NamedFunction> functions) const override {
    return optimizing_->AppendText(functions);
  }
  absl::StatusOr<std::string> Explain(const ModuleTranslation& module, const FuncKey& key,
                                      environ::Form form) const override {
    return optimizing_->Explain(module, key, form);
  }
  void ReleaseMemory() const override {
    optimizing_->ReleaseMemory();
    baseline_->ReleaseMemory();
  }

  std::vector<environ::PhaseTime> Timing() const override {
    std::vector<environ::PhaseTime> phases = optimizing_->Timing();
    if (!timing_) return phases;
    for (environ::PhaseTime phase : baseline_->Timing()) {
      phase.name = absl::StrCat("winch: ", phase.name);
      phases.push_back(std::move(phase));
    }
    phases.push_back({.name = "estimate", .nanoseconds = 0, .work = units_.load()});
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::pair<FuncKey, uint64_t>> beyond = beyond_;
    std::sort(beyond.begin(), beyond.end());
    for (const auto& [key, estimate] : beyond) {
      phases.push_back({.name = absl::StrCat("winch: ", key.Symbol()),
                        .nanoseconds = 0,
                        .work = estimate,
                        .is_part = true,
                        .note = "beyond the compile budget or too large to optimize"});
    }
    return phases;
  }

 private:
  const std::unique_ptr<Compiler> optimizing_;
  const std::unique_ptr<Compiler> baseline_;
  const CompositeOptions options_;
  const bool timing_;
  mutable std::atomic<uint64_t> units_{0};
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<FuncKey, uint64_t>> beyond_;  // guarded by mutex_
};

class CompositeBuilder final : public environ::CompilerBuilder {
 public:
  CompositeBuilder(std::unique_ptr<environ::CompilerBuilder> optimizing,
                   std::unique_ptr<environ::CompilerBuilder> baseline,
                   const CompositeOptions& options)
      : optimizing_(std::move(optimizing)), baseline_(std::move(baseline)), options_(options) {}

  absl::Status Target(absl::string_view triple) override {
    RETURN_IF_ERROR(optimizing_->Target(triple));
    return baseline_->Target(triple);
  }
  std::string triple() const override { return optimizing_->triple(); }
  absl::Status Set(absl::string_view name, absl::string_view value) override {
    RETURN_IF_ERROR(optimizing_->Set(name, value));
    return baseline_->Set(name, value);
  }
  absl::Status Enable(absl::string_view name) override {
    RETURN_IF_ERROR(optimizing_->Enable(name));
    return baseline_->Enable(name);
  }
  std::vector<environ::SettingInfo> Settings() const override { return optimizing_->Settings(); }
  absl::Status SetTunables(const environ::Tunables& tunables) override {
    RETURN_IF_ERROR(optimizing_->SetTunables(tunables));
    const absl::Status status = baseline_->SetTunables(tunables);
    has_baseline_ = status.ok();
    return options_.mixed_seed.has_value() ? status : absl::OkStatus();
  }
  const environ::Tunables& tunables() const override { return optimizing_->tunables(); }
  void RecordLoopFrames() override {
    optimizing_->RecordLoopFrames();
    baseline_->RecordLoopFrames();
  }
  void RequireVectors() override {
    optimizing_->RequireVectors();
    baseline_->RequireVectors();
  }
  absl::Status EnableIncrementalCompilation(
      std::shared_ptr<environ::CompilationCache> cache) override {
    return optimizing_->EnableIncrementalCompilation(std::move(cache));
  }
  void EnableTiming() override {
    optimizing_->EnableTiming();
    baseline_->EnableTiming();
    timing_ = true;
  }
  absl::StatusOr<std::unique_ptr<Compiler>> Build() const override {
    ASSIGN_OR_RETURN(std::unique_ptr<Compiler> optimizing, optimizing_->Build());
    if (!has_baseline_) return optimizing;
    absl::StatusOr<std::unique_ptr<Compiler>> baseline = baseline_->Build();
    if (!baseline.ok()) {
      if (options_.mixed_seed.has_value()) return baseline.status();
      return optimizing;
    }
    return std::make_unique<CompositeCompiler>(std::move(optimizing), *std::move(baseline),
                                               options_, timing_);
  }

 private:
  const std::unique_ptr<environ::CompilerBuilder> optimizing_;
  const std::unique_ptr<environ::CompilerBuilder> baseline_;
  const CompositeOptions options_;
  bool has_baseline_ = true;
  bool timing_ = false;
};

}  // namespace

std::unique_ptr<environ::CompilerBuilder> NewCompositeBuilder(
    std::unique_ptr<environ::CompilerBuilder> optimizing,
    std::unique_ptr<environ::CompilerBuilder> baseline, const CompositeOptions& options) {
  return std::make_unique<CompositeBuilder>(std::move(optimizing), std::move(baseline), options);
}

}  // namespace gantry::jit
