#include "isa_x64/wasm_abi_testing.h"

#include <sys/mman.h>

#include <cstring>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "isa_x64/asm/assembler.h"

namespace gantry::x64::testing {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;

constexpr int32_t kValueBytes = sizeof(AbiTestValue);
static_assert(kValueBytes == 16);

// A value that no argument has, for the register with this number.
uint64_t Sentinel(uint8_t encoding) { return 0xC0FFEE0000000000u + encoding * 0x0101010101u; }

struct Layout {
  explicit Layout(const AbiTestSignature& signature)
      : params(signature.params.size()), results(signature.results.size()) {
    area_bytes = AssignWasmResults(signature.results, absl::MakeSpan(results));
    stack_bytes = AssignWasmArguments(signature.params, area_bytes != 0, absl::MakeSpan(params));
  }
  std::vector<AbiPlace> params;
  std::vector<AbiPlace> results;
  uint32_t area_bytes;
  uint32_t stack_bytes;
};

Address At(Gpr64 base, size_t index) {
  return Address(base, static_cast<int32_t>(index) * kValueBytes);
}

// The whole register or slot goes to the array, so that bits out of place show.
void StoreWhole(Assembler& as, AbiPlace place, const Address& to) {
  if (place.kind == AbiPlace::Kind::kInt) {
    as.mov(Mem64(to), Gpr64(place.encoding));
  } else {
    as.movups(Mem128(to), Xmm(place.encoding));
  }
}

void CopySlot(Assembler& as, AbiValue value, const Address& to, const Address& from) {
  if (value.bytes == 16) {
    as.movups(xmm15, Mem128(from));
    as.movups(Mem128(to), xmm15);
  } else {
    as.movsd(xmm15, Mem64(from));
    as.movsd(Mem64(to), xmm15);
  }
}

void LoadPlace(Assembler& as, AbiPlace place, const Address& from) {
  if (place.kind == AbiPlace::Kind::kInt) {
    as.mov(Gpr64(place.encoding), Mem64(from));
  } else {
    as.movups(Xmm(place.encoding), Mem128(from));
  }
}

int32_t Field(size_t offset) { return static_cast<int32_t>(offset); }

#define FIELD(name) Field(offsetof(AbiTestContext, name))
#define CALL_FIELD(name) Field(offsetof(AbiTestCall, name))

// Stores the arguments, counts the call and checks the stack; rbp is the frame pointer.
// Overwrites r11 and xmm15.
void Record(Assembler& as, const AbiTestSignature& signature, const Layout& layout) {
  as.mov(r11, Mem64(rdi, FIELD(arguments)));
  for (size_t i = 0; i < layout.params.size(); ++i) {
    const AbiPlace place = layout.params[i];
    if (place.kind == AbiPlace::Kind::kMemory) {
      CopySlot(as, signature.params[i], At(r11, i),
               Address(rbp, 16 + static_cast<int32_t>(place.offset)));
    } else {
      StoreWhole(as, place, At(r11, i));
    }
  }
  as.mov(Mem64(rdi, FIELD(caller)), rsi);
  as.add(Mem64(rdi, FIELD(calls)), 1);
  const MachLabel aligned = as.buffer().NewLabel();
  as.lea(r11, Address(rbp, 16));
  as.test(r11, 15);
  as.jcc(Condition::kEqual, aligned);
  as.or_(Mem64(rdi, FIELD(broken)), static_cast<int32_t>(kBrokenAlignment));
  as.bind(aligned);
}

bool IsResultRegister(const Layout& layout, AbiPlace::Kind kind, uint8_t encoding) {
  for (const AbiPlace& place : layout.results) {
    if (place.kind == kind && place.encoding == encoding) return true;
  }
  return false;
}

}  // namespace

void EmitRecordingCallee(const AbiTestSignature& signature, MachBuffer& buffer) {
  const Layout layout(signature);
  Assembler as(buffer);
  as.push(rbp);
  as.mov(rbp, rsp);
  Record(as, signature, layout);
  as.mov(r11, Mem64(rdi, FIELD(results)));
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, signature.results[i],
             Address(kResultArea, static_cast<int32_t>(layout.results[i].offset)), At(r11, i));
  }
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) {
      LoadPlace(as, layout.results[i], At(r11, i));
    }
  }
  // What a callee need not keep, it does not.
  for (uint8_t encoding = 0; encoding < 16; ++encoding) {
    const Gpr64 reg(encoding);
    bool keep =
        reg == rsp || reg == rbp || IsResultRegister(layout, AbiPlace::Kind::kInt, encoding);
    for (const Gpr64 saved : kCalleeSaved) keep = keep || reg == saved;
    if (!keep) as.mov(reg, static_cast<int64_t>(0xDEAD0000DEAD0000u + encoding));
    if (!IsResultRegister(layout, AbiPlace::Kind::kVector, encoding)) {
      as.pcmpeqd(Xmm(encoding), Xmm(encoding));
    }
  }
  as.pop(rbp);
  as.ret(layout.stack_bytes);
}

void EmitTailCaller(const AbiTestSignature& signature, absl::Span<const AbiValue> tail_params,
                    MachBuffer& buffer) {
  const Layout layout(signature);
  AbiTestSignature tail_signature;
  tail_signature.params.assign(tail_params.begin(), tail_params.end());
  tail_signature.results = signature.results;
  const Layout tail(tail_signature);
  Assembler as(buffer);
  as.push(rbp);
  as.mov(rbp, rsp);
  Record(as, signature, layout);
  as.pop(rbp);
  // The return address moves to below the new arguments, which end where the old ones did.
  as.mov(r11, Mem64(rsp));
  as.lea(rsp, Address(rsp, static_cast<int32_t>(layout.stack_bytes) -
                               static_cast<int32_t>(tail.stack_bytes)));
  as.mov(Mem64(rsp), r11);
  as.mov(r11, Mem64(rdi, FIELD(tail_arguments)));
  for (size_t i = 0; i < tail.params.size(); ++i) {
    if (tail.params[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, tail_params[i], Address(rsp, 8 + static_cast<int32_t>(tail.params[i].offset)),
             At(r11, i));
  }
  for (size_t i = 0; i < tail.params.size(); ++i) {
    if (tail.params[i].kind != AbiPlace::Kind::kMemory) {
      LoadPlace(as, tail.params[i], At(r11, i));
    }
  }
  // The result area, where there is one, is still in its register.
  as.mov(rsi, rdi);
  as.mov(r11, Mem64(rdi, FIELD(tail_code)));
  as.mov(rdi, Mem64(rdi, FIELD(tail_context)));
  as.jmp(r11);
}

void EmitCheckingCaller(const AbiTestSignature& signature, MachBuffer& buffer) {
  const Layout layout(signature);
  Assembler as(buffer);
  as.push(rbp);
  as.mov(rbp, rsp);
  for (const Gpr64 reg : kCalleeSaved) as.push(reg);
  as.push(rdi);
  constexpr int32_t kCallSlot = -8 * static_cast<int32_t>(std::size(kCalleeSaved)) - 8;
  constexpr int32_t kArrayBase = kCallSlot;  // rsp after the pushes, a multiple of 16.
  static_assert(kArrayBase % 16 == 0);
  const int32_t area = kArrayBase - static_cast<int32_t>(layout.area_bytes);
  as.lea(rsp, Address(rbp, area - static_cast<int32_t>(layout.stack_bytes)));

  as.mov(r11, Mem64(rdi, CALL_FIELD(arguments)));
  // Junk above the four bytes of an f32 on the stack, and in registers above the value.
  for (size_t i = 0; i < layout.params.size(); ++i) {
    if (layout.params[i].kind != AbiPlace::Kind::kMemory) continue;
    const int32_t offset = static_cast<int32_t>(layout.params[i].offset);
    CopySlot(as, signature.params[i], Address(rsp, offset), At(r11, i));
    if (signature.params[i] == AbiValue{AbiClass::kVector, 4}) {
      as.mov(Mem32(rsp, offset + 4), 0x7ACE7ACE);
    }
  }
  for (uint8_t encoding = 0; encoding < 16; ++encoding) {
    as.pcmpeqd(Xmm(encoding), Xmm(encoding));
  }
  for (size_t i = 0; i < layout.params.size(); ++i) {
    const AbiPlace place = layout.params[i];
    if (place.kind != AbiPlace::Kind::kVector) continue;
    const Xmm reg(place.encoding);
    if (signature.params[i].bytes == 16) {
      as.movups(reg, Mem128(At(r11, i)));
    } else if (signature.params[i].bytes == 8) {
      as.movsd(xmm15, Mem64(At(r11, i)));
      as.movsd(reg, xmm15);  // Merges: the upper half stays junk.
    } else {
      as.movss(xmm15, Mem32(At(r11, i)));
      as.movss(reg, xmm15);
    }
  }
  for (const Gpr64 reg : kCalleeSaved) {
    as.mov(reg, static_cast<int64_t>(Sentinel(reg.encoding())));
  }
  as.mov(rsi, Mem64(rdi, CALL_FIELD(caller_vmctx)));
  for (const Gpr64 reg : {r8, r9, r10}) as.mov(reg, static_cast<int64_t>(0x7ACE7ACE7ACE7ACE));
  for (size_t i = 0; i < layout.params.size(); ++i) {
    if (layout.params[i].kind == AbiPlace::Kind::kInt) {
      LoadPlace(as, layout.params[i], At(r11, i));
    }
  }
  if (layout.area_bytes != 0) as.lea(kResultArea, Address(rbp, area));
  as.mov(r11, Mem64(rdi, CALL_FIELD(code)));
  as.mov(rdi, Mem64(rdi, CALL_FIELD(vmctx)));
  as.call(r11);
  buffer.AddCallSite();

  // All goes by the frame pointer; a callee that loses it crashes the test.
  as.mov(r11, Mem64(rbp, kCallSlot));
  as.mov(r11, Mem64(r11, CALL_FIELD(results)));
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) {
      StoreWhole(as, layout.results[i], At(r11, i));
    }
  }
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, signature.results[i], At(r11, i),
             Address(rbp, area + static_cast<int32_t>(layout.results[i].offset)));
  }
  as.xor_(eax, eax);
  const auto check_equal = [&](Gpr64 a, Gpr64 b, uint64_t rule) {
    const MachLabel equal = buffer.NewLabel();
    as.cmp(a, b);
    as.jcc(Condition::kEqual, equal);
    as.or_(rax, static_cast<int32_t>(rule));
    as.bind(equal);
  };
  for (const Gpr64 reg : kCalleeSaved) {
    as.mov(rcx, static_cast<int64_t>(Sentinel(reg.encoding())));
    check_equal(reg, rcx, kBrokenCalleeSaved);
  }
  as.lea(rcx, Address(rbp, area));
  check_equal(rsp, rcx, kBrokenStackPointer);
  as.lea(rsp, Address(rbp, kCallSlot + 8));
  for (size_t i = std::size(kCalleeSaved); i > 0; --i) as.pop(kCalleeSaved[i - 1]);
  as.pop(rbp);
  as.ret();
}

NativeCode::NativeCode(absl::FunctionRef<void(MachBuffer&)> emit) {
  MachBuffer buffer(kLabelKinds);
  emit(buffer);
  CHECK_OK(buffer.Finish());
  Map(buffer.bytes());
}

void NativeCode::Map(absl::Span<const uint8_t> bytes) {
  size_ = bytes.size();
  memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory_ != MAP_FAILED) << "no memory for code";
  std::memcpy(memory_, bytes.data(), size_);
  CHECK(mprotect(memory_, size_, PROT_READ | PROT_EXEC) == 0) << "no executable memory";
}

NativeCode::~NativeCode() { munmap(memory_, size_); }

}  // namespace gantry::x64::testing
