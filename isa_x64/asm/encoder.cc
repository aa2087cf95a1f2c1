#include "isa_x64/asm/encoder.h"

#include <cstring>

namespace gantry::x64 {
namespace {

using codegen::MachBuffer;

constexpr uint32_t kRex = 0x40;

// Each helper writes at `p` whether or not the byte counts, and moves on only if it does.
inline uint8_t* PutIf(uint8_t* p, uint8_t byte, bool counts) {
  *p = byte;
  return p + counts;
}

// Everything up to and including the opcode. `rex` has the R, X and B bits.
inline uint8_t* PutLegacyOpcode(uint8_t* p, PackedEncoding encoding, uint32_t rex,
                                uint32_t force_rex) {
  if (ABSL_PREDICT_FALSE(encoding.operand16())) *p++ = 0x66;
  if (ABSL_PREDICT_FALSE(encoding.lock())) *p++ = 0xF0;
  const uint32_t prefixes = 0xF2F36600;
  const uint32_t prefix = static_cast<uint32_t>(encoding.prefix());
  p = PutIf(p, static_cast<uint8_t>(prefixes >> (8 * prefix)), prefix != 0);
  rex |= encoding.rex_w();
  p = PutIf(p, static_cast<uint8_t>(kRex | rex), (rex | force_rex) != 0);
  const uint32_t opcode = encoding.opcode();
  if (ABSL_PREDICT_TRUE(encoding.map() == OpcodeMap::k0F)) {
    const uint16_t word = static_cast<uint16_t>(0x0F | opcode << 8);
    std::memcpy(p, &word, sizeof word);
    return p + 2;
  }
  if (encoding.map() == OpcodeMap::kPrimary) {
    *p = static_cast<uint8_t>(opcode);
    return p + 1;
  }
  const uint32_t word =
      0x0F | (encoding.map() == OpcodeMap::k0F38 ? 0x3800 : 0x3A00) | opcode << 16;
  std::memcpy(p, &word, sizeof word);
  return p + 3;
}

// For short encodings: REX (left out where it says nothing), opcode and the byte `next`.
// Returns the end of the opcode.
inline uint8_t* PutShort(uint8_t* p, PackedEncoding encoding, uint32_t rex, uint32_t next) {
  const uint32_t without = (rex | encoding.rex_w()) == 0;
  uint32_t word = encoding.rex_and_opcode() | rex | next << 16;
  word >>= 8 * without;
  std::memcpy(p, &word, sizeof word);
  return p + 2 - without;
}

inline uint8_t* PutVexOpcode(uint8_t* p, PackedEncoding encoding, uint32_t rex, uint32_t second) {
  const uint32_t last = (~second & 15) << 3 | static_cast<uint32_t>(encoding.prefix());
  uint32_t word;
  if ((rex & 3) == 0 && encoding.rex_w() == 0 && encoding.map() == OpcodeMap::k0F) {
    word = 0xC5 | ((~rex & 4) << 5 | last) << 8 | uint32_t{encoding.opcode()} << 16;
    std::memcpy(p, &word, sizeof word);
    return p + 3;
  }
  word = 0xC4 | ((~rex & 7) << 5 | static_cast<uint32_t>(encoding.map())) << 8 |
         (encoding.rex_w() << 4 | last) << 16 | uint32_t{encoding.opcode()} << 24;
  std::memcpy(p, &word, sizeof word);
  return p + 4;
}

inline uint8_t* PutEvexOpcode(uint8_t* p, PackedEncoding encoding, uint32_t rex, uint32_t second) {
  // Bit 4 of the registers, inverted, is set here and there: there are 16.
  const uint32_t first = (~rex & 7) << 5 | 0x10 | static_cast<uint32_t>(encoding.map());
  const uint32_t middle =
      encoding.rex_w() << 4 | (~second & 15) << 3 | 4 | static_cast<uint32_t>(encoding.prefix());
  const uint32_t word = 0x62 | first << 8 | middle << 16 | 0x08000000;
  std::memcpy(p, &word, sizeof word);
  p[4] = encoding.opcode();
  return p + 5;
}

inline uint8_t* PutImmediate(uint8_t* p, Immediate immediate) {
  std::memcpy(p, &immediate.bits, sizeof immediate.bits);
  return p + immediate.bytes;
}

// The displacement at end - 4 counts from the end of the instruction.
ABSL_ATTRIBUTE_NOINLINE void FinishRelative(MachBuffer& buffer, uint8_t* end, uint8_t* last,
                                            const Address& address) {
  uint8_t* const field = end - 4;
  uint32_t displacement;
  std::memcpy(&displacement, field, sizeof displacement);
  displacement -= static_cast<uint32_t>(last - field);
  std::memcpy(field, &displacement, sizeof displacement);
  buffer.EndInstruction(last);
  buffer.UseLabel(buffer.offset() - static_cast<codegen::CodeOffset>(last - field), address.label(),
                  kRel32);
}

inline uint32_t ModRm(uint32_t reg, uint32_t rm) { return 0xC0 | (reg & 7) << 3 | (rm & 7); }

// Bits of REX for a register in the R and in the B position.
inline uint32_t RexRB(uint32_t reg, uint32_t rm) { return (reg >> 1 & 4) | rm >> 3; }

// spl, bpl, sil and dil are ah, ch, dh and bh without a REX. (Registers from 8 on need one
// anyway.) Bit 0 of the result counts.
inline uint32_t NeedsRex(uint32_t is_byte, uint32_t reg) { return is_byte & (reg >> 2); }

// ModRM, SIB, displacement, immediate, and the use of the label if there is one.
inline void FinishMemory(MachBuffer& buffer, uint8_t* p, uint32_t reg, const Address& address,
                         uint64_t tail, uint8_t tail_length, Immediate immediate) {
  tail |= uint64_t{(reg & 7) << 3};
  std::memcpy(p, &tail, sizeof tail);
  uint8_t* const end = p + tail_length;
  uint8_t* const last = PutImmediate(end, immediate);
  if (ABSL_PREDICT_TRUE(address.label().is_none())) {
    buffer.EndInstruction(last);
    return;
  }
  FinishRelative(buffer, end, last, address);
}
inline void FinishMemory(MachBuffer& buffer, uint8_t* p, uint32_t reg, const Address& address,
                         Immediate immediate) {
  FinishMemory(buffer, p, reg, address, address.tail(), address.tail_length(), immediate);
}

// The bytes of an address where a displacement of one byte counts units of `memory`.
struct Tail {
  uint64_t bytes;
  uint8_t length;
};
inline Tail CompressedTail(const Address& address, Width memory) {
  const uint64_t tail = address.tail();
  const uint32_t mode = tail >> 6 & 3;
  // Neither a missing displacement nor one without a base (or relative to rip) is ever short.
  if (mode == 0) return {tail, address.tail_length()};
  const uint8_t head = address.tail_length() - (mode == 1 ? 1 : 4);
  const uint32_t field = static_cast<uint32_t>(tail >> (8 * head));
  const int32_t displacement = mode == 1 ? static_cast<int8_t>(field) : static_cast<int32_t>(field);
  const uint64_t head_bytes = tail & ((uint64_t{1} << (8 * head)) - 1) & ~uint64_t{0xC0};
  const int32_t unit = static_cast<int32_t>(BytesOf(memory));
  const int32_t count = displacement / unit;
  if (displacement % unit == 0 && count >= -128 && count <= 127) {
    return {head_bytes | 1 << 6 | uint64_t{static_cast<uint8_t>(count)} << (8 * head),
            static_cast<uint8_t>(head + 1)};
  }
  return {head_bytes | 2 << 6 | uint64_t{static_cast<uint32_t>(displacement)} << (8 * head),
          static_cast<uint8_t>(head + 4)};
}

// Everything that is not short, or has no room. Apart, so that the functions below are leaves.
ABSL_ATTRIBUTE_NOINLINE void EmitLongRegisters(MachBuffer& buffer, PackedEncoding encoding,
                                               uint8_t reg, uint8_t rm, Immediate immediate) {
  uint8_t* p = buffer.BeginInstruction();
  const uint32_t force_rex =
      (NeedsRex(encoding.byte_reg(), reg) | NeedsRex(encoding.byte_rm(), rm)) & 1;
  p = PutLegacyOpcode(p, encoding, RexRB(reg, rm), force_rex);
  *p = static_cast<uint8_t>(ModRm(reg, rm));
  buffer.EndInstruction(PutImmediate(p + 1, immediate));
}

ABSL_ATTRIBUTE_NOINLINE void EmitLongMemory(MachBuffer& buffer, PackedEncoding encoding,
                                            uint8_t reg, const Address& address,
                                            Immediate immediate) {
  const uint32_t rex = (uint32_t{reg} >> 1 & 4) | address.rex();
  const uint32_t force_rex = NeedsRex(encoding.byte_reg(), reg) & 1;
  uint8_t* p = PutLegacyOpcode(buffer.BeginInstruction(), encoding, rex, force_rex);
  FinishMemory(buffer, p, reg, address, immediate);
}

}  // namespace

void EmitRegisters(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t rm,
                   Immediate immediate) {
  uint8_t* p = buffer.TryBeginInstruction();
  if (!encoding.IsShort() || ABSL_PREDICT_FALSE(p == nullptr)) {
    return EmitLongRegisters(buffer, encoding, reg, rm, immediate);
  }
  p = PutShort(p, encoding, RexRB(reg, rm), ModRm(reg, rm));
  buffer.EndInstruction(PutImmediate(p + 1, immediate));
}

void EmitMemory(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, const Address& address,
                Immediate immediate) {
  uint8_t* p = buffer.TryBeginInstruction();
  if (!encoding.IsShort() || ABSL_PREDICT_FALSE(p == nullptr)) {
    return EmitLongMemory(buffer, encoding, reg, address, immediate);
  }
  p = PutShort(p, encoding, (uint32_t{reg} >> 1 & 4) | address.rex(), 0);
  FinishMemory(buffer, p, reg, address, immediate);
}

void EmitOpcodeRegister(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg,
                        Immediate immediate) {
  uint8_t* p = buffer.BeginInstruction();
  encoding = encoding.Plus(reg & 7);
  p = encoding.IsShort() ? PutShort(p, encoding, reg >> 3, 0)
                         : PutLegacyOpcode(p, encoding, reg >> 3, 0);
  buffer.EndInstruction(PutImmediate(p, immediate));
}

void EmitPlain(MachBuffer& buffer, PackedEncoding encoding, Immediate immediate) {
  uint8_t* p = PutLegacyOpcode(buffer.BeginInstruction(), encoding, 0, 0);
  buffer.EndInstruction(PutImmediate(p, immediate));
}

void EmitVexRegisters(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t second,
                      uint8_t rm, Immediate immediate) {
  uint8_t* p = PutVexOpcode(buffer.BeginInstruction(), encoding, RexRB(reg, rm), second);
  *p = static_cast<uint8_t>(ModRm(reg, rm));
  buffer.EndInstruction(PutImmediate(p + 1, immediate));
}

void EmitVexMemory(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t second,
                   const Address& address, Immediate immediate) {
  const uint32_t rex = (uint32_t{reg} >> 1 & 4) | address.rex();
  uint8_t* p = PutVexOpcode(buffer.BeginInstruction(), encoding, rex, second);
  FinishMemory(buffer, p, reg, address, immediate);
}

void EmitEvexRegisters(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t second,
                       uint8_t rm, Immediate immediate) {
  uint8_t* p = PutEvexOpcode(buffer.BeginInstruction(), encoding, RexRB(reg, rm), second);
  *p = static_cast<uint8_t>(ModRm(reg, rm));
  buffer.EndInstruction(PutImmediate(p + 1, immediate));
}

void EmitEvexMemory(MachBuffer& buffer, PackedEncoding encoding, uint8_t reg, uint8_t second,
                    const Address& address, Width memory, Immediate immediate) {
  const uint32_t rex = (uint32_t{reg} >> 1 & 4) | address.rex();
  uint8_t* p = PutEvexOpcode(buffer.BeginInstruction(), encoding, rex, second);
  const Tail tail = CompressedTail(address, memory);
  FinishMemory(buffer, p, reg, address, tail.bytes, tail.length, immediate);
}

}  // namespace gantry::x64
