// FunctionTranslator: a function body to IR, validated in the same pass.
//
//   FunctionTranslator translator(module, features, limits);      // one per thread, reused
//   codegen::Function func;
//   RETURN_IF_ERROR(translator.Translate(body, environment, &func));
//
// The IR is in SSA form straight away: locals become values as control flow is read
// (translator_locals.h), operands are values on a stack, a block is made where control
// arrives from more than one place, and blocks stand in the order of the body. Code that
// nothing reaches leaves no trace. Work is linear in the body and what is inlined into it.
//
// INLINING. Where a plan is given, the body of a callee may be translated in place of its call,
// validated again by a validator of its own: its parameters and locals become locals of the
// caller, its returns branches behind the call. The nesting is bounded by kMaxInlineDepth, never
// by the input. Instructions that come from it carry an inline site (codegen/ir/function.h). The
// callee's check of the stack limit is the caller's; interrupts and counted operators are the
// same as with the call. Where something of what was inlined cannot be translated, the function
// is translated again with its calls.
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/ir/function.h"
#include "wasm_translate/features.h"
#include "wasm_translate/inline_plan.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::wasm {

class FunctionTranslator {
 public:
  // Module and limits have to outlive the translator.
  FunctionTranslator(const Module& module, Features features, const ValidatorLimits& limits);
  ~FunctionTranslator();
  FunctionTranslator(const FunctionTranslator&) = delete;
  FunctionTranslator& operator=(const FunctionTranslator&) = delete;

  // Fills `func`, which is cleared first. kInvalidArgument with the offset (error.h) for a
  // body that is not valid, kUnimplemented with the offset for one that needs a feature that is
  // off; for a valid one kUnimplemented naming the first operator or type that cannot be
  // translated and its feature (unimplemented.h), and kResourceExhausted if it is too large for the
  // IR.
  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func);

  // What may be inlined from now on, made for the same module; null for nothing, as in the
  // beginning. The plan has to outlive its use.
  void set_inline_plan(const InlinePlan* plan);
  // How many calls the last function that was translated has lost.
  size_t num_inlined() const;
  // The callees about which the plan was asked for it, in order, some perhaps several times: what
  // was made of the body depends on what the plan has for them, and on the bodies of those that it
  // has.
  absl::Span<const FuncIndex> considered_callees() const;
  // Steps that all calls of Translate took, for tests that they are linear: bytes that were
  // validated, IR that was made, and everything that is done more often.
  uint64_t work() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_H_
