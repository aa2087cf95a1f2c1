// The calling convention of WebAssembly functions on x64: which register or stack slot holds
// each argument and result. docs/abi.md is the whole of it; this is the one place in code
// that says so. Compilers, trampolines and the baseline compiler all ask here.
//
//   const AbiValue params[] = {{AbiClass::kInt, 4}, {AbiClass::kVector, 8}};   // i32, f64
//   AbiPlace places[2];
//   uint32_t stack = AssignWasmArguments(params, /*result_area=*/false, absl::MakeSpan(places));
//   // places: rax, xmm0; stack: 0
#ifndef GANTRY_ISA_X64_WASM_ABI_H_
#define GANTRY_ISA_X64_WASM_ABI_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/abi_places.h"
#include "isa_x64/asm/registers.h"

namespace gantry::x64 {

using codegen::AbiClass;
// Stack arguments are 8 bytes higher at the callee's first instruction, 16 from its frame pointer.
using codegen::AbiPlace;
using codegen::AbiValue;

inline constexpr Gpr64 kCalleeVmctx = rdi;
inline constexpr Gpr64 kCallerVmctx = rsi;
inline constexpr Gpr64 kIntArguments[] = {rax, rcx, rdx, r8, r9, r10};
inline constexpr uint32_t kVectorArgumentCount = 8;  // xmm0 to xmm7.
inline constexpr Gpr64 kIntResults[] = {rax, rcx, rdx, r8};
inline constexpr uint32_t kVectorResultCount = 4;  // xmm0 to xmm3.
// The hidden argument with the address of the result area, where there is one.
inline constexpr Gpr64 kResultArea = rax;
// Never arguments nor results, never allocated: free between any two instructions.
inline constexpr Gpr64 kScratch = r11;
inline constexpr Xmm kVectorScratch = xmm15;
// Apart from rsp and the frame pointer rbp. No vector register is preserved.
inline constexpr Gpr64 kCalleeSaved[] = {rbx, r12, r13, r14, r15};

// Fills places[i] for params[i]; the spans have equal length. `result_area`: the hidden
// argument comes first, in kResultArea. Returns the bytes of arguments on the stack, a
// multiple of 16, which the callee pops.
uint32_t AssignWasmArguments(absl::Span<const AbiValue> params, bool result_area,
                             absl::Span<AbiPlace> places);

// The same for results. Returns the bytes of the result area, a multiple of 16 (and the area
// is aligned to 16); 0 where every result fits in registers and there is no hidden argument.
uint32_t AssignWasmResults(absl::Span<const AbiValue> results, absl::Span<AbiPlace> places);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_WASM_ABI_H_
