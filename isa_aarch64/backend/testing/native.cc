#include "isa_aarch64/backend/testing/native.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/link_rules.h"
#include "isa_aarch64/backend/abi.h"
#include "isa_aarch64/wasm_abi_testing.h"

namespace gantry::aarch64 {

using codegen::Outcome;
using codegen::RawValue;
using codegen::RegClass;
using codegen::TrapCode;
using codegen::Type;

namespace {

constexpr size_t kStackBytes = size_t{1} << 20;
constexpr size_t kGuardBytes = size_t{1} << 16;
constexpr size_t kMaxStackWords = 4096;
constexpr int kTimeLimitSeconds = 10;

// What NativeCall below reads and writes; its offsets stand in the assembly.
struct CallRecord {
  uint64_t code = 0;          // 0
  uint64_t stack_top = 0;     // 8
  uint64_t stack_words = 0;   // 16
  uint64_t* stack = nullptr;  // 24: stack_words, the lowest first
  uint64_t ints[16] = {};     // 32: x0 to x7 in, x0 to x5 out
  uint64_t vectors[16] = {};  // 160: v0 to v7 in, v0 to v3 out, 16 bytes each
  uint64_t host_sp = 0;       // 288
  uint64_t status = 0;        // 296: 0 returned, 1 trapped, 2 a callee-saved register changed
  uint64_t guest_sp = 0;      // 304: when it returned
};
static_assert(offsetof(CallRecord, ints) == 32 && offsetof(CallRecord, vectors) == 160);
static_assert(offsetof(CallRecord, host_sp) == 288 && offsetof(CallRecord, status) == 296);
static_assert(offsetof(CallRecord, guest_sp) == 304);

extern "C" void GantryNativeCall(CallRecord* record);
extern "C" char GantryNativeResume;

// x19 holds the record throughout; x20 to x29 hold numbers that the callee must keep.
__asm__(R"(
  .text
  .globl GantryNativeCall
  .type GantryNativeCall, %function
GantryNativeCall:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x19, x0
  mov x9, sp
  str x9, [x19, #288]
  ldr x10, [x19, #8]
  ldr x11, [x19, #16]
  ldr x12, [x19, #24]
  sub x10, x10, x11, lsl #3
  mov sp, x10
  mov x13, #0
1:
  cmp x13, x11
  b.eq 2f
  ldr x14, [x12, x13, lsl #3]
  str x14, [x10, x13, lsl #3]
  add x13, x13, #1
  b 1b
2:
  ldp q0, q1, [x19, #160]
  ldp q2, q3, [x19, #192]
  ldp q4, q5, [x19, #224]
  ldp q6, q7, [x19, #256]
  ldp x0, x1, [x19, #32]
  ldp x2, x3, [x19, #48]
  ldp x4, x5, [x19, #64]
  ldp x6, x7, [x19, #80]
  mov x20, #20
  mov x21, #21
  mov x22, #22
  mov x23, #23
  mov x24, #24
  mov x25, #25
  mov x26, #26
  mov x27, #27
  mov x28, #28
  mov x29, #29
  ldr x9, [x19]
  blr x9
  stp q0, q1, [x19, #160]
  stp q2, q3, [x19, #192]
  stp x0, x1, [x19, #32]
  stp x2, x3, [x19, #48]
  stp x4, x5, [x19, #64]
  mov x9, sp
  str x9, [x19, #304]
  mov x9, #2
  str x9, [x19, #296]
  cmp x20, #20
  b.ne 3f
  cmp x21, #21
  b.ne 3f
  cmp x22, #22
  b.ne 3f
  cmp x23, #23
  b.ne 3f
  cmp x24, #24
  b.ne 3f
  cmp x25, #25
  b.ne 3f
  cmp x26, #26
  b.ne 3f
  cmp x27, #27
  b.ne 3f
  cmp x28, #28
  b.ne 3f
  cmp x29, #29
  b.ne 3f
  str xzr, [x19, #296]
3:
  ldr x9, [x19, #288]
  mov sp, x9
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  ret
  .globl GantryNativeResume
GantryNativeResume:
  mov x9, #1
  str x9, [x19, #296]
  b 3b
  .size GantryNativeCall, . - GantryNativeCall
)");

// The call under way, for the signal handler.
CallRecord* current_call = nullptr;
const std::map<uint64_t, TrapCode>* current_traps = nullptr;
Outcome* current_outcome = nullptr;
uint64_t current_guard = 0;

void OnSignal(int signal, siginfo_t* info, void* raw_context) {
  auto* context = static_cast<ucontext_t*>(raw_context);
  const uint64_t pc = context->uc_mcontext.pc;
  if (current_call == nullptr) {
    ::signal(signal, SIG_DFL);
    return;
  }
  const uint64_t address = reinterpret_cast<uint64_t>(info->si_addr);
  const auto trap = current_traps->find(pc);
  if (signal == SIGVTALRM) {
    current_outcome->kind = Outcome::Kind::kOutOfFuel;
  } else if (signal == SIGSEGV && address >= current_guard &&
             address < current_guard + kGuardBytes) {
    current_outcome->kind = Outcome::Kind::kStackOverflow;
  } else if (trap != current_traps->end()) {
    *current_outcome = Outcome::Trapped(trap->second);
  } else {
    ::signal(signal, SIG_DFL);
    return;
  }
  context->uc_mcontext.regs[19] = reinterpret_cast<uint64_t>(current_call);
  context->uc_mcontext.pc = reinterpret_cast<uint64_t>(&GantryNativeResume);
}

// The stack that guest functions run on, and handlers for its signals.
uint8_t* GuestStack() {
  static uint8_t* const stack = [] {
    void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    uint8_t* base = static_cast<uint8_t*>(memory);
    CHECK(mprotect(base + kGuardBytes, kStackBytes, PROT_READ | PROT_WRITE) == 0);
    static uint8_t signal_stack[1 << 16];
    stack_t alternate = {};
    alternate.ss_sp = signal_stack;
    alternate.ss_size = sizeof signal_stack;
    CHECK(sigaltstack(&alternate, nullptr) == 0);
    struct sigaction action = {};
    action.sa_sigaction = OnSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int signal : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM}) {
      CHECK(sigaction(signal, &action, nullptr) == 0);
    }
    return base;
  }();
  return stack;
}

void SetTimer(int seconds) {
  itimerval timer = {};
  timer.it_value.tv_sec = seconds;
  CHECK(setitimer(ITIMER_VIRTUAL, &timer, nullptr) == 0);
}

}  // namespace

std::string NameKey(const codegen::UserExternalName& name) {
  return absl::StrCat(name.space, ":", name.index, ":", name.text);
}

NativeProgram::NativeProgram(std::shared_ptr<const codegen::TargetIsa> isa)
    : isa_(std::move(isa)) {}

NativeProgram::~NativeProgram() {
  if (memory_ != nullptr) munmap(memory_, memory_bytes_);
}

absl::Status NativeProgram::Add(const codegen::Function& func) {
  codegen::Function copy = func;
  ASSIGN_OR_RETURN(const codegen::CompiledCode code, context_.Compile(copy, *isa_));
  Piece piece;
  piece.bytes.assign(code.bytes.begin(), code.bytes.end());
  piece.alignment = code.alignment;
  piece.traps.assign(code.traps.begin(), code.traps.end());
  piece.relocs.assign(code.relocs.begin(), code.relocs.end());
  for (const codegen::UserExternalName& name : func.params.names) {
    piece.names.push_back(NameKey(name));
  }
  piece.signature = func.signature;
  piece_of_[NameKey(func.params.name)] = pieces_.size();
  pieces_.push_back(std::move(piece));
  return absl::OkStatus();
}

void NativeProgram::AddHost(const std::string& name, const void* address) {
  codegen::UserExternalName key;
  key.text = name;
  hosts_[NameKey(key)] = address;
}

absl::Status NativeProgram::Link() {
  // Hosts are too far for a branch: they are called by way of a stub each.
  constexpr size_t kStubBytes = 32;
  size_t size = kStubBytes * (hosts_.size() + 1);
  for (Piece& piece : pieces_) {
    size = (size + piece.alignment - 1) / piece.alignment * piece.alignment;
    piece.offset = size;
    size += piece.bytes.size();
  }
  memory_bytes_ = (size + 0xFFFF) & ~size_t{0xFFFF};
  void* memory =
      mmap(nullptr, memory_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return absl::ResourceExhaustedError("no memory for code");
  memory_ = static_cast<uint8_t*>(memory);
  // The first stub, zeroes, is an undefined instruction, for names that nothing has.
  std::map<std::string, const uint8_t*> stubs;
  size_t next_stub = kStubBytes;
  for (const auto& [name, address] : hosts_) {
    uint8_t* stub = memory_ + next_stub;
    next_stub += kStubBytes;
    const uint64_t target = reinterpret_cast<uint64_t>(address);
    // bti c; ldr x16, target; br x16; nop
    const uint32_t code[] = {0xD503245F, 0x58000070, 0xD61F0200, 0xD503201F};
    std::memcpy(stub, code, sizeof code);
    std::memcpy(stub + sizeof code, &target, sizeof target);
    stubs[name] = stub;
  }
  for (const Piece& piece : pieces_) {
    uint8_t* start = memory_ + piece.offset;
    std::memcpy(start, piece.bytes.data(), piece.bytes.size());
    for (const codegen::TrapRecord& trap : piece.traps) {
      traps_[reinterpret_cast<uint64_t>(start + trap.offset)] = trap.code;
    }
    for (const codegen::RelocRecord& reloc : piece.relocs) {
      const std::string& name = piece.names[reloc.name.index()];
      const uint8_t* target = memory_;
      if (const auto it = piece_of_.find(name); it != piece_of_.end()) {
        target = memory_ + pieces_[it->second].offset;
      } else if (const auto stub = stubs.find(name); stub != stubs.end()) {
        target = stub->second;
      }
      const codegen::LinkRule* rule = isa_->link_rules().find(static_cast<uint8_t>(reloc.kind));
      CHECK(rule != nullptr);
      rule->patch(start + reloc.offset, target + reloc.addend - (start + reloc.offset));
    }
  }
  char* const begin = reinterpret_cast<char*>(memory_);
  __builtin___clear_cache(begin, begin + memory_bytes_);
  const int protection =
      isa_->marks_branch_targets() ? testing::ProtectionOfMarkedCode() : PROT_READ | PROT_EXEC;
  CHECK(mprotect(memory_, memory_bytes_, protection) == 0);
  return absl::OkStatus();
}

const uint8_t* NativeProgram::AddressOf(size_t index) const {
  return memory_ + pieces_[index].offset;
}

uint64_t NativeProgram::StackTop() {
  return reinterpret_cast<uint64_t>(GuestStack() + kGuardBytes + kStackBytes);
}

absl::StatusOr<Outcome> NativeProgram::Call(size_t index, absl::Span<const RawValue> args) {
  const Piece& piece = pieces_[index];
  AbiSignature abi;
  RETURN_IF_ERROR(abi.Assign(piece.signature));
  if (abi.stack_bytes() / 8 > kMaxStackWords) {
    return absl::UnimplementedError("a call with so many arguments");
  }
  CallRecord record;
  std::vector<uint64_t> stack(abi.stack_bytes() / 8);
  std::vector<uint64_t> area(abi.result_area_bytes() / 8 + 2);
  uint64_t* aligned_area = area.data() + (reinterpret_cast<uint64_t>(area.data()) & 8) / 8;
  for (size_t i = 0; i < args.size(); ++i) {
    const ValuePlace& place = abi.params()[i];
    if (place.reg.is_none()) {
      stack[place.offset / 8] = args[i].lo;
      if (codegen::TypeBytes(place.type) == 16) stack[place.offset / 8 + 1] = args[i].hi;
    } else if (place.reg.reg_class() == RegClass::kInt) {
      record.ints[place.reg.encoding()] = args[i].lo;
    } else {
      record.vectors[2 * place.reg.encoding()] = args[i].lo;
      record.vectors[2 * place.reg.encoding() + 1] = args[i].hi;
    }
  }
  if (abi.result_area_reg().is_some()) {
    record.ints[abi.result_area_reg().encoding()] = reinterpret_cast<uint64_t>(aligned_area);
  }
  uint8_t* guest_stack = GuestStack();
  record.code = reinterpret_cast<uint64_t>(AddressOf(index));
  record.stack_top = StackTop();
  record.stack_words = stack.size();
  record.stack = stack.data();

  Outcome outcome;
  current_call = &record;
  current_traps = &traps_;
  current_outcome = &outcome;
  current_guard = reinterpret_cast<uint64_t>(guest_stack);
  SetTimer(kTimeLimitSeconds);
  GantryNativeCall(&record);
  SetTimer(0);
  current_call = nullptr;

  if (record.status == 2) {
    return absl::InternalError("the callee changed a callee-saved register");
  }
  if (record.status == 1) return outcome;
  const uint64_t popped = abi.callee_pops() ? 0 : abi.stack_bytes();
  if (record.guest_sp != record.stack_top - popped) {
    return absl::InternalError(
        absl::StrCat("the callee left the stack pointer ",
                     static_cast<int64_t>(record.guest_sp - record.stack_top), " bytes off"));
  }
  for (const ValuePlace& place : abi.returns()) {
    RawValue value;
    if (place.reg.is_none()) {
      value.lo = aligned_area[place.offset / 8];
      if (codegen::TypeBytes(place.type) == 16) value.hi = aligned_area[place.offset / 8 + 1];
    } else if (place.reg.reg_class() == RegClass::kInt) {
      value.lo = record.ints[place.reg.encoding()];
    } else {
      value.lo = record.vectors[2 * place.reg.encoding()];
      value.hi = record.vectors[2 * place.reg.encoding() + 1];
    }
    if (codegen::IsInt(place.type) && (value.lo & ~codegen::TypeMask(place.type)) != 0) {
      return absl::InternalError("a narrow result is not zero-extended");
    }
    if (!codegen::IsVector(place.type)) {
      value.lo &= codegen::TypeMask(place.type);
      value.hi = 0;
    }
    outcome.values.push_back(value);
  }
  return outcome;
}

}  // namespace gantry::aarch64
