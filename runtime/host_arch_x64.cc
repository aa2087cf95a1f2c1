#if defined(__x86_64__)

#include <ucontext.h>

#include "runtime/host_arch.h"

namespace gantry::runtime::host_arch {

Registers GetRegisters(const void* ucontext) {
  const auto& registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
  return {static_cast<uintptr_t>(registers[REG_RIP]), static_cast<uintptr_t>(registers[REG_RSP]),
          static_cast<uintptr_t>(registers[REG_RBP]), 0, static_cast<uint64_t>(registers[REG_R15])};
}

void SetRegisters(void* ucontext, const Registers& registers) {
  auto& machine = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  machine[REG_RIP] = static_cast<greg_t>(registers.pc);
  machine[REG_RSP] = static_cast<greg_t>(registers.sp);
  machine[REG_RBP] = static_cast<greg_t>(registers.fp);
}

FramelessCaller CallerOfFrameless(const Registers& registers, size_t frame_size) {
  const uintptr_t slot = registers.sp + frame_size;
  return {ReadStackWord(slot), slot + sizeof(uintptr_t)};
}

const char* Name() { return "x86_64"; }

// Instruction fetch is coherent with stores on this architecture.
void FlushInstructionCache(void*, size_t) {}

uintptr_t StripReturnAddress(uintptr_t address) { return address; }

}  // namespace gantry::runtime::host_arch

#endif  // defined(__x86_64__)
