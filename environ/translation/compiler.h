// Compiler and CompilerBuilder: what the optimizing and the baseline compiler both are to
// the rest of the house. `jit` picks a builder, sets it up from the engine's configuration,
// and compiles functions in parallel through the one Compiler it builds.
//
//   std::unique_ptr<CompilerBuilder> builder = cranelift::NewCompilerBuilder();
//   RETURN_IF_ERROR(builder->Target("x86_64-unknown-linux-gnu"));
//   RETURN_IF_ERROR(builder->Set("opt_level", "speed"));
//   RETURN_IF_ERROR(builder->SetTunables(tunables));
//   ASSIGN_OR_RETURN(std::unique_ptr<Compiler> compiler, builder->Build());
//
//   CompiledFunction code;                                  // one per thread, reused
//   RETURN_IF_ERROR(compiler->CompileFunction(module, key, code));
//
// A compiler that cannot do what is asked says so when asked: in the builder, never later.
#ifndef GANTRY_ENVIRON_TRANSLATION_COMPILER_H_
#define GANTRY_ENVIRON_TRANSLATION_COMPILER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"
#include "environ/core/tunables.h"
#include "environ/translation/compilation_cache.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"
#include "environ/translation/packed_functions.h"

namespace gantry::environ {

// A setting as `gantry settings` prints it.
struct SettingInfo {
  std::string group;  // "shared" or the ISA's name
  std::string name;
  std::string value;          // as it stands in this builder
  std::string default_value;  // for the native target where it is inferred from the host
  std::string accepted;       // "true,false", "none,speed", "0..64"
  std::string description;
};

// Name and value of every setting that decides what code is made, in a fixed order: for
// cache keys and for the artifact, which refuses to load where they differ.
using SettingValues = std::vector<std::pair<std::string, std::string>>;

// Code for one key, as the text is put together from. What is pointed to outlives it.
class NamedFunction {
 public:
  NamedFunction(FuncKey key, const CompiledFunction* function) : key(key), compiled_(function) {}
  NamedFunction(FuncKey key, const PackedFunction* function) : key(key), packed_(function) {}

  FunctionView view() const {
    return packed_ != nullptr ? packed_->view() : FunctionView(*compiled_);
  }

  FuncKey key;

 private:
  const CompiledFunction* compiled_ = nullptr;
  const PackedFunction* packed_ = nullptr;
};

// Time spent in one phase, summed over threads.
struct PhaseTime {
  std::string name;
  uint64_t nanoseconds = 0;
  // Steps that it took: a number that depends on module and settings alone, for tests that
  // compilation is linear. 0 where none are counted.
  uint64_t work = 0;
  // Part of the last phase before it that is not a part.
  bool is_part = false;
  // What else was counted, in words; empty for nothing.
  std::string note = {};
};

// Which intermediate form Compiler::Explain prints; kIrPasses is the IR as translated and behind
// each pass that changed it.
enum class Form : uint8_t { kIr, kVcode, kAssembly, kIrPasses };

// Immutable and safe to use from any number of threads at once; what a thread needs to
// compile it keeps for the next function.
class Compiler {
 public:
  virtual ~Compiler() = default;

  // "cranelift" or "winch": the strategy's name on the command line.
  virtual absl::string_view name() const = 0;
  // The target, "x86_64-unknown-linux-gnu".
  virtual absl::string_view triple() const = 0;
  virtual SettingValues flags() const = 0;
  virtual SettingValues isa_flags() const = 0;
  // Whether all that an indirect branch may lead to says so by its first instruction (on AArch64:
  // bti), so that the system may refuse branches to anything else.
  virtual bool marks_branch_targets() const { return false; }
  virtual const Tunables& tunables() const = 0;
  // Code of other pages is mapped at multiples of this (the largest page size of the target).
  virtual uint32_t page_alignment() const = 0;

  // Compiles the body that `key` (a kWasmFunction of `module`) names into `out`, which is
  // cleared first. The body is validated in the same pass: an invalid one is a
  // CompileError kInvalid whose offset is of the module's bytes. `out` is unspecified after
  // an error.
  virtual absl::Status CompileFunction(const ModuleTranslation& module, const FuncKey& key,
                                       CompiledFunction& out) const = 0;

  // Makes the entry or exit trampoline of a signature, a kEntryTrampoline or kExitTrampoline
  // of `module`.
  virtual absl::Status CompileTrampoline(const ModuleTranslation& module, const FuncKey& key,
                                         CompiledFunction& out) const = 0;

  // Makes the shim through which code calls a built-in of the runtime, a kBuiltinShim.
  virtual absl::Status CompileBuiltinShim(const FuncKey& key, CompiledFunction& out) const = 0;

  // Lays the functions out in one text section, in the order given, with every call resolved
  // and the unwind section made. All calls must lead to functions of the list.
  virtual absl::StatusOr<LinkedText> AppendText(
      absl::Span<const NamedFunction> functions) const = 0;

  // The text of one function's intermediate form, for people. kUnimplemented names the
  // form where the compiler has none of the kind.
  virtual absl::StatusOr<std::string> Explain(const ModuleTranslation& module, const FuncKey& key,
                                              Form form) const = 0;

  // Gives back the memory that was kept for the next function, which may be much behind a large
  // one. Calls in between make it anew.
  virtual void ReleaseMemory() const {}

  // Phases in the order in which a function passes through them; empty unless the builder's
  // EnableTiming was called.
  virtual std::vector<PhaseTime> Timing() const = 0;
};

// A value to set up before the one call of Build. Setters may come in any order and more
// than once; the last value of a setting counts.
class CompilerBuilder {
 public:
  virtual ~CompilerBuilder() = default;

  // Chooses the ISA by triple ("x86_64-unknown-linux-gnu") or architecture ("x86_64"). Without
  // it the target is the host and its CPU's features are inferred; an explicit target infers
  // nothing. kNotFound for an ISA that is not linked into this program, naming those that are.
  virtual absl::Status Target(absl::string_view triple) = 0;
  virtual std::string triple() const = 0;

  // Sets a flag, shared or of the ISA. kNotFound for an unknown name, kInvalidArgument for a
  // value that it does not take, each saying what there is.
  virtual absl::Status Set(absl::string_view name, absl::string_view value) = 0;
  // Set(name, "true") for a flag that is on or off.
  virtual absl::Status Enable(absl::string_view name) = 0;
  // Every setting there is for the chosen target.
  virtual std::vector<SettingInfo> Settings() const = 0;

  // The engine's choices that code depends on. kUnimplemented names one that this compiler
  // cannot honour.
  virtual absl::Status SetTunables(const Tunables& tunables) = 0;
  virtual const Tunables& tunables() const = 0;

  // Modules may use vectors: Build fails, naming the flag, where the target's flags do not allow to
  // compile operations on them.
  virtual void RequireVectors() = 0;

  // Look functions up in `cache` before compiling them, and store them after. A compiler
  // that can't says so.
  virtual absl::Status EnableIncrementalCompilation(std::shared_ptr<CompilationCache> cache) = 0;

  // Record CompiledFunction::loop_frames, if this compiler makes such frames at all.
  virtual void RecordLoopFrames() {}

  // Measure the phases of compilation (Compiler::Timing).
  virtual void EnableTiming() = 0;

  // kFailedPrecondition or kInvalidArgument where settings do not go together.
  virtual absl::StatusOr<std::unique_ptr<Compiler>> Build() const = 0;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_COMPILER_H_
