// Lowering of atomic accesses. Loads are plain moves and stores exchanges, which makes one order of
// all of them. (Intel SDM volume 3, "Memory Ordering"; Sewell et al., "x86-TSO", 2010.)
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::AtomicRmwOp;

namespace {

uint8_t Bytes(codegen::Type type) { return static_cast<uint8_t>(codegen::TypeBytes(type)); }

// Of the operations that are arithmetic.
AluKind AluOf(AtomicRmwOp op) {
  switch (op) {
    case AtomicRmwOp::kSub:
      return AluKind::kSub;
    case AtomicRmwOp::kAnd:
      return AluKind::kAnd;
    case AtomicRmwOp::kOr:
      return AluKind::kOr;
    case AtomicRmwOp::kXor:
      return AluKind::kXor;
    default:
      return AluKind::kAdd;
  }
}

}  // namespace

X64Lowering::VReg X64Lowering::AtomicResult(IrInst inst) {
  const bool partial = Bytes(ctx_->data(inst).type()) < 4 && ctx_->IsResultUsed(inst);
  return partial ? NewInt() : ctx_->Result(inst);
}

void X64Lowering::FinishAtomic(IrInst inst, VReg found) {
  const VReg result = ctx_->Result(inst);
  if (found != result) EmitZeroExtend(result, found, Bytes(ctx_->data(inst).type()));
}

void X64Lowering::LowerAtomicStore(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Address address = AddressOf(data);
  Builder builder(Op::kExchange, Bytes(data.type()));
  builder.Use(LowBits(data.arg(0), data.type()));
  AddAddress(builder, address);
  Emit(builder.Reuse(NewInt()));
}

void X64Lowering::LowerAtomicRmw(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Type type = data.type();
  const uint8_t bytes = Bytes(type);
  const AtomicRmwOp op = data.atomic_op();
  const Value operand = data.arg(0);
  const Address address = AddressOf(data);
  const std::optional<int32_t> imm = Immediate(operand);

  if (op == AtomicRmwOp::kXchg) {
    const VReg found = AtomicResult(inst);
    Builder builder(Op::kExchange, bytes);
    builder.Use(LowBits(operand, type));
    AddAddress(builder, address);
    Emit(builder.Reuse(found));
    FinishAtomic(inst, found);
    return;
  }
  if (!ctx_->IsResultUsed(inst)) {
    Builder builder(Op::kLockAlu, bytes);
    builder.inst.sub = static_cast<uint8_t>(AluOf(op));
    if (imm.has_value()) {
      builder.Imm(*imm);
    } else {
      builder.Use(LowBits(operand, type));
    }
    AddAddress(builder, address);
    Emit(builder);
    return;
  }
  if (op == AtomicRmwOp::kAdd || op == AtomicRmwOp::kSub) {
    VReg addend = LowBits(operand, type);
    if (op == AtomicRmwOp::kSub) {
      const VReg subtrahend = addend;
      addend = NewInt();
      Builder negate(Op::kUnary, bytes == 8 ? 8 : 4);
      negate.inst.sub = static_cast<uint8_t>(UnaryKind::kNeg);
      Emit(negate.Use(subtrahend).Reuse(addend));
    }
    const VReg found = AtomicResult(inst);
    Builder builder(Op::kExchangeAdd, bytes);
    builder.Use(addend);
    AddAddress(builder, address);
    Emit(builder.Reuse(found));
    FinishAtomic(inst, found);
    return;
  }
  Builder builder(Op::kUpdateLoop, bytes);
  builder.inst.sub = static_cast<uint8_t>(AluOf(op));
  if (imm.has_value()) {
    builder.Imm(*imm);
  } else {
    builder.UseLate(LowBits(operand, type));
  }
  AddAddress(builder, address, /*late=*/true);
  Emit(builder.DefFixed(ctx_->Result(inst), kRax).Temp(NewInt()));
}

// Where memory holds something else its bytes take the place of those that were expected, of which
// the register has no others.
void X64Lowering::LowerAtomicCas(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Address address = AddressOf(data);
  Builder builder(Op::kCompareExchange, Bytes(data.type()));
  builder.UseFixed(ctx_->Reg(data.arg(0)), kRax).Use(LowBits(data.arg(1), data.type()));
  AddAddress(builder, address);
  Emit(builder.DefFixed(ctx_->Result(inst), kRax));
}

}  // namespace gantry::x64
