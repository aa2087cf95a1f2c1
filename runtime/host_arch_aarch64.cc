#if defined(__aarch64__)

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "runtime/host_arch.h"

namespace gantry::runtime::host_arch {

Registers GetRegisters(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  return {static_cast<uintptr_t>(machine.pc), static_cast<uintptr_t>(machine.sp),
          static_cast<uintptr_t>(machine.regs[29]), static_cast<uintptr_t>(machine.regs[30]),
          static_cast<uint64_t>(machine.regs[28])};
}

void SetRegisters(void* ucontext, const Registers& registers) {
  auto& machine = static_cast<ucontext_t*>(ucontext)->uc_mcontext;
  machine.pc = registers.pc;
  machine.sp = registers.sp;
  machine.regs[29] = registers.fp;
}

FramelessCaller CallerOfFrameless(const Registers& registers, size_t frame_size) {
  return {StripReturnAddress(registers.link), registers.sp + frame_size};
}

const char* Name() { return "aarch64"; }

void FlushInstructionCache(void* begin, size_t size) {
  char* first = static_cast<char*>(begin);
  __builtin___clear_cache(first, first + size);
  // Other cores may still have fetched what was there before (membarrier(2)); a kernel
  // without the command has never run code of ours on them unsynchronised.
  constexpr int kPrivateExpeditedSyncCore = 1 << 5;
  constexpr int kRegisterPrivateExpeditedSyncCore = 1 << 6;
  static const bool registered =
      syscall(SYS_membarrier, kRegisterPrivateExpeditedSyncCore, 0, 0) == 0;
  if (registered) syscall(SYS_membarrier, kPrivateExpeditedSyncCore, 0, 0);
}

uintptr_t StripReturnAddress(uintptr_t address) {
  // XPACLRI: works on x30 alone, and is a no-op where there is no pointer authentication.
  register uintptr_t link asm("x30") = address;
  asm("hint #7" : "+r"(link));
  return link;
}

}  // namespace gantry::runtime::host_arch

#endif  // defined(__aarch64__)
