#include "isa_x64/backend/emit.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/forward_jumps.h"
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

std::optional<uint32_t> JumpTarget(const codegen::MachInst& inst) {
  const Inst jump = inst.As<Inst>();
  return jump.op == Op::kJump ? std::optional(jump.low()) : std::nullopt;
}

}  // namespace

absl::Status Emitter::Run() {
  RETURN_IF_ERROR(LayOutFrame());
  first_label_ = b_.NewLabels(static_cast<uint32_t>(vcode_.num_blocks()));
  codegen::ForwardJumps(vcode_, allocation_, JumpTarget, &forwarded_);
  FindLoopHeads();
  MeasureBlocks();
  FindEarlyBlocks();
  EmitEarlyBlocks();
  EmitPrologues();
  for (uint32_t block = 0; block < vcode_.num_blocks(); ++block) {
    if (IsPassedOver(block)) {
      SkipEdits(block);
    } else {
      next_block_ = block + 1;
      while (next_block_ < vcode_.num_blocks() && IsPassedOver(next_block_)) ++next_block_;
      EmitBlock(block);
    }
  }
  EmitColdCode();
  EmitColdJumps();
  CHECK(next_edit_ == allocation_.edits.size()) << "moves behind the end of the code";
  CHECK(next_stack_map_ == allocation_.stack_maps.size()) << "a stack map without a call";
  return absl::OkStatus();
}

void Emitter::EmitBlock(uint32_t block) {
  if (block != 0) AskForIsland(block);
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
      uint32_t next = i + 1;
      while (next < range.end && shapes[next].is(codegen::regalloc::kMove)) ++next;
      jump_follows_ = next < range.end && vcode_.insts()[next].As<Inst>().op == Op::kJump;
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
      JumpToBlock(inst.low());
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
      return EmitTrap(inst.extra);
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
    case Op::kFuelCharge:
    case Op::kFuelCheck:
      return EmitFuel(inst);
    case Op::kPollWord:
    case Op::kPollPage:
      return EmitPoll(inst);
  }
}

}  // namespace gantry::x64
