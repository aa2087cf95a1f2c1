#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::Allocation;
using codegen::MachLabel;

namespace {

constexpr uint8_t kScratchEncoding = 11;
constexpr uint8_t kRaxEncoding = 0;
constexpr uint8_t kRdxEncoding = 2;

Width WideOr32(uint8_t size) { return size == 8 ? Width::k64 : Width::k32; }

}  // namespace

void Emitter::EmitAlu(const Inst& inst) {
  const AluKind op = static_cast<AluKind>(inst.sub);
  const uint8_t to = NextReg();
  if (inst.has(Inst::kHasImm)) {
    AluImm(op, inst.size, RegRm(to), inst.imm);
  } else {
    Alu(op, inst.size, to, NextRm(inst));
  }
  SetFlagsOf(to, inst.size);
}

void Emitter::EmitAdd(const Inst& inst) {
  const uint8_t a = NextReg();
  if (inst.has(Inst::kHasImm)) {
    const uint8_t to = NextReg();
    if (to != a) {
      Lea(to, Address(Gpr64(a), inst.imm), inst.size);
    } else if (inst.imm == 128) {
      AluImm(AluKind::kSub, inst.size, RegRm(to), -128);
      SetFlagsOf(to, inst.size);
    } else {
      AluImm(AluKind::kAdd, inst.size, RegRm(to), inst.imm);
      SetFlagsOf(to, inst.size);
    }
    return;
  }
  const Rm b = NextAny();
  const uint8_t to = NextReg();
  if (to == a) {
    Alu(AluKind::kAdd, inst.size, to, b);
  } else if (b.is_reg && b.reg == to) {
    Alu(AluKind::kAdd, inst.size, to, RegRm(a));
  } else if (b.is_reg) {
    Lea(to, Address(Gpr64(a), Gpr64(b.reg), Scale::k1), inst.size);
    return;
  } else {
    MoveRegister(to, a);
    Alu(AluKind::kAdd, inst.size, to, b);
  }
  SetFlagsOf(to, inst.size);
}

void Emitter::EmitShift(const Inst& inst) {
  switch (inst.op) {
    case Op::kShiftImm:
      Shift(static_cast<ShiftKind>(inst.sub), inst.size, RegRm(NextReg()),
            static_cast<uint8_t>(inst.imm));
      return;
    case Op::kShiftCl: {
      const Width width = inst.size == 1   ? Width::k8
                          : inst.size == 2 ? Width::k16
                                           : WideOr32(inst.size);
      Op(ForByteWidth({.opcode = 0xD3}, width, /*byte_reg=*/false), inst.sub, RegRm(NextReg()));
      return;
    }
    case Op::kShiftX: {
      const uint8_t count = NextReg();
      const Rm from = NextRm(inst);
      const ShiftKind op = static_cast<ShiftKind>(inst.sub);
      const Prefix prefix = op == ShiftKind::kShl   ? Prefix::k66
                            : op == ShiftKind::kShr ? Prefix::kF2
                                                    : Prefix::kF3;
      Vex({.opcode = 0xF7, .map = OpcodeMap::k0F38, .prefix = prefix, .wide = inst.size == 8},
          NextReg(), count, from);
      return;
    }
    default: {
      const Rm from = NextRm(inst);
      Vex({.opcode = 0xF0, .map = OpcodeMap::k0F3A, .prefix = Prefix::kF2, .wide = inst.size == 8},
          NextReg(), 0, from, {static_cast<uint8_t>(inst.imm), 1});
      return;
    }
  }
}

void Emitter::EmitMultiply(const Inst& inst) {
  const Width width = WideOr32(inst.size);
  switch (inst.op) {
    case Op::kImul: {
      const uint8_t to = NextReg();
      Op(ForWidth({.opcode = 0xAF, .map = OpcodeMap::k0F}, width), to, NextRm(inst));
      return;
    }
    case Op::kImulImm: {
      const Rm from = NextRm(inst);
      const uint8_t to = NextReg();
      if (inst.imm >= -128 && inst.imm <= 127) {
        Op(ForWidth({.opcode = 0x6B}, width), to, from, {static_cast<uint8_t>(inst.imm), 1});
      } else {
        Op(ForWidth({.opcode = 0x69}, width), to, from, {static_cast<uint32_t>(inst.imm), 4});
      }
      return;
    }
    default:
      ++operand_;  // rax
      Op(ForWidth({.opcode = 0xF7}, width), inst.has(Inst::kSigned) ? 5 : 4, NextRm(inst));
      return;
  }
}

// rax = rdx:rax / divisor, rdx the rest. The machine's own exception can't tell a zero divisor
// from an overflow, so both are tested for where they can occur.
void Emitter::EmitDivision(const Inst& inst) {
  ++operand_;  // rax
  const uint8_t divisor = NextReg();
  const Width width = WideOr32(inst.size);
  if (inst.has(Inst::kCheckZero)) {
    Test(inst.size, divisor, divisor);
    TrapIf(Cond::kE, inst.trap);
  }
  if (!inst.has(Inst::kSigned)) {
    EmitRegisters(b_, {.opcode = 0x33}, kRdxEncoding, kRdxEncoding);
    EmitRegisters(b_, ForWidth({.opcode = 0xF7}, width), 6, divisor);
    return;
  }
  const MachLabel divide = b_.NewLabel();
  const MachLabel done = b_.NewLabel();
  if (inst.has(Inst::kCheckOverflow)) {
    AluImm(AluKind::kCmp, inst.size, RegRm(divisor), -1);
    ShortJumpIf(Cond::kNe, divide);
    if (inst.has(Inst::kRemainder)) {
      // What is left after dividing by -1.
      EmitRegisters(b_, {.opcode = 0x33}, kRdxEncoding, kRdxEncoding);
      JumpToEnd(done);
    } else {
      // Only the least number overflows when 1 is taken away.
      AluImm(AluKind::kCmp, inst.size, RegRm(kRaxEncoding), 1);
      TrapIf(Cond::kO, inst.extra);
    }
    b_.Bind(divide);
  }
  EmitPlain(b_, ForWidth({.opcode = 0x99}, width));
  EmitRegisters(b_, ForWidth({.opcode = 0xF7}, width), 7, divisor);
  b_.Bind(done);
}

void Emitter::EmitExtend(const Inst& inst) {
  const Rm from = NextRm(inst);
  const uint8_t to = NextReg();
  if (!inst.has(Inst::kSigned)) {
    Load(to, from, inst.sub);
    return;
  }
  const Width width = WideOr32(inst.size);
  switch (inst.sub) {
    case 1: {
      Encoding encoding = ForWidth({.opcode = 0xBE, .map = OpcodeMap::k0F}, width);
      encoding.byte_rm = from.is_reg;
      Op(encoding, to, from);
      return;
    }
    case 2:
      Op(ForWidth({.opcode = 0xBF, .map = OpcodeMap::k0F}, width), to, from);
      return;
    default:
      DCHECK(inst.sub == 4 && inst.size == 8);
      Op({.opcode = 0x63, .wide = true}, to, from);
      return;
  }
}

void Emitter::EmitBits(const Inst& inst) {
  const Rm from = NextRm(inst);
  const uint8_t to = NextReg();
  const Width width = WideOr32(inst.size);
  const uint32_t bits = BitsOf(width);
  const auto cmov_zero = [&](uint32_t value) {
    // A move leaves the flags alone, unlike the shorter xor.
    EmitOpcodeRegister(b_, {.opcode = 0xB8}, kScratchEncoding, {value, 4});
    EmitRegisters(b_, ForWidth({.opcode = 0x44, .map = OpcodeMap::k0F}, width), to,
                  kScratchEncoding);
  };
  switch (static_cast<BitsKind>(inst.sub)) {
    case BitsKind::kLzcnt:
      Op(ForWidth({.opcode = 0xBD, .map = OpcodeMap::k0F, .prefix = Prefix::kF3}, width), to, from);
      return;
    case BitsKind::kTzcnt:
      Op(ForWidth({.opcode = 0xBC, .map = OpcodeMap::k0F, .prefix = Prefix::kF3}, width), to, from);
      return;
    case BitsKind::kPopcnt:
      Op(ForWidth({.opcode = 0xB8, .map = OpcodeMap::k0F, .prefix = Prefix::kF3}, width), to, from);
      return;
    case BitsKind::kClzByBsr:
      // The position of the highest bit, counted from the other end; for zero it is made the
      // number that comes out as the width.
      Op(ForWidth({.opcode = 0xBD, .map = OpcodeMap::k0F}, width), to, from);
      cmov_zero(2 * bits - 1);
      AluImm(AluKind::kXor, inst.size, RegRm(to), static_cast<int32_t>(bits - 1));
      return;
    case BitsKind::kCtzByBsf:
      Op(ForWidth({.opcode = 0xBC, .map = OpcodeMap::k0F}, width), to, from);
      cmov_zero(bits);
      return;
  }
}

void Emitter::EmitOverflow(const Inst& inst) {
  const uint8_t to = NextReg();
  const Rm from = NextRm(inst);
  Cond cc = inst.cc;
  if (inst.op == Op::kCarry) {
    // Carry is set by negating anything but zero.
    MoveRegister(kScratchEncoding, NextReg());
    EmitRegisters(b_, {.opcode = 0xF7}, 3, kScratchEncoding);
    cc = Cond::kB;
  }
  ++operand_;  // The first result, in the place of `to`.
  const uint8_t flag = NextReg();
  Alu(static_cast<AluKind>(inst.sub), inst.size, to, from);
  SetByte(cc, flag);
  ZeroExtendByte(flag, flag);
}

void Emitter::EmitStore(const Inst& inst) {
  const Width width = inst.size == 1   ? Width::k8
                      : inst.size == 2 ? Width::k16
                                       : WideOr32(inst.size);
  if (inst.op == Op::kStore) {
    const uint8_t value = NextReg();
    Encoding encoding = ForByteWidth({.opcode = 0x89}, width);
    encoding.byte_rm = false;
    Op(encoding, value, MemoryOf(inst));
    return;
  }
  Encoding encoding = ForByteWidth({.opcode = 0xC7}, width, /*byte_reg=*/false);
  encoding.byte_rm = false;
  const uint8_t bytes = inst.size == 8 ? 4 : inst.size;
  const uint64_t bits = static_cast<uint32_t>(inst.imm) &
                        (bytes == 4 ? 0xFFFFFFFF : (uint64_t{1} << (8 * bytes)) - 1);
  Op(encoding, 0, MemoryOf(inst), {bits, bytes});
}

void Emitter::EmitAluMem(const Inst& inst) {
  const AluKind op = static_cast<AluKind>(inst.sub);
  if (inst.has(Inst::kHasImm)) {
    AluImm(op, inst.size, MemoryOf(inst), inst.imm);
    return;
  }
  const uint8_t value = NextReg();
  const Width width = inst.size == 1   ? Width::k8
                      : inst.size == 2 ? Width::k16
                                       : WideOr32(inst.size);
  Encoding encoding = ForByteWidth({.opcode = static_cast<uint8_t>(inst.sub << 3 | 1)}, width);
  encoding.byte_rm = false;
  Op(encoding, value, MemoryOf(inst));
}

// Emits the comparison that `inst` begins with, and leaves the operands behind it.
void Emitter::EmitCompare(const Inst& inst) {
  if (inst.compare() == CompareKind::kUcomis) {
    const uint8_t a = NextReg();
    Ucomis(inst.size, a, NextRm(inst));
    return;
  }
  if (inst.compare() == CompareKind::kPtest) {
    const uint8_t a = NextReg();
    const Rm rm = NextRm(inst);
    const Encoding ptest = {.opcode = 0x17, .map = OpcodeMap::k0F38, .prefix = Prefix::k66};
    flags_.has_avx() ? Vex(ptest, a, 0, rm) : Op(ptest, a, rm);
    return;
  }
  const bool test = inst.compare() == CompareKind::kTest;
  if (inst.has(Inst::kHasImm)) {
    const Rm rm = NextRm(inst);
    if (!test) {
      if (inst.imm == 0 && rm.is_reg) {
        // What was computed last may have left the answer, carry and overflow apart.
        const bool zero_or_sign = inst.cc == Cond::kE || inst.cc == Cond::kNe ||
                                  inst.cc == Cond::kS || inst.cc == Cond::kNs;
        if (!zero_or_sign || !FlagsAreOf(rm.reg, inst.size)) Test(inst.size, rm.reg, rm.reg);
      } else {
        AluImm(AluKind::kCmp, inst.size, rm, inst.imm);
      }
      return;
    }
    // A mask of low bits alone is tested in the shortest form; the sign flag is another one where
    // the form's top bit is in the mask. A place in memory is read as wide as it is.
    uint8_t size = inst.size;
    if (rm.is_reg && inst.imm >= 0 && size > 1) {
      const bool zero_only = inst.cc == Cond::kE || inst.cc == Cond::kNe;
      if (inst.imm <= 0x7F || (inst.imm <= 0xFF && zero_only)) size = 1;
      if (zero_only && inst.imm == 0xFF) return Test(1, rm.reg, rm.reg);
      if (zero_only && inst.imm == 0xFFFF && size > 2) return Test(2, rm.reg, rm.reg);
    }
    const Width width = size == 1 ? Width::k8 : size == 2 ? Width::k16 : WideOr32(size);
    const uint8_t bytes = size == 8 ? 4 : size;
    const uint64_t bits = static_cast<uint32_t>(inst.imm) &
                          (bytes == 4 ? 0xFFFFFFFF : (uint64_t{1} << (8 * bytes)) - 1);
    Encoding encoding = ForByteWidth({.opcode = 0xF7}, width, /*byte_reg=*/false);
    encoding.byte_rm = encoding.byte_rm && rm.is_reg;
    Op(encoding, 0, rm, {bits, bytes});
    return;
  }
  const uint8_t a = NextReg();
  const Rm rm = NextRm(inst);
  if (test) {
    const Width width = inst.size == 1   ? Width::k8
                        : inst.size == 2 ? Width::k16
                                         : WideOr32(inst.size);
    Op(ForByteWidth({.opcode = 0x85}, width), a, rm);
  } else {
    Alu(AluKind::kCmp, inst.size, a, rm);
  }
}

void Emitter::EmitSetcc(const Inst& inst) {
  const Allocation* const first = operand_;
  const uint32_t inputs = (inst.has(Inst::kHasImm) ? 0 : 1) + inst.rm_operands();
  const uint8_t to = first[inputs].reg().encoding();
  // Cleared beforehand where the comparison does not read it: one instruction less to wait for.
  bool clear_first = inst.cc < Cond::kFloatEq;
  for (uint32_t i = 0; i < inputs; ++i) {
    clear_first = clear_first && first[i] != first[inputs];
  }
  if (clear_first) EmitRegisters(b_, {.opcode = 0x33}, to, to);
  EmitCompare(inst);
  if (inst.cc < Cond::kFloatEq) {
    SetByte(inst.cc, to);
  } else {
    const bool equal = inst.cc == Cond::kFloatEq;
    SetByte(equal ? Cond::kNp : Cond::kP, kScratchEncoding);
    SetByte(equal ? Cond::kE : Cond::kNe, to);
    Alu(equal ? AluKind::kAnd : AluKind::kOr, 4, to, RegRm(kScratchEncoding));
  }
  if (!clear_first) ZeroExtendByte(to, to);
}

void Emitter::EmitCmov(const Inst& inst) {
  EmitCompare(inst);
  // The jump leaves the flags as they are.
  if (inst.op == Op::kTrapCmov) TrapIf(inst.cc, static_cast<uint8_t>(inst.imm64));
  const Rm if_true = NextAny();
  const uint8_t to = NextReg();
  const auto cmov = [&](Cond cc) {
    Op(ForWidth(
           {.opcode = static_cast<uint8_t>(0x40 | static_cast<uint8_t>(cc)), .map = OpcodeMap::k0F},
           WideOr32(inst.extra)),
       to, if_true);
  };
  DCHECK(inst.cc != Cond::kFloatEq);
  if (inst.cc == Cond::kFloatNe) {
    cmov(Cond::kNe);
    cmov(Cond::kP);
  } else {
    cmov(inst.cc);
  }
}

}  // namespace gantry::x64
