// Emission: VCode whose operands have places becomes bytes in a MachBuffer, in one pass.
//
// The walk (emit.cc) goes block by block, puts the moves of register allocation between
// instructions, and lays out the frame; each instruction is a method by opcode, in files by
// subject. r11 and xmm15 are never allocated and free for use within one instruction.
//
// The frame, from high to low addresses:
//
//   stack arguments | return address | saved rbp <- rbp | saved registers | stack slots |
//   spill slots | stack arguments of calls <- rsp
//
// A leaf that needs none of it has no frame at all. Where a function returns early by blocks that
// need none of it, these come first and the frame is made behind them.
#ifndef GANTRY_ISA_X64_BACKEND_EMIT_H_
#define GANTRY_ISA_X64_BACKEND_EMIT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/early_blocks.h"
#include "codegen/isa.h"
#include "codegen/mach_buffer.h"
#include "codegen/regalloc/interface.h"
#include "codegen/vcode.h"
#include "isa_x64/asm/encoder.h"
#include "isa_x64/backend/flags.h"
#include "isa_x64/backend/inst.h"

namespace gantry::x64 {

// DWARF's numbers of the registers that unwind information names.
inline constexpr uint8_t kDwarfRbp = 6;
inline constexpr uint8_t kDwarfRsp = 7;
inline constexpr uint8_t kDwarfReturnAddress = 16;

class Emitter {
 public:
  Emitter(const codegen::TargetIsa& isa, const X64Flags& flags, const codegen::VCode& vcode,
          const codegen::regalloc::Output& allocation, bool has_vmctx, codegen::MachBuffer* buffer,
          codegen::FrameInfo* frame_info, codegen::UnwindInfo* unwind)
      : isa_(isa),
        flags_(flags),
        vcode_(vcode),
        allocation_(allocation),
        has_vmctx_(has_vmctx),
        b_(*buffer),
        frame_info_(*frame_info),
        unwind_(*unwind) {}

  absl::Status Run();

 private:
  static constexpr codegen::CodeOffset kNoOffset = 0xFFFFFFFF;

  // A register or a place in memory, as the r/m field of an instruction takes it.
  struct Rm {
    bool is_reg = true;
    uint8_t reg = 0;
    Address address{rax};
    bool traps = false;
    codegen::TrapCode trap{};
  };
  // Bytes below rbp; see the picture above.
  struct Frame {
    bool frameless = false;
    codegen::PRegSet saved;
    uint32_t saved_bytes = 0;
    uint32_t slots_end = 0;   // The slot area begins at rbp - slots_end.
    uint32_t spills_end = 0;  // The spill area begins at rbp - spills_end.
    uint32_t total = 0;       // rsp is rbp - total.
    uint32_t incoming_bytes = 0;
    bool callee_pops = false;
  };

  // --- emit.cc
  void EmitBlock(uint32_t block);
  void EmitEdit(const codegen::regalloc::Edit& edit);
  void EmitInst(const Inst& inst, const codegen::Allocation* operands);

  // --- emit_layout.cc
  void FindLoopHeads();
  void Align(uint32_t block);
  void MeasureBlocks();
  bool IsNear(uint32_t block) const;
  // Without code of its own where it stands.
  bool IsPassedOver(uint32_t block) const {
    return early_.contains(block) || forwarded_[block] != block;
  }
  void AskForIsland(uint32_t block);

  // --- emit_cold.cc: traps and interrupts, whose code stands behind all other.
  enum class ColdKind : uint8_t { kTrap, kOutOfFuel, kNewEpoch, kCheckStack };
  static constexpr size_t kColdKinds = 4;
  struct ColdCode {
    ColdKind kind;
    uint8_t trap = 0;
    codegen::MachLabel label;
    // Where the guest goes on; none behind a trap.
    codegen::MachLabel back;
    codegen::SourceLoc loc;
    // The stack map: slots in cold_slots_. None in front of the first safepoint, where `has_map` is
    // off.
    bool has_map = false;
    uint32_t first_slot = 0;
    uint32_t slot_count = 0;
  };
  codegen::MachLabel AddColdCode(ColdKind kind, uint8_t trap = 0);
  // The cold code added last returns here.
  void BindBack();
  // Takes the stack map of the present instruction for the cold code added last.
  void TakeStackMap();
  // Where to jump to for a trap of that code.
  codegen::MachLabel TrapLabel(uint8_t code);
  void EmitTrap(uint8_t code);
  void EmitFuel(const Inst& inst);
  void EmitPoll(const Inst& inst);
  // What has been added so far, with or without the frame as in_frame_ says.
  void EmitColdCode();
  void EmitColdCall(const ColdCode& cold);
  codegen::ExternalName ColdName(ColdKind kind) const;
  // The jumps to the shims, one for each that is called.
  void EmitColdJumps();

  // --- emit_frame.cc
  absl::Status LayOutFrame();
  // Behind the block's moves and stack maps.
  void SkipEdits(uint32_t block);
  void FindEarlyBlocks();
  void EmitEarlyBlocks();
  // One for each way into the part that has the frame.
  void EmitPrologues();
  void EmitPrologue();
  void EmitStackCheck();
  void RestoreSaved();
  // Restores saved registers and removes the frame; the return address is on top then.
  void EmitEpilogue();

  // --- Operands of the present instruction, in order.
  uint8_t NextReg() {
    const codegen::Allocation place = *operand_++;
    DCHECK(place.is_reg());
    return place.reg().encoding();
  }
  Rm NextRm(const Inst& inst);
  Rm NextAny();
  Rm MemoryOf(const Inst& inst);
  Rm RmOf(codegen::Allocation place);
  Address SpillAddress(codegen::SpillSlot slot) const;
  static Rm RegRm(uint8_t reg) {
    Rm rm;
    rm.reg = reg;
    return rm;
  }
  static Rm MemoryRm(const Address& address) {
    Rm rm;
    rm.is_reg = false;
    rm.address = address;
    return rm;
  }
  Rm ConstantRm(uint64_t bits, uint8_t bytes);
  Rm VectorConstantRm(uint32_t index);

  // --- Encoding. `size` is 1, 2, 4 or 8 bytes, of vectors 16.
  static Width WidthOf(uint8_t size);
  void Op(const Encoding& encoding, uint8_t reg, const Rm& rm, Immediate imm = {});
  void Vex(const Encoding& encoding, uint8_t reg, uint8_t second, const Rm& rm, Immediate imm = {});
  void MoveRegister(uint8_t to, uint8_t from);          // 64 bits.
  void MoveVector(uint8_t to, uint8_t from);            // 128 bits.
  void Load(uint8_t to, const Rm& from, uint8_t size);  // Zero-extending.
  void LoadFloat(uint8_t to, const Rm& from, uint8_t size);
  void Alu(AluKind op, uint8_t size, uint8_t to, const Rm& from);
  void AluImm(AluKind op, uint8_t size, const Rm& to, int32_t imm, bool lock = false);
  void Test(uint8_t size, uint8_t a, uint8_t b);
  void MoveImm(uint8_t to, uint64_t bits);
  void Lea(uint8_t to, const Address& address, uint8_t size);
  void Shift(ShiftKind op, uint8_t size, const Rm& rm, uint8_t amount);
  void SetByte(Cond cc, uint8_t to);
  void ZeroExtendByte(uint8_t to, uint8_t from);
  void Sse(SseKind op, uint8_t size, uint8_t to, const Rm& from);
  void Ucomis(uint8_t size, uint8_t a, const Rm& b);
  void CvtToInt(uint8_t float_size, bool to64, uint8_t to, uint8_t from);
  void CvtFromInt(uint8_t float_size, uint8_t int_size, uint8_t to, const Rm& from);
  void Jump(codegen::MachLabel target);
  void JumpIf(Cond cc, codegen::MachLabel target);  // Any distance.
  // At the end of a block, to the start of another.
  void JumpToBlock(uint32_t block);
  void JumpToBlockIf(Cond cc, uint32_t block);
  void ShortJump(codegen::MachLabel target);  // Within one instruction's code.
  void ShortJumpIf(Cond cc, codegen::MachLabel target);
  // To the end of the instruction's code. Where the block's own jump stands there the label comes
  // to mean that jump's target, which a short jump may not reach.
  void JumpToEnd(codegen::MachLabel end);
  void JumpToEndIf(Cond cc, codegen::MachLabel end);
  void TrapIf(Cond cc, uint8_t code);
  // Where a jump to the block leads, past blocks that only jump on and the padding in front of a
  // loop's head.
  codegen::MachLabel BlockLabel(uint32_t block) const {
    const uint32_t to = forwarded_[block];
    if (!in_frame_ && !early_.empty() && !early_.contains(to)) return PrologueLabel(to);
    return aligned_[to].is_some() ? aligned_[to] : codegen::MachLabel(first_label_.raw() + to);
  }
  codegen::MachLabel PrologueLabel(uint32_t block) const;
  // The zero and sign flags are those of the register's present value at that width.
  void SetFlagsOf(uint8_t reg, uint8_t size) {
    flags_reg_ = reg;
    flags_size_ = size;
    flags_offset_ = b_.offset();
  }
  bool FlagsAreOf(uint8_t reg, uint8_t size) const {
    return flags_offset_ == b_.offset() && flags_reg_ == reg && flags_size_ == size;
  }

  // --- emit_integer.cc
  void EmitAlu(const Inst& inst);
  void EmitAdd(const Inst& inst);
  void EmitShift(const Inst& inst);
  void EmitMultiply(const Inst& inst);
  void EmitDivision(const Inst& inst);
  void EmitExtend(const Inst& inst);
  void EmitBits(const Inst& inst);
  void EmitOverflow(const Inst& inst);
  void EmitStore(const Inst& inst);
  void EmitAluMem(const Inst& inst);
  void EmitCompare(const Inst& inst);
  void EmitSetcc(const Inst& inst);
  void EmitCmov(const Inst& inst);

  // --- emit_atomics.cc
  void EmitAtomic(const Inst& inst);
  void EmitUpdateLoop(const Inst& inst);
  void EmitFence();

  // --- emit_float.cc
  void EmitSse(const Inst& inst);
  void EmitSqrtOrRound(const Inst& inst);
  void EmitRoundSse2(const Inst& inst);
  void EmitMinMax(const Inst& inst);
  void EmitCvtFloat(const Inst& inst);
  void EmitCvtFromUint64(const Inst& inst);
  void EmitCvtToInt(const Inst& inst);
  void EmitCvtToSigned(const Inst& inst, uint8_t from, uint8_t to);
  void EmitCvtToUint32(const Inst& inst, uint8_t from, uint8_t to);
  void EmitCvtToUint64(const Inst& inst, uint8_t from, uint8_t to);
  void EmitSelectFloat(const Inst& inst);
  void EmitConstFloat(const Inst& inst);
  void EmitBitMove(const Inst& inst);

  // --- emit_vector.cc
  void EmitVector(const Inst& inst);
  void EmitVecConst(const Inst& inst);
  void EmitVecThree(const Inst& inst);
  void EmitVecTwo(const Inst& inst);
  void EmitVecLane(const Inst& inst);
  void EmitVecBlendv(const Inst& inst);
  void EmitVecAccumulate(const Inst& inst);
  // The operand in memory, `size` bytes wide, of the instruction emitted next: the trap record of
  // the access, if it may fault, is made here.
  AnyMem MemoryOperand(const Rm& rm, uint8_t size);

  // --- emit_control.cc
  void EmitBranch(const Inst& inst);
  void EmitJumpTable(const Inst& inst);
  void EmitCall(const Inst& inst);
  void EmitTailCall(const Inst& inst);
  void EmitReturn();
  void EmitFuncAddr(const Inst& inst);
  void FinishCall(const Inst& inst);
  // Fills stack_map_slots_ from the next stack map.
  void NextStackMap();

  const codegen::TargetIsa& isa_;
  const X64Flags& flags_;
  const codegen::VCode& vcode_;
  const codegen::regalloc::Output& allocation_;
  const bool has_vmctx_;
  codegen::MachBuffer& b_;
  codegen::FrameInfo& frame_info_;
  codegen::UnwindInfo& unwind_;

  Frame frame_;
  // Whether the code being emitted has the frame.
  bool in_frame_ = true;
  // What stands in front of the frame's making, and a label for the prologue of each of its entries
  // into the rest.
  codegen::EarlyBlocks early_;
  std::vector<codegen::MachLabel> prologues_;
  codegen::MachLabel first_label_;
  // Per block itself or, if it holds nothing but a jump, where that leads.
  std::vector<uint32_t> forwarded_;
  // Per block a bound on the bytes of its code, and the block whose code comes next.
  std::vector<uint16_t> size_bounds_;
  uint32_t next_block_ = 0;
  // Per block whether it is to be aligned, and once it is there the label behind its padding.
  std::vector<uint8_t> wants_alignment_;
  std::vector<codegen::MachLabel> aligned_;
  // See SetFlagsOf; no offset if nothing is known.
  uint8_t flags_reg_ = 0;
  uint8_t flags_size_ = 0;
  codegen::CodeOffset flags_offset_ = kNoOffset;
  const codegen::Allocation* operand_ = nullptr;
  size_t next_edit_ = 0;
  size_t next_stack_map_ = 0;
  std::vector<uint32_t> stack_map_slots_;
  // Whether the block's jump may come right behind the instruction at hand.
  bool jump_follows_ = false;
  std::vector<ColdCode> cold_;
  std::vector<uint32_t> cold_slots_;
  codegen::MachLabel cold_jumps_[kColdKinds];
  std::vector<codegen::MachLabel> table_labels_;
};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_EMIT_H_
