// Where the convention of WebAssembly functions on x64 (isa_x64/wasm_abi.h) has values.
#include "isa_x64/wasm_abi.h"
#include "winch/x64_masm.h"

namespace gantry::winch {

uint32_t X64Masm::AssignArguments(absl::Span<const codegen::AbiValue> params, bool result_area,
                                  absl::Span<codegen::AbiPlace> places) {
  return x64::AssignWasmArguments(params, result_area, places);
}
uint32_t X64Masm::AssignResults(absl::Span<const codegen::AbiValue> results,
                                absl::Span<codegen::AbiPlace> places) {
  return x64::AssignWasmResults(results, places);
}

// Registers that the convention and the macro assembler have to agree on.
static_assert(x64::kCalleeVmctx.encoding() == X64Masm::kVmctx.encoding());
static_assert(x64::kCallerVmctx.encoding() == X64Masm::kCallerVmctx.encoding());
static_assert(x64::kResultArea.encoding() == X64Masm::kResultArea.encoding());
static_assert(x64::kScratch.encoding() == X64Masm::kScratch.encoding());
static_assert(x64::kVectorScratch.encoding() == X64Masm::kVectorScratch.encoding());

}  // namespace gantry::winch
