#include "isa_x64/backend/emit.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "isa_x64/asm/assembler.h"
#include "isa_x64/backend/abi.h"

namespace gantry::x64 {

using codegen::Allocation;
using codegen::PReg;
using codegen::RegClass;
using codegen::SpillSlot;
using codegen::UnwindOp;
using codegen::regalloc::Edit;
using codegen::regalloc::InstId;
using codegen::regalloc::ProgramPoint;

namespace {

constexpr uint8_t kR11Encoding = 11;
// A frame larger than this is compared with the stack limit in full; a smaller one of a leaf
// not at all, the host's reserve below the limit covering it.
constexpr uint32_t kSmallFrame = 1024;
constexpr uint64_t kMaxFrame = uint64_t{1} << 30;
// At most this many bytes of code come between two questions for an island. One instruction's
// code is far shorter, the copying of a tail call's arguments apart, where no short reference
// waits.
constexpr uint32_t kIslandDistance = 4096;

// Where heads of innermost loops are placed, and the instructions of a loop beyond which it does
// not matter.
constexpr uint32_t kLoopAlignment = 32;
constexpr uint32_t kMaxAlignedLoop = 64;

constexpr uint32_t RoundUp16(uint32_t value) { return (value + 15) & ~15u; }

}  // namespace

absl::Status Emitter::Run() {
  RETURN_IF_ERROR(LayOutFrame());
  first_label_ = b_.NewLabels(static_cast<uint32_t>(vcode_.num_blocks()));
  ForwardJumps();
  FindLoopHeads();
  EmitPrologue();
  for (uint32_t block = 0; block < vcode_.num_blocks(); ++block) EmitBlock(block);
  CHECK(next_edit_ == allocation_.edits.size()) << "moves behind the end of the code";
  CHECK(next_stack_map_ == allocation_.stack_maps.size()) << "a stack map without a call";
  return absl::OkStatus();
}

absl::Status Emitter::LayOutFrame() {
  const codegen::VCode::FrameNeeds& needs = vcode_.frame;
  frame_.saved = allocation_.written & kCalleeSavedSet;
  frame_.incoming_bytes = needs.incoming_bytes;
  frame_.callee_pops = needs.callee_pops;
  const bool empty = frame_.saved.empty() && allocation_.spill_words == 0 &&
                     needs.slot_bytes == 0 && needs.outgoing_bytes == 0;
  const bool plain_tail_calls = !needs.has_tail_calls || needs.incoming_bytes == 0;
  frame_.frameless = isa_.shared_flags().frameless_leaf() && empty && plain_tail_calls &&
                     !needs.has_calls && !needs.needs_frame_pointer;
  const uint64_t total = uint64_t{8} * frame_.saved.size() + needs.slot_bytes +
                         uint64_t{8} * allocation_.spill_words + needs.outgoing_bytes + 64;
  if (total > kMaxFrame) return absl::ResourceExhaustedError("function too large: its frame");
  frame_.saved_bytes = static_cast<uint32_t>(8 * frame_.saved.size());
  // Slots grow from the area's low end, so its end is what is aligned.
  frame_.slots_end = frame_.saved_bytes;
  if (needs.slot_bytes != 0) frame_.slots_end = RoundUp16(frame_.saved_bytes + needs.slot_bytes);
  frame_.spills_end = RoundUp16(frame_.slots_end + 8 * allocation_.spill_words);
  frame_.total = frame_.spills_end + RoundUp16(needs.outgoing_bytes);
  frame_info_.frameless_leaf = frame_.frameless;
  frame_info_.frame_size = frame_.frameless ? 0 : frame_.total;
  return absl::OkStatus();
}

void Emitter::EmitPrologue() {
  if (frame_.frameless) {
    frame_info_.prologue_end = b_.offset();
    return;
  }
  EmitOpcodeRegister(b_, {.opcode = 0x50}, rbp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 16);
  unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfRbp, -16);
  MoveRegister(rbp.encoding(), rsp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfaRegister, kDwarfRbp);
  EmitStackCheck();
  int32_t saved_at = -16;
  for (PReg reg : frame_.saved) {
    EmitOpcodeRegister(b_, {.opcode = 0x50}, reg.encoding());
    saved_at -= 8;
    // rbx is 3 in DWARF; r8 and up have their own numbers.
    unwind_.Add(b_.offset(), UnwindOp::kSavedAt, reg.encoding(), saved_at);
  }
  if (const uint32_t rest = frame_.total - frame_.saved_bytes; rest != 0) {
    AluImm(AluKind::kSub, 8, RegRm(rsp.encoding()), static_cast<int32_t>(rest));
  }
  frame_info_.prologue_end = b_.offset();
}

void Emitter::EmitStackCheck() {
  const codegen::StackLimitCheck& check = isa_.stack_limit();
  if (!check.enabled || !has_vmctx_) return;
  if (!vcode_.frame.has_calls && frame_.total <= kSmallFrame) return;
  const uint8_t limit = kR11Encoding;
  Load(limit, MemoryRm(Address(rdi, check.store_offset)), 8);
  const Rm stored = MemoryRm(Address(r11, check.limit_offset));
  if (frame_.total <= kSmallFrame) {
    Alu(AluKind::kCmp, 8, rsp.encoding(), stored);
  } else {
    // The limit is an address in user space, so this sum does not wrap.
    Load(limit, stored, 8);
    AluImm(AluKind::kAdd, 8, RegRm(limit), static_cast<int32_t>(frame_.total));
    Alu(AluKind::kCmp, 8, rsp.encoding(), RegRm(limit));
  }
  TrapIf(Cond::kB, static_cast<uint8_t>(check.code));
}

void Emitter::RestoreSaved() {
  int32_t at = 0;
  for (PReg reg : frame_.saved) {
    at -= 8;
    Load(reg.encoding(), MemoryRm(Address(rbp, at)), 8);
  }
}

void Emitter::EmitEpilogue() {
  if (frame_.frameless) return;
  unwind_.Add(b_.offset(), UnwindOp::kRememberState);
  if (frame_.saved.empty()) {
    if (frame_.total != 0) MoveRegister(rsp.encoding(), rbp.encoding());
  } else {
    if (const uint32_t rest = frame_.total - frame_.saved_bytes; rest != 0) {
      AluImm(AluKind::kAdd, 8, RegRm(rsp.encoding()), static_cast<int32_t>(rest));
    }
    uint8_t saved[codegen::PReg::kMaxEncoding];
    size_t count = 0;
    for (PReg reg : frame_.saved) saved[count++] = reg.encoding();
    while (count > 0) {
      EmitOpcodeRegister(b_, {.opcode = 0x58}, saved[--count]);
      unwind_.Add(b_.offset(), UnwindOp::kSame, saved[count]);
    }
  }
  EmitOpcodeRegister(b_, {.opcode = 0x58}, rbp.encoding());
  unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfRsp, 8);
  unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfRbp);
}

// Edge blocks into which the allocator put no move are passed by, so that a branch back to a
// loop's head finds it bound and near. Blocks in a row: each looks one step only.
void Emitter::ForwardJumps() {
  const absl::Span<const codegen::regalloc::Block> blocks = vcode_.blocks();
  const absl::Span<const Edit> edits = allocation_.edits;
  forwarded_.resize(blocks.size());
  size_t edit = 0;
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    forwarded_[i] = i;
    const codegen::regalloc::IndexRange range = blocks[i].insts;
    const ProgramPoint first = ProgramPoint::Before(InstId(range.begin));
    while (edit < edits.size() && edits[edit].point < first) ++edit;
    if (i == 0 || range.size() != 1) continue;
    if (edit < edits.size() && edits[edit].point <= ProgramPoint::After(InstId(range.begin))) {
      continue;
    }
    const Inst jump = vcode_.insts()[range.begin].As<Inst>();
    if (jump.op == Op::kJump) forwarded_[i] = jump.low();
  }
}

// Heads of small innermost loops, which are entered at the start of a line of the instruction
// cache's fetches.
void Emitter::FindLoopHeads() {
  const absl::Span<const codegen::regalloc::Block> blocks = vcode_.blocks();
  const absl::Span<const codegen::regalloc::BlockId> preds = vcode_.RegallocInput().preds;
  aligned_.assign(blocks.size(), codegen::MachLabel::None());
  wants_alignment_.assign(blocks.size(), 0);
  if (isa_.shared_flags().opt_level() == codegen::OptLevel::kNone) return;
  // From the end, so that a loop's end is compared with the next head behind its own.
  uint32_t next_head = static_cast<uint32_t>(blocks.size());
  for (uint32_t block = next_head; block-- > 0;) {
    if (blocks[block].loop_depth == 0 || blocks[block].cold) continue;
    uint32_t last = block;
    bool is_head = false;
    const codegen::regalloc::IndexRange range = blocks[block].preds;
    for (uint32_t i = range.begin; i < range.end; ++i) {
      const uint32_t from = preds[i].raw();
      if (from < block || blocks[from].cold) continue;
      is_head = true;
      last = std::max(last, from);
    }
    if (!is_head) continue;
    const bool innermost = last < next_head;
    next_head = block;
    wants_alignment_[block] =
        innermost && blocks[last].insts.end - blocks[block].insts.begin <= kMaxAlignedLoop;
  }
}

void Emitter::Align(uint32_t block) {
  b_.RequireAlignment(kLoopAlignment);
  Assembler(b_).nop((0 - b_.offset()) & (kLoopAlignment - 1));
  aligned_[block] = b_.NewLabel();
  b_.Bind(aligned_[block]);
}

void Emitter::EmitBlock(uint32_t block) {
  if (block != 0 && b_.NeedsIsland(kIslandDistance)) b_.EmitIsland(kIslandDistance);
  b_.Bind(codegen::MachLabel(first_label_.raw() + block));
  if (wants_alignment_[block]) Align(block);
  flags_offset_ = kNoOffset;
  const bool address_map = isa_.shared_flags().address_map();
  const codegen::regalloc::IndexRange range = vcode_.blocks()[block].insts;
  const absl::Span<const Edit> edits = allocation_.edits;
  const absl::Span<const codegen::SourceLoc> locs = vcode_.source_locs();
  const absl::Span<const codegen::regalloc::Inst> shapes = vcode_.regalloc_insts();
  for (uint32_t i = range.begin; i < range.end; ++i) {
    if (address_map) b_.SetSourceLoc(locs[i]);
    const ProgramPoint before = ProgramPoint::Before(InstId(i));
    while (next_edit_ < edits.size() && edits[next_edit_].point <= before) {
      EmitEdit(edits[next_edit_++]);
    }
    if (!shapes[i].is(codegen::regalloc::kMove)) {
      EmitInst(vcode_.insts()[i].As<Inst>(),
               allocation_.allocations.data() + shapes[i].operands_begin);
    }
    const ProgramPoint after = ProgramPoint::After(InstId(i));
    while (next_edit_ < edits.size() && edits[next_edit_].point <= after) {
      EmitEdit(edits[next_edit_++]);
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
  if (edit.to.is_reg()) {
    const uint8_t to = edit.to.reg().encoding();
    if (is_int) {
      Load(to, RmOf(edit.from), 8);
    } else if (edit.from.is_reg()) {
      MoveVector(to, edit.from.reg().encoding());
    } else {
      Op({.opcode = 0x28, .map = OpcodeMap::k0F}, to, RmOf(edit.from));
    }
    return;
  }
  const uint8_t from = edit.from.reg().encoding();
  if (is_int) {
    Op({.opcode = 0x89, .wide = true}, from, RmOf(edit.to));
  } else {
    Op({.opcode = 0x29, .map = OpcodeMap::k0F}, from, RmOf(edit.to));
  }
}

Address Emitter::SpillAddress(SpillSlot slot) const {
  return Address(
      rbp, static_cast<int32_t>(slot.byte_offset()) - static_cast<int32_t>(frame_.spills_end));
}

Emitter::Rm Emitter::RmOf(Allocation place) {
  if (place.is_reg()) return RegRm(place.reg().encoding());
  return MemoryRm(SpillAddress(place.slot()));
}

Emitter::Rm Emitter::NextAny() { return RmOf(*operand_++); }

Emitter::Rm Emitter::MemoryOf(const Inst& inst) {
  Rm rm;
  rm.is_reg = false;
  rm.traps = inst.has(Inst::kHasTrap);
  rm.trap = static_cast<codegen::TrapCode>(inst.trap);
  switch (inst.addr) {
    case AddrKind::kBase:
      rm.address = Address(Gpr64(NextReg()), inst.disp);
      break;
    case AddrKind::kBaseIndex: {
      const Gpr64 base(NextReg());
      const Gpr64 index(NextReg());
      rm.address = Address(base, index, static_cast<Scale>(inst.scale), inst.disp);
      break;
    }
    case AddrKind::kIndex:
      rm.address = Address::Scaled(Gpr64(NextReg()), static_cast<Scale>(inst.scale), inst.disp);
      break;
    case AddrKind::kSlot:
      rm.address = Address(rbp, inst.disp - static_cast<int32_t>(frame_.slots_end));
      break;
    case AddrKind::kIncoming:
      // Above the saved rbp and the return address.
      rm.address = Address(rbp, inst.disp + 16);
      break;
    case AddrKind::kOutgoing:
      rm.address = Address(rsp, inst.disp);
      break;
    case AddrKind::kConstant:
      return ConstantRm(inst.constant(), inst.size);
    case AddrKind::kVector:
      return VectorConstantRm(static_cast<uint32_t>(inst.disp));
    case AddrKind::kNone:
      UNREACHABLE();
  }
  return rm;
}

Emitter::Rm Emitter::NextRm(const Inst& inst) {
  return inst.addr == AddrKind::kNone ? NextAny() : MemoryOf(inst);
}

Emitter::Rm Emitter::ConstantRm(uint64_t bits, uint8_t bytes) {
  if (bytes == 4) return MemoryRm(Address(b_.Constant4(static_cast<uint32_t>(bits))));
  if (bytes == 8) return MemoryRm(Address(b_.Constant8(bits)));
  uint8_t twice[16];
  for (int i = 0; i < 16; ++i) twice[i] = static_cast<uint8_t>(bits >> (8 * (i & 7)));
  return MemoryRm(Address(b_.Constant(twice)));
}

Emitter::Rm Emitter::VectorConstantRm(uint32_t index) {
  uint8_t bytes[16];
  const codegen::VCode::VectorConstant& constant = vcode_.vector_constant(index);
  for (int i = 0; i < 16; ++i) bytes[i] = static_cast<uint8_t>(constant[i / 8] >> (8 * (i & 7)));
  return MemoryRm(Address(b_.Constant(bytes)));
}

void Emitter::EmitInst(const Inst& inst, const Allocation* operands) {
  operand_ = operands;
  switch (inst.op) {
    case Op::kMovImm:
      MoveImm(NextReg(), inst.imm64);
      return;
    case Op::kMove:
    case Op::kArguments:
      return;
    case Op::kAlu:
      return EmitAlu(inst);
    case Op::kAdd:
      return EmitAdd(inst);
    case Op::kUnary:
      Op(ForWidth({.opcode = 0xF7}, inst.size == 8 ? Width::k64 : Width::k32),
         inst.sub == static_cast<uint8_t>(UnaryKind::kNot) ? 2 : 3, RegRm(NextReg()));
      return;
    case Op::kShiftImm:
    case Op::kShiftCl:
    case Op::kShiftX:
    case Op::kRorX:
      return EmitShift(inst);
    case Op::kAndn: {
      const uint8_t inverted = NextReg();
      const Rm rm = NextRm(inst);
      Vex({.opcode = 0xF2, .map = OpcodeMap::k0F38, .wide = inst.size == 8}, NextReg(), inverted,
          rm);
      return;
    }
    case Op::kImul:
    case Op::kImulImm:
    case Op::kMulWide:
      return EmitMultiply(inst);
    case Op::kDiv:
      return EmitDivision(inst);
    case Op::kExtend:
      return EmitExtend(inst);
    case Op::kLea: {
      const Address address = MemoryOf(inst).address;
      Lea(NextReg(), address, inst.size);
      return;
    }
    case Op::kBits:
      return EmitBits(inst);
    case Op::kBswap:
      EmitOpcodeRegister(b_, {.opcode = 0xC8, .map = OpcodeMap::k0F, .wide = inst.size == 8},
                         NextReg());
      return;
    case Op::kOverflow:
    case Op::kCarry:
      return EmitOverflow(inst);
    case Op::kStore:
    case Op::kStoreImm:
      return EmitStore(inst);
    case Op::kAluMem:
      return EmitAluMem(inst);
    case Op::kExchange:
    case Op::kExchangeAdd:
    case Op::kLockAlu:
    case Op::kCompareExchange:
      return EmitAtomic(inst);
    case Op::kUpdateLoop:
      return EmitUpdateLoop(inst);
    case Op::kFence:
      return EmitFence();
    case Op::kLoadF: {
      const Rm from = MemoryOf(inst);
      LoadFloat(NextReg(), from, inst.size);
      return;
    }
    case Op::kStoreF: {
      const uint8_t value = NextReg();
      Op({.opcode = 0x11,
          .map = OpcodeMap::k0F,
          .prefix = inst.size == 4   ? Prefix::kF3
                    : inst.size == 8 ? Prefix::kF2
                                     : Prefix::kNone},
         value, MemoryOf(inst));
      return;
    }
    case Op::kSetcc:
      return EmitSetcc(inst);
    case Op::kCmov:
    case Op::kTrapCmov:
      return EmitCmov(inst);
    case Op::kSelectF:
      return EmitSelectFloat(inst);
    case Op::kTrapIf:
    case Op::kJcc:
      return EmitBranch(inst);
    case Op::kConstF:
      return EmitConstFloat(inst);
    case Op::kSse:
      return EmitSse(inst);
    case Op::kSqrt:
    case Op::kRound:
      return EmitSqrtOrRound(inst);
    case Op::kRoundSse2:
      return EmitRoundSse2(inst);
    case Op::kMinMax:
      return EmitMinMax(inst);
    case Op::kCvtFloat:
      return EmitCvtFloat(inst);
    case Op::kCvtFromInt: {
      const Rm from = NextRm(inst);
      CvtFromInt(inst.size, inst.sub, NextReg(), from);
      return;
    }
    case Op::kCvtFromUint64:
      return EmitCvtFromUint64(inst);
    case Op::kCvtToInt:
      return EmitCvtToInt(inst);
    case Op::kMoveToInt:
    case Op::kMoveToFloat:
      return EmitBitMove(inst);
    case Op::kVecConst:
    case Op::kVec3:
    case Op::kVec2:
    case Op::kVec3Imm:
    case Op::kVec2Imm:
    case Op::kVecShift:
    case Op::kVecBroadcast:
    case Op::kVecVex3Imm:
    case Op::kVecBlendv:
    case Op::kVecInsert:
    case Op::kVecExtract:
    case Op::kVecExtractStore:
    case Op::kVecLoadHalf:
    case Op::kVecStoreHalf:
    case Op::kVecMask:
    case Op::kVecLow64:
    case Op::kVecFma:
    case Op::kEvex3:
    case Op::kEvex3Acc:
    case Op::kEvex2:
    case Op::kEvexShift:
    case Op::kEvexTernlog:
      return EmitVector(inst);
    case Op::kJump:
      Jump(BlockLabel(inst.low()));
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
      b_.AddTrap(static_cast<codegen::TrapCode>(inst.extra));
      EmitPlain(b_, {.opcode = 0x0B, .map = OpcodeMap::k0F});
      b_.EndFlow();
      return;
    case Op::kFuncAddr:
      return EmitFuncAddr(inst);
    case Op::kFramePointer:
      MoveRegister(NextReg(), rbp.encoding());
      return;
    case Op::kStackPointer:
      MoveRegister(NextReg(), rsp.encoding());
      return;
    case Op::kReturnAddress:
      Load(NextReg(), MemoryRm(Address(rbp, 8)), 8);
      return;
    case Op::kTierCheck:
      UNREACHABLE() << "refused by lowering";
  }
}

}  // namespace gantry::x64
