#include "isa_aarch64/trampolines.h"

#include <algorithm>
#include <vector>

#include "isa_aarch64/asm/assembler.h"

namespace gantry::aarch64 {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;
using codegen::UnwindInfo;
using codegen::UnwindOp;

// Registers that neither convention passes anything in. kScratch is the assembler's own.
constexpr X kArray = x17;
constexpr X kTemp = x9;
constexpr X kTemp2 = x10;

constexpr int kSavedInts = kLastCalleeSaved - kFirstCalleeSaved + 1;
// The C convention preserves the low halves of v8 to v15.
constexpr uint8_t kFirstSavedVector = 8;
constexpr int kSavedVectors = 8;

void PushFrame(Assembler& as, const TrampolineLayout& layout, UnwindInfo* unwind) {
  layout.protection.Enter(as, /*signs=*/true, unwind);
  as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
  unwind->Add(as.buffer().offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind->Add(as.buffer().offset(), UnwindOp::kSavedAt, kDwarfFramePointer, -16);
  unwind->Add(as.buffer().offset(), UnwindOp::kSavedAt, kDwarfLink, -8);
  as.mov_sp(x29, sp);
  unwind->Add(as.buffer().offset(), UnwindOp::kCfaRegister, kDwarfFramePointer);
}

// Gives up the frame that sp is at, pops so many bytes more, and returns.
void PopFrameAndReturn(Assembler& as, const TrampolineLayout& layout, uint32_t pop,
                       UnwindInfo* unwind) {
  const bool is_signed = layout.protection.Signs(/*saves_link=*/true);
  MachBuffer& buffer = as.buffer();
  unwind->Add(buffer.offset(), UnwindOp::kRememberState);
  as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
  unwind->Add(buffer.offset(), UnwindOp::kCfa, kDwarfStackPointer, 0);
  unwind->Add(buffer.offset(), UnwindOp::kSame, kDwarfFramePointer);
  unwind->Add(buffer.offset(), UnwindOp::kSame, kDwarfLink);
  if (is_signed && pop == 0) {
    layout.protection.AuthenticateAndReturn(as, unwind);
  } else {
    if (is_signed) layout.protection.Authenticate(as, unwind);
    if (pop != 0) {
      as.add(sp, sp, pop);
      unwind->Add(buffer.offset(), UnwindOp::kCfa, kDwarfStackPointer, -static_cast<int32_t>(pop));
    }
    as.ret();
  }
  unwind->Add(buffer.offset(), UnwindOp::kRestoreState);
}

Address ValueAt(XSp array, size_t index) {
  return Address(array, static_cast<int64_t>(index) * kValRawBytes);
}

// Takes value `index` from the array at `array` to its register.
void LoadRegister(Assembler& as, AbiValue value, AbiPlace place, XSp array, size_t index) {
  const Address from = ValueAt(array, index);
  if (place.kind == AbiPlace::Kind::kInt) {
    // A load of 32 bits zero-extends.
    as.Emit(value.bytes == 4 ? MemOp::kLdrW : MemOp::kLdrX, place.encoding, from);
  } else {
    as.Emit(value.bytes == 4   ? MemOp::kLdrS
            : value.bytes == 8 ? MemOp::kLdrD
                               : MemOp::kLdrQ,
            place.encoding, from);
  }
}

void StoreRegister(Assembler& as, AbiValue value, AbiPlace place, XSp array, size_t index) {
  const Address to = ValueAt(array, index);
  if (place.kind == AbiPlace::Kind::kInt) {
    as.str(X(place.encoding), to);  // Zero-extended by the convention.
  } else {
    as.Emit(value.bytes == 4   ? MemOp::kStrS
            : value.bytes == 8 ? MemOp::kStrD
                               : MemOp::kStrQ,
            place.encoding, to);
  }
}

// From memory to memory. kTemp is overwritten, and kVectorScratch.
void CopyValue(Assembler& as, AbiValue value, const Address& to, const Address& from) {
  if (value.bytes == 16) {
    as.ldr_q(kVectorScratch, from);
    as.str_q(kVectorScratch, to);
    return;
  }
  as.Emit(value.bytes == 4 ? MemOp::kLdrW : MemOp::kLdrX, kTemp.encoding(), from);
  as.str(kTemp, to);
}

// Leaves for the innermost entry trampoline. `store` holds the store context.
void Raise(Assembler& as, const TrampolineLayout& layout, X store) {
  as.ldr(kTemp2, Address(store, layout.last_entry_sp));
  as.mov_sp(sp, kTemp2);
  as.ldr(x29, Address(store, layout.last_entry_fp));
  as.ldr(kScratch, Address(store, layout.last_entry_pc));
  as.br(kScratch);
}

// The fuel into the store context and back; `store` holds that.
void StoreFuel(Assembler& as, const TrampolineLayout& layout, X store) {
  if (layout.keeps_fuel) as.str(kFuel, Address(store, layout.fuel));
}
void LoadFuel(Assembler& as, const TrampolineLayout& layout, X store) {
  if (layout.keeps_fuel) as.ldr(kFuel, Address(store, layout.fuel));
}

// movz wzr of either half of the mark: executed without effect, and looked for.
uint32_t MarkWord(uint32_t mark, int half) {
  return 0x52800000 | (mark >> (16 * half) & 0xFFFF) << 5 | xzr.encoding();
}

// Records the frame at x29 as the one by which wasm is left. Overwrites kTemp2, and x30 where
// return addresses are signed: the signature is taken off.
void RecordExit(Assembler& as, const TrampolineLayout& layout, X store) {
  const bool is_signed = layout.protection.Signs(/*saves_link=*/true);
  const X pc = is_signed ? x30 : kTemp2;
  as.ldr(pc, Address(x29, 8));
  if (is_signed) as.Emit(PlainOp::kXpaclri);
  as.str(pc, Address(store, layout.last_exit_pc));
  as.str(x29, Address(store, layout.last_exit_fp));
}

struct Places {
  explicit Places(const TrampolineSignature& signature)
      : params(signature.params.size()), results(signature.results.size()) {
    area_bytes = AssignWasmResults(signature.results, absl::MakeSpan(results));
    stack_bytes = AssignWasmArguments(signature.params, area_bytes != 0, absl::MakeSpan(params));
  }
  std::vector<AbiPlace> params;
  std::vector<AbiPlace> results;
  uint32_t area_bytes;
  uint32_t stack_bytes;
};

}  // namespace

void EmitEntryTrampoline(const TrampolineSignature& signature, const TrampolineLayout& layout,
                         MachBuffer& buffer, UnwindInfo* unwind) {
  const Places places(signature);
  Assembler as(buffer);
  const MachLabel resume = buffer.NewLabel();
  const MachLabel leave = buffer.NewLabel();
  // From sp up: the general registers, the vector registers, the array of values, and the store for
  // cold shims.
  constexpr int32_t kVectorsAt = 8 * kSavedInts;
  constexpr int32_t kArrayAt = kVectorsAt + 8 * kSavedVectors;
  constexpr int32_t kFrameBytes = kArrayAt + 16;
  static_assert(kSavedInts % 2 == 0 && kFrameBytes % 16 == 0);
  static_assert(kEntryStoreSlot == kArrayAt + 8 - kFrameBytes);

  PushFrame(as, layout, unwind);
  const auto saved = [](int pair) { return static_cast<uint8_t>(kFirstCalleeSaved + 2 * pair); };
  const auto saved_vector = [](int pair) {
    return static_cast<uint8_t>(kFirstSavedVector + 2 * pair);
  };
  as.EmitPreIndexed(PairOp::kStpX, saved(0), saved(0) + 1, sp, -kFrameBytes);
  for (int i = 1; i < kSavedInts / 2; ++i) {
    as.Emit(PairOp::kStpX, saved(i), saved(i) + 1, sp, 16 * i);
  }
  for (int i = 0; i < kSavedVectors / 2; ++i) {
    as.Emit(PairOp::kStpD, saved_vector(i), saved_vector(i) + 1, sp, kVectorsAt + 16 * i);
  }
  const int32_t sp_from_cfa = -16 - kFrameBytes;
  for (int i = 0; i < kSavedInts; ++i) {
    unwind->Add(buffer.offset(), UnwindOp::kSavedAt, static_cast<uint8_t>(kFirstCalleeSaved + i),
                sp_from_cfa + 8 * i);
  }
  for (int i = 0; i < kSavedVectors; ++i) {
    unwind->Add(buffer.offset(), UnwindOp::kSavedAt,
                static_cast<uint8_t>(kDwarfFirstVector + kFirstSavedVector + i),
                sp_from_cfa + kVectorsAt + 8 * i);
  }
  as.stp(x4, x0, sp, kArrayAt);

  as.adr(kTemp, resume);
  as.str(kTemp, Address(x0, layout.last_entry_pc));
  as.mov_sp(kTemp, sp);
  as.str(kTemp, Address(x0, layout.last_entry_sp));
  as.str(x29, Address(x0, layout.last_entry_fp));
  LoadFuel(as, layout, x0);

  // Everything moves out of the way of the arguments.
  const X code = kTemp2;
  as.mov(kArray, x4);
  as.mov(code, x3);
  as.mov(kCalleeVmctx, x1);
  as.mov(kCallerVmctx, x2);
  if (places.area_bytes + places.stack_bytes != 0) {
    as.sub(sp, sp, int64_t{places.area_bytes} + places.stack_bytes);
  }
  for (size_t i = 0; i < places.params.size(); ++i) {
    if (places.params[i].kind != AbiPlace::Kind::kMemory) continue;
    CopyValue(as, signature.params[i], Address(sp, places.params[i].offset), ValueAt(kArray, i));
  }
  for (size_t i = 0; i < places.params.size(); ++i) {
    if (places.params[i].kind == AbiPlace::Kind::kMemory) continue;
    LoadRegister(as, signature.params[i], places.params[i], kArray, i);
  }
  const int64_t area = -int64_t{kFrameBytes} - places.area_bytes;  // From x29.
  if (places.area_bytes != 0) as.add(kResultArea, x29, area);
  as.blr(code);
  buffer.AddCallSite();
  for (const int half : {0, 1}) as.Word(MarkWord(layout.entry_mark, half));

  if (layout.keeps_fuel) {
    as.ldr(kArray, Address(x29, kEntryStoreSlot));
    StoreFuel(as, layout, kArray);
  }
  as.ldr(kArray, Address(x29, kArrayAt - kFrameBytes));
  for (size_t i = 0; i < places.results.size(); ++i) {
    if (places.results[i].kind == AbiPlace::Kind::kMemory) continue;
    StoreRegister(as, signature.results[i], places.results[i], kArray, i);
  }
  // The callee took the arguments off, so the area is at sp.
  for (size_t i = 0; i < places.results.size(); ++i) {
    if (places.results[i].kind != AbiPlace::Kind::kMemory) continue;
    CopyValue(as, signature.results[i], ValueAt(kArray, i), Address(sp, places.results[i].offset));
  }
  as.mov(w0, uint32_t{0});
  as.bind(leave);
  as.sub(sp, x29, kFrameBytes);
  for (int i = 0; i < kSavedVectors / 2; ++i) {
    as.Emit(PairOp::kLdpD, saved_vector(i), saved_vector(i) + 1, sp, kVectorsAt + 16 * i);
  }
  for (int i = 1; i < kSavedInts / 2; ++i) {
    as.Emit(PairOp::kLdpX, saved(i), saved(i) + 1, sp, 16 * i);
  }
  as.EmitPostIndexed(PairOp::kLdpX, saved(0), saved(0) + 1, sp, kFrameBytes);
  PopFrameAndReturn(as, layout, 0, unwind);

  as.bind(resume);
  // By `br`, or from a signal handler.
  layout.protection.JumpTarget(as);
  as.mov(w0, uint32_t{1});
  as.b(leave);
}

void EmitExitTrampoline(const TrampolineSignature& signature, const TrampolineLayout& layout,
                        MachBuffer& buffer, UnwindInfo* unwind) {
  const Places places(signature);
  const size_t values = std::max(places.params.size(), places.results.size());
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  PushFrame(as, layout, unwind);
  // The array of values at sp; above it the address of the result area and the context.
  constexpr int64_t kContextSlot = -8;
  constexpr int64_t kAreaSlot = -16;
  as.sub(sp, sp, static_cast<int64_t>(values) * kValRawBytes + 16);
  as.str(x0, Address(x29, kContextSlot));
  if (places.area_bytes != 0) as.str(kResultArea, Address(x29, kAreaSlot));
  for (size_t i = 0; i < places.params.size(); ++i) {
    const AbiPlace place = places.params[i];
    if (place.kind == AbiPlace::Kind::kMemory) {
      CopyValue(as, signature.params[i], ValueAt(sp, i), Address(x29, 16 + int64_t{place.offset}));
    } else {
      StoreRegister(as, signature.params[i], place, sp, i);
    }
  }
  as.ldr(kTemp, Address(x0, layout.store));
  RecordExit(as, layout, kTemp);
  StoreFuel(as, layout, kTemp);
  static_assert(kCallerVmctx == x1);
  as.mov_sp(x2, sp);
  as.ldr(kScratch, Address(x0, layout.host_call));
  as.blr(kScratch);
  buffer.AddCallSite();
  as.cbnz(w0, raise);

  if (layout.keeps_fuel) {
    as.ldr(kTemp, Address(x29, kContextSlot));
    as.ldr(kTemp, Address(kTemp, layout.store));
    LoadFuel(as, layout, kTemp);
  }
  if (places.area_bytes != 0) {
    as.ldr(kArray, Address(x29, kAreaSlot));
    for (size_t i = 0; i < places.results.size(); ++i) {
      if (places.results[i].kind != AbiPlace::Kind::kMemory) continue;
      CopyValue(as, signature.results[i], Address(kArray, places.results[i].offset),
                ValueAt(sp, i));
    }
  }
  for (size_t i = 0; i < places.results.size(); ++i) {
    if (places.results[i].kind == AbiPlace::Kind::kMemory) continue;
    LoadRegister(as, signature.results[i], places.results[i], sp, i);
  }
  as.mov_sp(sp, x29);
  PopFrameAndReturn(as, layout, places.stack_bytes, unwind);

  as.bind(raise);
  as.ldr(kTemp, Address(x29, kContextSlot));
  as.ldr(kTemp, Address(kTemp, layout.store));
  Raise(as, layout, kTemp);
}

void EmitColdShim(uint32_t index, bool has_context, const TrampolineLayout& layout,
                  MachBuffer& buffer, UnwindInfo* unwind) {
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  PushFrame(as, layout, unwind);
  // What C++ may overwrite: all but the low halves of v8 to v15 among vectors. From sp up the store
  // and x0 to x15, then v0 to v30.
  constexpr int32_t kKept = 16;
  constexpr int32_t kVectors = 31;
  constexpr int32_t kFirstKept = 16;
  constexpr int32_t kFirstVector = kFirstKept + 8 * kKept;
  constexpr int32_t kBytes = kFirstVector + 16 * (kVectors + 1);
  static_assert(kBytes % 16 == 0);
  const auto all_registers = [&](PairOp ints, PairOp vectors, MemOp last) {
    for (int32_t i = 0; i < kKept; i += 2) {
      as.Emit(ints, static_cast<uint8_t>(i), static_cast<uint8_t>(i + 1), sp, kFirstKept + 8 * i);
    }
    for (int32_t i = 0; i + 1 < kVectors; i += 2) {
      as.Emit(vectors, static_cast<uint8_t>(i), static_cast<uint8_t>(i + 1), sp,
              kFirstVector + 16 * i);
    }
    as.Emit(last, kVectors - 1, Address(sp, kFirstVector + 16 * (kVectors - 1)));
  };
  as.sub(sp, sp, int64_t{kBytes});
  all_registers(PairOp::kStpX, PairOp::kStpQ, MemOp::kStrQ);
  if (has_context) {
    as.mov(x1, kCalleeVmctx);
    as.Emit(Row::kFmovWS, {kVectorScratch.encoding(), x2.encoding()});
    as.ldr(x0, Address(kCalleeVmctx, layout.store));
  } else {
    const MachLabel walk = buffer.NewLabel();
    // Up the frames to the one that returned to the mark.
    const X fp = kScratch;
    as.mov(x0, uint64_t{MarkWord(layout.entry_mark, 1)} << 32 | MarkWord(layout.entry_mark, 0));
    as.mov(fp, x29);
    as.bind(walk);
    as.ldp(fp, x30, fp);
    // Return addresses may be signed.
    as.Emit(PlainOp::kXpaclri);
    as.ldr(kTemp, Address(x30));
    as.cmp(kTemp, x0);
    as.b(Condition::kNe, walk);
    as.ldr(x0, Address(fp, kEntryStoreSlot));
  }
  as.str(x0, Address(sp));
  RecordExit(as, layout, x0);
  StoreFuel(as, layout, x0);
  as.ldr(kScratch, Address(x0, layout.store_builtins));
  as.ldr(kScratch, Address(kScratch, 8 * int64_t{index}));
  as.blr(kScratch);
  buffer.AddCallSite();
  as.ldr(kArray, Address(sp));
  as.cbnz(w0, raise);
  LoadFuel(as, layout, kArray);
  all_registers(PairOp::kLdpX, PairOp::kLdpQ, MemOp::kLdrQ);
  as.mov_sp(sp, x29);
  PopFrameAndReturn(as, layout, 0, unwind);
  as.bind(raise);
  Raise(as, layout, kArray);
}

void EmitBuiltinShim(uint32_t index, bool fallible, const TrampolineLayout& layout,
                     MachBuffer& buffer, UnwindInfo* unwind) {
  Assembler as(buffer);
  const MachLabel raise = buffer.NewLabel();
  PushFrame(as, layout, unwind);
  // The context, where it is needed again.
  const bool keeps_context = fallible || layout.keeps_fuel;
  if (keeps_context) as.EmitPreIndexed(PairOp::kStpX, 0, 31, sp, -16);
  as.ldr(kTemp, Address(x0, layout.store));
  RecordExit(as, layout, kTemp);
  StoreFuel(as, layout, kTemp);
  as.ldr(kScratch, Address(x0, layout.builtins));
  as.ldr(kScratch, Address(kScratch, 8 * int64_t{index}));
  as.blr(kScratch);
  buffer.AddCallSite();
  if (fallible) {
    as.cbnz(w0, raise);
    as.mov(x0, x1);
  }
  if (layout.keeps_fuel) {
    as.ldr(kTemp, Address(x29, -16));
    as.ldr(kTemp, Address(kTemp, layout.store));
    LoadFuel(as, layout, kTemp);
  }
  if (keeps_context) as.mov_sp(sp, x29);
  PopFrameAndReturn(as, layout, 0, unwind);
  if (fallible) {
    as.bind(raise);
    as.ldr(kTemp, Address(x29, -16));
    as.ldr(kTemp, Address(kTemp, layout.store));
    Raise(as, layout, kTemp);
  }
}

}  // namespace gantry::aarch64
