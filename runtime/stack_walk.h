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
