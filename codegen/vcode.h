// VCode: a function as machine instructions over virtual registers, in final block order.
//
// An instruction is a MachInst, 24 bytes that only its ISA understands, and names no register:
// its registers are the operands that register allocation sees, in an order that the opcode
// fixes, and at emission their allocations in the same order. All arrays are flat and are the
// very arrays that regalloc::Input points to.
//
//   VCode vcode;
//   ... lowering fills it, last instruction first (lower.h) ...
//   RETURN_IF_ERROR(allocator.Allocate(vcode.RegallocInput(), env, options, &output));
//
// Kept from function to function; Clear keeps the memory.
#ifndef GANTRY_CODEGEN_VCODE_H_
#define GANTRY_CODEGEN_VCODE_H_

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "codegen/backward_array.h"
#include "codegen/block_order.h"
#include "codegen/code_records.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen {

// An instruction of some ISA, opaque here: the ISA defines a struct of this size and casts.
struct alignas(8) MachInst {
  unsigned char bytes[24];

  template <typename T>
  static MachInst From(const T& inst) {
    return std::bit_cast<MachInst>(inst);
  }
  template <typename T>
  T As() const {
    return std::bit_cast<T>(*this);
  }
};
static_assert(sizeof(MachInst) == 24);

class VCode {
 public:
  // What a block is beside its instructions.
  struct BlockInfo {
    // Node of the block order; the source block, if it is not an edge block, is its `block`.
    uint32_t source_block = BlockOrder::kNone;
  };

  void Clear();

  size_t num_insts() const { return insts_.size(); }
  size_t num_blocks() const { return blocks_.size(); }
  absl::Span<const MachInst> insts() const { return insts_.span(); }
  absl::Span<const regalloc::Inst> regalloc_insts() const { return regalloc_insts_.span(); }
  absl::Span<const regalloc::Operand> operands() const { return operands_.span(); }
  absl::Span<const SourceLoc> source_locs() const { return source_locs_.span(); }
  absl::Span<const regalloc::Block> blocks() const { return blocks_; }
  absl::Span<const BlockInfo> block_infos() const { return block_infos_; }
  absl::Span<const regalloc::Edge> edges() const { return edges_; }
  uint32_t num_vregs() const { return num_vregs_; }
  size_t num_edge_args() const { return edge_args_.size(); }

  // Views of this object's arrays; good until it changes.
  regalloc::Input RegallocInput() const;

  // --- Side tables that instructions refer to by position -----------------------------------

  // Targets of a jump table: positions of blocks.
  uint32_t AddJumpTable(std::vector<uint32_t> targets) {
    jump_tables_.push_back(std::move(targets));
    return static_cast<uint32_t>(jump_tables_.size() - 1);
  }
  const std::vector<uint32_t>& jump_table(uint32_t index) const { return jump_tables_[index]; }
  // Constants of 16 bytes: the low and the high half.
  using VectorConstant = std::array<uint64_t, 2>;
  uint32_t AddVectorConstant(VectorConstant constant) {
    vector_constants_.push_back(constant);
    return static_cast<uint32_t>(vector_constants_.size() - 1);
  }
  const VectorConstant& vector_constant(uint32_t index) const { return vector_constants_[index]; }

  // --- Facts for the frame -------------------------------------------------------------------

  struct FrameNeeds {
    // Bytes for stack arguments of calls, at the bottom of the frame.
    uint32_t outgoing_bytes = 0;
    // Bytes of the stack arguments this function itself was passed.
    uint32_t incoming_bytes = 0;
    // This function takes them off the stack when it returns.
    bool callee_pops = false;
    // Bytes of the IR's stack slots, and their alignment.
    uint32_t slot_bytes = 0;
    uint32_t slot_alignment = 1;
    // Calls something (and comes back).
    bool has_calls = false;
    // Reads the frame pointer, the return address or incoming stack arguments.
    bool needs_frame_pointer = false;
    // Leaves by a tail call.
    bool has_tail_calls = false;
  };
  FrameNeeds frame;
  ColdCalls cold_calls;

 private:
  friend class VCodeBuilder;

  BackwardArray<MachInst> insts_;
  BackwardArray<regalloc::Inst> regalloc_insts_;
  BackwardArray<regalloc::Operand> operands_;
  BackwardArray<SourceLoc> source_locs_;
  std::vector<regalloc::Block> blocks_;
  std::vector<BlockInfo> block_infos_;
  std::vector<regalloc::Edge> edges_;
  std::vector<VReg> edge_args_;
  std::vector<regalloc::BlockId> preds_;
  std::vector<VReg> block_params_;
  std::vector<PRegSet> clobber_sets_;
  std::vector<VReg> reference_vregs_;
  std::vector<std::vector<uint32_t>> jump_tables_;
  std::vector<VectorConstant> vector_constants_;
  uint32_t num_vregs_ = 0;
};

// Fills a VCode from its end: blocks in reverse order, the instructions of a block in groups,
// last group first. Within a group instructions are given in program order.
//
//   builder.Start(order);
//   builder.BeginBlock(n - 1);
//   builder.Push(inst, operands, flags, clobbers);  // one or more
//   builder.FlushGroup(loc);                        // now they stand before all others
//   builder.EndBlock();
//   ...
//   builder.Finish();
class VCodeBuilder {
 public:
  explicit VCodeBuilder(VCode* vcode) : vcode_(*vcode) {}

  // Clears the VCode and lays out its blocks and edges after the order's nodes.
  void Start(const BlockOrder& order);

  VReg NewVReg(RegClass reg_class) { return VReg(vcode_.num_vregs_++, reg_class); }
  uint32_t num_vregs() const { return vcode_.num_vregs_; }
  // Marks a register of class Int as a reference.
  void MarkReference(VReg reg) { vcode_.reference_vregs_.push_back(reg); }

  void BeginBlock(uint32_t block);
  // Adds an instruction to the end of the present group.
  void Push(const MachInst& inst, absl::Span<const regalloc::Operand> operands,
            uint8_t flags = regalloc::kNoFlags, PRegSet clobbers = PRegSet());
  size_t group_size() const { return group_insts_.size(); }
  // Puts the group before everything flushed so far.
  void FlushGroup(SourceLoc loc);
  void EndBlock();

  // Parameters of the present block.
  void AddBlockParam(VReg reg) { vcode_.block_params_.push_back(reg); }
  // Arguments of the present block's edge number `edge`, in order.
  void SetEdgeArgs(uint32_t edge, absl::Span<const VReg> args);

  // Gives positions from the start. False if the function is past the allocator's limits.
  bool Finish();

 private:
  uint8_t ClobberSet(PRegSet clobbers);

  VCode& vcode_;
  uint32_t block_ = 0;
  std::vector<MachInst> group_insts_;
  std::vector<regalloc::Inst> group_regalloc_insts_;
  std::vector<regalloc::Operand> group_operands_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_VCODE_H_
