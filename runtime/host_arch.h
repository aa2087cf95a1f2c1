// What must know the registers of the host: machine contexts that signals deliver, frame
// records, the instruction cache. The only target of `runtime` with code per platform; the
// rest is written against these functions.
//
// A frame record is two words at the frame pointer: the caller's frame pointer, then the
// return address. Directly above it lay the stack pointer of the caller at its call.
#ifndef GANTRY_RUNTIME_HOST_ARCH_H_
#define GANTRY_RUNTIME_HOST_ARCH_H_

#include <cstddef>
#include <cstdint>

namespace gantry::runtime::host_arch {

struct Registers {
  uintptr_t pc = 0;
  uintptr_t sp = 0;
  uintptr_t fp = 0;
  // The return address, on machines whose calls leave it in a register; read only.
  uintptr_t link = 0;
  // What holds the fuel in code that counts it (docs/abi.md).
  uint64_t fuel = 0;
};

// Bytes of the call in cold code whose trap record says why a guest stops (docs/abi.md).
#if defined(__x86_64__)
inline constexpr uintptr_t kColdCallBytes = 5;
#else
inline constexpr uintptr_t kColdCallBytes = 4;
#endif

// Registers at the signal whose handler was given `ucontext` (its third argument).
Registers GetRegisters(const void* ucontext);

// Lets the interrupted code continue with this pc, sp and fp when the handler returns.
void SetRegisters(void* ucontext, const Registers& registers);

// "x86_64" or "aarch64".
const char* Name();

// The stack pointer here. Inline, so that each entry into compiled code can ask.
inline uintptr_t CurrentStackPointer() {
  uintptr_t sp;
#if defined(__x86_64__)
  asm volatile("mov %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
  asm volatile("mov %0, sp" : "=r"(sp));
#else
#error "no runtime for this architecture"
#endif
  return sp;
}

// Makes freshly written code visible to instruction fetch of all threads. Call before the
// first jump into it.
void FlushInstructionCache(void* begin, size_t size);

// The caller of the function at `registers`, which keeps no frame record there and has moved sp by
// `frame_size` bytes.
struct FramelessCaller {
  uintptr_t return_address;
  // Just before its call.
  uintptr_t sp;
};
FramelessCaller CallerOfFrameless(const Registers& registers, size_t frame_size);

// A return address as it was before a pointer authentication code was put into it.
uintptr_t StripReturnAddress(uintptr_t address);

// A word of some frame on the stack. Not instrumented by sanitizers, to which the slots of
// other frames are out of bounds.
#if defined(__clang__)
__attribute__((no_sanitize("address", "thread", "memory")))
#else
__attribute__((no_sanitize_address, no_sanitize_thread))
#endif
inline uintptr_t
ReadStackWord(uintptr_t address) {
  return *reinterpret_cast<const volatile uintptr_t*>(address);
}

// Parts of the frame record at `fp`.
inline uintptr_t CallerFramePointer(uintptr_t fp) { return ReadStackWord(fp); }
inline uintptr_t ReturnAddress(uintptr_t fp) {
  return StripReturnAddress(ReadStackWord(fp + sizeof(uintptr_t)));
}
// The stack pointer of the caller just before its call.
inline uintptr_t CallerStackPointer(uintptr_t fp) { return fp + 2 * sizeof(uintptr_t); }

}  // namespace gantry::runtime::host_arch

#endif  // GANTRY_RUNTIME_HOST_ARCH_H_
