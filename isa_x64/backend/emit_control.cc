#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::MachLabel;
using codegen::UnwindOp;

namespace {

constexpr uint8_t kScratchEncoding = 11;
// Vector registers that no argument is passed in.
constexpr uint8_t kCopyVector = 15;
// ret takes off at most this many bytes.
constexpr uint32_t kMaxReturnPop = 0xFFFF;

codegen::ExternalName NameOf(const Inst& inst) { return codegen::ExternalName(inst.low()); }

}  // namespace

void Emitter::EmitBranch(const Inst& inst) {
  EmitCompare(inst);
  if (inst.op == Op::kTrapIf) {
    TrapIf(inst.cc, inst.extra);
    return;
  }
  const uint32_t taken = inst.low(), other = inst.high();
  if (inst.cc == Cond::kFloatEq) {
    JumpToBlockIf(Cond::kP, other);
    JumpToBlockIf(Cond::kE, taken);
  } else if (inst.cc == Cond::kFloatNe) {
    JumpToBlockIf(Cond::kP, taken);
    JumpToBlockIf(Cond::kNe, taken);
  } else if (in_frame_ && forwarded_[taken] == next_block_) {
    JumpToBlockIf(Inverse(inst.cc), other);
    return JumpToBlock(taken);
  } else {
    JumpToBlockIf(inst.cc, taken);
  }
  JumpToBlock(other);
}

void Emitter::EmitJumpTable(const Inst& inst) {
  const uint8_t index = NextReg();
  const uint8_t temp = NextReg();
  const std::vector<uint32_t>& targets = vcode_.jump_table(inst.low());
  // The default target stands behind the others.
  const size_t entries = targets.size() - 1;
  const bool clamps = inst.has(Inst::kMask);
  table_labels_.clear();
  for (size_t i = 0; i < entries + (clamps ? 1 : 0); ++i) {
    table_labels_.push_back(BlockLabel(targets[i]));
  }
  if (clamps) {
    // What is out of range takes the default's entry, chosen as a value and never predicted.
    MoveImm(temp, static_cast<uint32_t>(entries));
    AluImm(AluKind::kCmp, 4, RegRm(index), inst.imm);
    Op({.opcode = static_cast<uint8_t>(0x40 | static_cast<uint8_t>(Cond::kB)),
        .map = OpcodeMap::k0F},
       temp, RegRm(index));
  } else {
    Load(temp, RegRm(index), 4);
    AluImm(AluKind::kCmp, 4, RegRm(temp), inst.imm);
    JumpIf(Cond::kAe, BlockLabel(targets.back()));
  }
  Lea(kScratchEncoding, Address(b_.JumpTable(table_labels_, kRel32)), 8);
  Op({.opcode = 0x63, .wide = true}, temp,
     MemoryRm(Address(Gpr64(kScratchEncoding), Gpr64(temp), Scale::k4)));
  Alu(AluKind::kAdd, 8, kScratchEncoding, RegRm(temp));
  EmitRegisters(b_, {.opcode = 0xFF}, 4, kScratchEncoding);
  b_.EndFlow();
}

void Emitter::NextStackMap() {
  CHECK(next_stack_map_ < allocation_.stack_maps.size()) << "a call without a stack map";
  const codegen::regalloc::StackMap& map = allocation_.stack_maps[next_stack_map_++];
  stack_map_slots_.clear();
  for (codegen::SpillSlot slot : allocation_.SlotsOf(map)) {
    stack_map_slots_.push_back(frame_.total - frame_.spills_end +
                               static_cast<uint32_t>(slot.byte_offset()));
  }
}

// Behind the call instruction.
void Emitter::FinishCall(const Inst& inst) {
  b_.AddCallSite();
  NextStackMap();
  b_.AddStackMap(stack_map_slots_);
  // The callee took its stack arguments away; the area is still ours.
  if (inst.imm != 0) AluImm(AluKind::kSub, 8, RegRm(rsp.encoding()), inst.imm);
}

void Emitter::EmitCall(const Inst& inst) {
  if (inst.op == Op::kCall) {
    uint8_t* at = b_.BeginInstruction();
    const uint8_t bytes[] = {0xE8, 0, 0, 0, 0};
    std::memcpy(at, bytes, sizeof bytes);
    const codegen::CodeOffset field = b_.offset() + 1;
    b_.EndInstruction(at + sizeof bytes);
    b_.AddReloc(field, kRelocPcRel32, NameOf(inst), -4);
  } else {
    Op({.opcode = 0xFF}, 2, NextRm(inst));
  }
  FinishCall(inst);
}

// The callee is to find its stack arguments where this function's were, just above the return
// address; they wait at the bottom of the frame. All that is still needed of the frame goes
// into registers first, then the arguments are moved up, the highest first, since the two
// areas may overlap.
void Emitter::EmitTailCall(const Inst& inst) {
  const bool indirect = inst.op == Op::kTailCallIndirect;
  if (indirect) MoveRegister(kScratchEncoding, NextReg());
  const uint32_t outgoing = static_cast<uint32_t>(inst.imm);
  const uint32_t incoming = frame_.incoming_bytes;
  if (outgoing == 0 && incoming == 0) {
    EmitEpilogue();
  } else {
    unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    RestoreSaved();
    // The return address waits below everything that is moved, and leaves as the last one, so that
    // it is in memory at every instruction, where unwind info can say so.
    const int64_t saved_rbp = frame_.total;
    const int64_t first_argument = saved_rbp + 16 + incoming - int64_t{outgoing};
    const auto address = [](int64_t offset) {
      return MemoryRm(Address(rsp, static_cast<int32_t>(offset)));
    };
    const auto return_address_at = [&](int64_t from_cfa) {
      unwind_.Add(b_.offset(), UnwindOp::kSavedAt, kDwarfReturnAddress,
                  static_cast<int32_t>(from_cfa));
    };
    Op({.opcode = 0xFF}, 6, address(saved_rbp + 8));  // push
    return_address_at(-(saved_rbp + 24));
    Load(rbp.encoding(), address(saved_rbp + 8), 8);
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfRsp, static_cast<int32_t>(saved_rbp + 24));
    unwind_.Add(b_.offset(), UnwindOp::kSame, kDwarfRbp);
    for (codegen::PReg reg : frame_.saved)
      unwind_.Add(b_.offset(), UnwindOp::kSame, reg.encoding());
    const auto copy = [&](uint8_t opcode, Prefix prefix, int64_t at) {
      Op({.opcode = opcode, .map = OpcodeMap::k0F, .prefix = prefix}, kCopyVector, address(at));
    };
    for (int64_t at = outgoing; at > 0;) {
      at -= 8;
      copy(0x7E, Prefix::kF3, at + 8);
      copy(0xD6, Prefix::k66, first_argument + at + 8);
    }
    Op({.opcode = 0x8F}, 0, address(first_argument - 8));  // pop: its address is from rsp behind it
    unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, static_cast<int32_t>(first_argument));
    return_address_at(-8);
    Lea(rsp.encoding(), Address(rsp, static_cast<int32_t>(first_argument - 8)), 8);
    unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 8);
  }
  if (indirect) {
    EmitRegisters(b_, {.opcode = 0xFF}, 4, kScratchEncoding);
  } else {
    uint8_t* at = b_.BeginInstruction();
    const uint8_t bytes[] = {0xE9, 0, 0, 0, 0};
    std::memcpy(at, bytes, sizeof bytes);
    const codegen::CodeOffset field = b_.offset() + 1;
    b_.EndInstruction(at + sizeof bytes);
    b_.AddReloc(field, kRelocPcRel32, NameOf(inst), -4);
  }
  b_.EndFlow();
  if (in_frame_) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

void Emitter::EmitFuncAddr(const Inst& inst) {
  const uint8_t to = NextReg();
  uint8_t* at = b_.BeginInstruction();
  // lea to, [rip + name]
  const uint8_t bytes[] = {static_cast<uint8_t>(0x48 | (to >> 3) << 2),
                           0x8D,
                           static_cast<uint8_t>(5 | (to & 7) << 3),
                           0,
                           0,
                           0,
                           0};
  std::memcpy(at, bytes, sizeof bytes);
  const codegen::CodeOffset field = b_.offset() + 3;
  b_.EndInstruction(at + sizeof bytes);
  b_.AddReloc(field, kRelocPcRel32, NameOf(inst), -4);
}

void Emitter::EmitReturn() {
  EmitEpilogue();
  const uint32_t pop = frame_.callee_pops ? frame_.incoming_bytes : 0;
  if (pop == 0) {
    EmitPlain(b_, {.opcode = 0xC3});
  } else if (pop <= kMaxReturnPop) {
    EmitPlain(b_, {.opcode = 0xC2}, {pop, 2});
  } else {
    // The return address moves up to where the arguments end.
    const int32_t last = static_cast<int32_t>(pop) - 8;
    if (!in_frame_) unwind_.Add(b_.offset(), UnwindOp::kRememberState);
    Op({.opcode = 0x8F}, 0,
       MemoryRm(Address(rsp, last)));  // pop: its address is from rsp behind it
    unwind_.Add(b_.offset(), UnwindOp::kCfa, kDwarfRsp, static_cast<int32_t>(pop));
    Lea(rsp.encoding(), Address(rsp, last), 8);
    unwind_.Add(b_.offset(), UnwindOp::kCfaOffset, 0, 8);
    EmitPlain(b_, {.opcode = 0xC3});
  }
  b_.EndFlow();
  if (in_frame_ || pop > kMaxReturnPop) unwind_.Add(b_.offset(), UnwindOp::kRestoreState);
}

}  // namespace gantry::x64
