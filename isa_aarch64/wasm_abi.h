// The calling convention of WebAssembly functions on AArch64: which register or stack slot holds
// each argument and result. docs/abi.md is the whole of it; this is the one place in code
// that says so. Compilers and trampolines all ask here.
//
//   const AbiValue params[] = {{AbiClass::kInt, 4}, {AbiClass::kVector, 8}};   // i32, f64
//   AbiPlace places[2];
//   uint32_t stack = AssignWasmArguments(params, /*result_area=*/false, absl::MakeSpan(places));
//   // places: x2, v0; stack: 0
#ifndef GANTRY_ISA_AARCH64_WASM_ABI_H_
#define GANTRY_ISA_AARCH64_WASM_ABI_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/abi_places.h"
#include "isa_aarch64/asm/registers.h"

namespace gantry::aarch64 {

using codegen::AbiClass;
// Stack arguments are at the same offset from sp at the callee's first instruction, 16 higher from
// its frame pointer.
using codegen::AbiPlace;
using codegen::AbiValue;

inline constexpr X kCalleeVmctx = x0;
inline constexpr X kCallerVmctx = x1;
inline constexpr uint8_t kIntArguments[] = {2, 3, 4, 5, 6, 7};  // x2 to x7.
inline constexpr uint32_t kVectorArgumentCount = 8;             // v0 to v7.
inline constexpr uint8_t kIntResults[] = {2, 3, 4, 5};          // x2 to x5.
inline constexpr uint32_t kVectorResultCount = 4;               // v0 to v3.
// The hidden argument with the address of the result area, where there is one.
inline constexpr X kResultArea = x2;
// x19 to x28, apart from sp and the frame pointer x29. No vector register is preserved.
inline constexpr uint8_t kFirstCalleeSaved = 19;
inline constexpr uint8_t kLastCalleeSaved = 28;

// Fills places[i] for params[i]; the spans have equal length. `result_area`: the hidden
// argument comes first, in kResultArea. Returns the bytes of arguments on the stack, a
// multiple of 16, which the callee pops.
uint32_t AssignWasmArguments(absl::Span<const AbiValue> params, bool result_area,
                             absl::Span<AbiPlace> places);

// The same for results. Returns the bytes of the result area, a multiple of 16 (and the area
// is aligned to 16); 0 where every result fits in registers and there is no hidden argument.
uint32_t AssignWasmResults(absl::Span<const AbiValue> results, absl::Span<AbiPlace> places);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_WASM_ABI_H_
