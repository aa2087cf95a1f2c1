#include "isa_x64/trampolines.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "isa_x64/asm/assembler.h"

namespace gantry::x64 {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;

TrampolineFrame PushFrame(Assembler& as) {
  TrampolineFrame frame{};
  as.push(rbp);
  frame.frame_pushed = as.buffer().offset();
  as.mov(rbp, rsp);
  frame.frame_set = as.buffer().offset();
  frame.body = frame.frame_set;
  return frame;
}

// Takes value `index` from the array at `array` to its register.
void LoadRegister(Assembler& as, AbiValue value, AbiPlace place, Gpr64 array, size_t index) {
  const Address from(array, static_cast<int32_t>(index) * kValRawBytes);
  if (place.kind == AbiPlace::Kind::kInt) {
    // A load of 32 bits zero-extends.
    as.mov(value.bytes == 4 ? Width::k32 : Width::k64, Gpr(place.encoding), from);
  } else if (value.bytes == 4) {
    as.movss(Xmm(place.encoding), Mem32(from));
  } else if (value.bytes == 8) {
    as.movsd(Xmm(place.encoding), Mem64(from));
  } else {
    as.movups(Xmm(place.encoding), Mem128(from));
  }
}

void StoreRegister(Assembler& as, AbiValue value, AbiPlace place, Gpr64 array, size_t index) {
  const Address to(array, static_cast<int32_t>(index) * kValRawBytes);
  if (place.kind == AbiPlace::Kind::kInt) {
    as.mov(Width::k64, to, Gpr(place.encoding));  // Zero-extended by the convention.
  } else if (value.bytes == 4) {
    as.movss(Mem32(to), Xmm(place.encoding));
  } else if (value.bytes == 8) {
    as.movsd(Mem64(to), Xmm(place.encoding));
  } else {
    as.movups(Mem128(to), Xmm(place.encoding));
  }
}

// From memory to memory. `scratch` is overwritten, and kVectorScratch.
void CopyValue(Assembler& as, AbiValue value, const Address& to, const Address& from,
               Gpr64 scratch) {
  if (value.bytes == 16) {
    as.movups(kVectorScratch, Mem128(from));
    as.movups(Mem128(to), kVectorScratch);
    return;
  }
  as.mov(value.bytes == 4 ? Width::k32 : Width::k64, scratch.gpr(), from);
  as.mov(Mem64(to), scratch);
}

Address ValueAt(Gpr64 array, size_t index) {
  return Address(array, static_cast<int32_t>(index) * kValRawBytes);
}

// Leaves for the innermost entry trampoline. `store` holds the store context.
void Raise(Assembler& as, const TrampolineLayout& layout, Gpr64 store) {
  as.mov(rsp, Mem64(store, layout.last_entry_sp));
  as.mov(rbp, Mem64(store, layout.last_entry_fp));
  as.jmp(Mem64(store, layout.last_entry_pc));
}

// Records the frame at rbp as the one by which wasm is left. Overwrites `scratch`.
void RecordExit(Assembler& as, const TrampolineLayout& layout, Gpr64 store, Gpr64 scratch) {
  as.mov(scratch, Mem64(rbp, 8));
  as.mov(Mem64(store, layout.last_exit_pc), scratch);
  as.mov(Mem64(store, layout.last_exit_fp), rbp);
}

}  // namespace

TrampolineFrame EmitEntryTrampoline(const TrampolineSignature& signature,
                                    const TrampolineLayout& layout, MachBuffer& buffer) {
  std::vector<AbiPlace> params(signature.params.size());
  std::vector<AbiPlace> results(signature.results.size());
  const uint32_t area_bytes = AssignWasmResults(signature.results, absl::MakeSpan(results));
  const uint32_t stack_bytes =
      AssignWasmArguments(signature.params, area_bytes != 0, absl::MakeSpan(params));

  Assembler as(buffer);
  const MachLabel resume = buffer.NewLabel();
  const MachLabel leave = buffer.NewLabel();
  TrampolineFrame frame = PushFrame(as);
  for (const Gpr64 reg : kCalleeSaved) as.push(reg);
  frame.body = buffer.offset();
  frame.saved_registers = std::size(kCalleeSaved);
  // The array of values; with it the frame is a multiple of 16.
  constexpr int32_t kSaved = 8 * static_cast<int32_t>(std::size(kCalleeSaved));
  constexpr int32_t kArraySlot = -kSaved - 8;
  static_assert((kSaved + 8) % 16 == 0);
  as.push(r8);

  as.lea(rax, Address(resume));
  as.mov(Mem64(rdi, layout.last_entry_pc), rax);
  as.mov(Mem64(rdi, layout.last_entry_sp), rsp);
  as.mov(Mem64(rdi, layout.last_entry_fp), rbp);

  // Everything moves out of the way of the arguments.
  const Gpr64 array = kScratch;
  const Gpr64 code = rbx;
  as.mov(array, r8);
  as.mov(code, rcx);
  as.mov(kCalleeVmctx, rsi);
  as.mov(kCallerVmctx, rdx);
  if (area_bytes + stack_bytes != 0) {
    as.sub(rsp, static_cast<int32_t>(area_bytes + stack_bytes));
  }
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].kind != AbiPlace::Kind::kMemory) continue;
    CopyValue(as, signature.params[i], Address(rsp, static_cast<int32_t>(params[i].offset)),
              ValueAt(array, i), rax);
  }
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].kind == AbiPlace::Kind::kMemory) continue;
    LoadRegister(as, signature.params[i], params[i], array, i);
  }
  const int32_t area = kArraySlot - static_cast<int32_t>(area_bytes);
  if (area_bytes != 0) as.lea(kResultArea, Address(rbp, area));
  as.call(code);
  buffer.AddCallSite();

  as.mov(array, Mem64(rbp, kArraySlot));
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].kind == AbiPlace::Kind::kMemory) continue;
    StoreRegister(as, signature.results[i], results[i], array, i);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopyValue(as, signature.results[i], ValueAt(array, i),
              Address(rbp, area + static_cast<int32_t>(results[i].offset)), rax);
  }
  as.xor_(eax, eax);
  as.bind(leave);
  as.lea(rsp, Address(rbp, -kSaved));
  for (size_t i = std::size(kCalleeSaved); i > 0; --i) as.pop(kCalleeSaved[i - 1]);
  as.pop(rbp);
  frame.frame_popped = buffer.offset();
  as.ret();

  as.bind(resume);
  as.mov(eax, 1);
  as.jmp(leave);
  return frame;
}

TrampolineFrame EmitExitTrampoline(const TrampolineSignature& signature,
                                   const TrampolineLayout& layout, MachBuffer& buffer) {
  std::vector<AbiPlace> params(signature.params.size());
  std::vector<AbiPlace> results(signature.results.size());
  const uint32_t area_bytes = AssignWasmResults(signature.results, absl::MakeSpan(results));
  const uint32_t stack_bytes =
      AssignWasmArguments(signature.params, area_bytes != 0, absl::MakeSpan(params));
  const int32_t values = static_cast<int32_t>(std::max(params.size(), results.size()));

  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  TrampolineFrame frame = PushFrame(as);
  // The array of values at rsp; above it the context and the address of the result area.
  constexpr int32_t kContextSlot = -8;
  constexpr int32_t kAreaSlot = -16;
  as.sub(rsp, values * kValRawBytes + 16);
  as.mov(Mem64(rbp, kContextSlot), rdi);
  if (area_bytes != 0) as.mov(Mem64(rbp, kAreaSlot), kResultArea);
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].kind == AbiPlace::Kind::kMemory) {
      CopyValue(as, signature.params[i], ValueAt(rsp, i),
                Address(rbp, 16 + static_cast<int32_t>(params[i].offset)), kScratch);
    } else {
      StoreRegister(as, signature.params[i], params[i], rsp, i);
    }
  }
  as.mov(kScratch, Mem64(rdi, layout.store));
  RecordExit(as, layout, kScratch, rax);
  static_assert(kCallerVmctx == rsi);
  as.mov(rdx, rsp);
  as.call(Mem64(rdi, layout.host_call));
  buffer.AddCallSite();
  as.test(eax, eax);
  as.jcc(Condition::kNotEqual, raise);

  if (area_bytes != 0) {
    as.mov(kScratch, Mem64(rbp, kAreaSlot));
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].kind != AbiPlace::Kind::kMemory) continue;
      CopyValue(as, signature.results[i],
                Address(kScratch, static_cast<int32_t>(results[i].offset)), ValueAt(rsp, i), r10);
    }
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].kind == AbiPlace::Kind::kMemory) continue;
    LoadRegister(as, signature.results[i], results[i], rsp, i);
  }
  as.leave();
  frame.frame_popped = buffer.offset();
  as.ret(stack_bytes);

  as.bind(raise);
  as.mov(kScratch, Mem64(rbp, kContextSlot));
  as.mov(kScratch, Mem64(kScratch, layout.store));
  Raise(as, layout, kScratch);
  return frame;
}

TrampolineFrame EmitBuiltinShim(uint32_t index, bool fallible, const TrampolineLayout& layout,
                                MachBuffer& buffer) {
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  TrampolineFrame frame = PushFrame(as);
  constexpr int32_t kVmctxSlot = -8;
  if (fallible) {
    as.push(rdi);
    as.push(rdi);  // Once more, to keep rsp a multiple of 16.
  }
  as.mov(kScratch, Mem64(rdi, layout.store));
  RecordExit(as, layout, kScratch, rax);
  as.mov(rax, Mem64(rdi, layout.builtins));
  as.call(Mem64(rax, static_cast<int32_t>(8 * index)));
  buffer.AddCallSite();
  if (fallible) {
    as.test(eax, eax);
    as.jcc(Condition::kNotEqual, raise);
    as.mov(rax, rdx);
  }
  as.leave();
  frame.frame_popped = buffer.offset();
  as.ret();
  if (fallible) {
    as.bind(raise);
    as.mov(kScratch, Mem64(rbp, kVmctxSlot));
    as.mov(kScratch, Mem64(kScratch, layout.store));
    Raise(as, layout, kScratch);
  }
  return frame;
}

}  // namespace gantry::x64
