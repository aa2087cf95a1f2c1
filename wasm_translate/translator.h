// FunctionTranslator: a function body to IR, validated in the same pass.
//
//   FunctionTranslator translator(module, features, limits);      // one per thread, reused
//   codegen::Function func;
//   RETURN_IF_ERROR(translator.Translate(body, environment, &func));
//
// The IR is in SSA form straight away: locals become values as control flow is read
// (translator_locals.h), operands are values on a stack, a block is made where control
// arrives from more than one place, and blocks stand in the order of the body. Code that
// nothing reaches leaves no trace. No recursion; work is linear in the body.
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_H_

#include <memory>

#include "absl/status/status.h"
#include "codegen/ir/function.h"
#include "wasm_translate/features.h"
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
  // translated and its feature (unimplemented.h), and kResourceExhausted if it is too large for the IR.
  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_H_
