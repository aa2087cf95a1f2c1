// Tested by tests/runtime/native_test and api/typed_func_test.
#include "runtime/direct_entry.h"

#if defined(__x86_64__)

#include "environ/core/vm_offsets.h"

// An entry trampoline without the array: callee-saved registers are saved, the point to resume at
// is recorded, and the first integer argument goes from its C register to rax. The others are where
// wasm expects them (kDirectIntOrder), and so are floats. The store context is kept in r12, which the callee
// preserves, and where cold shims look for it; the fuel, if counted, is kept in r15. Each instruction between the prologue
// and the epilogue may be the one that a trap continues behind, with rsp and rbp as recorded.
#define GANTRY_DIRECT_ENTRY(name, set_not_trapped, set_trapped) \
  ".text\n"                                                     \
  ".p2align 4\n"                                                \
  ".globl " name                                                \
  "\n"                                                          \
  ".type " name ", @function\n" name                            \
  ":\n"                                                         \
  "  .cfi_startproc\n"                                          \
  "  push %rbp\n"                                               \
  "  .cfi_def_cfa_offset 16\n"                                  \
  "  .cfi_offset %rbp, -16\n"                                   \
  "  mov %rsp, %rbp\n"                                          \
  "  .cfi_def_cfa_register %rbp\n"                              \
  "  push %rbx\n"                                               \
  "  .cfi_offset %rbx, -24\n"                                   \
  "  push %r12\n"                                               \
  "  .cfi_offset %r12, -32\n"                                   \
  "  push %r13\n"                                               \
  "  .cfi_offset %r13, -40\n"                                   \
  "  push %r14\n"                                               \
  "  .cfi_offset %r14, -48\n"                                   \
  "  push %r15\n"                                               \
  "  .cfi_offset %r15, -56\n"                                   \
  "  sub $24, %rsp\n"                                           \
  "  mov %rdi, %r11\n"                                          \
  "  mov %rsi, %rax\n"                                          \
  "  mov 8(%r11), %rdi\n"                                       \
  "  mov 8(%rdi), %r12\n"                                       \
  "  lea 1f(%rip), %rbx\n"                                      \
  "  mov %rbx, 32(%r12)\n"                                      \
  "  mov %rsp, 40(%r12)\n"                                      \
  "  mov %rbp, 48(%r12)\n"                                      \
  "  mov %r12, -56(%rbp)\n"                                     \
  "  mov 8(%r12), %r15\n"                                       \
  "  xor %esi, %esi\n"                                          \
  "  call *(%r11)\n"                                            \
  "  .byte 0x0F, 0x1F, 0x84, 0x00\n"                            \
  "  .long 0x79727467\n"                                        \
  "  mov %r15, 8(%r12)\n"                                       \
  "  " set_not_trapped                                          \
  "\n"                                                          \
  "0:\n"                                                        \
  "  add $24, %rsp\n"                                           \
  "  pop %r15\n"                                                \
  "  pop %r14\n"                                                \
  "  pop %r13\n"                                                \
  "  pop %r12\n"                                                \
  "  pop %rbx\n"                                                \
  "  pop %rbp\n"                                                \
  "  .cfi_remember_state\n"                                     \
  "  .cfi_def_cfa %rsp, 8\n"                                    \
  "  ret\n"                                                     \
  "  .cfi_restore_state\n"                                      \
  "1:\n"                                                        \
  "  " set_trapped                                              \
  "\n"                                                          \
  "  jmp 0b\n"                                                  \
  "  .cfi_endproc\n"                                            \
  ".size " name ", . - " name "\n"

// The pair {u64, u64} is returned in rax and rdx, {double, u64} in xmm0 and rax.
asm(GANTRY_DIRECT_ENTRY("gantry_enter_returning_int", "xor %edx, %edx", "mov $1, %edx")
    GANTRY_DIRECT_ENTRY("gantry_enter_returning_float", "xor %eax, %eax", "mov $1, %eax")
    ".globl gantry_enter_end\n"
    ".hidden gantry_enter_end\n"
    "gantry_enter_end:\n");

extern "C" void gantry_enter_end();

namespace gantry::runtime::host_arch {

static_assert(environ::VMFuncRefOffsets::kWasmCall == 0);
static_assert(environ::VMFuncRefOffsets::kVmctx == 8);
static_assert(environ::VMContextOffsets::kStore == 8);
static_assert(environ::VMHostFuncContextOffsets::kStore == 8);
static_assert(environ::VMStoreContextOffsets::kFuel == 8);
static_assert(environ::kEntryMark == 0x79727467);
static_assert(environ::VMStoreContextOffsets::kLastEntryPc == 32);
static_assert(environ::VMStoreContextOffsets::kLastEntrySp == 40);
static_assert(environ::VMStoreContextOffsets::kLastEntryFp == 48);

bool InDirectEntry(uintptr_t pc) {
  return pc >= reinterpret_cast<uintptr_t>(&gantry_enter_returning_int) &&
         pc < reinterpret_cast<uintptr_t>(&gantry_enter_end);
}

}  // namespace gantry::runtime::host_arch

#else

namespace gantry::runtime::host_arch {

bool InDirectEntry(uintptr_t) { return false; }

}  // namespace gantry::runtime::host_arch

#endif  // defined(__x86_64__)
