// Trampolines: the code at the border between WebAssembly and C++. They are written by the
// assembler, never compiled from IR: one entry and one exit trampoline per signature, one
// shim per built-in function of the runtime.
//
//   MachBuffer buffer(kLabelKinds);
//   EmitEntryTrampoline({params, results}, layout, buffer, &unwind);
//   RETURN_IF_ERROR(buffer.Finish());
//
// Values cross the border in arrays of ValRaw, 16 bytes each, value at offset 0, little-endian;
// 4-byte integers are written with zeroes up to 8 bytes. Arguments come first in the array,
// and results overwrite them from its beginning.
//
// Unwinding. An entry trampoline records in the store context where control continues when
// the guest is stopped: its own resume point, stack pointer and frame pointer. Whoever stops
// the guest (signal handler, exit trampoline, shim) loads sp, frame pointer and pc from
// there. An exit trampoline or shim records its own frame pointer and its return address, so
// that the frames of wasm can be walked from C++.
#ifndef GANTRY_ISA_AARCH64_TRAMPOLINES_H_
#define GANTRY_ISA_AARCH64_TRAMPOLINES_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/mach_buffer.h"
#include "codegen/unwind.h"
#include "isa_aarch64/asm/branch_protection.h"
#include "isa_aarch64/wasm_abi.h"

namespace gantry::aarch64 {

// Where things are in the run-time structures, as byte offsets.
struct TrampolineLayout {
  // In the store context.
  int32_t last_entry_pc;
  int32_t last_entry_sp;
  int32_t last_entry_fp;
  int32_t last_exit_pc;
  int32_t last_exit_fp;
  // Pointer to the store context, in a VMContext and in a VMHostFuncContext alike.
  int32_t store;
  // Pointer to the array of built-in functions, in a VMContext.
  int32_t builtins;
  // Pointer to the C++ function, in a VMHostFuncContext.
  int32_t host_call;
  // Pointer to the array of built-in functions, in the store context.
  int32_t store_builtins;
  // The fuel, in the store context. Where `keeps_fuel` it is in kFuel while wasm runs, else
  // untouched.
  int32_t fuel;
  // In the no-ops behind the entry trampoline's call, kEntryMarkBytes long.
  uint32_t entry_mark;
  bool keeps_fuel = false;
  // Of the trampolines themselves. Return addresses in the frames of wasm may be signed or not,
  // whatever it says.
  BranchProtection protection;
};

inline constexpr X kFuel = x28;
// Where an entry trampoline's frame keeps the store context, from its frame pointer.
inline constexpr int32_t kEntryStoreSlot = -8;
inline constexpr uint32_t kEntryMarkBytes = 8;

inline constexpr int32_t kValRawBytes = 16;

// DWARF's numbers (DWARF for the Arm 64-bit Architecture, 4.1).
inline constexpr uint8_t kDwarfFramePointer = 29;
inline constexpr uint8_t kDwarfLink = 30;
inline constexpr uint8_t kDwarfStackPointer = 31;
inline constexpr uint8_t kDwarfFirstVector = 64;

struct TrampolineSignature {
  absl::Span<const AbiValue> params;
  absl::Span<const AbiValue> results;
};

// uint32_t entry(VMStoreContext* store, VMContext* callee, VMContext* caller,
//                const void* code, ValRaw* arguments_and_results)
// with the C calling convention: calls `code` by the wasm convention. Returns 0 with the
// results stored, or 1 when the guest was stopped. The C++ caller keeps the previous
// last_entry_* and last_exit_* (calls nest) and makes sure that the array holds the larger
// of arguments and results. `unwind` gets what unwind information has to say.
void EmitEntryTrampoline(const TrampolineSignature& signature, const TrampolineLayout& layout,
                         codegen::MachBuffer& buffer, codegen::UnwindInfo* unwind);

// A function of the wasm convention whose callee context is a VMHostFuncContext*: calls
//   {u64 stopped, first} host_call(VMHostFuncContext*, VMContext* caller, ValRaw*
//   arguments_and_results)
// and returns the results, or stops the guest where `stopped` is nonzero; `first` is the first
// slot.
void EmitExitTrampoline(const TrampolineSignature& signature, const TrampolineLayout& layout,
                        codegen::MachBuffer& buffer, codegen::UnwindInfo* unwind);

// Calls store->builtins[index](store) from the cold code of wasm functions, which pass nothing: the
// shim finds the store in the frame of the innermost entry trampoline, and keeps all registers but
// x16, x17, v31, and kFuel where that is kept. The function returns a 32-bit status; the shim stops
// the guest where it is not 0, else returns. (docs/abi.md, "Cold shims".)
// `has_context`: the code has its VMContext in kCalleeVmctx and a number in the low 32 bits of
// kVectorScratch; the function gets them behind the store, which is found by the VMContext.
void EmitColdShim(uint32_t index, bool has_context, const TrampolineLayout& layout,
                  codegen::MachBuffer& buffer, codegen::UnwindInfo* unwind);

// Calls vmctx->builtins[index], a C++ function. Shim and function both have the C calling
// convention with the VMContext as first of at most six integer arguments. `fallible`: the
// function returns a status and a value (in x0 and x1); the shim stops the guest where the
// low half of the status is not 0, else returns the value.
void EmitBuiltinShim(uint32_t index, bool fallible, const TrampolineLayout& layout,
                     codegen::MachBuffer& buffer, codegen::UnwindInfo* unwind);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_TRAMPOLINES_H_
