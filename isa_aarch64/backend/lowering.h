// Lowering of IR to AArch64 VCode: one switch by opcode (lowering.cc) over methods that stand in a
// file per subject.
#ifndef GANTRY_ISA_AARCH64_BACKEND_LOWERING_H_
#define GANTRY_ISA_AARCH64_BACKEND_LOWERING_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "codegen/lower.h"
#include "codegen/settings.h"
#include "isa_aarch64/backend/abi.h"
#include "isa_aarch64/backend/flags.h"
#include "isa_aarch64/backend/inst.h"

namespace gantry::aarch64 {

class AArch64Lowering final : public codegen::LowerBackend {
 public:
  using Lowering = codegen::Lowering;
  using Value = codegen::Value;
  using IrInst = codegen::Inst;
  using InstData = codegen::InstData;
  using Type = codegen::Type;
  using VReg = codegen::VReg;
  using Operand = codegen::regalloc::Operand;
  using OperandList = absl::InlinedVector<Operand, 8>;

  AArch64Lowering(const codegen::SharedFlags& shared, const AArch64Flags& flags)
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
    Builder& SetRow(Row row, uint32_t bits = 0) {
      inst.set_row(row);
      inst.bits = bits;
      return *this;
    }
  };
  void Emit(const Builder& builder, uint8_t flags = codegen::regalloc::kNoFlags) {
    ctx_->Emit(codegen::MachInst::From(builder.inst), builder.operands, flags);
  }
  // One row of the table; for those that change a register, that is the first use.
  void EmitRow(Row row, VReg to, std::initializer_list<VReg> uses, uint32_t bits = 0);
  // The same, with its result in a new register.
  VReg IntRow(Row row, std::initializer_list<VReg> uses, uint32_t bits = 0);
  VReg VecRow(Row row, std::initializer_list<VReg> uses, uint32_t bits = 0);
  void EmitMove(VReg to, VReg from);
  VReg NewInt() { return ctx_->NewReg(codegen::RegClass::kInt); }
  VReg NewVector() { return ctx_->NewReg(codegen::RegClass::kVector); }

  // --- Operands.
  // As Lowering::Reg, for scalars. In a loop uses of a constant share one register, which is set at
  // the function's entry; the allocator keeps it or makes it anew.
  VReg Reg(Value value);
  // A register whose low 32 bits are the value's low 32 bits: looks through ireduce.
  VReg Low32(Value value);
  // For an operand of `type` of which only its own bits are read.
  VReg LowBits(Value value, Type type) { return type == Type::kI64 ? Reg(value) : Low32(value); }
  // A constant's bits, zero-extended; none if it is not one.
  std::optional<uint64_t> Constant(Value value) const { return ctx_->IntConstant(value); }
  // An operand of `type`, I32 or I64, as a register and how it is shifted.
  struct Shifted {
    VReg reg;
    uint32_t bits = 0;
  };
  // The shift by a constant that makes `value`, if it has no other use and `rotates` allows it.
  std::optional<Shifted> MatchShift(Value value, Type type, bool rotates);

  // --- compare.cc
  // A comparison whose operands have registers.
  struct Compare {
    enum class Kind : uint8_t {
      kFlags,  // A row that sets the flags.
      kZero,   // n against zero.
      kBit,    // One bit of n.
    };
    Kind kind = Kind::kZero;
    Row row = Row::kCmpX;
    uint32_t bits = 0;
    uint8_t size = 8;
    uint8_t bit = 0;
    Cond cc = Cond::kNe;
    VReg n;
    VReg m;
    // A conditional comparison behind it, which `cc` is then of.
    std::optional<Link> link = {};
    VReg link_n = {};
    VReg link_m = {};
  };
  Compare MatchCondition(Value value);
  Compare IntCompare(codegen::IntCC cc, Value left, Value right, Type type);
  Compare FloatCompare(const InstData& data);
  Compare TestOf(IrInst band, Cond cc);
  // Whether the value is 0 or 1 by one comparison or a chain, with one condition of the machine.
  bool IsCondition(Value value) const;
  // Whether the operands of a band or bor are comparisons without other uses that one chain can
  // make, and that chain.
  bool IsChain(IrInst logic) const;
  Compare ChainOf(IrInst logic);
  // Whether a comparison can be a conditional one, and without a constant in a register.
  bool CanLink(IrInst comparison) const;
  bool LinksWithImmediate(IrInst comparison) const;
  // An icmp or fcmp by itself.
  Compare ComparisonOf(IrInst comparison);
  void EmitCset(VReg to, const Compare& compare);
  // a + 1 where `condition` holds, else a. False where it is not an IsCondition without other uses.
  bool EmitConditionalIncrement(VReg to, Value a, Value condition, Type type);
  static Compare ToFlags(const Compare& compare);
  // Puts the comparison's operands into the builder (first), and what it is into the Inst.
  static void AddCompare(Builder& builder, const Compare& compare);
  void LowerIcmpOrFcmp(IrInst inst);
  void LowerSelect(IrInst inst);
  void LowerCondTrap(IrInst inst, bool trap_if);
  void EmitTrapIf(const Compare& compare, codegen::TrapCode code);

  // --- integer.cc
  void LowerIadd(IrInst inst);
  void LowerIsub(IrInst inst);
  void LowerLogic(IrInst inst);
  void LowerImul(IrInst inst);
  void LowerMulWide(IrInst inst, bool is_signed);
  void LowerMulHigh(IrInst inst, bool is_signed);
  void LowerDivision(IrInst inst, bool is_signed, bool remainder);
  void LowerOverflow(IrInst inst, Row row, Cond cc);
  void LowerCarry(IrInst inst, bool subtract);
  void LowerShift(IrInst inst);
  // The low half, zero-extended, of a sum, difference or product of 64 bits without other uses: the
  // operation in 32 bits. False if it is none of them.
  bool EmitLow32(VReg to, Value wide);
  // A left shift by a constant of a value that is masked down to its low bits; false if it is none.
  bool LowerMaskedShift(IrInst inst);
  // A field of one value put into another: bfm. False where a bor is not that.
  bool LowerInsertion(IrInst bor);
  struct Field {
    Value value;
    // The lowest bit.
    uint32_t from = 0;
  };
  std::optional<Field> MatchField(Value value, Type type, uint64_t run, uint32_t lsb);
  struct WideProduct {
    bool is_signed;
    Value a, b;
  };
  std::optional<WideProduct> MatchWideProduct(IrInst mul);
  // The low `width` bits of `from` at `lsb`, zero elsewhere. At most as many as there are.
  void EmitInsertInZero(VReg to, VReg from, uint32_t lsb, uint32_t width, Type type);
  void LowerRotate(IrInst inst);
  void LowerBitCount(IrInst inst);
  void LowerExtend(IrInst inst, bool is_signed);
  VReg NarrowResult(IrInst inst);
  void FinishNarrow(IrInst inst, VReg computed);
  void EmitZeroExtend(VReg to, VReg from, uint32_t bits);
  void EmitSignExtend(VReg to, VReg from, uint32_t bits, Type type);
  void EmitShiftConstant(VReg to, VReg from, codegen::Opcode op, uint32_t amount, Type type);
  // to = from + imm in 32 or 64 bits.
  void EmitAddConstant(VReg to, VReg from, int64_t imm, Type type);
  VReg ConstantReg(uint64_t bits, Type type);

  // --- memory.cc
  // A place in memory, ready to be put into a Builder.
  struct Address {
    AddrKind kind = AddrKind::kBase;
    VReg base;
    VReg index;
    int64_t disp = 0;
    std::optional<codegen::TrapCode> trap;
  };
  static void AddAddress(Builder& builder, const Address& address);
  Address MatchAddress(Value address, int32_t offset, uint32_t bytes);
  Address AddressOf(const InstData& data, uint32_t bytes);
  Address SlotAddress(codegen::StackSlot slot, int32_t offset);
  VReg EmitAddress(const Address& address, uint32_t bytes);
  void EmitLoad(VReg to, Type type, const Address& address);
  void EmitStore(VReg from, Type type, const Address& address);
  void LowerLoad(IrInst inst);
  void LowerStore(IrInst inst);
  void LowerAtomicLoad(IrInst inst);
  void LowerAtomicStore(IrInst inst);
  void LowerAtomicRmw(IrInst inst);
  void LowerAtomicCas(IrInst inst);
  void SetTrap(Builder& builder, const InstData& data);

  // --- float.cc
  void LowerFloat3(IrInst inst, Row row);
  void LowerFloat2(IrInst inst, Row row);
  void LowerCopysign(IrInst inst);
  void LowerFromInt(IrInst inst, bool is_signed);
  void LowerToInt(IrInst inst, bool is_signed, bool saturating);
  void LowerBitcast(IrInst inst);

  // --- vector.cc, vector_lanes.cc
  using Bits128 = codegen::VCode::VectorConstant;
  void LowerVector(IrInst inst);
  static Bits128 SplatBits(uint64_t lane, uint32_t lane_bits);
  std::optional<Bits128> VectorConstant(Value value) const;
  bool IsZeroVector(Value value) const;
  // As Lowering::Reg, for operands that are vectors. In a loop all uses of a constant share one
  // register, which is set at the function's entry; the allocator keeps it or makes it anew.
  VReg VecReg(Value value);
  VReg VectorConstantReg(const Bits128& bits);
  void EmitVectorConstant(const Bits128& bits, VReg to);
  void EmitSharedConstants();
  void LowerVector3(IrInst inst, Row row);
  void LowerVector2(IrInst inst, Row row);
  void LowerVectorMul64(IrInst inst);
  void LowerVectorShift(IrInst inst);
  void LowerVectorCompare(IrInst inst);
  void LowerVectorFloatCompare(IrInst inst);
  void LowerVectorBlend(IrInst inst);
  void LowerVectorNarrow(IrInst inst, Row row);
  void LowerVectorDot(IrInst inst);
  void LowerVectorPseudoMinMax(IrInst inst);
  void LowerVectorFma(IrInst inst);
  void LowerVectorFromInt(IrInst inst, bool is_signed);
  void LowerVectorToInt(IrInst inst, bool is_signed, bool saturating);
  void LowerVectorBitmask(IrInst inst);
  void LowerVectorSplat(IrInst inst);
  void LowerVectorScalar(IrInst inst);
  void LowerVectorExtract(IrInst inst);
  void LowerVectorReplace(IrInst inst);
  void LowerVectorShuffle(IrInst inst);
  // Not zero if any bit is set: a register of 64 bits.
  VReg EmitAnyTrue(VReg vector);
  // A comparison of a vany_true or vall_true with what makes it true.
  Compare MatchVectorTest(IrInst test);

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
  const AArch64Flags& flags_;
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
  // Scalars of one class.
  struct SharedScalar {
    Type type;
    uint64_t bits;
    VReg reg;
  };
  std::vector<SharedScalar> shared_ints_, shared_floats_;
  // Offset of each stack slot in the frame's slot area.
  std::vector<uint32_t> slot_offsets_;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_LOWERING_H_
