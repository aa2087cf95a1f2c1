#include "winch/aarch64_masm.h"

#include <bit>
#include <limits>
#include <utility>

#include "base/check.h"
#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/asm/label_kinds.h"

namespace gantry::winch {

using aarch64::Address;
using aarch64::MemOp;
using aarch64::PairOp;
using aarch64::PlainOp;
using aarch64::Row;
using codegen::MachLabel;
using codegen::UnwindOp;

namespace {

// DWARF's numbers (DWARF for the Arm 64-bit Architecture, 4.1).
constexpr uint8_t kDwarfFramePointer = 29;
constexpr uint8_t kDwarfLink = 30;
constexpr uint8_t kDwarfStackPointer = 31;

// Frame record 2, two loads, a frame's size and its sum 3, comparison and jumps 3, sub 3, vmctx,
// ten saves, a signature: rounded up.
constexpr uint32_t kPrologueRoom = 112;
// What counts an entry in front of it, rounded up.
constexpr uint32_t kEntryCountRoom = 64;
// A landing pad in front of all, where functions are aligned.
constexpr uint32_t kLandingPadRoom = 16;
// Behind the instruction that pushes a frame record.
constexpr codegen::CodeOffset kColdFramePushed = 4;
constexpr uint8_t kFirstSaved = AArch64Masm::kCalleeSaved.first().encoding();
constexpr int kSavedCount = AArch64Masm::kCalleeSaved.size();
constexpr uint8_t kSp = 31;

constexpr int32_t SavedSlot(int index) { return AArch64Masm::kSavedBegin - 8 * (index + 1); }

// Stores or loads what is in `saved`, neighbours in pairs.
void ForSaved(aarch64::Assembler& as, RegSet saved, PairOp pair, MemOp single) {
  for (int i = 0; i < kSavedCount; ++i) {
    const uint8_t reg = static_cast<uint8_t>(kFirstSaved + i);
    const uint8_t next = static_cast<uint8_t>(reg + 1);
    if (!saved.contains(Reg::Int(reg))) continue;
    if (i + 1 < kSavedCount && saved.contains(Reg::Int(next))) {
      as.Emit(pair, next, reg, aarch64::x29, SavedSlot(i + 1));
      ++i;
    } else {
      as.Emit(single, reg, Address(aarch64::x29, SavedSlot(i)));
    }
  }
}

aarch64::Condition MachineOf(IntCond cond) {
  using C = aarch64::Condition;
  constexpr C kConditions[] = {C::kEq, C::kNe, C::kLt, C::kLo, C::kGt,
                               C::kHi, C::kLe, C::kLs, C::kGe, C::kHs};
  return kConditions[static_cast<int>(cond)];
}

uint32_t BitsOf(ValueKind kind) { return Is32(kind) ? 32 : 64; }

}  // namespace

void AArch64Masm::OverwriteWord(codegen::MachBuffer& buffer, codegen::CodeOffset at,
                                uint32_t word) {
  uint8_t bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(word >> 8 * i);
  buffer.Overwrite(at, bytes);
}

// By hand, over so many bytes.
void AArch64Masm::OverwriteJump(codegen::MachBuffer& buffer, codegen::CodeOffset at,
                                uint32_t delta) {
  OverwriteWord(buffer, at, kJumpWord | (delta >> 2 & 0x3FFFFFF));
}

void AArch64Masm::EmitIsland(uint32_t distance) {
  const MachLabel behind = buffer_.NewLabel();
  as_.b(behind);
  buffer_.EmitIsland(distance);
  as_.bind(behind);
}

// --- Frame ------------------------------------------------------------------------------

void AArch64Masm::ReservePrologue(bool counts_entry) {
  CHECK(buffer_.offset() == 0) << "a prologue is the first thing in a function";
  prologue_room_ = kPrologueRoom + (counts_entry ? kEntryCountRoom : 0) +
                   (features_.protection.marks_targets ? kLandingPadRoom : 0);
  for (uint32_t i = 0; i < prologue_room_; i += 4) as_.Emit(PlainOp::kNop);
  epilogues_.clear();
}

codegen::CodeOffset AArch64Masm::Prologue(const FrameShape& frame, codegen::FrameInfo* info,
                                          codegen::UnwindInfo* unwind) {
  CHECK(frame.frame_bytes % 16 == 0) << "a frame of " << frame.frame_bytes << " bytes";
  codegen::MachBuffer code(buffer_.label_kinds());
  EntryFields fields;
  if (frame.counted_entry.has_value()) fields = EmitEntryCount(*frame.counted_entry, code);
  aarch64::Assembler as(code);
  if (Signs()) features_.protection.Sign(as, nullptr);
  const codegen::CodeOffset is_signed = code.offset();
  as.EmitPreIndexed(PairOp::kStpX, 29, 30, aarch64::sp, -16);
  const codegen::CodeOffset pushed = code.offset();
  as.mov_sp(aarch64::x29, aarch64::sp);
  const codegen::CodeOffset framed = code.offset();
  codegen::CodeOffset jump = 0;
  if (ChecksStack(frame)) {
    as.ldr(aarch64::kScratch, Address(GX(kVmctx), frame.store_offset));
    as.ldr(aarch64::kScratch, Address(aarch64::kScratch, frame.limit_offset));
    if (frame.frame_bytes > kSmallFrame) {
      // The limit is an address in user space, so this sum does not wrap.
      as.mov(aarch64::X(kS1), uint64_t{frame.frame_bytes});
      as.add(aarch64::kScratch, aarch64::kScratch, aarch64::X(kS1));
    }
    as.Emit(Row::kCmpSpX, {kSp, aarch64::kScratch.encoding()});
    // Over a jump that reaches far, both by hand: its target is in another buffer.
    as.Word(0x54000040 | static_cast<uint32_t>(aarch64::Condition::kHs));
    jump = code.offset();
    as.Word(kJumpWord);
  }
  as.sub(aarch64::sp, aarch64::sp, int64_t{frame.frame_bytes});
  if (frame.has_calls) as.str(GX(kVmctx), Slot(kVmctxSlot));
  ForSaved(as, frame.saved, PairOp::kStpX, MemOp::kStrX);
  const uint32_t size = code.offset();
  CHECK(size <= prologue_room_) << "prologue of " << size << " bytes";
  const uint32_t begin = prologue_room_ - size;
  uint32_t skip = begin & ~15u;
  if (features_.protection.marks_targets) {
    // The function's first word: one of the no-ops, or the signature itself.
    const bool begins_with_pad = Signs() && !frame.counted_entry.has_value();
    if (skip == begin && !begins_with_pad) skip -= 16;
    if (skip != begin) OverwriteWord(buffer_, skip, aarch64::PlainInfoOf(PlainOp::kBtiC).word);
  }
  if (jump != 0) {
    OverwriteJump(code, jump, frame.exhausted - (begin + jump));
    if (frame.back != 0) OverwriteJump(buffer_, frame.back, begin + jump + 4 - frame.back);
  }
  if (frame.counted_entry.has_value()) {
    PatchEntryCount(*frame.counted_entry, fields, begin, skip, code);
  }
  CHECK_OK(code.Finish());
  // What is in front is left out, but for what alignment asks for: no-ops are there.
  buffer_.Overwrite(begin, code.bytes());
  info->frame_begin = begin + framed - skip;
  info->frame_size = frame.frame_bytes;
  if (unwind != nullptr) {
    const codegen::CodeOffset base = begin - skip;
    if (Signs()) unwind->Add(base + is_signed, UnwindOp::kToggleSigned);
    unwind->Add(base + pushed, UnwindOp::kCfaOffset, 0, 16);
    unwind->Add(base + pushed, UnwindOp::kSavedAt, kDwarfFramePointer, -16);
    unwind->Add(base + pushed, UnwindOp::kSavedAt, kDwarfLink, -8);
    unwind->Add(base + framed, UnwindOp::kCfaRegister, kDwarfFramePointer);
    for (RegSet set = frame.saved; !set.empty();) {
      const uint8_t reg = set.TakeFirst().encoding();
      unwind->Add(base + size, UnwindOp::kSavedAt, reg, SavedSlot(reg - kFirstSaved) - 16);
    }
    for (const EpilogueShape& epilogue : epilogues_) {
      unwind->Add(epilogue.restored - skip, UnwindOp::kRememberState);
      for (RegSet set = epilogue.saved; !set.empty();) {
        unwind->Add(epilogue.restored - skip, UnwindOp::kSame, set.TakeFirst().encoding());
      }
      unwind->Add(epilogue.left - skip, UnwindOp::kCfa, kDwarfStackPointer, 0);
      unwind->Add(epilogue.left - skip, UnwindOp::kSame, kDwarfFramePointer);
      unwind->Add(epilogue.left - skip, UnwindOp::kSame, kDwarfLink);
      if (epilogue.authenticated != 0) {
        unwind->Add(epilogue.authenticated - skip, UnwindOp::kToggleSigned);
      }
      if (epilogue.popped_bytes != 0) {
        unwind->Add(epilogue.popped - skip, UnwindOp::kCfa, kDwarfStackPointer,
                    -static_cast<int32_t>(epilogue.popped_bytes));
      }
      unwind->Add(epilogue.end - skip, UnwindOp::kRestoreState);
    }
    if (frame.counted_entry.has_value()) {
      // The frame of cold code at the end: no register is saved, and the frame pointer is the
      // caller's but at the call.
      const codegen::CodeOffset cold = frame.counted_entry->run_out - skip;
      const codegen::CodeOffset popped = frame.counted_entry->popped - skip;
      const codegen::CodeOffset cold_signed = cold + (Signs() ? 4 : 0);
      unwind->Add(cold, UnwindOp::kCfa, kDwarfStackPointer, 0);
      unwind->Add(cold, UnwindOp::kSame, kDwarfFramePointer);
      unwind->Add(cold, UnwindOp::kSame, kDwarfLink);
      for (RegSet set = frame.saved; !set.empty();) {
        unwind->Add(cold, UnwindOp::kSame, set.TakeFirst().encoding());
      }
      if (Signs()) {
        unwind->Add(cold, UnwindOp::kToggleSigned);
        unwind->Add(cold_signed, UnwindOp::kToggleSigned);
      }
      unwind->Add(cold_signed + kColdFramePushed, UnwindOp::kCfaOffset, 0, 16);
      unwind->Add(cold_signed + kColdFramePushed, UnwindOp::kSavedAt, kDwarfFramePointer, -16);
      unwind->Add(cold_signed + kColdFramePushed, UnwindOp::kSavedAt, kDwarfLink, -8);
      unwind->Add(popped, UnwindOp::kCfaOffset, 0, 0);
      unwind->Add(popped, UnwindOp::kSame, kDwarfFramePointer);
      unwind->Add(popped, UnwindOp::kSame, kDwarfLink);
      if (Signs()) {
        unwind->Add(frame.counted_entry->authenticated - skip, UnwindOp::kToggleSigned);
      }
    }
  }
  return skip;
}

void AArch64Masm::RestoreSaved(RegSet saved) {
  ForSaved(as_, saved, PairOp::kLdpX, MemOp::kLdrX);
  epilogues_.push_back({.saved = saved, .restored = buffer_.offset()});
}

void AArch64Masm::LeaveFrame() {
  as_.mov_sp(aarch64::sp, aarch64::x29);
  as_.EmitPostIndexed(PairOp::kLdpX, 29, 30, aarch64::sp, 16);
  epilogues_.back().left = buffer_.offset();
}

// The signature is that of the stack pointer behind the frame and in front of the arguments.
void AArch64Masm::Authenticate() {
  if (!Signs()) return;
  features_.protection.Authenticate(as_, nullptr);
  epilogues_.back().authenticated = buffer_.offset();
}

void AArch64Masm::Epilogue(RegSet saved, uint32_t popped) {
  CHECK(popped % 16 == 0) << "arguments of " << popped << " bytes";
  Begin();
  RestoreSaved(saved);
  LeaveFrame();
  if (popped == 0 && Signs() && features_.protection.has_pauth) {
    features_.protection.AuthenticateAndReturn(as_, nullptr);
    EndEpilogue();
    return;
  }
  Authenticate();
  if (popped != 0) {
    as_.add(aarch64::sp, aarch64::sp, int64_t{popped});
    epilogues_.back().popped_bytes = popped;
    epilogues_.back().popped = buffer_.offset();
  }
  as_.ret();
  EndEpilogue();
}

// The frame is as large as both sets of arguments, so that neither overlaps the other. The frame
// record moves first, to where the callee's caller would have it: it is whole at each instruction.
void AArch64Masm::TailCallEpilogue(RegSet saved, uint32_t incoming, uint32_t outgoing) {
  Begin();
  RestoreSaved(saved);
  const int64_t shift = int64_t{incoming} - outgoing;
  CHECK(shift % 16 == 0) << "arguments of " << incoming << " and " << outgoing << " bytes";
  const aarch64::V moved(kV1);
  if (shift != 0) {
    if (Signs()) {
      // The return address is signed anew for where the record goes.
      const aarch64::X target = GX(kScratch), link = aarch64::kScratch2;
      static_assert(kScratch.encoding() == aarch64::kScratch2.encoding());
      as_.mov(aarch64::X(kS1), target);
      as_.ldr(link, Address(aarch64::x29, 8));
      as_.add(aarch64::kScratch, aarch64::x29, kIncomingArguments);
      features_.protection.Authenticate1716(as_);
      as_.mov(aarch64::X(kS2), uint64_t(shift));
      as_.add(aarch64::kScratch, aarch64::kScratch, aarch64::X(kS2));
      features_.protection.Sign1716(as_);
      as_.ldr(aarch64::X(kS2), Address(aarch64::x29));
      // A frame far away takes x16.
      as_.str(link, Address(aarch64::x29, shift + 8));
      as_.str(aarch64::X(kS2), Address(aarch64::x29, shift));
      as_.mov(target, aarch64::X(kS1));
    } else {
      as_.ldr_q(moved, Address(aarch64::x29));
      as_.str_q(moved, Address(aarch64::x29, shift));
    }
    as_.add(aarch64::x29, aarch64::x29, shift);
  }
  for (int64_t at = outgoing; at > 0;) {
    at -= 16;
    as_.ldr_q(moved, Address(aarch64::sp, at));
    as_.str_q(moved, Address(aarch64::x29, kIncomingArguments + at));
    // There may be many.
    Begin();
  }
  LeaveFrame();
  Authenticate();
}

void AArch64Masm::GrowStack(uint32_t bytes) {
  CHECK(bytes % 16 == 0) << "arguments of " << bytes << " bytes";
  if (bytes != 0) as_.sub(aarch64::sp, aarch64::sp, int64_t{bytes});
}

// --- Moves ------------------------------------------------------------------------------

void AArch64Masm::Move(ValueKind kind, Reg to, Reg from) {
  if (to == from) return;
  Begin();
  if (IsVector(kind)) {
    MoveV(E(to), E(from));
  } else if (Is32(kind)) {
    as_.mov(GW(to), GW(from));
  } else {
    as_.mov(GX(to), GX(from));
  }
}

void AArch64Masm::MoveImmediate(ValueKind kind, uint8_t to, uint64_t bits) {
  if (Is32(kind) || bits <= 0xFFFFFFFF) {
    as_.mov(aarch64::W(to), static_cast<uint32_t>(bits));
  } else {
    as_.mov(aarch64::X(to), bits);
  }
}

void AArch64Masm::LoadConstant(ValueKind kind, Reg to, uint64_t bits) {
  Begin();
  if (!IsVector(kind)) return MoveImmediate(kind, E(to), bits);
  FloatConstant(kind == ValueKind::kF64, E(to), bits);
}

void AArch64Masm::LoadVectorConstant(Reg to, uint64_t low, uint64_t high) {
  Begin();
  Vector(E(to), low, high);
}

void AArch64Masm::Load(ValueKind kind, Reg to, const Address& from) {
  switch (kind) {
    case ValueKind::kI32:
    case ValueKind::kRef:
      return as_.ldr(GW(to), from);
    case ValueKind::kI64:
    case ValueKind::kFunc:
      return as_.ldr(GX(to), from);
    case ValueKind::kF32:
      return as_.ldr_s(GV(to), from);
    case ValueKind::kF64:
      return as_.ldr_d(GV(to), from);
    case ValueKind::kV128:
      return as_.ldr_q(GV(to), from);
  }
}

// Integers take 8 bytes: an i32 is zero-extended in its register.
void AArch64Masm::Store(ValueKind kind, const Address& to, Reg from) {
  switch (kind) {
    case ValueKind::kF32:
      return as_.str_s(GV(from), to);
    case ValueKind::kF64:
      return as_.str_d(GV(from), to);
    case ValueKind::kV128:
      return as_.str_q(GV(from), to);
    default:
      return as_.str(GX(from), to);
  }
}

void AArch64Masm::StoreConstant(ValueKind kind, const Address& to, uint64_t bits) {
  if (Is32(kind)) bits = static_cast<uint32_t>(bits);
  const uint8_t reg = bits == 0 ? kZero : kS1;
  if (bits != 0) MoveImmediate(kind, reg, bits);
  as_.Emit(kind == ValueKind::kF32 ? MemOp::kStrW : MemOp::kStrX, reg, to);
}

void AArch64Masm::Copy(ValueKind kind, const Address& to, const Address& from) {
  if (kind == ValueKind::kV128) {
    as_.ldr_q(aarch64::V(kV1), from);
    as_.str_q(aarch64::V(kV1), to);
  } else {
    as_.ldr(aarch64::X(kS1), from);
    as_.str(aarch64::X(kS1), to);
  }
}

void AArch64Masm::LoadSlot(ValueKind kind, Reg to, int32_t slot) {
  Begin();
  Load(kind, to, Slot(slot));
}
void AArch64Masm::StoreSlot(ValueKind kind, int32_t slot, Reg from) {
  Begin();
  Store(kind, Slot(slot), from);
}
void AArch64Masm::StoreSlotConstant(ValueKind kind, int32_t slot, uint64_t bits) {
  Begin();
  StoreConstant(kind, Slot(slot), bits);
}
void AArch64Masm::CopySlot(ValueKind kind, int32_t to, int32_t from) {
  Begin();
  if (to != from) Copy(kind, Slot(to), Slot(from));
}

void AArch64Masm::ZeroSlots(int32_t begin, int32_t end) {
  if (begin == end) return;
  Begin();
  constexpr int32_t kUnrolled = 256;
  constexpr int32_t kPairReach = -512;
  if (end - begin > kUnrolled) {
    const int32_t steps = (end - begin) / 16;
    as_.add(aarch64::X(kS1), aarch64::x29, begin);
    as_.mov(aarch64::W(kS2), static_cast<uint32_t>(steps));
    const MachLabel again = buffer_.NewLabel();
    as_.bind(again);
    as_.EmitPostIndexed(PairOp::kStpX, kZero, kZero, aarch64::X(kS1), 16);
    as_.Emit(Row::kSubImmW, {kS2, kS2}, *aarch64::AddBits(1));
    as_.cbnz(aarch64::W(kS2), again);
    begin += 16 * steps;
  }
  aarch64::X base = aarch64::x29;
  int32_t bias = 0;
  if (begin < kPairReach && begin != end) {
    base = aarch64::X(kS1);
    bias = begin;
    as_.add(base, aarch64::x29, begin);
  }
  for (; end - begin >= 16; begin += 16) {
    as_.Emit(PairOp::kStpX, kZero, kZero, base, begin - bias);
  }
  if (begin != end) as_.Emit(MemOp::kStrX, kZero, Address(base, begin - bias));
}

// Downwards, so that a target above the source may overlap it.
void AArch64Masm::CopySlots(int32_t to_low, int32_t from_low, uint32_t count) {
  if (to_low == from_low) return;
  CHECK(to_low > from_low) << "values of a branch move towards the bottom of the operand stack";
  Begin();
  const aarch64::X from(kS1), index(kS2), value(E(kScratch)), to(aarch64::kScratch);
  as_.add(from, aarch64::x29, from_low);
  as_.add(to, aarch64::x29, to_low);
  as_.mov(index.w(), count);
  const MachLabel again = buffer_.NewLabel();
  as_.bind(again);
  as_.Emit(Row::kSubImmX, {index.encoding(), index.encoding()}, *aarch64::AddBits(1));
  as_.ldr(value, Address(from, index, /*scaled=*/true));
  as_.str(value, Address(to, index, /*scaled=*/true));
  as_.cbnz(index, again);
}

void AArch64Masm::StoreOutgoing(ValueKind kind, uint32_t offset, Reg from) {
  Begin();
  Store(kind, Outgoing(offset), from);
}
void AArch64Masm::StoreOutgoingConstant(ValueKind kind, uint32_t offset, uint64_t bits) {
  Begin();
  StoreConstant(kind, Outgoing(offset), bits);
}
void AArch64Masm::StoreOutgoingSlot(ValueKind kind, uint32_t offset, int32_t slot) {
  Begin();
  Copy(kind, Outgoing(offset), Slot(slot));
}
void AArch64Masm::AddressOfOutgoing(Reg to, uint32_t offset) {
  Begin();
  as_.add(GX(to), aarch64::sp, int64_t{offset});
}
void AArch64Masm::CopyOutgoingToSlot(ValueKind kind, int32_t slot, uint32_t offset) {
  Begin();
  Copy(kind, Slot(slot), Outgoing(offset));
}

void AArch64Masm::LoadField(ValueKind kind, Reg to, Reg base, int32_t offset) {
  Begin();
  Load(kind, to, Address(GX(base), offset));
}
void AArch64Masm::StoreField(ValueKind kind, Reg base, int32_t offset, Reg from) {
  Begin();
  Store(kind, Address(GX(base), offset), from);
}
void AArch64Masm::StoreFieldConstant(ValueKind kind, Reg base, int32_t offset, uint64_t bits) {
  Begin();
  StoreConstant(kind, Address(GX(base), offset), bits);
}
void AArch64Masm::StoreFieldSlot(ValueKind kind, Reg base, int32_t offset, int32_t slot) {
  Begin();
  Copy(kind, Address(GX(base), offset), Slot(slot));
}

// --- Integers ---------------------------------------------------------------------------

namespace {

Row RowOf(IntOp op) {
  constexpr Row kRows[] = {Row::kAddW, Row::kSubW, Row::kAndW, Row::kOrrW, Row::kEorW};
  return kRows[static_cast<int>(op)];
}

}  // namespace

void AArch64Masm::Int(IntOp op, ValueKind kind, Reg to, Reg a, Reg b) {
  Begin();
  RRR(Sized(RowOf(op), kind), E(to), E(a), E(b));
}

void AArch64Masm::IntImmediate(IntOp op, ValueKind kind, Reg to, Reg a, int32_t b) {
  Begin();
  const uint64_t value = Is32(kind) ? static_cast<uint32_t>(b) : static_cast<uint64_t>(int64_t{b});
  if (op == IntOp::kAdd || op == IntOp::kSub) {
    const bool subtracts = (op == IntOp::kSub) != (b < 0);
    const int64_t amount = b < 0 ? -int64_t{b} : int64_t{b};
    if (const auto bits = aarch64::AddBits(static_cast<uint64_t>(amount))) {
      return RR(Sized(subtracts ? Row::kSubImmW : Row::kAddImmW, kind), E(to), E(a), *bits);
    }
  } else if (const auto bits = aarch64::LogicalBits(value, BitsOf(kind))) {
    const Row row = op == IntOp::kAnd  ? Row::kAndImmW
                    : op == IntOp::kOr ? Row::kOrrImmW
                                       : Row::kEorImmW;
    return RR(Sized(row, kind), E(to), E(a), *bits);
  } else if (op == IntOp::kXor && b == -1) {
    return RR(Sized(Row::kMvnW, kind), E(to), E(a));
  }
  MoveImmediate(kind, kS1, value);
  RRR(Sized(RowOf(op), kind), E(to), E(a), kS1);
}

Condition AArch64Masm::AddCarry(Reg to, Reg a, Reg b) {
  Begin();
  RRR(Row::kAddsX, E(to), E(a), E(b));
  return Of(aarch64::Condition::kHs);
}

void AArch64Masm::Multiply(ValueKind kind, Reg to, Reg a, Reg b) {
  Begin();
  RRR(Sized(Row::kMulW, kind), E(to), E(a), E(b));
}

void AArch64Masm::MultiplyImmediate(ValueKind kind, Reg to, Reg a, int32_t b) {
  if (b == 3 || b == 5 || b == 9) {
    return AddScaled(kind, to, a, a, static_cast<uint8_t>(std::countr_zero(uint32_t(b) - 1)));
  }
  if (b > 0 && (b & (b - 1)) == 0) {
    return ShiftImmediate(ShiftOp::kShl, kind, to, a,
                          static_cast<uint8_t>(std::countr_zero(static_cast<uint32_t>(b))));
  }
  Begin();
  MoveImmediate(kind, kS1,
                Is32(kind) ? static_cast<uint32_t>(b) : static_cast<uint64_t>(int64_t{b}));
  RRR(Sized(Row::kMulW, kind), E(to), E(a), kS1);
}

void AArch64Masm::Shift(ShiftOp op, ValueKind kind, Reg to, Reg a, Reg amount) {
  constexpr Row kRows[] = {Row::kLslvW, Row::kAsrvW, Row::kLsrvW, Row::kRorvW, Row::kRorvW};
  Begin();
  uint8_t by = E(amount);
  if (op == ShiftOp::kRotl) {
    RR(Sized(Row::kNegW, kind), kS1, by);
    by = kS1;
  }
  RRR(Sized(kRows[static_cast<int>(op)], kind), E(to), E(a), by);
}

void AArch64Masm::ShiftImmediate(ShiftOp op, ValueKind kind, Reg to, Reg a, uint8_t amount) {
  if (amount == 0) return Move(kind, to, a);
  Begin();
  const uint32_t bits = BitsOf(kind);
  const uint32_t complement = (bits - amount) & (bits - 1);
  switch (op) {
    case ShiftOp::kShl:
      return RR(Sized(Row::kUbfmW, kind), E(to), E(a),
                aarch64::BitfieldBits(complement, bits - 1 - amount));
    case ShiftOp::kShrU:
      return RR(Sized(Row::kUbfmW, kind), E(to), E(a), aarch64::BitfieldBits(amount, bits - 1));
    case ShiftOp::kShrS:
      return RR(Sized(Row::kSbfmW, kind), E(to), E(a), aarch64::BitfieldBits(amount, bits - 1));
    case ShiftOp::kRotl:
      return RRR(Sized(Row::kExtrW, kind), E(to), E(a), E(a), complement << 10);
    case ShiftOp::kRotr:
      return RRR(Sized(Row::kExtrW, kind), E(to), E(a), E(a), uint32_t{amount} << 10);
  }
}

void AArch64Masm::AddScaled(ValueKind kind, Reg to, Reg a, Reg b, uint8_t scale) {
  Begin();
  RRR(Sized(Row::kAddW, kind), E(to), E(a), E(b),
      aarch64::ShiftBits(aarch64::ShiftOp::kLsl, scale));
}

void AArch64Masm::Divide(ValueKind kind, bool is_signed, bool remainder, Reg to, Reg a, Reg b,
                         uint8_t zero_trap, uint8_t overflow_trap) {
  Begin();
  const MachLabel zero = TrapLabel(zero_trap);
  Is32(kind) ? as_.cbz(GW(b), zero) : as_.cbz(GX(b), zero);
  const Row row = Sized(is_signed ? Row::kSdivW : Row::kUdivW, kind);
  if (remainder) {
    // The least number by -1 is itself, which leaves 0.
    RRR(row, kS1, E(a), E(b));
    return as_.Emit(Sized(Row::kMsubW, kind), {kS1, E(b), E(a), E(to)});
  }
  if (is_signed) {
    // b + 1 is zero, and then a - 1 goes over the least number.
    as_.Emit(Sized(Row::kCmnImmW, kind), {E(b)}, *aarch64::AddBits(1));
    as_.Emit(Sized(Row::kCcmpImmW, kind), {E(a)},
             1u << 16 | aarch64::ConditionBits(aarch64::Condition::kEq));
    TrapIf(aarch64::Condition::kVs, overflow_trap);
  }
  RRR(row, E(to), E(a), E(b));
}

void AArch64Masm::MultiplyWide(bool is_signed, Reg b) {
  Begin();
  RRR(is_signed ? Row::kSmulh : Row::kUmulh, kS1, E(kQuotient), E(b));
  RRR(Row::kMulX, E(kQuotient), E(kQuotient), E(b));
  as_.mov(GX(kRemainder), aarch64::X(kS1));
}

void AArch64Masm::AddWide(bool subtract, Reg low, Reg high, Reg b_low, Reg b_high) {
  Begin();
  RRR(subtract ? Row::kSubsX : Row::kAddsX, E(low), E(low), E(b_low));
  RRR(subtract ? Row::kSbcX : Row::kAdcX, E(high), E(high), E(b_high));
}

void AArch64Masm::CountLeadingZeros(ValueKind kind, Reg to, Reg from) {
  Begin();
  RR(Sized(Row::kClzW, kind), E(to), E(from));
}

void AArch64Masm::CountTrailingZeros(ValueKind kind, Reg to, Reg from) {
  Begin();
  RR(Sized(Row::kRbitW, kind), E(to), E(from));
  RR(Sized(Row::kClzW, kind), E(to), E(to));
}

void AArch64Masm::CountOnes(ValueKind kind, Reg to, Reg from, Reg) {
  Begin();
  RR(Is32(kind) ? Row::kFmovSW : Row::kFmovDX, kV1, E(from));
  RR(Row::kVCnt8B, kV1, kV1);
  RR(Row::kVAddv8B, kV1, kV1);
  RR(Row::kFmovWS, E(to), kV1);
}

void AArch64Masm::ExtendSigned(ValueKind kind, Reg to, Reg from, int bits) {
  Begin();
  RR(Sized(Row::kSbfmW, kind), E(to), E(from),
     aarch64::BitfieldBits(0, static_cast<uint32_t>(bits - 1)));
}

void AArch64Masm::ZeroExtend32(Reg to, Reg from) {
  Begin();
  as_.mov(GW(to), GW(from));
}

// --- Conditions -------------------------------------------------------------------------

Condition AArch64Masm::Compare(IntCond cond, ValueKind kind, Reg a, Reg b) {
  Begin();
  as_.Emit(Sized(Row::kCmpW, kind), {E(a), E(b)});
  return Of(MachineOf(cond));
}

Condition AArch64Masm::CompareImmediate(IntCond cond, ValueKind kind, Reg a, int32_t b) {
  Begin();
  const int64_t amount = b < 0 ? -int64_t{b} : int64_t{b};
  if (const auto bits = aarch64::AddBits(static_cast<uint64_t>(amount))) {
    as_.Emit(Sized(b < 0 ? Row::kCmnImmW : Row::kCmpImmW, kind), {E(a)}, *bits);
  } else {
    MoveImmediate(kind, kS1,
                  Is32(kind) ? static_cast<uint32_t>(b) : static_cast<uint64_t>(int64_t{b}));
    as_.Emit(Sized(Row::kCmpW, kind), {E(a), kS1});
  }
  return Of(MachineOf(cond));
}

// Each is false of unordered operands, but for kNe.
Condition AArch64Masm::CompareFloat(FloatCond cond, ValueKind kind, Reg a, Reg b) {
  using C = aarch64::Condition;
  constexpr C kConditions[] = {C::kEq, C::kNe, C::kMi, C::kGt, C::kLs, C::kGe};
  Begin();
  as_.Emit(Sized(Row::kFcmpS, kind), {E(a), E(b)});
  return Of(kConditions[static_cast<int>(cond)]);
}

void AArch64Masm::SetCondition(Reg to, Condition condition) {
  Begin();
  RRR(Row::kCsincW, E(to), kZero, kZero, aarch64::ConditionBits(Machine(Inverse(condition))));
}

void AArch64Masm::Branch(Condition condition, MachLabel target) {
  Begin();
  as_.b(Machine(condition), target);
}

void AArch64Masm::Jump(MachLabel target) {
  Begin();
  as_.b(target);
}

void AArch64Masm::Select(ValueKind kind, Condition condition, Reg to, Reg a, Reg b) {
  Begin();
  const uint32_t bits = aarch64::ConditionBits(Machine(condition));
  if (!IsVector(kind)) return RRR(Sized(Row::kCselW, kind), E(to), E(a), E(b), bits);
  if (kind != ValueKind::kV128) return RRR(Sized(Row::kFcselS, kind), E(to), E(a), E(b), bits);
  // Over a move; `b` comes first unless that would overwrite `a`.
  if (to == a) {
    std::swap(a, b);
    condition = Inverse(condition);
  }
  MoveV(E(to), E(b));
  if (a == b) return;
  const MachLabel done = buffer_.NewLabel();
  as_.b(Machine(Inverse(condition)), done);
  MoveV(E(to), E(a));
  as_.bind(done);
}

void AArch64Masm::SelectGuarded(Condition condition, Reg to, Reg a, Reg b) {
  Begin();
  RRR(Row::kCselX, E(to), E(a), E(b), aarch64::ConditionBits(Machine(condition)));
  // The choice is never predicted (Arm Architecture Reference Manual, C6.2, "CSDB").
  as_.Emit(PlainOp::kCsdb);
}

void AArch64Masm::JumpTable(Reg index, Reg temp, absl::Span<const MachLabel> targets) {
  Begin(kIslandDistance + 4 * static_cast<uint32_t>(targets.size()));
  const aarch64::X table = aarch64::kScratch;
  as_.adr(table, buffer_.JumpTable(targets, aarch64::kRel32));
  as_.Emit(MemOp::kLdrsw, E(temp), Address(table, GX(index), /*scaled=*/true));
  as_.add(table, table, GX(temp));
  as_.br(table);
}

// --- Calls ------------------------------------------------------------------------------

void AArch64Masm::Call(codegen::ExternalName name) {
  Begin();
  const codegen::CodeOffset at = as_.bl_name();
  buffer_.AddReloc(at, aarch64::kRelocBranch26, name, 0);
}
void AArch64Masm::Call(Reg code) {
  Begin();
  as_.blr(GX(code));
}
void AArch64Masm::TailCall(codegen::ExternalName name) {
  Begin();
  buffer_.AddReloc(as_.b_name(), aarch64::kRelocBranch26, name, 0);
  EndEpilogue();
}
void AArch64Masm::TailCall(Reg code) {
  Begin();
  as_.br(GX(code));
  EndEpilogue();
}

}  // namespace gantry::winch
