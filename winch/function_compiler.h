// FunctionCompiler: bodies of one module to machine code, one after the other, by one thread; what
// there is for one instruction set.
//
//   std::unique_ptr<FunctionCompiler> compiler = NewX64FunctionCompiler(module, target);
//   RETURN_IF_ERROR(compiler->Compile(body));
//   Use(compiler->code());                       // until the next Compile
#ifndef GANTRY_WINCH_FUNCTION_COMPILER_H_
#define GANTRY_WINCH_FUNCTION_COMPILER_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "codegen/code_records.h"
#include "codegen/compiled_code.h"
#include "codegen/isa.h"
#include "environ/core/func_key.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"
#include "wasm_translate/module.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::winch {

class FunctionCompiler {
 public:
  virtual ~FunctionCompiler() = default;

  // Validates the body and writes its code in the same pass. kInvalidArgument with the offset
  // (wasm_translate/error.h) for one that is not valid, kUnimplemented with the offset for one that
  // needs a feature that is off, kResourceExhausted for one that is too large. A valid body that
  // needs what there is no code for becomes code that traps, and `missing` says why.
  virtual absl::Status Compile(const wasm::FunctionBody& body) = 0;

  // All lists and bytes live until the next Compile. The first `skip` bytes are not part of the
  // function; every offset counts them.
  virtual const codegen::CompiledCode& code() const = 0;
  virtual codegen::CodeOffset skip() const = 0;
  virtual const std::optional<wasm::Unimplemented>& missing() const = 0;
  // Of code(), with offsets from the function's own start; null where they are not recorded or
  // there is no loop.
  virtual const environ::LoopFrames* loop_frames() const = 0;
  // CompiledFunction::debug_area; 0 without the setting `debug_info`.
  virtual uint32_t debug_area() const = 0;
  // Fuel that a trap of the operator at an offset of the module gives back.
  virtual uint32_t RefundAt(uint32_t offset) const = 0;
  // Steps that all calls of Compile took, for tests that they are linear: bytes that were read and
  // written, records, and everything that is done more often.
  virtual uint64_t work() const = 0;
};

// What a name in the code (function_names.h) stands for.
environ::FuncKey KeyOfName(environ::ModuleId module, codegen::ExternalName name);

// Module and target outlive the compiler. The target is of the ISA that is named. `loop_frames`:
// whether they are recorded.
std::unique_ptr<FunctionCompiler> NewX64FunctionCompiler(const environ::ModuleTranslation& module,
                                                         const codegen::TargetIsa& target,
                                                         bool loop_frames);
std::unique_ptr<FunctionCompiler> NewAArch64FunctionCompiler(
    const environ::ModuleTranslation& module, const codegen::TargetIsa& target, bool loop_frames);

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_FUNCTION_COMPILER_H_
