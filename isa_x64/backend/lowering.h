// Lowering of IR to x64 VCode: one switch by opcode (lowering.cc) over methods that stand in a
// file per subject, on helpers that match operands (operands.cc).
#ifndef GANTRY_ISA_X64_BACKEND_LOWERING_H_
#define GANTRY_ISA_X64_BACKEND_LOWERING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "codegen/lower.h"
#include "codegen/settings.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/flags.h"
#include "isa_x64/backend/inst.h"

namespace gantry::x64 {

// The immediate of roundss and roundsd, with the precision exception off.
inline constexpr int kRoundNearest = 8;
inline constexpr int kRoundDown = 9;
inline constexpr int kRoundUp = 10;
inline constexpr int kRoundToZero = 11;

class X64Lowering final : public codegen::LowerBackend {
 public:
  using Lowering = codegen::Lowering;
  using Value = codegen::Value;
  using IrInst = codegen::Inst;
  using InstData = codegen::InstData;
  using Type = codegen::Type;
  using VReg = codegen::VReg;
  using Operand = codegen::regalloc::Operand;
  using OperandList = absl::InlinedVector<Operand, 8>;

  X64Lowering(const codegen::SharedFlags& shared, const X64Flags& flags)
      : shared_(shared), flags_(flags) {}

  void Begin(Lowering& ctx) override;
  void LowerInst(Lowering& ctx, IrInst inst) override;
  void LowerTerminator(Lowering& ctx, IrInst inst, absl::Span<const uint32_t> targets) override;
  void LowerJump(Lowering& ctx, uint32_t target) override;
  void LowerEntry(Lowering& ctx, absl::Span<const Value> params) override;
  void LowerConstant(Lowering& ctx, VReg reg, Type type, uint64_t bits) override;
  void LowerVectorConstant(Lowering& ctx, VReg reg, uint64_t low, uint64_t high) override;

 private:
  // An instruction in the making: its operands are added in the order that the opcode fixes.
  struct Builder {
    Inst inst;
    OperandList operands;

    explicit Builder(Op op, uint8_t size = 8) {
      inst.op = op;
      inst.size = size;
    }
    Builder& Use(VReg reg) {
      operands.push_back(Operand::Use(reg));
      return *this;
    }
    Builder& UseAny(VReg reg) {
      operands.push_back(Operand::Use(reg, codegen::regalloc::Constraint::kAny));
      return *this;
    }
    Builder& UseLate(VReg reg) {
      operands.push_back(Operand::Use(reg, codegen::regalloc::Constraint::kReg,
                                      codegen::regalloc::OperandPosition::kLate));
      return *this;
    }
    Builder& UseFixed(VReg reg, codegen::PReg fixed) {
      operands.push_back(Operand::FixedUse(reg, fixed));
      return *this;
    }
    Builder& Def(VReg reg) {
      operands.push_back(Operand::Def(reg));
      return *this;
    }
    Builder& DefFixed(VReg reg, codegen::PReg fixed) {
      operands.push_back(Operand::FixedDef(reg, fixed));
      return *this;
    }
    // A definition in the register of use `input`.
    Builder& Reuse(VReg reg, uint8_t input = 0) {
      operands.push_back(Operand::ReuseDef(reg, input));
      return *this;
    }
    Builder& Temp(VReg reg) {
      operands.push_back(Operand::Temp(reg));
      return *this;
    }
    Builder& Imm(int32_t imm) {
      inst.imm = imm;
      inst.flags |= Inst::kHasImm;
      return *this;
    }
  };
  void Emit(const Builder& builder, uint8_t flags = codegen::regalloc::kNoFlags) {
    ctx_->Emit(codegen::MachInst::From(builder.inst), builder.operands, flags);
  }

  // A place in memory, ready to be put into a Builder.
  struct Address {
    AddrKind kind = AddrKind::kBase;
    VReg base;
    VReg index;
    uint8_t scale = 0;
    int64_t disp = 0;
    std::optional<codegen::TrapCode> trap;
  };
  // `late`: its registers keep their values until the instruction is done.
  static void AddAddress(Builder& builder, const Address& address, bool late = false);

  // --- operands.cc
  // address + offset as base + index << scale + displacement.
  Address MatchAddress(Value address, int32_t offset);
  Address AddressOf(const InstData& data);
  Address SlotAddress(codegen::StackSlot slot, int32_t offset);
  // Adds an rm operand for `value` read at `bytes` bytes: a sunk load of exactly that width,
  // or a register or spill slot. A wider value may be passed where only its low bytes count.
  void AddRm(Builder& builder, Value value, uint8_t bytes, bool path_is_single = true);
  // Same for floats; constants come from the constant pool.
  void AddFloatRm(Builder& builder, Value value, bool path_is_single = true);
  // If `value` is a load of exactly `bytes` bytes that can be sunk here, its address; sunk.
  std::optional<Address> SinkLoad(Value value, uint8_t bytes, bool path_is_single);
  // A register whose low 32 bits are the value's low 32 bits: looks through ireduce.
  VReg Low32(Value value);
  // For an operand of `type` of which only its own bits are read.
  VReg LowBits(Value value, Type type) {
    return type == Type::kI64 ? ctx_->Reg(value) : Low32(value);
  }
  // The immediate of an operation of `type`'s width, as 32 bits that sign-extend to it.
  std::optional<int32_t> Immediate(Value value) const;
  VReg NewInt() { return ctx_->NewReg(codegen::RegClass::kInt); }
  VReg NewVector() { return ctx_->NewReg(codegen::RegClass::kVector); }

  // --- compare.cc
  // A comparison with its operands still in the IR.
  struct Condition {
    CompareKind kind = CompareKind::kTest;
    Cond cc = Cond::kNe;
    uint8_t bytes = 4;
    Value left;
    Value right;
    bool single = true;         // Merged instructions have this one user.
    bool against_zero = false;  // `right` is none; left is tested against itself.
  };
  // `is_present`: the value is the result of the instruction being lowered, or has no users but
  // that.
  Condition MatchCondition(Value value, bool is_present = false);
  // Makes the condition a test of the bits of an and whose result is `value`.
  void SetTest(Condition& condition, Value value, IrInst band);
  // Puts the comparison's operands into the builder (first), and what it is into the Inst.
  void AddCompare(Builder& builder, const Condition& condition);
  void AddIntCompare(Builder& builder, const Condition& condition);
  void LowerIcmpOrFcmp(IrInst inst);
  void LowerSelect(IrInst inst);
  void LowerCondTrap(IrInst inst, bool trap_if);

  // --- integer.cc
  void LowerAlu(IrInst inst, AluKind op);
  void LowerIadd(IrInst inst);
  void LowerImul(IrInst inst);
  void LowerUnary(IrInst inst, UnaryKind op);
  void LowerBandNot(IrInst inst);
  void LowerShift(IrInst inst, ShiftKind op);
  void LowerMulWide(IrInst inst, bool is_signed, bool low, bool high);
  void LowerDivision(IrInst inst, bool is_signed, bool remainder);
  void LowerOverflow(IrInst inst, AluKind op, Cond cc);
  void LowerCarry(IrInst inst, AluKind op);
  void LowerBitCount(IrInst inst);
  void LowerBswap(IrInst inst);
  void LowerExtend(IrInst inst, bool is_signed);
  // The low `bytes` of `from`, zero-extended, into `to`.
  void EmitZeroExtend(VReg to, VReg from, uint8_t bytes);
  // Where a computation in 32 bits goes: the result, or a register to be cleared above a
  // narrow type by FinishNarrow.
  VReg NarrowResult(IrInst inst);
  void FinishNarrow(IrInst inst, VReg computed);
  void AddRmOf(Builder& builder, Value value, Type type);
  void EmitAddImmediate(VReg result, Value value, int32_t imm, Type type);
  // a + b + imm in one lea, with a scale where one is shifted by so much. I32 and I64.
  void EmitSum(VReg result, Value a, Value b, int32_t imm, Type type);
  void EmitShiftImmediate(VReg result, VReg value, ShiftKind op, uint8_t amount, uint8_t size);
  VReg EmitAluImmediate(AluKind op, VReg value, int32_t imm, uint8_t size);
  VReg EmitAlu(AluKind op, VReg a, VReg b, uint8_t size);
  void EmitPopcntByParts(VReg result, VReg value, uint8_t size);

  // --- memory.cc
  void LowerLoad(IrInst inst);
  void LowerStore(IrInst inst);
  bool LowerReadModifyWrite(IrInst inst, uint8_t bytes);
  void EmitLoad(VReg to, Type type, const Address& address);
  void EmitStore(VReg from, Type type, const Address& address);

  // --- atomics.cc
  void LowerAtomicStore(IrInst inst);
  void LowerAtomicRmw(IrInst inst);
  void LowerAtomicCas(IrInst inst);
  // Where an atomic instruction puts what memory held: the result, or a register of which
  // FinishAtomic takes the low bytes.
  VReg AtomicResult(IrInst inst);
  void FinishAtomic(IrInst inst, VReg found);

  // --- float.cc
  void LowerSse(IrInst inst, SseKind op);
  void LowerSqrt(IrInst inst);
  void LowerRound(IrInst inst, int mode);
  void LowerFabs(IrInst inst);
  void LowerFneg(IrInst inst);
  void LowerCvtFloat(IrInst inst);
  void LowerCopysign(IrInst inst);
  void LowerMinMax(IrInst inst, bool max);
  void LowerFromInt(IrInst inst, bool is_signed);
  void LowerToInt(IrInst inst, bool is_signed, bool saturating);
  void LowerBitcast(IrInst inst);
  void EmitSse(SseKind op, uint8_t size, VReg result, VReg a, VReg b);
  // On all 16 bytes, with the constant twice.
  void EmitSseConstant(SseKind op, VReg result, VReg a, uint64_t constant);

  // --- control.cc
  const AbiSignature& AbiOf(codegen::SigRef sig);
  void LowerBranch(IrInst inst, absl::Span<const uint32_t> targets);
  void LowerBranchTable(IrInst inst, absl::Span<const uint32_t> targets);
  void LowerCall(IrInst inst);
  void LowerTailCall(IrInst inst);
  void LowerReturn(IrInst inst);
  // Stores stack arguments and adds the register ones to `call`.
  void PassArguments(Builder& call, const AbiSignature& abi, absl::Span<const Value> args,
                     VReg result_area);

  const codegen::SharedFlags& shared_;
  const X64Flags& flags_;
  Lowering* ctx_ = nullptr;
  AbiSignature own_abi_;
  // Address of the area for this function's results in memory; none if it has none.
  VReg result_area_;
  bool uses_result_area_ = false;
  std::vector<AbiSignature> abis_;
  std::vector<bool> abi_known_;
  // Offset of each stack slot in the frame's slot area.
  std::vector<uint32_t> slot_offsets_;
};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_LOWERING_H_
