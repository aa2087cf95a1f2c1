// Compiled functions as bytes, for the incremental cache, in two forms that can be moved:
//
// A function's (first level) holds what became of one body. Other functions are named by their
// keys without the module, and every position in the module is the distance from the start of the
// body that it lies in; so it fits the same body wherever it stands in its module.
//
//   std::string bytes = EncodeFunction(compiled, module, function);
//   if (DecodeFunction(bytes, module, function, rules, out)) ...     // equal to `compiled`
//
// A stencil's (second level) holds what became of one codegen::FunctionStencil; it is finished
// with the FunctionParameters of any function that has that stencil.
//
// Decoders trust nothing but that the machine code is what the key says: a digest stands for that.
// They return false where something reaches out of its bounds.
//
// Tested by jit:incremental_test and jit:incremental_fuzz.
#ifndef GANTRY_CRANELIFT_SHARED_FUNCTION_CODEC_H_
#define GANTRY_CRANELIFT_SHARED_FUNCTION_CODEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/compiled_code.h"
#include "codegen/ir/function.h"
#include "codegen/link_rules.h"
#include "cranelift_shared/make_compiled_function.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"

namespace gantry::cranelift {

// `function` is a defined function of the module. It has no debug metadata and was compiled.
std::string EncodeFunction(const environ::CompiledFunction& compiled,
                           const environ::ModuleTranslation& module, wasm::FuncIndex function);
bool DecodeFunction(absl::string_view bytes, const environ::ModuleTranslation& module,
                    wasm::FuncIndex function, const codegen::LinkRules& rules,
                    environ::CompiledFunction& out);

// `stencil` is what `code` was made of, its inlined_locs as they are behind the compilation.
std::string EncodeCode(const codegen::CompiledCode& code, const codegen::FunctionStencil& stencil);

// The reverse; reused from code to code.
class StoredCode {
 public:
  // For a function with that many names and inline sites.
  bool Decode(absl::string_view bytes, size_t num_names, size_t num_sites,
              const codegen::LinkRules& rules);

  // Good until the next Decode.
  codegen::CompiledCode code() const;
  // What a location that code() carries stands for in a function with these parameters.
  CodeOrigins::Origin OriginOf(codegen::SourceLoc relative,
                               const codegen::FunctionParameters& params) const;

 private:
  std::vector<uint8_t> bytes_, call_frame_instructions_;
  uint32_t alignment_ = 1;
  codegen::CodeOffset code_end_ = 0;
  std::vector<codegen::TrapRecord> traps_;
  std::vector<codegen::RelocRecord> relocs_;
  std::vector<codegen::CallSite> call_sites_;
  std::vector<codegen::CallHandler> call_handlers_;
  std::vector<codegen::StackMap> stack_maps_;
  std::vector<uint32_t> stack_map_slots_;
  std::vector<codegen::SourceLocEntry> source_locs_;
  std::vector<codegen::FunctionStencil::InlinedLoc> inlined_locs_;
  codegen::FrameInfo frame_;
};

// The same for code that was compiled just now.
CodeOrigins::Origin OriginOf(codegen::SourceLoc relative, const codegen::Function& function);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_FUNCTION_CODEC_H_
