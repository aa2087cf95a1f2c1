// From a finished machine buffer to environ::CompiledFunction: the one place where what a
// compiler made becomes plain data.
//
//   MakeCompiledFunction(code, {.key_of = [&](codegen::ExternalName name) { ... }}, out);
#ifndef GANTRY_CRANELIFT_SHARED_MAKE_COMPILED_FUNCTION_H_
#define GANTRY_CRANELIFT_SHARED_MAKE_COMPILED_FUNCTION_H_

#include <cstdint>
#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "codegen/compiled_code.h"
#include "codegen/mach_buffer.h"
#include "codegen/unwind.h"
#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"
#include "environ/translation/compiled_function.h"

namespace gantry::cranelift {

// What the source locations that code carries stand for.
struct CodeOrigins {
  struct Origin {
    uint32_t wasm_offset = environ::kNoWasmOffset;
    // A position in `sites`, or environ::kNoInlineSite.
    uint32_t site = environ::kNoInlineSite;
  };
  // Asked for locations that are none, too.
  absl::FunctionRef<Origin(codegen::SourceLoc)> origin_of;
  absl::Span<const environ::InlineSite> sites;
  // Fuel that a trap at a wasm offset gives back. Null where none is counted.
  const std::function<uint32_t(uint32_t)>* refund_at = nullptr;
};

// Copies `code` into `out`, which is cleared first. `key_of` says what the code's external
// names stand for, `origins` what its source locations do (null: it has none). The first `skip`
// bytes are left out; offsets count them (but not those of the frame and the call frame
// instructions). `skip` is a multiple of what constants in the code are aligned to.
void MakeCompiledFunction(const codegen::CompiledCode& code,
                          absl::FunctionRef<environ::FuncKey(codegen::ExternalName)> key_of,
                          const CodeOrigins* origins, environ::CompiledFunction& out,
                          codegen::CodeOffset skip = 0);

// The same for code that was written straight into a buffer (finished, without external
// names), such as a trampoline. `unwind` may be null.
void MakeCompiledFunction(const codegen::MachBuffer& buffer, const codegen::FrameInfo& frame,
                          const codegen::UnwindInfo* unwind, const codegen::UnwindFormat& format,
                          environ::CompiledFunction& out);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_MAKE_COMPILED_FUNCTION_H_
