// Lowering: IR to VCode, by one walk over the function from its end.
//
// The driver (Lowering) owns the walk: block order, use counts, which values need a register,
// block parameters and arguments. An ISA supplies a LowerBackend, whose methods turn one IR
// instruction into machine instructions by asking the driver for registers and patterns:
//
//   void LowerInst(Lowering& ctx, Inst inst) {
//     ...
//     VReg a = ctx.Reg(data.arg(0));             // constants are made right here
//     ctx.Emit(MakeAdd(), {Operand::Use(a), ..., Operand::Def(ctx.Result(inst))});
//   }
//
// Walking from the end means that an instruction is met after all its users: what no one asked
// a register for and has no effect is never lowered, and a user that has absorbed its operand
// (a load, a comparison) simply has not asked.
//
// The widths contract. A virtual register of class Int holds a value of type I8, I16 or I32
// zero-extended to 64 bits, always: across blocks, calls, spills, moves. So uextend costs
// nothing (Reg looks through it), and whoever writes such a register must clear the rest.
// Looking at what defines a value (DefInst) never looks through an extension: a 32-bit
// computation is not part of a 64-bit address (lessons rows 1 and 8).
//
// Sinking a load into its user (SinkableLoad) takes: the only use of its value; the same block;
// no instruction between that could change what it reads or whether it is reached.
#ifndef GANTRY_CODEGEN_LOWER_H_
#define GANTRY_CODEGEN_LOWER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/block_order.h"
#include "codegen/ir/function.h"
#include "codegen/regalloc/interface.h"
#include "codegen/vcode.h"

namespace gantry::codegen {

class Lowering;

// One function's lowering by an ISA. Errors (an opcode that the ISA refuses) are reported by
// Lowering::Fail.
class LowerBackend {
 public:
  virtual ~LowerBackend() = default;

  // Before anything is lowered.
  virtual void Begin(Lowering& ctx) = 0;
  // An instruction that is not a terminator and whose results (one at least) or effects count.
  virtual void LowerInst(Lowering& ctx, Inst inst) = 0;
  // A terminator; `targets` are positions of blocks, one per distinct target as
  // Lowering::target_of_entry tells for a br_table, in the order of the block calls else.
  virtual void LowerTerminator(Lowering& ctx, Inst inst, absl::Span<const uint32_t> targets) = 0;
  // A jump that no IR instruction stands for: the end of an edge block.
  virtual void LowerJump(Lowering& ctx, uint32_t target) = 0;
  // The function's arguments, into the registers of those parameters that are used.
  virtual void LowerEntry(Lowering& ctx, absl::Span<const Value> params) = 0;
  // A scalar constant of `type` with the given bits, or a vector constant by its halves, into
  // `reg`.
  virtual void LowerConstant(Lowering& ctx, VReg reg, Type type, uint64_t bits) = 0;
  virtual void LowerVectorConstant(Lowering& ctx, VReg reg, uint64_t low, uint64_t high) = 0;
};

class Lowering {
 public:
  // The memory of all parts is kept from function to function.
  Lowering() : builder_(&vcode_) {}

  // Lowers the function; the result is in vcode(). kResourceExhausted ("function too large")
  // past the allocator's limits, kUnimplemented where the ISA refuses something. `loop_depth`
  // has the number of loops around each block, by block number.
  absl::Status Run(const FunctionStencil& func, absl::Span<const uint16_t> loop_depth,
                   uint64_t chaos_seed, LowerBackend& backend);

  VCode& vcode() { return vcode_; }
  const VCode& vcode() const { return vcode_; }
  const BlockOrder& order() const { return order_; }

  // Steps that the last Run took, for tests that they are linear.
  uint64_t work() const;

  // ---- The IR, for patterns.
  const FunctionStencil& func() const { return *func_; }
  const DataFlowGraph& dfg() const { return func_->dfg; }
  const InstData& data(Inst inst) const { return func_->dfg.inst(inst); }
  Type type(Value value) const { return func_->dfg.value_type(value); }
  // The instruction that defines the value; none if it is a block parameter. Parameters of a
  // block with one predecessor count as what is passed.
  Inst DefInst(Value value) const { return dfg().defining_inst(Resolve(value)); }
  // The defining instruction if it has that opcode.
  Inst DefInst(Value value, Opcode opcode) const {
    const Inst inst = DefInst(value);
    return inst.is_some() && data(inst).opcode() == opcode ? inst : Inst::None();
  }
  // Bits of an iconst, zero-extended from its type.
  std::optional<uint64_t> IntConstant(Value value) const;
  // The same sign-extended, if it fits 32 bits.
  std::optional<int32_t> SignedConstant32(Value value) const;
  // The only place that uses the value is one operand of one instruction.
  bool HasOneUse(Value value) const { return values_[Resolve(value).index()].uses == 1; }

  // True if both are the same value once parameters are looked through.
  bool IsSame(Value a, Value b) const { return Resolve(a) == Resolve(b); }

  // ---- Registers.
  // The register that holds the value at the present instruction.
  VReg Reg(Value value);
  // The register for a result; each result of a lowered instruction must be defined, used or
  // not.
  VReg Result(Inst inst, size_t position = 0) { return RegOf(dfg().result(inst, position)); }
  bool IsResultUsed(Inst inst, size_t position = 0) const {
    return values_[dfg().result(inst, position).index()].reg.is_some();
  }
  bool IsUsed(Value value) const { return values_[value.index()].reg.is_some(); }
  // For a parameter or result known to be used.
  VReg RegOf(Value value);
  VReg NewReg(RegClass reg_class) { return builder_.NewVReg(reg_class); }
  static RegClass ClassOf(Type type) { return IsInt(type) ? RegClass::kInt : RegClass::kVector; }

  // ---- Merging an operand's instruction into the present one.
  // The load that defines `value`, if it may be done as part of the present instruction in
  // place of where it stands; the caller then must call Sink. `path_is_single` says that every
  // instruction between the present one and the load was merged and has one use.
  Inst SinkableLoad(Value value, bool path_is_single = true) const;
  // The instruction is now part of the present one and is not lowered by itself.
  void Sink(Inst inst) { sunk_[inst.index()] = true; }
  // A trapnz of the condition that stands in front of the present instruction with nothing but pure
  // instructions between, so that it may be done as part of it; the caller then must call Sink.
  Inst SinkableTrap(Value condition) const;
  // How many operands are the value.
  uint32_t NumUses(Value value) const { return values_[Resolve(value).index()].uses; }

  // ---- What is the same for every ISA.
  // Lays out the function's stack slots: `offsets` gets where each begins in their area, whose size
  // and alignment the VCode's frame gets. Fails where they are too large.
  void LayOutStackSlots(std::vector<uint32_t>* offsets);
  // What a fuel_charge or fuel_check is: so many units, and whether what is left is checked. None
  // where nothing has to be emitted, or nothing can, which fails. `has_register`: there is one for
  // the fuel.
  struct FuelStep {
    uint32_t amount = 0;
    bool checks = false;
  };
  std::optional<FuelStep> FuelStepOf(Inst inst, bool has_register);
  // Whether poll_word and poll_page can be emitted; else it fails.
  bool CheckPoll();

  // ---- Output.
  void Emit(const MachInst& inst, absl::Span<const regalloc::Operand> operands,
            uint8_t flags = regalloc::kNoFlags, PRegSet clobbers = PRegSet()) {
    builder_.Push(inst, operands, flags, clobbers);
  }
  // Position among the block calls of its distinct targets for each entry of a br_table, the
  // default last. For the terminator being lowered.
  absl::Span<const uint32_t> target_of_entry() const { return target_of_entry_; }
  // Whether the present block is in a loop.
  bool InLoop() const { return order_.nodes()[block_].loop_depth != 0; }
  // The block after the present one in final order, kNone at the end.
  uint32_t next_block() const {
    return block_ + 1 < order_.nodes().size() ? block_ + 1 : BlockOrder::kNone;
  }
  // Records why the function can't be compiled; the first reason counts.
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

 private:
  struct ValueInfo {
    VReg reg;
    uint32_t uses = 0;
    // For a parameter of a block with one predecessor, what is passed.
    Value same_as;
  };
  // Where an instruction stands among those with effects; see SinkableLoad.
  struct InstPlace {
    uint32_t memory = 0;
    uint32_t traps = 0;
  };

  Value Resolve(Value value) const {
    const Value same = values_[value.index()].same_as;
    return same.is_some() ? same : value;
  }
  void CollectTargets(Inst terminator);
  void BuildOrder(absl::Span<const uint16_t> loop_depth, uint64_t chaos_seed);
  void Prepare();
  void ForwardParams(uint32_t index);
  void PrepareInst(Inst inst, std::optional<TrapCode>* load_trap, InstPlace* place);
  void LowerNode(uint32_t index);
  void LowerBody(Inst terminator);
  void SetEdgeArgs(uint32_t edge, const BlockCall& call, uint32_t target);
  SourceLoc LocOf(Inst inst) const { return SourceLoc(func_->relative_locs.Get(inst)); }

  const FunctionStencil* func_ = nullptr;
  LowerBackend* backend_ = nullptr;
  VCode vcode_;
  VCodeBuilder builder_;
  BlockOrder order_;
  absl::Status status_;

  std::vector<ValueInfo> values_;
  std::vector<InstPlace> places_;
  std::vector<uint8_t> sunk_;

  uint32_t block_ = 0;
  // The instruction being lowered.
  Inst anchor_;

  std::vector<BlockOrder::SourceBlock> source_blocks_;
  std::vector<uint32_t> successors_;
  std::vector<uint32_t> source_position_;
  // Distinct block calls of every block's terminator; SourceBlock::successors is the range.
  std::vector<BlockCall> targets_;
  size_t total_targets_ = 0;
  std::vector<uint32_t> target_of_entry_;
  // Per block, the position + 1 of the last call to it; zero between uses.
  std::vector<uint32_t> last_target_;
  std::vector<VReg> edge_args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_LOWER_H_
