#include "tests/runtime/native_code.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "environ/core/builtins.h"
#include "environ/core/trap_code.h"
#include "environ/core/vm_offsets.h"

#if defined(__x86_64__)

// The ABI of docs/abi.md: callee context rdi, caller context rsi, integer arguments rax, rcx,
// result rax. Offsets are checked against VMOffsets below.
asm(R"(
  .text
  .p2align 4
  .globl gantry_native_begin
gantry_native_begin:

  .macro entry_trampoline name
  .globl \name
\name:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  .cfi_offset %rbx, -24
  pushq %r12
  .cfi_offset %r12, -32
  pushq %r13
  .cfi_offset %r13, -40
  pushq %r14
  .cfi_offset %r14, -48
  pushq %r15
  .cfi_offset %r15, -56
  pushq %r8
  leaq 2f(%rip), %rax
  movq %rax, 32(%rdi)
  movq %rsp, 40(%rdi)
  movq %rbp, 48(%rdi)
  movq %rcx, %r11
  movq %rsi, %rdi
  movq %rdx, %rsi
  movq (%r8), %rax
  movq 16(%r8), %rcx
  call *%r11
  movq (%rsp), %r8
  movq %rax, (%r8)
  xorl %eax, %eax
1:
  .cfi_remember_state
  popq %r8
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_restore_state
2:
  movl $1, %eax
  jmp 1b
  .cfi_endproc
  .endm

  .macro exit_trampoline name
  .globl \name
\name:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  subq $48, %rsp
  movq 8(%rdi), %r11
  movq 8(%rbp), %r10
  movq %r10, 56(%r11)
  movq %rbp, 64(%r11)
  movq %rax, (%rsp)
  movq %rcx, 16(%rsp)
  movq %r11, 32(%rsp)
  movq %rsp, %rdx
  call *16(%rdi)
  movq 32(%rsp), %r11
  testl %eax, %eax
  jnz gantry_native_raise
  movq (%rsp), %rax
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .endm

  .macro builtin_shim name, index
  .globl \name
\name:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rdi
  pushq %rdi
  movq 8(%rdi), %r11
  movq 8(%rbp), %rax
  movq %rax, 56(%r11)
  movq %rbp, 64(%r11)
  movq 16(%rdi), %r11
  call *(8 * \index)(%r11)
  popq %rdi
  movq 8(%rdi), %r11
  testl %eax, %eax
  jnz gantry_native_raise
  movq %rdx, %rax
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .endm

  entry_trampoline gantry_native_entry
  entry_trampoline gantry_native_entry_ref
  exit_trampoline gantry_native_exit
  exit_trampoline gantry_native_exit_ref
  builtin_shim gantry_native_shim_grow, 0
  builtin_shim gantry_native_shim_fill, 1

  .globl gantry_native_raise
gantry_native_raise:
  movq 40(%r11), %rsp
  movq 48(%r11), %rbp
  jmpq *32(%r11)

  .globl gantry_native_1
gantry_native_1:
  .cfi_startproc
  addq %rcx, %rax
  ret
  .cfi_endproc

  .globl gantry_native_2, gantry_native_2_trap
gantry_native_2:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  subq $16, %rsp
gantry_native_2_trap:
  ud2
  .cfi_endproc

  .globl gantry_native_3, gantry_native_3_trap
gantry_native_3:
  .cfi_startproc
gantry_native_3_trap:
  ud2
  .cfi_endproc

  .globl gantry_native_4, gantry_native_4_trap
gantry_native_4:
  .cfi_startproc
  pushq %rbx
  .cfi_def_cfa_offset 16
gantry_native_4_trap:
  ud2
  .cfi_endproc

  .globl gantry_native_5, gantry_native_5_trap
gantry_native_5:
  .cfi_startproc
  xorl %edx, %edx
gantry_native_5_trap:
  divq %rcx
  ret
  .cfi_endproc

  .globl gantry_native_6, gantry_native_6_trap
gantry_native_6:
  .cfi_startproc
  movq 48(%rdi), %r11
gantry_native_6_trap:
  movq (%r11, %rax), %rax
  ret
  .cfi_endproc

  .globl gantry_native_7
gantry_native_7:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  call gantry_native_2
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_8
gantry_native_8:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  call gantry_native_7
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_9
gantry_native_9:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq 80(%rdi), %r11
  movq %rdi, %rsi
  movq 88(%rdi), %rdi
  call *%r11
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_10
gantry_native_10:
  .cfi_startproc
  movq 80(%rdi), %r11
  movq %rdi, %rsi
  movq 88(%rdi), %rdi
  jmpq *%r11
  .cfi_endproc

  .globl gantry_native_11
gantry_native_11:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  call gantry_native_10
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_12, gantry_native_12_trap
gantry_native_12:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq 8(%rdi), %r11
  cmpq (%r11), %rsp
  jb gantry_native_12_trap
  call gantry_native_12
  .cfi_remember_state
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_restore_state
gantry_native_12_trap:
  ud2
  .cfi_endproc

  .globl gantry_native_13
gantry_native_13:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  xorl %esi, %esi
  movq %rcx, %r8
  movq %rax, %rdx
  movl $7, %ecx
  call gantry_native_shim_fill
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_14
gantry_native_14:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  xorl %esi, %esi
  movq %rax, %rdx
  call gantry_native_shim_grow
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_15, gantry_native_15_return
gantry_native_15:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  subq $16, %rsp
  movq %rax, 8(%rsp)
  movq 80(%rdi), %r11
  movq %rdi, %rsi
  movq 88(%rdi), %rdi
  xorl %eax, %eax
  xorl %ecx, %ecx
  call *%r11
gantry_native_15_return:
  movq 8(%rsp), %rax
  leave
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc

  .globl gantry_native_end
gantry_native_end:
)");

#define GANTRY_NATIVE_SYMBOLS(X)                                                              \
  X(begin)                                                                                    \
  X(end)                                                                                      \
  X(entry)                                                                                    \
  X(entry_ref)                                                                                \
  X(exit)                                                                                     \
  X(exit_ref) X(shim_grow) X(shim_fill) X(raise) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) \
      X(10) X(11) X(12) X(13) X(14) X(15) X(2_trap) X(3_trap) X(4_trap) X(5_trap) X(6_trap)   \
          X(12_trap) X(15_return)
extern "C" {
#define GANTRY_X(name) extern const uint8_t gantry_native_##name[];
GANTRY_NATIVE_SYMBOLS(GANTRY_X)
#undef GANTRY_X
}

namespace gantry::runtime {
namespace {

using environ::FuncKey;
using environ::ModuleId;
using environ::TrapCode;
using wasm::FuncIndex;
using wasm::TypeIndex;
using wasm::ValType;

constexpr const char* kNames[] = {
    "",        "Add",    "Trap",  "LeafTrap",     "LeafTrapPushed", "Divide",
    "Load",    "Middle", "Outer", "CallHost",     "TailCallHost",   "CallTailCallHost",
    "Recurse", "Fill",   "Grow",  "HoldReference"};
static_assert(std::size(kNames) == kNativeFunctionCount);

uint32_t OffsetOf(const uint8_t* symbol) {
  return static_cast<uint32_t>(symbol - gantry_native_begin);
}

struct Tables {
  std::vector<environ::FunctionRecord> functions;
  std::vector<uint32_t> by_key;
  std::vector<uint32_t> trap_offsets;
  std::vector<uint8_t> trap_codes;
  std::vector<uint32_t> address_offsets;
  std::vector<uint32_t> address_wasm_offsets;
  std::vector<uint32_t> stack_map_offsets;
  std::vector<uint32_t> stack_map_lists;
  std::vector<environ::SlotList> slot_lists;
  std::vector<uint32_t> stack_map_slots;

  void Function(const FuncKey& key, const uint8_t* start, int leaf_size = -1) {
    environ::TextFunction function;
    function.key = key;
    function.offset = OffsetOf(start);
    function.frame.frame_begin = leaf_size >= 0 ? environ::FrameInfo::kNoFrame : 0;
    function.frame.frame_size = leaf_size >= 0 ? static_cast<uint32_t>(leaf_size) : 16;
    functions.push_back(environ::FunctionRecord::From(function));
  }
  void Wasm(uint32_t index, const uint8_t* start, int leaf_size = -1) {
    Function(FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(index - 1)), start,
             leaf_size);
    address_offsets.push_back(OffsetOf(start));
    address_wasm_offsets.push_back(1000 * index);
  }
  void Trap(uint32_t index, const uint8_t* at, TrapCode code) {
    trap_offsets.push_back(OffsetOf(at));
    trap_codes.push_back(static_cast<uint8_t>(code));
    if (address_offsets.back() == OffsetOf(at)) {
      address_wasm_offsets.back() = 1000 * index + 1;
    } else {
      address_offsets.push_back(OffsetOf(at));
      address_wasm_offsets.push_back(1000 * index + 1);
    }
  }
  // Gives each function the bytes up to the next, and orders the keys.
  void Finish() {
    for (size_t i = 0; i < functions.size(); ++i) {
      const uint32_t end =
          i + 1 < functions.size() ? functions[i + 1].offset : OffsetOf(gantry_native_end);
      functions[i].size = end - functions[i].offset;
      by_key.push_back(static_cast<uint32_t>(i));
    }
    std::sort(by_key.begin(), by_key.end(),
              [&](uint32_t a, uint32_t b) { return functions[a].key < functions[b].key; });
  }
};

std::shared_ptr<Tables> MakeTables() {
  auto tables = std::make_shared<Tables>();
  Tables& t = *tables;
  t.Function(FuncKey::EntryTrampoline(ModuleId(0), TypeIndex(0)), gantry_native_entry);
  t.Function(FuncKey::EntryTrampoline(ModuleId(0), TypeIndex(1)), gantry_native_entry_ref);
  t.Function(FuncKey::ExitTrampoline(ModuleId(0), TypeIndex(0)), gantry_native_exit);
  t.Function(FuncKey::ExitTrampoline(ModuleId(0), TypeIndex(1)), gantry_native_exit_ref);
  t.Function(FuncKey::BuiltinShim(0), gantry_native_shim_grow);
  t.Function(FuncKey::BuiltinShim(1), gantry_native_shim_fill);
  t.Wasm(1, gantry_native_1, 0);
  t.Wasm(2, gantry_native_2);
  t.Trap(2, gantry_native_2_trap, TrapCode::kUnreachable);
  t.Wasm(3, gantry_native_3, 0);
  t.Trap(3, gantry_native_3_trap, TrapCode::kIndirectCallTypeMismatch);
  t.Wasm(4, gantry_native_4, 8);
  t.Trap(4, gantry_native_4_trap, TrapCode::kUndefinedElement);
  t.Wasm(5, gantry_native_5, 0);
  t.Trap(5, gantry_native_5_trap, TrapCode::kIntegerDivideByZero);
  t.Wasm(6, gantry_native_6, 0);
  t.Trap(6, gantry_native_6_trap, TrapCode::kMemoryOutOfBounds);
  t.Wasm(7, gantry_native_7);
  t.Wasm(8, gantry_native_8);
  t.Wasm(9, gantry_native_9);
  t.Wasm(10, gantry_native_10, 0);
  t.Wasm(11, gantry_native_11);
  t.Wasm(12, gantry_native_12);
  t.Trap(12, gantry_native_12_trap, TrapCode::kCallStackExhausted);
  t.Wasm(13, gantry_native_13);
  t.Wasm(14, gantry_native_14);
  t.Wasm(15, gantry_native_15);
  t.stack_map_offsets = {OffsetOf(gantry_native_15_return)};
  t.stack_map_lists = {0};
  t.slot_lists = {{0, 1}};
  t.stack_map_slots = {8};
  t.Finish();
  return tables;
}

environ::ModuleInfo MakeInfo(const environ::MemoryPlan& plan) {
  environ::ModuleInfo info;
  info.name = "native";
  info.types.Push({NativeType()});
  info.types.Push({wasm::FuncType({ValType::ExternRef()}, {ValType::ExternRef()})});
  info.imports.push_back({"host", "call", environ::EntityRef::Func(FuncIndex(0))});
  info.num_imported_functions = 1;
  info.functions.Push({TypeIndex(0)});
  for (uint32_t i = 1; i < kNativeFunctionCount; ++i) {
    const bool by_reference = i == static_cast<uint32_t>(NativeFunction::kHoldReference);
    info.functions.Push({TypeIndex(by_reference ? 1 : 0), environ::FuncRefIndex(i - 1)});
    info.func_names.push_back({FuncIndex(i), kNames[i]});
    info.exports.push_back({kNames[i], environ::EntityRef::Func(FuncIndex(i))});
  }
  info.num_func_refs = kNativeFunctionCount - 1;
  info.memories.Push({NativeMemoryType(), plan});
  info.exports.push_back({"memory", environ::EntityRef::Memory(wasm::MemoryIndex(0))});
  // The offsets that the code above has in it.
  const environ::VMOffsets offsets(info.VMCounts());
  CHECK_EQ(offsets.ImportedFunction(FuncIndex(0)), 80u);
  CHECK_EQ(offsets.Memory(wasm::DefinedMemoryIndex(0)), 48u);
  return info;
}

}  // namespace

// The numbers in the code above.
static_assert(environ::VMContextOffsets::kStore == 8 && environ::VMContextOffsets::kBuiltins == 16);
static_assert(environ::VMHostFuncContextOffsets::kHostCall == 16);
static_assert(environ::VMStoreContextOffsets::kStackLimit == 0 &&
              environ::VMStoreContextOffsets::kLastEntryPc == 32 &&
              environ::VMStoreContextOffsets::kLastEntrySp == 40 &&
              environ::VMStoreContextOffsets::kLastEntryFp == 48 &&
              environ::VMStoreContextOffsets::kLastExitPc == 56 &&
              environ::VMStoreContextOffsets::kLastExitFp == 64);
static_assert(static_cast<uint32_t>(environ::Builtin::kMemoryGrow) == 0 &&
              static_cast<uint32_t>(environ::Builtin::kMemoryFill) == 1);

std::shared_ptr<const CodeObject> NativeCode(const environ::MemoryPlan& plan) {
  std::shared_ptr<Tables> tables = MakeTables();
  CodeObject::Parts parts;
  parts.text = absl::MakeConstSpan(gantry_native_begin, OffsetOf(gantry_native_end));
  parts.tables.functions = tables->functions;
  parts.tables.by_key = tables->by_key;
  parts.tables.trap_offsets = tables->trap_offsets;
  parts.tables.trap_codes = tables->trap_codes;
  parts.tables.address_offsets = tables->address_offsets;
  parts.tables.address_wasm_offsets = tables->address_wasm_offsets;
  parts.tables.stack_map_offsets = tables->stack_map_offsets;
  parts.tables.stack_map_lists = tables->stack_map_lists;
  parts.tables.slot_lists = tables->slot_lists;
  parts.tables.stack_map_slots = tables->stack_map_slots;
  parts.modules.push_back(MakeInfo(plan));
  parts.data.emplace_back();
  parts.owner = std::move(tables);
  absl::StatusOr<std::shared_ptr<const CodeObject>> code = CodeObject::Create(std::move(parts));
  CHECK_OK(code.status());
  return *std::move(code);
}

}  // namespace gantry::runtime

#else

namespace gantry::runtime {

std::shared_ptr<const CodeObject> NativeCode(const environ::MemoryPlan&) { return nullptr; }

}  // namespace gantry::runtime

#endif
