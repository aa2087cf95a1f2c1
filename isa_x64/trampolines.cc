#include "isa_x64/trampolines.h"

#include <algorithm>
#include <cstring>
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

// Without `leave`: what is called pushes and pops rbp, and rsp would have to wait for that.
void PopFrame(Assembler& as, int32_t bytes) {
  if (bytes != 0) as.add(rsp, bytes);
  as.pop(rbp);
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

// The fuel into the store context and back; `store` holds that.
void StoreFuel(Assembler& as, const TrampolineLayout& layout, Gpr64 store) {
  if (layout.keeps_fuel) as.mov(Mem64(store, layout.fuel), kFuel);
}
void LoadFuel(Assembler& as, const TrampolineLayout& layout, Gpr64 store) {
  if (layout.keeps_fuel) as.mov(kFuel, Mem64(store, layout.fuel));
}

// nop dword [rax + rax + mark], which is executed and looked for.
constexpr uint32_t kMarkOpcode = 0x00841F0F;
void EmitEntryMark(Assembler& as, uint32_t mark) {
  uint8_t* at = as.buffer().BeginInstruction();
  std::memcpy(at, &kMarkOpcode, sizeof kMarkOpcode);
  std::memcpy(at + sizeof kMarkOpcode, &mark, sizeof mark);
  static_assert(sizeof kMarkOpcode + sizeof mark == kEntryMarkBytes);
  as.buffer().EndInstruction(at + kEntryMarkBytes);
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
  // The array of values, the store for cold shims, and once more to make the frame a multiple
  // of 16.
  constexpr int32_t kSaved = 8 * static_cast<int32_t>(std::size(kCalleeSaved));
  constexpr int32_t kArraySlot = -kSaved - 8;
  static_assert(kEntryStoreSlot == -kSaved - 16);
  constexpr int32_t kEnd = -kSaved - 24;
  static_assert(kEnd % 16 == 0);
  as.push(r8);
  as.push(rdi);
  as.push(rdi);

  as.lea(rax, Address(resume));
  as.mov(Mem64(rdi, layout.last_entry_pc), rax);
  as.mov(Mem64(rdi, layout.last_entry_sp), rsp);
  as.mov(Mem64(rdi, layout.last_entry_fp), rbp);

  LoadFuel(as, layout, rdi);

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
  const int32_t area = kEnd - static_cast<int32_t>(area_bytes);
  if (area_bytes != 0) as.lea(kResultArea, Address(rbp, area));
  as.call(code);
  buffer.AddCallSite();
  EmitEntryMark(as, layout.entry_mark);

  if (layout.keeps_fuel) {
    as.mov(array, Mem64(rbp, kEntryStoreSlot));
    StoreFuel(as, layout, array);
  }
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
  // The array of values at rsp; above it the context and the address of the result area, which is
  // what the host reads as the first slot where there is none.
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
  StoreFuel(as, layout, kScratch);
  static_assert(kCallerVmctx == rsi);
  as.mov(rdx, rsp);
  as.call(Mem64(rdi, layout.host_call));
  buffer.AddCallSite();
  as.test(eax, eax);
  as.jcc(Condition::kNotEqual, raise);

  if (layout.keeps_fuel) {
    as.mov(kScratch, Mem64(rbp, kContextSlot));
    as.mov(kScratch, Mem64(kScratch, layout.store));
    LoadFuel(as, layout, kScratch);
  }
  if (area_bytes != 0) {
    as.mov(kScratch, Mem64(rbp, kAreaSlot));
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].kind != AbiPlace::Kind::kMemory) continue;
      CopyValue(as, signature.results[i],
                Address(kScratch, static_cast<int32_t>(results[i].offset)), ValueAt(rsp, i), r10);
    }
  }
  if (results.size() == 1 && results[0].kind == AbiPlace::Kind::kInt) {
    // The host has returned it, too. A move of 32 bits zero-extends.
    as.mov(signature.results[0].bytes == 4 ? Width::k32 : Width::k64, Gpr(results[0].encoding),
           rdx.gpr());
  } else {
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].kind == AbiPlace::Kind::kMemory) continue;
      LoadRegister(as, signature.results[i], results[i], rsp, i);
    }
  }
  PopFrame(as, values * kValRawBytes + 16);
  frame.frame_popped = buffer.offset();
  as.ret(stack_bytes);

  as.bind(raise);
  as.mov(kScratch, Mem64(rbp, kContextSlot));
  as.mov(kScratch, Mem64(kScratch, layout.store));
  Raise(as, layout, kScratch);
  return frame;
}

TrampolineFrame EmitColdShim(uint32_t index, bool has_context, const TrampolineLayout& layout,
                             MachBuffer& buffer) {
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  TrampolineFrame frame = PushFrame(as);
  // What C++ may overwrite; kScratch and kVectorScratch are free between any two instructions.
  constexpr Gpr64 kKept[] = {rax, rcx, rdx, rsi, rdi, r8, r9, r10};
  constexpr int32_t kVectors = 15;
  constexpr int32_t kFirstKept = 8;  // Behind the store.
  constexpr int32_t kFirstVector = kFirstKept + 8 * static_cast<int32_t>(std::size(kKept)) + 8;
  constexpr int32_t kBytes = kFirstVector + 16 * kVectors;
  static_assert(kFirstVector % 16 == 0 && kBytes % 16 == 0);
  as.sub(rsp, kBytes);
  for (size_t i = 0; i < std::size(kKept); ++i) {
    as.mov(Mem64(rsp, kFirstKept + 8 * static_cast<int32_t>(i)), kKept[i]);
  }
  for (int32_t i = 0; i < kVectors; ++i) {
    as.movups(Mem128(Address(rsp, kFirstVector + 16 * i)), Xmm(static_cast<uint8_t>(i)));
  }
  if (has_context) {
    as.mov(rsi, kCalleeVmctx);
    as.mov(rdx, kScratch);
    as.mov(rdi, Mem64(kCalleeVmctx, layout.store));
  } else {
    // Up the frames to the one that returned to the mark.
    const MachLabel walk = buffer.NewLabel();
    as.mov(kScratch, rbp);
    as.bind(walk);
    as.mov(rax, Mem64(kScratch, 8));
    as.mov(kScratch, Mem64(kScratch, 0));
    as.cmp(Mem32(rax, 0), static_cast<int32_t>(kMarkOpcode));
    as.jcc(Condition::kNotEqual, walk);
    as.cmp(Mem32(rax, 4), static_cast<int32_t>(layout.entry_mark));
    as.jcc(Condition::kNotEqual, walk);
    as.mov(rdi, Mem64(kScratch, kEntryStoreSlot));
  }
  as.mov(Mem64(rsp, 0), rdi);
  RecordExit(as, layout, rdi, rax);
  StoreFuel(as, layout, rdi);
  as.mov(rax, Mem64(rdi, layout.store_builtins));
  as.call(Mem64(rax, static_cast<int32_t>(8 * index)));
  buffer.AddCallSite();
  as.mov(kScratch, Mem64(rsp, 0));
  as.test(eax, eax);
  as.jcc(Condition::kNotEqual, raise);
  LoadFuel(as, layout, kScratch);
  for (int32_t i = 0; i < kVectors; ++i) {
    as.movups(Xmm(static_cast<uint8_t>(i)), Mem128(Address(rsp, kFirstVector + 16 * i)));
  }
  for (size_t i = 0; i < std::size(kKept); ++i) {
    as.mov(kKept[i], Mem64(rsp, kFirstKept + 8 * static_cast<int32_t>(i)));
  }
  as.leave();
  frame.frame_popped = buffer.offset();
  as.ret();
  as.bind(raise);
  Raise(as, layout, kScratch);
  return frame;
}

TrampolineFrame EmitBuiltinShim(uint32_t index, bool fallible, const TrampolineLayout& layout,
                                MachBuffer& buffer) {
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  TrampolineFrame frame = PushFrame(as);
  constexpr int32_t kVmctxSlot = -8;
  if (fallible || layout.keeps_fuel) {
    as.push(rdi);
    as.push(rdi);  // Once more, to keep rsp a multiple of 16.
  }
  as.mov(kScratch, Mem64(rdi, layout.store));
  RecordExit(as, layout, kScratch, rax);
  StoreFuel(as, layout, kScratch);
  as.mov(rax, Mem64(rdi, layout.builtins));
  as.call(Mem64(rax, static_cast<int32_t>(8 * index)));
  buffer.AddCallSite();
  if (fallible) {
    as.test(eax, eax);
    as.jcc(Condition::kNotEqual, raise);
    as.mov(rax, rdx);
  }
  if (layout.keeps_fuel) {
    as.mov(kScratch, Mem64(rbp, kVmctxSlot));
    as.mov(kScratch, Mem64(kScratch, layout.store));
    LoadFuel(as, layout, kScratch);
  }
  PopFrame(as, fallible || layout.keeps_fuel ? 16 : 0);
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
