// Where the convention of WebAssembly functions on AArch64 (isa_aarch64/wasm_abi.h) has values.
// Tested by tests/abi:compiler_abi_test.
#include "isa_aarch64/wasm_abi.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

uint32_t AArch64Masm::AssignArguments(absl::Span<const codegen::AbiValue> params, bool result_area,
                                      absl::Span<codegen::AbiPlace> places) {
  return aarch64::AssignWasmArguments(params, result_area, places);
}
uint32_t AArch64Masm::AssignResults(absl::Span<const codegen::AbiValue> results,
                                    absl::Span<codegen::AbiPlace> places) {
  return aarch64::AssignWasmResults(results, places);
}

// Registers that the convention and the macro assembler have to agree on.
static_assert(aarch64::kCalleeVmctx.encoding() == AArch64Masm::kVmctx.encoding());
static_assert(aarch64::kCallerVmctx.encoding() == AArch64Masm::kCallerVmctx.encoding());
static_assert(aarch64::kResultArea.encoding() == AArch64Masm::kResultArea.encoding());
static_assert(aarch64::kScratch2.encoding() == AArch64Masm::kScratch.encoding());
static_assert(aarch64::kVectorScratch.encoding() == AArch64Masm::kVectorScratch.encoding());
static_assert(aarch64::kFirstCalleeSaved == AArch64Masm::kCalleeSaved.first().encoding());
static_assert(aarch64::kLastCalleeSaved == AArch64Masm::kCalleeSaved.last().encoding());

}  // namespace gantry::winch
