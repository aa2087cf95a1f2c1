// Walks the frames of compiled code on the stack, one activation at a time, over the
// frame-pointer chain. (docs/abi.md says what frames look like.)
//
// A walk starts at the boundary by which compiled code was left (a host call or a built-in) or
// at the registers of a trap, and ends at the frame of the entry trampoline.
#ifndef GANTRY_RUNTIME_STACK_WALK_H_
#define GANTRY_RUNTIME_STACK_WALK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "environ/core/dwarf_lines.h"
#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "runtime/code_object.h"
#include "runtime/host_arch.h"
#include "runtime/trap.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

struct StackFrame {
  // The trapping instruction itself where `exact`, otherwise a return address, which may
  // already belong to the next function.
  uintptr_t pc = 0;
  bool exact = false;
  // The frame's stack pointer at its call; 0 where `exact`. Slots of stack maps count from it.
  uintptr_t sp = 0;

  // An address inside the instruction that was running.
  uintptr_t InstructionAddress() const { return exact ? pc : pc - 1; }
};

// Calls visit(const StackFrame&) for each frame of compiled code, innermost first, from the
// frame record `fp` of a trampoline that left it (exclusive) to the entry frame (exclusive).
template <typename Visitor>
void WalkFromRecord(uintptr_t fp, uintptr_t entry_fp, Visitor&& visit) {
  while (true) {
    const uintptr_t caller_fp = host_arch::CallerFramePointer(fp);
    if (caller_fp == entry_fp) return;
    // The chain ascends, or the stack is not what the ABI promises and must not be followed.
    CHECK(caller_fp > fp && caller_fp < entry_fp)
        << "broken frame-pointer chain: " << fp << " -> " << caller_fp << ", entry " << entry_fp;
    visit(StackFrame{host_arch::ReturnAddress(fp), false, host_arch::CallerStackPointer(fp)});
    fp = caller_fp;
  }
}

// The same from a boundary that a store's registers describe. Nothing where compiled code was
// not left since it was entered.
template <typename Visitor>
void WalkFromExit(const BoundaryRegisters& registers, Visitor&& visit) {
  if (registers.exit_fp == 0) return;
  WalkFromRecord(registers.exit_fp, registers.entry_fp, visit);
}

// The same from an instruction that trapped. `frameless_size` is how far the
// function has moved sp where it keeps no frame record, negative where it keeps one.
template <typename Visitor>
void WalkFromTrap(const host_arch::Registers& registers, int64_t frameless_size, uintptr_t entry_fp,
                  Visitor&& visit) {
  visit(StackFrame{registers.pc, true, 0});
  if (frameless_size >= 0) {
    // The frame pointer is still the caller's.
    if (registers.fp == entry_fp) return;
    const host_arch::FramelessCaller caller =
        host_arch::CallerOfFrameless(registers, static_cast<size_t>(frameless_size));
    visit(StackFrame{caller.return_address, false, caller.sp});
  }
  if (registers.fp != entry_fp) WalkFromRecord(registers.fp, entry_fp, visit);
}

// A WebAssembly function at some place of compiled code.
struct WasmFrame {
  const CodeObject* code = nullptr;
  environ::ModuleId module_id;
  const environ::ModuleInfo* module = nullptr;
  wasm::FuncIndex function;
  std::optional<uint32_t> module_offset;  // of the instruction, from the module's first byte

  // Where the source of the instruction is, if the module says.
  std::optional<environ::SourcePosition> Source() const {
    return module_offset ? code->FindSource(module_id, *module_offset) : std::nullopt;
  }
};

// Calls visit(const WasmFrame&) for the functions that an address inside of an instruction stands
// for: those inlined there, innermost first, and the one they were inlined into. None for
// trampolines and what is no compiled code. The code must still be loaded.
template <typename Visitor>
void VisitWasmFrames(uintptr_t address, Visitor&& visit) {
  const CodeObject* code = CodeObject::Find(address);
  if (code == nullptr) return;
  const environ::FunctionRecord* function = code->FindFunction(address);
  if (function == nullptr) return;
  const environ::FuncKey key = function->func_key();
  if (key.kind() != environ::FuncKeyKind::kWasmFunction) return;
  const environ::ModuleInfo& module = code->module(key.module());
  std::optional<uint32_t> offset = code->FindWasmOffset(address);
  const std::optional<uint32_t> innermost = code->FindInlineSite(address);
  for (uint32_t site = innermost.value_or(environ::kNoInlineSite);
       site != environ::kNoInlineSite;) {
    const environ::InlineSite& inlined = code->tables().inline_sites[site];
    visit(WasmFrame{code, key.module(), &module, wasm::FuncIndex(inlined.function), offset});
    offset = inlined.wasm_offset == environ::kNoWasmOffset
                 ? std::nullopt
                 : std::optional<uint32_t>(inlined.wasm_offset);
    site = inlined.parent;
  }
  visit(WasmFrame{code, key.module(), &module, module.Index(key.defined_function()), offset});
}

// The program counters of one walk, kept without allocation: filled in signal handlers.
class RawBacktrace {
 public:
  static constexpr size_t kMaxFrames = 128;

  void Clear() {
    count_ = omitted_ = 0;
    last_omitted_ = 0;
  }
  void Add(const StackFrame& frame) {
    if (count_ < kMaxFrames) {
      addresses_[count_++] = frame.InstructionAddress();
    } else {
      AddOmitted(frame.InstructionAddress());
    }
  }
  absl::Span<const uintptr_t> addresses() const { return absl::MakeConstSpan(addresses_, count_); }
  uint64_t omitted() const { return omitted_; }

  // Names and offsets of the WebAssembly functions among the frames, at most kMaxFrames;
  // trampolines are left out, and where a callee was inlined it has a frame of its own, as if it
  // had been called. The code must still be loaded.
  void AppendTo(TrapFrames& frames) const;

 private:
  // Counts a frame that is not kept, and the inlined ones in it.
  void AddOmitted(uintptr_t address);

  uint64_t count_ = 0;
  uint64_t omitted_ = 0;
  // The last frame that was not kept, and how many inlined ones it stands for.
  uintptr_t last_omitted_ = 0;
  uint64_t last_inlined_ = 0;
  uintptr_t addresses_[kMaxFrames];
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_STACK_WALK_H_
