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
#include "isa_x64/asm/operations.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/flags.h"
#include "isa_x64/backend/inst.h"
#include "isa_x64/backend/shuffle.h"

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
    IrInst vector;              // kPtest: the vany_true or vall_true.
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
  // For kPtest, in vector_bits.cc. May turn the builder's condition around.
  void AddVectorTest(Builder& builder, const Condition& condition);
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

  // --- vector.cc: the switch by opcode, and what the other files are written with. Each helper
  // makes
  //     one instruction, and its result in `to` or, if that is none, in a new register.
  using Bits128 = codegen::VCode::VectorConstant;
  // The last operand of an instruction on vectors: a register, memory, or a vector constant.
  struct VectorRm {
    VectorRm(VReg of) : reg(of) {}
    VectorRm(const Address& at) : address(at) {}
    VectorRm(const Bits128& bits) : constant(bits) {}
    VReg reg;
    std::optional<Address> address;
    std::optional<Bits128> constant;
  };
  void LowerVector(IrInst inst);
  // False, and a reason to fail, without SSE4.1.
  bool HasVectors();
  static Bits128 SplatBits(uint64_t lane, uint32_t lane_bits);
  // The bits of a v128const or of a splat of a constant.
  std::optional<Bits128> VectorConstant(Value value) const;
  bool IsZeroVector(Value value) const;
  // For operands of 16 bytes: a constant, a load that can be merged, else a register.
  VectorRm VectorRmOf(Value value, bool path_is_single = true);
  // Whether it would not be a register.
  bool IsMemoryVector(Value value) const;
  void EmitVectorConstant(const Bits128& bits, VReg to);
  // A register with the constant. In a loop all its uses share one, which is set at the function's
  // entry; the allocator keeps it or makes it anew.
  VReg VectorConstantReg(const Bits128& bits);
  void EmitSharedConstants();
  // As Lowering::Reg, for operands that are vectors.
  VReg VecReg(Value value);
  VReg Zero() { return VectorConstantReg({0, 0}); }
  void AddVectorRm(Builder& builder, const VectorRm& rm);
  // A definition of its own with AVX, else in the place of the first use.
  void DefVector(Builder& builder, VReg to);
  VReg ToOrNew(VReg to) { return to.is_some() ? to : NewVector(); }
  VReg Vec(SseRvmOp op, VReg a, const VectorRm& b, VReg to = VReg());
  VReg Vec(SseRvmImmOp op, VReg a, const VectorRm& b, uint8_t imm, VReg to = VReg());
  VReg Vec(VexRvmImmOp op, VReg a, const VectorRm& b, uint8_t imm, VReg to = VReg());
  // `bytes` are what memory is read of.
  VReg Vec(SseRmOp op, const VectorRm& a, VReg to = VReg(), uint8_t bytes = 16);
  VReg Vec(SseRmImmOp op, const VectorRm& a, uint8_t imm, VReg to = VReg());
  VReg Vec(SseShiftImmOp op, VReg a, uint8_t amount, VReg to = VReg());
  VReg Vec(VexRmOp op, const VectorRm& a, uint8_t bytes, VReg to = VReg());
  VReg Vec(EvexRvmOp op, VReg a, const VectorRm& b, VReg to = VReg());
  VReg Vec(EvexRmOp op, const VectorRm& a, VReg to = VReg(), uint8_t bytes = 16);
  VReg Vec(EvexShiftImmOp op, VReg a, uint8_t amount, VReg to = VReg());
  VReg Accumulate(EvexRvmOp op, VReg sum, VReg a, const VectorRm& b, VReg to = VReg());
  VReg Ternlog(uint8_t table, VReg a, VReg b, const VectorRm& c, VReg to = VReg());
  // Lanes of `b` where the mask's have their top bit set, else of `a`.
  VReg Blendv(BlendvOp op, VReg a, VReg b, VReg mask, VReg to = VReg());
  VReg VectorNot(VReg a, VReg to = VReg());
  void MoveVector(VReg from, VReg to);
  // op(x, y) of an instruction with two operands, of which the second may be in memory, and the
  // first too if they may be exchanged.
  void LowerVector3(IrInst inst, SseRvmOp op, bool commutes);
  void LowerVector2(IrInst inst, SseRmOp op);
  bool has_avx512() const { return flags_.has_avx512vl(); }

  // --- vector_integer.cc
  void LowerVectorSum(IrInst inst, bool subtract);
  void LowerVectorMul(IrInst inst);
  void LowerVectorNegAbs(IrInst inst);
  void LowerVectorMinMax(IrInst inst);
  void LowerVectorPopcnt(IrInst inst);
  void LowerVectorNarrow(IrInst inst);
  void LowerVectorExtend(IrInst inst);
  void LowerVectorExtadd(IrInst inst);
  void LowerVectorExtmul(IrInst inst);
  void LowerVectorDot(IrInst inst);
  void LowerVectorQ15(IrInst inst);
  bool LowerVectorDotAdd(IrInst inst);
  // The upper half of `value`'s lanes widened to `shape`.
  VReg ExtendHigh(VReg value, Type shape, bool is_signed, VReg to = VReg());
  // Lanes of I16X8: the signed upper, the signed lower bytes; lanes of I32X4 summed of such
  // products.
  VReg SignedLowBytes(VReg value);

  // --- vector_shift.cc
  void LowerVectorShift(IrInst inst);
  void ShiftConstant(VReg result, VReg value, Type shape, codegen::Opcode op, uint8_t amount);
  void ShiftBytesConstant(VReg result, VReg value, codegen::Opcode op, uint8_t amount);
  void ShiftVariable(VReg result, VReg value, Type shape, codegen::Opcode op, VReg amount);
  void ShiftBytesVariable(VReg result, VReg value, codegen::Opcode op, VReg amount);
  // The amount modulo the lane, plus `add`, in a vector register.
  VReg ShiftCount(VReg amount, uint32_t lane_bits, int32_t add);
  bool LowerVectorRotate(IrInst inst);

  // --- vector_bits.cc
  void LowerVectorCompare(const InstData& data, codegen::IntCC cc, VReg result);
  // The lanes where the comparison holds or, if CompareIsInverse, where it does not.
  VReg CompareVectors(Type shape, codegen::IntCC cc, Value x, Value y, VReg to);
  bool CompareIsInverse(Type shape, codegen::IntCC cc) const;
  VReg CompareGreater64(VReg x, VReg y, VReg to);
  void LowerVectorFloatCompare(const InstData& data, codegen::FloatCC cc, VReg result);
  void LowerVectorLogic(IrInst inst);
  bool LowerVectorTernary(IrInst inst);
  void LowerVectorBitselect(IrInst inst);
  void LowerVectorBlend(IrInst inst);
  void LowerVectorTest(IrInst inst);
  void LowerVectorBitmask(IrInst inst);
  // Whether each byte of the value is all ones or zero.
  bool IsByteMask(Value value) const;

  // --- vector_lanes.cc
  void LowerVectorSplat(IrInst inst);
  void LowerVectorScalar(IrInst inst);
  void LowerVectorExtract(IrInst inst);
  void LowerVectorReplace(IrInst inst);
  void LowerVectorShuffle(IrInst inst);
  void LowerVectorSwizzle(IrInst inst);
  void ShuffleOne(VReg value, const ShuffleBytes& lanes, VReg to);
  void EmitShuffle(const ShuffleMatch& match, VReg x, const VectorRm& y, VReg to);
  void LowerGeneralShuffle(Value x, Value y, const ShuffleBytes& lanes, VReg result);
  // All bytes are known to be less than 16.
  bool BytesBelow16(Value value) const;
  // The low `bytes` of an integer register, with zeroes above; the low half of a vector likewise.
  VReg MoveToVector(VReg from, uint8_t bytes, VReg to = VReg());
  void MoveLow64(VReg from, VReg to);
  // A load of a lane of `bytes` bytes that can be merged here.
  std::optional<Address> SinkLane(Value value, uint32_t bytes);
  // The load under a vscalar of that width and one use.
  std::optional<Address> SinkScalarLoad(Value value, uint32_t bytes);
  // Stores a lane straight from the vector.
  bool LowerLaneStore(IrInst inst, uint8_t bytes);

  // --- vector_float.cc
  void LowerVectorFloat(IrInst inst);
  void LowerVectorFloatMinMax(IrInst inst);
  void LowerVectorFma(IrInst inst);
  void LowerVectorFromUint(IrInst inst);
  void LowerVectorToInt(IrInst inst);
  void LowerVectorF32ToInt(IrInst inst, bool is_signed, bool saturating);
  void LowerVectorF64ToInt(IrInst inst, bool is_signed, bool saturating);

  // --- control.cc
  const AbiSignature& AbiOf(codegen::SigRef sig);
  void LowerBranch(IrInst inst, absl::Span<const uint32_t> targets);
  void LowerBranchTable(IrInst inst, absl::Span<const uint32_t> targets);
  void LowerCall(IrInst inst);
  void LowerTailCall(IrInst inst);
  void LowerReturn(IrInst inst);
  void LowerFuel(IrInst inst);
  void LowerPoll(IrInst inst);
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
  struct SharedConstant {
    Bits128 bits;
    VReg reg;
  };
  std::vector<SharedConstant> shared_constants_;
  // Offset of each stack slot in the frame's slot area.
  std::vector<uint32_t> slot_offsets_;
};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_LOWERING_H_
