// BaselineCompiler: environ::Compiler in one pass per function. CompileFunction is the whole way.
//
// Tested by wast:winch_official_test and tests/differential.
#ifndef GANTRY_WINCH_COMPILER_H_
#define GANTRY_WINCH_COMPILER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cranelift_shared/support_code.h"
#include "environ/translation/compiler.h"
#include "winch/function_compiler.h"

namespace gantry::winch {

using FunctionCompilerFactory = std::unique_ptr<FunctionCompiler> (*)(
    const environ::ModuleTranslation& module, const codegen::TargetIsa& target, bool loop_frames);

// By the ISA's name; null where there is none.
FunctionCompilerFactory FactoryFor(absl::string_view isa);

class BaselineCompiler final : public environ::Compiler {
 public:
  BaselineCompiler(cranelift::ConfiguredTarget target, FunctionCompilerFactory factory,
                   bool loop_frames, bool timing);
  ~BaselineCompiler() override;

  absl::string_view name() const override { return "winch"; }
  absl::string_view triple() const override;
  environ::SettingValues flags() const override;
  environ::SettingValues isa_flags() const override;
  bool marks_branch_targets() const override;
  const environ::Tunables& tunables() const override { return target().tunables; }
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
  // What one thread needs, kept for its next function.
  struct Worker;
  class Lease;

  // Puts the spare worker among the idle ones. mutex_ is held.
  void RetireSpare() const;

  const cranelift::ConfiguredTarget& target() const { return support_.target(); }

  const cranelift::SupportCode support_;
  const FunctionCompilerFactory factory_;
  const bool loop_frames_;
  const bool timing_;
  // The worker given back last, which the next function takes without a lock; null if it is in use.
  mutable std::atomic<Worker*> spare_{nullptr};
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Worker>> idle_;  // guarded by mutex_
  // Of workers that are gone.
  mutable uint64_t emit_ns_ = 0;    // guarded by mutex_
  mutable uint64_t emit_work_ = 0;  // guarded by mutex_
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_COMPILER_H_
