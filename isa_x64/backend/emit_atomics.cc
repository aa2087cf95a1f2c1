#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

using codegen::MachLabel;

namespace {

constexpr uint8_t kRaxEncoding = 0;

Width WidthOf(uint8_t size) {
  return size == 1 ? Width::k8 : size == 2 ? Width::k16 : size == 4 ? Width::k32 : Width::k64;
}

// With a register of the width in the register field, and memory.
Encoding ForMemory(Encoding encoding, uint8_t size) {
  encoding = ForByteWidth(encoding, WidthOf(size));
  encoding.byte_rm = false;
  return encoding;
}

constexpr Encoding kExchange = {.opcode = 0x87};  // Locked by nature.
constexpr Encoding kExchangeAdd = {.opcode = 0xC1, .map = OpcodeMap::k0F, .lock = true};
constexpr Encoding kCompareExchange = {.opcode = 0xB1, .map = OpcodeMap::k0F, .lock = true};

}  // namespace

void Emitter::EmitAtomic(const Inst& inst) {
  if (inst.op == Op::kCompareExchange) ++operand_;  // rax
  if (inst.op == Op::kLockAlu && inst.has(Inst::kHasImm)) {
    AluImm(static_cast<AluKind>(inst.sub), inst.size, MemoryOf(inst), inst.imm, /*lock=*/true);
    return;
  }
  const uint8_t value = NextReg();
  Encoding encoding;
  switch (inst.op) {
    case Op::kExchange:
      encoding = kExchange;
      break;
    case Op::kExchangeAdd:
      encoding = kExchangeAdd;
      break;
    case Op::kCompareExchange:
      encoding = kCompareExchange;
      break;
    default:
      encoding = {.opcode = static_cast<uint8_t>(inst.sub << 3 | 1), .lock = true};
      break;
  }
  Op(ForMemory(encoding, inst.size), value, MemoryOf(inst));
}

void Emitter::EmitUpdateLoop(const Inst& inst) {
  const bool has_imm = inst.has(Inst::kHasImm);
  const AluKind op = static_cast<AluKind>(inst.sub);
  const uint8_t size = inst.size == 8 ? 8 : 4;
  const uint8_t operand = has_imm ? 0 : NextReg();
  const Rm memory = MemoryOf(inst);
  ++operand_;  // rax
  const uint8_t updated = NextReg();
  Load(kRaxEncoding, memory, inst.size);
  const MachLabel again = b_.NewLabel();
  b_.Bind(again);
  MoveRegister(updated, kRaxEncoding);
  if (has_imm) {
    AluImm(op, size, RegRm(updated), inst.imm);
  } else {
    Alu(op, size, updated, RegRm(operand));
  }
  Op(ForMemory(kCompareExchange, inst.size), updated, memory);
  ShortJumpIf(Cond::kNe, again);
}

// A locked operation orders all accesses before it and after it, and takes an eighth of the time
// of mfence. What lies at the stack pointer stays as it is.
void Emitter::EmitFence() { AluImm(AluKind::kOr, 4, MemoryRm(Address(rsp)), 0, /*lock=*/true); }

}  // namespace gantry::x64
