// Trampolines: the code at the border between WebAssembly and C++. They are written by the
// assembler, never compiled from IR: one entry and one exit trampoline per signature, one
// shim per built-in function of the runtime.
//
//   MachBuffer buffer(kLabelKinds);
//   const TrampolineFrame frame = EmitEntryTrampoline({params, results}, layout, buffer);
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
#ifndef GANTRY_ISA_X64_TRAMPOLINES_H_
#define GANTRY_ISA_X64_TRAMPOLINES_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/mach_buffer.h"
#include "isa_x64/wasm_abi.h"

namespace gantry::x64 {

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
  // In the no-op behind the entry trampoline's call, kEntryMarkBytes long.
  uint32_t entry_mark;
  bool keeps_fuel = false;
};

inline constexpr Gpr64 kFuel = r15;
// Where an entry trampoline's frame keeps the store context, from its frame pointer.
inline constexpr int32_t kEntryStoreSlot = -56;
inline constexpr uint32_t kEntryMarkBytes = 8;

inline constexpr int32_t kValRawBytes = 16;

struct TrampolineSignature {
  absl::Span<const AbiValue> params;
  absl::Span<const AbiValue> results;
};

// What unwind information has to say of a trampoline. CFA = rsp + 8 up to `frame_pushed`,
// rsp + 16 up to `frame_set`, and rbp + 16 from there on, with the return address at CFA - 8
// and the caller's rbp at CFA - 16; only between `frame_popped` and the end of the return
// instruction there, it is rsp + 8 again.
struct TrampolineFrame {
  codegen::CodeOffset frame_pushed;  // Behind push rbp.
  codegen::CodeOffset frame_set;     // Behind mov rbp, rsp.
  codegen::CodeOffset body;          // Behind the last save of a callee-saved register.
  // kCalleeSaved[i] is saved at CFA - 24 - 8 * i, for i below this count.
  uint32_t saved_registers;
  // Behind the pop rbp or leave of the one epilogue.
  codegen::CodeOffset frame_popped;
};

// uint32_t entry(VMStoreContext* store, VMContext* callee, VMContext* caller,
//                const void* code, ValRaw* arguments_and_results)
// with the C calling convention: calls `code` by the wasm convention. Returns 0 with the
// results stored, or 1 when the guest was stopped. The C++ caller keeps the previous
// last_entry_* and last_exit_* (calls nest) and makes sure that the array holds the larger
// of arguments and results.
TrampolineFrame EmitEntryTrampoline(const TrampolineSignature& signature,
                                    const TrampolineLayout& layout, codegen::MachBuffer& buffer);

// A function of the wasm convention whose callee context is a VMHostFuncContext*: calls
//   {u64 stopped, first} host_call(VMHostFuncContext*, VMContext* caller, ValRaw*
//   arguments_and_results)
// and returns the results, or stops the guest where `stopped` is nonzero; `first` is the first
// slot.
TrampolineFrame EmitExitTrampoline(const TrampolineSignature& signature,
                                   const TrampolineLayout& layout, codegen::MachBuffer& buffer);

// Calls store->builtins[index](store) from the cold code of wasm functions, which pass nothing: the
// shim finds the store in the frame of the innermost entry trampoline, and keeps all registers but
// r11, and kFuel where that is kept. The function returns a 32-bit status; the shim stops the guest
// where it is not 0, else returns. (docs/abi.md, "Cold shims".) `has_context`: the code has its
// VMContext in kCalleeVmctx and a number in kScratch; the function gets them behind the store,
// which is found by the VMContext.
TrampolineFrame EmitColdShim(uint32_t index, bool has_context, const TrampolineLayout& layout,
                             codegen::MachBuffer& buffer);

// Calls vmctx->builtins[index], a C++ function. Shim and function both have the C calling
// convention with the VMContext as first of at most six integer arguments. `fallible`: the
// function returns a status and a value (in rax and rdx); the shim stops the guest where the
// low half of the status is not 0, else returns the value.
TrampolineFrame EmitBuiltinShim(uint32_t index, bool fallible, const TrampolineLayout& layout,
                                codegen::MachBuffer& buffer);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_TRAMPOLINES_H_
