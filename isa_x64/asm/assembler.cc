#include "isa_x64/asm/assembler.h"

#include <cstring>

#include "base/check.h"
#include "isa_x64/asm/assembler_internal.h"

namespace gantry::x64 {
namespace {

using codegen::CodeOffset;
using codegen::MachLabel;

constexpr PackedEncoding Primary(uint8_t opcode) { return PackedEncoding(opcode); }
// Indexed by the operations' enums.
#define GANTRY_X64_DIGIT(name, Name, digit) digit,
constexpr uint8_t kAluDigits[] = {GANTRY_X64_ALU(GANTRY_X64_DIGIT)};
constexpr uint8_t kShiftDigits[] = {GANTRY_X64_SHIFT(GANTRY_X64_DIGIT)};
#undef GANTRY_X64_DIGIT

struct OpcodeAndDigit {
  uint8_t opcode;
  uint8_t digit;
};
#define GANTRY_X64_ENTRY(name, Name, Opcode, Digit) {Opcode, Digit},
constexpr OpcodeAndDigit kUnaryOps[] = {GANTRY_X64_UNARY(GANTRY_X64_ENTRY)};
constexpr OpcodeAndDigit kBitOps[] = {GANTRY_X64_BIT(GANTRY_X64_ENTRY)};
constexpr OpcodeAndDigit kBmiVmOps[] = {GANTRY_X64_BMI_VM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Opcode) Map0F(Opcode).Locked(),
constexpr PackedEncoding kLockExchangeOps[] = {GANTRY_X64_LOCK_EXCHANGE(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Mandatory, Table, Opcode) \
  PackedEncoding(Opcode, OpcodeMap::Table, Prefix::Mandatory),
constexpr PackedEncoding kGprRmOps[] = {GANTRY_X64_GPR_RM(GANTRY_X64_ENTRY)
                                            GANTRY_X64_GPR_RM_WIDE(GANTRY_X64_ENTRY)};
constexpr PackedEncoding kPlainOps[] = {GANTRY_X64_PLAIN(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Opcode) Map0F(Opcode),
constexpr PackedEncoding kDoubleShiftOps[] = {GANTRY_X64_DOUBLE_SHIFT(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Mandatory, Opcode) Map0F38(Opcode, Prefix::Mandatory),
constexpr PackedEncoding kBmiRvmOps[] = {GANTRY_X64_BMI_RVM(GANTRY_X64_ENTRY)};
constexpr PackedEncoding kBmiRmvOps[] = {GANTRY_X64_BMI_RMV(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

// `imm` as a signed number of the operation's width.
inline int32_t Normalize(Width width, int32_t imm) {
  if (width == Width::k8) {
    CHECK(imm >= -128 && imm <= 255) << imm << " does not fit 8 bits";
    return static_cast<int8_t>(imm);
  }
  if (width == Width::k16) {
    CHECK(imm >= -32768 && imm <= 65535) << imm << " does not fit 16 bits";
    return static_cast<int16_t>(imm);
  }
  return imm;
}

// The immediate of full length: one byte, two, or four.
Immediate FullImm(Width width, int32_t imm) {
  const uint8_t bytes = width == Width::k8 ? 1 : width == Width::k16 ? 2 : 4;
  return {static_cast<uint32_t>(imm), bytes};
}

bool FitsInt8(int32_t value) { return value >= -128 && value <= 127; }

inline void CheckAmount(Width width, uint8_t amount) {
  CHECK(amount < BitsOf(width)) << "shift of " << BitsOf(width) << " bits by " << int{amount};
}

}  // namespace

// --- General registers -----------------------------------------------------------------

void Assembler::alu(AluOp op, Width width, Gpr dst, Gpr src) {
  const uint8_t opcode = static_cast<uint8_t>(8 * Lookup(kAluDigits, op));
  EmitRegisters(buffer_, Primary(opcode).ForByteWidth(width), src.encoding(), dst.encoding());
}

void Assembler::alu(AluOp op, Width width, Gpr dst, const Address& src) {
  const uint8_t opcode = static_cast<uint8_t>(8 * Lookup(kAluDigits, op) + 2);
  EmitMemory(buffer_, Primary(opcode).ForByteWidth(width), dst.encoding(), src);
}

void Assembler::alu(AluOp op, Width width, const Address& dst, Gpr src) {
  const uint8_t opcode = static_cast<uint8_t>(8 * Lookup(kAluDigits, op));
  EmitMemory(buffer_, Primary(opcode).ForByteWidth(width), src.encoding(), dst);
}

void Assembler::alu(AluOp op, Width width, Gpr dst, int32_t imm) {
  imm = Normalize(width, imm);
  const uint8_t digit = Lookup(kAluDigits, op);
  if (width != Width::k8 && FitsInt8(imm)) {
    EmitRegisters(buffer_, Primary(0x83).ForWidth(width), digit, dst.encoding(), Imm8(imm));
  } else if (dst.encoding() == 0) {
    const uint8_t opcode = static_cast<uint8_t>(8 * digit + 4);
    EmitPlain(buffer_, Primary(opcode).ForByteWidth(width), FullImm(width, imm));
  } else {
    EmitRegisters(buffer_, Primary(0x80).ForByteWidthDigit(width), digit, dst.encoding(),
                  FullImm(width, imm));
  }
}

namespace {

// Of operations on memory and an immediate, whose extension of the opcode is the operation.
struct EncodingAndImmediate {
  PackedEncoding encoding;
  Immediate immediate;
};
EncodingAndImmediate AluMemoryImmediate(Width width, int32_t imm) {
  imm = Normalize(width, imm);
  if (width != Width::k8 && FitsInt8(imm)) return {Primary(0x83).ForWidth(width), Imm8(imm)};
  return {Primary(0x80).ForByteWidthDigit(width), FullImm(width, imm)};
}

}  // namespace

void Assembler::alu(AluOp op, Width width, const Address& dst, int32_t imm) {
  const EncodingAndImmediate form = AluMemoryImmediate(width, imm);
  EmitMemory(buffer_, form.encoding, Lookup(kAluDigits, op), dst, form.immediate);
}

void Assembler::lock_alu(AluOp op, Width width, const Address& dst, Gpr src) {
  DCHECK(op != AluOp::kCmp);
  const uint8_t opcode = static_cast<uint8_t>(8 * Lookup(kAluDigits, op));
  EmitMemory(buffer_, Primary(opcode).ForByteWidth(width).Locked(), src.encoding(), dst);
}

void Assembler::lock_alu(AluOp op, Width width, const Address& dst, int32_t imm) {
  DCHECK(op != AluOp::kCmp);
  const EncodingAndImmediate form = AluMemoryImmediate(width, imm);
  EmitMemory(buffer_, form.encoding.Locked(), Lookup(kAluDigits, op), dst, form.immediate);
}

void Assembler::lock_exchange(LockExchangeOp op, Width width, const Address& dst, Gpr src) {
  EmitMemory(buffer_, Lookup(kLockExchangeOps, op).ForByteWidth(width), src.encoding(), dst);
}

void Assembler::test(Width width, Gpr a, Gpr b) {
  EmitRegisters(buffer_, Primary(0x84).ForByteWidth(width), b.encoding(), a.encoding());
}

void Assembler::test(Width width, const Address& a, Gpr b) {
  EmitMemory(buffer_, Primary(0x84).ForByteWidth(width), b.encoding(), a);
}

void Assembler::test(Width width, Gpr a, int32_t imm) {
  const Immediate immediate = FullImm(width, Normalize(width, imm));
  if (a.encoding() == 0) {
    EmitPlain(buffer_, Primary(0xA8).ForByteWidth(width), immediate);
  } else {
    EmitRegisters(buffer_, Primary(0xF6).ForByteWidthDigit(width), 0, a.encoding(), immediate);
  }
}

void Assembler::test(Width width, const Address& a, int32_t imm) {
  EmitMemory(buffer_, Primary(0xF6).ForByteWidthDigit(width), 0, a,
             FullImm(width, Normalize(width, imm)));
}

void Assembler::shift_imm(ShiftOp op, Width width, Gpr dst, uint8_t amount) {
  CheckAmount(width, amount);
  const uint8_t digit = Lookup(kShiftDigits, op);
  if (amount == 1) {
    EmitRegisters(buffer_, Primary(0xD0).ForByteWidthDigit(width), digit, dst.encoding());
  } else {
    EmitRegisters(buffer_, Primary(0xC0).ForByteWidthDigit(width), digit, dst.encoding(),
                  Imm8(amount));
  }
}

void Assembler::shift_imm(ShiftOp op, Width width, const Address& dst, uint8_t amount) {
  CheckAmount(width, amount);
  const uint8_t digit = Lookup(kShiftDigits, op);
  if (amount == 1) {
    EmitMemory(buffer_, Primary(0xD0).ForByteWidthDigit(width), digit, dst);
  } else {
    EmitMemory(buffer_, Primary(0xC0).ForByteWidthDigit(width), digit, dst, Imm8(amount));
  }
}

void Assembler::shift_cl(ShiftOp op, Width width, Gpr dst) {
  EmitRegisters(buffer_, Primary(0xD2).ForByteWidthDigit(width), Lookup(kShiftDigits, op),
                dst.encoding());
}

void Assembler::shift_cl(ShiftOp op, Width width, const Address& dst) {
  EmitMemory(buffer_, Primary(0xD2).ForByteWidthDigit(width), Lookup(kShiftDigits, op), dst);
}

void Assembler::unary(UnaryOp op, Width width, Gpr dst) {
  const OpcodeAndDigit entry = Lookup(kUnaryOps, op);
  EmitRegisters(buffer_, Primary(entry.opcode).ForByteWidthDigit(width), entry.digit,
                dst.encoding());
}

void Assembler::unary(UnaryOp op, Width width, const Address& dst) {
  const OpcodeAndDigit entry = Lookup(kUnaryOps, op);
  EmitMemory(buffer_, Primary(entry.opcode).ForByteWidthDigit(width), entry.digit, dst);
}

void Assembler::gpr_rm(GprRmOp op, Width width, Gpr dst, Gpr src) {
  CheckWidth(width, Width::k16);
  EmitRegisters(buffer_, Lookup(kGprRmOps, op).ForWidth(width), dst.encoding(), src.encoding());
}

void Assembler::gpr_rm(GprRmOp op, Width width, Gpr dst, const Address& src) {
  CheckWidth(width, Width::k16);
  EmitMemory(buffer_, Lookup(kGprRmOps, op).ForWidth(width), dst.encoding(), src);
}

void Assembler::imul(Width width, Gpr dst, Gpr src, int32_t imm) {
  CheckWidth(width, Width::k16);
  imm = Normalize(width, imm);
  const bool small = FitsInt8(imm);
  EmitRegisters(buffer_, Primary(small ? 0x6B : 0x69).ForWidth(width), dst.encoding(),
                src.encoding(), small ? Imm8(imm) : FullImm(width, imm));
}

void Assembler::imul(Width width, Gpr dst, const Address& src, int32_t imm) {
  CheckWidth(width, Width::k16);
  imm = Normalize(width, imm);
  const bool small = FitsInt8(imm);
  EmitMemory(buffer_, Primary(small ? 0x6B : 0x69).ForWidth(width), dst.encoding(), src,
             small ? Imm8(imm) : FullImm(width, imm));
}

void Assembler::bit(BitOp op, Width width, Gpr dst, Gpr index) {
  CheckWidth(width, Width::k16);
  EmitRegisters(buffer_, Map0F(Lookup(kBitOps, op).opcode).ForWidth(width), index.encoding(),
                dst.encoding());
}

void Assembler::bit(BitOp op, Width width, Gpr dst, uint8_t index) {
  CheckWidth(width, Width::k16);
  CheckAmount(width, index);
  EmitRegisters(buffer_, Map0F(0xBA).ForWidth(width), Lookup(kBitOps, op).digit, dst.encoding(),
                Imm8(index));
}

void Assembler::bit(BitOp op, Width width, const Address& dst, uint8_t index) {
  CheckWidth(width, Width::k16);
  CheckAmount(width, index);
  EmitMemory(buffer_, Map0F(0xBA).ForWidth(width), Lookup(kBitOps, op).digit, dst, Imm8(index));
}

void Assembler::double_shift_imm(DoubleShiftOp op, Width width, Gpr dst, Gpr src, uint8_t amount) {
  CheckWidth(width, Width::k16);
  CheckAmount(width, amount);
  EmitRegisters(buffer_, Lookup(kDoubleShiftOps, op).ForWidth(width), src.encoding(),
                dst.encoding(), Imm8(amount));
}

void Assembler::double_shift_cl(DoubleShiftOp op, Width width, Gpr dst, Gpr src) {
  CheckWidth(width, Width::k16);
  EmitRegisters(buffer_, Lookup(kDoubleShiftOps, op).Plus(1).ForWidth(width), src.encoding(),
                dst.encoding());
}

void Assembler::bmi_rvm(BmiRvmOp op, Width width, Gpr dst, Gpr a, Gpr b) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Lookup(kBmiRvmOps, op).Wide(width == Width::k64), dst.encoding(),
                   a.encoding(), b.encoding());
}

void Assembler::bmi_rvm(BmiRvmOp op, Width width, Gpr dst, Gpr a, const Address& b) {
  CheckWidth(width, Width::k32);
  EmitVexMemory(buffer_, Lookup(kBmiRvmOps, op).Wide(width == Width::k64), dst.encoding(),
                a.encoding(), b);
}

void Assembler::bmi_rmv(BmiRmvOp op, Width width, Gpr dst, Gpr src, Gpr control) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Lookup(kBmiRmvOps, op).Wide(width == Width::k64), dst.encoding(),
                   control.encoding(), src.encoding());
}

void Assembler::bmi_rmv(BmiRmvOp op, Width width, Gpr dst, const Address& src, Gpr control) {
  CheckWidth(width, Width::k32);
  EmitVexMemory(buffer_, Lookup(kBmiRmvOps, op).Wide(width == Width::k64), dst.encoding(),
                control.encoding(), src);
}

void Assembler::bmi_vm(BmiVmOp op, Width width, Gpr dst, Gpr src) {
  CheckWidth(width, Width::k32);
  const OpcodeAndDigit entry = Lookup(kBmiVmOps, op);
  EmitVexRegisters(buffer_, Map0F38(entry.opcode).Wide(width == Width::k64), entry.digit,
                   dst.encoding(), src.encoding());
}

void Assembler::bmi_vm(BmiVmOp op, Width width, Gpr dst, const Address& src) {
  CheckWidth(width, Width::k32);
  const OpcodeAndDigit entry = Lookup(kBmiVmOps, op);
  EmitVexMemory(buffer_, Map0F38(entry.opcode).Wide(width == Width::k64), entry.digit,
                dst.encoding(), src);
}

namespace {

constexpr PackedEncoding Rorx(Width width) {
  return PackedEncoding(0xF0, OpcodeMap::k0F3A, Prefix::kF2).Wide(width == Width::k64);
}

}  // namespace

void Assembler::rorx(Width width, Gpr dst, Gpr src, uint8_t amount) {
  CheckWidth(width, Width::k32);
  CheckAmount(width, amount);
  EmitVexRegisters(buffer_, Rorx(width), dst.encoding(), 0, src.encoding(), Imm8(amount));
}

void Assembler::rorx(Width width, Gpr dst, const Address& src, uint8_t amount) {
  CheckWidth(width, Width::k32);
  CheckAmount(width, amount);
  EmitVexMemory(buffer_, Rorx(width), dst.encoding(), 0, src, Imm8(amount));
}

void Assembler::mov(Width width, Gpr dst, Gpr src) {
  EmitRegisters(buffer_, Primary(0x88).ForByteWidth(width), src.encoding(), dst.encoding());
}

void Assembler::mov(Width width, Gpr dst, const Address& src) {
  EmitMemory(buffer_, Primary(0x8A).ForByteWidth(width), dst.encoding(), src);
}

void Assembler::mov(Width width, const Address& dst, Gpr src) {
  EmitMemory(buffer_, Primary(0x88).ForByteWidth(width), src.encoding(), dst);
}

void Assembler::mov(Width width, const Address& dst, int32_t imm) {
  EmitMemory(buffer_, Primary(0xC6).ForByteWidthDigit(width), 0, dst,
             FullImm(width, Normalize(width, imm)));
}

void Assembler::mov_imm(Width width, Gpr dst, int64_t imm) {
  CheckWidth(width, Width::k32);
  const uint64_t bits = static_cast<uint64_t>(imm);
  if (width == Width::k32 || bits <= 0xFFFFFFFF) {
    CHECK(bits <= 0xFFFFFFFF || (imm < 0 && imm >= INT32_MIN)) << imm << " does not fit 32 bits";
    EmitOpcodeRegister(buffer_, Primary(0xB8), dst.encoding(), {static_cast<uint32_t>(bits), 4});
  } else if (imm >= INT32_MIN && imm < 0) {
    EmitRegisters(buffer_, Primary(0xC7).Wide(), 0, dst.encoding(),
                  {static_cast<uint32_t>(bits), 4});
  } else {
    EmitOpcodeRegister(buffer_, Primary(0xB8).Wide(), dst.encoding(), {bits, 8});
  }
}

namespace {

// movzx and movsx from 8 bits; those from 16 have the next opcode.
PackedEncoding Extension(uint8_t opcode, Width to, Width from) {
  DCHECK(from < to && from <= Width::k16 && to <= Width::k64);
  const PackedEncoding encoding = Map0F(opcode).ForWidth(to);
  return from == Width::k8 ? encoding.ByteRm() : encoding.Plus(1);
}

}  // namespace

void Assembler::movzx(Width to, Gpr dst, Width from, Gpr src) {
  if (from == Width::k32) {
    EmitRegisters(buffer_, Primary(0x89), src.encoding(), dst.encoding());
  } else {
    EmitRegisters(buffer_, Extension(0xB6, to, from), dst.encoding(), src.encoding());
  }
}

void Assembler::movzx(Width to, Gpr dst, Width from, const Address& src) {
  if (from == Width::k32) {
    EmitMemory(buffer_, Primary(0x8B), dst.encoding(), src);
  } else {
    EmitMemory(buffer_, Extension(0xB6, to, from), dst.encoding(), src);
  }
}

void Assembler::movsx(Width to, Gpr dst, Width from, Gpr src) {
  if (from == Width::k32) {
    EmitRegisters(buffer_, Primary(0x63).Wide(), dst.encoding(), src.encoding());
  } else {
    EmitRegisters(buffer_, Extension(0xBE, to, from), dst.encoding(), src.encoding());
  }
}

void Assembler::movsx(Width to, Gpr dst, Width from, const Address& src) {
  if (from == Width::k32) {
    EmitMemory(buffer_, Primary(0x63).Wide(), dst.encoding(), src);
  } else {
    EmitMemory(buffer_, Extension(0xBE, to, from), dst.encoding(), src);
  }
}

void Assembler::lea(Width width, Gpr dst, const Address& address) {
  CheckWidth(width, Width::k32);
  EmitMemory(buffer_, Primary(0x8D).ForWidth(width), dst.encoding(), address);
}

void Assembler::xchg(Width width, Gpr a, Gpr b) {
  // Of the short forms with rax, the one with itself is nop, which would not clear the upper
  // half of rax at width 32.
  if (width != Width::k8 && a != b && (a.encoding() == 0 || b.encoding() == 0)) {
    EmitOpcodeRegister(buffer_, Primary(0x90).ForWidth(width),
                       a.encoding() == 0 ? b.encoding() : a.encoding());
    return;
  }
  EmitRegisters(buffer_, Primary(0x86).ForByteWidth(width), a.encoding(), b.encoding());
}

void Assembler::xchg(Width width, Gpr a, const Address& b) {
  EmitMemory(buffer_, Primary(0x86).ForByteWidth(width), a.encoding(), b);
}

void Assembler::bswap(Width width, Gpr dst) {
  CheckWidth(width, Width::k32);
  EmitOpcodeRegister(buffer_, Map0F(0xC8).ForWidth(width), dst.encoding());
}

void Assembler::cmov(Condition condition, Width width, Gpr dst, Gpr src) {
  CheckWidth(width, Width::k16);
  const PackedEncoding encoding = Map0F(0x40).Plus(static_cast<uint8_t>(condition));
  EmitRegisters(buffer_, encoding.ForWidth(width), dst.encoding(), src.encoding());
}

void Assembler::cmov(Condition condition, Width width, Gpr dst, const Address& src) {
  CheckWidth(width, Width::k16);
  const PackedEncoding encoding = Map0F(0x40).Plus(static_cast<uint8_t>(condition));
  EmitMemory(buffer_, encoding.ForWidth(width), dst.encoding(), src);
}

void Assembler::setcc(Condition condition, Gpr8 dst) {
  EmitRegisters(buffer_, Map0F(0x90).Plus(static_cast<uint8_t>(condition)).ByteRm(), 0,
                dst.encoding());
}

void Assembler::setcc(Condition condition, const Mem8& dst) {
  EmitMemory(buffer_, Map0F(0x90).Plus(static_cast<uint8_t>(condition)), 0, dst.address());
}

void Assembler::push(Gpr64 src) { EmitOpcodeRegister(buffer_, Primary(0x50), src.encoding()); }
void Assembler::push(const Mem64& src) { EmitMemory(buffer_, Primary(0xFF), 6, src.address()); }
void Assembler::push(int32_t imm) {
  if (FitsInt8(imm)) {
    EmitPlain(buffer_, Primary(0x6A), Imm8(imm));
  } else {
    EmitPlain(buffer_, Primary(0x68), FullImm(Width::k64, imm));
  }
}
void Assembler::pop(Gpr64 dst) { EmitOpcodeRegister(buffer_, Primary(0x58), dst.encoding()); }
void Assembler::pop(const Mem64& dst) { EmitMemory(buffer_, Primary(0x8F), 0, dst.address()); }
void Assembler::cdq() { EmitPlain(buffer_, Primary(0x99)); }
void Assembler::cqo() { EmitPlain(buffer_, Primary(0x99).Wide()); }

void Assembler::plain(PlainOp op) { EmitPlain(buffer_, Lookup(kPlainOps, op)); }
void Assembler::lfence() { EmitRegisters(buffer_, Map0F(0xAE), 5, 0); }
void Assembler::mfence() { EmitRegisters(buffer_, Map0F(0xAE), 6, 0); }

// --- Control flow ----------------------------------------------------------------------

namespace {

// Displacement fields count from their end.
constexpr uint32_t kMinus4 = 0xFFFFFFFC;
constexpr uint8_t kMinus1 = 0xFF;

// Whether a two-byte jump from the end of the code reaches `label`.
bool ReachedByShortJump(const codegen::MachBuffer& buffer, MachLabel label) {
  return buffer.IsBound(label) && buffer.offset() + 2 - buffer.OffsetOf(label) <= 128;
}

}  // namespace

void Assembler::jmp(MachLabel target) {
  if (ReachedByShortJump(buffer_, target)) return jmp_short(target);
  uint8_t* p = buffer_.BeginInstruction();
  const CodeOffset start = buffer_.offset();
  p[0] = 0xE9;
  std::memcpy(p + 1, &kMinus4, 4);
  buffer_.EndInstruction(p + 5);
  buffer_.AddJump(start, start + 1, target, kRel32);
}

void Assembler::jcc(Condition condition, MachLabel target) {
  if (ReachedByShortJump(buffer_, target)) return jcc_short(condition, target);
  uint8_t* p = buffer_.BeginInstruction();
  const CodeOffset start = buffer_.offset();
  p[0] = 0x0F;
  p[1] = static_cast<uint8_t>(0x80 + static_cast<uint8_t>(condition));
  std::memcpy(p + 2, &kMinus4, 4);
  buffer_.EndInstruction(p + 6);
  // The low bit of the second byte turns the condition around.
  buffer_.AddConditionalJump(start, start + 2, target, kRel32, 0x0100);
}

void Assembler::jmp_short(MachLabel target) {
  uint8_t* p = buffer_.BeginInstruction();
  const CodeOffset start = buffer_.offset();
  p[0] = 0xEB;
  p[1] = kMinus1;
  buffer_.EndInstruction(p + 2);
  buffer_.AddJump(start, start + 1, target, kRel8);
}

void Assembler::jcc_short(Condition condition, MachLabel target) {
  uint8_t* p = buffer_.BeginInstruction();
  const CodeOffset start = buffer_.offset();
  p[0] = static_cast<uint8_t>(0x70 + static_cast<uint8_t>(condition));
  p[1] = kMinus1;
  buffer_.EndInstruction(p + 2);
  buffer_.AddConditionalJump(start, start + 1, target, kRel8, 0x01);
}

void Assembler::jmp(Gpr64 target) {
  EmitRegisters(buffer_, Primary(0xFF), 4, target.encoding());
  buffer_.EndFlow();
}

void Assembler::jmp(const Mem64& target) {
  EmitMemory(buffer_, Primary(0xFF), 4, target.address());
  buffer_.EndFlow();
}

void Assembler::jmp(codegen::ExternalName target) {
  EmitPlain(buffer_, Primary(0xE9), {0, 4});
  buffer_.AddReloc(buffer_.offset() - 4, kRelocPcRel32, target, -4);
  buffer_.EndFlow();
}

void Assembler::jmp_table(Gpr64 index, Gpr64 table, absl::Span<const MachLabel> targets) {
  DCHECK(index != table);
  lea(table, Address(buffer_.JumpTable(targets, kRel32)));
  movsx(index, Mem32(table, index, Scale::k4));
  add(index, table);
  jmp(index);
}

void Assembler::call(MachLabel target) {
  EmitPlain(buffer_, Primary(0xE8), {kMinus4, 4});
  buffer_.UseLabel(buffer_.offset() - 4, target, kRel32);
}

void Assembler::call(Gpr64 target) { EmitRegisters(buffer_, Primary(0xFF), 2, target.encoding()); }

void Assembler::call(const Mem64& target) {
  EmitMemory(buffer_, Primary(0xFF), 2, target.address());
}

void Assembler::call(codegen::ExternalName target) {
  EmitPlain(buffer_, Primary(0xE8), {0, 4});
  buffer_.AddReloc(buffer_.offset() - 4, kRelocPcRel32, target, -4);
}

void Assembler::lea(Gpr64 dst, codegen::ExternalName name, int64_t addend) {
  uint8_t* p = buffer_.BeginInstruction();
  p[0] = static_cast<uint8_t>(0x48 | (dst.encoding() >> 3) << 2);
  p[1] = 0x8D;
  p[2] = static_cast<uint8_t>((dst.encoding() & 7) << 3 | 5);
  std::memset(p + 3, 0, 4);
  buffer_.EndInstruction(p + 7);
  buffer_.AddReloc(buffer_.offset() - 4, kRelocPcRel32, name, addend - 4);
}

void Assembler::ret() {
  EmitPlain(buffer_, Primary(0xC3));
  buffer_.EndFlow();
}

void Assembler::ret(uint32_t bytes) {
  CHECK(bytes < 65536) << "ret can't take " << bytes << " bytes off the stack";
  if (bytes == 0) return ret();
  EmitPlain(buffer_, Primary(0xC2), {bytes, 2});
  buffer_.EndFlow();
}

void Assembler::ud2(codegen::TrapCode code) {
  buffer_.AddTrap(code);
  EmitPlain(buffer_, Map0F(0x0B));
  buffer_.EndFlow();
}

void Assembler::nop(uint32_t bytes) {
  // The forms that AMD's and Intel's optimization manuals recommend.
  static constexpr uint8_t kNops[9][9] = {
      {0x90},
      {0x66, 0x90},
      {0x0F, 0x1F, 0x00},
      {0x0F, 0x1F, 0x40, 0x00},
      {0x0F, 0x1F, 0x44, 0x00, 0x00},
      {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
      {0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00},
      {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
      {0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
  };
  while (bytes > 0) {
    const uint32_t count = bytes < 9 ? bytes : 9;
    uint8_t* p = buffer_.BeginInstruction();
    std::memcpy(p, kNops[count - 1], 9);
    buffer_.EndInstruction(p + count);
    bytes -= count;
  }
}

void Assembler::align(uint32_t alignment) {
  buffer_.RequireAlignment(alignment);
  nop((0 - buffer_.offset()) & (alignment - 1));
}

}  // namespace gantry::x64
