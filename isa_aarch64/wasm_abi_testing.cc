#include "isa_aarch64/wasm_abi_testing.h"

#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "isa_aarch64/asm/assembler.h"

namespace gantry::aarch64::testing {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;

constexpr int64_t kValueBytes = sizeof(AbiTestValue);
static_assert(kValueBytes == 16);

// A value that no argument has, for the register with this number.
uint64_t Sentinel(uint8_t encoding) { return 0xC0FFEE0000000000u + encoding * 0x0101010101u; }

// Not used for arguments or results; x16 is the assembler's.
constexpr X kArray = x17;
constexpr X kTemp = x9;
constexpr X kTemp2 = x10;

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

Address At(XSp base, size_t index) {
  return Address(base, static_cast<int64_t>(index) * kValueBytes);
}

// The whole register or slot goes to the array, so that bits out of place show.
void StoreWhole(Assembler& as, AbiPlace place, const Address& to) {
  if (place.kind == AbiPlace::Kind::kInt) {
    as.str(X(place.encoding), to);
  } else {
    as.str_q(V(place.encoding), to);
  }
}

void CopySlot(Assembler& as, AbiValue value, const Address& to, const Address& from) {
  if (value.bytes == 16) {
    as.ldr_q(v31, from);
    as.str_q(v31, to);
  } else {
    as.ldr_d(v31, from);
    as.str_d(v31, to);
  }
}

void LoadPlace(Assembler& as, AbiPlace place, const Address& from) {
  if (place.kind == AbiPlace::Kind::kInt) {
    as.ldr(X(place.encoding), from);
  } else {
    as.ldr_q(V(place.encoding), from);
  }
}

int64_t Field(size_t offset) { return static_cast<int64_t>(offset); }

#define FIELD(name) Field(offsetof(AbiTestContext, name))
#define CALL_FIELD(name) Field(offsetof(AbiTestCall, name))

void OnesIn(Assembler& as, uint8_t vector) {
  as.Emit(Row::kMovi, {vector}, VectorMoveBits(~uint64_t{0}, ~uint64_t{0}).value());
}

// Stores the arguments, counts the call and checks the stack; x29 is the frame pointer.
// Overwrites kArray, kTemp and v31.
void Record(Assembler& as, const AbiTestSignature& signature, const Layout& layout) {
  as.ldr(kArray, Address(x0, FIELD(arguments)));
  for (size_t i = 0; i < layout.params.size(); ++i) {
    const AbiPlace place = layout.params[i];
    if (place.kind == AbiPlace::Kind::kMemory) {
      CopySlot(as, signature.params[i], At(kArray, i), Address(x29, 16 + int64_t{place.offset}));
    } else {
      StoreWhole(as, place, At(kArray, i));
    }
  }
  as.str(x1, Address(x0, FIELD(caller)));
  as.ldr(kTemp, Address(x0, FIELD(calls)));
  as.add(kTemp, kTemp, int64_t{1});
  as.str(kTemp, Address(x0, FIELD(calls)));
  const MachLabel aligned = as.buffer().NewLabel();
  as.mov_sp(kTemp, sp);
  as.Emit(Row::kTstImmX, {kTemp.encoding()}, LogicalBits(15, 64).value());
  as.b(Condition::kEq, aligned);
  as.mov(kTemp, kBrokenAlignment);
  as.str(kTemp, Address(x0, FIELD(broken)));
  as.bind(aligned);
}

bool IsResultRegister(const Layout& layout, AbiPlace::Kind kind, uint8_t encoding) {
  for (const AbiPlace& place : layout.results) {
    if (place.kind == kind && place.encoding == encoding) return true;
  }
  return false;
}

void PushFrame(Assembler& as) {
  as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
  as.mov_sp(x29, sp);
}

}  // namespace

void EmitRecordingCallee(const AbiTestSignature& signature, MachBuffer& buffer) {
  const Layout layout(signature);
  Assembler as(buffer);
  PushFrame(as);
  Record(as, signature, layout);
  as.ldr(kArray, Address(x0, FIELD(results)));
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, signature.results[i], Address(kResultArea, layout.results[i].offset),
             At(kArray, i));
  }
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) {
      LoadPlace(as, layout.results[i], At(kArray, i));
    }
  }
  // What a callee need not keep, it does not. (x18 is nobody's.)
  for (uint8_t encoding = 0; encoding < 32; ++encoding) {
    const bool free = encoding < 18 && !IsResultRegister(layout, AbiPlace::Kind::kInt, encoding);
    if (free) as.mov(X(encoding), 0xDEAD0000DEAD0000u + encoding);
    if (!IsResultRegister(layout, AbiPlace::Kind::kVector, encoding)) OnesIn(as, encoding);
  }
  as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
  as.add(sp, sp, layout.stack_bytes);
  as.ret();
}

void EmitTailCaller(const AbiTestSignature& signature, absl::Span<const AbiValue> tail_params,
                    MachBuffer& buffer) {
  const Layout layout(signature);
  AbiTestSignature tail_signature;
  tail_signature.params.assign(tail_params.begin(), tail_params.end());
  tail_signature.results = signature.results;
  const Layout tail(tail_signature);
  Assembler as(buffer);
  PushFrame(as);
  Record(as, signature, layout);
  as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
  // The new arguments end where the old ones did.
  as.add(sp, sp, int64_t{layout.stack_bytes} - int64_t{tail.stack_bytes});
  as.ldr(kArray, Address(x0, FIELD(tail_arguments)));
  for (size_t i = 0; i < tail.params.size(); ++i) {
    if (tail.params[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, tail_params[i], Address(sp, tail.params[i].offset), At(kArray, i));
  }
  for (size_t i = 0; i < tail.params.size(); ++i) {
    if (tail.params[i].kind != AbiPlace::Kind::kMemory) {
      LoadPlace(as, tail.params[i], At(kArray, i));
    }
  }
  // The result area, where there is one, is still in its register.
  as.mov(x1, x0);
  as.ldr(kArray, Address(x0, FIELD(tail_code)));
  as.ldr(x0, Address(x0, FIELD(tail_context)));
  as.br(kArray);
}

void EmitCheckingCaller(const AbiTestSignature& signature, MachBuffer& buffer) {
  const Layout layout(signature);
  Assembler as(buffer);
  PushFrame(as);
  // x19 to x28, v8 to v15, the call's description.
  constexpr int32_t kCallSlot = 10 * 8 + 8 * 8;
  constexpr int32_t kFrameBytes = kCallSlot + 16;
  as.sub(sp, sp, int64_t{kFrameBytes});
  const auto pairs = [&](PairOp general, PairOp vector) {
    for (int i = 0; i < 5; ++i) {
      as.Emit(general, static_cast<uint8_t>(19 + 2 * i), static_cast<uint8_t>(20 + 2 * i), sp,
              16 * i);
    }
    for (int i = 0; i < 4; ++i) {
      as.Emit(vector, static_cast<uint8_t>(8 + 2 * i), static_cast<uint8_t>(9 + 2 * i), sp,
              80 + 16 * i);
    }
  };
  pairs(PairOp::kStpX, PairOp::kStpD);
  as.str(x0, Address(sp, kCallSlot));
  const int64_t area = -int64_t{kFrameBytes} - layout.area_bytes;  // From x29.
  as.sub(sp, sp, int64_t{layout.area_bytes} + layout.stack_bytes);

  as.ldr(kArray, Address(x0, CALL_FIELD(arguments)));
  // Junk above the four bytes of an f32 on the stack, and in registers above the value.
  for (size_t i = 0; i < layout.params.size(); ++i) {
    if (layout.params[i].kind != AbiPlace::Kind::kMemory) continue;
    const int64_t offset = layout.params[i].offset;
    CopySlot(as, signature.params[i], Address(sp, offset), At(kArray, i));
    if (signature.params[i] == AbiValue{AbiClass::kVector, 4}) {
      as.mov(kTemp.w(), uint32_t{0x7ACE7ACE});
      as.str(kTemp.w(), Address(sp, offset + 4));
    }
  }
  for (uint8_t encoding = 0; encoding < 32; ++encoding) OnesIn(as, encoding);
  for (size_t i = 0; i < layout.params.size(); ++i) {
    const AbiPlace place = layout.params[i];
    if (place.kind != AbiPlace::Kind::kVector) continue;
    if (signature.params[i].bytes == 16) {
      as.ldr_q(V(place.encoding), At(kArray, i));
    } else if (signature.params[i].bytes == 8) {
      as.ldr_d(v31, At(kArray, i));
      as.Emit(Row::kVInsD, {place.encoding, 31, place.encoding}, LaneBits(3, 0));
    } else {
      as.ldr_s(v31, At(kArray, i));
      as.Emit(Row::kVInsS, {place.encoding, 31, place.encoding}, LaneBits(2, 0));
    }
  }
  for (uint8_t reg = kFirstCalleeSaved; reg <= kLastCalleeSaved; ++reg) {
    as.mov(X(reg), Sentinel(reg));
  }
  as.ldr(x1, Address(x0, CALL_FIELD(caller_vmctx)));
  for (uint8_t reg = 2; reg < 16; ++reg) as.mov(X(reg), uint64_t{0x7ACE7ACE7ACE7ACE});
  for (size_t i = 0; i < layout.params.size(); ++i) {
    if (layout.params[i].kind == AbiPlace::Kind::kInt) {
      LoadPlace(as, layout.params[i], At(kArray, i));
    }
  }
  if (layout.area_bytes != 0) as.add(kResultArea, x29, area);
  as.ldr(kArray, Address(x0, CALL_FIELD(code)));
  as.ldr(x0, Address(x0, CALL_FIELD(vmctx)));
  as.blr(kArray);
  buffer.AddCallSite();

  // All goes by the frame pointer; a callee that loses it crashes the test.
  as.ldr(kArray, Address(x29, kCallSlot - kFrameBytes));
  as.ldr(kArray, Address(kArray, CALL_FIELD(results)));
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) {
      StoreWhole(as, layout.results[i], At(kArray, i));
    }
  }
  as.add(kTemp2, x29, area);
  for (size_t i = 0; i < layout.results.size(); ++i) {
    if (layout.results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopySlot(as, signature.results[i], At(kArray, i), Address(kTemp2, layout.results[i].offset));
  }
  as.mov(x0, uint64_t{0});
  const auto check_equal = [&](X a, X b, uint64_t rule) {
    const MachLabel equal = buffer.NewLabel();
    as.cmp(a, b);
    as.b(Condition::kEq, equal);
    as.Emit(Row::kOrrImmX, {0, 0}, LogicalBits(rule, 64).value());
    as.bind(equal);
  };
  for (uint8_t reg = kFirstCalleeSaved; reg <= kLastCalleeSaved; ++reg) {
    as.mov(kTemp, Sentinel(reg));
    check_equal(X(reg), kTemp, kBrokenCalleeSaved);
  }
  as.mov_sp(kTemp, sp);
  check_equal(kTemp, kTemp2, kBrokenStackPointer);
  as.sub(sp, x29, int64_t{kFrameBytes});
  pairs(PairOp::kLdpX, PairOp::kLdpD);
  as.mov_sp(sp, x29);
  as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
  as.ret();
}

int ProtectionOfMarkedCode() {
  // Linux's names (asm/mman.h, asm/hwcap.h), which older headers lack.
  constexpr int kProtBti = 0x10;
  constexpr unsigned long kHwcap2Bti = 1ul << 17;
  const bool has_bti = (getauxval(AT_HWCAP2) & kHwcap2Bti) != 0;
  return PROT_READ | PROT_EXEC | (has_bti ? kProtBti : 0);
}

NativeCode::NativeCode(absl::FunctionRef<void(MachBuffer&)> emit, bool marks_targets) {
  MachBuffer buffer(kLabelKinds);
  emit(buffer);
  CHECK_OK(buffer.Finish());
  Map(buffer.bytes(), marks_targets);
}

void NativeCode::Map(absl::Span<const uint8_t> bytes, bool marks_targets) {
  size_ = bytes.size();
  memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory_ != MAP_FAILED) << "no memory for code";
  std::memcpy(memory_, bytes.data(), size_);
  char* const begin = static_cast<char*>(memory_);
  __builtin___clear_cache(begin, begin + size_);
  const int protection = marks_targets ? ProtectionOfMarkedCode() : PROT_READ | PROT_EXEC;
  CHECK(mprotect(memory_, size_, protection) == 0) << "no executable memory";
}

NativeCode::~NativeCode() { munmap(memory_, size_); }

}  // namespace gantry::aarch64::testing
