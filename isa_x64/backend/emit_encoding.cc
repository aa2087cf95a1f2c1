// The few encodings that emission is made of, with the width of an operation as a value.
#include <limits>

#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::MachLabel;

namespace {

Prefix ScalarPrefix(uint8_t size) { return size == 4 ? Prefix::kF3 : Prefix::kF2; }

constexpr uint8_t kSseOpcodes[] = {0x58, 0x59, 0x5C, 0x5E, 0x54, 0x55, 0x56, 0x57};

// The furthest a byte-sized displacement reaches back, less the length of the jump.
constexpr uint32_t kShortReach = 120;

}  // namespace

Width Emitter::WidthOf(uint8_t size) {
  switch (size) {
    case 1:
      return Width::k8;
    case 2:
      return Width::k16;
    case 4:
      return Width::k32;
    case 8:
      return Width::k64;
    default:
      DCHECK(size == 16);
      return Width::k128;
  }
}

void Emitter::Op(const Encoding& encoding, uint8_t reg, const Rm& rm, Immediate imm) {
  if (rm.is_reg) {
    EmitRegisters(b_, encoding, reg, rm.reg, imm);
    return;
  }
  if (rm.traps) b_.AddTrap(rm.trap);
  EmitMemory(b_, encoding, reg, rm.address, imm);
}

void Emitter::Vex(const Encoding& encoding, uint8_t reg, uint8_t second, const Rm& rm,
                  Immediate imm) {
  if (rm.is_reg) {
    EmitVexRegisters(b_, encoding, reg, second, rm.reg, imm);
    return;
  }
  if (rm.traps) b_.AddTrap(rm.trap);
  EmitVexMemory(b_, encoding, reg, second, rm.address, imm);
}

void Emitter::MoveRegister(uint8_t to, uint8_t from) {
  if (to == from) return;
  EmitRegisters(b_, {.opcode = 0x8B, .wide = true}, to, from);
}

void Emitter::MoveVector(uint8_t to, uint8_t from) {
  if (to == from) return;
  EmitRegisters(b_, {.opcode = 0x28, .map = OpcodeMap::k0F}, to, from);
}

void Emitter::Load(uint8_t to, const Rm& from, uint8_t size) {
  switch (size) {
    case 1:
      Op({.opcode = 0xB6, .map = OpcodeMap::k0F, .byte_rm = from.is_reg}, to, from);
      return;
    case 2:
      Op({.opcode = 0xB7, .map = OpcodeMap::k0F}, to, from);
      return;
    case 4:
      Op({.opcode = 0x8B}, to, from);
      return;
    default:
      if (from.is_reg) {
        MoveRegister(to, from.reg);
      } else {
        Op({.opcode = 0x8B, .wide = true}, to, from);
      }
      return;
  }
}

void Emitter::LoadFloat(uint8_t to, const Rm& from, uint8_t size) {
  if (from.is_reg) {
    MoveVector(to, from.reg);
    return;
  }
  Op({.opcode = 0x10,
      .map = OpcodeMap::k0F,
      .prefix = size == 16 ? Prefix::kNone : ScalarPrefix(size)},
     to, from);
}

void Emitter::Alu(AluKind op, uint8_t size, uint8_t to, const Rm& from) {
  const uint8_t opcode = static_cast<uint8_t>(static_cast<uint8_t>(op) << 3 | 3);
  Op(ForByteWidth({.opcode = opcode}, WidthOf(size)), to, from);
}

void Emitter::AluImm(AluKind op, uint8_t size, const Rm& to, int32_t imm, bool lock) {
  const uint8_t digit = static_cast<uint8_t>(op);
  if (size == 1) {
    Op(ForByteWidth({.opcode = 0x80, .lock = lock}, Width::k8, /*byte_reg=*/false), digit, to,
       {static_cast<uint8_t>(imm), 1});
    return;
  }
  if (imm >= -128 && imm <= 127) {
    Op(ForWidth({.opcode = 0x83, .lock = lock}, WidthOf(size)), digit, to,
       {static_cast<uint8_t>(imm), 1});
    return;
  }
  const uint8_t bytes = size == 2 ? 2 : 4;
  const uint64_t bits = bytes == 2 ? static_cast<uint16_t>(imm) : static_cast<uint32_t>(imm);
  Op(ForWidth({.opcode = 0x81, .lock = lock}, WidthOf(size)), digit, to, {bits, bytes});
}

void Emitter::Test(uint8_t size, uint8_t a, uint8_t b) {
  EmitRegisters(b_, ForByteWidth({.opcode = 0x85}, WidthOf(size)), a, b);
}

void Emitter::MoveImm(uint8_t to, uint64_t bits) {
  if (bits == 0) {
    EmitRegisters(b_, {.opcode = 0x33}, to, to);
  } else if (bits <= std::numeric_limits<uint32_t>::max()) {
    EmitOpcodeRegister(b_, {.opcode = 0xB8}, to, {bits, 4});
  } else if (static_cast<int64_t>(bits) >= std::numeric_limits<int32_t>::min() &&
             static_cast<int64_t>(bits) < 0) {
    EmitRegisters(b_, {.opcode = 0xC7, .wide = true}, 0, to, {static_cast<uint32_t>(bits), 4});
  } else {
    EmitOpcodeRegister(b_, {.opcode = 0xB8, .wide = true}, to, {bits, 8});
  }
}

void Emitter::Lea(uint8_t to, const Address& address, uint8_t size) {
  EmitMemory(b_, {.opcode = 0x8D, .wide = size == 8}, to, address);
}

void Emitter::Shift(ShiftKind op, uint8_t size, const Rm& rm, uint8_t amount) {
  const uint8_t digit = static_cast<uint8_t>(op);
  if (amount == 1) {
    Op(ForByteWidth({.opcode = 0xD1}, WidthOf(size), /*byte_reg=*/false), digit, rm);
  } else {
    Op(ForByteWidth({.opcode = 0xC1}, WidthOf(size), /*byte_reg=*/false), digit, rm, {amount, 1});
  }
}

void Emitter::SetByte(Cond cc, uint8_t to) {
  EmitRegisters(b_,
                {.opcode = static_cast<uint8_t>(0x90 | static_cast<uint8_t>(cc)),
                 .map = OpcodeMap::k0F,
                 .byte_rm = true},
                0, to);
}

void Emitter::ZeroExtendByte(uint8_t to, uint8_t from) {
  EmitRegisters(b_, {.opcode = 0xB6, .map = OpcodeMap::k0F, .byte_rm = true}, to, from);
}

void Emitter::Sse(SseKind op, uint8_t size, uint8_t to, const Rm& from) {
  Op({.opcode = kSseOpcodes[static_cast<uint8_t>(op)],
      .map = OpcodeMap::k0F,
      .prefix = size == 16 ? Prefix::kNone : ScalarPrefix(size)},
     to, from);
}

void Emitter::Ucomis(uint8_t size, uint8_t a, const Rm& b) {
  Op({.opcode = 0x2E, .map = OpcodeMap::k0F, .prefix = size == 8 ? Prefix::k66 : Prefix::kNone}, a,
     b);
}

void Emitter::CvtToInt(uint8_t float_size, bool to64, uint8_t to, uint8_t from) {
  EmitRegisters(
      b_, {.opcode = 0x2C, .map = OpcodeMap::k0F, .prefix = ScalarPrefix(float_size), .wide = to64},
      to, from);
}

void Emitter::CvtFromInt(uint8_t float_size, uint8_t int_size, uint8_t to, const Rm& from) {
  // The instruction keeps the upper part of its destination: clear it, so that it does not wait
  // for whoever wrote that last.
  EmitRegisters(b_, {.opcode = 0x57, .map = OpcodeMap::k0F}, to, to);
  Op({.opcode = 0x2A,
      .map = OpcodeMap::k0F,
      .prefix = ScalarPrefix(float_size),
      .wide = int_size == 8},
     to, from);
}

void Emitter::Jump(MachLabel target) {
  const codegen::CodeOffset start = b_.offset();
  uint8_t* at = b_.BeginInstruction();
  if (b_.IsBound(target) && start - b_.OffsetOf(target) < kShortReach) {
    at[0] = 0xEB;
    at[1] = 0xFF;
    b_.EndInstruction(at + 2);
    b_.AddJump(start, start + 1, target, kRel8);
    return;
  }
  const uint8_t bytes[] = {0xE9, 0xFC, 0xFF, 0xFF, 0xFF};
  std::memcpy(at, bytes, sizeof bytes);
  b_.EndInstruction(at + sizeof bytes);
  b_.AddJump(start, start + 1, target, kRel32);
}

void Emitter::JumpIf(Cond cc, MachLabel target) {
  const codegen::CodeOffset start = b_.offset();
  uint8_t* at = b_.BeginInstruction();
  if (b_.IsBound(target) && start - b_.OffsetOf(target) < kShortReach) {
    at[0] = static_cast<uint8_t>(0x70 | static_cast<uint8_t>(cc));
    at[1] = 0xFF;
    b_.EndInstruction(at + 2);
    b_.AddConditionalJump(start, start + 1, target, kRel8, 0x01);
    return;
  }
  const uint8_t bytes[] = {
      0x0F, static_cast<uint8_t>(0x80 | static_cast<uint8_t>(cc)), 0xFC, 0xFF, 0xFF, 0xFF};
  std::memcpy(at, bytes, sizeof bytes);
  b_.EndInstruction(at + sizeof bytes);
  b_.AddConditionalJump(start, start + 2, target, kRel32, 0x0100);
}

void Emitter::ShortJump(MachLabel target) {
  uint8_t* at = b_.BeginInstruction();
  const codegen::CodeOffset start = b_.offset();
  at[0] = 0xEB;
  at[1] = 0xFF;
  b_.EndInstruction(at + 2);
  b_.AddJump(start, start + 1, target, kRel8);
}

void Emitter::JumpToEnd(MachLabel end) { return jump_follows_ ? Jump(end) : ShortJump(end); }

void Emitter::JumpToEndIf(Cond cc, MachLabel end) {
  return jump_follows_ ? JumpIf(cc, end) : ShortJumpIf(cc, end);
}

void Emitter::ShortJumpIf(Cond cc, MachLabel target) {
  uint8_t* at = b_.BeginInstruction();
  const codegen::CodeOffset start = b_.offset();
  at[0] = static_cast<uint8_t>(0x70 | static_cast<uint8_t>(cc));
  at[1] = 0xFF;
  b_.EndInstruction(at + 2);
  b_.AddConditionalJump(start, start + 1, target, kRel8, 0x01);
}

void Emitter::JumpToBlock(uint32_t block) {
  return IsNear(block) ? ShortJump(BlockLabel(block)) : Jump(BlockLabel(block));
}

void Emitter::JumpToBlockIf(Cond cc, uint32_t block) {
  return IsNear(block) ? ShortJumpIf(cc, BlockLabel(block)) : JumpIf(cc, BlockLabel(block));
}

void Emitter::TrapIf(Cond cc, uint8_t code) {
  if (cc == Cond::kFloatEq) {
    const MachLabel past = b_.NewLabel();
    ShortJumpIf(Cond::kP, past);
    JumpIf(Cond::kE, TrapLabel(code));
    b_.Bind(past);
    return;
  }
  const MachLabel trap = TrapLabel(code);
  if (cc == Cond::kFloatNe) {
    JumpIf(Cond::kP, trap);
    JumpIf(Cond::kNe, trap);
    return;
  }
  JumpIf(cc, trap);
}

}  // namespace gantry::x64
