// SupportCode: all code of a module but its functions' bodies, and the text that holds both: what
// is the same whichever compiler makes the bodies. Trampolines come from the assembler, one per
// signature; no compiler waits for another.
//
//   SupportCode support({.isa = isa, .target = target, .tunables = tunables, .text = text});
//   RETURN_IF_ERROR(support.CompileTrampoline(module, key, out));
//   ASSIGN_OR_RETURN(environ::LinkedText text, support.AppendText(functions));
//
// Tested by compiler_test and tests/abi.
#ifndef GANTRY_CRANELIFT_SHARED_SUPPORT_CODE_H_
#define GANTRY_CRANELIFT_SHARED_SUPPORT_CODE_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "codegen/isa.h"
#include "cranelift_shared/isa_flags.h"
#include "cranelift_shared/isa_registry.h"
#include "cranelift_shared/text_builder.h"
#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"
#include "environ/core/tunables.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/compiler.h"
#include "environ/translation/module_translation.h"

namespace gantry::cranelift {

// A target with everything set that code depends on.
struct ConfiguredTarget {
  const LinkedIsa* isa = nullptr;
  std::shared_ptr<const codegen::TargetIsa> target;
  environ::Tunables tunables;
  TextOptions text;
};

// From a user's flags and the engine's tunables. `vectors`: operations on vectors have to be
// possible. Errors are IsaFlags', and kFailedPrecondition naming the flag that vectors need.
absl::StatusOr<ConfiguredTarget> ConfigureTarget(const IsaFlags& flags,
                                                 const environ::Tunables& tunables, bool vectors);

// Usable from any number of threads at once.
class SupportCode {
 public:
  explicit SupportCode(ConfiguredTarget target) : target_(std::move(target)) {}

  const ConfiguredTarget& target() const { return target_; }

  // As environ::Compiler has them.
  absl::Status CompileTrampoline(const environ::ModuleTranslation& module,
                                 const environ::FuncKey& key, environ::CompiledFunction& out) const;
  absl::Status CompileBuiltinShim(const environ::FuncKey& key,
                                  environ::CompiledFunction& out) const;
  absl::StatusOr<environ::LinkedText> AppendText(
      absl::Span<const environ::NamedFunction> functions) const;

 private:
  const ConfiguredTarget target_;
};

// A failure to compile a function, with the function's name in front and of a kind that follows the
// status code; what validation says stays as it is.
absl::Status ExplainedFailure(const absl::Status& status, const environ::FuncKey& key);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_SUPPORT_CODE_H_
