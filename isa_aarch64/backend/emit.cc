#include "isa_aarch64/backend/emit.h"

#include <bit>
#include <optional>

#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/forward_jumps.h"
#include "isa_aarch64/backend/abi.h"

namespace gantry::aarch64 {

using codegen::Allocation;
using codegen::MachLabel;
using codegen::RegClass;
using codegen::regalloc::Edit;
using codegen::regalloc::InstId;
using codegen::regalloc::ProgramPoint;

namespace {

// At most this many bytes of code come between two questions for an island: those of one
// instruction or move, the copying of a tail call's arguments apart, which asks by itself.
constexpr uint32_t kIslandDistance = 2048;

constexpr uint8_t kZeroReg = 31;

Condition ToCondition(Cond cc) {
  DCHECK(!IsPair(cc));
  return static_cast<Condition>(cc);
}

std::optional<uint32_t> JumpTarget(const codegen::MachInst& inst) {
  const Inst jump = inst.As<Inst>();
  return jump.op == Op::kJump ? std::optional(jump.low()) : std::nullopt;
}

}  // namespace

absl::Status Emitter::Run() {
  RETURN_IF_ERROR(LayOutFrame());
  first_label_ = b_.NewLabels(static_cast<uint32_t>(vcode_.num_blocks()));
  codegen::ForwardJumps(vcode_, allocation_, JumpTarget, &forwarded_);
  FindJumpTargets();
  FindEarlyBlocks();
  EmitEarlyBlocks();
  EmitPrologues();
  for (uint32_t block = 0; block < vcode_.num_blocks(); ++block) {
    if (IsPassedOver(block)) {
      SkipEdits(block);
      continue;
    }
    next_block_ = block + 1;
    while (next_block_ < vcode_.num_blocks() && IsPassedOver(next_block_)) ++next_block_;
    EmitBlock(block);
  }
  EmitColdCode();
  EmitColdJumps();
  CHECK(next_edit_ == allocation_.edits.size()) << "moves behind the end of the code";
  CHECK(next_stack_map_ == allocation_.stack_maps.size()) << "a stack map without a call";
  return absl::OkStatus();
}

void Emitter::FindJumpTargets() {
  is_jump_target_.assign(protection_.marks_targets ? forwarded_.size() : 0, false);
  if (is_jump_target_.empty()) return;
  for (const codegen::regalloc::Block& block : vcode_.blocks()) {
    const Inst last = vcode_.insts()[block.insts.end - 1].As<Inst>();
    if (last.op != Op::kJumpTable) continue;
    for (uint32_t target : vcode_.jump_table(last.low())) {
      is_jump_target_[forwarded_[target]] = true;
    }
  }
}

// Between instructions, where control goes on: around the island.
void Emitter::AskForIsland() {
  if (!b_.NeedsIsland(kIslandDistance)) return;
  const MachLabel behind = b_.NewLabel();
  as_.b(behind);
  b_.EmitIsland(kIslandDistance);
  as_.bind(behind);
}

void Emitter::EmitBlock(uint32_t block) {
  const MachLabel label(first_label_.raw() + block);
  if (block != 0 && b_.NeedsIsland(kIslandDistance, label)) {
    // The block before may fall through to here.
    as_.b(label);
    b_.EmitIsland(kIslandDistance);
  }
  b_.Bind(label);
  if (!is_jump_target_.empty() && is_jump_target_[block]) protection_.JumpTarget(as_);
  const bool address_map = isa_.shared_flags().address_map();
  const codegen::regalloc::IndexRange range = vcode_.blocks()[block].insts;
  const absl::Span<const Edit> edits = allocation_.edits;
  const absl::Span<const codegen::SourceLoc> locs = vcode_.source_locs();
  const absl::Span<const codegen::regalloc::Inst> shapes = vcode_.regalloc_insts();
  for (uint32_t i = range.begin; i < range.end; ++i) {
    if (i != range.begin) AskForIsland();
    if (address_map) b_.SetSourceLoc(locs[i]);
    const ProgramPoint before = ProgramPoint::Before(InstId(i));
    while (next_edit_ < edits.size() && edits[next_edit_].point <= before) {
      EmitEdit(edits[next_edit_++]);
      AskForIsland();
    }
    if (!shapes[i].is(codegen::regalloc::kMove)) {
      EmitInst(vcode_.insts()[i].As<Inst>(),
               allocation_.allocations.data() + shapes[i].operands_begin);
    }
    const ProgramPoint after = ProgramPoint::After(InstId(i));
    while (next_edit_ < edits.size() && edits[next_edit_].point <= after) {
      EmitEdit(edits[next_edit_++]);
      AskForIsland();
    }
  }
}

void Emitter::EmitEdit(const Edit& edit) {
  if (edit.rematerialized.is_some()) {
    EmitInst(vcode_.insts()[edit.rematerialized.index()].As<Inst>(), &edit.to);
    return;
  }
  // Whole registers, by class alone (lessons rows 1 and 2).
  const bool is_int = edit.to.reg_class() == RegClass::kInt;
  if (edit.to.is_stack()) {
    as_.Emit(is_int ? MemOp::kStrX : MemOp::kStrQ, edit.from.reg().encoding(),
             SpillAddress(edit.to.slot()));
    return;
  }
  const uint8_t to = edit.to.reg().encoding();
  if (edit.from.is_stack()) {
    as_.Emit(is_int ? MemOp::kLdrX : MemOp::kLdrQ, to, SpillAddress(edit.from.slot()));
  } else if (is_int) {
    as_.mov(X(to), X(edit.from.reg().encoding()));
  } else {
    as_.Emit(Row::kVMov, {edit.from.reg().encoding(), to});
  }
}

Address Emitter::SpillAddress(codegen::SpillSlot slot) const {
  return Address(
      sp, int64_t{frame_.total} - frame_.spills_end + static_cast<int64_t>(slot.byte_offset()));
}

Address Emitter::MemoryOf(const Inst& inst) {
  switch (inst.addr) {
    case AddrKind::kBase:
      return Address(NextX(), inst.disp);
    case AddrKind::kIndex:
    case AddrKind::kIndexScaled: {
      const X base = NextX();
      return Address(base, NextX(), inst.addr == AddrKind::kIndexScaled);
    }
    case AddrKind::kSlot:
      return Address(sp, int64_t{frame_.total} - frame_.slots_end + inst.disp);
    case AddrKind::kIncoming:
      // Above the frame record.
      return Address(x29, int64_t{inst.disp} + 16);
    case AddrKind::kOutgoing:
      return Address(sp, inst.disp);
  }
  UNREACHABLE();
}

void Emitter::RecordTrap(const Inst& inst) {
  if (inst.has(Inst::kHasTrap)) {
    b_.AddTrapAt(b_.offset() - 4, static_cast<codegen::TrapCode>(inst.code));
  }
}

void Emitter::Access(const Inst& inst, uint8_t reg) {
  const Address address = MemoryOf(inst);
  if (precise_stores_ && inst.has(Inst::kHasTrap) && IsStore(inst.mem()) &&
      as_.EmitProbe(inst.mem(), address)) {
    RecordTrap(inst);
  }
  as_.Emit(inst.mem(), reg, address);
  RecordTrap(inst);
}

void Emitter::MoveImm(uint8_t to, uint64_t bits, uint8_t size) {
  if (size == 4 || bits <= 0xFFFFFFFF) {
    as_.mov(W(to), static_cast<uint32_t>(bits));
  } else {
    as_.mov(X(to), bits);
  }
}

void Emitter::Constant(V to, uint64_t bits, uint8_t size) {
  const uint8_t reg = to.encoding();
  if (bits == 0) return as_.Emit(Row::kMovi, {reg}, VectorMoveBits(0, 0).value());
  if (const auto imm = FloatBits8(bits, 8u * size)) {
    return as_.Emit(size == 8 ? Row::kFmovImmD : Row::kFmovImmS, {reg}, *imm);
  }
  const uint64_t twice = size == 8 ? bits : bits * 0x100000001;
  if (const auto move = VectorMoveBits(twice, twice)) return as_.Emit(Row::kMovi, {reg}, *move);
  as_.LoadConstant(to, size == 8 ? b_.Constant8(bits) : b_.Constant4(static_cast<uint32_t>(bits)),
                   size);
}

void Emitter::JumpIf(Cond cc, MachLabel label) {
  if (cc == Cond::kOne) {
    as_.b(Condition::kMi, label);
    as_.b(Condition::kGt, label);
  } else if (cc == Cond::kUeq) {
    as_.b(Condition::kEq, label);
    as_.b(Condition::kVs, label);
  } else {
    as_.b(ToCondition(cc), label);
  }
}

void Emitter::JumpIfTest(const Inst& inst, uint8_t reg, Cond cc, MachLabel label) {
  const bool if_zero = cc == Cond::kEq;
  if (inst.op == Op::kBranchBit || inst.op == Op::kTrapIfBit) {
    const uint32_t bit = static_cast<uint32_t>(inst.disp);
    if_zero ? as_.tbz(X(reg), bit, label) : as_.tbnz(X(reg), bit, label);
  } else if (inst.size == 8) {
    if_zero ? as_.cbz(X(reg), label) : as_.cbnz(X(reg), label);
  } else {
    if_zero ? as_.cbz(W(reg), label) : as_.cbnz(W(reg), label);
  }
}

void Emitter::TrapIf(Cond cc, uint8_t code) { JumpIf(cc, TrapLabel(code)); }

// --- Instructions ----------------------------------------------------------------------

void Emitter::EmitRowInst(Row row, uint32_t bits) {
  uint8_t regs[4];
  size_t count = 0;
  switch (RowInfoOf(row).shape) {
    case Shape::kD:
    case Shape::kN:
      count = 1;
      break;
    case Shape::kDN:
    case Shape::kDM:
    case Shape::kNM:
    case Shape::kAcc:
      count = 2;
      break;
    case Shape::kDNM:
    case Shape::kAccN:
      count = 3;
      break;
    case Shape::kDNMA:
    case Shape::kAccNM:
      count = 4;
      break;
  }
  for (size_t i = 0; i < count; ++i) regs[i] = NextReg();
  as_.Emit(row, absl::MakeConstSpan(regs, count), bits);
}

void Emitter::EmitCompare(const Inst& inst) {
  EmitRowInst(inst.row(), inst.bits);
  if (!inst.has(Inst::kChain)) return;
  const Link link = Link::Unpack(inst.disp);
  EmitRowInst(link.row, link.bits);
}

void Emitter::EmitSelect(const Inst& inst) {
  EmitCompare(inst);
  if (inst.op == Op::kTrapCsel) TrapIf(inst.cc, inst.code);
  const uint8_t if_true = inst.has(Inst::kZero) ? kZeroReg : NextReg();
  const uint8_t if_false = inst.has(Inst::kZeroElse) ? kZeroReg : NextReg();
  const uint8_t to = NextReg();
  const Row row = inst.select_row();
  const auto select = [&](Cond cc, uint8_t yes, uint8_t no) {
    as_.Emit(row, {yes, no, to}, ConditionBits(ToCondition(cc)));
  };
  if (inst.cc == Cond::kOne) {
    select(Cond::kNe, if_true, if_false);
    select(Cond::kVc, to, if_false);
  } else if (inst.cc == Cond::kUeq) {
    // The opposite of kOne.
    select(Cond::kEq, if_true, if_false);
    select(Cond::kVc, to, if_true);
  } else {
    select(inst.cc, if_true, if_false);
  }
  if (inst.has(Inst::kBarrier)) as_.Emit(PlainOp::kCsdb);
}

void Emitter::EmitFloatSelect(const Inst& inst) {
  EmitCompare(inst);
  const uint8_t if_true = NextReg();
  const uint8_t if_false = NextReg();
  const uint8_t to = NextReg();
  if (inst.size == 16) {
    // A mask of all or no bits, made without touching what is chosen from.
    const auto mask = [&](Cond cc) {
      as_.Emit(Row::kCsinvX, {kZeroReg, kZeroReg, kScratch.encoding()},
               ConditionBits(ToCondition(Inverse(cc))));
    };
    if (IsPair(inst.cc)) {
      const bool one = inst.cc == Cond::kOne;
      mask(one ? Cond::kNe : Cond::kEq);
      as_.Emit(one ? Row::kCselX : Row::kCsinvX,
               {kScratch.encoding(), kZeroReg, kScratch.encoding()}, ConditionBits(Condition::kVc));
    } else {
      mask(inst.cc);
    }
    const uint8_t scratch = kVectorScratch.encoding();
    as_.Emit(Row::kVDupGpr2D, {kScratch.encoding(), scratch});
    as_.Emit(Row::kVBsl, {scratch, if_true, if_false, scratch});
    as_.Emit(Row::kVMov, {scratch, to});
    return;
  }
  const Row row = inst.size == 8 ? Row::kFcselD : Row::kFcselS;
  const auto select = [&](Cond cc, uint8_t yes, uint8_t no, uint8_t result) {
    as_.Emit(row, {yes, no, result}, ConditionBits(ToCondition(cc)));
  };
  const uint8_t scratch = kVectorScratch.encoding();
  if (inst.cc == Cond::kOne) {
    select(Cond::kNe, if_true, if_false, scratch);
    select(Cond::kVc, scratch, if_false, to);
  } else if (inst.cc == Cond::kUeq) {
    select(Cond::kEq, if_true, if_false, scratch);
    select(Cond::kVc, scratch, if_true, to);
  } else {
    select(inst.cc, if_true, if_false, to);
  }
}

// m + 1 is zero, and then n - 1 goes over the least number.
void Emitter::EmitTrapIfMin(const Inst& inst) {
  const uint8_t n = NextReg(), m = NextReg();
  const uint32_t is_long = inst.size == 8 ? 1 : 0;
  as_.Emit(Row::kCmnImmW + is_long, {m}, AddBits(1).value());
  // Where m is not -1 the flags say that nothing overflowed.
  as_.Emit(Row::kCcmpImmW + is_long, {n}, 1u << 16 | ConditionBits(Condition::kEq));
  TrapIf(Cond::kVs, inst.code);
}

void Emitter::EmitCarry(const Inst& inst) {
  const bool subtract = inst.row() == Row::kSbcsW || inst.row() == Row::kSbcsX;
  const uint8_t n = NextReg(), m = NextReg(), carry = NextReg();
  const uint8_t sum = NextReg(), out = NextReg();
  if (subtract) {
    // The carry flag is the opposite of a borrow: 0 - carry borrows unless it is zero.
    as_.Emit(Row::kCmpW, {kZeroReg, carry});
  } else {
    as_.Emit(Row::kCmpImmW, {carry}, AddBits(1).value());
  }
  as_.Emit(inst.row(), {n, m, sum});
  as_.Emit(Row::kCsincW, {kZeroReg, kZeroReg, out},
           ConditionBits(subtract ? Condition::kHs : Condition::kLo));
}

// The bounds are exact floats: the least one too large, and the greatest one too small or, where
// that is none, the least one that still fits.
void Emitter::EmitCheckToInt(const Inst& inst) {
  const uint8_t n = NextReg();
  const bool is_double = inst.size == 8;
  const bool to64 = (inst.imm64 & ToIntRange::kTo64) != 0;
  const bool is_unsigned = (inst.imm64 & ToIntRange::kUnsigned) != 0;
  const auto bits = [&](double value) -> uint64_t {
    if (is_double) return std::bit_cast<uint64_t>(value);
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  };
  const double width = to64 ? 18446744073709551616.0 : 4294967296.0;
  const double too_large = is_unsigned ? width : width / 2;
  double least = is_unsigned ? -1.0 : -width / 2;
  bool least_fits = !is_unsigned;
  if (!is_unsigned && !to64 && is_double) {
    least = -2147483649.0;
    least_fits = false;
  }
  const uint8_t scratch = kVectorScratch.encoding();
  const Row compare = is_double ? Row::kFcmpD : Row::kFcmpS;
  const uint8_t overflow = static_cast<uint8_t>(inst.disp);
  as_.Emit(compare, {n, n});
  TrapIf(Cond::kVs, inst.code);
  Constant(kVectorScratch, bits(least), inst.size);
  as_.Emit(compare, {n, scratch});
  TrapIf(least_fits ? Cond::kMi : Cond::kLs, overflow);
  Constant(kVectorScratch, bits(too_large), inst.size);
  as_.Emit(compare, {n, scratch});
  TrapIf(Cond::kGe, overflow);
}

void Emitter::EmitAtomic(const Inst& inst) {
  switch (inst.op) {
    case Op::kAtomicLoad: {
      const X address = NextX();
      as_.Emit(AtomicOp::kLdar, inst.size, NextReg(), address);
      break;
    }
    case Op::kAtomicStore: {
      const uint8_t value = NextReg();
      as_.Emit(AtomicOp::kStlr, inst.size, value, NextX());
      break;
    }
    case Op::kAtomicFetch: {
      const uint8_t value = NextReg();
      const X address = NextX();
      as_.Emit(inst.atomic(), inst.size, NextReg(), address, value);
      break;
    }
    default: {
      NextReg();  // What is expected, in the result's register.
      const uint8_t value = NextReg();
      const X address = NextX();
      as_.Emit(AtomicOp::kCasal, inst.size, value, address, NextReg());
      break;
    }
  }
  RecordTrap(inst);
}

void Emitter::EmitAtomicLoop(const Inst& inst) {
  const bool is_cas = inst.op == Op::kAtomicCas;
  const uint8_t expected = is_cas ? NextReg() : 0;
  const uint8_t value = NextReg();
  const X address = NextX();
  const uint8_t found = NextReg();
  const uint8_t status = kScratch2.encoding();
  uint8_t written = value;
  const MachLabel again = b_.NewLabel();
  const MachLabel done = b_.NewLabel();
  as_.bind(again);
  as_.Emit(AtomicOp::kLdaxr, inst.size, found, address);
  RecordTrap(inst);
  if (is_cas) {
    as_.Emit(inst.size == 8 ? Row::kCmpX : Row::kCmpW, {found, expected});
    as_.b(Condition::kNe, done);
  } else if (inst.row() != Row::kCount) {
    written = kScratch.encoding();
    as_.Emit(inst.row(), {found, value, written});
  }
  as_.Emit(AtomicOp::kStlxr, inst.size, written, address, status);
  RecordTrap(inst);
  as_.cbnz(W(status), again);
  as_.bind(done);
}

void Emitter::EmitInst(const Inst& inst, const Allocation* operands) {
  operand_ = operands;
  switch (inst.op) {
    case Op::kRow:
      return EmitRowInst(inst.row(), inst.bits);
    case Op::kMove:
    case Op::kArguments:
      return;
    case Op::kMovImm:
      return MoveImm(NextReg(), inst.imm64, inst.size);
    case Op::kLoad: {
      const Address address = MemoryOf(inst);
      as_.Emit(inst.mem(), NextReg(), address);
      return RecordTrap(inst);
    }
    case Op::kStore:
      return Access(inst, inst.has(Inst::kZero) ? kZeroReg : NextReg());
    case Op::kLea: {
      const Address address = MemoryOf(inst);
      return as_.add(NextX(), address.base(), address.offset());
    }
    case Op::kConstF:
      return Constant(V(NextReg()), inst.imm64, inst.size);
    case Op::kVecConst: {
      const codegen::VCode::VectorConstant& constant = vcode_.vector_constant(inst.low());
      uint8_t bytes[16];
      for (int i = 0; i < 16; ++i) {
        bytes[i] = static_cast<uint8_t>(constant[i / 8] >> (8 * (i & 7)));
      }
      return as_.LoadConstant(V(NextReg()), b_.Constant(bytes), 16);
    }
    case Op::kCset: {
      EmitCompare(inst);
      const uint8_t to = NextReg();
      const auto set = [&](Cond cc) {
        as_.Emit(Row::kCsincW, {kZeroReg, kZeroReg, to}, ConditionBits(ToCondition(Inverse(cc))));
      };
      if (inst.cc == Cond::kOne) {
        set(Cond::kNe);
        as_.Emit(Row::kCselW, {to, kZeroReg, to}, ConditionBits(Condition::kVc));
      } else if (inst.cc == Cond::kUeq) {
        set(Cond::kEq);
        as_.Emit(Row::kCsincW, {to, kZeroReg, to}, ConditionBits(Condition::kVc));
      } else {
        set(inst.cc);
      }
      return;
    }
    case Op::kCsel:
    case Op::kTrapCsel:
      return EmitSelect(inst);
    case Op::kFcsel:
      return EmitFloatSelect(inst);
    case Op::kTrapIf:
      EmitCompare(inst);
      return TrapIf(inst.cc, inst.code);
    case Op::kTrapIfZero:
    case Op::kTrapIfBit:
      return JumpIfTest(inst, NextReg(), inst.cc, TrapLabel(inst.code));
    case Op::kBranch:
    case Op::kBranchZero:
    case Op::kBranchBit:
      return EmitBranch(inst);
    case Op::kTrapIfMinByMinusOne:
      return EmitTrapIfMin(inst);
    case Op::kFlagsCset: {
      const uint8_t n = NextReg(), m = NextReg();
      const uint8_t to = NextReg(), flag = NextReg();
      as_.Emit(inst.row(), {n, m, to});
      return as_.Emit(Row::kCsincW, {kZeroReg, kZeroReg, flag},
                      ConditionBits(ToCondition(Inverse(inst.cc))));
    }
    case Op::kCarry:
      return EmitCarry(inst);
    case Op::kCheckToInt:
      return EmitCheckToInt(inst);
    case Op::kTbl2: {
      const uint8_t first = NextReg();
      const uint8_t second = NextReg();
      CHECK(second == first + 1) << "a table of registers that are not neighbours";
      const uint8_t index = NextReg();
      return as_.Word(0x4E002000 | uint32_t{index} << 16 | uint32_t{first} << 5 | NextReg());
    }
    case Op::kAtomicLoad:
    case Op::kAtomicStore:
    case Op::kAtomicFetch:
    case Op::kAtomicSwap:
      return EmitAtomic(inst);
    case Op::kAtomicLoop:
    case Op::kAtomicCas:
      return EmitAtomicLoop(inst);
    case Op::kFence:
      return as_.Emit(PlainOp::kDmbIsh);
    case Op::kJump:
      if (!IsNext(inst.low())) as_.b(BlockLabel(inst.low()));
      return;
    case Op::kJumpTable:
      return EmitJumpTable(inst);
    case Op::kCall:
    case Op::kCallIndirect:
      return EmitCall(inst);
    case Op::kTailCall:
    case Op::kTailCallIndirect:
      return EmitTailCall(inst);
    case Op::kReturn:
      return EmitReturn();
    case Op::kTrap:
      return EmitTrap(inst.code);
    case Op::kFuelCharge:
    case Op::kFuelCheck:
      return EmitFuel(inst);
    case Op::kPollWord:
    case Op::kPollPage:
      return EmitPoll(inst);
    case Op::kFuncAddr:
      return EmitFuncAddr(inst);
    case Op::kFramePointer:
      return as_.mov(NextX(), x29);
    case Op::kStackPointer:
      return as_.mov_sp(NextX(), sp);
    case Op::kReturnAddress:
      if (!frame_.is_signed) return as_.ldr(NextX(), Address(x29, 8));
      // What strips a signature on any processor works on x30 alone.
      as_.ldr(x30, Address(x29, 8));
      as_.Emit(PlainOp::kXpaclri);
      return as_.mov(NextX(), x30);
  }
}

}  // namespace gantry::aarch64
