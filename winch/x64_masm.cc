#include "winch/x64_masm.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace gantry::winch {

using codegen::MachLabel;
using codegen::UnwindOp;
using wasm::Opcode;
using x64::Address;
using x64::AluOp;
using x64::Gpr;
using x64::Gpr64;
using x64::Mem64;
using x64::SseMoveOp;
using x64::Width;
using x64::Xmm;

namespace {

constexpr uint8_t kDwarfRbp = 6;
constexpr uint8_t kDwarfRsp = 7;
// Behind `push rbp`.
constexpr codegen::CodeOffset kColdFramePushed = 1;
// push, mov, load of the store, compare in full, jump, sub, vmctx, five saves: rounded up.
constexpr uint32_t kPrologueRoom = 64;
// What counts an entry in front of it, rounded up.
constexpr uint32_t kEntryCountRoom = 48;

// Beyond the conditions of the processor: of floats, where unordered operands are not equal.
constexpr uint8_t kFloatEqual = 16;
constexpr uint8_t kFloatNotEqual = 17;

constexpr x64::Condition Machine(Condition condition) {
  return static_cast<x64::Condition>(condition.code);
}
constexpr Condition Of(x64::Condition condition) { return {static_cast<uint8_t>(condition)}; }

x64::Condition MachineOf(IntCond cond) {
  constexpr x64::Condition kConditions[] = {
      x64::Condition::kEqual,       x64::Condition::kNotEqual,     x64::Condition::kLess,
      x64::Condition::kBelow,       x64::Condition::kGreater,      x64::Condition::kAbove,
      x64::Condition::kLessOrEqual, x64::Condition::kBelowOrEqual, x64::Condition::kGreaterOrEqual,
      x64::Condition::kAboveOrEqual};
  return kConditions[static_cast<int>(cond)];
}

AluOp AluOf(IntOp op) {
  constexpr AluOp kOps[] = {AluOp::kAdd, AluOp::kSub, AluOp::kAnd, AluOp::kOr, AluOp::kXor};
  return kOps[static_cast<int>(op)];
}

bool FitsInt32(uint64_t bits) {
  const int64_t value = static_cast<int64_t>(bits);
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max();
}

void OverwriteWord(codegen::MachBuffer& buffer, codegen::CodeOffset at, uint32_t word) {
  const uint8_t bytes[] = {static_cast<uint8_t>(word), static_cast<uint8_t>(word >> 8),
                           static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 24)};
  buffer.Overwrite(at, bytes);
}

Width WidthOfBytes(int bytes) {
  return bytes == 1 ? Width::k8 : bytes == 2 ? Width::k16 : bytes == 4 ? Width::k32 : Width::k64;
}

}  // namespace

// --- Frame ------------------------------------------------------------------------------

X64Masm::X64Masm(codegen::MachBuffer& buffer, const Features& features,
                 const codegen::RelaxedChoices& relaxed)
    : as_(buffer),
      buffer_(buffer),
      prologue_(buffer.label_kinds()),
      features_(features),
      relaxed_(relaxed) {
  for (uint32_t bytes = 0; bytes < paddings_.size(); ++bytes) {
    prologue_.Reset();
    x64::Assembler(prologue_).nop(bytes);
    CHECK_OK(prologue_.Finish());
    std::copy(prologue_.bytes().begin(), prologue_.bytes().end(), paddings_[bytes].begin());
  }
}

void X64Masm::ReservePrologue(bool counts_entry) {
  CHECK(buffer_.offset() == 0) << "a prologue is the first thing in a function";
  prologue_room_ = kPrologueRoom + (counts_entry ? kEntryCountRoom : 0);
  as_.nop(prologue_room_);
  epilogues_.clear();
}

codegen::CodeOffset X64Masm::Prologue(const FrameShape& frame, codegen::FrameInfo* info,
                                      codegen::UnwindInfo* unwind) {
  codegen::MachBuffer& code = prologue_;
  code.Reset();
  x64::Assembler as(code);
  EntryFields fields;
  if (frame.counted_entry.has_value()) fields = EmitEntryCount(*frame.counted_entry, code);
  as.push(x64::rbp);
  const codegen::CodeOffset pushed = code.offset();
  as.mov(x64::rbp, x64::rsp);
  const codegen::CodeOffset framed = code.offset();
  codegen::CodeOffset jump = 0;
  if (ChecksStack(frame)) {
    as.mov(x64::r11, Mem64(x64::rdi, frame.store_offset));
    if (frame.frame_bytes > kSmallFrame) {
      as.lea(x64::rsi, Address(x64::rsp, -static_cast<int32_t>(frame.frame_bytes)));
      as.cmp(x64::rsi, Mem64(x64::r11, frame.limit_offset));
    } else {
      as.cmp(x64::rsp, Mem64(x64::r11, frame.limit_offset));
    }
    // jb, by hand: its target is in another buffer.
    code.Put1(0x0F);
    code.Put1(0x82);
    jump = code.offset();
    code.Put4(0);
  }
  // Below the stack pointer of a leaf 128 bytes are its own (the ABI's red zone).
  constexpr uint32_t kRedZone = 128;
  const bool moves = frame.has_calls || frame.has_interrupts || frame.frame_bytes > kRedZone;
  if (moves) as.sub(x64::rsp, static_cast<int32_t>(frame.frame_bytes));
  if (frame.has_calls) as.mov(Mem64(x64::rbp, kVmctxSlot), x64::rdi);
  int32_t slot = kSavedBegin;
  for (const Gpr64 reg : {x64::rbx, x64::r12, x64::r13, x64::r14, x64::r15}) {
    slot -= 8;
    if (!frame.saved.contains(Reg::Int(reg.encoding()))) continue;
    as.mov(Mem64(x64::rbp, slot), reg);
  }
  const uint32_t size = code.offset();
  CHECK(size <= prologue_room_) << "prologue of " << size << " bytes";
  // It begins the function, as debuggers that read prologues expect; what alignment asks for is
  // behind it.
  const uint32_t skip = (prologue_room_ - size) & ~15u;
  if (frame.counted_entry.has_value()) {
    PatchEntryCount(*frame.counted_entry, fields, skip, code);
  }
  if (jump != 0) {
    OverwriteWord(code, jump, frame.exhausted - (skip + jump + 4));
    if (frame.back != 0) OverwriteWord(buffer_, frame.back, skip + jump - frame.back);
  }
  CHECK_OK(code.Finish());
  buffer_.Overwrite(skip, code.bytes());
  const uint32_t padding = prologue_room_ - skip - size;
  buffer_.Overwrite(skip + size, absl::MakeConstSpan(paddings_[padding]).first(padding));
  info->frame_begin = framed;
  info->frame_size = moves ? frame.frame_bytes : 0;
  if (unwind != nullptr) {
    unwind->Add(pushed, UnwindOp::kCfaOffset, 0, 16);
    unwind->Add(pushed, UnwindOp::kSavedAt, kDwarfRbp, -16);
    unwind->Add(framed, UnwindOp::kCfaRegister, kDwarfRbp);
    constexpr uint8_t kDwarf[] = {3, 12, 13, 14, 15};
    constexpr uint8_t kEncodings[] = {3, 12, 13, 14, 15};
    for (int i = 0; i < 5; ++i) {
      if (!frame.saved.contains(Reg::Int(kEncodings[i]))) continue;
      unwind->Add(size, UnwindOp::kSavedAt, kDwarf[i], kSavedBegin - 8 * (i + 1) - 16);
    }
    for (const EpilogueShape& epilogue : epilogues_) {
      unwind->Add(epilogue.restored - skip, UnwindOp::kRememberState);
      for (int i = 0; i < 5; ++i) {
        if (!epilogue.saved.contains(Reg::Int(kEncodings[i]))) continue;
        unwind->Add(epilogue.restored - skip, UnwindOp::kSame, kDwarf[i]);
      }
      unwind->Add(epilogue.left - skip, UnwindOp::kCfa, kDwarfRsp, 8);
      unwind->Add(epilogue.left - skip, UnwindOp::kSame, kDwarfRbp);
      unwind->Add(epilogue.end - skip, UnwindOp::kRestoreState);
    }
    if (frame.counted_entry.has_value()) {
      // The frame of cold code at the end: no register is saved, and rbp is the caller's but at the
      // call.
      const codegen::CodeOffset cold = frame.counted_entry->run_out - skip;
      unwind->Add(cold, UnwindOp::kCfa, kDwarfRsp, 8);
      unwind->Add(cold, UnwindOp::kSame, kDwarfRbp);
      for (int i = 0; i < 5; ++i) {
        if (!frame.saved.contains(Reg::Int(kEncodings[i]))) continue;
        unwind->Add(cold, UnwindOp::kSame, kDwarf[i]);
      }
      unwind->Add(cold + kColdFramePushed, UnwindOp::kCfaOffset, 0, 16);
      unwind->Add(cold + kColdFramePushed, UnwindOp::kSavedAt, kDwarfRbp, -16);
      unwind->Add(frame.counted_entry->popped - skip, UnwindOp::kCfaOffset, 0, 8);
      unwind->Add(frame.counted_entry->popped - skip, UnwindOp::kSame, kDwarfRbp);
    }
  }
  return skip;
}

void X64Masm::RestoreSaved(RegSet saved) {
  int32_t slot = kSavedBegin;
  for (const Gpr64 reg : {x64::rbx, x64::r12, x64::r13, x64::r14, x64::r15}) {
    slot -= 8;
    if (saved.contains(Reg::Int(reg.encoding()))) as_.mov(reg, Mem64(x64::rbp, slot));
  }
  epilogues_.push_back({.saved = saved, .restored = buffer_.offset()});
}

void X64Masm::LeaveFrame() {
  as_.leave();
  epilogues_.back().left = buffer_.offset();
}

void X64Masm::Epilogue(RegSet saved, uint32_t popped) {
  RestoreSaved(saved);
  LeaveFrame();
  as_.ret(popped);
  EndEpilogue();
}

// The frame is as large as both sets of arguments, so that neither overlaps the other. The frame
// record moves first, to where the callee's caller would have it: it is whole at each instruction.
void X64Masm::TailCallEpilogue(RegSet saved, uint32_t incoming, uint32_t outgoing) {
  RestoreSaved(saved);
  const int32_t shift = static_cast<int32_t>(incoming) - static_cast<int32_t>(outgoing);
  if (shift != 0) {
    as_.movups(x64::xmm15, x64::Mem128(x64::rbp, 0));
    as_.movups(x64::Mem128(x64::rbp, shift), x64::xmm15);
    as_.lea(x64::rbp, Address(x64::rbp, shift));
  }
  for (uint32_t at = outgoing; at > 0; at -= 16) {
    const int32_t offset = static_cast<int32_t>(at) - 16;
    as_.movups(x64::xmm15, x64::Mem128(x64::rsp, offset));
    as_.movups(x64::Mem128(x64::rbp, kIncomingArguments + offset), x64::xmm15);
  }
  LeaveFrame();
}

void X64Masm::GrowStack(uint32_t bytes) {
  if (bytes != 0) as_.sub(x64::rsp, static_cast<int32_t>(bytes));
}

// --- Moves ------------------------------------------------------------------------------

void X64Masm::Move(ValueKind kind, Reg to, Reg from) {
  if (to == from) return;
  if (IsVector(kind)) {
    as_.movaps(X(to), X(from));
  } else {
    as_.mov(W(kind), G(to), G(from));
  }
}

void X64Masm::LoadConstant(ValueKind kind, Reg to, uint64_t bits) {
  if (!IsVector(kind)) {
    // The flags may be in use: never an xor.
    as_.mov_imm(Is32(kind) ? Width::k32 : Width::k64, G(to),
                Is32(kind) ? static_cast<int64_t>(static_cast<uint32_t>(bits))
                           : static_cast<int64_t>(bits));
    return;
  }
  if (bits == 0) {
    as_.xorps(X(to), X(to));
  } else if (kind == ValueKind::kF32) {
    as_.movss(X(to), x64::Mem32(buffer_.Constant4(static_cast<uint32_t>(bits))));
  } else {
    as_.movsd(X(to), Mem64(buffer_.Constant8(bits)));
  }
}

x64::Mem128 X64Masm::Constant128(uint64_t low, uint64_t high) {
  uint8_t bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(low >> 8 * i);
    bytes[8 + i] = static_cast<uint8_t>(high >> 8 * i);
  }
  return x64::Mem128(buffer_.Constant(bytes));
}

void X64Masm::LoadVectorConstant(Reg to, uint64_t low, uint64_t high) {
  if (low == 0 && high == 0) {
    as_.xorps(X(to), X(to));
  } else if (low == ~uint64_t{0} && high == low) {
    as_.pcmpeqd(X(to), X(to));
  } else {
    as_.movaps(X(to), Constant128(low, high));
  }
}

void X64Masm::Load(ValueKind kind, Reg to, const Address& from) {
  switch (kind) {
    case ValueKind::kI32:
    case ValueKind::kRef:
      as_.mov(Width::k32, G(to), from);
      return;
    case ValueKind::kI64:
    case ValueKind::kFunc:
      as_.mov(Width::k64, G(to), from);
      return;
    case ValueKind::kF32:
      as_.sse(SseMoveOp::kMovss, X(to), x64::AnyMem(Width::k32, from));
      return;
    case ValueKind::kF64:
      as_.sse(SseMoveOp::kMovsd, X(to), x64::AnyMem(Width::k64, from));
      return;
    case ValueKind::kV128:
      as_.sse(SseMoveOp::kMovups, X(to), x64::AnyMem(Width::k128, from));
      return;
  }
}

// Integers take 8 bytes: an i32 is zero-extended in its register.
void X64Masm::Store(ValueKind kind, const Address& to, Reg from) {
  switch (kind) {
    case ValueKind::kF32:
      as_.sse(SseMoveOp::kMovss, x64::AnyMem(Width::k32, to), X(from));
      return;
    case ValueKind::kF64:
      as_.sse(SseMoveOp::kMovsd, x64::AnyMem(Width::k64, to), X(from));
      return;
    case ValueKind::kV128:
      as_.sse(SseMoveOp::kMovups, x64::AnyMem(Width::k128, to), X(from));
      return;
    default:
      as_.mov(Width::k64, to, G(from));
      return;
  }
}

void X64Masm::StoreConstant(ValueKind kind, const Address& to, uint64_t bits) {
  if (Is32(kind)) bits = static_cast<uint32_t>(bits);
  if (kind == ValueKind::kF32) {
    as_.mov(Width::k32, to, static_cast<int32_t>(bits));
  } else if (FitsInt32(bits)) {
    as_.mov(Width::k64, to, static_cast<int32_t>(bits));
  } else {
    as_.mov_imm(Width::k64, G(kScratch), static_cast<int64_t>(bits));
    as_.mov(Width::k64, to, G(kScratch));
  }
}

void X64Masm::Copy(ValueKind kind, const Address& to, const Address& from) {
  if (kind == ValueKind::kV128) {
    as_.sse(SseMoveOp::kMovups, x64::xmm15, x64::AnyMem(Width::k128, from));
    as_.sse(SseMoveOp::kMovups, x64::AnyMem(Width::k128, to), x64::xmm15);
  } else {
    as_.mov(Width::k64, G(kScratch), from);
    as_.mov(Width::k64, to, G(kScratch));
  }
}

void X64Masm::LoadSlot(ValueKind kind, Reg to, int32_t slot) { Load(kind, to, Slot(slot)); }
void X64Masm::StoreSlot(ValueKind kind, int32_t slot, Reg from) { Store(kind, Slot(slot), from); }
void X64Masm::StoreSlotConstant(ValueKind kind, int32_t slot, uint64_t bits) {
  StoreConstant(kind, Slot(slot), bits);
}
void X64Masm::CopySlot(ValueKind kind, int32_t to, int32_t from) {
  if (to != from) Copy(kind, Slot(to), Slot(from));
}

void X64Masm::ZeroSlots(int32_t begin, int32_t end) {
  if (begin == end) return;
  as_.xorps(x64::xmm15, x64::xmm15);
  constexpr int32_t kUnrolled = 256;
  if (end - begin > kUnrolled) {
    // rsi and r11 are free in the prologue: from `begin` up in steps of 16.
    const int32_t steps = (end - begin) / 16;
    as_.lea(x64::r11, Address(x64::rbp, begin));
    as_.mov(x64::esi, static_cast<int64_t>(steps));
    const MachLabel again = buffer_.NewLabel();
    as_.bind(again);
    as_.movups(x64::Mem128(x64::r11, 0), x64::xmm15);
    as_.add(x64::r11, 16);
    as_.sub(x64::esi, 1);
    as_.jcc(x64::Condition::kNotEqual, again);
    begin += 16 * steps;
  }
  for (; end - begin >= 16; begin += 16) {
    as_.movups(x64::Mem128(x64::rbp, begin), x64::xmm15);
  }
  if (begin != end) as_.movq(Mem64(x64::rbp, begin), x64::xmm15);
}

// Downwards, so that a target above the source may overlap it.
void X64Masm::CopySlots(int32_t to_low, int32_t from_low, uint32_t count) {
  if (to_low == from_low) return;
  CHECK(to_low > from_low) << "values of a branch move towards the bottom of the operand stack";
  as_.mov(x64::r11d, static_cast<int64_t>(count));
  const MachLabel again = buffer_.NewLabel();
  as_.bind(again);
  as_.movq(x64::xmm15, Mem64(x64::rbp, x64::r11, x64::Scale::k8, from_low - 8));
  as_.movq(Mem64(x64::rbp, x64::r11, x64::Scale::k8, to_low - 8), x64::xmm15);
  as_.sub(x64::r11d, 1);
  as_.jcc(x64::Condition::kNotEqual, again);
}

void X64Masm::StoreOutgoing(ValueKind kind, uint32_t offset, Reg from) {
  Store(kind, Address(x64::rsp, static_cast<int32_t>(offset)), from);
}
void X64Masm::StoreOutgoingConstant(ValueKind kind, uint32_t offset, uint64_t bits) {
  StoreConstant(kind, Address(x64::rsp, static_cast<int32_t>(offset)), bits);
}
void X64Masm::StoreOutgoingSlot(ValueKind kind, uint32_t offset, int32_t slot) {
  Copy(kind, Address(x64::rsp, static_cast<int32_t>(offset)), Slot(slot));
}
void X64Masm::AddressOfOutgoing(Reg to, uint32_t offset) {
  as_.lea(G64(to), Address(x64::rsp, static_cast<int32_t>(offset)));
}
void X64Masm::CopyOutgoingToSlot(ValueKind kind, int32_t slot, uint32_t offset) {
  Copy(kind, Slot(slot), Address(x64::rsp, static_cast<int32_t>(offset)));
}

void X64Masm::LoadField(ValueKind kind, Reg to, Reg base, int32_t offset) {
  Load(kind, to, Address(G64(base), offset));
}
void X64Masm::StoreField(ValueKind kind, Reg base, int32_t offset, Reg from) {
  Store(kind, Address(G64(base), offset), from);
}
void X64Masm::StoreFieldConstant(ValueKind kind, Reg base, int32_t offset, uint64_t bits) {
  StoreConstant(kind, Address(G64(base), offset), bits);
}
void X64Masm::StoreFieldSlot(ValueKind kind, Reg base, int32_t offset, int32_t slot) {
  Copy(kind, Address(G64(base), offset), Slot(slot));
}

// --- Integers ---------------------------------------------------------------------------

void X64Masm::Int(IntOp op, ValueKind kind, Reg to, Reg a, Reg b) {
  const Width width = W(kind);
  if (to == a) {
    as_.alu(AluOf(op), width, G(to), G(b));
  } else if (to == b) {
    if (op == IntOp::kSub) {
      as_.unary(x64::UnaryOp::kNeg, width, G(to));
      as_.alu(AluOp::kAdd, width, G(to), G(a));
    } else {
      as_.alu(AluOf(op), width, G(to), G(a));
    }
  } else if (op == IntOp::kAdd) {
    as_.lea(width, G(to), Address(G64(a), G64(b), x64::Scale::k1));
  } else {
    as_.mov(width, G(to), G(a));
    as_.alu(AluOf(op), width, G(to), G(b));
  }
}

void X64Masm::IntImmediate(IntOp op, ValueKind kind, Reg to, Reg a, int32_t b) {
  const Width width = W(kind);
  if (to != a) {
    if (op == IntOp::kAdd || (op == IntOp::kSub && b != std::numeric_limits<int32_t>::min())) {
      as_.lea(width, G(to), Address(G64(a), op == IntOp::kAdd ? b : -b));
      return;
    }
    as_.mov(width, G(to), G(a));
  }
  as_.alu(AluOf(op), width, G(to), b);
}

// Never a lea, which leaves the flags alone.
Condition X64Masm::AddCarry(Reg to, Reg a, Reg b) {
  if (to == b) std::swap(a, b);
  Move(ValueKind::kI64, to, a);
  as_.alu(AluOp::kAdd, Width::k64, G(to), G(b));
  return Of(x64::Condition::kBelow);
}

void X64Masm::IntSlot(IntOp op, ValueKind kind, Reg to, Reg a, int32_t slot) {
  Move(kind, to, a);
  as_.alu(AluOf(op), W(kind), G(to), Slot(slot));
}

void X64Masm::Multiply(ValueKind kind, Reg to, Reg a, Reg b) {
  if (to == b) std::swap(a, b);
  Move(kind, to, a);
  as_.gpr_rm(x64::GprRmOp::kImul, W(kind), G(to), G(b));
}

void X64Masm::MultiplyImmediate(ValueKind kind, Reg to, Reg a, int32_t b) {
  switch (b) {
    case 3:
    case 5:
    case 9:
      as_.lea(W(kind), G(to),
              Address(G64(a), G64(a),
                      b == 3   ? x64::Scale::k2
                      : b == 5 ? x64::Scale::k4
                               : x64::Scale::k8));
      return;
    default:
      break;
  }
  if (b > 0 && (b & (b - 1)) == 0) {
    ShiftImmediate(ShiftOp::kShl, kind, to, a,
                   static_cast<uint8_t>(std::countr_zero(static_cast<uint32_t>(b))));
    return;
  }
  as_.imul(W(kind), G(to), G(a), b);
}

namespace {

x64::ShiftOp ShiftOf(ShiftOp op) {
  constexpr x64::ShiftOp kOps[] = {x64::ShiftOp::kShl, x64::ShiftOp::kSar, x64::ShiftOp::kShr,
                                   x64::ShiftOp::kRol, x64::ShiftOp::kRor};
  return kOps[static_cast<int>(op)];
}

}  // namespace

void X64Masm::Shift(ShiftOp op, ValueKind kind, Reg to, Reg a, Reg amount) {
  const Width width = W(kind);
  if (features_.bmi2 && op <= ShiftOp::kShrU) {
    constexpr x64::BmiRmvOp kOps[] = {x64::BmiRmvOp::kShlx, x64::BmiRmvOp::kSarx,
                                      x64::BmiRmvOp::kShrx};
    as_.bmi_rmv(kOps[static_cast<int>(op)], width, G(to), G(a), G(amount));
    return;
  }
  DCHECK(amount == kShiftAmount && to != kShiftAmount);
  Move(kind, to, a);
  as_.shift_cl(ShiftOf(op), width, G(to));
}

void X64Masm::ShiftImmediate(ShiftOp op, ValueKind kind, Reg to, Reg a, uint8_t amount) {
  const Width width = W(kind);
  if (amount == 0) {
    Move(kind, to, a);
  } else if (op == ShiftOp::kShl && amount == 1) {
    as_.lea(width, G(to), Address(G64(a), G64(a), x64::Scale::k1));
  } else if (to != a && op == ShiftOp::kShl && amount <= 3) {
    as_.lea(width, G(to), Address::Scaled(G64(a), static_cast<x64::Scale>(amount)));
  } else if (features_.bmi2 && op >= ShiftOp::kRotl && to != a) {
    const uint8_t bits = static_cast<uint8_t>(x64::BitsOf(width));
    as_.rorx(width, G(to), G(a),
             op == ShiftOp::kRotr ? amount : static_cast<uint8_t>(bits - amount));
  } else {
    Move(kind, to, a);
    as_.shift_imm(ShiftOf(op), width, G(to), amount);
  }
}

void X64Masm::AddScaled(ValueKind kind, Reg to, Reg a, Reg b, uint8_t scale) {
  as_.lea(W(kind), G(to), Address(G64(a), G64(b), static_cast<x64::Scale>(scale)));
}

void X64Masm::Divide(ValueKind kind, bool is_signed, bool remainder, Reg divisor, uint8_t zero_trap,
                     uint8_t overflow_trap) {
  const Width width = W(kind);
  as_.test(width, G(divisor), G(divisor));
  TrapIf(x64::Condition::kEqual, zero_trap);
  if (!is_signed) {
    as_.mov_imm(Width::k32, G(kRemainder), 0);
    as_.unary(x64::UnaryOp::kDiv, width, G(divisor));
    return;
  }
  const MachLabel divide = buffer_.NewLabel();
  const MachLabel done = buffer_.NewLabel();
  as_.alu(AluOp::kCmp, width, G(divisor), -1);
  as_.jcc_short(x64::Condition::kNotEqual, divide);
  if (remainder) {
    as_.mov_imm(Width::k32, G(kRemainder), 0);
  } else {
    // Negation overflows for the least number alone.
    as_.unary(x64::UnaryOp::kNeg, width, G(kQuotient));
    TrapIf(x64::Condition::kOverflow, overflow_trap);
  }
  as_.jmp(done);
  as_.bind(divide);
  if (width == Width::k64) {
    as_.cqo();
  } else {
    as_.cdq();
  }
  as_.unary(x64::UnaryOp::kIdiv, width, G(divisor));
  as_.bind(done);
}

void X64Masm::MultiplyWide(bool is_signed, Reg b) {
  as_.unary(is_signed ? x64::UnaryOp::kImul1 : x64::UnaryOp::kMul, Width::k64, G(b));
}

void X64Masm::AddWide(bool subtract, Reg low, Reg high, Reg b_low, Reg b_high) {
  as_.alu(subtract ? AluOp::kSub : AluOp::kAdd, Width::k64, G(low), G(b_low));
  as_.alu(subtract ? AluOp::kSbb : AluOp::kAdc, Width::k64, G(high), G(b_high));
}

void X64Masm::CountLeadingZeros(ValueKind kind, Reg to, Reg from) {
  const Width width = W(kind);
  if (features_.lzcnt) {
    as_.gpr_rm(x64::GprRmOp::kLzcnt, width, G(to), G(from));
    return;
  }
  // The position of the highest bit from the top; of zero as if it were below the lowest.
  const uint32_t bits = x64::BitsOf(width);
  as_.gpr_rm(x64::GprRmOp::kBsr, width, G(kScratch), G(from));
  as_.mov_imm(Width::k32, G(to), static_cast<int64_t>(2 * bits - 1));
  as_.cmov(x64::Condition::kNotEqual, Width::k64, G(to), G(kScratch));
  as_.alu(AluOp::kXor, Width::k32, G(to), static_cast<int32_t>(bits - 1));
}

void X64Masm::CountTrailingZeros(ValueKind kind, Reg to, Reg from) {
  const Width width = W(kind);
  if (features_.bmi1) {
    as_.gpr_rm(x64::GprRmOp::kTzcnt, width, G(to), G(from));
    return;
  }
  as_.gpr_rm(x64::GprRmOp::kBsf, width, G(kScratch), G(from));
  as_.mov_imm(Width::k32, G(to), static_cast<int64_t>(x64::BitsOf(width)));
  as_.cmov(x64::Condition::kNotEqual, Width::k64, G(to), G(kScratch));
}

// Sums of neighbours: of bits, pairs, halves of bytes; then all bytes by a multiplication.
// (H. Warren, Hacker's Delight, 5-1.)
void X64Masm::CountOnes(ValueKind kind, Reg to, Reg from, Reg temp) {
  const Width width = W(kind);
  if (features_.popcnt) {
    as_.gpr_rm(x64::GprRmOp::kPopcnt, width, G(to), G(from));
    return;
  }
  const bool wide = width == Width::k64;
  const auto mask = [&](uint8_t byte) {
    const uint64_t all = 0x0101010101010101u * byte;
    as_.mov_imm(
        width, G(temp),
        wide ? static_cast<int64_t>(all) : static_cast<int64_t>(static_cast<uint32_t>(all)));
  };
  Move(kind, to, from);
  as_.mov(width, G(kScratch), G(to));
  as_.shift_imm(x64::ShiftOp::kShr, width, G(kScratch), 1);
  mask(0x55);
  as_.alu(AluOp::kAnd, width, G(kScratch), G(temp));
  as_.alu(AluOp::kSub, width, G(to), G(kScratch));
  mask(0x33);
  as_.mov(width, G(kScratch), G(to));
  as_.alu(AluOp::kAnd, width, G(to), G(temp));
  as_.shift_imm(x64::ShiftOp::kShr, width, G(kScratch), 2);
  as_.alu(AluOp::kAnd, width, G(kScratch), G(temp));
  as_.alu(AluOp::kAdd, width, G(to), G(kScratch));
  as_.mov(width, G(kScratch), G(to));
  as_.shift_imm(x64::ShiftOp::kShr, width, G(kScratch), 4);
  as_.alu(AluOp::kAdd, width, G(to), G(kScratch));
  mask(0x0F);
  as_.alu(AluOp::kAnd, width, G(to), G(temp));
  mask(0x01);
  as_.gpr_rm(x64::GprRmOp::kImul, width, G(to), G(temp));
  as_.shift_imm(x64::ShiftOp::kShr, width, G(to), wide ? 56 : 24);
}

void X64Masm::ExtendSigned(ValueKind kind, Reg to, Reg from, int bits) {
  as_.movsx(W(kind), G(to), WidthOfBytes(bits / 8), G(from));
}

void X64Masm::ZeroExtend32(Reg to, Reg from) { as_.mov(Width::k32, G(to), G(from)); }

// --- Conditions -------------------------------------------------------------------------

Condition X64Masm::Compare(IntCond cond, ValueKind kind, Reg a, Reg b) {
  as_.alu(AluOp::kCmp, W(kind), G(a), G(b));
  return Of(MachineOf(cond));
}

Condition X64Masm::CompareImmediate(IntCond cond, ValueKind kind, Reg a, int32_t b) {
  if (b == 0) {
    as_.test(W(kind), G(a), G(a));
  } else {
    as_.alu(AluOp::kCmp, W(kind), G(a), b);
  }
  return Of(MachineOf(cond));
}

Condition X64Masm::CompareSlot(IntCond cond, ValueKind kind, Reg a, int32_t slot) {
  as_.alu(AluOp::kCmp, W(kind), G(a), Slot(slot));
  return Of(MachineOf(cond));
}

Condition X64Masm::CompareFloat(FloatCond cond, ValueKind kind, Reg a, Reg b) {
  const bool is_64 = kind == ValueKind::kF64;
  switch (cond) {
    case FloatCond::kEq:
      Ucomis(is_64, X(a), X(b));
      return {kFloatEqual};
    case FloatCond::kNe:
      Ucomis(is_64, X(a), X(b));
      return {kFloatNotEqual};
    // Unordered operands set the carry flag, so that these are false for them.
    case FloatCond::kGt:
      Ucomis(is_64, X(a), X(b));
      return Of(x64::Condition::kAbove);
    case FloatCond::kGe:
      Ucomis(is_64, X(a), X(b));
      return Of(x64::Condition::kAboveOrEqual);
    case FloatCond::kLt:
      Ucomis(is_64, X(b), X(a));
      return Of(x64::Condition::kAbove);
    case FloatCond::kLe:
      Ucomis(is_64, X(b), X(a));
      return Of(x64::Condition::kAboveOrEqual);
  }
  UNREACHABLE();
}

Condition X64Masm::Inverse(Condition condition) {
  return {static_cast<uint8_t>(condition.code ^ 1)};
}

void X64Masm::SetCondition(Reg to, Condition condition) {
  const x64::Gpr8 low(to.encoding());
  if (condition.code < kFloatEqual) {
    as_.setcc(Machine(condition), low);
  } else if (condition.code == kFloatEqual) {
    as_.setcc(x64::Condition::kNotParity, low);
    as_.mov_imm(Width::k32, G(kScratch), 0);
    as_.cmov(x64::Condition::kNotEqual, Width::k32, G(to), G(kScratch));
  } else {
    as_.setcc(x64::Condition::kParity, low);
    as_.mov_imm(Width::k32, G(kScratch), 1);
    as_.cmov(x64::Condition::kNotEqual, Width::k32, G(to), G(kScratch));
  }
  as_.movzx(Width::k32, G(to), Width::k8, G(to));
}

void X64Masm::Branch(Condition condition, MachLabel target) {
  if (condition.code < kFloatEqual) {
    as_.jcc(Machine(condition), target);
  } else if (condition.code == kFloatNotEqual) {
    as_.jcc(x64::Condition::kNotEqual, target);
    as_.jcc(x64::Condition::kParity, target);
  } else {
    const MachLabel over = buffer_.NewLabel();
    as_.jcc(x64::Condition::kParity, over);
    as_.jcc(x64::Condition::kEqual, target);
    as_.bind(over);
  }
}

void X64Masm::Select(ValueKind kind, Condition condition, Reg to, Reg a, Reg b) {
  if (a == b) {
    Move(kind, to, a);
    return;
  }
  if (IsVector(kind) || condition.code >= kFloatEqual) {
    // Over a move; `b` comes first unless that would overwrite `a`.
    if (to == a) {
      std::swap(a, b);
      condition = Inverse(condition);
    }
    Move(kind, to, b);
    const MachLabel done = buffer_.NewLabel();
    const Condition not_taken = Inverse(condition);
    if (not_taken.code < kFloatEqual) {
      as_.jcc(Machine(not_taken), done);
      Move(kind, to, a);
    } else if (not_taken.code == kFloatNotEqual) {
      as_.jcc(x64::Condition::kNotEqual, done);
      as_.jcc(x64::Condition::kParity, done);
      Move(kind, to, a);
    } else {
      const MachLabel take = buffer_.NewLabel();
      as_.jcc_short(x64::Condition::kParity, take);
      as_.jcc(x64::Condition::kEqual, done);
      as_.bind(take);
      Move(kind, to, a);
    }
    as_.bind(done);
    return;
  }
  if (to == a) {
    as_.cmov(Machine(Inverse(condition)), W(kind), G(to), G(b));
  } else {
    as_.mov(W(kind), G(to), G(b));
    as_.cmov(Machine(condition), W(kind), G(to), G(a));
  }
}

void X64Masm::TrapIf(Condition condition, uint8_t code) { TrapIf(Machine(condition), code); }

}  // namespace gantry::winch
