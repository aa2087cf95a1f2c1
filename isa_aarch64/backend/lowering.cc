#include "isa_aarch64/backend/lowering.h"

#include "isa_aarch64/asm/immediates.h"

namespace gantry::aarch64 {
namespace {

// How many constants of loops have a register in all of the function.
constexpr size_t kMaxSharedInts = 4;
constexpr size_t kMaxSharedFloats = 8;

}  // namespace

using codegen::Opcode;
using codegen::regalloc::kRematerializable;

void AArch64Lowering::EmitRow(Row row, VReg to, std::initializer_list<VReg> uses, uint32_t bits) {
  Builder builder(Op::kRow);
  builder.SetRow(row, bits);
  for (VReg use : uses) builder.Use(use);
  const Shape shape = RowInfoOf(row).shape;
  if (shape == Shape::kAcc || shape == Shape::kAccN || shape == Shape::kAccNM) {
    builder.Reuse(to);
  } else {
    builder.Def(to);
  }
  Emit(builder);
}

AArch64Lowering::VReg AArch64Lowering::IntRow(Row row, std::initializer_list<VReg> uses,
                                              uint32_t bits) {
  const VReg to = NewInt();
  EmitRow(row, to, uses, bits);
  return to;
}

AArch64Lowering::VReg AArch64Lowering::VecRow(Row row, std::initializer_list<VReg> uses,
                                              uint32_t bits) {
  const VReg to = NewVector();
  EmitRow(row, to, uses, bits);
  return to;
}

void AArch64Lowering::EmitMove(VReg to, VReg from) {
  Builder builder(Op::kMove);
  builder.operands.push_back(Operand::Use(from, codegen::regalloc::Constraint::kAny));
  builder.operands.push_back(Operand::Def(to, codegen::regalloc::Constraint::kAny));
  Emit(builder, codegen::regalloc::kMove);
}

AArch64Lowering::VReg AArch64Lowering::Low32(Value value) {
  const IrInst reduce = ctx_->DefInst(value, Opcode::kIreduce);
  if (reduce.is_some() && ctx_->type(value) == Type::kI32) {
    return Reg(ctx_->data(reduce).arg(0));
  }
  return Reg(value);
}

AArch64Lowering::VReg AArch64Lowering::Reg(Value value) {
  const IrInst def = ctx_->InLoop() ? ctx_->DefInst(value) : IrInst::None();
  if (def.is_none()) return ctx_->Reg(value);
  const InstData& data = ctx_->data(def);
  const bool is_int = data.opcode() == Opcode::kIconst;
  if (!is_int && data.opcode() != Opcode::kF32const && data.opcode() != Opcode::kF64const) {
    return ctx_->Reg(value);
  }
  std::vector<SharedScalar>& shared = is_int ? shared_ints_ : shared_floats_;
  const uint64_t bits = data.const_bits();
  for (const SharedScalar& scalar : shared) {
    // An integer is zero-extended, whatever its type.
    if (scalar.bits == bits && (is_int || scalar.type == data.type())) return scalar.reg;
  }
  if (shared.size() == (is_int ? kMaxSharedInts : kMaxSharedFloats)) return ctx_->Reg(value);
  shared.push_back({data.type(), bits, is_int ? NewInt() : NewVector()});
  return shared.back().reg;
}

std::optional<AArch64Lowering::Shifted> AArch64Lowering::MatchShift(Value value, Type type,
                                                                    bool rotates) {
  if (type != Type::kI32 && type != Type::kI64) return std::nullopt;
  const IrInst def = ctx_->DefInst(value);
  if (def.is_none() || !ctx_->HasOneUse(value)) return std::nullopt;
  const InstData& data = ctx_->data(def);
  // The shift's own width, not the user's (lessons row 15).
  if (data.type() != type) return std::nullopt;
  ShiftOp op;
  switch (data.opcode()) {
    case Opcode::kIshl:
      op = ShiftOp::kLsl;
      break;
    case Opcode::kUshr:
      op = ShiftOp::kLsr;
      break;
    case Opcode::kSshr:
      op = ShiftOp::kAsr;
      break;
    case Opcode::kRotr:
      if (!rotates) return std::nullopt;
      op = ShiftOp::kRor;
      break;
    default:
      return std::nullopt;
  }
  const std::optional<uint64_t> amount = Constant(data.arg(1));
  if (!amount.has_value()) return std::nullopt;
  const uint32_t masked = static_cast<uint32_t>(*amount) & (codegen::TypeBits(type) - 1);
  return Shifted{LowBits(data.arg(0), type), ShiftBits(op, masked)};
}

void AArch64Lowering::LowerConstant(Lowering& ctx, VReg reg, Type type, uint64_t bits) {
  ctx_ = &ctx;
  Builder builder(codegen::IsInt(type) ? Op::kMovImm : Op::kConstF,
                  type == Type::kI64 || type == Type::kF64 ? 8 : 4);
  builder.inst.imm64 = bits;
  Emit(builder.Def(reg), kRematerializable);
}

void AArch64Lowering::LowerVectorConstant(Lowering& ctx, VReg reg, uint64_t low, uint64_t high) {
  ctx_ = &ctx;
  EmitVectorConstant({low, high}, reg);
}

void AArch64Lowering::LowerInst(Lowering& ctx, IrInst inst) {
  ctx_ = &ctx;
  const InstData& data = ctx.data(inst);
  switch (data.opcode()) {
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
    case Opcode::kV128const:
    case Opcode::kUextend:
      // Made where they are used, or free: no one asks for the result's own register.
      return;
    case Opcode::kIadd:
      return LowerIadd(inst);
    case Opcode::kIsub:
      return LowerIsub(inst);
    case Opcode::kBand:
    case Opcode::kBor:
    case Opcode::kBxor:
    case Opcode::kBandNot:
      return LowerLogic(inst);
    case Opcode::kImul:
      return LowerImul(inst);
    case Opcode::kIneg:
    case Opcode::kBnot: {
      const Type type = data.type();
      const Row row = data.opcode() == Opcode::kIneg ? Row::kNegW : Row::kMvnW;
      const VReg result = NarrowResult(inst);
      const bool is_long = type == Type::kI64;
      if (const auto shifted = MatchShift(data.arg(0), type, row == Row::kMvnW)) {
        EmitRow(row + is_long, result, {shifted->reg}, shifted->bits);
      } else {
        EmitRow(row + is_long, result, {LowBits(data.arg(0), type)});
      }
      return FinishNarrow(inst, result);
    }
    case Opcode::kUmulhi:
      return LowerMulHigh(inst, /*is_signed=*/false);
    case Opcode::kSmulhi:
      return LowerMulHigh(inst, /*is_signed=*/true);
    case Opcode::kUmulWide:
      return LowerMulWide(inst, /*is_signed=*/false);
    case Opcode::kSmulWide:
      return LowerMulWide(inst, /*is_signed=*/true);
    case Opcode::kUdiv:
      return LowerDivision(inst, /*is_signed=*/false, /*remainder=*/false);
    case Opcode::kSdiv:
      return LowerDivision(inst, /*is_signed=*/true, /*remainder=*/false);
    case Opcode::kUrem:
      return LowerDivision(inst, /*is_signed=*/false, /*remainder=*/true);
    case Opcode::kSrem:
      return LowerDivision(inst, /*is_signed=*/true, /*remainder=*/true);
    case Opcode::kUaddOverflow:
      return LowerOverflow(inst, Row::kAddsW, Cond::kHs);
    case Opcode::kSaddOverflow:
      return LowerOverflow(inst, Row::kAddsW, Cond::kVs);
    case Opcode::kUsubOverflow:
      return LowerOverflow(inst, Row::kSubsW, Cond::kLo);
    case Opcode::kSsubOverflow:
      return LowerOverflow(inst, Row::kSubsW, Cond::kVs);
    case Opcode::kUaddCarry:
      return LowerCarry(inst, /*subtract=*/false);
    case Opcode::kUsubBorrow:
      return LowerCarry(inst, /*subtract=*/true);
    case Opcode::kIshl:
    case Opcode::kUshr:
    case Opcode::kSshr:
      return LowerShift(inst);
    case Opcode::kRotl:
    case Opcode::kRotr:
      return LowerRotate(inst);
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt:
      return LowerBitCount(inst);
    case Opcode::kBswap: {
      const Row row = data.type() == Type::kI64   ? Row::kRevX
                      : data.type() == Type::kI32 ? Row::kRevW
                                                  : Row::kRev16W;
      return EmitRow(row, ctx.Result(inst), {ctx.Reg(data.arg(0))});
    }
    case Opcode::kIcmp:
    case Opcode::kFcmp:
      return LowerIcmpOrFcmp(inst);
    case Opcode::kSelect:
    case Opcode::kSelectSpectreGuard:
      return LowerSelect(inst);
    case Opcode::kSextend:
      return LowerExtend(inst, /*is_signed=*/true);
    case Opcode::kIreduce:
      return LowerExtend(inst, /*is_signed=*/false);
    case Opcode::kBitcast:
      return LowerBitcast(inst);
    case Opcode::kFpromote:
      return EmitRow(Row::kFcvtDS, ctx.Result(inst), {ctx.Reg(data.arg(0))});
    case Opcode::kFdemote:
      return EmitRow(Row::kFcvtSD, ctx.Result(inst), {ctx.Reg(data.arg(0))});
    case Opcode::kFcvtFromUint:
      return LowerFromInt(inst, /*is_signed=*/false);
    case Opcode::kFcvtFromSint:
      return LowerFromInt(inst, /*is_signed=*/true);
    case Opcode::kFcvtToUint:
      return LowerToInt(inst, /*is_signed=*/false, /*saturating=*/false);
    case Opcode::kFcvtToSint:
      return LowerToInt(inst, /*is_signed=*/true, /*saturating=*/false);
    case Opcode::kFcvtToUintSat:
      return LowerToInt(inst, /*is_signed=*/false, /*saturating=*/true);
    case Opcode::kFcvtToSintSat:
      return LowerToInt(inst, /*is_signed=*/true, /*saturating=*/true);
    case Opcode::kFadd:
      return LowerFloat3(inst, Row::kFaddS);
    case Opcode::kFsub:
      return LowerFloat3(inst, Row::kFsubS);
    case Opcode::kFmul:
      return LowerFloat3(inst, Row::kFmulS);
    case Opcode::kFdiv:
      return LowerFloat3(inst, Row::kFdivS);
    case Opcode::kFmin:
      return LowerFloat3(inst, Row::kFminS);
    case Opcode::kFmax:
      return LowerFloat3(inst, Row::kFmaxS);
    case Opcode::kFcopysign:
      return LowerCopysign(inst);
    case Opcode::kSqrt:
      return LowerFloat2(inst, Row::kFsqrtS);
    case Opcode::kCeil:
      return LowerFloat2(inst, Row::kFrintpS);
    case Opcode::kFloor:
      return LowerFloat2(inst, Row::kFrintmS);
    case Opcode::kTrunc:
      return LowerFloat2(inst, Row::kFrintzS);
    case Opcode::kNearest:
      return LowerFloat2(inst, Row::kFrintnS);
    case Opcode::kFabs:
      return LowerFloat2(inst, Row::kFabsS);
    case Opcode::kFneg:
      return LowerFloat2(inst, Row::kFnegS);
    case Opcode::kLoad:
    case Opcode::kUload8:
    case Opcode::kSload8:
    case Opcode::kUload16:
    case Opcode::kSload16:
    case Opcode::kUload32:
    case Opcode::kSload32:
    case Opcode::kStackLoad:
      return LowerLoad(inst);
    case Opcode::kStore:
    case Opcode::kIstore8:
    case Opcode::kIstore16:
    case Opcode::kIstore32:
    case Opcode::kStackStore:
      return LowerStore(inst);
    case Opcode::kAtomicLoad:
      return LowerAtomicLoad(inst);
    case Opcode::kAtomicStore:
      return LowerAtomicStore(inst);
    case Opcode::kAtomicRmw:
      return LowerAtomicRmw(inst);
    case Opcode::kAtomicCas:
      return LowerAtomicCas(inst);
    case Opcode::kFence:
      Emit(Builder(Op::kFence));
      return;
    case Opcode::kStackAddr: {
      Builder builder(Op::kLea);
      AddAddress(builder, SlotAddress(data.stack_slot(), data.offset()));
      Emit(builder.Def(ctx.Result(inst)));
      return;
    }
    case Opcode::kFuncAddr: {
      Builder builder(Op::kFuncAddr);
      builder.inst.imm64 = ctx.dfg().ext_func(data.func_ref()).name.raw();
      Emit(builder.Def(ctx.Result(inst)));
      return;
    }
    case Opcode::kCall:
    case Opcode::kCallIndirect:
      return LowerCall(inst);
    case Opcode::kFuelCharge:
    case Opcode::kFuelCheck:
      return LowerFuel(inst);
    case Opcode::kPollWord:
    case Opcode::kPollPage:
      return LowerPoll(inst);
    case Opcode::kTrapz:
      return LowerCondTrap(inst, /*trap_if=*/false);
    case Opcode::kTrapnz:
      return LowerCondTrap(inst, /*trap_if=*/true);
    case Opcode::kGetFramePointer:
      ctx.vcode().frame.needs_frame_pointer = true;
      Emit(Builder(Op::kFramePointer).Def(ctx.Result(inst)));
      return;
    case Opcode::kGetStackPointer:
      ctx.vcode().frame.needs_frame_pointer = true;
      Emit(Builder(Op::kStackPointer).Def(ctx.Result(inst)));
      return;
    case Opcode::kGetReturnAddress:
      ctx.vcode().frame.needs_frame_pointer = true;
      Emit(Builder(Op::kReturnAddress).Def(ctx.Result(inst)));
      return;
    case Opcode::kNop:
      return;
    default:
      return LowerVector(inst);
  }
}

}  // namespace gantry::aarch64
