// Emission: VCode whose operands have places becomes words in a MachBuffer, in one pass.
//
// The walk (emit.cc) goes block by block, puts the moves of register allocation between
// instructions, and lays out the frame; each instruction is a method by opcode. x16, x17 and v31
// are never allocated and free for use within one instruction.
//
// The frame, from high to low addresses:
//
//   stack arguments | return address | saved x29 <- x29 | saved registers | stack slots |
//   spill slots | stack arguments of calls <- sp
//
// A leaf that needs none of it has no frame at all. Where a function returns early by blocks that
// want none, these come first and the frame is made behind them (codegen/early_blocks.h).
#ifndef GANTRY_ISA_AARCH64_BACKEND_EMIT_H_
#define GANTRY_ISA_AARCH64_BACKEND_EMIT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/early_blocks.h"
#include "codegen/isa.h"
#include "codegen/mach_buffer.h"
#include "codegen/regalloc/interface.h"
#include "codegen/vcode.h"
#include "isa_aarch64/asm/assembler.h"
#include "isa_aarch64/asm/branch_protection.h"
#include "isa_aarch64/backend/inst.h"

namespace gantry::aarch64 {

class Emitter {
 public:
  Emitter(const codegen::TargetIsa& isa, const BranchProtection& protection, bool precise_stores,
          const codegen::VCode& vcode, const codegen::regalloc::Output& allocation, bool has_vmctx,
          codegen::MachBuffer* buffer, codegen::FrameInfo* frame_info, codegen::UnwindInfo* unwind)
      : isa_(isa),
        protection_(protection),
        precise_stores_(precise_stores),
        vcode_(vcode),
        allocation_(allocation),
        has_vmctx_(has_vmctx),
        b_(*buffer),
        as_(*buffer),
        frame_info_(*frame_info),
        unwind_(*unwind) {}

  absl::Status Run();

 private:
  // Bytes below x29; see the picture above.
  struct Frame {
    bool frameless = false;
    bool is_signed = false;  // The return address, from the first instruction on.
    std::vector<uint8_t> saved;
    uint32_t saved_bytes = 0;  // A multiple of 16.
    uint32_t slots_end = 0;    // The slot area begins at x29 - slots_end.
    uint32_t spills_end = 0;   // The spill area begins at x29 - spills_end.
    uint32_t total = 0;        // sp is x29 - total.
    uint32_t incoming_bytes = 0;
    bool callee_pops = false;
  };

  // --- emit.cc
  void FindJumpTargets();
  void EmitBlock(uint32_t block);
  void EmitEdit(const codegen::regalloc::Edit& edit);
  void EmitInst(const Inst& inst, const codegen::Allocation* operands);
  void AskForIsland();

  // --- Operands of the present instruction, in order.
  uint8_t NextReg() {
    const codegen::Allocation place = *operand_++;
    DCHECK(place.is_reg());
    return place.reg().encoding();
  }
  X NextX() { return X(NextReg()); }
  W NextW() { return W(NextReg()); }
  Address MemoryOf(const Inst& inst);
  Address SpillAddress(codegen::SpillSlot slot) const;

  // --- Pieces.
  void EmitRowInst(Row row, uint32_t bits);
  // The row that sets flags, its registers taken from the operands.
  void EmitCompare(const Inst& inst);
  void Access(const Inst& inst, uint8_t reg);
  // A trap record for the word that was just written.
  void RecordTrap(const Inst& inst);
  void MoveImm(uint8_t to, uint64_t bits, uint8_t size);
  void Constant(V to, uint64_t bits, uint8_t size);
  void EmitSelect(const Inst& inst);
  void EmitFloatSelect(const Inst& inst);
  void EmitTrapIfMin(const Inst& inst);
  void EmitCarry(const Inst& inst);
  void EmitCheckToInt(const Inst& inst);
  void EmitAtomic(const Inst& inst);
  void EmitAtomicLoop(const Inst& inst);

  // Where a jump to the block leads, past blocks that only jump on.
  codegen::MachLabel BlockLabel(uint32_t block) const {
    const uint32_t to = forwarded_[block];
    if (!in_frame_ && !early_.empty() && !early_.contains(to)) return PrologueLabel(to);
    return codegen::MachLabel(first_label_.raw() + to);
  }
  codegen::MachLabel PrologueLabel(uint32_t block) const;
  bool IsNext(uint32_t block) const {
    const uint32_t to = forwarded_[block];
    const bool by_prologue = !in_frame_ && !early_.empty() && !early_.contains(to);
    return !by_prologue && to == next_block_;
  }
  // Without code of its own where it stands.
  bool IsPassedOver(uint32_t block) const {
    return early_.contains(block) || forwarded_[block] != block;
  }
  // Whether the return address is signed in the code being emitted.
  bool IsSigned() const { return frame_.is_signed && (in_frame_ || frame_.frameless); }
  // A branch to `label` where the flags say `cc`.
  void JumpIf(Cond cc, codegen::MachLabel label);
  // Where register or bit of kBranchZero and kBranchBit, kTrapIfZero and kTrapIfBit are as `cc`
  // says.
  void JumpIfTest(const Inst& inst, uint8_t reg, Cond cc, codegen::MachLabel label);
  void TrapIf(Cond cc, uint8_t code);

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
  void BindBack() { b_.Bind(cold_.back().back); }
  // Takes the stack map of the present instruction for the cold code added last.
  void TakeStackMap();
  // Where to jump to for a trap of that code.
  codegen::MachLabel TrapLabel(uint8_t code);
  void EmitTrap(uint8_t code);
  void EmitFuel(const Inst& inst);
  void EmitPoll(const Inst& inst);
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
  void RestoreSaved(XSp base, int32_t from_x29);
  // Restores saved registers and removes the frame; the return address stays signed.
  void EmitEpilogue();
  void EmitBranch(const Inst& inst);
  void EmitJumpTable(const Inst& inst);
  // Slots of the present instruction's stack map into stack_map_slots_.
  void NextStackMap();
  void EmitCall(const Inst& inst);
  void EmitTailCall(const Inst& inst);
  void EmitReturn();
  void EmitFuncAddr(const Inst& inst);

  const codegen::TargetIsa& isa_;
  const BranchProtection& protection_;
  const bool precise_stores_;
  const codegen::VCode& vcode_;
  const codegen::regalloc::Output& allocation_;
  const bool has_vmctx_;
  codegen::MachBuffer& b_;
  Assembler as_;
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
  // Per block whether a jump table leads there and that has to be marked.
  std::vector<bool> is_jump_target_;
  // The block whose code comes next.
  uint32_t next_block_ = 0;
  const codegen::Allocation* operand_ = nullptr;
  size_t next_edit_ = 0;
  size_t next_stack_map_ = 0;
  std::vector<uint32_t> stack_map_slots_;
  std::vector<ColdCode> cold_;
  std::vector<uint32_t> cold_slots_;
  codegen::MachLabel cold_jumps_[kColdKinds];
  std::vector<codegen::MachLabel> table_labels_;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_EMIT_H_
