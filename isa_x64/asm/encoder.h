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

// All that identifies an instruction apart from its operands.
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
  // Behind a lock prefix.
  bool lock = false;

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

// The same in a word, as the assembler keeps its tables:
//   encoding = PackedEncoding(0xAF, OpcodeMap::k0F).ForWidth(Width::k64);    // imul r64, r/m64
//
// Packed so that the commonest emission is a few operations: the low two bytes are REX (with W)
// and opcode as they stand in memory, the upper ones say what else there is.
class PackedEncoding {
 public:
  explicit constexpr PackedEncoding(uint8_t opcode, OpcodeMap map = OpcodeMap::kPrimary,
                                    Prefix prefix = Prefix::kNone)
      : bits_(kRex | uint32_t{opcode} << 8 | static_cast<uint32_t>(map) << kMapShift |
              static_cast<uint32_t>(prefix) << kPrefixShift) {}

  constexpr PackedEncoding(const Encoding& encoding)
      : PackedEncoding(encoding.opcode, encoding.map, encoding.prefix) {
    bits_ |= (encoding.wide ? kRexW : 0) | (encoding.operand16 ? kOperand16 : 0) |
             (encoding.byte_reg ? kByteReg : 0) | (encoding.byte_rm ? kByteRm : 0) |
             (encoding.lock ? kLock : 0);
  }

  // With REX.W or VEX.W.
  constexpr PackedEncoding Wide(bool wide = true) const {
    return FromBits(bits_ | (wide ? kRexW : 0));
  }
  // For instructions that come in the widths 16, 32 and 64 with one opcode.
  constexpr PackedEncoding ForWidth(Width width) const {
    constexpr uint32_t kAdd[] = {0, kOperand16, 0, kRexW, 0};
    return FromBits(bits_ | kAdd[static_cast<int>(width)]);
  }
  // For those whose opcode's low bit tells 8 bits (clear, as it must be here) from the
  // others; both operands are of that width.
  constexpr PackedEncoding ForByteWidth(Width width) const {
    constexpr uint32_t kAdd[] = {kByteReg | kByteRm, kOddOpcode | kOperand16, kOddOpcode,
                                 kOddOpcode | kRexW, 0};
    return FromBits(bits_ | kAdd[static_cast<int>(width)]);
  }
  // The same where the register field is an extension of the opcode.
  constexpr PackedEncoding ForByteWidthDigit(Width width) const {
    constexpr uint32_t kAdd[] = {kByteRm, kOddOpcode | kOperand16, kOddOpcode, kOddOpcode | kRexW,
                                 0};
    return FromBits(bits_ | kAdd[static_cast<int>(width)]);
  }
  // With a byte register in the r/m field alone.
  constexpr PackedEncoding ByteRm() const { return FromBits(bits_ | kByteRm); }
  // Behind a lock prefix.
  constexpr PackedEncoding Locked() const { return FromBits(bits_ | kLock); }
  // With an opcode this much further on.
  constexpr PackedEncoding Plus(uint32_t count) const { return FromBits(bits_ + (count << 8)); }

  constexpr uint8_t opcode() const { return static_cast<uint8_t>(bits_ >> 8); }
  constexpr OpcodeMap map() const { return static_cast<OpcodeMap>((bits_ >> kMapShift) & 3); }
  constexpr Prefix prefix() const { return static_cast<Prefix>((bits_ >> kPrefixShift) & 3); }
  // The bit in its place in a REX, or 0.
  constexpr uint32_t rex_w() const { return bits_ & kRexW; }
  // REX, with W or without, and opcode.
  constexpr uint32_t rex_and_opcode() const { return bits_ & 0xFFFF; }
  constexpr bool operand16() const { return (bits_ & kOperand16) != 0; }
  constexpr bool lock() const { return (bits_ & kLock) != 0; }
  constexpr uint32_t byte_reg() const { return (bits_ / kByteReg) & 1; }
  constexpr uint32_t byte_rm() const { return (bits_ / kByteRm) & 1; }
  // Whether all is said by REX and an opcode of one byte: so are most instructions.
  constexpr bool IsShort() const { return bits_ >> 16 == 0; }

 private:
  static constexpr PackedEncoding FromBits(uint32_t bits) {
    PackedEncoding encoding(0);
    encoding.bits_ = bits;
    return encoding;
  }

  static constexpr uint32_t kRex = 0x40;
  static constexpr uint32_t kRexW = 0x08;
  static constexpr uint32_t kOddOpcode = 1u << 8;
  static constexpr int kMapShift = 16;
  static constexpr int kPrefixShift = 18;
  static constexpr uint32_t kOperand16 = 1u << 20;
  static constexpr uint32_t kByteReg = 1u << 21;
  static constexpr uint32_t kByteRm = 1u << 22;
  static constexpr uint32_t kLock = 1u << 23;

  uint32_t bits_;
};

// An immediate behind the operands: its little-endian bytes and how many there are.
struct Immediate {
  uint64_t bits = 0;
  uint8_t bytes = 0;
};

// `reg` is the register field, or an extension of the opcode; `rm` the register of the r/m
// field.
void EmitRegisters(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t rm,
                   Immediate immediate = {});
// The same with memory in the r/m field.
void EmitMemory(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                const Address& address, Immediate immediate = {});
// Opcodes that hold a register in their low three bits.
void EmitOpcodeRegister(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                        Immediate immediate = {});
// Opcodes without operands.
void EmitPlain(codegen::MachBuffer& buffer, PackedEncoding encoding, Immediate immediate = {});

// VEX forms, 128 bits or scalar. `second` is the register in VEX.vvvv, 0 where there is none.
void EmitVexRegisters(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                      uint8_t second, uint8_t rm, Immediate immediate = {});
void EmitVexMemory(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                   uint8_t second, const Address& address, Immediate immediate = {});

// EVEX forms, 128 bits, without a mask. `memory` is the width of an operand in memory:
// displacements that are a multiple of it are encoded as such.
void EmitEvexRegisters(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                       uint8_t second, uint8_t rm, Immediate immediate = {});
void EmitEvexMemory(codegen::MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                    uint8_t second, const Address& address, Width memory, Immediate immediate = {});

// The same for an encoding spelled out: EmitPlain(buffer, {.opcode = 0xC3}).
inline void EmitRegisters(codegen::MachBuffer& buffer, const Encoding& encoding, uint8_t reg,
                          uint8_t rm, Immediate immediate = {}) {
  EmitRegisters(buffer, PackedEncoding(encoding), reg, rm, immediate);
}
inline void EmitMemory(codegen::MachBuffer& buffer, const Encoding& encoding, uint8_t reg,
                       const Address& address, Immediate immediate = {}) {
  EmitMemory(buffer, PackedEncoding(encoding), reg, address, immediate);
}
inline void EmitOpcodeRegister(codegen::MachBuffer& buffer, const Encoding& encoding, uint8_t reg,
                               Immediate immediate = {}) {
  EmitOpcodeRegister(buffer, PackedEncoding(encoding), reg, immediate);
}
inline void EmitPlain(codegen::MachBuffer& buffer, const Encoding& encoding,
                      Immediate immediate = {}) {
  EmitPlain(buffer, PackedEncoding(encoding), immediate);
}
inline void EmitVexRegisters(codegen::MachBuffer& buffer, const Encoding& encoding, uint8_t reg,
                             uint8_t second, uint8_t rm, Immediate immediate = {}) {
  EmitVexRegisters(buffer, PackedEncoding(encoding), reg, second, rm, immediate);
}
inline void EmitVexMemory(codegen::MachBuffer& buffer, const Encoding& encoding, uint8_t reg,
                          uint8_t second, const Address& address, Immediate immediate = {}) {
  EmitVexMemory(buffer, PackedEncoding(encoding), reg, second, address, immediate);
}

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_ENCODER_H_
