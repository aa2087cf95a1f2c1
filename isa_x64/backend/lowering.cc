#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;
using codegen::regalloc::kRematerializable;

void X64Lowering::LowerConstant(Lowering& ctx, VReg reg, Type type, uint64_t bits) {
  ctx_ = &ctx;
  Builder builder(codegen::IsInt(type) ? Op::kMovImm : Op::kConstF,
                  static_cast<uint8_t>(codegen::TypeBytes(type)));
  builder.inst.imm64 = bits;
  Emit(builder.Def(reg), kRematerializable);
}

void X64Lowering::LowerVectorConstant(Lowering& ctx, VReg reg, uint64_t low, uint64_t high) {
  ctx_ = &ctx;
  EmitVectorConstant({low, high}, reg);
}

void X64Lowering::LowerInst(Lowering& ctx, IrInst inst) {
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
      return LowerAlu(inst, AluKind::kSub);
    case Opcode::kBand:
      return LowerAlu(inst, AluKind::kAnd);
    case Opcode::kBor:
      return LowerAlu(inst, AluKind::kOr);
    case Opcode::kBxor:
      return LowerAlu(inst, AluKind::kXor);
    case Opcode::kBandNot:
      return LowerBandNot(inst);
    case Opcode::kImul:
      return LowerImul(inst);
    case Opcode::kIneg:
      return LowerUnary(inst, UnaryKind::kNeg);
    case Opcode::kBnot:
      return LowerUnary(inst, UnaryKind::kNot);
    case Opcode::kUmulhi:
      return LowerMulWide(inst, /*is_signed=*/false, /*low=*/false, /*high=*/true);
    case Opcode::kSmulhi:
      return LowerMulWide(inst, /*is_signed=*/true, /*low=*/false, /*high=*/true);
    case Opcode::kUmulWide:
      return LowerMulWide(inst, /*is_signed=*/false, /*low=*/true, /*high=*/true);
    case Opcode::kSmulWide:
      return LowerMulWide(inst, /*is_signed=*/true, /*low=*/true, /*high=*/true);
    case Opcode::kUdiv:
      return LowerDivision(inst, /*is_signed=*/false, /*remainder=*/false);
    case Opcode::kSdiv:
      return LowerDivision(inst, /*is_signed=*/true, /*remainder=*/false);
    case Opcode::kUrem:
      return LowerDivision(inst, /*is_signed=*/false, /*remainder=*/true);
    case Opcode::kSrem:
      return LowerDivision(inst, /*is_signed=*/true, /*remainder=*/true);
    case Opcode::kUaddOverflow:
      return LowerOverflow(inst, AluKind::kAdd, Cond::kB);
    case Opcode::kSaddOverflow:
      return LowerOverflow(inst, AluKind::kAdd, Cond::kO);
    case Opcode::kUsubOverflow:
      return LowerOverflow(inst, AluKind::kSub, Cond::kB);
    case Opcode::kSsubOverflow:
      return LowerOverflow(inst, AluKind::kSub, Cond::kO);
    case Opcode::kUaddCarry:
      return LowerCarry(inst, AluKind::kAdc);
    case Opcode::kUsubBorrow:
      return LowerCarry(inst, AluKind::kSbb);
    case Opcode::kIshl:
      return LowerShift(inst, ShiftKind::kShl);
    case Opcode::kUshr:
      return LowerShift(inst, ShiftKind::kShr);
    case Opcode::kSshr:
      return LowerShift(inst, ShiftKind::kSar);
    case Opcode::kRotl:
      return LowerShift(inst, ShiftKind::kRol);
    case Opcode::kRotr:
      return LowerShift(inst, ShiftKind::kRor);
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt:
      return LowerBitCount(inst);
    case Opcode::kBswap:
      return LowerBswap(inst);
    case Opcode::kIcmp:
    case Opcode::kFcmp:
      return LowerIcmpOrFcmp(inst);
    case Opcode::kSelect:
    case Opcode::kSelectSpectreGuard:
      // The guard is of integers, which are always chosen without a branch.
      return LowerSelect(inst);
    case Opcode::kSextend:
      return LowerExtend(inst, /*is_signed=*/true);
    case Opcode::kIreduce:
      return LowerExtend(inst, /*is_signed=*/false);
    case Opcode::kBitcast:
      return LowerBitcast(inst);
    case Opcode::kFpromote:
    case Opcode::kFdemote:
      return LowerCvtFloat(inst);
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
      return LowerSse(inst, SseKind::kAdd);
    case Opcode::kFsub:
      return LowerSse(inst, SseKind::kSub);
    case Opcode::kFmul:
      return LowerSse(inst, SseKind::kMul);
    case Opcode::kFdiv:
      return LowerSse(inst, SseKind::kDiv);
    case Opcode::kFmin:
      return LowerMinMax(inst, /*max=*/false);
    case Opcode::kFmax:
      return LowerMinMax(inst, /*max=*/true);
    case Opcode::kFcopysign:
      return LowerCopysign(inst);
    case Opcode::kSqrt:
      return LowerSqrt(inst);
    case Opcode::kCeil:
      return LowerRound(inst, kRoundUp);
    case Opcode::kFloor:
      return LowerRound(inst, kRoundDown);
    case Opcode::kTrunc:
      return LowerRound(inst, kRoundToZero);
    case Opcode::kNearest:
      return LowerRound(inst, kRoundNearest);
    case Opcode::kFabs:
      return LowerFabs(inst);
    case Opcode::kFneg:
      return LowerFneg(inst);
    case Opcode::kLoad:
    case Opcode::kUload8:
    case Opcode::kSload8:
    case Opcode::kUload16:
    case Opcode::kSload16:
    case Opcode::kUload32:
    case Opcode::kSload32:
    case Opcode::kStackLoad:
    case Opcode::kAtomicLoad:
      return LowerLoad(inst);
    case Opcode::kAtomicStore:
      return LowerAtomicStore(inst);
    case Opcode::kAtomicRmw:
      return LowerAtomicRmw(inst);
    case Opcode::kAtomicCas:
      return LowerAtomicCas(inst);
    case Opcode::kFence:
      Emit(Builder(Op::kFence));
      return;
    case Opcode::kStore:
    case Opcode::kIstore8:
    case Opcode::kIstore16:
    case Opcode::kIstore32:
    case Opcode::kStackStore:
      return LowerStore(inst);
    case Opcode::kStackAddr: {
      Builder builder(Op::kLea, 8);
      AddAddress(builder, SlotAddress(data.stack_slot(), data.offset()));
      Emit(builder.Def(ctx.Result(inst)));
      return;
    }
    case Opcode::kFuncAddr: {
      Builder builder(Op::kFuncAddr);
      builder.inst.imm64 = ctx.dfg().ext_func(data.func_ref()).name.raw();
      Emit(builder.Def(ctx.Result(inst)), kRematerializable);
      return;
    }
    case Opcode::kCall:
    case Opcode::kCallIndirect:
      return LowerCall(inst);
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
    case Opcode::kFuelCharge:
    case Opcode::kFuelCheck:
      return LowerFuel(inst);
    case Opcode::kPollWord:
    case Opcode::kPollPage:
      return LowerPoll(inst);
    default:
      return LowerVector(inst);
  }
}

}  // namespace gantry::x64
