#include "isa_x64/asm/encoder.h"

#include <cstring>

namespace gantry::x64 {
namespace {

using codegen::MachBuffer;

constexpr uint8_t kRex = 0x40;
constexpr uint8_t kRexW = 8;

// Each helper writes at `p` whether or not the byte counts, and moves on only if it does.
inline uint8_t* PutIf(uint8_t* p, uint8_t byte, bool counts) {
  *p = byte;
  return p + counts;
}

// Everything up to and including the opcode. `rex` has the R, X and B bits.
inline uint8_t* PutLegacyOpcode(uint8_t* p, Encoding encoding, uint8_t rex, bool force_rex) {
  p = PutIf(p, 0x66, encoding.operand16);
  const uint32_t prefixes = 0xF2F36600;
  const uint8_t prefix = static_cast<uint8_t>(encoding.prefix);
  p = PutIf(p, static_cast<uint8_t>(prefixes >> (8 * prefix)), prefix != 0);
  rex |= encoding.wide ? kRexW : 0;
  p = PutIf(p, kRex | rex, rex != 0 || force_rex);
  if (encoding.map != OpcodeMap::kPrimary) {
    *p++ = 0x0F;
    p = PutIf(p, encoding.map == OpcodeMap::k0F38 ? 0x38 : 0x3A, encoding.map >= OpcodeMap::k0F38);
  }
  *p++ = encoding.opcode;
  return p;
}

inline uint8_t* PutVexOpcode(uint8_t* p, Encoding encoding, uint8_t rex, uint8_t second) {
  const uint8_t last =
      static_cast<uint8_t>((~second & 15) << 3 | static_cast<uint8_t>(encoding.prefix));
  const uint8_t not_r = static_cast<uint8_t>((~rex & 4) << 5);
  if ((rex & 3) == 0 && !encoding.wide && encoding.map == OpcodeMap::k0F) {
    *p++ = 0xC5;
    *p++ = not_r | last;
  } else {
    *p++ = 0xC4;
    *p++ = static_cast<uint8_t>((~rex & 7) << 5 | static_cast<uint8_t>(encoding.map));
    *p++ = static_cast<uint8_t>(encoding.wide << 7) | last;
  }
  *p++ = encoding.opcode;
  return p;
}

inline uint8_t* PutImmediate(uint8_t* p, Immediate immediate) {
  std::memcpy(p, &immediate.bits, sizeof immediate.bits);
  return p + immediate.bytes;
}

inline uint8_t* PutModRm(uint8_t* p, uint8_t reg, uint8_t rm) {
  *p = static_cast<uint8_t>(0xC0 | (reg & 7) << 3 | (rm & 7));
  return p + 1;
}

// ModRM, SIB, displacement, immediate, and the use of the label if there is one.
inline void FinishMemory(MachBuffer& buffer, uint8_t* p, uint8_t reg, const Address& address,
                         Immediate immediate) {
  const uint64_t tail = address.tail() | static_cast<uint64_t>(reg & 7) << 3;
  std::memcpy(p, &tail, sizeof tail);
  uint8_t* const end = p + address.tail_length();
  uint8_t* const last = PutImmediate(end, immediate);
  if (ABSL_PREDICT_FALSE(address.label().is_some())) {
    uint8_t* const field = end - 4;
    uint32_t displacement;
    std::memcpy(&displacement, field, sizeof displacement);
    displacement -= static_cast<uint32_t>(last - field);
    std::memcpy(field, &displacement, sizeof displacement);
    const codegen::CodeOffset use =
        buffer.offset() + static_cast<codegen::CodeOffset>(field - buffer.BeginInstruction());
    buffer.EndInstruction(last);
    buffer.UseLabel(use, address.label(), kRel32);
    return;
  }
  buffer.EndInstruction(last);
}

// Bits of REX for a register in the R and in the B position.
inline uint8_t RexRB(uint8_t reg, uint8_t rm) {
  return static_cast<uint8_t>((reg >> 3) << 2 | rm >> 3);
}

// spl, bpl, sil and dil are ah, ch, dh and bh without a REX.
inline bool NeedsRex(bool is_byte, uint8_t reg) { return is_byte && reg >= 4; }

}  // namespace

void EmitRegisters(MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t rm,
                   Immediate immediate) {
  uint8_t* p = buffer.BeginInstruction();
  p = PutLegacyOpcode(p, encoding, RexRB(reg, rm),
                      NeedsRex(encoding.byte_reg, reg) || NeedsRex(encoding.byte_rm, rm));
  buffer.EndInstruction(PutImmediate(PutModRm(p, reg, rm), immediate));
}

void EmitMemory(MachBuffer& buffer, Encoding encoding, uint8_t reg, const Address& address,
                Immediate immediate) {
  uint8_t* p = buffer.BeginInstruction();
  const uint8_t rex = static_cast<uint8_t>((reg >> 3) << 2 | address.rex());
  p = PutLegacyOpcode(p, encoding, rex, NeedsRex(encoding.byte_reg, reg));
  FinishMemory(buffer, p, reg, address, immediate);
}

void EmitOpcodeRegister(MachBuffer& buffer, Encoding encoding, uint8_t reg, Immediate immediate) {
  uint8_t* p = buffer.BeginInstruction();
  encoding.opcode = static_cast<uint8_t>(encoding.opcode + (reg & 7));
  p = PutLegacyOpcode(p, encoding, reg >> 3, NeedsRex(encoding.byte_rm, reg));
  buffer.EndInstruction(PutImmediate(p, immediate));
}

void EmitPlain(MachBuffer& buffer, Encoding encoding, Immediate immediate) {
  uint8_t* p = PutLegacyOpcode(buffer.BeginInstruction(), encoding, 0, false);
  buffer.EndInstruction(PutImmediate(p, immediate));
}

void EmitVexRegisters(MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t second,
                      uint8_t rm, Immediate immediate) {
  uint8_t* p = PutVexOpcode(buffer.BeginInstruction(), encoding, RexRB(reg, rm), second);
  buffer.EndInstruction(PutImmediate(PutModRm(p, reg, rm), immediate));
}

void EmitVexMemory(MachBuffer& buffer, Encoding encoding, uint8_t reg, uint8_t second,
                   const Address& address, Immediate immediate) {
  const uint8_t rex = static_cast<uint8_t>((reg >> 3) << 2 | address.rex());
  uint8_t* p = PutVexOpcode(buffer.BeginInstruction(), encoding, rex, second);
  FinishMemory(buffer, p, reg, address, immediate);
}

}  // namespace gantry::x64
