// OptimizingCompiler: environ::Compiler by way of the IR. The way of one function is
// CompileFunction; to read first.
#ifndef GANTRY_CRANELIFT_SHARED_COMPILER_H_
#define GANTRY_CRANELIFT_SHARED_COMPILER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cranelift_shared/incremental.h"
#include "cranelift_shared/support_code.h"
#include "environ/translation/compiler.h"
#include "wasm_translate/inline_plan.h"

namespace gantry::cranelift {

struct OptimizingCompilerOptions {
  ConfiguredTarget target;
  bool timing = false;
  // Where to look for functions first; null for nowhere.
  std::shared_ptr<environ::CompilationCache> cache;
  // Whether calls within a module are inlined, and how far.
  bool inlining = false;
  // What locals hold is kept in the frame, and the mid-end does not run.
  bool debug_info = false;
  wasm::InlineLimits inline_limits;
};

class OptimizingCompiler final : public environ::Compiler {
 public:
  explicit OptimizingCompiler(OptimizingCompilerOptions options);
  ~OptimizingCompiler() override;

  absl::string_view name() const override { return "cranelift"; }
  absl::string_view triple() const override;
  environ::SettingValues flags() const override;
  environ::SettingValues isa_flags() const override;
  bool marks_branch_targets() const override;
  const environ::Tunables& tunables() const override { return options_.target.tunables; }
  uint32_t page_alignment() const override;

  absl::Status CompileFunction(const environ::ModuleTranslation& module,
                               const environ::FuncKey& key,
                               environ::CompiledFunction& out) const override;
  absl::Status CompileTrampoline(const environ::ModuleTranslation& module,
                                 const environ::FuncKey& key,
                                 environ::CompiledFunction& out) const override;
  absl::Status CompileBuiltinShim(const environ::FuncKey& key,
                                  environ::CompiledFunction& out) const override;
  absl::StatusOr<environ::LinkedText> AppendText(
      absl::Span<const environ::NamedFunction> functions) const override;
  absl::StatusOr<std::string> Explain(const environ::ModuleTranslation& module,
                                      const environ::FuncKey& key,
                                      environ::Form form) const override;
  void ReleaseMemory() const override;
  std::vector<environ::PhaseTime> Timing() const override;

 private:
  // What one thread needs to compile, kept for its next function.
  struct Worker;
  // Times and steps of workers.
  struct Totals;
  // Holds a worker while it is in use.
  class Lease;

  // Translates the body into the worker's function; a body that uses what the compiler does
  // not have becomes one that traps when it is called, and `missing` says why.
  absl::Status Translate(const environ::ModuleTranslation& module, const environ::FuncKey& key,
                         Worker& worker, std::optional<wasm::Unimplemented>& missing) const;

  // What is found out once about a module, by the first who asks.
  struct ModuleFacts {
    // What may be inlined; none where nothing is.
    std::optional<wasm::InlinePlan> plan;
    // Null without a cache.
    std::shared_ptr<const IncrementalCache::ModuleDigests> digests;
  };
  std::shared_ptr<const ModuleFacts> FactsOf(const environ::ModuleTranslation& module) const;
  // Makes the worker one for functions of the module.
  void Prepare(const environ::ModuleTranslation& module, Worker& worker) const;
  // Translates and compiles what the cache did not have by its body.
  absl::Status CompileBody(const environ::ModuleTranslation& module, const environ::FuncKey& key,
                           Worker& worker, environ::CompiledFunction& out) const;

  const OptimizingCompilerOptions options_;
  const SupportCode support_;
  // Null where there is none.
  const std::unique_ptr<const IncrementalCache> cache_;
  mutable std::mutex facts_mutex_;
  // By the modules' serial numbers. Workers own the facts.
  mutable std::vector<std::pair<uint64_t, std::weak_ptr<const ModuleFacts>>>
      facts_;  // guarded by facts_mutex_
  mutable std::atomic<uint64_t> plan_ns_{0};
  mutable std::atomic<uint64_t> plan_work_{0};
  mutable std::atomic<uint64_t> trampoline_ns_{0};
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Worker>> idle_;  // guarded by mutex_
  // Of workers that are gone; null while none is.
  mutable std::unique_ptr<Totals> released_;  // guarded by mutex_
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_COMPILER_H_
