// Turns an encoding and operands into bytes at the end of a MachBuffer: one function per
// shape of instruction, none of which knows an instruction by name. The instructions stand
// in instructions.inc; assembler.h brings both together.
//
// Rules kept here, once: order of prefixes; REX only where needed, and always for the byte
// registers spl, bpl, sil and dil; the two-byte VEX form where it can say everything; the
// bias of a rip-relative displacement when an immediate follows it.
#ifndef GANTRY_ISA_X64_ASM_ENCODER_H_
#define GANTRY_ISA_X64_ASM_ENCODER_H_

#include <cstdint>

#include "codegen/mach_buffer.h"
#include "isa_x64/asm/label_kinds.h"
#include "isa_x64/asm/operands.h"
#include "isa_x64/asm/registers.h"

namespace gantry::x64 {

// The prefix that is part of an opcode; the values are those of VEX.pp.
enum class Prefix : uint8_t { kNone = 0, k66 = 1, kF3 = 2, kF2 = 3 };

// The opcode's table; the values are those of VEX.mmmmm.
enum class OpcodeMap : uint8_t { kPrimary = 0, k0F = 1, k0F38 = 2, k0F3A = 3 };

// All that identifies an instruction apart from its operands. Fits a register.
struct Encoding {
  uint8_t opcode = 0;
  OpcodeMap map = OpcodeMap::kPrimary;
  Prefix prefix = Prefix::kNone;
  // REX.W or VEX.W.
  bool wide = false;
  // 0x66 as operand-size prefix, apart from what `prefix` says.
  bool operand16 = false;
  // The register field, the r/m field hold a byte register.
  bool byte_reg = false;
  bool byte_rm = false;

  constexpr Encoding WithWide(bool value = true) const {
    Encoding copy = *this;
    copy.wide = value;
    return copy;
  }
  constexpr Encoding WithOpcode(uint8_t value) const {
    Encoding copy = *this;
    copy.opcode = value;
    return copy;
  }
};

// For instructions that come in the widths 16, 32 and 64 with one opcode.
constexpr Encoding ForWidth(Encoding encoding, Width width) {
  encoding.wide = width == Width::k64;
  encoding.operand16 = width == Width::k16;
  return encoding;
}

// For those whose opcode's low bit tells 8 bits (clear) from the others; both operands are
// of that width. (Where the register field is an extension of the opcode, pass
// byte_reg = false.)
constexpr Encoding ForByteWidth(Encoding encoding, Width width, bool byte_reg = true) {
  encoding = ForWidth(encoding, width);
  if (width == Width::k8) {
    encoding.opcode &= 0xFE;
    encoding.byte_reg = byte_reg;
    encoding.byte_rm = true;
  }
  return encoding;
}

// An immediate behind the operands: its little-endian bytes and how many there are.
struct Immediate {
  uint64_t bits = 0;
  uint8_t bytes = 0;
};

// `reg` is the register field, or an extension of the opcode; `rm` the register of the r/m
// field.
void EmitRegisters(codegen::MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t rm,
                   Immediate immediate = {});
// The same with memory in the r/m field.
void EmitMemory(codegen::MachBuffer& buffer, Encoding encoding, uint8_t reg, const Address& address,
                Immediate immediate = {});
// Opcodes that hold a register in their low three bits.
void EmitOpcodeRegister(codegen::MachBuffer& buffer, Encoding encoding, uint8_t reg,
                        Immediate immediate = {});
// Opcodes without operands.
void EmitPlain(codegen::MachBuffer& buffer, Encoding encoding, Immediate immediate = {});

// VEX forms, 128 bits or scalar. `second` is the register in VEX.vvvv, 0 where there is none.
void EmitVexRegisters(codegen::MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t second,
                      uint8_t rm, Immediate immediate = {});
void EmitVexMemory(codegen::MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t second,
                   const Address& address, Immediate immediate = {});

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_ENCODER_H_
