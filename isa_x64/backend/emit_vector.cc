// Emission of the instructions on vectors: each is one machine instruction of the assembler's
// tables.
#include "isa_x64/asm/assembler.h"
#include "isa_x64/backend/emit.h"

namespace gantry::x64 {

AnyMem Emitter::MemoryOperand(const Rm& rm, uint8_t size) {
  if (rm.traps) b_.AddTrap(rm.trap);
  return AnyMem(WidthOf(size), rm.address);
}

void Emitter::EmitVector(const Inst& inst) {
  switch (inst.op) {
    case Op::kVecConst:
      return EmitVecConst(inst);
    case Op::kVec3:
    case Op::kVec3Imm:
    case Op::kVecVex3Imm:
    case Op::kEvex3:
      return EmitVecThree(inst);
    case Op::kVec2:
    case Op::kVec2Imm:
    case Op::kVecShift:
    case Op::kVecBroadcast:
    case Op::kVecMask:
    case Op::kVecLow64:
    case Op::kEvex2:
    case Op::kEvexShift:
      return EmitVecTwo(inst);
    case Op::kVecBlendv:
      return EmitVecBlendv(inst);
    case Op::kVecInsert:
    case Op::kVecExtract:
    case Op::kVecExtractStore:
    case Op::kVecLoadHalf:
    case Op::kVecStoreHalf:
      return EmitVecLane(inst);
    case Op::kVecFma:
    case Op::kEvex3Acc:
    case Op::kEvexTernlog:
      return EmitVecAccumulate(inst);
    default:
      UNREACHABLE();
  }
}

void Emitter::EmitVecConst(const Inst& inst) {
  Assembler as(b_);
  const Xmm to(NextReg());
  const bool avx = flags_.has_avx();
  switch (static_cast<VecConstKind>(inst.sub)) {
    case VecConstKind::kZero:
      // The shorter form of the same.
      as.xorps(to, to);
      return;
    case VecConstKind::kOnes:
      avx ? as.vpcmpeqd(to, to, to) : as.pcmpeqd(to, to);
      return;
    case VecConstKind::kSplat4:
      as.vbroadcastss(to, Mem32(b_.Constant4(inst.low())));
      return;
    case VecConstKind::kSplat8:
      as.vmovddup(to, Mem64(b_.Constant8(inst.imm64)));
      return;
    case VecConstKind::kPool: {
      const Mem128 memory(VectorConstantRm(inst.low()).address);
      avx ? as.vmovaps(to, memory) : as.movaps(to, memory);
      return;
    }
  }
}

void Emitter::EmitVecThree(const Inst& inst) {
  Assembler as(b_);
  const Xmm a(NextReg());
  const Rm b = NextRm(inst);
  const Xmm to(NextReg());
  const auto emit = [&](const auto& second) {
    switch (inst.op) {
      case Op::kVec3: {
        const auto op = static_cast<SseRvmOp>(inst.sub);
        return flags_.has_avx() ? as.vex(op, to, a, second) : as.sse(op, to, second);
      }
      case Op::kVec3Imm: {
        const auto op = static_cast<SseRvmImmOp>(inst.sub);
        return flags_.has_avx() ? as.vex(op, to, a, second, inst.extra)
                                : as.sse(op, to, second, inst.extra);
      }
      case Op::kVecVex3Imm:
        return as.vex(static_cast<VexRvmImmOp>(inst.sub), to, a, second, inst.extra);
      default:
        return as.evex(static_cast<EvexRvmOp>(inst.sub), to, a, second);
    }
  };
  b.is_reg ? emit(Xmm(b.reg)) : emit(MemoryOperand(b, inst.size));
}

void Emitter::EmitVecTwo(const Inst& inst) {
  Assembler as(b_);
  const bool avx = flags_.has_avx();
  switch (inst.op) {
    case Op::kVecShift: {
      const Xmm a(NextReg());
      const auto op = static_cast<SseShiftImmOp>(inst.sub);
      const Xmm to(NextReg());
      avx ? as.vex(op, to, a, inst.extra) : as.sse(op, to, inst.extra);
      return;
    }
    case Op::kEvexShift: {
      const Xmm a(NextReg());
      as.evex(static_cast<EvexShiftImmOp>(inst.sub), Xmm(NextReg()), a, inst.extra);
      return;
    }
    case Op::kVecMask: {
      const Xmm a(NextReg());
      const auto op = static_cast<MaskToGprOp>(inst.sub);
      const Gpr32 to(NextReg());
      avx ? as.vmask_to_gpr(op, to, a) : as.mask_to_gpr(op, to, a);
      return;
    }
    default:
      break;
  }
  const Rm from = NextRm(inst);
  const Xmm to(NextReg());
  const auto emit = [&](const auto& source) {
    switch (inst.op) {
      case Op::kVec2: {
        const auto op = static_cast<SseRmOp>(inst.sub);
        return avx ? as.vex(op, to, source) : as.sse(op, to, source);
      }
      case Op::kVec2Imm: {
        const auto op = static_cast<SseRmImmOp>(inst.sub);
        return avx ? as.vex(op, to, source, inst.extra) : as.sse(op, to, source, inst.extra);
      }
      case Op::kVecBroadcast:
        return as.vex(static_cast<VexRmOp>(inst.sub), to, source);
      case Op::kVecLow64:
        return avx ? as.vex(SseMoveOp::kMovq, to, source) : as.sse(SseMoveOp::kMovq, to, source);
      default:
        return as.evex(static_cast<EvexRmOp>(inst.sub), to, source);
    }
  };
  from.is_reg ? emit(Xmm(from.reg)) : emit(MemoryOperand(from, inst.size));
}

void Emitter::EmitVecBlendv(const Inst& inst) {
  Assembler as(b_);
  const auto op = static_cast<BlendvOp>(inst.sub);
  const Xmm a(NextReg());
  const Xmm b(NextReg());
  const Xmm mask(NextReg());
  const Xmm to(NextReg());
  flags_.has_avx() ? as.vex(op, to, a, b, mask) : as.sse(op, to, b);
}

void Emitter::EmitVecLane(const Inst& inst) {
  Assembler as(b_);
  const bool avx = flags_.has_avx();
  const Xmm a(NextReg());
  switch (inst.op) {
    case Op::kVecInsert: {
      const auto op = static_cast<InsertOp>(inst.sub);
      const Rm value = NextRm(inst);
      const Xmm to(NextReg());
      const auto emit = [&](const auto& source) {
        avx ? as.vex(op, to, a, source, inst.extra) : as.sse(op, to, source, inst.extra);
      };
      value.is_reg ? emit(Gpr(value.reg)) : emit(MemoryOperand(value, inst.size));
      return;
    }
    case Op::kVecExtract: {
      const auto op = static_cast<ExtractOp>(inst.sub);
      const Gpr to(NextReg());
      avx ? as.vex(op, to, a, inst.extra) : as.sse(op, to, a, inst.extra);
      return;
    }
    case Op::kVecExtractStore: {
      const auto op = static_cast<ExtractOp>(inst.sub);
      const AnyMem to = MemoryOperand(MemoryOf(inst), inst.size);
      avx ? as.vex(op, to, a, inst.extra) : as.sse(op, to, a, inst.extra);
      return;
    }
    case Op::kVecLoadHalf: {
      const auto op = static_cast<SseHalfOp>(inst.sub);
      const Rm from = MemoryOf(inst);
      const Xmm to(NextReg());
      const Mem64 memory(MemoryOperand(from, 8).address());
      avx ? as.vex(op, to, a, memory) : as.sse(op, to, memory);
      return;
    }
    default: {
      const auto op = static_cast<SseHalfOp>(inst.sub);
      const Mem64 memory(MemoryOperand(MemoryOf(inst), 8).address());
      avx ? as.vex(op, memory, a) : as.sse(op, memory, a);
      return;
    }
  }
}

void Emitter::EmitVecAccumulate(const Inst& inst) {
  Assembler as(b_);
  const Xmm to(NextReg());
  const Xmm a(NextReg());
  const Rm b = NextRm(inst);
  const auto emit = [&](const auto& last) {
    switch (inst.op) {
      case Op::kVecFma:
        return as.fma(static_cast<FmaOp>(inst.sub), to, a, last);
      case Op::kEvex3Acc:
        return as.evex(static_cast<EvexRvmOp>(inst.sub), to, a, last);
      default:
        return as.evex(EvexRvmImmOp::kVpternlogd, to, a, last, inst.extra);
    }
  };
  b.is_reg ? emit(Xmm(b.reg)) : emit(MemoryOperand(b, inst.size));
}

}  // namespace gantry::x64
